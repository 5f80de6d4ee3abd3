"""Time, hours, quotes and figures: what the world outside looks like."""

from typing import Literal

from ..units import Decimal, Symbol, UtcNanos
from .base import Command, Fact, Value, WordId

Regime = Literal["BULL", "BEAR", "CHOP", "CRISIS"]
AssetClass = Literal["us_equity", "crypto"]


class Tick(Fact, frozen=True, kw_only=True):
    """Cycle `n` begins: sources and quotes are asked. The time is the record's `at`."""

    n: int


class Decide(Fact, frozen=True, kw_only=True):
    """Cycle `n` is to be decided: every enabled source has answered or declined, or 2 s have passed."""

    n: int


class Wake(Fact, frozen=True, kw_only=True):
    """The deadline that the actor `to` named has come."""

    to: str
    due: UtcNanos


class ClockSet(Fact, frozen=True, kw_only=True):
    """Market time was corrected by `by` nanoseconds."""

    by: int


class MarketHours(Fact, frozen=True, kw_only=True):
    """The stock market's hours around now, and when the running loss day began."""

    is_open: bool
    session_open: UtcNanos
    """Open of the running session, else of the next one."""
    session_close: UtcNanos
    next_open: UtcNanos
    next_close: UtcNanos
    loss_day: UtcNanos
    """The last beginning of a loss day (17:00 New York; a prop firm's reset) at or before now."""


class Asset(Fact, frozen=True, kw_only=True):
    """What the broker says of a symbol: may it be traded, shorted, and in which steps."""

    symbol: Symbol
    asset_class: AssetClass
    tradable: bool
    shortable: bool
    easy_to_borrow: bool
    fractionable: bool
    min_order_size: Decimal
    min_trade_increment: Decimal
    price_increment: Decimal


class Quote(Value, frozen=True, kw_only=True):
    """Best bid and ask of a symbol, in dollars; finite floats > 0 (checked where they are decoded)."""

    symbol: Symbol
    bid: float
    ask: float
    at: UtcNanos
    """When the provider saw it."""
    received_at: UtcNanos


class QuotesWanted(Command, frozen=True, kw_only=True):
    """Fresh quotes of these symbols are needed; the answer carries `request`."""

    request: int
    symbols: tuple[Symbol, ...]


class QuoteFailure(Value, frozen=True, kw_only=True):
    """No usable quote of a symbol, and why."""

    symbol: Symbol
    reason: str


class Quotes(Fact, frozen=True, kw_only=True):
    """The answer to a QuotesWanted: every symbol asked for is in `quotes` or in `failed`."""

    request: int
    quotes: tuple[Quote, ...]
    failed: tuple[QuoteFailure, ...] = ()


class QuoteSeen(Fact, frozen=True, kw_only=True):
    """A quote of a symbol that is held: for marks and for the software side of protection."""

    quote: Quote


class Figures(Fact, frozen=True, kw_only=True):
    """What TA-Lib says of a symbol's bars: one reading of the regime and the volatility."""

    symbol: Symbol
    regime: Regime
    atr_pct: float | None
    """Wilder ATR14 / close in percent of a day; None where it is missing."""
    bars: int
    timeframe: str
    as_of: UtcNanos
    because: tuple[WordId, ...] = ()


class SplitAnnounced(Fact, frozen=True, kw_only=True):
    """`new` shares for `old` ones from the open at `at`."""

    symbol: Symbol
    at: UtcNanos
    """The open of the ex-date."""
    new: Decimal
    old: Decimal
