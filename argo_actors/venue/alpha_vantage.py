"""Alpha Vantage over a market, in its own wire format: strings, newest first, always status 200."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .actions import SPLIT
from .market import Asset, Bar, Market
from .sessions import DAY, new_york_date, utc
from .wire import Answer, Query, answer, eastern, latest_days

PREFIX = "/alpha_vantage"
COMPACT_ROWS = 100
INTRADAY_DAYS = 30
FULL_DAYS = 20 * 366

_INTERVALS = {"1min": "1Min", "5min": "5Min", "15min": "15Min", "30min": "30Min", "60min": "1Hour"}
PREMIUM = (
    "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of"
    " the premium plans at https://www.alphavantage.co/premium/ to instantly unlock all premium"
    " endpoints"
)
BAD_KEY = (
    "the parameter apikey is invalid or missing. Please claim your free API key on"
    " (https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."
)

FREQUENCY = (
    "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and"
    " 500 calls per day."
)
BURST = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more"
    " sparingly (1 request per second)."
)


class _InvalidCall(Exception):
    """The function, its symbol or its interval is not known."""


class _PremiumOnly(Exception):
    """Not for a free plan."""


class _Call(NamedTuple):
    market: Market
    now: int
    query: Query
    free: bool

    def asset(self, symbol: str) -> Asset:
        """The asset of a symbol, or the vendor's refusal."""
        asset = self.market.assets.get(symbol)
        if asset is None:
            raise _InvalidCall
        return asset

    def stock(self) -> Asset:
        """The stock asked for."""
        return self.asset(self.query.get("symbol", "").upper())

    def coin(self, base: str = "symbol", quoted: str = "market") -> Asset:
        """The pair asked for, whose two halves are parameters of these names."""
        halves = (self.query.get(name, "").upper() for name in (base, quoted))
        return self.asset("/".join(halves))

    def is_full(self) -> bool:
        """More than the last hundred rows; a paid plan's."""
        full = self.query.get("outputsize", "compact") == "full"
        if full and self.free:
            raise _PremiumOnly
        return full

    def interval(self) -> str:
        """An intraday interval in the vendor's word; a paid plan's."""
        interval = self.query.get("interval", "")
        if interval not in _INTERVALS:
            raise _InvalidCall
        if self.free:
            raise _PremiumOnly
        return interval


def handle(market: Market, now: int, path: str, query: Query, *, free: bool = False) -> Answer:
    """Answer a request below `/alpha_vantage`; failures are answers too."""
    if path != f"{PREFIX}/query":
        return answer(404, {"detail": "Not Found"})
    function = query.get("function", "")
    if not query.get("apikey", ""):
        return answer(200, {"Error Message": BAD_KEY})
    route = _FUNCTIONS.get(function, _unknown)
    try:
        return answer(200, route(_Call(market, now, query, free)))
    except _PremiumOnly:
        return answer(200, {"Information": PREMIUM})
    except _InvalidCall:
        text = (
            "Invalid API call. Please retry or visit the documentation"
            f" (https://www.alphavantage.co/documentation/) for {function}."
        )
        return answer(200, {"Error Message": text})


def daily_quota_used(key: str) -> Answer:
    """What a free key gets after its calls of the day; it repeats the key, as the vendor does."""
    text = (
        f"We have detected your API key as {key} and our standard API rate limit is 25 requests"
        " per day. Please subscribe to any of the premium plans at"
        " https://www.alphavantage.co/premium/ to instantly remove all daily rate limits."
    )
    return answer(200, {"Information": text})


def _unknown(_: _Call) -> dict[str, Any]:
    raise _InvalidCall


def _daily(call: _Call) -> dict[str, Any]:
    asset, full = call.stock(), call.is_full()
    rows = _rows(call, asset, "1Day", full, FULL_DAYS)
    return {
        "Meta Data": {
            "1. Information": "Daily Prices (open, high, low, close) and Volumes",
            "2. Symbol": asset.symbol,
            "3. Last Refreshed": next(iter(rows), ""),
            "4. Output Size": _size(full),
            "5. Time Zone": "US/Eastern",
        },
        "Time Series (Daily)": rows,
    }


def _intraday(call: _Call) -> dict[str, Any]:
    asset, interval, full = call.stock(), call.interval(), call.is_full()
    rows = _rows(call, asset, _INTERVALS[interval], full, INTRADAY_DAYS)
    return {
        "Meta Data": {
            "1. Information": f"Intraday ({interval}) open, high, low, close prices and volume",
            "2. Symbol": asset.symbol,
            "3. Last Refreshed": next(iter(rows), ""),
            "4. Interval": interval,
            "5. Output Size": _size(full),
            "6. Time Zone": "US/Eastern",
        },
        f"Time Series ({interval})": rows,
    }


def _coin_daily(call: _Call) -> dict[str, Any]:
    asset = call.coin()
    rows = _rows(call, asset, "1Day", True, FULL_DAYS)
    return {
        "Meta Data": {
            "1. Information": "Daily Prices and Volumes for Digital Currency",
            **_pair(asset),
            "6. Last Refreshed": f"{next(iter(rows), '')} 00:00:00",
            "7. Time Zone": "UTC",
        },
        "Time Series (Digital Currency Daily)": rows,
    }


