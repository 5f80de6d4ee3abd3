"""Vendors' prices (decisions §1), and the regime with its multipliers (decisions §2)."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.consensus.prices import SPLIT_RATIOS, Comparison, Price, compare
from argo_actors.consensus.regime import RegimeView, multiplier, read
from argo_actors.units import MINUTE, SECOND
from tests.consensus.votes import NOW, config_of

AGREE = Comparison(False, False, ())


def vendors(*prices: float) -> list[Price]:
    return [Price(f"v{n}", price, NOW) for n, price in enumerate(prices)]


@pytest.mark.parametrize(
    ("prices", "tolerance", "expected"),
    [
        ((), 0.5, AGREE),
        ((100.0,), 0.5, AGREE),
        ((100.0, 100.5), 0.5, AGREE),
        ((100.0, 100.51), 0.5, Comparison(True, False, ())),
        ((100.0, 101.0), 1.0, AGREE),
        ((100.0, 101.1), 1.0, Comparison(True, False, ())),
        ((100.0, 100.1, 103.0), 0.5, Comparison(False, False, ("v2",))),
        ((97.0, 100.0, 100.1), 0.5, Comparison(False, False, ("v0",))),
        ((100.0, 102.0, 104.0), 0.5, Comparison(True, False, ("v2",))),
        ((100.0, 100.1, 100.2, 130.0), 0.5, Comparison(False, False, ("v3",))),
    ],
)
def test_of_two_that_differ_none_goes_of_three_the_outlier(
    prices: tuple[float, ...], tolerance: float, expected: Comparison
) -> None:
    assert compare(vendors(*prices), tolerance) == expected


@pytest.mark.parametrize("ratio", SPLIT_RATIOS)
@pytest.mark.parametrize("off", [0.981, 1.0, 1.019])
def test_a_ratio_like_a_splits_is_one_either_way_round(ratio: int, off: float) -> None:
    assert SPLIT_RATIOS == (2, 3, 4, 5, 7, 10, 20)
    assert compare(vendors(100.0, 100.0 * ratio * off), 0.5).split
    assert compare(vendors(100.0 * ratio * off, 100.0), 0.5).split


@pytest.mark.parametrize("ratio", [1.5, 1.95, 2.05, 2.5, 6.0, 8.0, 15.0, 21.0])
def test_another_ratio_is_only_a_disagreement(ratio: float) -> None:
    assert compare(vendors(100.0, 100.0 * ratio), 0.5) == Comparison(True, False, ())


def test_prices_more_than_a_minute_apart_are_not_compared() -> None:
    new = Price("new", 120.0, NOW)
    assert compare([new, Price("old", 100.0, NOW - MINUTE)], 0.5).conflict
    assert compare([new, Price("old", 100.0, NOW - MINUTE - SECOND)], 0.5) == AGREE


@given(st.lists(st.floats(0.01, 1e6), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_vendors_does_not_matter(
    prices: list[float], order: random.Random
) -> None:
    found = vendors(*prices)
    shuffled = list(found)
    order.shuffle(shuffled)
    assert compare(shuffled, 0.5) == compare(found, 0.5)


@given(st.lists(st.floats(100.0, 100.5), max_size=6))
def test_prices_within_the_tolerance_never_conflict(prices: list[float]) -> None:
    assert compare(vendors(*prices), 0.5) == AGREE


@pytest.mark.parametrize(
    ("regime", "long", "short"),
    [("BULL", 1.0, 0.9), ("BEAR", 0.9, 1.0), ("CHOP", 0.95, 0.95), ("CRISIS", 0.8, 0.8)],
)
def test_the_multipliers(regime: str, long: float, short: float) -> None:
    config = config_of()
    assert multiplier(config, regime, "BUY") == long  # type: ignore[arg-type]
    assert multiplier(config, regime, "SELL") == short  # type: ignore[arg-type]


REGIMES = st.sampled_from(["BULL", "BEAR", "CHOP", "CRISIS"])


def test_a_change_needs_two_equal_readings() -> None:
    view = RegimeView()
    assert view.regime == "CHOP"
    view = read(view, "BULL")
    assert view.regime == "CHOP"
    assert read(view, "BULL").regime == "BULL"
    assert read(view, "BEAR").regime == "CHOP"
    assert read(read(read(view, "CHOP"), "BULL"), "BEAR").regime == "CHOP"


@given(st.lists(REGIMES, max_size=30))
def test_the_regime_is_always_the_last_pair_of_equal_readings(readings: list[str]) -> None:
    view, expected = RegimeView(), "CHOP"
    for before, now in zip(["", *readings], readings, strict=False):
        view = read(view, now)  # type: ignore[arg-type]
        if now == before:
            expected = now
        assert view.regime == expected
