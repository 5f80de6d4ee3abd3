"""What happens within a day of the generated market: shapes of volatility, moods, bursts, jumps, extremes.

Everything is of the minutes of one day, in logarithms; variances are laid out so that the whole day has
the volatility that it is given.
"""

import numpy as np

from .path import Floats

SESSION_MINUTES = 390
COIN_MINUTES = 1440
GAP_SHARE = 0.22
"""Of a stock's daily variance, overnight."""
MINUTES_OF_A_MOOD = 15
MOOD_SPREAD = 0.30
BURST_PEAK = (0.45, 0.85)
"""Drift at a burst's peak, in standard deviations of its minute."""
BURST_MINUTES = (15.0, 60.0)
MINUTES_PER_BURST = 50
"""Each such part of a day begins one burst, at any minute of it."""
GIVEN_BACK = 0.5
"""Share of a burst's gain that is lost again, slowly, after it."""
SLOWER = 2.5
"""How many times longer than the burst that takes."""
BURST_LEAN = 0.38
"""How much likelier than one half a burst runs with the trend of its symbol."""
JUMP_SIZE = (0.25, 0.70)
"""In standard deviations of a day."""


def extremes(
    begins: Floats, ends: Floats, variance: Floats, drawn: Floats
) -> tuple[Floats, Floats]:
    """Lows and highs that a random walk has between two known ends (its exact distribution)."""
    square = (ends - begins) ** 2
    low = (begins + ends - np.sqrt(square - 2 * variance * np.log1p(-drawn[0]))) / 2
    high = (begins + ends + np.sqrt(square - 2 * variance * np.log1p(-drawn[1]))) / 2
    return low, high


def session_shape(count: int) -> Floats:
    """Volatility over a session, root mean square one: wild at the open, lively at the close."""
    minute = np.arange(count)
    shape = 1 + 1.6 * np.exp(-minute / 22) + 0.5 * np.exp(-(count - minute) / 25)
    scaled: Floats = shape / np.sqrt(np.mean(shape**2))
    return scaled


def coin_shape(count: int) -> Floats:
    """Volatility over a UTC day, root mean square one: liveliest near 15:00."""
    shape = 1 + 0.3 * np.cos((np.arange(count) / count - 15 / 24) * 2 * np.pi)
    scaled: Floats = shape / np.sqrt(np.mean(shape**2))
    return scaled


def cluster(rng: np.random.Generator, count: int) -> Floats:
    """Moods of volatility within a day, each about a quarter of an hour, mean square near one."""
    knots = rng.normal(0.0, MOOD_SPREAD, count // MINUTES_OF_A_MOOD + 2)
    mood = np.interp(np.arange(count) / MINUTES_OF_A_MOOD, np.arange(len(knots)), knots)
    return np.exp(mood - MOOD_SPREAD**2)


def _burst_count(count: int) -> int:
    """How many bursts a day of `count` minutes has."""
    return max(1, round(count / MINUTES_PER_BURST))


def bursts(rng: np.random.Generator, count: int, sign: float) -> Floats:
    """Momentum of each minute, in its standard deviations: bursts that build up and fade."""
    drift = np.zeros(count)
    minute = np.arange(count)
    bursts = _burst_count(count)
    for number in range(bursts):
        length = rng.uniform(*BURST_MINUTES)
        begun = (number + rng.random()) * count / bursts - length / 3
        towards = 1.0 if rng.random() < 0.5 + BURST_LEAN * sign else -1.0
        peak = towards * rng.uniform(*BURST_PEAK)
        done = np.clip((minute - begun) / length, 0, 1)
        undone = np.clip((minute - begun - length) / (SLOWER * length), 0, 1)
        drift += peak * np.sin(np.pi * done) ** 2
        drift -= peak * GIVEN_BACK / SLOWER * np.sin(np.pi * undone) ** 2
    return drift


def _burst_gain() -> float:
    """What is left of an average burst, in standard deviations of a minute."""
    return sum(BURST_PEAK) / 2 * sum(BURST_MINUTES) / 2 / 2 * (1 - GIVEN_BACK)


def lean(count: int, sign: float) -> float:
    """What the bursts of a day are expected to add together, in the same unit."""
    return _burst_count(count) * _burst_gain() * 2 * BURST_LEAN * sign


def noise_share(crypto: bool) -> float:
    """Of a day's variance (without its gap), what the walk itself has; bursts have the rest."""
    count = COIN_MINUTES if crypto else SESSION_MINUTES
    bursts = _burst_count(count) * _burst_gain() ** 2 * 1.6
    return (1.0 if crypto else 1 - GAP_SHARE) * count / (count + bursts)


def jumps(rng: np.random.Generator, count: int, sigma: float) -> Floats:
    """Sudden news: in most days none."""
    jumps = np.zeros(count)
    for _ in range(int(rng.poisson(0.12))):
        size = rng.uniform(*JUMP_SIZE) * sigma
        jumps[int(rng.integers(count))] += size if rng.random() < 0.5 else -size
    return jumps
