"""Alpaca's market-data REST over a market: bars, and the latest quotes, trades, bars, snapshots.

A request is answered from the market and its time alone. Keys are the caller's affair.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .market import Asset, Bar, Market, Quote, Timeframe, TimeframeError, Trade
from .sessions import SECOND, new_york_midnight, utc_midnight
from .wire import (
    Answer,
    Headers,
    Query,
    answer,
    day_start,
    is_date,
    latest_bar,
    latest_days,
    mean_price,
    parameter,
    parse_date,
    parse_time,
    rfc3339,
    trades_in,
)

STOCKS = "/v2/stocks/"
COINS = "/v1beta3/crypto/us/"
DEFAULT_LIMIT = 1000
MOST = 10_000
REQUESTS_PER_MINUTE = 10_000

_COIN_FORM = "^[A-Z]+x?/[A-Z]+$"
_COIN = re.compile(_COIN_FORM)
_STOCK = re.compile(r"^[A-Z][A-Z0-9]*(\.[A-Z]+)?$")
_FEEDS = {"", "sip", "iex", "otc", "boats", "delayed_sip", "overnight"}
_ADJUSTMENTS = {"raw", "split", "dividend", "spin-off", "all"}
_TAPE = {"NYSE": "A", "ARCA": "B"}
_EXCHANGE = "V"


class _BadRequest(Exception):
    """What Alpaca says with a 400."""


class _Call(NamedTuple):
    market: Market
    now: int
    query: Query
    crypto: bool

    def symbols(self) -> list[str]:
        """The symbols asked for, in order; those without an asset are left out."""
        text = parameter(self.query, "symbols")
        if not text:
            raise _BadRequest("symbols is required")
        feed = parameter(self.query, "feed")
        if not self.crypto and feed not in _FEEDS:
            raise _BadRequest(f"invalid feed: {feed}")
        wanted = sorted(set(text.split(",")))
        for symbol in wanted:
            if self.crypto and not _COIN.match(symbol):
                raise _BadRequest(f"invalid symbol: {symbol} does not match {_COIN_FORM}")
            if not self.crypto and not _STOCK.match(symbol):
                raise _BadRequest(f"invalid symbol: {symbol}")
        assets = self.market.assets
        return [one for one in wanted if one in assets and assets[one].is_crypto == self.crypto]


def forbidden() -> Answer:
    """What the data host answers to a key it does not know."""
    return answer(403, {"message": "forbidden."})


def handle_data(
    market: Market, now: int, method: str, path: str, query: Query, headers: Headers
) -> Answer | None:
    """Answer a market-data request as of `now`; None when the path belongs to somebody else."""
    crypto = path.startswith(COINS)
    prefix = COINS if crypto else STOCKS
    if not path.startswith(prefix):
        return None
    route = (_COIN_ROUTES if crypto else _STOCK_ROUTES).get(path.removeprefix(prefix))
    if route is None:
        return None
    if method != "GET":
        return answer(405, {"message": "method not allowed"})
    try:
        status, sent, body = answer(200, route(_Call(market, now, query, crypto)))
    except _BadRequest as error:
        status, sent, body = answer(400, {"message": str(error)})
    return status, sent | _limits(now), body


def _limits(now: int) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(REQUESTS_PER_MINUTE),
        "X-RateLimit-Remaining": str(REQUESTS_PER_MINUTE - 1),
        "X-RateLimit-Reset": str((now // SECOND // 60 + 1) * 60),
    }


def bar_body(bar: Bar, asset: Asset) -> dict[str, Any]:
    """A bar in Alpaca's letters; shares are whole, coins are not."""
    return {
        "c": bar.c,
        "h": bar.h,
        "l": bar.l,
        "n": trades_in(bar, asset.is_crypto),
        "o": bar.o,
        "t": rfc3339(bar.t),
        "v": bar.v if asset.is_crypto else round(bar.v),
        "vw": mean_price(bar),
    }


def quote_body(quote: Quote, asset: Asset) -> dict[str, Any]:
    """A quote in Alpaca's letters; sizes of stocks are shares."""
    body: dict[str, Any] = {
        "ap": float(quote.ask),
        "as": float(quote.ask_size) if asset.is_crypto else int(quote.ask_size),
        "bp": float(quote.bid),
        "bs": float(quote.bid_size) if asset.is_crypto else int(quote.bid_size),
        "t": rfc3339(quote.at),
    }
    if not asset.is_crypto:
        body |= {"ax": _EXCHANGE, "bx": _EXCHANGE, "c": ["R"], "z": _tape(asset)}
    return body


def trade_body(trade: Trade, asset: Asset) -> dict[str, Any]:
    """A print in Alpaca's letters."""
    body: dict[str, Any] = {
        "i": trade.id,
        "p": float(trade.price),
        "s": float(trade.size) if asset.is_crypto else int(trade.size),
        "t": rfc3339(trade.at),
    }
    if asset.is_crypto:
        return body | {"tks": "B" if trade.buyer else "S"}
    return body | {"c": ["@"], "x": _EXCHANGE, "z": _tape(asset)}


def _tape(asset: Asset) -> str:
    return _TAPE.get(asset.exchange, "C")


def _bars(call: _Call) -> dict[str, Any]:
    frame = _timeframe(call)
    symbols, limit, descending = call.symbols(), _limit(call), _descending(call)
    if parameter(call.query, "adjustment", "raw") not in _ADJUSTMENTS:
        raise _BadRequest(f"invalid adjustment: {parameter(call.query, 'adjustment')}")
    page: dict[str, list[dict[str, Any]]] = {}
    last = ""
    for taken, (symbol, bar) in enumerate(_after_token(call, frame, symbols, descending)):
        if taken == limit:
            return {"bars": page, "next_page_token": last}
        page.setdefault(symbol, []).append(bar_body(bar, call.market.assets[symbol]))
        last = _token(symbol, frame, bar.t)
    return {"bars": page, "next_page_token": None}


