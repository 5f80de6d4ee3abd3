"""Massive (formerly Polygon.io): aggregates symbol by symbol, within the plan's calls."""

from collections.abc import Sequence
from typing import Any

from ..config import Source, is_coin
from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError
from ..units import DAY, Symbol, UtcNanos
from .bars import TIMEFRAMES, Memory, bar
from .http import Http, mapping, raise_for
from .opinion import MARKET_DATA
from .provider import Reading

URL = "https://api.massive.com"
SPANS = {
    "1Min": "1/minute",
    "5Min": "5/minute",
    "15Min": "15/minute",
    "1Hour": "1/hour",
    "1Day": "1/day",
}
BARS = 130
MS = 1_000_000


class Massive:
    """A paid key votes; a free one has only yesterday and says so."""

    periods = MARKET_DATA
    live = True
    one_by_one = True

    def __init__(self, settings: Source, key: str) -> None:
        self._settings = settings
        self._memory = Memory(settings.timeframe, BARS)
        self._http = Http(
            settings.base_url or URL, key, {"Authorization": f"Bearer {key}"} if key else {}
        )

    def bars(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        if self._settings.plan == "free":
            raise PermanentProviderError(
                "the free plan has end-of-day data only: no vote",
                fix='set sources.massive.plan to "paid" with a paid key, or disable the source',
            )
        return [self._aggregates(symbol, now) for symbol in symbols]

    def _aggregates(self, symbol: Symbol, now: UtcNanos) -> Reading:
        timeframe = self._settings.timeframe
        span = TIMEFRAMES[timeframe] * BARS * (1 if is_coin(symbol) else 4) + 5 * DAY
        begin, end = self._memory.begin((symbol,), now - span) // MS, now // MS
        path = f"/v2/aggs/ticker/{wire(symbol)}/range/{SPANS[timeframe]}/{begin}/{end}"
        query = {"adjusted": "true", "sort": "asc", "limit": 50_000}
        status, found, headers = self._http.get(path, query)
        self._raise_for(status, found, headers)
        answer = mapping(found, "aggregates")
        if answer.get("status") == "DELAYED":
            return Reading(symbol, nothing="delayed data")
        reading = _reading(symbol, answer.get("results") or [])
        merged = self._memory.add(symbol, reading.bars)
        return reading._replace(bars=merged, nothing="" if merged else reading.nothing)

    def _raise_for(self, status: int, found: Any, headers: dict[str, str]) -> None:
        body = found if isinstance(found, dict) else {}
        text = self._http.mask(str(body.get("error") or body.get("message") or f"HTTP {status}"))
        if status == 403:
            raise PermanentProviderError(text, fix="a plan with this data, or plan free")
        if status == 429:
            raise TransientProviderError(text, retry_after=60.0)
        raise_for(status, text, headers, "MASSIVE_API_KEY")

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        """Prices come with the bars."""
        return []


def wire(symbol: Symbol) -> str:
    """`BTC-USD` is `X:BTCUSD` here."""
    return "X:" + symbol.replace("-", "") if is_coin(symbol) else symbol


def _reading(symbol: Symbol, rows: list[Any]) -> Reading:
    try:
        bars = [
            bar(int(one["t"]) * MS, one["o"], one["h"], one["l"], one["c"], one["v"])
            for one in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        return Reading(symbol, nothing=f"a malformed bar: {error}"[:120])
    except SoftProviderError as error:
        return Reading(symbol, nothing=error.what)
    if not bars:
        return Reading(symbol, nothing="no bars")
    return Reading(symbol, bars=bars)
