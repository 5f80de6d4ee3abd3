"""Regular sessions of the New York Stock Exchange, as nanoseconds found by bisection.

The calendar library is slow to import and slow to ask, so it is loaded at the first question only
and its schedule is kept as plain integers.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

NEW_YORK = ZoneInfo("America/New_York")
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
FIRST_YEAR = 2010
LAST_YEAR = 2029


class SessionDay(msgspec.Struct, frozen=True):
    """One trading day; `open` and `close` are ns UTC, the close of a half day included."""

    day: date
    open: int
    close: int


class _Schedule(msgspec.Struct, frozen=True):
    days: tuple[date, ...]
    opens: tuple[int, ...]
    closes: tuple[int, ...]


@lru_cache(maxsize=1)
def _schedule() -> _Schedule:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(
        "XNYS", start=f"{FIRST_YEAR}-01-01", end=f"{LAST_YEAR}-12-31"
    )
    table = calendar.schedule
    return _Schedule(
        days=tuple(one.date() for one in table.index),
        opens=tuple(int(one.value) for one in table["open"]),
        closes=tuple(int(one.value) for one in table["close"]),
    )


class Sessions:
    """Questions about regular sessions, 2010 to 2029. All times are ns UTC.

    A time outside those years raises ValueError.
    """

    def is_open(self, at: int) -> bool:
        """True from the open (inclusive) to the close (exclusive) of a session."""
        schedule = _schedule()
        i = bisect_right(schedule.opens, at) - 1
        return i >= 0 and at < schedule.closes[i]

    def closes_by(self, at: int) -> int:
        """How many sessions have closed by `at`: two times with the same number have no close between."""
        return bisect_right(_schedule().closes, at)

    def session(self, at: int) -> tuple[int, int]:
        """Open and close of the session that contains `at`, else of the next one."""
        schedule = _schedule()
        i = self._after(schedule.closes, at)
        return schedule.opens[i], schedule.closes[i]

    def last_session(self, at: int) -> tuple[int, int]:
        """Open and close of the latest session that has opened by `at`."""
        schedule = _schedule()
        i = bisect_right(schedule.opens, at) - 1
        if i < 0:
            raise ValueError(_outside(at))
        return schedule.opens[i], schedule.closes[i]

    def last_close(self, at: int) -> int:
        """The latest close by `at`; 0 before the known sessions."""
        closes = _schedule().closes
        i = bisect_right(closes, at) - 1
        return closes[i] if i >= 0 else 0

    def next_open(self, at: int) -> int:
        """The first open after `at`."""
        opens = _schedule().opens
        return opens[self._after(opens, at)]

    def next_close(self, at: int) -> int:
        """The first close after `at`: today's while the market is open."""
        closes = _schedule().closes
        return closes[self._after(closes, at)]

    def calendar(self, start_date: date, end_date: date) -> tuple[SessionDay, ...]:
        """The trading days from one date to another, both included."""
        schedule = _schedule()
        first = bisect_right(schedule.days, start_date - timedelta(days=1))
        last = bisect_right(schedule.days, end_date)
        return tuple(
            SessionDay(schedule.days[i], schedule.opens[i], schedule.closes[i])
            for i in range(first, last)
        )

    @staticmethod
    def _after(edges: tuple[int, ...], at: int) -> int:
        i = bisect_right(edges, at)
        if i == len(edges) or at < edges[0] - 366 * DAY:
            raise ValueError(_outside(at))
        return i


def _outside(at: int) -> str:
    return f"{utc(at):%Y-%m-%d} is outside the known sessions ({FIRST_YEAR} to {LAST_YEAR})"


def utc(at: int) -> datetime:
    """A time in UTC, cut to microseconds."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at // 1000)


def new_york_date(at: int) -> date:
    """The calendar day in New York."""
    return utc(at).astimezone(NEW_YORK).date()


def new_york_midnight(day: date) -> int:
    """When a calendar day begins in New York, ns UTC."""
    local = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    return int(local.timestamp()) * SECOND


def utc_midnight(day: date) -> int:
    """When a calendar day begins in UTC, ns UTC."""
    return (day - date(1970, 1, 1)).days * DAY
