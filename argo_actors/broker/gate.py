"""The last thing before the socket: no request that can move money leaves by any other way.

Sanity and exposure are checked under one lock, then the journal is durable up to the command, then, as the
last act under the lock, halt flag and expiry are checked and the request is registered (design §5).
"""

import re
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ..config import Config
from ..errors import ConfigError, JournalError, RefusedError
from ..host.secrets import Pair
from ..messages.market import Asset
from ..messages.order import CancelOrder, SubmitOrder
from ..messages.system import OperatorState
from ..units import DAY, MINUTE, SECOND, UtcNanos
from .sanity import problem
from .transport import Transport
from .wire import order_body, to_alpaca, to_position

MOST_PER_SYMBOL_MINUTE = 10
"""Entries in one symbol within a minute: more is a loop, not trading."""
ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
STOPS_ENTRIES: frozenset[str] = frozenset({"halt", "stop-entries", "flatten"})


class Sent(NamedTuple):
    """An entry that has left."""

    symbol: str
    at: UtcNanos


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
        _check_keys(config, keys)
        self._config = config
        self._now = now
        self._transport = Transport(config.broker.base_url, keys.key_id, keys.secret, adapter)
        self._journal: Durable | None = None
        self._lock = threading.Lock()
        self._operator: OperatorState = "normal"
        self._sent: dict[str, str] = {}
        self._registered: list[str] = []
        self._absent: set[str] = set()
        self._entries: list[Sent] = []
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
        found = problem(self._config, order, self._assets.get(order.symbol))
        if found:
            raise RefusedError(f"the gate refused: {found}", status=0)
        body = order_body(order)
        self._check(order, str(body))
        self._durable(seq)
        with self._lock:
            self._last_check(order, str(body))
            self._sent[order.client_order_id] = str(body)
            self._absent.discard(order.client_order_id)
            if order.increases:
                self._entries.append(Sent(order.symbol, self._now()))
                self._registered = [*self._registered[-99:], order.client_order_id]
        return self._transport.post("/orders", body)

    def cancel(self, command: CancelOrder, seq: int) -> Any:
        """Send a cancel once its command is durable. Raises RefusedError when it names no order."""
        if not ORDER_ID.fullmatch(command.order_id):
            raise RefusedError(f"the gate refused: {command.order_id!r} is no order", status=0)
        self._durable(seq)
        return self._transport.delete(f"/orders/{command.order_id}")

    def forget(self, client_order_id: str) -> None:
        """A lookup proved that the request never arrived: it may be sent once more."""
        with self._lock:
            self._absent.add(client_order_id)

    def order(self, client_order_id: str) -> Any:
        """An order with its legs, by our id. Raises RefusedError(404) when there is none."""
        found = self._transport.get(
            "/orders:by_client_order_id", {"client_order_id": client_order_id}
        )
        if found.get("legs") is None and found.get("order_class") in ("bracket", "oco", "oto"):
            return self._transport.get(f"/orders/{found['id']}", {"nested": True})
        return found

    def orders(
        self, status: str, symbols: tuple[str, ...], after: str = "", *, nested: bool = True
    ) -> list[Any]:
        """A complete list of orders, with their legs or with legs as rows of their own."""
        query: dict[str, Any] = {"status": status, "nested": nested}
        if symbols:
            query["symbols"] = ",".join(to_alpaca(symbol) for symbol in symbols)
        if after:
            query["after"] = after
        return self._transport.pages("/orders", query)

    def positions(self) -> list[Any]:
        """All positions."""
        return list(self._transport.get("/positions") or [])

    def position(self, symbol: str) -> Any:
        """One position, None when flat: only a position that is missing twice is gone."""
        return self._position(symbol) or self._position(symbol)

    def _position(self, symbol: str) -> Any:
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
            found = self._repeated(order, body) or self._pace(order)
        if found:
            raise RefusedError(f"the gate refused: {found}", status=0)

    def _repeated(self, order: SubmitOrder, body: str) -> str:
        """The same id never carries another body, and leaves again only after proof of absence."""
        before = self._sent.get(order.client_order_id)
        if before is None:
            return ""
        if before != body:
            return f"{order.client_order_id} with another body"
        absent = order.client_order_id in self._absent
        return "" if absent else f"{order.client_order_id} again"

    def _pace(self, order: SubmitOrder) -> str:
        """Entries have a rate for the account and for the symbol; exits have none."""
        if not order.increases:
            return ""
        now, risk = self._now(), self._config.risk
        self._entries = [one for one in self._entries if now - one.at < DAY]
        second = sum(1 for one in self._entries if now - one.at < SECOND)
        minute = [one for one in self._entries if now - one.at < MINUTE]
        same = sum(1 for one in minute if one.symbol == order.symbol)
        if same >= MOST_PER_SYMBOL_MINUTE:
            return f"{same} entries in {order.symbol} within a minute"
        full = (
            second >= risk.orders_per_second
            or len(minute) >= risk.orders_per_minute
            or len(self._entries) >= risk.orders_per_day
        )
        return f"{second} entries this second, {len(minute)} this minute" if full else ""

    def _last_check(self, order: SubmitOrder, body: str) -> None:
        if order.increases and self._operator in STOPS_ENTRIES:
            raise RefusedError(f"the gate refused: {self._operator}", status=0)
        if self._now() > order.expires_at:
            late = (self._now() - order.expires_at) / SECOND
            raise RefusedError(f"the gate refused: expired {late:.1f} s ago", status=0)
        found = self._repeated(order, body)
        if found:
            raise RefusedError(f"the gate refused: {found}", status=0)


def _check_keys(config: Config, keys: Pair) -> None:
    """Paper keys begin with PK, live ones with AK: the address must be of the same kind (I20)."""
    live = "://api.alpaca.markets" in config.broker.base_url
    wrong = keys.key_id.startswith("PK") if live else keys.key_id.startswith("AK")
    if wrong:
        kinds = "a paper key for the live" if live else "a live key for the paper"
        raise ConfigError(
            f"{kinds} address {config.broker.base_url}",
            fix="use the keys of the account that the address belongs to",
        )
