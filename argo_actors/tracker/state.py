"""The books as they are shown: holdings, orders, trades, signals and what a person should see."""

import msgspec

from ..messages.opinion import SourceStatus
from ..messages.order import (
    AccountReport,
    Holding,
    OrderStatus,
    PositionClosed,
    ProtectionGap,
    SubmitOrder,
)
from ..messages.signal import Verdict
from ..messages.truth import Discrepancy, Elsewhere, Resolved, TruthRead
from ..units import OrderId, Price, Quantity, Symbol, UtcNanos
from .ledger import Lot
from .signals import SignalView as SignalView

KEPT = 50
KEPT_READS = 10


class OrderView(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """An order as it is shown."""

    order: SubmitOrder
    sent_at: UtcNanos
    status: OrderStatus | None = None
    filled_qty: Quantity | None = None
    filled_avg: Price | None = None


class Notice(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """Something that a person should see."""

    at: UtcNanos
    text: str


class ReadView(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """A reconciliation, and the record it was told in."""

    at: UtcNanos
    seq: int
    read: TruthRead


class DifferenceView(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True
):
    """What a reconciliation found, and the record of the reconciliation."""

    at: UtcNanos
    seq: int
    difference: Discrepancy


class AnswerView(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """Risk's answer to a signal or a request, and the record it was given in."""

    seq: int
    signal: str
    approved: bool
    text: str
    qty: Quantity | None = None
    price: Price | None = None
    stop: Price | None = None
    target: Price | None = None


class TrackerState(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The books."""

    version: int = 1
    lots: tuple[tuple[Symbol, Lot], ...] = ()
    marks: tuple[tuple[Symbol, float], ...] = ()
    holdings: tuple[tuple[Symbol, Holding], ...] = ()
    account: AccountReport | None = None
    orders: tuple[tuple[OrderId, OrderView], ...] = ()
    recent_orders: tuple[OrderId, ...] = ()
    trades: tuple[PositionClosed, ...] = ()
    trade_count: int = 0
    wins: int = 0
    long_entries: int = 0
    short_entries: int = 0
    signals: tuple[SignalView, ...] = ()
    cycle: int = 0
    verdicts: tuple[Verdict, ...] = ()
    sources: tuple[tuple[str, SourceStatus], ...] = ()
    notices: tuple[Notice, ...] = ()
    ready: bool = False
    stream_up: bool = False
    level: str = "NORMAL"
    started_at: UtcNanos = 0
    runs: int = 0
    gaps: tuple[ProtectionGap, ...] = ()
    """Recent intervals without a stop."""
    reads: tuple[ReadView, ...] = ()
    differences: tuple[DifferenceView, ...] = ()
    elsewhere: Elsewhere | None = None
    """The first items in symbols that are not configured."""
    resolved: tuple[Resolved, ...] = ()
    """Newest answers to people's decisions on foreign items."""
    answers: tuple[AnswerView, ...] = ()
    """Risk's newest answers."""
    signal_counts: tuple[tuple[str, int], ...] = ()
    """Signals (a repeated one once) by action, and what risk said of them."""
    switched_off: tuple[tuple[str, str], ...] = ()
    """Sources that an operator took out of use, and who did it why: in force after a restart too."""
