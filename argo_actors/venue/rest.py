"""Alpaca's trading API as a pure handler: a request in, an answer out, no socket."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import msgspec

from . import (
    asset_list,
    configurations,
    corporate_actions,
    hours,
    market_hours,
    order_list,
    watchlists,
)
from . import trading_json as wire
from .activities import activities
from .damage import as_floats
from .history import portfolio_history
from .keys import Keys, shown
from .limits import CALLS_A_MINUTE, CallBudget
from .matching import NINE, Book, Order
from .numbers import number
from .query import flag
from .refusals import PARAMETER, Refusal
from .replacing import changes_of
from .validation import build

Answer = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


class Exchange:
    """The trading endpoints over one book."""

    def __init__(self, book: Book, keys: Keys, calls_a_minute: int = CALLS_A_MINUTE) -> None:
        self.book = book
        self.keys = keys
        self._budget = CallBudget(calls_a_minute)

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Answer one request."""
        if shown(headers) != self.keys:
            return _unauthorised(path)
        within, limits = self._budget.spend(self.book.now)
        if not within:
            return _json(429, {"code": 42910000, "message": "rate limit exceeded"}, limits)
        try:
            status, found = self._route(method, path.removeprefix("/v2"), query, body)
        except Refusal as refusal:
            return _json(refusal.status, refusal.body, limits)
        if status == 204:
            return 204, limits, b""
        if self.book.modes.float_text:
            found = as_floats(found)
        return _json(status, found, limits)

    def _route(
        self, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> tuple[int, Any]:
        book = self.book
        match method, [unquote(part) for part in path.strip("/").split("/")]:
            case "GET", ["account"]:
                return 200, wire.account(book)
            case "GET", ["account", "configurations"]:
                return 200, configurations.configuration(book)
            case "PATCH", ["account", "configurations"]:
                return 200, configurations.change(book, _decoded(body))
            case "GET", ["account", "activities", *kind] if len(kind) <= 1:
                return 200, activities(book, query, *kind)
            case "GET", ["account", "portfolio", "history"]:
                return 200, portfolio_history(book, query)
            case "GET", ["clock"]:
                return 200, hours.clock(book)
            case "GET", ["calendar"]:
                return 200, hours.calendar(book, query)
            case "GET", ["v3", "clock"]:
                return 200, market_hours.clocks(book.market.sessions, query, book.now)
            case "GET", ["v3", "calendar", market]:
                sessions = book.market.sessions
                return 200, market_hours.calendar(sessions, market, query, book.now)
            case "GET", ["assets"]:
                return 200, asset_list.assets(book, query)
            case "GET", ["assets", *parts]:
                return 200, asset_list.asset(book, "/".join(parts))
            case "GET", ["positions"]:
                return 200, [wire.position(book, one) for one in self._held()]
            case "DELETE", ["positions"]:
                return 207, self._close_all(query)
            case "GET", ["positions", symbol]:
                return 200, wire.position(book, self._position(symbol))
            case "DELETE", ["positions", symbol]:
                return 200, self._close(symbol, query)
            case "GET", ["corporate_actions", "announcements"]:
                return 200, corporate_actions.announcements(book, query)
            case "GET", ["corporate_actions", "announcements", one]:
                return 200, corporate_actions.announcement(book, one)
            case "GET", ["v1", "corporate-actions"]:
                return 200, corporate_actions.market_data(book, query)
            case "GET", ["options", "contracts"]:
                return 200, {"option_contracts": [], "next_page_token": None}
            case _, [first, *parts] if first.startswith("watchlists"):
                return self._watchlists(method, first, parts, query, body)
        return self._orders(method, path.strip("/"), query, body)

    def _orders(
        self, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> tuple[int, Any]:
        match method, path.split("/"):
            case "POST", ["orders"]:
                return 200, self._submit(_decoded(body))
            case "GET", ["orders"]:
                return 200, order_list.orders(self.book, query)
            case "DELETE", ["orders"]:
                return 207, self._cancel_all()
            case "GET", ["orders:by_client_order_id"]:
                found = order_list.by_client_id(self.book, query)
                return 200, wire.order(self.book, found, nested=True)
            case "GET", ["orders", order_id]:
                found = order_list.by_id(self.book, order_id)
                order_list.check_visible(self.book, found, order_id)
                return 200, wire.order(self.book, found, nested=flag(query, "nested"))
            case "DELETE", ["orders", order_id]:
                self.book.request_cancel(self._order(order_id))
                return 204, None
            case "PATCH", ["orders", order_id]:
                return 200, self._replace(order_id, _decoded(body))
        raise Refusal(404, 40410000, "endpoint not found")

    def _watchlists(
        self, method: str, first: str, parts: list[str], query: Mapping[str, str], body: bytes
    ) -> tuple[int, Any]:
        """By id, or by the name in the query."""
        book = self.book
        match method, first, parts:
            case "GET", "watchlists", []:
                return 200, watchlists.all_lists(book)
            case "POST", "watchlists", []:
                return 200, watchlists.create(book, _decoded(body))
            case _, "watchlists:by_name", []:
                one = watchlists.by_name(book, query)
            case _, "watchlists", [watchlist_id, *_]:
                one = watchlists.by_id(book, watchlist_id)
            case _:
                raise Refusal(404, 40410000, "endpoint not found")
        match method, parts[1:]:
            case "GET", []:
                return 200, watchlists.shown(book, one)
            case "POST", []:
                return 200, watchlists.add(book, one, _decoded(body))
            case "PUT", []:
                return 200, watchlists.update(book, one, _decoded(body))
            case "DELETE", []:
                watchlists.delete(book, one)
                return 204, None
            case "DELETE", symbol:
                return 200, watchlists.remove(book, one, "/".join(symbol))
        raise Refusal(404, 40410000, "endpoint not found")

    def _submit(self, body: dict[str, Any]) -> Any:
        return self._take(*build(self.book, body))

    def _take(self, order: Order, legs: tuple[Order, ...] = ()) -> Any:
        configurations.check_order(self.book, order)
        answer = wire.order(self.book, self.book.add(order, legs), nested=True)
        if self.book.modes.fills_before_answers:
            self.book.match_now(order)
        return answer

    def _replace(self, order_id: str, body: dict[str, Any]) -> Any:
        order = self._order(order_id)
        changes = changes_of(self.book, order, body)
        return wire.order(self.book, self.book.replace(order, changes), nested=True)

    def _order(self, order_id: str) -> Order:
        return order_list.by_id(self.book, order_id)

    def _cancel_all(self) -> list[Any]:
        found = []
        for one in self.book.live():
            if one.leg and one.status == "held":
                continue
            try:
                self.book.request_cancel(one)
                found.append({"id": one.id, "status": 200})
            except Refusal:
                found.append({"id": one.id, "status": 500})
        return found

    def _held(self) -> list[str]:
        return sorted(name for name, one in self.book.positions.items() if one.qty)

    def _position(self, text: str) -> str:
        for symbol in self._held():
            if text in (symbol.replace("/", ""), self.book.market.assets[symbol].id):
                return symbol
        raise Refusal(404, 40410000, "position does not exist")

    def _close(self, text: str, query: Mapping[str, str]) -> Any:
        symbol = self._position(text)
        held = self.book.position(symbol).qty
        qty = abs(held)
        asset = self.book.market.assets[symbol]
        if query.get("qty"):
            qty = number(query["qty"])
        elif query.get("percentage"):
            share = number(query["percentage"])
            if not 0 < share <= 100:
                raise Refusal(422, PARAMETER, "percentage must be between 0 and 100")
            step = asset.min_trade_increment or NINE
            qty = (qty * share / 100 / step).to_integral_value("ROUND_DOWN") * step
        body = {
            "symbol": symbol,
            "qty": str(qty),
            "side": "sell" if held > 0 else "buy",
            "type": "market",
            "time_in_force": "gtc" if asset.is_crypto else "day",
        }
        return self._take(*build(self.book, body, closes=True))

    def _close_all(self, query: Mapping[str, str]) -> list[Any]:
        if query.get("cancel_orders", "").lower() == "true":
            for one in self.book.live():
                if one.is_open:
                    self.book.cancel_at_once(one)
        found = []
        for symbol in self._held():
            try:
                body, status = self._close(symbol.replace("/", ""), {}), 200
            except Refusal as refusal:
                body, status = refusal.body, refusal.status
            found.append({"symbol": symbol.replace("/", ""), "status": status, "body": body})
        return found


_BODY = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def _decoded(body: bytes) -> dict[str, Any]:
    """JSON whose numbers keep their text, so that `1e-05` is the decimal it spells."""
    try:
        found = _BODY.decode(body)
    except (msgspec.DecodeError, ValueError):
        raise Refusal(422, 40010001, "request body format is invalid") from None
    return found


def _json(status: int, found: Any, headers: Mapping[str, str]) -> Answer:
    return status, {**JSON, **headers}, msgspec.json.encode(found)


def _unauthorised(path: str) -> Answer:
    if path.startswith(("/v2/clock", "/v2/calendar", "/v3/clock")):
        page = b"<html><head><title>401 Authorization Required</title></head></html>"
        return 401, {"Content-Type": "text/html", "WWW-Authenticate": "Basic"}, page
    return _json(401, {"message": "unauthorized."}, {"WWW-Authenticate": "Basic"})
