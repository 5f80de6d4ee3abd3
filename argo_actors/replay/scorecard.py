"""The source scorecard: what each source's opinions were worth, from the journal alone.

A vote begins when its opinion was said, the moment at which it could be acted on, and is judged by the first
recorded price since then against the first one a horizon later: the mid of a recorded quote, else a vendor's
live price, else the close that a short-lived opinion was made from (`marks.py`). Where no price comes
within three more horizons (a night after a vote on minutes) it is not judged. Votes, hits and Brier scores are
defined in `scores.py`.

Marginal profit is a difference of two reruns, both modelled (`rerun.py`): with all sources, less without the
one. It is what the source added at the others' side, in dollars; of two equal ones each adds nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import msgspec

from .. import config as configuration
from ..config import FAMILY_OF
from ..consensus.regime import RegimeView, read
from ..journal.reader import opening, records
from ..messages import Message
from ..messages.market import Decide, Figures, Regime
from ..messages.opinion import Opinion, SourceCall
from ..messages.system import Configured
from ..runtime.folding import Build
from ..units import DAY, HOUR, MINUTE, Symbol, Usd, UtcNanos, cents
from . import scores
from .marks import Prices
from .rerun import Rerun, rerun
from .scores import Outcome, Said, Score, Vote

HORIZONS = {
    "market_data": 15 * MINUTE,
    "technical": DAY,
    "sentiment": HOUR,
    "analysis": 2 * HOUR,
}
"""By family: how far ahead its opinions are meant to see (ns)."""
PATIENCE = 3
"""Horizons that a price may be late."""
SAMPLE = MINUTE
"""Directions are compared so often, at a cycle's decision."""


class SourceCard(msgspec.Struct, frozen=True, kw_only=True):
    """One source's row."""

    source: str
    family: str
    horizon_seconds: float
    opinions: int
    """Said, repeats and neutral ones included."""
    neutral: int
    """How often it turned neutral."""
    open: int
    """Votes whose horizon is not over."""
    unjudged: int
    """Votes without a price in time, or whose price has not moved."""
    score: Score
    by_regime: dict[str, Score]
    by_confidence: dict[str, Score]
    asked: int
    """Symbols asked for opinions, over all calls."""
    answered: int
    availability: float | None
    seconds_median: float | None
    """Of its calls that were answered (machine time)."""
    seconds_p95: float | None
    failures: dict[str, int]
    usd: float
    usd_per_vote: float | None
    """Of votes of any outcome, open ones included; None for a source that is not paid by the call."""
    modelled_pnl: str | None
    """Dollars with it less dollars without it; None where it was not rerun."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two sources: at how many decisions both had a direction, and the share with the same one."""

    one: str
    other: str
    both: int
    agree: float


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """All sources over a stretch of the journal."""

    begin: UtcNanos
    end: UtcNanos
    symbols: int
    sources: list[SourceCard]
    pairs: list[Pair]
    modelled_pnl: str | None
    """Dollars with all sources; None where nothing was rerun."""
    crashed_steps: int = 0
    """Of deciders in the reruns: profits with any are not to be trusted."""


class _Call(NamedTuple):
    about: str
    asked: int
    answered: int
    seconds: float
    usd: float
    failure: str


class _InForce(NamedTuple):
    sign: int
    valid_until: UtcNanos


class Gathered:
    """What a journal says of its sources, taken in word by word."""

    def __init__(self) -> None:
        self.begin: UtcNanos = 0
        self.end: UtcNanos = 0
        self.families: dict[str, str] = dict(FAMILY_OF)
        self.prices = Prices()
        self.said: dict[tuple[str, Symbol], list[Said]] = {}
        self.calls: dict[str, list[_Call]] = {}
        self.both: Counter[tuple[str, str]] = Counter()
        self.agree: Counter[tuple[str, str]] = Counter()
        self._views: dict[Symbol, RegimeView] = {}
        self._regimes: dict[Symbol, list[tuple[UtcNanos, Regime]]] = {}
        self._in_force: dict[Symbol, dict[str, _InForce]] = {}
        self._sampled: UtcNanos = 0

    @property
    def sources(self) -> list[str]:
        """Who has said or been asked anything, in the order in which members vote."""
        known = {name for name, _ in self.said} | set(self.calls)
        return [one for one in self.families if one in known]

    def configure(self, config: str) -> None:
        """A configuration in force, as JSON: a source of the user's own names its family there."""
        if config:
            self.families |= configuration.families(configuration.decode(config))

    def learn(self, at: UtcNanos, message: Message) -> None:
        """Take in a recorded word."""
        self.begin, self.end = self.begin or at, max(self.end, at)
        self.prices.learn(at, message)
        match message:
            case Opinion():
                said = Said(at, message.direction, message.confidence)
                self.said.setdefault((message.source, message.symbol), []).append(said)
                sign = {"LONG": 1, "SHORT": -1, "NEUTRAL": 0}[message.direction]
                known = self._in_force.setdefault(message.symbol, {})
                known[message.source] = _InForce(sign, message.valid_until)
            case SourceCall():
                call = _Call(
                    message.about,
                    message.asked,
                    message.answered,
                    message.seconds,
                    message.usd,
                    message.failure,
                )
                self.calls.setdefault(message.source, []).append(call)
            case Configured():
                self.configure(message.config)
            case Figures():
                view = read(self._views.get(message.symbol, RegimeView()), message.regime)
                self._views[message.symbol] = view
                self._regimes.setdefault(message.symbol, []).append((at, view.regime))
            case Decide() if at >= self._sampled + SAMPLE:
                self._sampled = at
                self._compare(at)

    def regime(self, symbol: Symbol, at: UtcNanos) -> Regime:
        """The regime in force, CHOP before the first reading as in the consensus."""
        found: Regime = "CHOP"
        for since, regime in self._regimes.get(symbol, ()):
            if since > at:
                break
            found = regime
        return found

    def _compare(self, at: UtcNanos) -> None:
        for known in self._in_force.values():
            signs = {
                source: one.sign
                for source, one in sorted(known.items())
                if one.sign and at <= one.valid_until
            }
            for pair in combinations(signs, 2):
                self.both[pair] += 1
                self.agree[pair] += signs[pair[0]] == signs[pair[1]]


