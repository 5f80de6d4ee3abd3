"""When an order may trade, and when it ends: sessions, extended hours, auctions, 90 days."""

from datetime import datetime, timedelta
from functools import lru_cache

from .orders import Order
from .sessions import MINUTE, NEW_YORK, SECOND, Sessions, new_york_date

HOUR = 60 * MINUTE
BEFORE, BEHIND = 5 * HOUR + 30 * MINUTE, 4 * HOUR
"""Extended hours: from 4:00 to the open, and four hours from the close on."""
GTC_DAYS = 90
GTC_DELAY = 15 * MINUTE
"""Orders of that age are cancelled by a job at 16:15."""
OPENING_ENDS, CLOSING_ENDS = 2 * MINUTE, 10 * MINUTE
"""Orders for an auction are taken until so long before it."""
AUCTIONS_FROM = 19
"""And again from that hour on."""


def in_extended_hours(sessions: Sessions, at: int) -> bool:
    """Before or behind the regular session, or in it."""
    if sessions.is_open(at):
        return True
    return sessions.next_open(at) - BEFORE <= at or at < sessions.last_session(at)[1] + BEHIND


def may_trade(sessions: Sessions, order: Order, at: int) -> bool:
    """Whether a stock order is eligible now; one for an auction is not, it waits for it."""
    if order.time_in_force in ("opg", "cls"):
        return False
    return in_extended_hours(sessions, at) if order.extended_hours else sessions.is_open(at)


def expires_at(sessions: Sessions, order: Order, now: int, *, crypto: bool) -> int:
    """When a new order ends, as its `expires_at` says (ns UTC)."""
    if crypto or order.time_in_force == "gtc":
        return _afternoon_in(GTC_DAYS, new_york_date(now).toordinal())
    if order.extended_hours:
        last = sessions.last_session(now)[1] + BEHIND
        return last if now < last else sessions.session(now)[1] + BEHIND
    if order.time_in_force == "opg":
        return sessions.next_open(now)
    return sessions.session(now)[1]


@lru_cache(maxsize=64)
def _afternoon_in(days: int, ordinal: int) -> int:
    day = datetime.fromordinal(ordinal) + timedelta(days)
    return int(day.replace(hour=16, tzinfo=NEW_YORK).timestamp()) * SECOND


def auction_refusal(sessions: Sessions, time_in_force: str, now: int) -> str:
    """Why an order for an auction is not taken now; empty when it is."""
    local = datetime.fromtimestamp(now // SECOND, NEW_YORK)
    if local.hour >= AUCTIONS_FROM:
        return ""
    open_, close = sessions.session(now)
    today = new_york_date(close) == local.date()
    if time_in_force == "opg":
        if today and now < open_ - OPENING_ENDS:
            return ""
        if not today and not _traded_today(sessions, now):
            return ""
        return "opg orders must be submitted after 7:00pm and before 9:28am"
    if today and now < close - CLOSING_ENDS:
        return ""
    if not today and not _traded_today(sessions, now):
        return ""
    return "cls orders must be submitted after 7:00pm and before 3:50pm"


def _traded_today(sessions: Sessions, now: int) -> bool:
    return new_york_date(sessions.last_session(now)[1]) == new_york_date(now)
