"""The edge of a source: asks its provider when a bar has closed, and posts opinions.

A failure stays here: a permanent one parks this source with its remedy, a transient one waits, an answer
without an opinion in it is counted. Times are market times, so that a fast simulation asks as often as
a slow one.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from ..config import Config, is_coin
from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError
from ..messages import Message
from ..messages.market import MarketHours, Tick
from ..messages.opinion import NoOpinion, Opinion, SourceState, SourceStatus, VendorPrice
from ..runtime.edge import Overdue, Port
from ..runtime.mailbox import Word
from ..units import DAY, HOUR, MINUTE, SECOND, Symbol, UtcNanos
from .bars import TIMEFRAMES, completed
from .limiter import Limiter
from .opinion import from_bars
from .provider import Provider, Reading

AFTER_CLOSE = 3 * SECOND
PRICE_VALID = 15 * SECOND
DAILY_DELAY = 10 * MINUTE
NEW_YORK_MIDNIGHT = 5 * HOUR
FIRST_BACKOFF, MOST_BACKOFF = 5.0, 300.0

Park = Callable[[str, str, str, str], None]


class SourceEdge:
    """One provider, one behaviour."""

    def __init__(
        self,
        port: Port,
        *,
        name: str,
        config: Config,
        make: Callable[[], Provider],
        park: Park,
        has_key: bool = True,
        key_name: str = "",
    ) -> None:
        self._port = port
        self._name = name
        self._config = config
        self._settings = config.sources[name]
        self._make = make
        self._park = park
        self._has_key = has_key
        self._key_name = key_name
        self._symbols = tuple(sorted(config.symbols))
        self._limiter = Limiter(self._settings.calls_per_minute, self._settings.calls_per_day)
        self._provider: Provider | None = None
        self._status: SourceStatus | None = None
        self._asked: dict[Symbol, UtcNanos] = {}
        self._asked_at: dict[Symbol, UtcNanos] = {}
        self._said: dict[Symbol, tuple[Any, ...]] = {}
        self._hours: MarketHours | None = None
        self._failures = 0
        self._next_try: UtcNanos = 0
        self._busy = False
        self._answered = False
        self._disabled = False

    def start(self) -> None:
        """Say how it begins."""
        if self._has_key:
            self._provider = self._make()
            self._tell("running")
        else:
            self._disable("no key", f"set {self._key_name}", configured=False)

    def stop(self) -> None:
        """A call under way ends with its worker."""

    def hear(self, word: Word) -> None:
        """Ticks bring the questions."""
        if isinstance(word.message, MarketHours):
            self._hours = word.message
        elif isinstance(word.message, Tick):
            self._tick()

    def _tick(self) -> None:
        now = self._port.now()
        if self._disabled or self._busy or now < self._next_try or self._provider is None:
            return
        due = [symbol for symbol in self._symbols if self._is_due(symbol, now)]
        if due:
            self._ask(self._planned(due, now), now)
        elif self._provider.live and not self._provider.one_by_one:
            self._ask_prices(now)

    def _planned(self, due: list[Symbol], now: UtcNanos) -> list[Symbol]:
        """As many symbols as the limiter has calls for: those that waited longest first."""
        assert self._provider is not None
        if not self._provider.one_by_one:
            return due if self._limiter.take(now, 2) else []
        due.sort(key=lambda symbol: (self._asked_at.get(symbol, 0), symbol))
        return [symbol for symbol in due if self._limiter.take(now, 1)]

    def _is_due(self, symbol: Symbol, now: UtcNanos) -> bool:
        since = now - self._asked_at.get(symbol, -DAY)
        if since < self._settings.refresh_seconds * SECOND:
            return False
        return self._boundary(symbol, now) > self._asked.get(symbol, -1)

    def _boundary(self, symbol: Symbol, now: UtcNanos) -> UtcNanos:
        """The end of the newest bar that can have been published."""
        span = TIMEFRAMES[self._settings.timeframe]
        if self._settings.timeframe != "1Day":
            return (now - AFTER_CLOSE) // span * span
        shift = DAILY_DELAY if is_coin(symbol) else DAILY_DELAY + NEW_YORK_MIDNIGHT
        return (now - shift) // DAY * DAY

    def _ask(self, symbols: list[Symbol], now: UtcNanos) -> None:
        if not symbols or self._provider is None:
            return
        for symbol in symbols:
            self._asked[symbol] = self._boundary(symbol, now)
            self._asked_at[symbol] = now
        provider = self._provider

        def work() -> tuple[list[Reading], list[Reading]]:
            return provider.bars(symbols, now), provider.prices(symbols, now)

        self._call(work, partial(self._read, now))

    def _ask_prices(self, now: UtcNanos) -> None:
        if self._provider is None or not self._limiter.take(now, 2):
            return
        work = partial(self._provider.prices, self._symbols, now)
        self._call(work, lambda found: self._say(self._prices(found, now)))

    def _call(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._busy = True

        def done(value: Any, error: BaseException | None) -> None:
            self._busy = False
            if error is None:
                self._succeeded()
                then(value)
            else:
                self._failed(error)

        self._port.call(work, self._settings.timeout_seconds, done)

    def _read(self, asked_at: UtcNanos, found: tuple[list[Reading], list[Reading]]) -> None:
        readings, prices = found
        newest = {one.symbol: one for one in prices if one.price is not None}
        words = self._prices(prices, asked_at)
        for reading in readings:
            word = self._opinion(reading, newest.get(reading.symbol), self._port.now())
            if word is not None:
                words.append(word)
        self._say(words)

    def _prices(self, found: list[Reading], now: UtcNanos) -> list[Message]:
        return [
            VendorPrice(
                source=self._name,
                symbol=one.symbol,
                price=one.price,
                as_of=one.price_at,
                valid_until=one.price_at + PRICE_VALID,
            )
            for one in found
            if one.price is not None and one.price > 0 and one.price_at + PRICE_VALID >= now
        ]

    def _opinion(self, reading: Reading, price: Reading | None, now: UtcNanos) -> Message | None:
        """What a reading comes to; nothing when it is what was said before."""
        assert self._provider is not None
        timeframe = self._settings.timeframe
        bars = completed(reading.bars, timeframe, now)
        judged = reading.nothing or from_bars(bars, timeframe, self._provider.periods)
        if isinstance(judged, str):
            return self._nothing(reading.symbol, judged)
        as_of = bars[-1].t + TIMEFRAMES[timeframe]
        valid_until = self._valid_until(reading.symbol, as_of)
        if now > valid_until:
            return self._nothing(reading.symbol, "the newest bar is stale")
        same = (as_of, judged.direction, judged.confidence)
        if self._said.get(reading.symbol) == same:
            return None
        self._said[reading.symbol] = same
        fresh = price is not None and now - price.price_at <= PRICE_VALID
        return Opinion(
            source=self._name,
            symbol=reading.symbol,
            direction=judged.direction,
            confidence=judged.confidence,
            price=price.price if fresh and price is not None else bars[-1].c,
            as_of=as_of,
            valid_until=valid_until,
            evidence=judged.evidence,
            live=self._provider.live and not fresh,
        )

    def _nothing(self, symbol: Symbol, reason: str) -> Message | None:
        if self._said.get(symbol) == (reason,):
            return None
        self._said[symbol] = (reason,)
        return NoOpinion(source=self._name, symbol=symbol, reason=reason)

    def _valid_until(self, symbol: Symbol, as_of: UtcNanos) -> UtcNanos:
        """A daily opinion lives until the next bar and two hours; a stock's next bar is its next session's."""
        if self._settings.timeframe != "1Day":
            return as_of + int(self._settings.valid_seconds * SECOND)
        until = as_of + DAY
        if not is_coin(symbol) and self._hours is not None:
            until = max(until, self._hours.session_close + 9 * HOUR)
        return until + 2 * HOUR

    def _say(self, words: list[Message]) -> None:
        if words:
            self._port.say(*words)

    def _succeeded(self) -> None:
        self._failures = 0
        self._answered = True
        self._tell("running")

    def _failed(self, error: BaseException) -> None:
        self._answered = True
        if isinstance(error, PermanentProviderError):
            self._disable(error.what, error.fix)
        elif isinstance(error, SoftProviderError):
            self._tell("running")
        elif isinstance(error, TransientProviderError | Overdue):
            self._back_off(error)
        else:
            raise error

    def _back_off(self, error: BaseException) -> None:
        self._failures += 1
        whole = min(MOST_BACKOFF, FIRST_BACKOFF * 2.0 ** (self._failures - 1))
        wished = error.retry_after if isinstance(error, TransientProviderError) else None
        seconds = wished or whole * random.uniform(0.5, 1.0)  # noqa: S311 (spreads retries)
        self._next_try = self._port.now() + int(seconds * SECOND)
        self._asked.clear()
        self._tell("backoff", f"{type(error).__name__}: {error}"[:200])

    def _disable(self, reason: str, remedy: str, *, configured: bool = True) -> None:
        self._disabled = True
        self._tell("disabled", reason, remedy, configured=configured)
        self._park(self._port.address, "disabled", reason, remedy)

    def _tell(
        self, state: SourceState, reason: str = "", remedy: str = "", *, configured: bool = True
    ) -> None:
        """Said on every change only."""
        status = SourceStatus(
            source=self._name,
            state=state,
            configured=configured,
            answered=self._answered,
            reason=reason,
            remedy=remedy,
        )
        if status != self._status:
            self._status = status
            self._port.say(status)
