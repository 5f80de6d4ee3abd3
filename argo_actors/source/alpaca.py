"""Alpaca's market data by alpaca-py: bars and snapshots, stocks and coins, in one call each."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..config import Source, is_coin
from ..errors import (
    PermanentProviderError,
    ProviderError,
    SoftProviderError,
    TransientProviderError,
)
from ..host.secrets import Pair
from ..units import DAY, SECOND, Symbol, UtcNanos
from .bars import TIMEFRAMES, Memory, bar
from .opinion import MARKET_DATA
from .provider import Reading

TIMEOUT = (3.0, 5.0)
BARS = 130
CLOSED_DAYS = 5


class Alpaca:
    """Stocks by the named feed, coins by Alpaca's own venue."""

    periods = MARKET_DATA
    live = True
    one_by_one = False

    def __init__(self, settings: Source, keys: Pair) -> None:
        self._settings = settings
        self._keys = keys
        self._clients: tuple[Any, Any] | None = None
        self._memory = Memory(settings.timeframe, BARS)

    def _client(self, coin: bool) -> Any:
        if self._clients is None:
            from alpaca.data.historical import (
                CryptoHistoricalDataClient,
                StockHistoricalDataClient,
            )

            url = self._settings.base_url or None
            self._clients = (
                _tamed(StockHistoricalDataClient(*self._keys, raw_data=True, url_override=url)),
                _tamed(CryptoHistoricalDataClient(*self._keys, raw_data=True, url_override=url)),
            )
        return self._clients[coin]

    def bars(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        found: list[Reading] = []
        timeframe = self._settings.timeframe
        for coin in (False, True):
            group = [one for one in symbols if is_coin(one) == coin]
            if group:
                begin = self._memory.begin(group, now - _span(timeframe, BARS, coin))
                found += [
                    self._remembered(one) for one in self._bars(group, coin, timeframe, begin, now)
                ]
        return found

    def _remembered(self, reading: Reading) -> Reading:
        merged = self._memory.add(reading.symbol, reading.bars)
        return reading._replace(bars=merged, nothing="" if merged else reading.nothing)

    def history(
        self, symbols: Sequence[Symbol], timeframe: str, count: int, now: UtcNanos
    ) -> list[Reading]:
        """At least `count` bars of each symbol, where the vendor has them."""
        found: list[Reading] = []
        for coin in (False, True):
            group = [one for one in symbols if is_coin(one) == coin]
            if group:
                begin = now - _span(timeframe, count, coin)
                found += self._bars(group, coin, timeframe, begin, now)
        return found

    def _bars(
        self, group: Sequence[Symbol], coin: bool, timeframe: str, begin: UtcNanos, now: UtcNanos
    ) -> list[Reading]:
        query: dict[str, Any] = {
            "symbols": ",".join(map(wire, group)),
            "timeframe": timeframe,
            "start": _stamp(begin),
            "end": _stamp(now),
            "limit": 10_000,
            "sort": "asc",
        }
        if not coin:
            query |= {"feed": self._settings.feed, "adjustment": "split"}
        path = "/crypto/us/bars" if coin else "/stocks/bars"
        raw: dict[str, list[Any]] = {}
        while True:
            page = self._get(coin, path, query)
            for symbol, rows in (page.get("bars") or {}).items():
                raw.setdefault(symbol, []).extend(rows)
            if not page.get("next_page_token"):
                break
            query["page_token"] = page["next_page_token"]
        return [_reading(one, raw.get(wire(one), [])) for one in group]

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        found: list[Reading] = []
        for coin in (False, True):
            group = [one for one in symbols if is_coin(one) == coin]
            if not group:
                continue
            query: dict[str, Any] = {"symbols": ",".join(map(wire, group))}
            if not coin:
                query["feed"] = self._settings.feed
            path = "/crypto/us/latest/trades" if coin else "/stocks/trades/latest"
            trades = self._get(coin, path, query).get("trades") or {}
            found += [_price(one, trades.get(wire(one))) for one in group]
        return found

    def quotes(self, symbols: Sequence[Symbol]) -> dict[Symbol, Any]:
        """Newest bid and ask of each symbol as they came."""
        found: dict[Symbol, Any] = {}
        for coin in (False, True):
            group = [one for one in symbols if is_coin(one) == coin]
            if not group:
                continue
            query: dict[str, Any] = {"symbols": ",".join(map(wire, group))}
            if not coin:
                query["feed"] = self._settings.feed
            path = "/crypto/us/latest/quotes" if coin else "/stocks/quotes/latest"
            quotes = self._get(coin, path, query).get("quotes") or {}
            found |= {one: quotes[wire(one)] for one in group if wire(one) in quotes}
        return found

    def _get(self, coin: bool, path: str, query: dict[str, Any]) -> dict[str, Any]:
        import requests
        from alpaca.common.exceptions import APIError

        try:
            answer = self._client(coin).get(path, query)
        except APIError as error:
            raise _classified(error) from None
        except requests.exceptions.RequestException as error:
            raise TransientProviderError(f"{type(error).__name__}: {error}"[:200]) from None
        except (TypeError, ValueError) as error:
            raise TransientProviderError(f"a malformed answer: {error}"[:200]) from None
        if not isinstance(answer, dict):
            raise TransientProviderError("a malformed answer: not a JSON object")
        return answer


def wire(symbol: Symbol) -> str:
    """`BTC-USD` is `BTC/USD` here."""
    return symbol.replace("-", "/") if is_coin(symbol) else symbol


def _tamed(client: Any) -> Any:
    """alpaca-py waits for ever and tries again by itself: not here."""
    client._retry = 0
    session = client._session
    session.trust_env = False
    plain = session.request

    def bounded(*arguments: Any, **options: Any) -> Any:
        options.setdefault("timeout", TIMEOUT)
        return plain(*arguments, **options)

    session.request = bounded
    return client


def _classified(error: Any) -> ProviderError:
    status = int(error.status_code or 0)
    text = str(error)[:200]
    if status == 403 and "subscription" in text:
        return PermanentProviderError(text, fix="use feed iex, or a data plan with SIP")
    if status in (401, 403):
        return PermanentProviderError(
            f"Alpaca refuses the data key ({status})", fix="set valid APCA_ keys for market data"
        )
    if status == 429:
        return TransientProviderError("too many requests", retry_after=60.0)
    if 400 <= status < 500:
        return SoftProviderError(_message(text))
    return TransientProviderError(f"HTTP {status}")


def _message(text: str) -> str:
    try:
        return str(json.loads(text).get("message", text))
    except (ValueError, AttributeError):
        return text


def _span(timeframe: str, count: int, coin: bool) -> int:
    """How far back that many bars begin, nights and weekends included."""
    if timeframe == "1Day":
        return count * DAY * (1 if coin else 2) + CLOSED_DAYS * DAY
    span = TIMEFRAMES[timeframe] * count
    return span + DAY // 4 if coin else span * 4 + CLOSED_DAYS * DAY


def _reading(symbol: Symbol, rows: list[Any]) -> Reading:
    try:
        found = [
            bar(parse_time(one["t"]), one["o"], one["h"], one["l"], one["c"], one["v"])
            for one in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        return Reading(symbol, nothing=f"a malformed bar: {error}"[:120])
    except SoftProviderError as error:
        return Reading(symbol, nothing=error.what)
    return Reading(symbol, bars=found) if found else Reading(symbol, nothing="no bars")


def _price(symbol: Symbol, trade: Any) -> Reading:
    try:
        return Reading(symbol, price=float(trade["p"]), price_at=parse_time(trade["t"]))
    except (KeyError, TypeError, ValueError):
        return Reading(symbol, nothing="no last trade")


def parse_time(text: str) -> UtcNanos:
    """RFC 3339 in ns UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    fraction = text.partition(".")[2].rstrip("Zz").partition("+")[0].partition("-")[0]
    return int(moment.timestamp()) * SECOND + int((fraction or "0")[:9].ljust(9, "0"))


def _stamp(at: UtcNanos) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
