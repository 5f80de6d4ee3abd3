"""How good a simulated source is: what it knows of the future, and how late it knows it.

A language model answers scores. A vendor of bars answers bars, so its skill is in the bars: the last of
them are bent to end in a rise or a fall that any rule of trends reads as the wanted direction, the higher
the surer; the newest close, the times and the volumes stay true, and so do quotes, trades and live prices.
"""

import hashlib
from collections.abc import Mapping, Sequence
from math import exp, sqrt
from typing import Literal, NamedTuple

from .actions import SPLIT, Actions, Kinds
from .market import HOUR, Asset, Bar, Market, Quote, Timeframe, Trade
from .sessions import DAY, MINUTE, SECOND, Sessions

Kind = Literal["own", "trend", "perfect", "inverted", "coin"]
"""`own`: the market's bars as they are; `trend`: what the daily bars say, a model's own opinion."""
WORDS = ("honest", "perfect", "inverted", "coin")
VENDORS = ("alpaca", "massive", "yfinance", "alpha_vantage")
MODELS = ("xai_grok", "sonar")
SOURCES = (*VENDORS, *MODELS)
AHEAD = {
    "alpaca": 15 * MINUTE,
    "massive": 15 * MINUTE,
    "yfinance": DAY,
    "alpha_vantage": DAY,
    "xai_grok": HOUR,
    "sonar": 2 * HOUR,
}
"""How far a perfect source sees, and how long a coin lies; vendors of daily bars asked for shorter ones
see as far as those of market data."""
FULL = 0.5
"""A score is full where the price moves by so many percent in an hour; with the root of time."""
FAST, SLOW = 10, 30
WINDOW = 130
"""A bent answer is whole, whatever was asked for: pieces of different answers do not fit together."""
RAMP = 10
"""Bars of the last rise or fall."""
FLATTEST, STEEPEST = 0.06, 0.5
"""Its steps, in mean ranges of a bar."""


class Skill(NamedTuple):
    """What a source knows; of a copy it is the copied one's."""

    kind: Kind
    source: str
    """Whose knowledge it is: two sources with coins of their own throw them apart."""
    lag: int = 0
    """Its newest knowledge is so old (ns)."""


Skills = Mapping[str, Skill]
"""By source."""
HONEST: dict[str, Skill] = {
    **{name: Skill("own", name) for name in VENDORS},
    **{name: Skill("trend", name) for name in MODELS},
}


