"""When to ask, how long an opinion lives, how long to wait: pure, in market time."""

from datetime import datetime

import pytest

from argo_actors.messages.market import MarketHours
from argo_actors.source.backoff import BREAKER_FAILURES, Backoff
from argo_actors.source.limiter import Limiter
from argo_actors.source.schedule import NEW_YORK, in_hours, newest_end, valid_until
from argo_actors.units import DAY, HOUR, MINUTE, SECOND


def at(text: str) -> int:
    """A New York wall time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND


def session(opens: str) -> MarketHours:
    begun = at(opens)
    return MarketHours(
        is_open=False,
        session_open=begun,
        session_close=begun + 6 * HOUR + 30 * MINUTE,
        next_open=begun,
        next_close=begun + 6 * HOUR,
        loss_day=begun - 10 * HOUR,
    )


def test_a_minutes_bar_is_to_be_had_three_seconds_after_its_end() -> None:
    end = at("2026-03-04T10:00:00")
    assert newest_end("1Min", False, end + 2 * SECOND) == end - MINUTE
    assert newest_end("1Min", False, end + 3 * SECOND) == end


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-03-04T00:09:00", "2026-03-03T00:00:00"),
        ("2026-03-04T00:10:00", "2026-03-04T00:00:00"),
        ("2026-03-07T01:00:00", "2026-03-07T00:00:00"),
        ("2026-03-08T12:00:00", "2026-03-07T00:00:00"),
        ("2026-03-09T09:00:00", "2026-03-07T00:00:00"),
        ("2026-03-10T00:30:00", "2026-03-10T00:00:00"),
    ],
)
def test_a_stocks_daily_bar_ends_at_midnight_and_weekends_have_none(now: str, end: str) -> None:
    assert newest_end("1Day", False, at(now)) == at(end)


def test_a_coins_day_ends_at_utc_midnight_on_every_day() -> None:
    sunday = at("2026-03-08T12:00:00")
    assert newest_end("1Day", True, sunday) == sunday // DAY * DAY


def test_short_bars_of_stocks_are_asked_for_around_the_session_only() -> None:
    hours = session("2026-03-04T09:30:00")
    assert not in_hours("1Min", False, hours, at("2026-03-04T09:24:00"))
    assert in_hours("1Min", False, hours, at("2026-03-04T09:26:00"))
    assert in_hours("1Min", False, hours, at("2026-03-04T16:00:00"))
    assert not in_hours("1Min", False, hours, at("2026-03-04T16:01:00"))
    assert in_hours("1Min", True, hours, at("2026-03-04T20:00:00"))
    assert in_hours("1Day", False, hours, at("2026-03-04T20:00:00"))
    assert in_hours("1Min", False, None, at("2026-03-04T20:00:00"))


@pytest.mark.parametrize(
    ("as_of", "opens", "until"),
    [
        ("2026-03-04T00:00:00", "2026-03-04T09:30:00", "2026-03-05T02:00:00"),
        ("2026-03-07T00:00:00", "2026-03-09T09:30:00", "2026-03-10T02:00:00"),
        ("2026-03-07T00:00:00", None, "2026-03-10T02:00:00"),
        ("2026-11-26T00:00:00", "2026-11-27T09:30:00", "2026-11-28T02:00:00"),
    ],
)
def test_a_daily_opinion_on_a_stock_lives_until_two_hours_after_the_next_bar(
    as_of: str, opens: str | None, until: str
) -> None:
    hours = None if opens is None else session(opens)
    begun = at(as_of)
    assert valid_until("1Day", False, begun, 90, hours, begun + 15 * MINUTE) == at(until)


def test_a_bar_that_the_vendor_failed_to_renew_is_not_kept_alive_by_the_next_session() -> None:
    hours = session("2026-03-06T09:30:00")
    as_of, now = at("2026-03-04T00:00:00"), at("2026-03-06T08:00:00")
    assert valid_until("1Day", False, as_of, 90, hours, now) < now


def test_a_failing_source_waits_longer_and_longer_and_then_the_breaker_opens() -> None:
    now, first, most = at("2026-03-04T10:00:00"), 2.0, 120.0
    backoff = Backoff("massive", (first, most))
    for failure in range(BREAKER_FAILURES - 1):
        backoff.failed(now, None)
        assert SECOND <= backoff.until - now <= first * 2**failure * SECOND
        assert not backoff.open
    backoff.failed(now, None)
    assert backoff.open
    assert 0.9 * most * SECOND <= backoff.until - now <= most * SECOND
    backoff.succeeded()
    assert not backoff.open


def test_the_vendors_own_wish_is_the_least_wait() -> None:
    backoff = Backoff("alpaca")
    backoff.failed(0, 60.0)
    assert 60 * SECOND <= backoff.until <= 65 * SECOND


def test_jitter_differs_by_source_and_time_and_comes_again_in_a_repeated_day() -> None:
    def waits(name: str, now: int) -> int:
        backoff = Backoff(name)
        backoff.failures = 3
        backoff.failed(now, None)
        return backoff.until - now

    assert waits("a", HOUR) == waits("a", HOUR)
    assert len({waits("a", HOUR), waits("b", HOUR), waits("a", HOUR + 1)}) == 3


def test_a_plan_has_so_many_calls_a_minute_and_a_day() -> None:
    limiter, now = Limiter(5, 25), at("2026-03-04T10:00:00")
    assert [limiter.take(now, 1) for _ in range(6)] == [True] * 5 + [False]
    taken = sum(limiter.take(now + i * 12 * SECOND, 1) for i in range(1, 60))
    assert taken == 20
    assert limiter.take(now + DAY, 1)


def test_calls_keep_their_distance_where_the_vendor_wants_it() -> None:
    limiter = Limiter(60, 1000, spacing_seconds=1.2)
    assert limiter.take(HOUR, 1)
    assert not limiter.take(HOUR + SECOND, 1)
    assert limiter.take(HOUR + 2 * SECOND, 1)
