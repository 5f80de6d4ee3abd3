"""The edge of a source: asks its provider when a bar has closed, and posts opinions.

A failure stays here: a permanent one parks this source with its remedy, a transient one waits, an answer
without an opinion in it is counted. Times are market times, so that a fast simulation asks as often as
a slow one.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from ..config import Config, is_coin
from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError
from ..messages import Message
from ..messages.market import MarketHours, Tick
from ..messages.opinion import Opinion, SourceCall, SourceState, SourceStatus, VendorPrice
from ..runtime.edge import Overdue, Port
from ..runtime.mailbox import Word
from ..units import SECOND, Symbol, UtcNanos
from .backoff import Backoff
from .bars import TIMEFRAMES
from .judge import MOST_SKEW, SKEWED, Judge
from .kept import Kept
from .limiter import Limiter
from .provider import Provider, Reading, by_class
from .schedule import (
    BEFORE_OPEN,
    MODELS_BEFORE_OPEN,
    in_hours,
    in_model_hours,
    newer_at,
    newest_end,
)

LATE_TRIES = 2
LATE_SHARE = 6
"""A bar that was not there is asked for again after a sixth of its length, at most twice."""
CLOCK_FIX = "synchronise this machine's clock (NTP)"


class Park(Protocol):
    """The supervisor's: out of work until somebody acts or, with `probe`, the slow re-probe succeeds."""

    def __call__(
        self, address: str, state: str, reason: str, remedy: str, *, probe: bool = True
    ) -> None: ...


class _Asked(NamedTuple):
    """The last question about a symbol."""

    end: UtcNanos
    """Of the bar that was to be had; of a language model, the beginning of its slot."""
    at: UtcNanos
    tries: int
    owed: bool = False
    """It failed, and is asked again without waiting for the next bar."""


