"""What is asked of the broker, and what the broker says is so.

The broker's news of an order is one fact, `OrderReport`: the whole order as the broker sees it, from
whatever channel (answer, stream, lookup, list). Folding it is idempotent, so a duplicate, a late or a
lost report does no harm.
"""

from typing import Literal

from ..units import ZERO, OrderId, Price, Quantity, Symbol, Usd, UtcNanos
from .base import Command, Fact, Value, WordId

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop", "stop_limit"]
TimeInForce = Literal["day", "gtc", "ioc"]
OrderClass = Literal["simple", "bracket", "oco"]
Leg = Literal["entry", "stop", "target", "oco", "exit", "flat"]
PositionIntent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
OrderStatus = Literal[
    "pending",
    "working",
    "held",
    "partially_filled",
    "pending_cancel",
    "filled",
    "canceled",
    "expired",
    "replaced",
    "rejected",
    "unknown",
]
"""Ours: Alpaca's 17 statuses mapped in one table in the broker; `unknown` is one it has no word for."""
Channel = Literal["answer", "stream", "lookup", "list", "replay"]
ExitReason = Literal[
    "stop", "target", "signal", "unprotected", "operator", "refused", "foreign", "session"
]
"""`session`: closed before the stock market's session ends (`flat_at_close`)."""
Phase = Literal[
    "flat",
    "entering",
    "protected",
    "partly",
    "unprotected",
    "exiting",
    "recovering",
    "frozen",
]


class SubmitOrder(Command, frozen=True, kw_only=True):
    """An order is to be placed under this id, once."""

    client_order_id: OrderId
    symbol: Symbol
    leg: Leg
    side: Side
    qty: Quantity
    type: OrderType
    time_in_force: TimeInForce
    order_class: OrderClass = "simple"
    limit_price: Price | None = None
    stop_price: Price | None = None
    take_profit: Price | None = None
    stop_loss: Price | None = None
    position_intent: PositionIntent
    reference_price: Price
    """What the collar and the notional limit are judged against."""
    expires_at: UtcNanos
    """An entry is never sent after it; protection and exits carry their own deadline."""
    increases: bool
    """It may increase exposure: entries only."""
    because: tuple[WordId, ...]


class CancelOrder(Command, frozen=True, kw_only=True):
    """An order is to be cancelled; the broker confirms it later, or it fills first."""

    client_order_id: OrderId
    order_id: str
    """The broker's; empty: what still waits for its turn is not to leave any more."""
    symbol: Symbol
    because: tuple[WordId, ...]


class LookupOrder(Command, frozen=True, kw_only=True):
    """What became of this order?"""

    client_order_id: OrderId
    symbol: Symbol
    because: tuple[WordId, ...]
    order_id: str = ""
    """The broker's id that it may have: the order that was named as blocking the quantity."""


class ReadPosition(Command, frozen=True, kw_only=True):
    """What does the broker hold of this symbol?"""

    symbol: Symbol
    because: tuple[WordId, ...]


class ReadAccount(Command, frozen=True, kw_only=True):
    """The account's figures are to be read again."""

    because: tuple[WordId, ...]


class Reconcile(Command, frozen=True, kw_only=True):
    """The broker's truth of these symbols (all, when empty) is to be read whole, twice equal."""

    symbols: tuple[Symbol, ...]
    reason: str
    because: tuple[WordId, ...] = ()


class LegReport(Value, frozen=True, kw_only=True):
    """A leg of a bracket or OCO, as the broker sees it; its ids are the broker's."""

    order_id: str
    client_order_id: OrderId
    type: OrderType
    side: Side
    status: OrderStatus
    qty: Quantity
    filled_qty: Quantity
    filled_avg_price: Price | None
    limit_price: Price | None
    stop_price: Price | None
    event_at: UtcNanos = 0
    """When it filled, or last changed; 0 where nobody said so."""


class OrderReport(Fact, frozen=True, kw_only=True):
    """The broker says that the order is now so. Quantities are cumulative."""

    client_order_id: OrderId
    order_id: str
    symbol: Symbol
    side: Side
    type: OrderType
    status: OrderStatus
    qty: Quantity
    filled_qty: Quantity
    filled_avg_price: Price | None
    limit_price: Price | None = None
    stop_price: Price | None = None
    legs: tuple[LegReport, ...] = ()
    channel: Channel
    event_at: UtcNanos
    """When the broker says it changed."""
    execution_price: Price | None = None
    """Of the one execution a stream event tells of."""
    execution_qty: Quantity | None = None
    expires_at: UtcNanos | None = None
    raw_status: str = ""
    because: tuple[WordId, ...] = ()
    submitted_at: UtcNanos = 0


class OrderRefused(Fact, frozen=True, kw_only=True):
    """The broker, or our own gate (`status` 0), refused the request: nothing was done."""

    client_order_id: OrderId
    symbol: Symbol
    request: Literal["submit", "cancel", "lookup"]
    status: int
    code: int
    message: str
    related_order: str = ""
    """The order that blocks the quantity, where the broker names one."""
    because: tuple[WordId, ...]
    base_price: Price | None = None
    """The price that the legs of a bracket were judged against, where the broker names it."""


class OrderUnknown(Fact, frozen=True, kw_only=True):
    """Nobody knows whether the request was carried out: it counts as exposure until looked up."""

    client_order_id: OrderId
    symbol: Symbol
    request: Literal["submit", "cancel", "lookup"]
    reason: str
    because: tuple[WordId, ...]


class OrderAbsent(Fact, frozen=True, kw_only=True):
    """A lookup found no such order; `listed` says that a complete list was read and lacks it too."""

    client_order_id: OrderId
    symbol: Symbol
    listed: bool
    because: tuple[WordId, ...]
    read_at: UtcNanos = 0
    """When that was; it may be heard much later, by the next process."""


