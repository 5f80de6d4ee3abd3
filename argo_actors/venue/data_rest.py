"""Alpaca's market-data REST over a market: the past by pages, the latest, snapshots.

A request is answered from the market and its time alone. Keys and budgets are `data_host.py`'s affair.
"""

import re
from collections.abc import Callable
from typing import Any

from . import data_history as history
from .data_call import BadRequest, Call, NotSubscribed
from .data_json import bar_body, orderbook_body, quote_body, trade_body
from .market import Market
from .wire import Answer, Query, Request, answer, latest_bar, latest_days

STOCKS = "/v2/stocks/"
COINS = "/v1beta3/crypto/us/"
NOT_SUBSCRIBED = {
    "code": 42210000,
    "message": "subscription does not permit querying recent SIP data",
}

Route = Callable[[Call], dict[str, Any]]


def forbidden() -> Answer:
    """What the data host answered for years, and may still, to a key it does not know."""
    return answer(403, {"message": "forbidden."})


def handle_data(
    market: Market, now: int, request: Request, *, basic: bool = False
) -> Answer | None:
    """Answer a market-data request as of `now`; None when the path belongs to somebody else.

    `basic`: the account has the free plan of market data.
    """
    method, path, query, *_ = request
    crypto = path.startswith(COINS)
    prefix = COINS if crypto else STOCKS
    if not path.startswith(prefix):
        return None
    rest = path.removeprefix(prefix)
    route = (_COIN_ROUTES if crypto else _STOCK_ROUTES).get(rest)
    if route is None and not crypto:
        route, query = _of_one(rest, query)
    if route is None:
        return None
    if method != "GET":
        return answer(405, {"message": "method not allowed"})
    try:
        return answer(200, route(Call(market, now, query, crypto, basic)))
    except BadRequest as error:
        return answer(400, {"message": str(error)})
    except NotSubscribed:
        return answer(403, NOT_SUBSCRIBED)
    except _NotFound as error:
        return answer(404, {"code": 40410000, "message": str(error)})


class _NotFound(Exception):
    """What Alpaca says with a 404."""


def _latest(key: str, one: Callable[[Call, str], dict[str, Any] | None]) -> Route:
    """A route that gives one thing a symbol, under a key."""

    def route(call: Call) -> dict[str, Any]:
        call = call.as_latest()
        found = {symbol: one(call, symbol) for symbol in call.symbols()}
        return {key: {symbol: body for symbol, body in found.items() if body is not None}}

    return route


def _latest_bar(call: Call, symbol: str) -> dict[str, Any] | None:
    bar = latest_bar(call.market, symbol, call.now)
    return None if bar is None else bar_body(bar, call.market.assets[symbol])


def _latest_quote(call: Call, symbol: str) -> dict[str, Any] | None:
    quote = call.market.quote(symbol, call.now)
    return None if quote is None else quote_body(quote, call.market.assets[symbol])


def _latest_trade(call: Call, symbol: str) -> dict[str, Any] | None:
    trade = call.market.last_trade(symbol, call.now)
    return None if trade is None else trade_body(trade, call.market.assets[symbol])


def _orderbook(call: Call, symbol: str) -> dict[str, Any] | None:
    quote = call.market.quote(symbol, call.now)
    return None if quote is None else orderbook_body(quote, call.market.assets[symbol])


def _snapshot(call: Call, symbol: str) -> dict[str, Any] | None:
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


def _stock_snapshots(call: Call) -> dict[str, Any]:
    snapshots: dict[str, Any] = _latest("snapshots", _snapshot)(call)["snapshots"]
    return snapshots


_STOCK_ROUTES: dict[str, Route] = {
    "bars": history.bars,
    "quotes": history.quotes,
    "trades": history.trades,
    "bars/latest": _latest("bars", _latest_bar),
    "quotes/latest": _latest("quotes", _latest_quote),
    "trades/latest": _latest("trades", _latest_trade),
    "snapshots": _stock_snapshots,
}
_COIN_ROUTES: dict[str, Route] = {
    "bars": history.bars,
    "quotes": history.quotes,
    "trades": history.trades,
    "latest/bars": _latest("bars", _latest_bar),
    "latest/quotes": _latest("quotes", _latest_quote),
    "latest/trades": _latest("trades", _latest_trade),
    "latest/orderbooks": _latest("orderbooks", _orderbook),
    "snapshots": _latest("snapshots", _snapshot),
}
_OF_ONE = re.compile(r"([^/]+)/(?:(bars|quotes|trades)(/latest)?|(snapshot))")


def _of_one(rest: str, query: Query) -> tuple[Route | None, Query]:
    """The forms for one stock, `AAPL/bars` or `AAPL/quotes/latest`: the list's answer without the list."""
    match = _OF_ONE.fullmatch(rest)
    if match is None:
        return None, query
    symbol, kind, latest, _ = match.groups()
    many = _STOCK_ROUTES[f"{kind}{latest or ''}" if kind else "snapshots"]

    def route(call: Call) -> dict[str, Any]:
        found = many(call)
        if latest is None and kind is not None:
            return found | {"symbol": symbol, kind: found[kind].get(symbol, [])}
        one = (found[kind] if kind else found).get(symbol)
        if one is None:
            raise _NotFound(
                f"no {kind.removesuffix('s') if kind else 'snapshot'} found for {symbol}"
            )
        return {"symbol": symbol, kind.removesuffix("s"): one} if kind else {"symbol": symbol} | one

    return route, {**query, "symbols": symbol}