def _after_token(
    call: _Call, frame: Timeframe, symbols: list[str], descending: bool
) -> Iterator[tuple[str, Bar]]:
    """All bars asked for, by symbol and then time, from the page token on."""
    token = parameter(call.query, "page_token")
    resume = _read_token(token) if token else None
    text = parameter(call.query, "timeframe")
    for symbol in symbols:
        if resume is not None and symbol < resume[0]:
            continue
        start, end = _range(call, symbol)
        # A day that still runs is shown; shorter bars are not before they are complete.
        found = call.market.bars(symbol, text, start, end, call.now, running=frame.is_daily)
        for bar in reversed(found) if descending else found:
            if resume is not None and symbol == resume[0]:
                seen = bar.t >= resume[1] if descending else bar.t <= resume[1]
                if seen:
                    continue
            yield symbol, bar


def _range(call: _Call, symbol: str) -> tuple[int, int]:
    """First and last bar start asked for; by default from the beginning of the day till now."""
    start, end = parameter(call.query, "start"), parameter(call.query, "end")
    first = _time("start", start, call) if start else day_start(call.market, symbol, call.now)
    last = min(_time("end", end, call), call.now) if end else call.now
    if start and end and first > _time("end", end, call):
        raise _BadRequest("end should not be before start")
    return first, last


def _time(name: str, text: str, call: _Call) -> int:
    try:
        if not is_date(text):
            return parse_time(text)
        day = parse_date(text)
        return utc_midnight(day) if call.crypto else new_york_midnight(day)
    except ValueError:
        raise _BadRequest(f"invalid {name}: {text}") from None


def _timeframe(call: _Call) -> Timeframe:
    text = parameter(call.query, "timeframe")
    if not text:
        raise _BadRequest("timeframe is required")
    try:
        return Timeframe.parse(text)
    except TimeframeError as error:
        raise _BadRequest(str(error)) from None


def _limit(call: _Call) -> int:
    text = parameter(call.query, "limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MOST:
        raise _BadRequest(f"invalid limit: {text}, must be between 1 and {MOST}")
    return int(text)


def _descending(call: _Call) -> bool:
    text = parameter(call.query, "sort", "asc")
    if text not in ("asc", "desc"):
        raise _BadRequest(f"invalid sort: {text}")
    return text == "desc"


def _token(symbol: str, frame: Timeframe, at: int) -> str:
    """The last bar of a page: symbol, timeframe letter, time."""
    whole, rest = divmod(at, SECOND)
    stamp = f"{rfc3339(whole * SECOND)[:-1]}.{rest:09d}Z"
    return base64.b64encode(f"{symbol}|{frame.unit[0]}|{stamp}".encode()).decode()


def _read_token(token: str) -> tuple[str, int]:
    try:
        symbol, _, stamp = base64.b64decode(token, validate=True).decode().split("|")
        return symbol, parse_time(stamp)
    except (binascii.Error, ValueError):
        raise _BadRequest("invalid page token") from None


def _latest(key: str, one: Callable[[_Call, str], dict[str, Any] | None]) -> Any:
    """A route that gives one thing a symbol, under a key."""

    def route(call: _Call) -> dict[str, Any]:
        found = {symbol: one(call, symbol) for symbol in call.symbols()}
        return {key: {symbol: body for symbol, body in found.items() if body is not None}}

    return route


def _latest_bar(call: _Call, symbol: str) -> dict[str, Any] | None:
    bar = latest_bar(call.market, symbol, call.now)
    return None if bar is None else bar_body(bar, call.market.assets[symbol])


def _latest_quote(call: _Call, symbol: str) -> dict[str, Any] | None:
    quote = call.market.quote(symbol, call.now)
    return None if quote is None else quote_body(quote, call.market.assets[symbol])


def _latest_trade(call: _Call, symbol: str) -> dict[str, Any] | None:
    trade = call.market.last_trade(symbol, call.now)
    return None if trade is None else trade_body(trade, call.market.assets[symbol])


def _snapshot(call: _Call, symbol: str) -> dict[str, Any] | None:
    quote = _latest_quote(call, symbol)
    if quote is None:
        return None
    asset = call.market.assets[symbol]
    days = [bar_body(bar, asset) for bar in latest_days(call.market, symbol, call.now)[-2:]]
    return {
        "dailyBar": days[-1] if days else None,
        "latestQuote": quote,
        "latestTrade": _latest_trade(call, symbol),
        "minuteBar": _latest_bar(call, symbol),
        "prevDailyBar": days[-2] if len(days) > 1 else None,
    }


def _stock_snapshots(call: _Call) -> dict[str, Any]:
    snapshots: dict[str, Any] = _latest("snapshots", _snapshot)(call)["snapshots"]
    return snapshots


_STOCK_ROUTES: dict[str, Callable[[_Call], dict[str, Any]]] = {
    "bars": _bars,
    "bars/latest": _latest("bars", _latest_bar),
    "quotes/latest": _latest("quotes", _latest_quote),
    "trades/latest": _latest("trades", _latest_trade),
    "snapshots": _stock_snapshots,
}
_COIN_ROUTES: dict[str, Callable[[_Call], dict[str, Any]]] = {
    "bars": _bars,
    "latest/bars": _latest("bars", _latest_bar),
    "latest/quotes": _latest("quotes", _latest_quote),
    "latest/trades": _latest("trades", _latest_trade),
    "snapshots": _latest("snapshots", _snapshot),
}
