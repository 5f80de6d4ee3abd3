"""The slow forces of the generated market: multi-week trends, day by day, and moods of volatility.

A symbol is always in some phase: up, down or calm. A trend accelerates while it lasts and ends
abruptly. Phases are chosen against what the symbol has already gained, so that no symbol drifts
for ever. Strengths are in standard deviations of a day's return, per day.
"""

from typing import Literal, NamedTuple

import numpy as np

from .path import Floats

Phase = Literal["up", "down", "calm"]

SHORTEST = 16
LONGEST = 44
WEAKEST = 0.32
STRONGEST = 0.46
OPENING = 0.1
"""Share of its mean strength with which a trend begins; it ends with two less this."""
PULL = 8.0
"""Gain, in standard deviations of a day, at which the opposite phase becomes e times likelier."""

_SIGN: dict[Phase, float] = {"up": 1.0, "down": -1.0, "calm": 0.0}


class Trend(NamedTuple):
    """Drift of each day, and the sign of its phase (+1, 0, -1)."""

    drift: Floats
    sign: Floats


def trend(rng: np.random.Generator, days: int, today: int, phase: Phase) -> Trend:
    """The phases of `days` days of which the one in force on day `today` is given.

    On that day it has run for some weeks, out of a calm, and has some days to go.
    """
    drift, sign = np.zeros(days), np.zeros(days)
    length = int(rng.integers(LONGEST - 12, LONGEST))
    begun = today - int(length * rng.uniform(0.70, 0.90))
    gain = gain_before = _lay(rng, drift, sign, begun, length, phase)
    after, before = begun + length, begun - int(rng.integers(SHORTEST, LONGEST))
    while before > 0:
        length = int(rng.integers(SHORTEST, LONGEST))
        before -= length
        gain_before += _lay(rng, drift, sign, before, length, _next_phase(rng, gain_before))
    while after < days:
        length = int(rng.integers(SHORTEST, LONGEST))
        gain += _lay(rng, drift, sign, after, length, _next_phase(rng, gain))
        after += length
    return Trend(drift, sign)


def moods(rng: np.random.Generator, days: int, persistence: float, spread: float) -> Floats:
    """Logarithms of volatility around zero: a slow wandering with a given standard deviation."""
    steps = rng.standard_normal(days) * spread * (1 - persistence**2) ** 0.5
    level = float(rng.standard_normal()) * spread
    mood = np.empty(days)
    for day in range(days):
        level = persistence * level + steps[day]
        mood[day] = level
    return mood


def _lay(
    rng: np.random.Generator, drift: Floats, sign: Floats, begun: int, length: int, phase: Phase
) -> float:
    """Write one phase into the days it covers; its whole gain."""
    strength = _SIGN[phase] * rng.uniform(WEAKEST, STRONGEST)
    course = strength * np.linspace(OPENING, 2 - OPENING, length)
    first, last = max(begun, 0), min(begun + length, len(drift))
    drift[first:last] = course[first - begun : last - begun]
    sign[first:last] = _SIGN[phase]
    return float(strength * length)


def _next_phase(rng: np.random.Generator, gain: float) -> Phase:
    up, down = np.exp(-gain / PULL), np.exp(gain / PULL)
    drawn = rng.uniform(0, up + down + 1.0)
    if drawn < up:
        return "up"
    return "down" if drawn < up + down else "calm"
