"""The statistics of the scorecard: worked examples, and properties of every input."""

from itertools import pairwise
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.messages.opinion import Direction
from argo_actors.replay.scores import (
    LEAST_VOTES,
    Outcome,
    Said,
    Vote,
    bucket,
    outcome,
    quantile,
    score,
    verdict,
    votes,
    wilson,
)
from argo_actors.units import MINUTE

HORIZON = 15 * MINUTE
DIRECTIONS: tuple[Direction, ...] = ("LONG", "SHORT", "NEUTRAL")
OPINIONS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(DIRECTIONS), st.floats(50, 100)), max_size=60
)
OUTCOMES = st.lists(st.builds(Outcome, st.floats(0, 100), st.booleans()), max_size=200)


def said(*words: tuple[int, Direction, float]) -> list[Said]:
    """Opinions so many minutes after each other."""
    at, found = 0, []
    for minutes, direction, confidence in words:
        at += minutes * MINUTE
        found.append(Said(at, direction, confidence))
    return found


def test_a_direction_held_is_one_vote_a_horizon() -> None:
    found, neutral = votes(said(*[(1, "LONG", 60.0 + i) for i in range(31)]), HORIZON)
    assert found == [
        Vote(1 * MINUTE, 1, 60.0),
        Vote(16 * MINUTE, 1, 75.0),
        Vote(31 * MINUTE, 1, 90.0),
    ]
    assert neutral == 0


def test_another_direction_or_a_neutral_opinion_ends_a_vote() -> None:
    found, neutral = votes(
        said(
            (0, "LONG", 80),
            (1, "SHORT", 70),
            (1, "NEUTRAL", 55),
            (1, "NEUTRAL", 52),
            (1, "SHORT", 90),
        ),
        HORIZON,
    )
    assert [(one.sign, one.confidence) for one in found] == [(1, 80), (-1, 70), (-1, 90)]
    assert neutral == 1


@given(OPINIONS)
def test_votes_are_opinions_and_no_two_of_one_direction_share_a_horizon_unbroken(
    words: list[tuple[int, Direction, float]],
) -> None:
    opinions = said(*words)
    found, neutral = votes(opinions, HORIZON)
    places = {(one.at, one.confidence) for one in opinions if one.direction != "NEUTRAL"}
    assert {(one.at, one.confidence) for one in found} <= places
    assert len(found) + neutral <= len(opinions)
    assert bool(found) == any(one.direction != "NEUTRAL" for one in opinions)
    for before, after in pairwise(found):
        between = [one for one in opinions if before.at <= one.at <= after.at]
        turned = before.sign != after.sign or any(one.direction == "NEUTRAL" for one in between)
        assert turned or after.at - before.at >= HORIZON


@given(OPINIONS)
def test_a_mirrored_source_has_the_mirrored_votes(
    words: list[tuple[int, Direction, float]],
) -> None:
    mirror: dict[Direction, Direction] = {"LONG": "SHORT", "SHORT": "LONG", "NEUTRAL": "NEUTRAL"}
    found, neutral = votes(said(*words), HORIZON)
    other, also = votes(said(*[(m, mirror[d], c) for m, d, c in words]), HORIZON)
    assert [one._replace(sign=-one.sign) for one in found] == other
    assert neutral == also


def test_a_hit_is_the_sign_of_the_move() -> None:
    long, short = Vote(0, 1, 80.0), Vote(0, -1, 70.0)
    assert outcome(long, 100.0, 100.01) == Outcome(80.0, True)
    assert outcome(long, 100.0, 99.99) == Outcome(80.0, False)
    assert outcome(short, 100.0, 99.99) == Outcome(70.0, True)
    assert outcome(short, 100.0, 100.0) is None


def test_the_brier_score_of_a_worked_example() -> None:
    found = score([Outcome(80, True), Outcome(80, False), Outcome(60, True), Outcome(100, True)])
    assert (found.votes, found.hits, found.rate) == (4, 3, 0.75)
    assert found.brier == pytest.approx((0.04 + 0.64 + 0.16 + 0.0) / 4)
    assert score([Outcome(50, True), Outcome(50, False)]).brier == 0.25


def test_wilsons_interval_of_worked_examples() -> None:
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(1, 1) == pytest.approx((0.2065, 1.0), abs=1e-4)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_holds_the_rate_and_mirrors(pair: tuple[int, int]) -> None:
    hits, count = pair
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1
    mirrored = wilson(count - hits, count)
    assert isclose(low, 1 - mirrored[1], abs_tol=1e-9)
    twice = wilson(2 * hits, 2 * count)
    assert twice[1] - twice[0] < high - low, "more votes say more"


@given(OUTCOMES)
def test_a_score_stays_within_its_bounds_and_adds_up(outcomes: list[Outcome]) -> None:
    found = score(outcomes)
    assert found.votes == len(outcomes)
    if not outcomes:
        assert (found.rate, found.low, found.high, found.brier) == (None, None, None, None)
        return
    assert found.rate is not None
    assert found.brier is not None
    assert 0 <= found.rate <= 1
    assert 0 <= found.brier <= 1
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(bucket(one.confidence), []).append(one)
    parts = [score(group) for group in groups.values()]
    assert sum(one.hits for one in parts) == found.hits
    mean = sum((one.brier or 0.0) * one.votes for one in parts) / found.votes
    assert mean == pytest.approx(found.brier)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.floats(50, 100))
def test_who_is_right_more_often_has_the_better_brier_score(
    hits: list[bool], confidence: float
) -> None:
    found = score([Outcome(confidence, hit) for hit in hits])
    other = score([Outcome(confidence, not hit) for hit in hits])
    assert found.brier is not None
    assert other.brier is not None
    right = sum(hits) * 2 - len(hits)
    assert (found.brier - other.brier) * right <= 1e-12


def test_a_verdict_needs_votes_and_an_interval_clear_of_one_half() -> None:
    assert verdict(29, LEAST_VOTES - 1) == "under 30 votes: nothing yet"
    assert verdict(30, 30) == "better than a coin"
    assert verdict(0, 30) == "worse than a coin"
    assert verdict(17, 30) == "not to be told from a coin"


def test_buckets_are_ten_wide_and_hold_everything() -> None:
    limits = {50: "50-60", 59.99: "50-60", 60: "60-70", 90: "90-100", 100: "90-100", 0: "50-60"}
    assert {value: bucket(value) for value in limits} == limits


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values_and_enough_lie_below(
    values: list[float], share: float
) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values) - 1e-6
    assert quantile([], share) is None
