"""Alpaca's trading API as a pure handler: a request in, an answer out, no socket."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from . import trading_json as wire
from .matching import OPEN, Book, Order
from .refusals import Refusal
from .validation import build, number, symbol_of

Answer = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}
CALLS_A_MINUTE = 200
MINUTE = 60_000_000_000
CLOSED = frozenset({"filled", "canceled", "expired", "replaced", "rejected"})


class Keys(NamedTuple):
    """What a client must show."""

    key_id: str
    secret: str


class Exchange:
    """The trading endpoints over one book."""

    def __init__(self, book: Book, keys: Keys, calls_a_minute: int = CALLS_A_MINUTE) -> None:
        self.book = book
        self._most = calls_a_minute
        self.keys = keys
        self._calls = 0
        self._window = 0

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Answer one request."""
        if not self._authorised(headers):
            return _unauthorised(path)
        limits = self._limits()
        if limits["X-RateLimit-Remaining"] == "-1":
            limits["X-RateLimit-Remaining"] = "0"
            return _json(429, {"code": 42910000, "message": "rate limit exceeded"}, limits)
        try:
            status, found = self._route(method, path.removeprefix("/v2"), query, body)
        except Refusal as refusal:
            return _json(refusal.status, refusal.body, limits)
        if status == 204:
            return 204, limits, b""
        return _json(status, found, limits)

    def _authorised(self, headers: Mapping[str, str]) -> bool:
        given = Keys(headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", ""))
        basic = headers.get("authorization", "")
        if basic.startswith("Basic "):
            try:
                name, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
            given = Keys(name, secret)
        return given == self.keys

    def _limits(self) -> dict[str, str]:
        window = self.book.now // MINUTE
        if window != self._window:
            self._window, self._calls = window, 0
        self._calls += 1
        return {
            "X-RateLimit-Limit": str(self._most),
            "X-RateLimit-Remaining": str(max(self._most - self._calls, -1)),
            "X-RateLimit-Reset": str((window + 1) * 60),
        }

    def _route(
        self, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> tuple[int, Any]:
        match method, [unquote(part) for part in path.strip("/").split("/")]:
            case "GET", ["account"]:
                return 200, wire.account(self.book)
            case "GET", ["account", "configurations"]:
                return 200, CONFIGURATION
            case "GET", ["account", "activities"]:
                return 200, self._activities(query, "")
            case "GET", ["account", "activities", kind]:
                return 200, self._activities(query, kind)
            case "GET", ["clock"]:
                return 200, self._clock()
            case "GET", ["calendar"]:
                return 200, self._calendar(query)
            case "GET", ["assets"]:
                return 200, [wire.asset(one) for one in self.book.market.assets.values()]
            case "GET", ["assets", *parts]:
                return 200, self._asset("/".join(parts))
            case "GET", ["positions"]:
                return 200, [wire.position(self.book, one) for one in self._held()]
            case "DELETE", ["positions"]:
                return 207, self._close_all(query)
            case "GET", ["positions", symbol]:
                return 200, wire.position(self.book, self._position(symbol))
            case "DELETE", ["positions", symbol]:
                return 200, self._close(symbol, query)
        return self._orders(method, path.strip("/"), query, body)

    def _orders(
        self, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> tuple[int, Any]:
        match method, path.split("/"):
            case "POST", ["orders"]:
                return 200, self._submit(_decoded(body))
            case "GET", ["orders"]:
                return 200, self._list(query)
            case "DELETE", ["orders"]:
                return 207, self._cancel_all()
            case "GET", ["orders:by_client_order_id"]:
                client = query.get("client_order_id", "")
                return 200, wire.order(self.book, self._by_client(client), nested=True)
            case "GET", ["orders", order_id]:
                nested = query.get("nested", "").lower() == "true"
                return 200, wire.order(self.book, self._order(order_id), nested=nested)
            case "DELETE", ["orders", order_id]:
                self.book.request_cancel(self._order(order_id))
                return 204, None
            case "PATCH", ["orders", order_id]:
                return 200, self._replace(order_id, _decoded(body))
        raise Refusal(404, 40410000, "endpoint not found")

    def _submit(self, body: dict[str, Any]) -> Any:
        order, legs = build(self.book, body)
        return wire.order(self.book, self.book.add(order, legs), nested=True)

    def _replace(self, order_id: str, body: dict[str, Any]) -> Any:
        changes: dict[str, Decimal | str] = {
            name: number(body[name])
            for name in ("qty", "limit_price", "stop_price")
            if body.get(name) is not None
        }
        if body.get("client_order_id"):
            changes["client_order_id"] = str(body["client_order_id"])
        return wire.order(self.book, self.book.replace(self._order(order_id), changes), nested=True)

    def _order(self, order_id: str) -> Order:
        found = self.book.orders.get(order_id)
        if found is None:
            if len(order_id) != 36:
                raise Refusal(422, 40010001, "order_id is missing")
            raise Refusal(404, 40410000, f"order not found for {order_id}")
        return found

    def _by_client(self, client: str) -> Order:
        found = self.book.by_client.get(client)
        if found is None:
            raise Refusal(404, 40410000, f"order not found for {client}")
        return self.book.orders[found]

    def _list(self, query: Mapping[str, str]) -> list[Any]:
        status = query.get("status", "open")
        nested = query.get("nested", "").lower() == "true"
        limit = min(int(query.get("limit", "50")), 500)
        symbols = {symbol_of(self.book, one) for one in query.get("symbols", "").split(",") if one}
        after, until = _time(query.get("after")), _time(query.get("until"))
        found = [
            one
            for one in self.book.orders.values()
            if _listed(one, status, nested)
            and (not symbols or one.symbol in symbols)
            and (after is None or one.submitted_at > after)
            and (until is None or one.submitted_at < until)
            and ("side" not in query or one.side == query["side"])
        ]
        found.sort(
            key=lambda one: (one.submitted_at, one.id),
            reverse=query.get("direction", "desc") == "desc",
        )
        return [wire.order(self.book, one, nested=nested) for one in found[:limit]]

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
        if "qty" in query:
            qty = number(query["qty"])
        elif "percentage" in query:
            qty = qty * number(query["percentage"]) / 100
        crypto = self.book.market.assets[symbol].is_crypto
        body = {
            "symbol": symbol,
            "qty": str(qty),
            "side": "sell" if held > 0 else "buy",
            "type": "market",
            "time_in_force": "gtc" if crypto else "day",
        }
        return self._submit(body)

    def _close_all(self, query: Mapping[str, str]) -> list[Any]:
        if query.get("cancel_orders", "").lower() == "true":
            self._cancel_all()
        found = []
        for symbol in self._held():
            try:
                body, status = self._close(symbol.replace("/", ""), {}), 200
            except Refusal as refusal:
                body, status = refusal.body, refusal.status
            found.append({"symbol": symbol.replace("/", ""), "status": status, "body": body})
        return found

    def _asset(self, text: str) -> Any:
        for one in self.book.market.assets.values():
            if text in (one.symbol, one.symbol.replace("/", ""), one.id):
                return wire.asset(one)
        raise Refusal(404, 40410000, f"asset not found for {text}")

    def _activities(self, query: Mapping[str, str], kind: str) -> list[Any]:
        wanted = kind or query.get("activity_types", "FILL")
        if "FILL" not in wanted.split(","):
            return []
        size = min(int(query.get("page_size", "100")), 100)
        found = [
            wire.activity(one, self.book.orders[one.order_id].status)
            for one in self.book.activities
            if "order_id" not in query or one.order_id == query["order_id"]
        ]
        if query.get("direction", "desc") == "desc":
            found.reverse()
        token = query.get("page_token")
        begin = next((i + 1 for i, one in enumerate(found) if one["id"] == token), 0)
        return found[begin : begin + size]

    def _clock(self) -> Any:
        sessions, now = self.book.market.sessions, self.book.now
        return {
            "timestamp": wire.eastern(now),
            "is_open": sessions.is_open(now),
            "next_open": wire.eastern(sessions.next_open(now)),
            "next_close": wire.eastern(sessions.next_close(now)),
        }

    def _calendar(self, query: Mapping[str, str]) -> list[Any]:
        today = datetime.fromtimestamp(self.book.now / wire.SECOND, UTC).date()
        first = date.fromisoformat(query.get("start", today.isoformat())[:10])
        last = date.fromisoformat(query.get("end", (today + timedelta(days=30)).isoformat())[:10])
        found = []
        for day in self.book.market.sessions.calendar(first, last):
            begun = datetime.fromtimestamp(day.open / wire.SECOND, wire.NEW_YORK)
            ended = datetime.fromtimestamp(day.close / wire.SECOND, wire.NEW_YORK)
            found.append(
                {
                    "date": begun.date().isoformat(),
                    "open": begun.strftime("%H:%M"),
                    "close": ended.strftime("%H:%M"),
                    "session_open": "0400",
                    "session_close": "2000",
                    "settlement_date": (begun.date() + timedelta(days=1)).isoformat(),
                }
            )
        return found


CONFIGURATION = {
    "dtbp_check": "entry",
    "fractional_trading": True,
    "max_margin_multiplier": "2",
    "no_shorting": False,
    "pdt_check": "entry",
    "ptp_no_exception_entry": False,
    "suspend_trade": False,
    "trade_confirm_email": "none",
    "disable_overnight_trading": False,
}


def _listed(one: Order, status: str, nested: bool) -> bool:
    """Legs are rows of their own unless nested; a held leg is not listed as open."""
    if nested and one.leg:
        return False
    if status == "all":
        return True
    if status == "closed":
        return one.status in CLOSED
    return one.status in OPEN and one.status != "held"


def _time(text: str | None) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refusal(422, 40010001, "invalid time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000) * 1000


def _decoded(body: bytes) -> dict[str, Any]:
    """JSON whose numbers keep their text, so that `1e-05` is the decimal it spells."""
    try:
        found = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode(body)
    except (msgspec.DecodeError, ValueError):
        raise Refusal(422, 40010001, "request body format is invalid") from None
    return found


def _json(status: int, found: Any, headers: Mapping[str, str]) -> Answer:
    return status, {**JSON, **headers}, msgspec.json.encode(found)


def _unauthorised(path: str) -> Answer:
    if path.startswith(("/v2/clock", "/v2/calendar")):
        page = b"<html><head><title>401 Authorization Required</title></head></html>"
        return 401, {"Content-Type": "text/html", "WWW-Authenticate": "Basic"}, page
    return _json(401, {"message": "unauthorized."}, {"WWW-Authenticate": "Basic"})
