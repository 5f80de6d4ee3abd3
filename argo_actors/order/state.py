"""What an order actor remembers, and what follows from it at a glance.

The phase is not stored: it follows from the orders and the position, so that it can never disagree with
them. That is the transition table of this actor: every word changes orders and position, and the
phase, the deadlines and the next commands are functions of these.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from .. import keyed
from ..messages import WordId
from ..messages.market import Asset, MarketHours
from ..messages.order import (
    ExitReason,
    Holding,
    Leg,
    OrderClass,
    OrderReport,
    OrderStatus,
    OrderType,
    Phase,
    Side,
    TimeInForce,
)
from ..units import ZERO, OrderId, Price, Quantity, Usd, UtcNanos, floor_to

OwnStatus = Literal["sent", "lost", "refused", "absent"] | OrderStatus
"""Ours beside the broker's: `sent` has no answer yet, `lost` is of unknown outcome."""
LIVE: frozenset[str] = frozenset(
    {"pending", "working", "held", "partially_filled", "pending_cancel"}
)
OPEN: frozenset[str] = LIVE | {"sent", "lost", "unknown"}
"""It may still fill, for all we know."""
CLOSING: frozenset[str] = frozenset({"exit", "flat", "target"})
"""Orders that take a position off at once; stop and OCO rest."""
TERMINAL: frozenset[str] = frozenset(
    {"filled", "canceled", "expired", "replaced", "rejected", "refused", "absent"}
)


