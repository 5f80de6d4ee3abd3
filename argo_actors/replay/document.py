"""The document of `argo decide` and its answer (decisions §8): money is text, times carry a zone."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from ..messages.market import Regime
from ..messages.order import Side
from ..messages.signal import Action, Check
from ..messages.system import OperatorState

Text = str


class SourceDoc(msgspec.Struct, forbid_unknown_fields=True):
    """A source: is it configured, has it answered?"""

    name: str
    configured: bool = True
    answered: bool = True


class ClockDoc(msgspec.Struct, forbid_unknown_fields=True):
    """The stock market's hours."""

    is_open: bool
    session_open: datetime
    next_open: datetime
    next_close: datetime


class AccountDoc(msgspec.Struct, forbid_unknown_fields=True):
    """The account's figures, money as text."""

    equity: Text
    last_equity: Text
    day_start_equity: Text
    peak_equity: Text
    buying_power: Text
    non_marginable_buying_power: Text
    net_transfers: Text = "0"
    shorting_enabled: bool = True
    trading_blocked: bool = False
    operator_state: OperatorState = "normal"


class AssetDoc(msgspec.Struct, forbid_unknown_fields=True, rename={"asset_class": "class"}):
    """The symbol at the broker."""

    symbol: str
    asset_class: Literal["us_equity", "crypto"]
    tradable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    min_order_size: Text = "1"
    min_trade_increment: Text = "1"
    price_increment: Text = "0.01"


class QuoteDoc(msgspec.Struct, forbid_unknown_fields=True):
    """Best bid and ask."""

    bid: float
    ask: float
    at: datetime
    received_at: datetime


class OpinionDoc(msgspec.Struct, forbid_unknown_fields=True):
    """What a source thinks."""

    source: str
    symbol: str
    direction: Literal["LONG", "SHORT", "NEUTRAL"]
    confidence: float
    as_of: datetime
    valid_until: datetime
    price: float | None = None


class PositionDoc(msgspec.Struct, forbid_unknown_fields=True):
    """A position."""

    symbol: str
    side: Literal["long", "short"]
    qty: Text
    price: Text
    stop: Text | None = None
    own: bool = True


class OrderDoc(msgspec.Struct, forbid_unknown_fields=True):
    """An open order."""

    symbol: str
    side: Side
    qty: Text
    price: Text
    role: Literal["entry", "stop", "target", "exit"]
    stop: Text | None = None
    own: bool = True


class HistoryDoc(msgspec.Struct, forbid_unknown_fields=True):
    """A finished round trip, or a refused entry."""

    symbol: str
    entry_at: datetime
    exit_at: datetime
    reason: Literal["stop", "target", "signal", "refused", "unprotected", "operator"]
    pnl: Text
    signal_cleared: bool = True
    side: Literal["long", "short"] = "long"


class RequestDoc(msgspec.Struct, forbid_unknown_fields=True):
    """An outside request, judged instead of the opinions' signal."""

    action: Action
    confidence: float
    entry_price: Text
    stop_price: Text | None = None
    target_price: Text | None = None


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """Everything that a decision rests on."""

    now: datetime
    symbol: str
    sources: list[SourceDoc]
    clock: ClockDoc
    account: AccountDoc
    asset: AssetDoc
    quote: QuoteDoc | None
    opinions: list[OpinionDoc]
    config: msgspec.Raw = msgspec.Raw(b"{}")
    regime: Regime | None = None
    daily_bars: list[tuple[datetime, float, float, float, float, float]] = msgspec.field(
        default_factory=list
    )
    atr_pct: float | None = None
    positions: list[PositionDoc] = msgspec.field(default_factory=list)
    open_orders: list[OrderDoc] = msgspec.field(default_factory=list)
    history: list[HistoryDoc] = msgspec.field(default_factory=list)
    request: RequestDoc | None = None


class Dropped(msgspec.Struct):
    """An opinion that was not valid."""

    source: str
    reason: str


class Decision(msgspec.Struct, kw_only=True):
    """The answer, whole."""

    action: Action | None
    raw_confidence: float
    confidence: float
    participation: float
    families: list[dict[str, Any]]
    dropped: list[Dropped]
    regime: Regime
    multiplier: float
    threshold: float
    intent: str
    checks: list[Check]
    denied: str | None
    sizing: dict[str, Any] | None
    stop: Decimal | None
    target: Decimal | None
    reasoning: str
