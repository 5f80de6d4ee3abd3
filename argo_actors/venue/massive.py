"""Massive's market data (formerly Polygon.io) over a market, in its own wire format.

Times are milliseconds in bars and nanoseconds in quotes and trades; a value of 0 means none.
"""

import hashlib
import re
from datetime import timedelta
from typing import Any, NamedTuple

from .actions import SPLIT
from .market import Asset, Bar, Market, Timeframe, TimeframeError
from .sessions import (
    MINUTE,
    new_york_date,
    new_york_midnight,
    utc,
    utc_midnight,
)
from .wire import (
    Answer,
    Headers,
    Query,
    Request,
    answer,
    day_start,
    eastern,
    header,
    latest_bar,
    latest_days,
    mean_price,
    parse_date,
    trades_in,
)

PREFIX = "/massive"
DEFAULT_LIMIT = 5_000
MOST = 50_000
MILLISECOND = 1_000_000
EARLY_HOUR = 4
LATE_HOURS = 4

_AGGREGATES = re.compile(
    r"/v2/aggs/ticker/([^/]+)/range/([1-9]\d*)/(minute|hour|day|week|month)/([^/]+)/([^/]+)"
)
_UNITS = {"minute": "Min", "hour": "Hour", "day": "Day", "week": "Week", "month": "Month"}
_BASES = {"Min": 1, "Hour": 60, "Day": 1, "Week": 5, "Month": 21}
_SNAPSHOTS = {
    "/v2/snapshot/locale/us/markets/stocks/tickers": False,
    "/v2/snapshot/locale/global/markets/crypto/tickers": True,
}
_TOO_NEW = (
    "Your plan doesn't include this data timeframe. Please upgrade your plan at"
    " https://massive.com/pricing"
)
_NOT_ENTITLED = (
    "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
)


class _BadRequest(Exception):
    """What Massive says with a 400."""


class _Call(NamedTuple):
    market: Market
    now: int
    path: str
    query: Query
    headers: Headers
    free: bool

    @property
    def request_id(self) -> str:
        """The same for the same request at the same time."""
        named = f"{self.path} {self.now} {sorted(self.query)}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]


def handle(market: Market, now: int, request: Request, *, free: bool = False) -> Answer:
    """Answer a request below `/massive`. A free plan sees nothing of today and no snapshots."""
    method, path, query, headers, _ = request
    call = _Call(market, now, path.removeprefix(PREFIX), query, headers, free)
    if not (_bearer(headers) or query.get("apiKey", "")):
        return _error(call, 401, "API Key was not provided")
    if method != "GET":
        return _error(call, 405, "method not allowed")
    try:
        return _route(call)
    except _BadRequest as error:
        return _error(call, 400, str(error))


def too_many_requests() -> Answer:
    """What a key over its quota gets."""
    text = (
        "You've exceeded the maximum requests per minute, please wait or upgrade your"
        " subscription to continue. https://massive.com/pricing"
    )
    return answer(429, {"status": "ERROR", "error": text})


def ticker(asset: Asset) -> str:
    """Massive's name of an asset: `AAPL`, `X:BTCUSD`."""
    return f"X:{asset.symbol.replace('/', '')}" if asset.is_crypto else asset.symbol


def _bearer(headers: Headers) -> str:
    kind, _, key = header(headers, "Authorization").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def _route(call: _Call) -> Answer:
    found = _AGGREGATES.fullmatch(call.path)
    if found is not None:
        return _aggregates(call, *found.groups())
    if call.path in _SNAPSHOTS:
        return _snapshots(call, _SNAPSHOTS[call.path])
    if call.path == "/v1/marketstatus/now":
        return answer(200, _status(call.market, call.now))
    return answer(
        404,
        {"status": "NOT_FOUND", "request_id": call.request_id, "message": "Data not found."},
    )


def _error(call: _Call, status: int, text: str) -> Answer:
    return answer(status, {"status": "ERROR", "request_id": call.request_id, "error": text})


def _denied(call: _Call, text: str) -> Answer:
    return answer(403, {"status": "NOT_AUTHORIZED", "request_id": call.request_id, "message": text})


