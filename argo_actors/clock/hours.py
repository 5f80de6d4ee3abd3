"""The stock market's hours and the loss day: New York time through a calendar library.

Sessions are cached as nanoseconds and found by bisection, because the library's own look-up costs a
hundred microseconds.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..messages.market import MarketHours
from ..runtime.clock import utc_now
from ..units import SECOND, UtcNanos

NEW_YORK = ZoneInfo("America/New_York")
PAST_DAYS = 30
FUTURE_DAYS = 360


class Hours:
    """Sessions of the New York Stock Exchange around a time, half days included."""

    def __init__(
        self, around: UtcNanos, day_start: str = "17:00", zone: str = NEW_YORK.key
    ) -> None:
        self._day_start, self._zone = day_start, ZoneInfo(zone)
        self._load(around)

    def _load(self, around: UtcNanos) -> None:
        import exchange_calendars

        day = _utc(around).date()
        calendar = exchange_calendars.get_calendar(
            "XNYS",
            start=(day - timedelta(days=PAST_DAYS)).isoformat(),
            end=_latest(day).isoformat(),
        )
        schedule = calendar.schedule
        self._opens = [int(one.value) for one in schedule["open"]]
        self._closes = [int(one.value) for one in schedule["close"]]

    def at(self, now: UtcNanos) -> MarketHours:
        """The hours as of a market time."""
        if now >= self._closes[-1]:
            self._load(now)
        i = bisect_right(self._opens, now) - 1
        is_open = i >= 0 and now < self._closes[i]
        running = i if is_open else i + 1
        return MarketHours(
            is_open=is_open,
            session_open=self._opens[running],
            session_close=self._closes[running],
            next_open=self._opens[i + 1],
            next_close=self._closes[running],
            loss_day=loss_day(now, self._day_start, self._zone),
        )

    def next_change(self, now: UtcNanos) -> UtcNanos:
        """When `at` will next say something else: an open, a close, a new loss day."""
        hours = self.at(now)
        edge = hours.next_close if hours.is_open else hours.next_open
        return min(edge, next_loss_day(now, self._day_start, self._zone))


def loss_day(now: UtcNanos, day_start: str, zone: ZoneInfo = NEW_YORK) -> UtcNanos:
    """The last loss day's beginning at or before a time; zone aware, so a DST day has 23 or 25 hours."""
    local = _utc(now).astimezone(zone)
    begun = _start_on(local.date(), day_start, zone)
    return begun if begun <= now else _start_on(local.date() - timedelta(days=1), day_start, zone)


def next_loss_day(now: UtcNanos, day_start: str, zone: ZoneInfo = NEW_YORK) -> UtcNanos:
    """The next loss day's beginning after a time."""
    begun = _utc(loss_day(now, day_start, zone)).astimezone(zone)
    return _start_on(begun.date() + timedelta(days=1), day_start, zone)


def _start_on(day: date, day_start: str, zone: ZoneInfo) -> UtcNanos:
    hour, minute = (int(part) for part in day_start.split(":"))
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    return int(local.timestamp()) * SECOND


def _utc(at: UtcNanos) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)


def _latest(day: date) -> date:
    """The library knows the calendar up to about a year from the real today."""
    return min(day + timedelta(days=FUTURE_DAYS), _utc(utc_now()).date() + timedelta(days=360))
