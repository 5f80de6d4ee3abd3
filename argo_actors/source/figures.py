"""What TA-Lib says of a symbol's completed bars: one reading of the regime, and the volatility."""

import math
from collections.abc import Sequence

from ..messages.market import Figures, Regime
from ..units import DAY, MINUTE, Symbol, UtcNanos
from .bars import TIMEFRAMES, Bar
from .indicators import Series, finite_count, percentile

CRISIS_PERCENTILE = 95.0
LEAST_ATRS = 60
LEAST_REGIME_BARS = 60
TREND_ADX = 20.0
SESSION = 390 * MINUTE


def figures(symbol: Symbol, bars: Sequence[Bar], timeframe: str, coin: bool) -> Figures:
    """Regime and daily ATR in percent of the close; None where the bars do not give it."""
    as_of: UtcNanos = bars[-1].t + TIMEFRAMES[timeframe] if bars else 0
    return Figures(
        symbol=symbol,
        regime=regime(bars),
        atr_pct=atr_pct(bars, timeframe, coin),
        bars=len(bars),
        timeframe=timeframe,
        as_of=as_of,
    )


def regime(bars: Sequence[Bar]) -> Regime:
    """CRISIS by volatility, else BULL or BEAR by trend, else CHOP; CHOP with too few bars."""
    if len(bars) < LEAST_REGIME_BARS:
        return "CHOP"
    series = Series(bars)
    if _is_crisis(series):
        return "CRISIS"
    fast, slow, adx = series.sma(20), series.sma(50), series.adx()
    if fast is None or slow is None or adx is None or adx < TREND_ADX:
        return "CHOP"
    close = bars[-1].c
    if close > slow and fast > slow:
        return "BULL"
    return "BEAR" if close < slow and fast < slow else "CHOP"


def _is_crisis(series: Series) -> bool:
    ratios = series.atrs() / series.close
    if finite_count(ratios) < LEAST_ATRS:
        return False
    return bool(float(ratios[-1]) >= percentile(ratios, CRISIS_PERCENTILE))


def atr_pct(bars: Sequence[Bar], timeframe: str, coin: bool) -> float | None:
    """Wilder's ATR14 over the close in percent of a day; shorter bars by the root of bars a day."""
    atr = Series(bars).atr() if len(bars) > 14 else None
    if atr is None:
        return None
    a_day = 1.0 if timeframe == "1Day" else (DAY if coin else SESSION) / TIMEFRAMES[timeframe]
    return round(100 * atr / bars[-1].c * math.sqrt(a_day), 9)
