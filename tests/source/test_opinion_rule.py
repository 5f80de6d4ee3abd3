"""Bars to direction, bars to regime and volatility (decisions §1, §2, §5)."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_actors.source.bars import Bar
from argo_actors.source.figures import atr_pct, regime
from argo_actors.source.opinion import (
    MARKET_DATA,
    TECHNICAL,
    Judged,
    Periods,
    from_bars,
    from_score,
)
from argo_actors.units import DAY, MINUTE

STEP = {"1Min": MINUTE, "1Day": DAY}


def bars(closes: Sequence[float], spread: float = 0.5, timeframe: str = "1Min") -> list[Bar]:
    return [
        Bar(n * STEP[timeframe], close, close + spread, close - spread, close, 1000.0)
        for n, close in enumerate(closes)
    ]


def judged(closes: Sequence[float], periods: Periods = MARKET_DATA, **more: Any) -> Judged:
    found = from_bars(bars(closes, **more), "1Min", periods)
    assert isinstance(found, Judged), found
    return found


def score(found: Judged) -> float:
    return sum(one.value for one in found.evidence)


@pytest.mark.parametrize(
    ("value", "direction", "confidence"),
    [
        (0.0, "NEUTRAL", 50.0),
        (0.199, "NEUTRAL", 59.95),
        (0.2, "LONG", 60.0),
        (-0.2, "SHORT", 60.0),
        (0.5, "LONG", 75.0),
        (1.0, "LONG", 100.0),
        (-1.0, "SHORT", 100.0),
    ],
)
def test_the_map_of_a_score(value: float, direction: str, confidence: float) -> None:
    assert from_score(value) == Judged(direction, confidence, ())  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.0001, -1.0001, math.nan, math.inf])
def test_a_score_that_is_none_gives_no_opinion(value: float) -> None:
    assert isinstance(from_score(value), str)


def ema(values: Sequence[float], n: int) -> list[float]:
    found = [sum(values[:n]) / n]
    for value in values[n:]:
        found.append(found[-1] + 2 / (n + 1) * (value - found[-1]))
    return found


def wilder(values: Sequence[float], n: int = 14) -> float:
    mean = sum(values[:n]) / n
    for value in values[n:]:
        mean = (mean * (n - 1) + value) / n
    return mean


def clip(value: float) -> float:
    return max(-1.0, min(1.0, value))


def by_hand(found: list[Bar], fast: int, slow: int) -> float:
    """The document's formula, written out again."""
    closes = [one.c for one in found]
    ranges = [max(now.h, before.c) - min(now.low, before.c) for before, now in pairwise(found)]
    moves = [now - before for before, now in pairwise(closes)]
    ups, downs = wilder([max(m, 0) for m in moves]), wilder([max(-m, 0) for m in moves])
    atr, rsi = wilder(ranges), 100 * ups / (ups + downs)
    macd = [a - b for a, b in zip(ema(closes, 12)[14:], ema(closes, 26), strict=True)]
    hist = macd[-1] - ema(macd, 9)[-1]
    last = closes[-20:]
    mean = sum(last) / 20
    deviation = math.sqrt(sum((one - mean) ** 2 for one in last) / 20)
    return clip(
        0.35 * clip((ema(closes, fast)[-1] - ema(closes, slow)[-1]) / atr)
        + 0.25 * clip((rsi - 50) / 20)
        + 0.25 * clip(hist / (0.5 * atr))
        - 0.15 * clip((closes[-1] - mean) / (2 * deviation))
    )


WAVES = [
    [100 + 0.02 * n + 2 * math.sin(n / 7) + math.sin(n / 3 + k) for n in range(120)]
    for k in range(5)
]


