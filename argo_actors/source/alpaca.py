"""Alpaca's market data: bars, snapshots and quotes of all stocks in one call, of all coins in another."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ..config import Source, is_coin
from ..errors import SoftProviderError, TransientProviderError
from ..host.secrets import Pair
from ..units import DAY, MINUTE, SECOND, Symbol, UtcNanos
from .alpaca_client import DataClient
from .bars import TIMEFRAMES, Bar, bar
from .newest import BARS, NewestBars
from .provider import Known, Provider, Reading, by_class, read_bars

PAGE = 10_000
MOST_PAGES = 60
CLOSED_DAYS = 5
HISTORY_SECONDS = 25.0
DELAY = 16 * MINUTE
"""SIP bars without a plan end so long ago."""
WIDEST_MID = 0.01
"""A middle between bid and ask is a price where they are at most this share of it apart."""


class _Bar(msgspec.Struct):
    t: str
    o: float
    h: float
    l: float  # noqa: E741 (the wire's own letter)
    c: float
    v: float


class _Bars(msgspec.Struct):
    bars: dict[str, list[_Bar]] | None
    next_page_token: str | None = None


class Sides(msgspec.Struct):
    """A quote as it came; 0 means that a side has none."""

    t: str
    bid: float = msgspec.field(name="bp")
    ask: float = msgspec.field(name="ap")


class _Quotes(msgspec.Struct):
    quotes: dict[str, Sides]


class _Trade(msgspec.Struct):
    t: str
    p: float


class _Snapshot(msgspec.Struct):
    trade: _Trade | None = msgspec.field(default=None, name="latestTrade")
    quote: Sides | None = msgspec.field(default=None, name="latestQuote")


class _CoinSnapshots(msgspec.Struct):
    snapshots: dict[str, _Snapshot | None]


class Alpaca(Provider):
    """Stocks by the configured feed, coins by Alpaca's own venue."""

    live = True
    backoff_seconds = (1.0, 60.0)
    batch = 1000

    def __init__(self, settings: Source, keys: Pair) -> None:
        self._settings = settings
        self._client = DataClient(keys, settings.base_url)
        self._newest = NewestBars(settings.timeframe)

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        timeframe = self._settings.timeframe
        found: list[Reading] = []
        for coin, group in by_class(symbols):
            begin = self._newest.begin(group, now - _span(timeframe, BARS, coin), now)
            seconds = self._settings.timeout_seconds
            try:
                readings = self._bars(group, coin, timeframe, (begin, now), seconds)
            except SoftProviderError as error:
                # The other class still votes.
                readings = [Reading(one, nothing=error.what) for one in group]
            found += [self._newest.joined(one) for one in readings]
        return found

    def history(
        self, symbols: Sequence[Symbol], timeframe: str, count: int, now: UtcNanos
    ) -> list[Reading]:
        """At least `count` bars of each symbol, where the vendor has them. Raises ProviderError."""
        found: list[Reading] = []
        for coin, group in by_class(symbols):
            begin = now - _span(timeframe, count, coin)
            found += self._bars(group, coin, timeframe, (begin, now), HISTORY_SECONDS)
        return found

    def _bars(
        self,
        group: Sequence[Symbol],
        coin: bool,
        timeframe: str,
        between: tuple[UtcNanos, UtcNanos],
        seconds: float,
    ) -> list[Reading]:
        begin, end = between
        delayed = not coin and self._settings.feed == "delayed_sip"
        query: dict[str, str | int] = {
            "symbols": ",".join(map(wire, group)),
            "timeframe": timeframe,
            "start": _stamp(begin),
            "end": _stamp(end - DELAY if delayed else end),
            "limit": PAGE,
            "sort": "asc",
        }
        if not coin:
            query |= {"feed": "sip" if delayed else self._settings.feed, "adjustment": "split"}
        raw = self._pages(coin, "/crypto/us/bars" if coin else "/stocks/bars", query, seconds)
        return [read_bars(one, map(_bar, raw.get(wire(one), ()))) for one in group]

    def _pages(
        self, coin: bool, path: str, query: dict[str, str | int], seconds: float
    ) -> dict[str, list[_Bar]]:
        raw: dict[str, list[_Bar]] = {}
        for _ in range(MOST_PAGES):
            page = self._client.get(coin, path, query, _Bars, seconds)
            for symbol, rows in (page.bars or {}).items():
                raw.setdefault(symbol, []).extend(rows)
            if not page.next_page_token:
                return raw
            query["page_token"] = page.next_page_token
        raise TransientProviderError(f"more than {MOST_PAGES} pages of bars")

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        found: list[Reading] = []
        for coin, group in by_class(symbols):
            snapshots = self._snapshots(coin, group)
            found += [_price(one, snapshots.get(wire(one))) for one in group]
        return found

    def _snapshots(self, coin: bool, group: Sequence[Symbol]) -> dict[str, _Snapshot | None]:
        query, seconds = self._latest(coin, group), self._settings.timeout_seconds
        if coin:
            path = "/crypto/us/snapshots"
            return self._client.get(coin, path, query, _CoinSnapshots, seconds).snapshots
        return self._client.get(
            coin, "/stocks/snapshots", query, dict[str, _Snapshot | None], seconds
        )

    def quotes(self, symbols: Sequence[Symbol], seconds: float) -> dict[Symbol, Sides]:
        """Newest bid and ask of each symbol as they came. Raises ProviderError."""
        found: dict[Symbol, Sides] = {}
        for coin, group in by_class(symbols):
            path = "/crypto/us/latest/quotes" if coin else "/stocks/quotes/latest"
            query = self._latest(coin, group)
            quotes = self._client.get(coin, path, query, _Quotes, seconds).quotes
            found |= {one: quotes[wire(one)] for one in group if wire(one) in quotes}
        return found

    @property
    def sent(self) -> int:
        return self._client.sent

    @property
    def server_time(self) -> float | None:
        return self._client.server_time

    def close(self) -> None:
        self._client.close()

    def _latest(self, coin: bool, group: Sequence[Symbol]) -> dict[str, str | int]:
        query: dict[str, str | int] = {"symbols": ",".join(map(wire, group))}
        return query if coin else query | {"feed": self._settings.feed}