def _coin_intraday(call: _Call) -> dict[str, Any]:
    asset, interval, full = call.coin(), call.interval(), call.is_full()
    rows = _rows(call, asset, _INTERVALS[interval], full, INTRADAY_DAYS)
    return {
        "Meta Data": {
            "1. Information": f"Crypto Intraday ({interval}) Time Series",
            **_pair(asset),
            "6. Last Refreshed": next(iter(rows), ""),
            "7. Interval": interval,
            "8. Output Size": _size(full),
            "9. Time Zone": "UTC",
        },
        f"Time Series Crypto ({interval})": rows,
    }


def _global_quote(call: _Call) -> dict[str, Any]:
    asset = call.market.assets.get(call.query.get("symbol", "").upper())
    days = latest_days(call.market, asset.symbol, call.now) if asset else []
    if call.free:
        # A free plan is end of day: today is not in it.
        days = [day for day in days if new_york_date(day.t) != new_york_date(call.now)]
    if asset is None or asset.is_crypto or len(days) < 2:
        return {"Global Quote": {}}
    previous, day = days[-2:]
    change = day.c - previous.c
    return {
        "Global Quote": {
            "01. symbol": asset.symbol,
            "02. open": _price(day.o),
            "03. high": _price(day.h),
            "04. low": _price(day.l),
            "05. price": _price(day.c),
            "06. volume": str(round(day.v)),
            "07. latest trading day": new_york_date(day.t).isoformat(),
            "08. previous close": _price(previous.c),
            "09. change": _price(change),
            "10. change percent": f"{100 * change / previous.c:.4f}%",
        }
    }


def _exchange_rate(call: _Call) -> dict[str, Any]:
    asset = call.coin("from_currency", "to_currency")
    quote = call.market.quote(asset.symbol, call.now)
    price = call.market.price(asset.symbol, call.now)
    if quote is None or price is None:
        raise _InvalidCall
    base, quoted = asset.symbol.split("/")
    base_name, quoted_name = asset.name.split(" / ")
    return {
        "Realtime Currency Exchange Rate": {
            "1. From_Currency Code": base,
            "2. From_Currency Name": base_name,
            "3. To_Currency Code": quoted,
            "4. To_Currency Name": quoted_name,
            "5. Exchange Rate": f"{price:.8f}",
            "6. Last Refreshed": f"{utc(quote.at):%Y-%m-%d %H:%M:%S}",
            "7. Time Zone": "UTC",
            "8. Bid Price": f"{quote.bid:.8f}",
            "9. Ask Price": f"{quote.ask:.8f}",
        }
    }


_FUNCTIONS: dict[str, Callable[[_Call], dict[str, Any]]] = {
    "TIME_SERIES_DAILY": _daily,
    "TIME_SERIES_INTRADAY": _intraday,
    "DIGITAL_CURRENCY_DAILY": _coin_daily,
    "CRYPTO_INTRADAY": _coin_intraday,
    "GLOBAL_QUOTE": _global_quote,
    "CURRENCY_EXCHANGE_RATE": _exchange_rate,
}


def _rows(
    call: _Call, asset: Asset, timeframe: str, full: bool, days: int
) -> dict[str, dict[str, str]]:
    """Bars newest first under their wall-clock time, the unfinished one included."""
    start = call.now - days * DAY
    # Daily bars are as traded; intraday ones are adjusted unless `adjusted=false`.
    raw = timeframe == "1Day" or call.query.get("adjusted", "true") == "false"
    kinds = frozenset() if raw else SPLIT
    found = call.market.bars(
        asset.symbol, timeframe, start, call.now, call.now, running=True, adjusted=kinds
    )
    chosen = found if full else found[-COMPACT_ROWS:]
    return {_stamp(bar, asset, timeframe): _row(bar, asset) for bar in reversed(chosen)}


def _stamp(bar: Bar, asset: Asset, timeframe: str) -> str:
    local = utc(bar.t) if asset.is_crypto else eastern(bar.t)
    return f"{local:%Y-%m-%d}" if timeframe == "1Day" else f"{local:%Y-%m-%d %H:%M:%S}"


def _row(bar: Bar, asset: Asset) -> dict[str, str]:
    return {
        "1. open": _price(bar.o),
        "2. high": _price(bar.h),
        "3. low": _price(bar.l),
        "4. close": _price(bar.c),
        "5. volume": f"{bar.v:.8f}" if asset.is_crypto else str(round(bar.v)),
    }


def _pair(asset: Asset) -> dict[str, str]:
    base, quoted = asset.symbol.split("/")
    base_name, quoted_name = asset.name.split(" / ")
    return {
        "2. Digital Currency Code": base,
        "3. Digital Currency Name": base_name,
        "4. Market Code": quoted,
        "5. Market Name": quoted_name,
    }


def _price(price: float) -> str:
    return f"{price:.4f}"


def _size(full: bool) -> str:
    return "Full size" if full else "Compact"