def _aggregates(
    call: _Call, name: str, multiplier: str, timespan: str, since: str, until: str
) -> Answer:
    frame_text = f"{multiplier}{_UNITS[timespan]}"
    try:
        frame = Timeframe.parse(frame_text)
    except TimeframeError:
        raise _BadRequest(f"unsupported range: {multiplier} {timespan}") from None
    crypto = name.startswith("X:")
    first, last = _bound(since, crypto, False), _bound(until, crypto, True)
    if first > last:
        raise _BadRequest("from cannot be after to")
    today = utc_midnight(utc(call.now).date())
    if call.free and last >= (today if crypto else new_york_midnight(new_york_date(call.now))):
        return _denied(call, _TOO_NEW)
    asset = next((one for one in call.market.assets.values() if ticker(one) == name), None)
    found: list[Bar] = []
    if asset is not None:
        kinds = SPLIT if call.query.get("adjusted", "true") == "true" else frozenset()
        found = call.market.bars(
            asset.symbol, frame_text, first, last, call.now, running=True, adjusted=kinds
        )
    descending = call.query.get("sort", "asc") == "desc"
    if descending:
        found.reverse()
    # The limit counts the minutes or days that the bars are made of, not the bars.
    bases = frame.amount * _BASES[frame.unit]
    page = found[: max(1, _limit(call) // bases)]
    body: dict[str, Any] = {
        "ticker": name,
        "queryCount": len(page) * bases,
        "resultsCount": len(page),
        "adjusted": call.query.get("adjusted", "true") == "true",
        "status": "OK",
        "request_id": call.request_id,
        "count": len(page),
    }
    if page:
        body["results"] = [_bar(bar, crypto) for bar in page]
    if len(page) < len(found):
        edge = str(found[len(page)].t // MILLISECOND)
        ends = (since, edge) if descending else (edge, until)
        body["next_url"] = _next_url(call, f"{name}/range/{multiplier}/{timespan}", ends)
    return answer(200, body)


def _next_url(call: _Call, what: str, ends: tuple[str, str]) -> str:
    kept = "&".join(
        f"{name}={call.query.get(name, '')}"
        for name in ("adjusted", "sort", "limit")
        if call.query.get(name, "")
    )
    host = header(call.headers, "Host") or "127.0.0.1"
    url = f"http://{host}{PREFIX}/v2/aggs/ticker/{what}/{ends[0]}/{ends[1]}"
    return f"{url}?{kept}" if kept else url


def _bound(text: str, crypto: bool, whole_day: bool) -> int:
    """The edge of a range, ns: a time in milliseconds, or a day (its end with `whole_day`)."""
    if text.isascii() and text.isdigit():
        return int(text) * MILLISECOND
    try:
        day = parse_date(text)
    except ValueError:
        raise _BadRequest(f"could not parse the time parameter {text!r}") from None
    midnight = utc_midnight if crypto else new_york_midnight
    return midnight(day + timedelta(days=1)) - 1 if whole_day else midnight(day)


def _limit(call: _Call) -> int:
    text = call.query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MOST:
        raise _BadRequest(f"'limit' must be between 1 and {MOST}")
    return int(text)


def _bar(bar: Bar, crypto: bool) -> dict[str, Any]:
    return {
        "v": bar.v,
        "vw": mean_price(bar),
        "o": bar.o,
        "c": bar.c,
        "h": bar.h,
        "l": bar.l,
        "t": bar.t // MILLISECOND,
        "n": trades_in(bar, crypto),
    }


def _day(bar: Bar | None) -> dict[str, Any]:
    if bar is None:
        return {"o": 0, "h": 0, "l": 0, "c": 0, "v": 0, "vw": 0}
    return {"o": bar.o, "h": bar.h, "l": bar.l, "c": bar.c, "v": bar.v, "vw": mean_price(bar)}


def _snapshots(call: _Call, crypto: bool) -> Answer:
    if call.free:
        return _denied(call, _NOT_ENTITLED)
    text = call.query.get("tickers", "")
    wanted = set(text.split(",")) if text else None
    found = [
        _snapshot(call, asset)
        for asset in call.market.assets.values()
        if asset.is_crypto == crypto and (wanted is None or ticker(asset) in wanted)
    ]
    tickers = [one for one in found if one is not None]
    return answer(
        200,
        {
            "status": "OK",
            "request_id": call.request_id,
            "count": len(tickers),
            "tickers": tickers,
        },
    )


def _snapshot(call: _Call, asset: Asset) -> dict[str, Any] | None:
    market, now, symbol = call.market, call.now, asset.symbol
    quote, trade = market.quote(symbol, now), market.last_trade(symbol, now)
    if quote is None or trade is None:
        return None
    days = latest_days(market, symbol, now)
    began = day_start(market, symbol, now)
    today = days[-1] if days and days[-1].t >= began else None
    before = [bar for bar in days if bar.t < began]
    previous = before[-1] if before else None
    minute = latest_bar(market, symbol, now)
    if minute is not None and minute.t < began:
        minute = None
    change = float(trade.price) - previous.c if today and previous else 0.0
    body: dict[str, Any] = {
        "ticker": ticker(asset),
        "todaysChange": round(change, 6),
        "todaysChangePerc": round(100 * change / previous.c, 6) if previous else 0,
        "updated": quote.at,
        "day": _day(today),
        "lastTrade": {
            "c": [],
            "i": str(trade.id),
            "p": float(trade.price),
            "s": float(trade.size),
            "t": trade.at,
            "x": 4,
        },
        "min": _minute(minute, today, asset.is_crypto),
        "prevDay": _day(previous),
    }
    if not asset.is_crypto:
        body["lastQuote"] = {
            "P": float(quote.ask),
            "S": int(quote.ask_size),
            "p": float(quote.bid),
            "s": int(quote.bid_size),
            "t": quote.at,
        }
    return body


def _minute(bar: Bar | None, today: Bar | None, crypto: bool) -> dict[str, Any]:
    return {
        **_day(bar),
        "av": today.v if today else 0,
        "n": trades_in(bar, crypto) if bar else 0,
        "t": bar.t // MILLISECOND if bar else 0,
    }


def _status(market: Market, now: int) -> dict[str, Any]:
    local = eastern(now)
    is_open = market.sessions.is_open(now)
    opens, _ = market.sessions.session(now)
    began = new_york_midnight(local.date())
    early = not is_open and began + EARLY_HOUR * 60 * MINUTE <= now < opens
    early = early and new_york_date(opens) == local.date()
    _, closed = market.sessions.last_session(now)
    late = not is_open and closed <= now < closed + LATE_HOURS * 60 * MINUTE
    exchange = "open" if is_open else "extended-hours" if early or late else "closed"
    return {
        "afterHours": late,
        "currencies": {"crypto": "open", "fx": "open" if local.weekday() < 5 else "closed"},
        "earlyHours": early,
        "exchanges": {"nasdaq": exchange, "nyse": exchange, "otc": exchange},
        "market": exchange,
        "serverTime": local.replace(microsecond=0).isoformat(),
    }