class _Judged(NamedTuple):
    """The votes of one source, judged."""

    outcomes: list[tuple[Outcome, Regime]]
    votes: int
    neutral: int
    open: int


def gather(files: Sequence[Path]) -> Gathered:
    """Read journal files. Raises JournalError."""
    found = Gathered()
    for path in files:
        found.configure(opening(path).config)
        for record in records(path):
            for message in record.said:
                found.learn(record.at, message)
    return found


def scorecard(
    files: Sequence[Path],
    build: Build | None,
    *,
    horizons: Mapping[str, int] = HORIZONS,
    told: Callable[[str], None] = lambda text: None,
) -> Scorecard:
    """The scorecard of journal files; without `build` nothing is rerun and profits are left out.

    `told` hears what is being rerun, which takes a while. Raises JournalError.
    """
    gathered = gather(files)
    if build is None or not gathered.sources:
        return card_of(gathered, horizons)
    told("all sources")
    whole = rerun(files, build)
    without: dict[str, Rerun] = {}
    for name in gathered.sources:
        told(f"without {name}")
        without[name] = rerun(files, build, without=frozenset({name}))
    added = {name: whole.pnl - one.pnl for name, one in without.items()}
    card = card_of(gathered, horizons, whole.pnl, added)
    crashed = sum(one.crashes for one in (whole, *without.values()))
    return msgspec.structs.replace(card, crashed_steps=crashed)


def card_of(
    gathered: Gathered,
    horizons: Mapping[str, int],
    whole: Usd | None = None,
    added: Mapping[str, Usd] | None = None,
) -> Scorecard:
    """The scorecard of what was gathered, and of the profits of reruns where there are any."""
    profits = {name: str(cents(one)) for name, one in (added or {}).items()}
    return Scorecard(
        begin=gathered.begin,
        end=gathered.end,
        symbols=len({symbol for _, symbol in gathered.said}),
        sources=[_card(gathered, one, horizons, profits.get(one)) for one in gathered.sources],
        pairs=[
            Pair(one=one, other=other, both=count, agree=gathered.agree[one, other] / count)
            for (one, other), count in sorted(gathered.both.items())
        ],
        modelled_pnl=None if whole is None else str(cents(whole)),
    )


def _card(
    gathered: Gathered, source: str, horizons: Mapping[str, int], pnl: str | None
) -> SourceCard:
    family = gathered.families[source]
    horizon = horizons[family]
    judged = _judged(gathered, source, horizon)
    outcomes = judged.outcomes
    calls = gathered.calls.get(source, [])
    about = [one for one in calls if one.about == "opinions"]
    asked, answered = sum(one.asked for one in about), sum(one.answered for one in about)
    seconds = [one.seconds for one in calls if not one.failure]
    usd = sum(one.usd for one in calls)
    return SourceCard(
        source=source,
        family=family,
        horizon_seconds=horizon / 1e9,
        opinions=sum(len(said) for (name, _), said in gathered.said.items() if name == source),
        neutral=judged.neutral,
        open=judged.open,
        unjudged=judged.votes - judged.open - len(outcomes),
        score=scores.score([one for one, _ in outcomes]),
        by_regime=_grouped([(regime, one) for one, regime in outcomes]),
        by_confidence=_grouped([(scores.bucket(one.confidence), one) for one, _ in outcomes]),
        asked=asked,
        answered=answered,
        availability=answered / asked if asked else None,
        seconds_median=scores.quantile(seconds, 0.5),
        seconds_p95=scores.quantile(seconds, 0.95),
        failures=dict(Counter(one.failure for one in calls if one.failure)),
        usd=round(usd, 6),
        usd_per_vote=usd / judged.votes if usd and judged.votes else None,
        modelled_pnl=pnl,
    )


def _judged(gathered: Gathered, source: str, horizon: int) -> _Judged:
    outcomes: list[tuple[Outcome, Regime]] = []
    count = neutral = still_open = 0
    for (name, symbol), said in sorted(gathered.said.items()):
        if name != source:
            continue
        found, turned = scores.votes(said, horizon)
        count, neutral = count + len(found), neutral + turned
        for vote in found:
            prices = _prices(gathered, symbol, vote, horizon)
            if prices is None:
                still_open += gathered.end < vote.at + horizon
                continue
            one = scores.outcome(vote, *prices)
            if one is not None:
                outcomes.append((one, gathered.regime(symbol, vote.at)))
    return _Judged(outcomes, count, neutral, still_open)


def _prices(
    gathered: Gathered, symbol: Symbol, vote: Vote, horizon: int
) -> tuple[float, float] | None:
    patience = PATIENCE * horizon
    entry = gathered.prices.first(symbol, vote.at, patience)
    if entry is None:
        return None
    later = gathered.prices.first(symbol, entry.at + horizon, patience)
    return None if later is None else (entry.price, later.price)


def _grouped(pairs: Sequence[tuple[str, Outcome]]) -> dict[str, Score]:
    groups: dict[str, list[Outcome]] = {}
    for name, one in pairs:
        groups.setdefault(name, []).append(one)
    return {name: scores.score(groups[name]) for name in sorted(groups)}
