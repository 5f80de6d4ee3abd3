"""A provider's newest bars, so that it asks for what is new only; forgotten overnight."""

from collections.abc import Sequence

from ..units import Symbol, UtcNanos
from .bars import Memory
from .provider import NO_BARS, Reading
from .schedule import new_york_day

BARS = 130
"""As many as any vote looks at, and some for gaps."""


class NewestBars:
    """Bars of one timeframe by symbol, of this day's questions."""

    def __init__(self, timeframe: str) -> None:
        self._timeframe = timeframe
        self._memory = Memory(timeframe, BARS)
        self._day = ""

    def begin(self, symbols: Sequence[Symbol], whole: UtcNanos, now: UtcNanos) -> UtcNanos:
        """Where the question for these symbols must begin; `whole` while one of them is not known.

        A split takes effect overnight: bars remembered from before it would be a price cliff.
        """
        today = new_york_day(now).isoformat()
        if today != self._day:
            self._memory, self._day = Memory(self._timeframe, BARS), today
        return self._memory.begin(symbols, whole)

    def joined(self, reading: Reading) -> Reading:
        """The answer with what was known before; an answer without new bars is no reason for silence."""
        if reading.nothing not in ("", NO_BARS):
            return reading
        merged = self._memory.add(reading.symbol, reading.bars)
        return reading._replace(bars=merged, nothing="" if merged else reading.nothing)
