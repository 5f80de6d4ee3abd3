"""Requests and answers as the data handlers see them, and times as text."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from .market import Bar, Market
from .sessions import (
    DAY,
    MINUTE,
    NEW_YORK,
    SECOND,
    new_york_date,
    new_york_midnight,
    utc,
    utc_midnight,
)

Query = Mapping[str, str]
Headers = Mapping[str, str]
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOOKBACKS = (5 * MINUTE, DAY, 10 * DAY, 400 * DAY)


class Request(NamedTuple):
    """A request as the handlers see it."""

    method: str
    path: str
    query: Query
    headers: Headers
    body: bytes = b""


def answer(status: int, body: Any) -> Answer:
    """A JSON answer."""
    return status, {"Content-Type": "application/json"}, msgspec.json.encode(body)


def header(headers: Headers, name: str) -> str:
    """A request header, whatever its case; empty when it is absent."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def rfc3339(at: int) -> str:
    """A time as `2026-03-04T15:00:00Z`, with as many decimals as it has, up to nanoseconds."""
    text = f"{utc(at):%Y-%m-%dT%H:%M:%S}"
    rest = at % SECOND
    return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else f"{text}Z"


def eastern(at: int) -> datetime:
    """A time on New York's wall clock."""
    return utc(at).astimezone(NEW_YORK)


def is_date(text: str) -> bool:
    """True for `2026-03-04`, without a time."""
    return _DATE.fullmatch(text) is not None


def parse_date(text: str) -> date:
    """Read `2026-03-04`; ValueError for anything else."""
    if not is_date(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def parse_time(text: str) -> int:
    """Read an RFC 3339 time with its zone, to the microsecond; ValueError for anything else."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return (at - utc(0)) // timedelta(microseconds=1) * 1000


def parse_nanoseconds(text: str) -> int:
    """Read what `rfc3339` writes, to the nanosecond; ValueError for anything else."""
    whole, point, rest = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or (point and not (rest.isdigit() and len(rest) <= 9)):
        raise ValueError(text)
    return parse_time(f"{whole}Z") + int(rest.ljust(9, "0") if point else 0)


def day_start(market: Market, symbol: str, at: int) -> int:
    """When the current day of a symbol began: in New York for stocks, in UTC for coins."""
    if market.assets[symbol].is_crypto:
        return utc_midnight(utc(at).date())
    return new_york_midnight(new_york_date(at))


def latest_bar(market: Market, symbol: str, now: int) -> Bar | None:
    """The last completed minute bar, however long ago it was."""
    quote = market.quote(symbol, now)
    if quote is None:
        return None
    for lookback in _LOOKBACKS:
        found = market.bars(symbol, "1Min", quote.at - lookback, now, now)
        if found:
            return found[-1]
    return None


def latest_days(market: Market, symbol: str, now: int) -> list[Bar]:
    """The daily bars of the last two weeks, the running day included."""
    return market.bars(symbol, "1Day", now - 14 * DAY, now, now, running=True)


def mean_price(bar: Bar) -> float:
    """What stands for the volume-weighted price, which bars alone do not tell."""
    return round((bar.o + bar.h + bar.l + bar.c) / 4, 8)


def trades_in(bar: Bar, crypto: bool) -> int:
    """A plausible number of prints in a bar."""
    if bar.v <= 0:
        return 0
    return max(1, int(bar.v * bar.c / 900) if crypto else int(bar.v / 120))
