"""Quotes when risk asks for them, quotes of what is held, and the figures that need TA-Lib."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from ..config import Config
from ..errors import ProviderError, SoftProviderError
from ..messages.market import Quote, QuoteFailure, Quotes, QuoteSeen, QuotesWanted, Tick
from ..messages.order import Holding
from ..runtime.edge import Overdue, Port
from ..runtime.mailbox import Word
from ..units import SECOND, Symbol, UtcNanos
from .alpaca import Alpaca, Sides, parse_time
from .figure_reader import FigureReader
from .http import MOST_TEXT
from .provider import by_class

ANSWER_SECONDS = 1.8
"""An answer is owed within two seconds: what has not come by then has failed."""
WATCH_EVERY = SECOND


class QuotesEdge:
    """Alpaca's newest quotes; every question is answered, by a quote or by the reason there is none."""

    def __init__(self, port: Port, *, config: Config, make: Callable[[], Alpaca]) -> None:
        self._port = port
        self._config = config
        self._make = make
        self._open = ExitStack()
        # An order actor says where it stands on a change only. Until it does, its symbol may be
        # held: after a restart a coin's protection must not wait for the next change.
        self._watched: set[Symbol] = set(config.symbols)
        self._watching: set[bool] = set()
        self._watched_at: UtcNanos | None = None

    def start(self) -> None:
        """Have a client."""
        self._alpaca = self._make()
        self._open.callback(self._alpaca.close)
        self._figures = FigureReader(self._port, self._config, self._alpaca.history)

    def stop(self) -> None:
        """Let go of the client; a call under way ends with its worker."""
        self._open.close()

    def hear(self, word: Word) -> None:
        """A question, a tick, or what is held from now on."""
        match word.message:
            case QuotesWanted():
                self._wanted(word.message)
            case Holding():
                self._holds(word.message)
            case Tick():
                self._watch()
                self._figures.tick()

    def _holds(self, holding: Holding) -> None:
        if holding.phase == "flat":
            self._watched.discard(holding.symbol)
        else:
            self._watched.add(holding.symbol)

    def _wanted(self, wanted: QuotesWanted) -> None:
        """Ask for stocks and coins apart, so that neither fails with the other.

        What is held is asked for along: no entry is judged by marks that are older than its own quote.
        """
        found: dict[Symbol, Quote | str] = {}
        symbols = tuple(dict.fromkeys(wanted.symbols))
        asked = (*symbols, *sorted(self._watched.difference(symbols))) if symbols else ()

        def then(group: list[Symbol], raw: Any, error: BaseException | None) -> None:
            found.update(self._judged(group, raw, error))
            if len(found) == len(asked):
                self._answer(wanted.request, symbols, found)

        if not asked:
            self._answer(wanted.request, symbols, found)
        for _, group in by_class(asked):
            self._ask(group, partial(then, group))

    def _answer(
        self, request: int, symbols: tuple[Symbol, ...], found: dict[Symbol, Quote | str]
    ) -> None:
        quotes, failed = [], []
        marks = [one for symbol, one in found.items() if symbol not in symbols]
        for symbol in symbols:
            one = found[symbol]
            if isinstance(one, Quote):
                quotes.append(one)
            else:
                failed.append(QuoteFailure(symbol=symbol, reason=one))
        seen = [QuoteSeen(quote=one) for one in marks if isinstance(one, Quote)]
        self._port.say(*seen, Quotes(request=request, quotes=tuple(quotes), failed=tuple(failed)))

    def _watch(self) -> None:
        """Marks, and the software side of a coin's protection."""
        now = self._port.now()
        if self._watched_at is not None and now - self._watched_at < WATCH_EVERY:
            return
        self._watched_at = now
        for coin, group in by_class(tuple(sorted(self._watched))):
            if coin not in self._watching:
                self._watching.add(coin)
                self._ask(group, partial(self._seen, coin, group))

    def _seen(self, coin: bool, group: list[Symbol], raw: Any, error: BaseException | None) -> None:
        self._watching.discard(coin)
        found = self._judged(group, raw, error).values()
        words = [QuoteSeen(quote=one) for one in found if isinstance(one, Quote)]
        if words:
            self._port.say(*words)

    def _ask(self, group: list[Symbol], then: Callable[[Any, BaseException | None], None]) -> None:
        alpaca = self._alpaca
        self._port.call(lambda: alpaca.quotes(group, ANSWER_SECONDS), ANSWER_SECONDS, then)

    def _judged(
        self, group: list[Symbol], raw: Any, error: BaseException | None
    ) -> dict[Symbol, Quote | str]:
        """A quote of each symbol, or why there is none."""
        if error is None:
            now = self._port.now()
            return {symbol: judged(symbol, raw.get(symbol), now) for symbol in group}
        if not isinstance(error, ProviderError | Overdue):
            raise error
        why = f"{type(error).__name__}: {error}"[:MOST_TEXT]
        return dict.fromkeys(group, why)


def judged(symbol: Symbol, raw: Sides | None, now: UtcNanos) -> Quote | str:
    """A quote that can be true, or what is wrong with it."""
    if raw is None or raw.bid == 0 or raw.ask == 0:
        return "no quote"
    if not (math.isfinite(raw.bid) and math.isfinite(raw.ask)) or raw.bid < 0 or raw.ask < 0:
        return f"no price: bid {raw.bid}, ask {raw.ask}"
    if raw.bid > raw.ask:
        return f"crossed: bid {raw.bid}, ask {raw.ask}"
    try:
        return Quote(symbol=symbol, bid=raw.bid, ask=raw.ask, at=parse_time(raw.t), received_at=now)
    except SoftProviderError as error:
        return error.what
