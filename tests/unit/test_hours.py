"""Sessions of New York and the loss day (decisions §4): zone aware, holidays and half days included."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.clock.hours import Hours, loss_day, next_loss_day
from argo_actors.units import HOUR, SECOND


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


HOURS = Hours(at("2026-03-04T15:00:00Z"))


@pytest.mark.parametrize(
    ("now", "begun"),
    [
        ("2026-03-04T21:59:59Z", "2026-03-03T17:00:00-05:00"),
        ("2026-03-04T22:00:00Z", "2026-03-04T17:00:00-05:00"),
        ("2026-03-08T12:00:00Z", "2026-03-07T17:00:00-05:00"),
        ("2026-03-08T21:00:00Z", "2026-03-08T17:00:00-04:00"),
        ("2026-11-01T21:59:59Z", "2026-10-31T17:00:00-04:00"),
        ("2026-11-01T22:00:00Z", "2026-11-01T17:00:00-05:00"),
    ],
)
def test_the_loss_day_begins_at_17_in_new_york(now: str, begun: str) -> None:
    assert loss_day(at(now), "17:00") == at(begun)


@pytest.mark.parametrize(
    ("now", "reset", "zone", "begun"),
    [
        ("2026-03-29T01:30:00Z", "00:00", "Europe/Prague", "2026-03-29T00:00:00+01:00"),
        ("2026-03-29T22:30:00Z", "00:00", "Europe/Prague", "2026-03-30T00:00:00+02:00"),
        ("2026-03-29T21:59:59Z", "00:00", "Europe/Prague", "2026-03-29T00:00:00+01:00"),
        ("2026-03-04T00:29:59Z", "00:30", "UTC", "2026-03-03T00:30:00+00:00"),
    ],
)
def test_a_firms_day_begins_at_its_reset_in_its_zone(
    now: str, reset: str, zone: str, begun: str
) -> None:
    assert Hours(at(now), reset, zone).at(at(now)).loss_day == at(begun)


def test_a_day_on_which_the_clocks_change_is_shorter_or_longer() -> None:
    spring, autumn = at("2026-03-08T12:00:00Z"), at("2026-11-01T12:00:00Z")
    assert next_loss_day(spring, "17:00") - loss_day(spring, "17:00") == 23 * HOUR
    assert next_loss_day(autumn, "17:00") - loss_day(autumn, "17:00") == 25 * HOUR


@given(st.integers(at("2020-01-01T00:00:00Z"), at("2035-01-01T00:00:00Z")))
def test_every_moment_lies_in_one_loss_day(now: int) -> None:
    begun, after = loss_day(now, "17:00"), next_loss_day(now, "17:00")
    assert begun <= now < after
    assert loss_day(begun, "17:00") == begun
    assert loss_day(after - 1, "17:00") == begun
    assert loss_day(after, "17:00") == after


@pytest.mark.parametrize(
    ("now", "is_open", "opens", "closes"),
    [
        ("2026-03-04T14:29:59Z", False, "2026-03-04T14:30:00Z", "2026-03-04T21:00:00Z"),
        ("2026-03-04T14:30:00Z", True, "2026-03-04T14:30:00Z", "2026-03-04T21:00:00Z"),
        ("2026-03-04T20:59:59Z", True, "2026-03-04T14:30:00Z", "2026-03-04T21:00:00Z"),
        ("2026-03-04T21:00:00Z", False, "2026-03-05T14:30:00Z", "2026-03-05T21:00:00Z"),
        ("2026-03-07T15:00:00Z", False, "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"),
        ("2026-04-03T15:00:00Z", False, "2026-04-06T13:30:00Z", "2026-04-06T20:00:00Z"),
        ("2026-11-27T17:59:59Z", True, "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"),
    ],
)
def test_the_running_or_the_next_session(now: str, is_open: bool, opens: str, closes: str) -> None:
    found = HOURS.at(at(now))
    assert found.is_open is is_open
    assert (found.session_open, found.session_close) == (at(opens), at(closes))
    assert found.next_open > at(now)
    assert found.next_close == at(closes)