class PositionReport(Fact, frozen=True, kw_only=True):
    """What the broker holds of a symbol: signed quantity, zero when flat."""

    symbol: Symbol
    qty: Quantity
    qty_available: Quantity
    avg_entry_price: Price
    because: tuple[WordId, ...] = ()
    market_price: Price | None = None
    """The broker's price of now."""


class AccountReport(Fact, frozen=True, kw_only=True):
    """The account's figures as the broker computes them."""

    account_number: str
    status: str
    cash: Usd
    equity: Usd
    last_equity: Usd
    buying_power: Usd
    non_marginable_buying_power: Usd
    shorting_enabled: bool
    trading_blocked: bool
    because: tuple[WordId, ...] = ()


class Reconciled(Fact, frozen=True, kw_only=True):
    """The broker's whole truth of a symbol: its position and every order that works or is asked about."""

    symbol: Symbol
    position: PositionReport
    orders: tuple[OrderReport, ...]
    foreign: tuple[OrderReport, ...] = ()
    """Others' orders that live; a leg that lives is an order of its own here."""
    reason: str
    complete: bool = True
    read_at: UtcNanos = 0
    """When the reading began that this is of."""
    others: tuple[OrderReport, ...] = ()
    """Others' finished orders that filled, as far as the list goes back."""


class BrokerReady(Fact, frozen=True, kw_only=True):
    """The broker's truth was read twice and was equal: READY."""

    orders: int
    positions: int


class BrokerLink(Fact, frozen=True, kw_only=True):
    """How the line to the broker is: the trade stream authorised, the last good answer's time."""

    stream_up: bool
    last_answer_at: UtcNanos
    reason: str = ""
    skew_ms: int = 0
    """How far the broker's clock is ahead of ours, as far as its answer's way can tell."""


class Fill(Fact, frozen=True, kw_only=True):
    """A quantity changed hands under one of our orders; said exactly once for each part of an order."""

    symbol: Symbol
    client_order_id: OrderId
    position_id: str
    leg: Leg
    side: Side
    qty: Quantity
    price: Price
    fee_usd: Usd
    fee_qty: Quantity
    """Taken in coin from what was bought."""
    filled_at: UtcNanos
    because: tuple[WordId, ...]


class PositionOpened(Fact, frozen=True, kw_only=True):
    """The entry is complete: so much is held at this average."""

    symbol: Symbol
    position_id: str
    side: Side
    qty: Quantity
    avg_price: Price
    because: tuple[WordId, ...]


class PositionClosed(Fact, frozen=True, kw_only=True):
    """Flat again. `pnl` is after fees."""

    symbol: Symbol
    position_id: str
    side: Side
    reason: ExitReason
    entry_price: Price
    exit_price: Price
    qty: Quantity
    fees: Usd
    pnl: Usd
    entry_at: UtcNanos
    exit_at: UtcNanos
    because: tuple[WordId, ...]


class Holding(Fact, frozen=True, kw_only=True):
    """Where an order actor stands, said on every change: what risk reserves, shows and counts."""

    symbol: Symbol
    phase: Phase
    side: Side | None
    """Of the position or of the pending entry; None when flat."""
    qty: Quantity
    """Held, unsigned."""
    avg_price: Price | None
    pending_qty: Quantity
    """Of the entry, not yet filled; unknown outcomes included."""
    pending_price: Price | None
    stop: Price | None
    target: Price | None
    own: bool
    unprotected_since: UtcNanos | None
    note: str = ""
    because: tuple[WordId, ...] = ()
    foreign_qty: Quantity = ZERO
    """Beside our own position: held by somebody else's orders, unsigned."""
    stranger: bool = False
    """An order bears our tag that this journal does not know: another daemon is at work."""


class EntrySettled(Fact, frozen=True, kw_only=True):
    """The reservation of an approval is free again: filled, refused, expired or cancelled."""

    symbol: Symbol
    signal: str
    outcome: Literal["filled", "partly", "refused", "expired", "canceled"]
    note: str = ""
    because: tuple[WordId, ...] = ()


class Unprotected(Fact, frozen=True, kw_only=True):
    """A position has been without its full protection for more than a second."""

    symbol: Symbol
    position_id: str
    since: UtcNanos
    cause: str
    because: tuple[WordId, ...] = ()


class Protected(Fact, frozen=True, kw_only=True):
    """The whole quantity is protected again, or for the first time."""

    symbol: Symbol
    position_id: str
    order: OrderId
    stop: Price | None
    target: Price | None
    since: UtcNanos
    """When the quantity became exposed."""
    because: tuple[WordId, ...] = ()


class ProtectionGap(Fact, frozen=True, kw_only=True):
    """An interval in which a position, or part of it, stood without a stop is over (length `end - begin`)."""

    symbol: Symbol
    position_id: str
    qty: Quantity
    """Most that was without a stop."""
    begin: UtcNanos
    """When the actor learned of the exposure."""
    end: UtcNanos
    cause: str
    ended: Literal["protected", "closed"]
    order: OrderId = ""
    """What protects it from here on; empty when it was closed."""
    reason: ExitReason | None = None
    """Of the close."""
    flagged: bool = False
    """It was told as `Unprotected` while it lasted."""
    because: tuple[WordId, ...] = ()


class SplitApplied(Fact, frozen=True, kw_only=True):
    """The books have followed a split: quantity, stop and target are those after it."""

    symbol: Symbol
    position_id: str
    ratio: Quantity
    """Shares that one share became."""
    before: Quantity
    after: Quantity
    """Unsigned, as the broker shows it; a fraction may have been paid out."""
    stop: Price | None
    target: Price | None
    because: tuple[WordId, ...]
