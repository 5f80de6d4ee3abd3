"""The third version of Alpaca's clock and calendar: by market, with the phases of a day."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .query import choice, day, moment, refusal, words
from .refusals import Refusal
from .sessions import SECOND, SessionDay, Sessions, new_york_date
from .trading_hours import BEFORE, BEHIND, in_extended_hours
from .trading_json import eastern
from .wire import Query

_NYSE = {"acronym": "NYSE", "mic": "XNYS", "name": "New York Stock Exchange"}
_NASDAQ = {"acronym": "NASDAQ", "mic": "XNAS", "name": "NASDAQ"}
MARKETS = {
    code: one | {"timezone": "America/New_York"}
    for one in (_NYSE, _NASDAQ)
    for code in (one["acronym"], one["mic"])
}
"""Those whose hours this venue keeps, by either of their codes."""


def clocks(sessions: Sessions, query: Query, now: int) -> dict[str, Any]:
    """The clock of each market asked for, now or at another `time`. Raises Refusal."""
    asked = words(query, "markets")
    if not asked:
        raise refusal("markets")
    at = moment(query, "time") or now
    try:
        return {"clocks": [{"market": _market(one), **_clock(sessions, at)} for one in asked]}
    except ValueError:
        raise refusal("time") from None


def calendar(sessions: Sessions, code: str, query: Query, now: int) -> dict[str, Any]:
    """Trading days of a market from `start` (today) to `end` (a week later). Raises Refusal."""
    market, in_utc = _market(code), choice(query, "timezone", ("", "utc")) == "utc"
    first = day(query, "start") or new_york_date(now)
    last = day(query, "end") or first + timedelta(7)
    days = sessions.calendar(first, last) if first <= last else ()
    return {"market": market, "calendar": [_day(one, in_utc=in_utc) for one in days]}


def _market(code: str) -> dict[str, Any]:
    if code not in MARKETS:
        raise Refusal(400, 40010001, f"invalid market: {code}")
    return MARKETS[code]


def _clock(sessions: Sessions, at: int) -> dict[str, Any]:
    opens, closes = sessions.next_open(at), sessions.next_close(at)
    if sessions.is_open(at):
        phase, until = "core", closes
    elif not in_extended_hours(sessions, at):
        phase, until = "closed", opens - BEFORE
    elif at >= opens - BEFORE:
        phase, until = "pre", opens
    else:
        phase, until = "post", sessions.last_session(at)[1] + BEHIND
    today = new_york_date(at)
    return {
        "timestamp": eastern(at),
        "is_market_day": bool(sessions.calendar(today, today)),
        "next_market_open": eastern(opens),
        "next_market_close": eastern(closes),
        "phase": phase,
        "phase_until": eastern(until),
    }


def _day(one: SessionDay, *, in_utc: bool) -> dict[str, Any]:
    edges = {
        "pre_start": one.open - BEFORE,
        "pre_end": one.open,
        "core_start": one.open,
        "core_end": one.close,
        "post_start": one.close,
        "post_end": one.close + BEHIND,
    }
    show = _utc if in_utc else eastern
    return {"date": one.day.isoformat()} | {name: show(at) for name, at in edges.items()}


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat()
