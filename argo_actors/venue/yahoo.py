"""Yahoo's chart endpoint over a market, in its own wire format: columns, with a cookie and a crumb."""

from typing import Any

from .market import Asset, Bar, Market
from .sessions import DAY, MINUTE
from .wire import Answer, Query, answer, eastern, latest_days

PREFIX = "/yahoo"
CRUMB = "simulated"
_CHART = "/v8/finance/chart/"
_INTERVALS = {
    "1m": "1Min",
    "2m": "2Min",
    "5m": "5Min",
    "15m": "15Min",
    "30m": "30Min",
    "60m": "1Hour",
    "1h": "1Hour",
    "1d": "1Day",
}
_RANGES = {"1d": 1, "5d": 7, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731}
OPEN = 9 * 60 + 30
"""Minutes after midnight in New York at which a stock's daily bar is stamped."""


def handle(market: Market, now: int, path: str, query: Query) -> Answer:
    """Answer a request below `/yahoo`. There are no keys, and every crumb is good."""
    rest = path.removeprefix(PREFIX)
    if rest == "/v1/test/getcrumb":
        return 200, {"Content-Type": "text/plain"}, CRUMB.encode()
    if not rest.startswith(_CHART):
        # The cookie comes with whatever is answered.
        return 404, {"Content-Type": "text/html"}, b"<html>Not Found</html>"
    asset = _asset(market, rest.removeprefix(_CHART))
    if asset is None:
        return _error(404, "Not Found", "No data found, symbol may be delisted")
    interval = query.get("interval", "1d")
    if interval not in _INTERVALS:
        text = f"Invalid input - interval={interval} is not supported."
        return _error(422, "Unprocessable Entity", text)
    return answer(200, _chart(market, asset, now, interval, query))


def too_many_requests() -> Answer:
    """What an address over the limit gets, for minutes to hours."""
    return 429, {"Content-Type": "text/html"}, b"Too Many Requests\r\n"


def ticker(asset: Asset) -> str:
    """Yahoo's name of an asset: `BRK-B`, `BTC-USD`."""
    return asset.symbol.replace("/", "-").replace(".", "-")


def _error(status: int, code: str, text: str) -> Answer:
    error = {"code": code, "description": text}
    return answer(status, {"chart": {"result": None, "error": error}})


def _asset(market: Market, name: str) -> Asset | None:
    return next((one for one in market.assets.values() if ticker(one) == name), None)


def _chart(market: Market, asset: Asset, now: int, interval: str, query: Query) -> dict[str, Any]:
    since = _RANGES.get(query.get("range", ""), 7) * DAY
    timeframe = _INTERVALS[interval]
    # The running day is there, half filled, as it is at Yahoo.
    bars = market.bars(asset.symbol, timeframe, now - since, now, now, running=True)
    columns = {
        "open": [bar.o for bar in bars],
        "high": [bar.h for bar in bars],
        "low": [bar.l for bar in bars],
        "close": [bar.c for bar in bars],
        "volume": [round(bar.v) for bar in bars],
    }
    days = latest_days(market, asset.symbol, now)
    result: dict[str, Any] = {
        "meta": {
            "currency": "USD",
            "symbol": ticker(asset),
            "instrumentType": "CRYPTOCURRENCY" if asset.is_crypto else "EQUITY",
            "exchangeTimezoneName": "UTC" if asset.is_crypto else "America/New_York",
            "regularMarketPrice": days[-1].c if days else None,
            "regularMarketTime": now // 1_000_000_000,
            "dataGranularity": interval,
            "range": query.get("range", ""),
            "validRanges": list(_RANGES),
        },
        "timestamp": [_stamp(bar, asset, timeframe) for bar in bars],
        "indicators": {"quote": [columns], "adjclose": [{"adjclose": columns["close"]}]},
    }
    return {"chart": {"result": [result], "error": None}}


def _stamp(bar: Bar, asset: Asset, timeframe: str) -> int:
    """Seconds; a stock's day is stamped with its open."""
    at = bar.t
    if timeframe == "1Day" and not asset.is_crypto:
        local = eastern(at)
        at += (OPEN - local.hour * 60 - local.minute) * MINUTE
    return at // 1_000_000_000
