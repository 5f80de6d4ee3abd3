"""Reconciliation: how the broker's truth was read, what differed, and what people decide about foreign items.

*Foreign* is what carries no id of ours: a position that our fills do not explain, an order that somebody
else placed. It is shown and counted, and touched only when a person has named it.
"""

from typing import Literal

from ..units import OrderId, Price, Quantity, Symbol, Usd, UtcNanos
from .base import Command, Fact, WordId
from .order import OrderReport, PositionReport, Side

Verdict = Literal["adopt", "ignore", "close"]


class TruthRead(Fact, frozen=True, kw_only=True):
    """The broker's truth was read until two readings in a row were equal."""

    reason: str
    symbols: int
    orders: int
    positions: int
    readings: int
    """How many it took; two at the least."""
    read_at: UtcNanos
    """When the last reading began."""


class ForeignSeen(Fact, frozen=True, kw_only=True):
    """Somebody else's order has been told of: nothing is entered in its symbol before the truth is read."""

    symbol: Symbol
    order: OrderReport
    because: tuple[WordId, ...] = ()


class Elsewhere(Fact, frozen=True, kw_only=True):
    """What the account holds and what works in symbols that are not configured: nobody here trades them."""

    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]


class Discrepancy(Fact, frozen=True, kw_only=True):
    """Our books and the broker's truth differed in one thing; from here on the broker's is ours."""

    symbol: Symbol
    what: str
    """`position`, `foreign position`, `order ID` or `foreign order ID`."""
    before: str
    after: str
    reason: str
    """Of the reconciliation that found it."""
    because: tuple[WordId, ...]


class Corrected(Fact, frozen=True, kw_only=True):
    """Less of our position is left than our fills say: somebody else closed so much of it."""

    symbol: Symbol
    position_id: str
    side: Side
    """Of what closed it."""
    qty: Quantity
    price: Price
    """Of the orders that closed it where the broker lists them, else the broker's price now."""
    orders: tuple[str, ...]
    because: tuple[WordId, ...]


class Resolve(Command, frozen=True, kw_only=True):
    """A person decides on one foreign item: make it ours, leave it alone, or close it."""

    symbol: Symbol
    item: str
    """`position`, or the broker's id of an order."""
    verdict: Verdict
    with_orders: bool = False
    """Of a position: take the foreign orders that would close it along (as its protection, or to cancel)."""
    stop: Price | None = None
    target: Price | None = None
    who: str
    why: str


class Resolved(Fact, frozen=True, kw_only=True):
    """The person's decision took effect, or could not (`done` False, and why)."""

    symbol: Symbol
    item: str
    verdict: Verdict
    done: bool
    note: str = ""
    because: tuple[WordId, ...] = ()


class Adopted(Fact, frozen=True, kw_only=True):
    """A foreign position is our own from here on: protected, and closed by the rules."""

    symbol: Symbol
    position_id: str
    side: Side
    qty: Quantity
    price: Price
    """The broker's average entry price: what its profit is counted from."""
    stop: Price
    target: Price
    orders: tuple[OrderId, ...]
    """Foreign orders that came with it."""
    because: tuple[WordId, ...]


class Transfer(Fact, frozen=True, kw_only=True):
    """Money came to the account or left it (negative): neither profit nor loss."""

    id: str
    """The broker's, once for ever."""
    kind: str
    """The broker's type of activity: CSD, CSW, JNLC, ACATC."""
    dollars: Usd
    at: UtcNanos