def wire(symbol: Symbol) -> str:
    """`BTC-USD` is `BTC/USD` here."""
    return symbol.replace("-", "/") if is_coin(symbol) else symbol


def middle(quote: Sides) -> float | None:
    """The middle of a quote that can be true and is not wide."""
    bid, ask = quote.bid, quote.ask
    if not (math.isfinite(bid) and math.isfinite(ask) and 0 < bid <= ask):
        return None
    mid = (bid + ask) / 2
    return mid if ask - bid <= WIDEST_MID * mid else None


def parse_time(text: str) -> UtcNanos:
    """RFC 3339 in ns UTC. Raises SoftProviderError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SoftProviderError(f"not a time: {text[:40]!r}")
    fraction = text.partition(".")[2].rstrip("Zz").partition("+")[0].partition("-")[0]
    return int(moment.timestamp()) * SECOND + int((fraction or "0")[:9].ljust(9, "0"))


def _bar(row: _Bar) -> Bar:
    return bar(parse_time(row.t), row.o, row.h, row.l, row.c, row.v)


def _price(symbol: Symbol, found: _Snapshot | None) -> Reading:
    """The last trade, or the middle of a newer quote: coins trade here minutes apart."""
    if found is None or found.trade is None:
        return Reading(symbol, nothing="no last trade")
    try:
        price, at = found.trade.p, parse_time(found.trade.t)
        mid = None if found.quote is None else middle(found.quote)
        if mid is not None and found.quote is not None and is_coin(symbol):
            quoted_at = parse_time(found.quote.t)
            price, at = (mid, quoted_at) if quoted_at > at else (price, at)
    except SoftProviderError as error:
        return Reading(symbol, nothing=error.what)
    return Reading(symbol, price=price, price_at=at)


def _span(timeframe: str, count: int, coin: bool) -> int:
    """How far back that many bars begin, nights and weekends included."""
    if timeframe == "1Day":
        return count * DAY * (1 if coin else 2) + CLOSED_DAYS * DAY
    span = TIMEFRAMES[timeframe] * count
    return span + DAY // 4 if coin else span * 4 + CLOSED_DAYS * DAY


def _stamp(at: UtcNanos) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


SOURCE = Known(
    lambda settings, secrets, _: Alpaca(settings, secrets.data),
    (
        ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"),
        ("APCA_DATA_KEY_ID", "APCA_DATA_SECRET_KEY"),
    ),
)
