"""Families, weights, participation and strength: Weighted Consensus v6 (decisions §2)."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.config import FAMILY_OF
from argo_actors.consensus.pooling import Cast, Pooled, backed, pool, round6, vote
from tests.consensus.votes import ALL, EXAMPLE, Votes, ballots, mirrored

WEIGHTS = {"market_data": 0.40, "technical": 0.25, "sentiment": 0.20, "analysis": 0.15}


def pooled(votes: Votes, configured: tuple[str, ...] = ALL) -> Pooled:
    casts = [Cast(source, *cast) for source, cast in votes.items()]  # type: ignore[arg-type]
    return pool(casts, configured, WEIGHTS)


def family_votes(votes: Votes, configured: tuple[str, ...] = ALL) -> dict[str, float | None]:
    return {one.name: one.vote for one in pooled(votes, configured).families}


def test_the_worked_example() -> None:
    found = pooled(EXAMPLE)
    assert found.strength == 0.8095
    assert found.participation == 1.0
    assert family_votes(EXAMPLE) == {
        "market_data": 0.85,
        "technical": 0.81,
        "sentiment": 0.75,
        "analysis": 0.78,
    }
    assert pooled(EXAMPLE | {"sonar": ("SHORT", 78.0)}).strength == 0.5755


@pytest.mark.parametrize(("direction", "x"), [("LONG", 0.85), ("SHORT", -0.85), ("NEUTRAL", 0.0)])
def test_a_members_vote_is_its_signed_confidence(direction: str, x: float) -> None:
    assert vote(Cast("alpaca", direction, 85.0)) == x  # type: ignore[arg-type]


def test_inside_a_family_neutral_votes_zero_and_silence_does_not_vote() -> None:
    assert family_votes({"yfinance": ("LONG", 80.0)})["technical"] == 0.8
    neutral = {"yfinance": ("LONG", 80.0), "alpha_vantage": ("NEUTRAL", 55.0)}
    assert family_votes(neutral)["technical"] == 0.4


def test_a_family_of_neutrals_abstains_and_lowers_participation() -> None:
    found = pooled({"alpaca": ("LONG", 90.0), "sonar": ("NEUTRAL", 50.0)})
    assert {one.name: one.vote for one in found.families}["analysis"] is None
    assert found.participation == 0.4
    assert found.voting == 1
    assert found.strength == 0.9


def test_members_that_cancel_out_vote_zero_and_do_not_abstain() -> None:
    found = pooled({"yfinance": ("LONG", 70.0), "alpha_vantage": ("SHORT", 70.0)})
    assert found.voting == 1
    assert found.strength == 0.0


def test_participation_is_measured_against_the_configured_families_only() -> None:
    votes = {"alpaca": ("LONG", 80.0), "alpha_vantage": ("LONG", 80.0)}
    assert pooled(votes).participation == 0.65
    assert pooled(votes, ("alpaca", "alpha_vantage")).participation == 1.0
    assert pooled(votes, ("alpaca", "alpha_vantage", "sonar")).participation == 0.8125


def test_nobody_configured_is_no_division() -> None:
    assert pooled({}, ()) == Pooled((), 0.0, 0.0, 0, 0)


def test_only_market_data_or_technical_backs_a_direction() -> None:
    models = pooled({"xai_grok": ("LONG", 90.0), "sonar": ("LONG", 90.0)})
    assert not backed(models.families, models.strength)
    against = pooled({"xai_grok": ("LONG", 90.0), "alpaca": ("SHORT", 1.0)})
    assert against.strength > 0
    assert not backed(against.families, against.strength)
    assert backed(pooled({"yfinance": ("SHORT", 60.0)}).families, -0.6)


@pytest.mark.parametrize(
    ("value", "six"),
    [(0.0000005, 0.0), (0.0000015, 0.000002), (0.0000025, 0.000002), (-0.1234565, -0.123456)],
)
def test_six_places_half_even(value: float, six: float) -> None:
    assert round6(value) == six


@given(ballots)
def test_strength_votes_and_participation_stay_in_range(votes: Votes) -> None:
    found = pooled(votes)
    assert -1 <= found.strength <= 1
    assert 0 <= found.participation <= 1
    assert all(one.vote is None or -1 <= one.vote <= 1 for one in found.families)
    if not found.voting:
        assert found.strength == found.participation == 0


@given(ballots)
def test_long_and_short_are_symmetric(votes: Votes) -> None:
    one, other = pooled(votes), pooled(mirrored(votes))
    assert one.strength == -other.strength
    assert one.participation == other.participation
    assert backed(one.families, one.strength) == backed(other.families, other.strength)


@given(ballots, st.randoms(use_true_random=False))
def test_the_order_of_opinions_and_sources_does_not_matter(
    votes: Votes, order: random.Random
) -> None:
    shuffled, sources = list(votes.items()), list(ALL)
    order.shuffle(shuffled)
    order.shuffle(sources)
    assert pooled(dict(shuffled), tuple(sources)) == pooled(votes)


@given(ballots, st.sampled_from(ALL), st.sampled_from(["LONG", "SHORT"]), st.floats(0, 100))
def test_one_member_moves_the_whole_by_no_more_than_its_familys_share(
    votes: Votes, source: str, direction: str, confidence: float
) -> None:
    """Two ballots that differ in one member's word: its family's weight caps the difference."""
    before = votes | {source: ("LONG", 100.0)}
    after = votes | {source: (direction, confidence)}
    one, other = pooled(before), pooled(after)
    share = WEIGHTS[FAMILY_OF[source]] / sum(
        family.weight for family in one.families if family.vote is not None
    )
    assert abs(one.strength - other.strength) <= 2 * share + 2e-6


@given(ballots)
def test_strength_is_a_weighted_mean_of_the_families_votes(votes: Votes) -> None:
    found = pooled(votes)
    said = [one.vote for one in found.families if one.vote is not None]
    if said:
        assert min(said) - 2e-6 <= found.strength <= max(said) + 2e-6


@given(ballots)
def test_a_source_that_is_not_configured_changes_nothing(votes: Votes) -> None:
    """The decider drops its cast; a family without a configured member does not count either."""
    without = {source: cast for source, cast in votes.items() if FAMILY_OF[source] != "sentiment"}
    sources = tuple(one for one in ALL if FAMILY_OF[one] != "sentiment")
    assert pooled(votes, sources) == pooled(without, sources)
