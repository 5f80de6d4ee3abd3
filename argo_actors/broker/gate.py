"""The last thing before the socket: no request that can move money leaves by any other way.

Sanity and exposure are checked under one lock, then the journal is durable up to the command, then, as the
last act under the lock, halt flag and expiry are checked and the request is registered (design §5).
"""

import threading
from collections.abc import Callable
from typing import Any, Protocol

from ..config import Config, amount, is_coin
from ..errors import JournalError, RefusedError
from ..host.secrets import Pair
from ..messages.market import Asset
from ..messages.order import CancelOrder, SubmitOrder
from ..messages.system import OperatorState
from ..units import MINUTE, SECOND, Decimal, UtcNanos, equity_tick
from .transport import Transport
from .wire import order_body, to_alpaca, to_position

MOST_PER_SYMBOL_MINUTE = 10
"""Submissions for one symbol within a minute: more is a loop, not trading."""
STOPS_ENTRIES: frozenset[str] = frozenset({"halt", "stop-entries", "flatten"})


class Durable(Protocol):
    """The journal, as far as the gate needs it."""

    def wait_durable(self, seq: int, seconds: float) -> None:
        """Return when the record is on disk."""
        ...


class Gate:
    """All of the broker's requests pass here."""

    def __init__(
        self,
        config: Config,
        keys: Pair,
        now: Callable[[], UtcNanos],
        adapter: Callable[[], Any] | None = None,
    ) -> None:
        self._config = config
        self._now = now
        self._transport = Transport(config.broker.base_url, keys.key_id, keys.secret, adapter)
        self._journal: Durable | None = None
        self._lock = threading.Lock()
        self._operator: OperatorState = "normal"
        self._sent: dict[str, str] = {}
        self._registered: list[str] = []
        self._times: dict[str, list[UtcNanos]] = {}
        self._assets: dict[str, Asset] = {}

    def attach(self, journal: Durable) -> None:
        """The journal that must hold a command before it is sent."""
        self._journal = journal

    def know(self, asset: Asset) -> None:
        """The steps in which a symbol is traded."""
        self._assets[asset.symbol] = asset

    def operate(self, state: OperatorState) -> tuple[str, ...]:
        """Take an operator's word into force at once. Returns the entries registered before it."""
        with self._lock:
            self._operator = state
            registered, self._registered = tuple(self._registered), []
            return registered

    def submit(self, order: SubmitOrder, seq: int) -> Any:
        """Send an order once its command is durable. Raises BrokerError; RefusedError(status 0) is ours."""
        body = order_body(order)
        self._check(order, str(body))
        self._durable(seq)
        with self._lock:
            self._last_check(order)
            self._sent[order.client_order_id] = str(body)
            self._times.setdefault(order.symbol, []).append(self._now())
            if order.increases:
                self._registered = [*self._registered[-99:], order.client_order_id]
        return self._transport.post("/orders", body)

    def cancel(self, command: CancelOrder, seq: int) -> Any:
        """Send a cancel once its command is durable."""
        self._durable(seq)
        return self._transport.delete(f"/orders/{command.order_id}")

    def forget(self, client_order_id: str) -> None:
        """A lookup proved that the request never arrived: it may be sent once more."""
        with self._lock:
            self._sent.pop(client_order_id, None)

    def order(self, client_order_id: str) -> Any:
        """An order with its legs, by our id. Raises RefusedError(404) when there is none."""
        found = self._transport.get(
            "/orders:by_client_order_id", {"client_order_id": client_order_id}
        )
        if found.get("legs") is None and found.get("order_class") in ("bracket", "oco", "oto"):
            return self._transport.get(f"/orders/{found['id']}", {"nested": True})
        return found

    def orders(self, status: str, symbols: tuple[str, ...], after: str = "") -> list[Any]:
        """A complete list of orders with their legs."""
        query: dict[str, Any] = {"status": status, "nested": True}
        if symbols:
            query["symbols"] = ",".join(to_alpaca(symbol) for symbol in symbols)
        if after:
            query["after"] = after
        return self._transport.pages("/orders", query)

    def positions(self) -> list[Any]:
        """All positions."""
        return list(self._transport.get("/positions") or [])

    def position(self, symbol: str) -> Any:
        """One position, None when flat."""
        try:
            return self._transport.get(f"/positions/{to_position(symbol)}")
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def account(self) -> Any:
        """The account's figures."""
        return self._transport.get("/account")

    def asset(self, symbol: str) -> Any:
        """What the broker says of a symbol."""
        return self._transport.get(f"/assets/{to_position(symbol)}")

    def _durable(self, seq: int) -> None:
        if self._journal is None:
            raise RefusedError("the gate has no journal yet", status=0)
        try:
            self._journal.wait_durable(seq, self._config.journal.durable_seconds)
        except JournalError as error:
            raise RefusedError(f"not durable, not sent: {error.what}", status=0) from error

    def _check(self, order: SubmitOrder, body: str) -> None:
        with self._lock:
            problem = self._problem(order, body)
        if problem:
            raise RefusedError(f"the gate refused: {problem}", status=0)

    def _problem(self, order: SubmitOrder, body: str) -> str:
        prices = [order.limit_price, order.stop_price, order.take_profit, order.stop_loss]
        given = [one for one in prices if one is not None]
        if not all(one.is_finite() and one > 0 for one in [order.qty, *given]):
            return "a quantity or price that is not finite and positive"
        if len(order.client_order_id) > 48:
            return "an id of more than 48 characters"
        if order.client_order_id in self._sent:
            same = "again" if self._sent[order.client_order_id] == body else "with another body"
            return f"{order.client_order_id} {same}"
        off = [one for one in given if one % self._tick(order, one) != 0]
        if off:
            return f"price {off[0]} is off the tick {self._tick(order, off[0])}"
        if self._off_increment(order):
            return f"quantity {order.qty} is off the increment"
        if order.increases and order.qty * order.reference_price > amount(
            self._config.broker.max_order_notional
        ):
            return "a notional above broker.max_order_notional"
        return self._pace(order) or self._collar(order)

    def _tick(self, order: SubmitOrder, price: Decimal) -> Decimal:
        asset = self._assets.get(order.symbol)
        if is_coin(order.symbol):
            return Decimal("0.000000001") if asset is None else asset.price_increment
        return equity_tick(price)

    def _off_increment(self, order: SubmitOrder) -> bool:
        asset = self._assets.get(order.symbol)
        step = Decimal(1) if asset is None else asset.min_trade_increment
        if not is_coin(order.symbol):
            step = Decimal(1)
        elif asset is None:
            return False
        return order.qty % step != 0

    def _pace(self, order: SubmitOrder) -> str:
        now = self._now()
        recent = [at for at in self._times.get(order.symbol, []) if now - at < MINUTE]
        self._times[order.symbol] = recent
        if len(recent) >= MOST_PER_SYMBOL_MINUTE:
            return f"{len(recent)} orders for {order.symbol} within a minute"
        return ""

    def _collar(self, order: SubmitOrder) -> str:
        if not order.increases or order.limit_price is None:
            return ""
        risk = self._config.risk
        most = amount(
            risk.collar_crypto_pct if is_coin(order.symbol) else risk.collar_stocks_pct
        )
        away = abs(order.limit_price / order.reference_price - 1) * 100
        return f"limit {away:.2f} % from the reference price" if away > most else ""

    def _last_check(self, order: SubmitOrder) -> None:
        if order.increases and self._operator in STOPS_ENTRIES:
            raise RefusedError(f"the gate refused: {self._operator}", status=0)
        if self._now() > order.expires_at:
            late = (self._now() - order.expires_at) / SECOND
            raise RefusedError(f"the gate refused: expired {late:.1f} s ago", status=0)
        if order.client_order_id in self._sent:
            raise RefusedError(f"the gate refused: {order.client_order_id} again", status=0)


