"""The past of the market, page by page: bars, quotes and prints.

The price moves without pause inside its minutes, so history has a quote and a print for each of their
seconds: those that the latest of either were at that second.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from .actions import SPLIT, Kinds
from .data_call import BadRequest, Call
from .data_json import bar_body, quote_body, trade_body
from .market import Timeframe, TimeframeError
from .sessions import MINUTE, SECOND, new_york_midnight, utc_midnight
from .wire import day_start, is_date, parse_date, parse_time, rfc3339

DEFAULT_LIMIT = 1000
MOST = 10_000
ADJUSTMENTS: dict[str, Kinds] = {
    "raw": frozenset(),
    "split": SPLIT,
    "dividend": frozenset({"dividend"}),
    "spin-off": frozenset(),
    "all": SPLIT | {"dividend"},
}
"""The kinds of corporate action that bars are adjusted for; there are no spin-offs here."""

Row = tuple[int, dict[str, Any]]
"""A time and what was then."""
Rows = Callable[[str, int, int, bool], Iterator[Row]]
"""Of a symbol, from one time to another (both included), newest first or last."""


def bars(call: Call) -> dict[str, Any]:
    """A page of bars. Raises BadRequest, NotSubscribed."""
    text = call.query.get("timeframe", "")
    frame = _timeframe(text)
    adjusted: Kinds = frozenset()
    for one in call.query.get("adjustment", "raw").split(","):
        if one not in ADJUSTMENTS:
            raise BadRequest(f"invalid adjustment: {one}")
        adjusted |= ADJUSTMENTS[one]

    def rows(symbol: str, start: int, end: int, descending: bool) -> Iterator[Row]:
        # A day that still runs is shown; shorter bars are not before they are complete.
        running = frame.is_daily
        found = call.market.bars(symbol, text, start, end, call.now, running, adjusted)
        asset = call.market.assets[symbol]
        for bar in reversed(found) if descending else found:
            yield bar.t, bar_body(bar, asset)

    return _page(call, "bars", frame.unit[0], rows)


def quotes(call: Call) -> dict[str, Any]:
    """A page of quotes. Raises BadRequest, NotSubscribed."""

    def rows(symbol: str, start: int, end: int, descending: bool) -> Iterator[Row]:
        asset = call.market.assets[symbol]
        for at in _seconds(call, symbol, start, end, descending):
            found = call.market.quote(symbol, at)
            if found is not None:
                yield at, quote_body(found, asset)

    return _page(call, "quotes", "Q", rows)


def trades(call: Call) -> dict[str, Any]:
    """A page of prints. Raises BadRequest, NotSubscribed."""

    def rows(symbol: str, start: int, end: int, descending: bool) -> Iterator[Row]:
        asset = call.market.assets[symbol]
        for at in _seconds(call, symbol, start, end, descending):
            found = call.market.last_trade(symbol, at)
            if found is not None:
                yield at, trade_body(found, asset)

    return _page(call, "trades", "T", rows)


def _seconds(call: Call, symbol: str, start: int, end: int, descending: bool) -> Iterator[int]:
    """The seconds of the minutes in which the price moved."""
    minutes = call.market.minutes(symbol, start - MINUTE + 1, end)
    for minute in reversed(minutes) if descending else minutes:
        first, last = max(start, minute), min(end, minute + MINUTE - SECOND)
        seconds = range(-(-first // SECOND) * SECOND, last + 1, SECOND)
        yield from reversed(seconds) if descending else seconds


def _page(call: Call, key: str, letter: str, rows: Rows) -> dict[str, Any]:
    """By symbol and then time, from the page token on, at most `limit` rows in all."""
    symbols, limit, descending = call.symbols(), _limit(call), _descending(call)
    token = call.query.get("page_token", "")
    begun, reached = _read_token(token) if token else ("", None)
    page: dict[str, list[dict[str, Any]]] = {}
    taken, last = 0, None
    for symbol in (one for one in symbols if one >= begun):
        start, end = _range(call, symbol)
        if reached is not None and symbol == begun:
            start, end = (start, reached - 1) if descending else (reached + 1, end)
        for at, body in rows(symbol, start, end, descending):
            if taken == limit:
                return {key: page, "next_page_token": last}
            page.setdefault(symbol, []).append(body)
            taken, last = taken + 1, _token(symbol, letter, at)
    return {key: page, "next_page_token": None}


def _range(call: Call, symbol: str) -> tuple[int, int]:
    """First and last time asked for; by default from the beginning of the day to what the plan shows."""
    start, end = call.query.get("start", ""), call.query.get("end", "")
    last = _time("end", end, call) if end else call.seen()
    first = (
        _time("start", start, call)
        if start
        else min(day_start(call.market, symbol, call.now), call.seen())
    )
    if start and end and first > last:
        raise BadRequest("end should not be before start")
    last = min(last, call.now)
    call.check_end(last)
    return first, last


def _time(name: str, text: str, call: Call) -> int:
    try:
        if not is_date(text):
            return parse_time(text)
        day = parse_date(text)
        return utc_midnight(day) if call.crypto else new_york_midnight(day)
    except ValueError:
        raise BadRequest(f"invalid {name}: {text}") from None


def _timeframe(text: str) -> Timeframe:
    if not text:
        raise BadRequest("timeframe is required")
    try:
        return Timeframe.parse(text)
    except TimeframeError as error:
        raise BadRequest(str(error)) from None


def _limit(call: Call) -> int:
    text = call.query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MOST:
        raise BadRequest(f"invalid limit: {text}, must be between 1 and {MOST}")
    return int(text)


def _descending(call: Call) -> bool:
    text = call.query.get("sort", "asc")
    if text not in ("asc", "desc"):
        raise BadRequest(f"invalid sort: {text}")
    return text == "desc"


def _token(symbol: str, letter: str, at: int) -> str:
    """The last row of a page: symbol, what it is, time."""
    whole, rest = divmod(at, SECOND)
    stamp = f"{rfc3339(whole * SECOND)[:-1]}.{rest:09d}Z"
    return base64.b64encode(f"{symbol}|{letter}|{stamp}".encode()).decode()


def _read_token(token: str) -> tuple[str, int]:
    try:
        symbol, _, stamp = base64.b64decode(token, validate=True).decode().split("|")
        return symbol, parse_time(stamp)
    except (binascii.Error, ValueError):
        raise BadRequest("invalid page token") from None
