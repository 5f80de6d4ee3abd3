"""The records of an account: orders, positions, executions, and what has happened to it. Data only."""

from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from .actions import Action
from .settings import Configuration, Watchlist

ZERO = Decimal(0)
NINE = Decimal("0.000000001")
CENT = Decimal("0.01")
OPEN = frozenset(
    {
        "pending_new",
        "accepted",
        "new",
        "partially_filled",
        "held",
        "pending_cancel",
        "pending_replace",
    }
)


class Order(msgspec.Struct, kw_only=True):
    """An order with Alpaca's fields; times in ns UTC, 0 when it has not happened."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    order_class: str = ""
    qty: Decimal
    """Of a notional order: what its dollars buy at the quote of its submission."""
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    """A trailing stop's best price so far."""
    status: str = "pending_new"
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    fee_usd: Decimal = ZERO
    fee_qty: Decimal = ZERO
    position_intent: str = ""
    extended_hours: bool = False
    parent: str = ""
    leg: str = ""
    """`target` or `stop` of a bracket or OCO."""
    legs: tuple[str, ...] = ()
    triggered: bool = False
    rested: bool = False
    """It was live and not marketable for a step: a later fill is the maker's."""
    fills: int = 0
    submitted_at: int = 0
    awake_at: int = 0
    """A leg lives from the fill of its entry on."""
    updated_at: int = 0
    filled_at: int = 0
    cancel_at: int = 0
    """A cancel or a replacement under way is not carried out before."""
    canceled_at: int = 0
    expired_at: int = 0
    failed_at: int = 0
    replaced_at: int = 0
    replaced_by: str = ""
    replaces: str = ""
    expires_at: int = 0

    @property
    def left(self) -> Decimal:
        """What is still to be filled."""
        return self.qty - self.filled_qty

    @property
    def is_open(self) -> bool:
        """It may still fill."""
        return self.status in OPEN


class Position(msgspec.Struct, kw_only=True):
    """A position; `qty` and `cost` are negative for a short. Coins carry all the dollars paid for them."""

    symbol: str
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO


class Announced(msgspec.Struct, frozen=True):
    """A corporate action, and when it became known."""

    action: Action
    at: int


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """A corporate action that reached the account."""

    key: str
    kind: str
    """Of the activity: `SPLIT` or `DIV`."""
    symbol: str
    at: int
    qty: Decimal = ZERO
    """Shares that came (negative when they went)."""
    amount: Decimal = ZERO
    """Dollars that came."""
    held: Decimal = ZERO
    """Shares before a split, or that a dividend was paid for."""


class Account(msgspec.Struct, kw_only=True):
    """Money and its history."""

    number: str
    cash: Decimal
    start_cash: Decimal
    fees_value: Decimal = ZERO
    """All fees in dollars, coin fees at the price of their fill."""
    last_equity: Decimal = ZERO
    created_at: int = 0
    events: int = 0
    fills: int = 0
    configuration: Configuration = Configuration()
    watchlists: dict[str, Watchlist] = {}
    transfers: list[tuple[int, Decimal]] = []
    """Money that came or went after the start: when, and dollars (negative when it went)."""
    actions: list[Announced] = []
    happened: list[Happened] = []


class Event(msgspec.Struct, frozen=True):
    """A trade update: what happened to which order, and the execution if there was one."""

    event: str
    order_id: str
    at: int
    price: Decimal | None = None
    qty: Decimal | None = None
    position_qty: Decimal | None = None
    execution_id: str = ""
    previous_execution_id: str = ""
    """Of a correction: the execution that it takes the place of."""


class Fill(msgspec.Struct, frozen=True):
    """An execution, for the account's activities."""

    id: str
    order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    at: int
    fee_usd: Decimal = ZERO
    fee_qty: Decimal = ZERO
    busted: bool = False
    """It has been taken back."""


def new_id(*parts: str) -> str:
    """A UUID that the same parts always give."""
    return str(uuid5(NAMESPACE_URL, "argo-venue|" + "|".join(parts)))
