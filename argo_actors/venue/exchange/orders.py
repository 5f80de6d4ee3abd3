"""What an order is, and the states it can pass through."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

Side = Literal["buy", "sell"]
Type = Literal["market", "limit", "stop", "stop_limit"]
TimeInForce = Literal["day", "gtc", "ioc", "fok"]
Class = Literal["", "bracket", "oco", "oto"]
Intent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
Leg = Literal["", "target", "stop"]
Status = Literal[
    "accepted",
    "pending_new",
    "new",
    "held",
    "partially_filled",
    "filled",
    "pending_cancel",
    "canceled",
    "expired",
    "pending_replace",
    "replaced",
    "rejected",
]

ZERO = Decimal(0)
LEAVING: frozenset[Status] = frozenset({"pending_cancel", "canceled", "expired"})
NEXT: Mapping[Status, frozenset[Status]] = {
    "accepted": LEAVING | {"new", "rejected"},
    "pending_new": LEAVING | {"new", "rejected"},
    # A held leg wakes, or goes with its group.
    "held": LEAVING | {"new", "pending_replace"},
    "new": LEAVING | {"partially_filled", "filled", "pending_replace"},
    "partially_filled": LEAVING | {"partially_filled", "filled", "pending_replace"},
    "pending_cancel": frozenset({"canceled"}),
    "pending_replace": frozenset({"replaced"}),
    "filled": frozenset(),
    "canceled": frozenset(),
    "expired": frozenset(),
    "replaced": frozenset(),
    "rejected": frozenset(),
}
"""Which status may follow which. A cancel or replacement under way is always carried out."""
FINAL: frozenset[Status] = frozenset(status for status, after in NEXT.items() if not after)
MATCHABLE: frozenset[Status] = frozenset({"accepted", "pending_new", "new", "partially_filled"})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the book keeps it. Times are ns UTC, 0 when it has not happened."""

    id: str
    client_order_id: str
    symbol: str
    side: Side
    type: Type
    time_in_force: TimeInForce
    position_intent: Intent
    order_class: Class = ""
    qty: Decimal | None = None
    """None for an order by value."""
    notional: Decimal | None = None
    """Dollars to spend or to raise; None for an order by quantity."""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    extended_hours: bool = False
    status: Status = "pending_new"
    filled_qty: Decimal = ZERO
    """Gross: a fee in coins is not taken off."""
    filled_value: Decimal = ZERO
    """Dollars: the sum of quantity times price over all fills."""
    fee_usd: Decimal = ZERO
    fee_qty: Decimal = ZERO
    """Coins kept by the exchange."""
    fee_value: Decimal = ZERO
    """All fees of the order in dollars, coins at the price of their fill."""
    fills: int = 0
    triggered: bool = False
    """Its stop price has been reached."""
    rested: bool = False
    """It has stood in the book for a step: a later fill is the maker's."""
    root: str = ""
    """Of a leg: the id of the order it was sent with."""
    leg: Leg = ""
    legs: tuple[str, ...] = ()
    rank: int = 0
    """Place in the queue of matching; unique."""
    submitted_at: int = 0
    """Unique, so that a list can be read page by page."""
    updated_at: int = 0
    filled_at: int = 0
    canceled_at: int = 0
    expired_at: int = 0
    failed_at: int = 0
    replaced_at: int = 0
    expires_at: int = 0
    replaced_by: str = ""
    replaces: str = ""

    @property
    def is_live(self) -> bool:
        """It may still change."""
        return self.status not in FINAL

    @property
    def is_exit(self) -> bool:
        """It can only reduce a position."""
        return self.position_intent.endswith("close")

    @property
    def is_complex(self) -> bool:
        """It belongs to a group."""
        return self.order_class != ""

    def left(self, price: Decimal, increment: Decimal) -> Decimal:
        """What is still to be filled; of an order by value, what its dollars buy at a price."""
        if self.qty is not None:
            return self.qty - self.filled_qty
        assert self.notional is not None
        return floor((self.notional - self.filled_value) / price, increment)


def floor(value: Decimal, increment: Decimal) -> Decimal:
    """The largest multiple of an increment that is not above the value."""
    return value // increment * increment


def identity(*parts: str) -> str:
    """A UUID that the same parts always give, so that the same run has the same ids."""
    return str(uuid5(NAMESPACE_URL, "argo-venue/" + "/".join(parts)))
