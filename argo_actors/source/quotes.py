"""Quotes when risk asks for them, quotes of what is held, and the figures that need TA-Lib."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from ..config import Config, is_coin
from ..errors import ProviderError
from ..messages import Message
from ..messages.market import Quote, QuoteFailure, Quotes, QuoteSeen, QuotesWanted, Tick
from ..messages.order import Holding
from ..runtime.edge import Overdue, Port
from ..runtime.mailbox import Word
from ..units import MINUTE, SECOND, Symbol, UtcNanos
from .alpaca import Alpaca, parse_time
from .bars import TIMEFRAMES, completed
from .figures import figures
from .provider import Reading

ANSWER_SECONDS = 2.0
HISTORY_SECONDS = 30.0
FIGURES_DELAY = MINUTE
RETRY = 30 * SECOND


class QuotesEdge:
    """Alpaca's newest quotes; every question is answered, by a quote or by the reason there is none."""

    def __init__(self, port: Port, *, config: Config, make: Callable[[], Alpaca]) -> None:
        self._port = port
        self._config = config
        self._make = make
        self._alpaca: Alpaca | None = None
        self._held: set[Symbol] = set()
        self._watching = False
        self._figures_at: UtcNanos = -1
        self._readings = 0
        self._reading = False
        self._next_try: UtcNanos = 0

    def start(self) -> None:
        """Have a client."""
        self._alpaca = self._make()

    def stop(self) -> None:
        """A call under way ends with its worker."""

    def hear(self, word: Word) -> None:
        """A question, a tick, or what is held from now on."""
        match word.message:
            case QuotesWanted():
                self._wanted(word.message)
            case Holding():
                self._holds(word.message)
            case Tick():
                self._watch()
                self._read_figures()

    def _holds(self, holding: Holding) -> None:
        if holding.side is None:
            self._held.discard(holding.symbol)
        else:
            self._held.add(holding.symbol)

    def _wanted(self, wanted: QuotesWanted) -> None:
        assert self._alpaca is not None
        then = partial(self._answer, wanted)
        self._port.call(partial(self._alpaca.quotes, wanted.symbols), ANSWER_SECONDS, then)

    def _answer(self, wanted: QuotesWanted, raw: Any, error: BaseException | None) -> None:
        quotes: list[Quote] = []
        failed: list[QuoteFailure] = []
        for symbol in wanted.symbols:
            found = _why(error) or self._quote(symbol, raw.get(symbol))
            if isinstance(found, Quote):
                quotes.append(found)
            else:
                failed.append(QuoteFailure(symbol=symbol, reason=found))
        self._port.say(Quotes(request=wanted.request, quotes=tuple(quotes), failed=tuple(failed)))

    def _quote(self, symbol: Symbol, raw: Any) -> Quote | str:
        """A quote that can be true, or what is wrong with it."""
        try:
            bid, ask, at = float(raw["bp"]), float(raw["ap"]), parse_time(raw["t"])
        except (KeyError, TypeError, ValueError):
            return "no quote"
        if not (math.isfinite(bid) and math.isfinite(ask)) or bid <= 0 or ask <= 0:
            return f"no quote on one side: bid {bid}, ask {ask}"
        if bid > ask:
            return f"crossed: bid {bid}, ask {ask}"
        return Quote(symbol=symbol, bid=bid, ask=ask, at=at, received_at=self._port.now())

    def _watch(self) -> None:
        """Marks, and the software side of a coin's protection."""
        if self._watching or not self._held or self._alpaca is None:
            return
        self._watching = True
        symbols = tuple(sorted(self._held))

        def then(raw: Any, error: BaseException | None) -> None:
            self._watching = False
            if error is not None:
                _only_expected(error)
                return
            found = [self._quote(symbol, raw.get(symbol)) for symbol in symbols]
            words: list[Message] = [QuoteSeen(quote=one) for one in found if isinstance(one, Quote)]
            if words:
                self._port.say(*words)

        self._port.call(partial(self._alpaca.quotes, symbols), ANSWER_SECONDS, then)

    def _read_figures(self) -> None:
        """Once per completed bar; twice at the start, because a regime needs two equal readings."""
        now = self._port.now()
        timeframe = self._config.regime.timeframe
        span = TIMEFRAMES[timeframe]
        boundary = (now - FIGURES_DELAY) // span * span
        due = boundary > self._figures_at or self._readings < 2
        if not due or self._reading or now < self._next_try or self._alpaca is None:
            return
        self._reading = True
        count = self._config.regime.bars
        symbols = tuple(sorted(self._config.symbols))

        def then(found: Any, error: BaseException | None) -> None:
            self._reading = False
            if error is not None:
                _only_expected(error)
                self._next_try = self._port.now() + RETRY
                return
            self._figures_at = boundary
            self._readings += 1
            self._port.say(*self._figures(found, timeframe, count))

        work = partial(self._alpaca.history, symbols, timeframe, count, now)
        self._port.call(work, HISTORY_SECONDS, then)

    def _figures(self, found: list[Reading], timeframe: str, count: int) -> list[Message]:
        now = self._port.now()
        return [
            figures(
                one.symbol,
                completed(one.bars, timeframe, now)[-count:],
                timeframe,
                is_coin(one.symbol),
            )
            for one in found
        ]


def _why(error: BaseException | None) -> str:
    if error is None:
        return ""
    _only_expected(error)
    return f"{type(error).__name__}: {error}"[:120]


def _only_expected(error: BaseException) -> None:
    """A provider's failure is expected; anything else is a crash of this edge."""
    if not isinstance(error, ProviderError | Overdue):
        raise error