class SkillError(ValueError):
    """A skill or lag that cannot be; `fix` says what can."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def skills(words: str, lags: str = "") -> dict[str, Skill]:
    """Read `massive=inverted,sonar=copy:xai_grok` and `massive=30` (seconds). Raises SkillError."""
    given, late = _pairs("--skill", words), _pairs("--lag", lags)
    own = {name: _lag(name, text) for name, text in late.items()}
    return {name: _resolved(name, given, own) for name in SOURCES}


def _pairs(option: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals or name not in SOURCES:
            raise SkillError(f"{option} {part}", f"write NAME=…, NAME one of {', '.join(SOURCES)}")
        found[name] = value
    return found


def _lag(name: str, text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise SkillError(f"--lag {name}={text}", "a number of seconds, from 0 to 86400")
    return int(seconds * SECOND)


def _resolved(name: str, given: Mapping[str, str], lags: Mapping[str, int]) -> Skill:
    word, source, lag = given.get(name, "honest"), name, lags.get(name, 0)
    seen = {name}
    while word.startswith("copy:"):
        source = word.removeprefix("copy:")
        if source not in SOURCES or source in seen:
            raise SkillError(
                f"--skill {name}={given[name]}", "copy another source, and not in a ring"
            )
        seen.add(source)
        word, lag = given.get(source, "honest"), lag + lags.get(source, 0)
    match word:
        case "honest":
            skill = HONEST[source]._replace(lag=lag)
        case "perfect" | "inverted" | "coin":
            skill = Skill(word, source, lag)
        case _:
            raise SkillError(f"--skill {name}={word}", f"one of {', '.join(WORDS)} or copy:NAME")
    if skill.kind == "own" and name in MODELS:
        fix = f"a model cannot read bars: give {source} a skill of its own"
        raise SkillError(f"--skill {name}=copy:{source}", fix)
    return skill


def score(market: Market, symbol: str, now: int, skill: Skill, ahead: int = 0) -> float:
    """What the source thinks of a symbol, in [-1, 1], as it knows the market `lag` ago."""
    now -= skill.lag
    ahead = ahead or AHEAD[skill.source]
    match skill.kind:
        case "coin":
            return _coin(skill.source, symbol, now // ahead)
        case "perfect":
            return _future(market, symbol, now, ahead)
        case "inverted":
            return -_future(market, symbol, now, ahead)
    return _trend(market, symbol, now)


def _coin(source: str, symbol: str, throw: int) -> float:
    digest = hashlib.sha256(f"{source} {symbol} {throw}".encode()).digest()
    return int.from_bytes(digest[:2], "big") / 32767.5 - 1.0


def _future(market: Market, symbol: str, now: int, ahead: int) -> float:
    price, later = market.price(symbol, now), market.price(symbol, min(now + ahead, market.end))
    if price is None or later is None:
        return 0.0
    known = market.actions
    grown = later / known.factor(symbol, now + ahead) / (price / known.factor(symbol, now))
    return _clip(100 * (grown - 1) / (FULL * sqrt(ahead / HOUR)))


def _trend(market: Market, symbol: str, now: int) -> float:
    """The mean of the last closes above or below that of more of them, in mean daily ranges."""
    days = market.bars(symbol, "1Day", now - 3 * SLOW * DAY, now, now)[-SLOW:]
    if len(days) < SLOW:
        return 0.0
    fast = sum(day.c for day in days[-FAST:]) / FAST
    slow = sum(day.c for day in days) / SLOW
    spread = sum(day.h - day.l for day in days) / SLOW
    return _clip((fast - slow) / spread) if spread > 0 else 0.0


def _clip(value: float) -> float:
    return round(max(-1.0, min(1.0, value)), 4)


def seen_by(market: Market, skill: Skill, timeframes: tuple[str, ...] = ()) -> Market:
    """The market as a vendor of bars shows it; of certain `timeframes` only, where they are given."""
    return market if skill.kind == "own" and not skill.lag else Seen(market, skill, timeframes)


class Seen:
    """A market whose bars are late, or bent to what a source thinks."""

    def __init__(self, market: Market, skill: Skill, timeframes: tuple[str, ...]) -> None:
        self._market = market
        self._skill = skill
        self._timeframes = timeframes
        self.label = market.label
        self.start = market.start
        self.end = market.end
        self.assets: Mapping[str, Asset] = market.assets
        self.sessions: Sessions = market.sessions
        self.actions: Actions = market.actions

    def price(self, symbol: str, at: int) -> float | None:
        """True."""
        return self._market.price(symbol, at)

    def low_high(self, symbol: str, t0: int, t1: int) -> tuple[float, float] | None:
        """True."""
        return self._market.low_high(symbol, t0, t1)

    def quote(self, symbol: str, at: int) -> Quote | None:
        """True."""
        return self._market.quote(symbol, at)

    def last_trade(self, symbol: str, at: int) -> Trade | None:
        """True."""
        return self._market.last_trade(symbol, at)

    def minutes(self, symbol: str, start: int, end: int) -> Sequence[int]:
        """True."""
        return self._market.minutes(symbol, start, end)

    def bars(
        self,
        symbol: str,
        timeframe: str,
        start: int,
        end: int,
        now: int,
        running: bool = False,
        adjusted: Kinds = SPLIT,
    ) -> list[Bar]:
        """The bars known `lag` ago; with a skill the whole of them, bent."""
        if self._timeframes and timeframe not in self._timeframes:
            return self._market.bars(symbol, timeframe, start, end, now, running, adjusted)
        skill, known = self._skill, now - self._skill.lag
        until = min(end, known)
        if skill.kind == "own":
            return self._market.bars(symbol, timeframe, start, until, known, running, adjusted)
        frame = Timeframe.parse(timeframe)
        found: list[Bar] = []
        for back in (2 * WINDOW * frame.nanoseconds, 6 * WINDOW * frame.nanoseconds + 5 * DAY):
            if len(found) < WINDOW:  # a night or a weekend lies in between
                begin = min(start, until - back)
                found = self._market.bars(symbol, timeframe, begin, until, known, running, adjusted)
        shorter = not frame.is_daily and skill.source in VENDORS
        wanted = score(self._market, symbol, now, skill, AHEAD["alpaca"] if shorter else 0)
        kept = [one for one in found[:-WINDOW] if one.t >= start]
        return bent([*kept, *found[-WINDOW:]], wanted)


def bent(bars: list[Bar], wanted: float) -> list[Bar]:
    """Bars that swing around a level and end in a rise (`wanted` above 0) or a fall to the true last close."""
    if len(bars) < 2:
        return bars
    recent = bars[-RAMP:]
    unit = max(1e-5, sum((one.h - one.l) / one.c for one in recent) / len(recent))
    slope = (FLATTEST + (STEEPEST - FLATTEST) * abs(wanted)) * unit * (1 if wanted > 0 else -1)
    away, closes = 0.0, []
    for age in range(len(bars)):
        closes.append(bars[-1].c * exp(away))
        away -= slope if age < RAMP and wanted else unit / 2 * (1 if age % 2 else -1)
    closes.reverse()
    found = []
    for i, one in enumerate(bars):
        o, c = closes[max(0, i - 1)], closes[i]
        high, low = max(o, c) * (1 + unit / 8), min(o, c) * (1 - unit / 8)
        prices = [round(price, 6) for price in (o, high, low, c)]
        found.append(Bar(one.t, prices[0], prices[1], prices[2], prices[3], one.v))
    return found
