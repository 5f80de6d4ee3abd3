"""When a bar can be asked for, and how long an opinion made from it lives (pure, market time)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..messages.market import MarketHours
from ..units import DAY, HOUR, MINUTE, SECOND, UtcNanos
from .bars import TIMEFRAMES

AFTER_CLOSE = 3 * SECOND
"""A bar is asked for so long after its end."""
DAILY_DELAY = 10 * MINUTE
"""A daily bar likewise."""
BEFORE_OPEN = 5 * MINUTE
"""Stocks are asked for from then on, so that there is an opinion at the open."""
MODELS_BEFORE_OPEN = 30 * MINUTE
"""A language model likewise: 09:00 to 16:00 New York on a whole day."""
GRACE = 2 * HOUR
"""An opinion on daily bars outlives its successor's bar by so much."""
NEW_YORK = ZoneInfo("America/New_York")
SATURDAY = 5


def newest_end(timeframe: str, coin: bool, now: UtcNanos) -> UtcNanos:
    """The end of the newest bar that can have been published; a weekend has no daily bar of a stock."""
    if timeframe != "1Day":
        span = TIMEFRAMES[timeframe]
        return (now - AFTER_CLOSE) // span * span
    if coin:
        return (now - DAILY_DELAY) // DAY * DAY
    day = new_york_day(now - DAILY_DELAY)
    while (day - timedelta(days=1)).weekday() >= SATURDAY:
        day -= timedelta(days=1)
    return midnight(day)


def newer_at(timeframe: str, coin: bool, end: UtcNanos) -> UtcNanos:
    """When a bar that ends later than this can have been published."""
    if timeframe != "1Day":
        return end + TIMEFRAMES[timeframe] + AFTER_CLOSE
    if coin:
        return end + DAY + DAILY_DELAY
    day = new_york_day(end)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return midnight(day + timedelta(days=1)) + DAILY_DELAY


def in_hours(timeframe: str, coin: bool, hours: MarketHours | None, now: UtcNanos) -> bool:
    """Shorter bars of stocks are worth a question in and just before a session only."""
    if coin or timeframe == "1Day" or hours is None:
        return True
    return hours.session_open - BEFORE_OPEN <= now <= hours.session_close


def in_model_hours(coin: bool, hours: MarketHours | None, now: UtcNanos) -> bool:
    """A language model is paid for a stock only around a session that is known."""
    if coin:
        return True
    return hours is not None and (
        hours.session_open - MODELS_BEFORE_OPEN <= now < hours.session_close
    )


def next_utc_day(now: UtcNanos) -> UtcNanos:
    """Midnight UTC, when a daily budget begins anew."""
    return (now // DAY + 1) * DAY


def valid_until(
    timeframe: str,
    coin: bool,
    as_of: UtcNanos,
    seconds: float,
    hours: MarketHours | None,
    now: UtcNanos,
) -> UtcNanos:
    """So many seconds for shorter bars; for daily ones until the next one has had time to come."""
    if timeframe != "1Day":
        return as_of + int(seconds * SECOND)
    if coin:
        return as_of + DAY + GRACE
    day = new_york_day(as_of)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    end = midnight(day + timedelta(days=1))
    if hours is not None and now < end:
        # The next session is later than the next weekday: a holiday lies between.
        end = max(end, midnight(new_york_day(hours.session_open) + timedelta(days=1)))
    return end + GRACE


def new_york_day(at: UtcNanos) -> date:
    """The date in New York."""
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(NEW_YORK).date()


def midnight(day: date) -> UtcNanos:
    """The beginning of a day in New York."""
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * SECOND
