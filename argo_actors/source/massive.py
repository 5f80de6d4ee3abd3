"""Massive (formerly Polygon.io): aggregates symbol by symbol, prices by one snapshot a class."""

from collections.abc import Mapping, Sequence

import msgspec

from ..config import Source, is_coin
from ..errors import SoftProviderError
from ..units import DAY, MINUTE, Symbol, UtcNanos
from .bars import TIMEFRAMES, bar
from .http import Http, Shape, complaint
from .newest import BARS, NewestBars
from .provider import Known, OverHttp, Reading, by_class, read_bars

URL = "https://api.massive.com"
KEY_NAME = "MASSIVE_API_KEY"
SPANS = {
    "1Min": "1/minute",
    "5Min": "5/minute",
    "15Min": "15/minute",
    "1Hour": "1/hour",
    "1Day": "1/day",
}
SNAPSHOTS = {
    False: "/v2/snapshot/locale/us/markets/stocks/tickers",
    True: "/v2/snapshot/locale/global/markets/crypto/tickers",
}
MS = 1_000_000
FREE = "the free plan ends with yesterday: no vote"


class _Aggregate(msgspec.Struct):
    t: int
    o: float
    h: float
    l: float  # noqa: E741 (the wire's own letter)
    c: float
    v: float


class _Aggregates(msgspec.Struct):
    status: str
    results: list[_Aggregate] = []


class _Trade(msgspec.Struct):
    p: float = 0.0
    t: int = 0


class _Minute(msgspec.Struct):
    c: float = 0.0
    t: int = 0


class _Ticker(msgspec.Struct):
    ticker: str
    trade: _Trade | None = msgspec.field(default=None, name="lastTrade")
    minute: _Minute | None = msgspec.field(default=None, name="min")


class _Snapshot(msgspec.Struct):
    status: str
    tickers: list[_Ticker] = []


class Massive(OverHttp):
    """A paid key votes; a free one has only yesterday and says so."""

    live = True
    backoff_seconds = (2.0, 120.0)

    def __init__(self, settings: Source, key: str) -> None:
        self._settings = settings
        self._newest = NewestBars(settings.timeframe)
        self._http = Http(
            settings.base_url or URL,
            key=key,
            key_name=KEY_NAME,
            headers={"Authorization": f"Bearer {key}"},
            seconds=settings.timeout_seconds,
        )

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        if self._settings.plan == "free":
            raise SoftProviderError(FREE, fix='with a paid key set sources.massive.plan to "paid"')
        return [self._aggregates(symbol, now) for symbol in symbols]

    def _aggregates(self, symbol: Symbol, now: UtcNanos) -> Reading:
        timeframe = self._settings.timeframe
        span = TIMEFRAMES[timeframe] * BARS * (1 if is_coin(symbol) else 4) + 5 * DAY
        begin, end = self._newest.begin((symbol,), now - span, now) // MS, now // MS
        path = f"/v2/aggs/ticker/{wire(symbol)}/range/{SPANS[timeframe]}/{begin}/{end}"
        # Newest first, because the limit counts the minutes that bars are made of and cuts the rest.
        answer = self._read(
            path, {"adjusted": "true", "sort": "desc", "limit": 50_000}, _Aggregates
        )
        if answer.status == "DELAYED":
            return Reading(symbol, nothing="the plan's data is delayed: no vote")
        rows = (bar(one.t * MS, one.o, one.h, one.l, one.c, one.v) for one in answer.results)
        return self._newest.joined(read_bars(symbol, rows))

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        if self._settings.plan == "free":
            return []
        found: list[Reading] = []
        for coin, group in by_class(symbols):
            query = {"tickers": ",".join(map(wire, group))}
            answer = self._read(SNAPSHOTS[coin], query, _Snapshot)
            if answer.status != "DELAYED":
                known = {one.ticker: one for one in answer.tickers}
                found += [_price(one, known[wire(one)], now) for one in group if wire(one) in known]
        return found

    def _read(self, path: str, query: Mapping[str, str | int], shape: type[Shape]) -> Shape:
        answer = self._http.ask(path, query)
        if answer.status == 403:
            # A plan covers stocks, coins and times separately: the others still vote.
            what = self._http.mask(complaint(answer.body)) or "not in the plan"
            raise SoftProviderError(what, fix="a plan with this data")
        return self._http.read(answer, shape)


def wire(symbol: Symbol) -> str:
    """`BTC-USD` is `X:BTCUSD` here."""
    return "X:" + symbol.replace("-", "") if is_coin(symbol) else symbol


def _price(symbol: Symbol, found: _Ticker, now: UtcNanos) -> Reading:
    """The last trade, else the newest minute; 0 means that there is none yet today."""
    trade, minute = found.trade, found.minute
    if trade is not None and trade.p > 0 and trade.t > 0:
        return Reading(symbol, price=trade.p, price_at=trade.t)
    if minute is not None and minute.c > 0 and minute.t > 0:
        return Reading(symbol, price=minute.c, price_at=min(minute.t * MS + MINUTE, now))
    return Reading(symbol, nothing="no price yet today")


SOURCE = Known(
    lambda settings, secrets, _: Massive(settings, secrets.get(KEY_NAME)), ((KEY_NAME,),)
)
