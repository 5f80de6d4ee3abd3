"""The market's clock and calendar, in New York's time."""

from datetime import date, timedelta
from typing import Any

from . import trading_json as wire
from .matching import Book
from .query import choice, day
from .sessions import SessionDay
from .wire import Query, eastern

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2029, 12, 31)
DAY = timedelta(days=1)


def clock(book: Book) -> dict[str, Any]:
    """What time it is, and when the regular session opens and closes next."""
    sessions, now = book.market.sessions, book.now
    return {
        "timestamp": wire.eastern(now),
        "is_open": sessions.is_open(now),
        "next_open": wire.eastern(sessions.next_open(now)),
        "next_close": wire.eastern(sessions.next_close(now)),
    }


def calendar(book: Book, query: Query) -> list[dict[str, Any]]:
    """Trading days from `start` to `end`, both included; every known day when neither is given.

    A trade settles on the next trading day; with `date_type=SETTLEMENT` the two mean that day.
    Raises Refusal.
    """
    first, last = day(query, "start") or FIRST_DAY, day(query, "end") or LAST_DAY
    by_settlement = choice(query, "date_type", ("trading", "settlement")) == "settlement"
    if last < first:
        return []
    # The longest pause between two trading days is shorter than ten days.
    days = book.market.sessions.calendar(first - 10 * DAY, last + 10 * DAY)
    found = []
    for number, one in enumerate(days):
        settles = days[number + 1].day if number + 1 < len(days) else one.day + DAY
        if first <= (settles if by_settlement else one.day) <= last:
            found.append(_row(one, settles.isoformat()))
    return found


def _row(one: SessionDay, settles: str) -> dict[str, Any]:
    return {
        "date": one.day.isoformat(),
        "open": f"{eastern(one.open):%H:%M}",
        "close": f"{eastern(one.close):%H:%M}",
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": settles,
    }
