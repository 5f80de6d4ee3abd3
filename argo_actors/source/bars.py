"""Bars as every vendor's answer becomes them: finite, ordered, complete."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from ..errors import SoftProviderError
from ..units import DAY, HOUR, MINUTE, UtcNanos

TIMEFRAMES: dict[str, int] = {
    "1Min": MINUTE,
    "5Min": 5 * MINUTE,
    "15Min": 15 * MINUTE,
    "1Hour": HOUR,
    "1Day": DAY,
}
"""Nanoseconds in a bar."""


class Bar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One bar; `t` is its start, ns UTC."""

    t: UtcNanos
    o: float
    h: float
    low: float
    c: float
    v: float


def bar(t: UtcNanos, o: float, h: float, low: float, c: float, v: float) -> Bar:
    """A bar that can be true. Raises SoftProviderError for NaN, infinity, zero, negative or crossed."""
    prices = (o, h, low, c)
    if not all(math.isfinite(one) and one > 0 for one in prices):
        raise SoftProviderError(f"a bar holds {prices}: not finite and positive")
    if not (math.isfinite(v) and v >= 0):
        raise SoftProviderError(f"a bar holds volume {v}")
    if not (low <= min(o, c) and max(o, c) <= h):
        raise SoftProviderError(f"a bar's range {low}..{h} does not hold its open and close")
    return Bar(t, o, h, low, c, v)


def completed(bars: Iterable[Bar], timeframe: str, now: UtcNanos) -> list[Bar]:
    """The bars that have ended by `now`, ascending, one per start."""
    span = TIMEFRAMES[timeframe]
    by_start = {one.t: one for one in bars if one.t + span <= now}
    return [by_start[t] for t in sorted(by_start)]


def longest_gap(bars: Sequence[Bar], timeframe: str, last: int = 20) -> int:
    """Bars missing in a row among the last so many; overnight and weekends of stocks do not count.

    A gap of more than six hours is a closed market, except for daily bars, where more than five days
    is a gap.
    """
    span = TIMEFRAMES[timeframe]
    closed = 5 * DAY if timeframe == "1Day" else 6 * HOUR
    gaps = [
        (after.t - before.t) // span - 1
        for before, after in zip(bars[-last:], bars[-last + 1 :], strict=False)
        if timeframe == "1Day" or after.t - before.t < closed
    ]
    return max(gaps, default=0)


class Memory:
    """A provider's newest bars by symbol, so that it asks for the new ones only."""

    OVERLAP = 5
    """Bars asked for again each time, as vendors correct the newest ones."""

    def __init__(self, timeframe: str, keep: int) -> None:
        self._span = TIMEFRAMES[timeframe]
        self._keep = keep
        self._bars: dict[str, list[Bar]] = {}

    def begin(self, symbols: Iterable[str], whole: UtcNanos) -> UtcNanos:
        """Where the question for these symbols must begin; `whole` while one of them is not known."""
        starts = [
            known[-1].t - self.OVERLAP * self._span
            if len(known := self._bars.get(symbol, [])) >= self._keep
            else whole
            for symbol in symbols
        ]
        return min(starts, default=whole)

    def add(self, symbol: str, bars: Sequence[Bar]) -> list[Bar]:
        """The newest bars with the answer merged in."""
        by_start = {one.t: one for one in self._bars.get(symbol, ())}
        by_start |= {one.t: one for one in bars}
        merged = [by_start[t] for t in sorted(by_start)][-self._keep :]
        self._bars[symbol] = merged
        return merged
