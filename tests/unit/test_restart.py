"""Who stops, who starts, when to give up: OTP's arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.runtime.restart import (
    GivingUp,
    Restarting,
    Tally,
    backoff,
    failed,
    group_of,
    to_restart,
)
from argo_actors.runtime.spec import ChildSpec, GroupSpec, Policy, Strategy

CHILDREN = ("journal", "gate", "executor", "reconciler")
policies = st.builds(
    Policy,
    restart=st.just("permanent"),
    intensity=st.integers(0, 5),
    period_seconds=st.floats(0.1, 100),
    backoff_seconds=st.floats(0.001, 10),
    backoff_max_seconds=st.floats(0.001, 100),
)
jitters = st.floats(0, 1, exclude_max=True)


def failures(policy: Policy, times: list[float]) -> list[Restarting | GivingUp]:
    tally = Tally()
    found: list[Restarting | GivingUp] = []
    for now in times:
        answer = failed(tally, policy, now, 0.5)
        tally = answer.tally
        found.append(answer)
        if isinstance(answer, GivingUp):
            break
    return found


def test_one_failure_more_than_the_intensity_within_the_period_gives_up() -> None:
    answers = failures(Policy(intensity=3, period_seconds=60), [0, 1, 2, 3])
    assert [type(one) for one in answers] == [Restarting] * 3 + [GivingUp]
    assert answers[-1].tally.total == 4


def test_the_same_failures_spread_over_periods_never_give_up() -> None:
    answers = failures(Policy(intensity=3, period_seconds=60), [n * 20.0 for n in range(50)])
    assert all(isinstance(one, Restarting) for one in answers)
    assert answers[-1].tally.total == 50
    assert len(answers[-1].tally.times) == 3


def test_an_intensity_of_zero_gives_up_at_once() -> None:
    assert isinstance(failed(Tally(), Policy(intensity=0), 0, 0), GivingUp)


def test_a_temporary_child_is_never_restarted() -> None:
    answer = failed(Tally(), Policy(restart="temporary"), 0, 0)
    assert answer == GivingUp(Tally(), "temporary")


def test_a_transient_child_is_restarted_after_a_crash() -> None:
    assert isinstance(failed(Tally(), Policy(restart="transient"), 0, 0), Restarting)


@given(policies, st.lists(st.floats(0, 30), max_size=30), jitters)
def test_it_gives_up_exactly_when_a_window_holds_more_than_the_intensity(
    policy: Policy, gaps: list[float], jitter: float
) -> None:
    now, tally, times = 0.0, Tally(), []
    for gap in gaps:
        now += gap
        times.append(now)
        answer = failed(tally, policy, now, jitter)
        tally = answer.tally
        window = [at for at in times if now - at < policy.period_seconds]
        assert isinstance(answer, GivingUp) == (len(window) > policy.intensity)
        if isinstance(answer, GivingUp):
            break
        assert 0 < answer.delay_seconds <= policy.backoff_max_seconds


@given(policies, jitters, st.integers(0, 10_000))
def test_a_delay_lies_between_half_and_the_whole_and_never_above_its_cap(
    policy: Policy, jitter: float, count: int
) -> None:
    delay = backoff(count, policy, jitter)
    whole = backoff(count, policy, 1.0)
    assert whole / 2 <= delay <= whole <= policy.backoff_max_seconds
    assert backoff(count + 1, policy, jitter) >= delay


def test_delays_double() -> None:
    policy = Policy(backoff_seconds=1, backoff_max_seconds=60)
    assert [backoff(n, policy, 1.0) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("strategy", "stopped"),
    [
        ("one_for_one", ("executor",)),
        ("rest_for_one", ("executor", "reconciler")),
        ("one_for_all", CHILDREN),
    ],
)
def test_a_strategy_says_who_goes_with_the_failed_one(
    strategy: Strategy, stopped: tuple[str, ...]
) -> None:
    assert to_restart(strategy, CHILDREN, "executor") == stopped


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True),
    st.sampled_from(["one_for_one", "rest_for_one", "one_for_all"]),
    st.data(),
)
def test_those_restarted_hold_the_failed_one_and_keep_their_order(
    children: list[str], strategy: Strategy, data: st.DataObject
) -> None:
    one = data.draw(st.sampled_from(children))
    found = to_restart(strategy, tuple(children), one)
    assert one in found
    assert [child for child in children if child in found] == list(found)


def test_a_child_belongs_to_the_group_that_names_it() -> None:
    groups = (
        GroupSpec("deciders", "one_for_one", (ChildSpec("risk"),)),
        GroupSpec("edges", "rest_for_one", (ChildSpec("broker"), ChildSpec("quotes"))),
    )
    assert group_of(groups, "quotes") is groups[1]
    assert group_of(groups, "nobody") is None
