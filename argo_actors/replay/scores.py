"""How good were directions? Votes, hits, Brier scores and intervals: pure functions of numbers.

*Vote*: the first opinion of a direction of one source on one symbol. A repeat, an unchanged direction held
over many cycles, is the same vote until its horizon is over; then the next opinion is a new one. Another
direction, or NEUTRAL in between, ends it at once. Its confidence is that of its first opinion.
*Hit*: the sign of the price's move over the horizon is the vote's direction. A price that has not moved says
nothing and does not count.
*Brier*: the mean of (confidence/100 - 1 for a hit, 0 for a miss)²: 0 knows everything, 0.25 is a coin that
says 50, 1 is always sure and always wrong (Brier 1950).
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

import msgspec

from ..messages.opinion import Direction
from ..units import UtcNanos

LEAST_VOTES = 30
"""Fewer say nothing yet."""
Z95 = 1.959964
"""Standard deviations around the mean of a normal distribution that hold 95 % of it."""
BUCKETS = (50, 60, 70, 80, 90)
"""Where the confidence buckets begin; the last holds 100."""


class Said(NamedTuple):
    """An opinion, as far as a vote needs it."""

    at: UtcNanos
    direction: Direction
    confidence: float


class Vote(NamedTuple):
    """The beginning of a direction: +1 LONG, -1 SHORT."""

    at: UtcNanos
    sign: int
    confidence: float


class Outcome(NamedTuple):
    """A vote whose horizon is over: how sure it was, and whether it was right."""

    confidence: float
    hit: bool


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What outcomes come to; rates are shares of 1."""

    votes: int
    hits: int
    rate: float | None
    low: float | None
    """The rate's 95 % interval (Wilson 1927), which takes votes as independent of each other."""
    high: float | None
    brier: float | None
    verdict: str


def votes(said: Iterable[Said], horizon: int) -> tuple[list[Vote], int]:
    """The votes in the opinions of one source on one symbol, in order; and how often it turned neutral."""
    found: list[Vote] = []
    neutrals, running = 0, 0
    before: Direction | None = None
    for one in said:
        if one.direction == "NEUTRAL":
            neutrals += before != "NEUTRAL"
            running = 0
        else:
            sign = 1 if one.direction == "LONG" else -1
            if sign != running or one.at >= found[-1].at + horizon:
                found.append(Vote(one.at, sign, one.confidence))
            running = sign
        before = one.direction
    return found, neutrals


def outcome(vote: Vote, entry: float, later: float) -> Outcome | None:
    """Right or wrong; None where the price is what it was."""
    if later == entry:
        return None
    return Outcome(vote.confidence, (later > entry) == (vote.sign > 0))


def score(outcomes: Sequence[Outcome]) -> Score:
    """The score of outcomes, whatever they are of."""
    count, hits = len(outcomes), sum(one.hit for one in outcomes)
    if count == 0:
        none = {"rate": None, "low": None, "high": None, "brier": None}
        return Score(votes=0, hits=0, **none, verdict=verdict(0, 0))
    low, high = wilson(hits, count)
    return Score(
        votes=count,
        hits=hits,
        rate=hits / count,
        low=low,
        high=high,
        brier=sum((one.confidence / 100 - one.hit) ** 2 for one in outcomes) / count,
        verdict=verdict(hits, count),
    )


def wilson(hits: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Between which rates the true one lies, whatever the count (> 0); 95 % by default."""
    rate, square = hits / count, z * z
    middle = (rate + square / (2 * count)) / (1 + square / count)
    half = z * sqrt(rate * (1 - rate) / count + square / (4 * count * count)) / (1 + square / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def verdict(hits: int, count: int) -> str:
    """What may be said of a rate."""
    if count < LEAST_VOTES:
        return f"under {LEAST_VOTES} votes: nothing yet"
    low, high = wilson(hits, count)
    if low > 0.5:
        return "better than a coin"
    return "worse than a coin" if high < 0.5 else "not to be told from a coin"


def bucket(confidence: float) -> str:
    """`80-90` for 80 up to, not including, 90; confidences below 50 count as 50."""
    begin = max((one for one in BUCKETS if one <= confidence), default=BUCKETS[0])
    return f"{begin}-{begin + 10}"


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of the values does not exceed (nearest rank)."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
