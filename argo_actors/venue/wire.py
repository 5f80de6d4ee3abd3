"""What the data endpoints share: parameters, times, answers, and the newest bars of a market."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from .market import Bar, Market
from .sessions import DAY, MINUTE, SECOND, new_york_date, new_york_midnight, utc, utc_midnight

Answer = tuple[int, dict[str, str], bytes]
Query = Mapping[str, str | Sequence[str]]
Headers = Mapping[str, str]
NEW_YORK = ZoneInfo("America/New_York")
RECENT_DAYS = 14


def parameter(query: Query, name: str, default: str = "") -> str:
    """A query parameter's first value."""
    value = query.get(name, default)
    return value if isinstance(value, str) else (value[0] if value else default)


def header(headers: Headers, name: str) -> str:
    """A header's value, whatever the case of its name."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def answer(status: int, body: Any) -> Answer:
    """A JSON answer."""
    return status, {"Content-Type": "application/json"}, msgspec.json.encode(body)


def rfc3339(at: int) -> str:
    """UTC; nanoseconds only where there are any."""
    moment = datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{at % SECOND:09d}Z" if at % SECOND else f"{moment}Z"


def is_date(text: str) -> bool:
    """`2026-03-04` without a time."""
    return len(text) == 10


def parse_date(text: str) -> date:
    """A date. Raises ValueError."""
    return date.fromisoformat(text)


def parse_time(text: str) -> int:
    """RFC 3339 in ns UTC; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    fraction = text.partition(".")[2].rstrip("Zz").partition("+")[0].partition("-")[0]
    return int(moment.timestamp()) * SECOND + int((fraction or "0")[:9].ljust(9, "0"))


def eastern(at: int) -> datetime:
    """New York's wall time."""
    return utc(at).astimezone(NEW_YORK)


def day_start(market: Market, symbol: str, now: int) -> int:
    """The beginning of the current day: UTC for coins, New York for stocks."""
    if market.assets[symbol].is_crypto:
        return utc_midnight(utc(now).date())
    return new_york_midnight(new_york_date(now))


def latest_bar(market: Market, symbol: str, now: int) -> Bar | None:
    """The newest completed minute bar."""
    for back in (60 * MINUTE, 6 * DAY):
        found = market.bars(symbol, "1Min", now - back, now, now)
        if found:
            return found[-1]
    return None


def latest_days(market: Market, symbol: str, now: int) -> list[Bar]:
    """The newest daily bars, the running day's last."""
    return market.bars(symbol, "1Day", now - RECENT_DAYS * DAY, now, now, True)


def mean_price(bar: Bar) -> float:
    """The volume-weighted price of a bar, as far as a bar tells it."""
    return round((bar.h + bar.l + bar.c) / 3, 6)


def trades_in(bar: Bar, crypto: bool) -> int:
    """How many trades made a bar; a guess from its volume, as no bar says it."""
    return max(1, int(bar.v) if crypto else int(bar.v // 100))