class _Question(NamedTuple):
    """What a call is about."""

    about: Literal["opinions", "prices"]
    symbols: Sequence[Symbol]
    planned: int
    """Requests taken from the plan for it."""


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
        missing: Callable[[], str] = str,
        kept: Kept | None = None,
    ) -> None:
        self._port = port
        self._name = name
        self._settings = config.sources[name]
        self._decide_seconds = config.clock.decide_seconds
        self._symbols = tuple(sorted(config.symbols))
        self._make = make
        self._park = park
        self._missing = missing
        self._open = ExitStack()
        self._backoff = Backoff(name)
        self._asked: dict[Symbol, _Asked] = {}
        self._unknown: dict[Symbol, UtcNanos] = {}
        """Symbols that the vendor does not have, and until when they are left alone."""
        self._priced_at: UtcNanos | None = None
        self._price_wanted = False
        self._kept = kept or Kept()
        self._status: SourceStatus | None = None
        self._busy = False
        self._disabled = False

    def start(self) -> None:
        """Say how it begins."""
        if self._kept.off:
            self._disable(self._kept.off, f"argo source enable {self._name}", configured=False)
            return
        missing = self._missing()
        if missing:
            self._disable("no key", f"set {missing}", configured=False)
            return
        provider = self._make()
        self._open.callback(provider.close)
        settings = self._settings
        self._provider = provider
        self._backoff = Backoff(self._name, provider.backoff_seconds)
        self._judge = Judge(self._name, settings, live=provider.live, refused=self._kept.refused)
        self._limiter = self._kept.limiter = self._kept.limiter or Limiter(
            settings.calls_per_minute, settings.calls_per_day, provider.spacing_seconds
        )
        self._tell("running", provider.note)

    def stop(self) -> None:
        """Let go of the provider; a call under way ends with its worker."""
        # Whoever crashes before its first answer has failed: no entry waits for it any longer.
        self._kept.answered = True
        self._open.close()

    def hear(self, word: Word) -> None:
        """Ticks bring the questions."""
        if isinstance(word.message, MarketHours):
            self._kept.hours = word.message
        elif isinstance(word.message, Tick):
            self._price_wanted = True
            self._ask_next()

    def _ask_next(self) -> None:
        """The next question that is due, and after its answer the one after it."""
        now = self._port.now()
        if self._disabled or self._busy or now < self._backoff.until:
            return
        due = self._due(now)
        if due:
            self._ask_readings(due, now)
        elif self._is_price_due(now):
            self._ask_prices(now)

    def _due(self, now: UtcNanos) -> list[Symbol]:
        """The symbols of one question, those that waited longest first."""
        due = [symbol for symbol in self._symbols if self._is_due(symbol, now)]
        due.sort(key=lambda one: (self._waited_since(one), one))
        # One call of a language model asks for all of them: a smaller question is no cheaper.
        small = self._backoff.open and not self._provider.scored
        return due[: 1 if small else self._provider.batch]

    def _waited_since(self, symbol: Symbol) -> UtcNanos:
        asked = self._asked.get(symbol)
        return 0 if asked is None or asked.owed else asked.at

    def _is_due(self, symbol: Symbol, now: UtcNanos) -> bool:
        asked, timeframe, coin = self._asked.get(symbol), self._settings.timeframe, is_coin(symbol)
        scored = self._provider.scored
        if scored and not in_model_hours(coin, self._kept.hours, now):
            return False
        if now < self._unknown.get(symbol, 0):
            return False
        if asked is None or asked.owed:
            return True
        if scored:
            return self._newest_end(symbol, now) > asked.end
        if now - asked.at < self._settings.refresh_seconds * SECOND:
            return False
        if not in_hours(timeframe, coin, self._kept.hours, now):
            return False
        return self._newest_end(symbol, now) > asked.end or self._is_late(symbol, asked, now)

    def _newest_end(self, symbol: Symbol, now: UtcNanos) -> UtcNanos:
        """Of the bar to be had; a language model's slots are the same for all symbols: one call."""
        if self._provider.scored:
            slot = int(self._slot_seconds * SECOND)
            return now // slot * slot
        return newest_end(self._settings.timeframe, is_coin(symbol), now)

    def _is_late(self, symbol: Symbol, asked: _Asked, now: UtcNanos) -> bool:
        """The vendor did not have the bar yet."""
        return (
            asked.tries < (self._provider.tries or LATE_TRIES + 1)
            and self._judge.newest.get(symbol, 0) < asked.end
            and now - asked.at >= TIMEFRAMES[self._settings.timeframe] // LATE_SHARE
        )

    def _is_price_due(self, now: UtcNanos) -> bool:
        """Once a tick, and no oftener than the configured refresh."""
        if not (self._price_wanted and self._provider.live) or self._backoff.open:
            return False
        since = None if self._priced_at is None else now - self._priced_at
        return since is None or since >= self._settings.refresh_seconds * SECOND

    def _ask_readings(self, symbols: list[Symbol], now: UtcNanos) -> None:
        planned = 1 if self._provider.scored else len(by_class(symbols))
        if not self._limiter.take(now, planned):
            return
        for symbol in symbols:
            end = self._newest_end(symbol, now)
            before = self._asked.get(symbol)
            tries = before.tries + 1 if before is not None and before.end == end else 1
            self._asked[symbol] = _Asked(end, now, tries)
        provider = self._provider
        question = _Question("opinions", symbols, planned)
        self._call(lambda: provider.readings(symbols, now), question, self._judged)

    def _ask_prices(self, now: UtcNanos) -> None:
        timeframe = self._settings.timeframe
        symbols = [
            one for one in self._symbols if in_hours(timeframe, is_coin(one), self._kept.hours, now)
        ]
        planned = len(by_class(symbols))
        if not symbols or not self._limiter.take(now, planned):
            return
        self._price_wanted = False
        self._priced_at = now
        provider = self._provider
        question = _Question("prices", symbols, planned)
        self._call(lambda: provider.prices(symbols, now), question, self._read_prices)

    def _call(
        self,
        work: Callable[[], list[Reading]],
        question: _Question,
        read: Callable[[list[Reading]], Sequence[Message | None]],
    ) -> None:
        """Ask, and say what came of it together with how the call went."""
        self._busy = True
        provider = self._provider
        sent, paid, begun = provider.sent, provider.paid_usd, self._port.seconds()

        def then(value: Any, error: BaseException | None) -> None:
            self._busy = False
            self._limiter.charge(max(0, provider.sent - sent - question.planned))
            self._kept.calls += 1
            seconds = self._port.seconds() - begun
            self._kept.prompt = error is None and seconds < self._decide_seconds
            call = SourceCall(
                source=self._name,
                about=question.about,
                asked=len(question.symbols),
                answered=0,
                seconds=round(seconds, 6),
                usd=round(provider.paid_usd - paid, 9),
                failure="" if error is None else type(error).__name__,
            )
            if error is None:
                skewed = self._is_skewed()
                self._succeeded(SKEWED if skewed else "")
                words = self._nothing(question, SKEWED) if skewed else read(value)
                usable = self._usable(question, words)
                self._say([*words, msgspec.structs.replace(call, answered=usable)])
            else:
                self._say([call])
                # An opinion is owed; a price is asked for with the next tick anyway.
                self._failed(error, question.symbols if question.about == "opinions" else ())
            self._ask_next()

        self._port.call(work, self._settings.timeout_seconds, then)

    def _usable(self, question: _Question, words: Sequence[Message | None]) -> int:
        """Symbols with a price, or with an opinion, which is not said again where it is the same."""
        if question.about == "prices":
            return sum(isinstance(one, VendorPrice) for one in words)
        return sum(one not in self._judge.silent for one in question.symbols)

    def _judged(self, found: list[Reading]) -> list[Message | None]:
        now = self._port.now()
        said: list[Message | None] = [
            self._judge.opinion(one, self._kept.hours, now) for one in found
        ]
        self._kept.opinions += sum(isinstance(one, Opinion) for one in said)
        again = now + int(self._settings.restart.probe_seconds * SECOND)
        self._unknown |= {one.symbol: again for one in found if one.unknown}
        return said

    def _read_prices(self, found: list[Reading]) -> Sequence[Message | None]:
        return self._judge.prices(found, self._port.now())

    def _is_skewed(self) -> bool:
        """Market time here and the vendor's clock at its answer are too far apart for anything fresh."""
        theirs = self._provider.server_time
        return theirs is not None and abs(int(theirs * SECOND) - self._port.now()) > MOST_SKEW

    def _nothing(self, question: _Question, reason: str) -> list[Message | None]:
        """No opinion of any symbol that was asked about; prices are just not told."""
        asked = question.symbols if question.about == "opinions" else ()
        return [self._judge.nothing(symbol, reason) for symbol in asked]

    def _succeeded(self, warning: str = "") -> None:
        self._backoff.succeeded()
        self._kept.answered = True
        self._kept.answered_at = self._port.now()
        self._tell("running", warning or self._provider.note, CLOCK_FIX if warning else "")

    def _failed(self, error: BaseException, asked: Sequence[Symbol]) -> None:
        self._kept.answered = True
        if isinstance(error, PermanentProviderError):
            self._disable(error.what, error.fix)
        elif isinstance(error, SoftProviderError):
            self._succeeded()
            reason = f"{error.what} ({error.fix})" if error.fix else error.what
            self._say([self._judge.nothing(symbol, reason) for symbol in asked])
        elif isinstance(error, TransientProviderError | Overdue):
            self._wait(error, asked)
        else:
            raise error

    def _wait(self, error: TransientProviderError | Overdue, asked: Sequence[Symbol]) -> None:
        """Leave it alone for a while; what was asked is owed, but where tries cost only so often."""
        wish = error.retry_after if isinstance(error, TransientProviderError) else None
        is_quota = isinstance(error, TransientProviderError) and error.quota
        self._backoff.failed(self._port.now(), wish)
        for symbol in asked:
            before, most = self._asked[symbol], self._provider.tries
            owed = is_quota or not most or before.tries < most
            self._asked[symbol] = before._replace(owed=owed)
        fix = error.fix if isinstance(error, TransientProviderError) else ""
        self._tell("backoff", str(error), fix)

    def _disable(self, reason: str, remedy: str, *, configured: bool = True) -> None:
        self._disabled = True
        self._tell("disabled", reason, remedy, configured=configured)
        self._park(self._port.address, "disabled", reason, remedy, probe=not self._kept.off)

    def plans(self) -> dict[str, Any]:
        """What it waits for and has spent, to be read from any thread (market times, ns)."""
        now, waits = self._port.now(), self._backoff.until
        asks = not self._disabled and self._status is not None
        return {
            "spent_usd": self._provider.today_usd if asks else None,
            "breaker_open": asks and self._backoff.open,
            "waits_until": waits if asks and waits > now else None,
            "next_call": max(waits, min(map(self._due_at, self._symbols))) if asks else None,
        }

    def _due_at(self, symbol: Symbol) -> UtcNanos:
        """When a symbol's next question is due, as far as that is known."""
        now, asked, hours = self._port.now(), self._asked.get(symbol), self._kept.hours
        coin, timeframe, scored = is_coin(symbol), self._settings.timeframe, self._provider.scored
        at = now
        if asked is not None and not asked.owed:
            at = asked.at + int(self._settings.refresh_seconds * SECOND)
            if scored:
                at = asked.end + int(self._slot_seconds * SECOND)
            else:
                at = max(at, newer_at(timeframe, coin, asked.end))
        if hours is not None and not coin and (scored or timeframe != "1Day"):
            at = max(at, hours.session_open - (MODELS_BEFORE_OPEN if scored else BEFORE_OPEN))
        return max(at, now)

    @property
    def _slot_seconds(self) -> float:
        return self._settings.refresh_seconds or self._provider.slot_seconds

    def _say(self, words: Sequence[Message | None]) -> None:
        said = [word for word in words if word is not None]
        if said:
            self._port.say(*said)

    def _tell(
        self, state: SourceState, reason: str = "", remedy: str = "", *, configured: bool = True
    ) -> None:
        """Said on every change only."""
        status = SourceStatus(
            source=self._name,
            state=state,
            configured=configured,
            answered=self._kept.answered,
            reason=reason,
            remedy=remedy,
        )
        if status != self._status:
            self._status = status
            self._port.say(status)
