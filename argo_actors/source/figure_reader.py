"""Reads the bars behind regime and volatility, and says the figures that TA-Lib makes of them.

Once per completed bar; the first reading is said at two ticks, because a change of regime needs two
equal readings and the next bar of a day is a day away.
"""

from collections.abc import Callable, Sequence

from ..config import Config, is_coin
from ..errors import ProviderError
from ..messages.market import Figures
from ..runtime.edge import Overdue, Port
from ..units import SECOND, Symbol, UtcNanos
from .bars import completed
from .provider import Reading, by_class
from .schedule import newest_end

DEADLINE_SECONDS = 30.0
RETRY = 30 * SECOND
FIRST_READINGS = 2

History = Callable[[Sequence[Symbol], str, int, UtcNanos], list[Reading]]
"""Blocks: bars of these symbols in this timeframe, at least so many, as of now."""


class FigureReader:
    """Part of the quotes' edge; stocks and coins apart, so that neither waits for the other's failure."""

    def __init__(self, port: Port, config: Config, history: History) -> None:
        self._port = port
        self._settings = config.regime
        self._groups = by_class(tuple(sorted(config.symbols)))
        self._history = history
        self._read: dict[bool, UtcNanos] = {}
        self._next_try: dict[bool, UtcNanos] = {}
        self._said: dict[Symbol, tuple[Figures, int]] = {}
        self._busy = False

    def tick(self) -> None:
        """Repeat a first reading, and read what has a new bar; one question at a time."""
        again = [figures for figures, times in self._said.values() if times < FIRST_READINGS]
        if again:
            self._say(again)
        self._read_next()

    def _read_next(self) -> None:
        now = self._port.now()
        for coin, group in self._groups:
            end = newest_end(self._settings.timeframe, coin, now)
            if (
                not self._busy
                and end > self._read.get(coin, 0)
                and now >= self._next_try.get(coin, 0)
            ):
                self._ask(coin, group, end, now)

    def _ask(self, coin: bool, group: list[Symbol], end: UtcNanos, now: UtcNanos) -> None:
        self._busy = True
        timeframe, count = self._settings.timeframe, self._settings.bars

        def then(found: list[Reading], error: BaseException | None) -> None:
            self._busy = False
            if error is None:
                self._read[coin] = end
                self._say([self._figures(one) for one in found if self._is_news(one)])
            elif not isinstance(error, ProviderError | Overdue):
                raise error
            if error is not None or any(one.nothing for one in found):
                self._read.pop(coin, None)
                self._next_try[coin] = self._port.now() + RETRY
            self._read_next()

        self._port.call(lambda: self._history(group, timeframe, count, now), DEADLINE_SECONDS, then)

    def _is_news(self, reading: Reading) -> bool:
        """A symbol without bars is told once, and never in place of its good figures."""
        return not reading.nothing or reading.symbol not in self._said

    def _figures(self, reading: Reading) -> Figures:
        # TA-Lib takes a fifth of a second to load: a command that asks nobody does without it.
        from .figures import figures

        timeframe = self._settings.timeframe
        bars = completed(reading.bars, timeframe, self._port.now())[-self._settings.bars :]
        return figures(reading.symbol, bars, timeframe, is_coin(reading.symbol))

    def _say(self, found: list[Figures]) -> None:
        """Say them, but for those of a bar whose figures were said before."""
        new: list[Figures] = []
        for one in found:
            before = self._said.get(one.symbol)
            times = 1 if before is None else before[1] + 1
            if before is None or times <= FIRST_READINGS or before[0].as_of != one.as_of:
                self._said[one.symbol] = (one, times)
                new.append(one)
        if new:
            self._port.say(*new)