class Part(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """An order as the broker knows it, and how much of it has been said as fills."""

    order_id: str
    type: OrderType
    side: Side
    status: OwnStatus
    qty: Quantity
    filled_qty: Quantity = ZERO
    filled_avg: Price | None = None
    told_qty: Quantity = ZERO
    told_value: Usd = ZERO
    """Dollars of the fills said, gross."""
    limit_price: Price | None = None
    stop_price: Price | None = None
    filled_at: UtcNanos = 0
    """Of its newest fill, where the broker says so."""


class Own(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """One of our orders, its legs, and the command it came from."""

    id: OrderId
    leg: Leg
    order_class: OrderClass
    time_in_force: TimeInForce
    position_id: str
    part: Part
    legs: tuple[tuple[str, Part], ...] = ()
    word: WordId
    sent_at: UtcNanos
    stop: Price | None = None
    target: Price | None = None
    filled_at: UtcNanos = 0
    """Of the first fill known."""
    asked_at: UtcNanos = 0
    asked: int = 0
    """Lookups since anything new was told of it."""
    absent: int = 0
    absent_since: UtcNanos = 0
    listed: bool = False
    cancel_at: UtcNanos = 0
    """When its cancel was last asked for."""
    refusal: str = ""
    done_at: UtcNanos = 0
    cancel_first: UtcNanos = 0
    """When its cancel was first asked for."""
    expires_at: UtcNanos = 0
    """When the broker will let it lapse; 0 while that is not known."""
    risen: bool = False
    """It was held for absent or refused, and appeared all the same: cancelled, its fill flattened."""
    recalled: bool = False
    """It was not to leave any more, if it had not yet."""
    missed: bool = False
    """It has filled, a leg of it lives for all we know, and a complete list lacks it."""


class Gap(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The running interval in which the position is not wholly protected, whatever is tried meanwhile."""

    begin: UtcNanos
    cause: str
    qty: Quantity
    """Most that was without a stop."""
    flagged: bool = False


class Position(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """What our fills came to since it was flat."""

    id: str
    signal: str
    side: Side
    qty: Quantity
    """Held now by our fills, coin fees taken off, unsigned."""
    bought: Quantity = ZERO
    """Opening fills, gross."""
    paid: Usd = ZERO
    closed: Quantity = ZERO
    received: Usd = ZERO
    fees: Usd = ZERO
    """All of them; a coin's at the price of its fill."""
    charged: Usd = ZERO
    """Those taken in dollars: a fee taken in coins is felt in what the exit brings."""
    stop: Price | None = None
    target: Price | None = None
    entry_at: UtcNanos = 0
    exit_at: UtcNanos = 0
    opened: bool = False
    """PositionOpened has been said."""
    last_leg: Leg = "entry"
    number: int = 0
    """Protections and exits minted so far."""
    exposed_since: UtcNanos = 0
    """Since when its full quantity has not been protected; 0 while it is."""
    flagged: bool = False
    protect_tries: int = 0
    protect_after: UtcNanos = 0
    swaps: tuple[UtcNanos, ...] = ()
    """Recent attempts to take the target of a coin."""
    gap: Gap | None = None
    over: Quantity = ZERO
    """Closed beyond what was held (both legs of a pair filled): held the other way round."""


class Exit(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """A close under way."""

    reason: ExitReason
    since: UtcNanos
    word: WordId
    tries: int = 0
    after: UtcNanos = 0
    limit: Price | None = None
    """An `ioc` limit instead of a market order: a coin's target."""


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The approval that is being carried out."""

    signal: str
    key: str
    side: Side
    qty: Quantity
    price: Price
    limit_price: Price | None
    stop: Price
    target: Price
    expires_at: UtcNanos
    word: WordId
    settled: bool = False
    canceled: bool = False
    attempt: int = 1
    """Rises when the one before was refused for the prices of its legs, once."""


class Read(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """What the broker holds, as last read."""

    qty: Quantity = ZERO
    available: Quantity = ZERO
    fresh: bool = False
    """Read after the last thing that could change it."""
    asked: WordId | None = None
    """The first question since anything may have changed: a slow answer to it is as good as the next one's."""
    asked_at: UtcNanos = 0
    """Of the newest question."""


class Difference(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """One thing in which our books and the broker's truth differed."""

    what: str
    before: str
    after: str


class Split(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The symbol's next split."""

    at: UtcNanos
    """The open of its ex-date."""
    ratio: Decimal
    """Shares that one share becomes."""
    seen: Quantity = ZERO
    """The position that the broker showed after it, signed; zero until then."""
    priced: bool = False
    """The broker's price is that of the new shares; its quantity is not yet."""


class OrderState(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """One symbol's orders, position and what is known of its market."""

    version: int = 1
    orders: tuple[tuple[OrderId, Own], ...] = ()
    position: Position | None = None
    entry: Entry | None = None
    exit: Exit | None = None
    read: Read = Read()
    asset: Asset | None = None
    hours: MarketHours | None = None
    operator: str = "normal"
    breached: bool = False
    """A loss limit has tripped: no entry is left working, and `on_breach` may close what is held."""
    suspected: bool = False
    """A loss limit seems crossed, by our own marks or one reading."""
    frozen: str = ""
    """Why nothing is entered; cleared by the broker's truth."""
    asked_reconcile: UtcNanos = 0
    mismatches: int = 0
    """Questions for the truth in a row, each of which left something to ask."""
    foreign: Quantity = ZERO
    """Signed: what the broker holds that our fills do not explain."""
    foreign_orders: int = 0
    bid: float = 0.0
    ask: float = 0.0
    below_stop_since: UtcNanos = 0
    above_target_since: UtcNanos = 0
    above_target_at: UtcNanos = 0
    """Of the newest bid at the target."""
    split: Split | None = None
    followed: UtcNanos = 0
    """A split that is announced for no later than this has been followed already."""
    doubt: str = ""
    """Why the broker's truth is to be read once."""
    stranger: bool = False
    """An order bears our tag that this journal does not know: another daemon is at work."""
    dust: Quantity = ZERO
    told: Holding | None = None
    protected_by: OrderId = ""
    """The protection last said."""
    protected_since: UtcNanos = 0
    """When it was said."""
    foreign_price: Price | None = None
    """The broker's average entry price of the foreign position, and its price now."""
    foreign_market: Price | None = None
    foreign_list: tuple[OrderReport, ...] = ()
    """Foreign orders that live, the first ones."""
    ignored: tuple[str, ...] = ()
    """Foreign items that a person has decided to leave alone."""
    missing: Quantity = ZERO
    """Of our position, what the broker has not."""
    missing_since: UtcNanos = 0
    filled_at: UtcNanos = 0
    """When the last fill was said."""
    differences: tuple[Difference, ...] = ()
    """Said once with the next step."""
    alert: str = ""
    """Said once with the next step."""
    foreign_seen: UtcNanos = 0
    """When another's order was told of that no reading of the truth has shown yet; 0 when none was."""
    stopping: bool = False
    """The process is about to end: no entry is left resting, nobody would see what of it fills."""
    now: UtcNanos = 0
    heard: WordId = WordId(0, 0)

    @property
    def unsettled(self) -> bool:
        """An answer or a fill is owed, or what is held waits for its stop: no moment to stop at."""
        bare = self.position is not None and self.position.exposed_since > 0
        return bare or any(_is_owed(one) for _, one in self.orders)

    @property
    def limited(self) -> bool:
        """A loss limit has tripped or seems crossed: no entry is left working."""
        return self.breached or self.suspected

    @property
    def restless(self) -> bool:
        """Between two states: simulated time moves in fine steps."""
        return (
            self.exit is not None
            or any(
                one.part.status in ("sent", "lost", "pending", "pending_cancel", "partially_filled")
                or (one.leg != "stop" and one.part.status == "working" and one.leg == "entry")
                for _, one in self.orders
            )
            or (self.position is not None and self.position.exposed_since > 0)
        )


def _is_owed(one: Own) -> bool:
    """The broker's next word on it comes at once; what rests may rest for days."""
    quick = one.time_in_force == "ioc" or one.part.type == "market"
    answers = one.part.status in ("sent", "pending") or (quick and one.part.status in LIVE)
    return answers or (one.cancel_at > 0 and is_open(one))


def orders(state: OrderState) -> tuple[Own, ...]:
    """All orders remembered."""
    return tuple(one for _, one in state.orders)


def open_orders(state: OrderState) -> tuple[Own, ...]:
    """Orders that may still fill, by themselves or by a leg."""
    return tuple(one for one in orders(state) if is_open(one))


def is_in_the_air(one: Own) -> bool:
    """What has become of it, or of a leg of it, is being found out."""
    return one.missed or one.part.status in ("sent", "lost", "unknown")


def is_open(one: Own) -> bool:
    """It, or one of its legs, may still fill."""
    return one.part.status in OPEN or any(leg.status in OPEN for _, leg in one.legs)


def entry_order(state: OrderState) -> Own | None:
    """The entry that may still fill."""
    return next(
        (one for one in orders(state) if one.leg == "entry" and one.part.status in OPEN), None
    )


def stop_part(one: Own) -> Part | None:
    """The part of an order that protects: a stop of its own, or a stop leg of a filled entry or OCO."""
    if one.leg == "stop":
        return one.part
    if one.leg == "entry" and one.part.status != "filled":
        return None
    stops = [leg for _, leg in one.legs if leg.type in ("stop", "stop_limit")]
    return next((leg for leg in stops if leg.status in OPEN), stops[0] if stops else None)


def protected_qty(state: OrderState) -> Quantity:
    """Quantity that live or held stops cover."""
    covered = ZERO
    for one in orders(state):
        part = stop_part(one)
        if part is not None and part.status in LIVE:
            covered += part.qty - part.filled_qty
    return covered


def required_qty(state: OrderState) -> Quantity:
    """What is to be covered of the position."""
    return ZERO if state.position is None else coverable(state, state.position.qty)


def coverable(state: OrderState, qty: Quantity) -> Quantity:
    """Of a coin whole increments, of a stock its fraction too.

    No stop covers a fraction of a share: such a position, which a split can leave, is unprotected.
    """
    asset = state.asset
    if asset is None or asset.asset_class != "crypto":
        return qty
    return floor_to(qty, asset.min_trade_increment)


def is_covered(state: OrderState) -> bool:
    """Live or held stops cover all that a stop can cover."""
    return protected_qty(state) >= required_qty(state)


def phase(state: OrderState) -> Phase:
    """Where position and protection stand."""
    if state.frozen:
        return "frozen"
    if any(one.part.status in ("lost", "unknown") for one in orders(state)):
        return "recovering"
    if state.position is None:
        return "entering" if entry_order(state) is not None else "flat"
    if state.exit is not None or state.position.over:
        return "exiting"
    if entry_order(state) is not None:
        return "partly"
    return "protected" if is_covered(state) else "unprotected"


def own(state: OrderState, client_order_id: OrderId) -> Own | None:
    """One of our orders."""
    return keyed.get(state.orders, client_order_id)