@pytest.mark.parametrize("closes", WAVES)
def test_the_formula_of_market_data_bars(closes: list[float]) -> None:
    expected = by_hand(bars(closes), 9, 21)
    assert score(judged(closes)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("closes", WAVES)
def test_the_formula_of_technical_bars(closes: list[float]) -> None:
    """The newest hundred; the trend term is halved where ADX14 is below 20."""
    found = judged(closes, TECHNICAL)
    whole = judged(closes, TECHNICAL._replace(halved_below_adx=None))
    assert score(whole) == pytest.approx(by_hand(bars(closes)[-100:], 20, 50), abs=1e-2)
    halved = found.evidence[0].value / whole.evidence[0].value
    assert halved == pytest.approx(0.5) or halved == 1.0


def test_a_weak_trend_counts_half_and_a_strong_one_whole() -> None:
    plain = TECHNICAL._replace(halved_below_adx=None)
    weak = [100 + 0.01 * n + (n % 2) for n in range(100)]
    strong = [100 + 1.0 * n for n in range(100)]
    for closes, share in ((weak, 0.5), (strong, 1.0)):
        trend = judged(closes, TECHNICAL).evidence[0].value
        assert trend == pytest.approx(share * judged(closes, plain).evidence[0].value)


def test_closes_that_do_not_move_are_neutral() -> None:
    assert judged([100.0] * 120).direction == "NEUTRAL"
    assert score(judged([100.0] * 120)) == 0


def test_what_gives_no_opinion() -> None:
    closes = WAVES[0]
    assert from_bars(bars(closes[:59]), "1Min", MARKET_DATA) == "59 bars of 60"
    assert isinstance(from_bars(bars(closes[:60]), "1Min", MARKET_DATA), Judged)
    assert "ATR" in str(from_bars(bars([100.0] * 120, spread=0.0), "1Min", MARKET_DATA))
    found = bars(closes)
    for missing, given_up in ((5, False), (6, True)):
        holed = found[: -10 - missing] + found[-10:]
        assert isinstance(from_bars(holed, "1Min", MARKET_DATA), str) is given_up
        earlier = found[: -30 - missing] + found[-30:]
        assert isinstance(from_bars(earlier, "1Min", MARKET_DATA), Judged)


walks = st.lists(st.floats(-1, 1, allow_nan=False), min_size=130, max_size=130).map(
    lambda moves: [500 + sum(moves[: n + 1]) for n in range(len(moves))]
)


@settings(max_examples=40, deadline=None)
@given(walks, st.sampled_from([MARKET_DATA, TECHNICAL]))
def test_mirrored_bars_give_the_mirrored_opinion(closes: list[float], periods: Periods) -> None:
    one = judged(closes, periods)
    other = judged([1000 - close for close in closes], periods)
    assert 50 <= one.confidence <= 100
    assert (one.direction == "NEUTRAL") == (one.confidence < 60)
    assert other.confidence == pytest.approx(one.confidence, abs=1e-4)
    turned = {"LONG": "SHORT", "SHORT": "LONG", "NEUTRAL": "NEUTRAL"}
    assert other.direction == turned[one.direction] or abs(abs(score(one)) - 0.2) < 1e-5


@settings(max_examples=40, deadline=None)
@given(walks)
def test_only_the_newest_bars_count(closes: list[float]) -> None:
    assert judged(closes) == judged([1.0, 2.0, 3.0, *closes[-120:]])


def daily(closes: Sequence[float], spreads: Sequence[float]) -> list[Bar]:
    return [
        Bar(n * DAY, close, close + spread, close - spread, close, 1.0)
        for n, (close, spread) in enumerate(zip(closes, spreads, strict=True))
    ]


def test_the_regimes() -> None:
    up = [100 + 0.5 * n for n in range(252)]
    down = [300 - 0.5 * n for n in range(252)]
    calmer = [3 - 0.01 * n for n in range(252)]
    even = [100 + (n % 2) for n in range(252)]
    assert regime(daily(up, calmer)) == "BULL"
    assert regime(daily(down, calmer)) == "BEAR"
    assert regime(daily(even, calmer)) == "CHOP"
    assert regime(daily(up, [*calmer[:-5], 30, 30, 30, 30, 30])) == "CRISIS"
    assert regime(daily(up[:30], calmer[:30])) == "CHOP"


def test_volatility_in_percent_of_a_day() -> None:
    """Bars of a range of 1 at 100: 1 % a bar; shorter ones by the root of bars a day."""
    flat = [100.0] * 60
    assert atr_pct(bars(flat, timeframe="1Day"), "1Day", coin=False) == 1.0
    assert atr_pct(bars(flat), "1Min", coin=False) == pytest.approx(math.sqrt(390))
    assert atr_pct(bars(flat), "1Min", coin=True) == pytest.approx(math.sqrt(1440))
    assert atr_pct(bars(flat[:14]), "1Min", coin=False) is None
    assert atr_pct(bars(flat[:15]), "1Min", coin=False) is not None
