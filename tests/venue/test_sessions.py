from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from argo_actors.venue.sessions import Sessions

NEW_YORK = ZoneInfo("America/New_York")
SESSIONS = Sessions()


def at(text: str) -> int:
    """A New York wall time in ns UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * 10**9


def test_a_session_includes_its_open_and_not_its_close() -> None:
    assert not SESSIONS.is_open(at("2026-03-04T09:30") - 1)
    assert SESSIONS.is_open(at("2026-03-04T09:30"))
    assert SESSIONS.is_open(at("2026-03-04T16:00") - 1)
    assert not SESSIONS.is_open(at("2026-03-04T16:00"))


def test_the_session_is_the_running_or_the_next_one() -> None:
    day = (at("2026-03-04T09:30"), at("2026-03-04T16:00"))
    assert SESSIONS.session(at("2026-03-04T08:00")) == day
    assert SESSIONS.session(at("2026-03-04T12:00")) == day
    assert SESSIONS.session(at("2026-03-03T20:00")) == day
    assert SESSIONS.last_session(at("2026-03-05T03:00")) == day


def test_next_open_and_close_over_a_weekend_with_a_clock_change() -> None:
    friday = at("2026-03-06T12:00")
    assert SESSIONS.next_open(friday) == at("2026-03-09T09:30")
    assert SESSIONS.next_close(friday) == at("2026-03-06T16:00")
    assert SESSIONS.next_close(at("2026-03-07T12:00")) == at("2026-03-09T16:00")
    assert SESSIONS.next_open(at("2026-03-09T09:30")) == at("2026-03-10T09:30")


@pytest.mark.parametrize("day", ["2024-11-29", "2026-11-27", "2026-12-24", "2027-11-26"])
def test_half_days_close_at_one(day: str) -> None:
    assert SESSIONS.session(at(f"{day}T10:00")) == (at(f"{day}T09:30"), at(f"{day}T13:00"))
    assert not SESSIONS.is_open(at(f"{day}T13:00"))


@pytest.mark.parametrize("day", ["2025-01-09", "2026-04-03", "2026-07-03", "2027-12-24"])
def test_holidays_have_no_session(day: str) -> None:
    assert not SESSIONS.is_open(at(f"{day}T12:00"))
    assert SESSIONS.calendar(date.fromisoformat(day), date.fromisoformat(day)) == ()


def test_the_calendar_covers_recorded_years_too() -> None:
    days = SESSIONS.calendar(date(2013, 10, 4), date(2013, 10, 11))
    assert [one.day.day for one in days] == [4, 7, 8, 9, 10, 11]
    assert days[0].open == at("2013-10-04T09:30")
    assert days[-1].close == at("2013-10-11T16:00")


@pytest.mark.parametrize("year", [1990, 2035])
def test_a_time_without_known_sessions_is_refused(year: int) -> None:
    with pytest.raises(ValueError, match="outside the known sessions"):
        SESSIONS.next_close(at(f"{year}-01-02T12:00"))
