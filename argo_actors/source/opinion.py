"""Bars to direction: the same rule for every vendor of bars, and the same map for a model's score."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..messages.opinion import Direction, Evidence
from .bars import Bar, longest_gap
from .indicators import Series

NEUTRAL_BELOW = 0.2
LEAST_BARS = 60
MOST_GAP = 5


class Periods(NamedTuple):
    """Fast and slow average, bars looked at, and whether a weak trend halves the trend term."""

    fast: int
    slow: int
    bars: int
    halved_below_adx: float | None


MARKET_DATA = Periods(9, 21, 120, None)
TECHNICAL = Periods(20, 50, 100, 20.0)


class Judged(NamedTuple):
    """A direction, its confidence in percent, and the figures behind it."""

    direction: Direction
    confidence: float
    evidence: tuple[Evidence, ...]


def from_bars(bars: Sequence[Bar], timeframe: str, periods: Periods) -> Judged | str:
    """The opinion that completed bars give, or the reason why they give none."""
    bars = bars[-periods.bars :]
    if len(bars) < LEAST_BARS:
        return f"{len(bars)} bars of {LEAST_BARS}"
    gap = longest_gap(bars, timeframe)
    if gap > MOST_GAP:
        return f"a gap of {gap} bars"
    series = Series(bars)
    atr = series.atr()
    if not atr:
        return "no movement (ATR is zero)"
    terms = _terms(series, bars[-1].c, atr, periods)
    if terms is None:
        return "an indicator is not a number"
    return from_score(clip(sum(one.value for one in terms)), terms)


def from_score(score: float, evidence: tuple[Evidence, ...] = ()) -> Judged | str:
    """The map of a score in [-1, 1] to direction and confidence."""
    if not (math.isfinite(score) and -1 <= score <= 1):
        return "a score outside [-1, 1]"
    strength = abs(score)
    if strength < NEUTRAL_BELOW:
        return Judged("NEUTRAL", round(50 + 50 * strength, 6), evidence)
    direction: Direction = "LONG" if score > 0 else "SHORT"
    return Judged(direction, round(50 + 50 * strength, 6), evidence)


def clip(value: float) -> float:
    """Into [-1, 1]."""
    return max(-1.0, min(1.0, value))


def _terms(
    series: Series, close: float, atr: float, periods: Periods
) -> tuple[Evidence, ...] | None:
    fast, slow = series.ema(periods.fast), series.ema(periods.slow)
    rsi, hist = series.rsi(), series.macd_hist()
    mean, deviation = series.sma(20), series.deviation(20)
    if fast is None or slow is None or rsi is None:
        return None
    if hist is None or mean is None or deviation is None:
        return None
    trend = 0.35 * clip((fast - slow) / atr)
    if periods.halved_below_adx is not None and (series.adx() or 0.0) < periods.halved_below_adx:
        trend /= 2
    stretch = clip((close - mean) / (2 * deviation)) if deviation > 0 else 0.0
    return (
        Evidence(name="trend", value=round(trend, 9)),
        Evidence(name="rsi", value=round(0.25 * clip((rsi - 50) / 20), 9)),
        Evidence(name="macd", value=round(0.25 * clip(hist / (0.5 * atr)), 9)),
        Evidence(name="stretch", value=round(-0.15 * stretch, 9)),
    )
