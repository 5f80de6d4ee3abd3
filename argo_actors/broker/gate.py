"""The last thing before the socket: no request that can move money leaves by any other way.

Sanity and exposure are checked under one lock, then the journal is durable up to the command, then, as the
last act under the lock, halt flag, epoch and expiry are checked and the request is registered (design §5).
"""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from ..config import Config
from ..errors import ConfigError, JournalError, RefusedError, UnknownOutcomeError
from ..host.secrets import Pair
from ..messages.market import Asset
from ..messages.order import CancelOrder, OrderReport, PositionReport, SubmitOrder
from ..messages.system import OperatorState
from ..messages.truth import Transfer
from ..units import DAY, MINUTE, SECOND, UtcNanos
from .exposure import Exposure
from .limiter import Limiter
from .sanity import problem
from .transport import MOST_PAGES, Transport
from .wire import (
    account_report,
    from_alpaca,
    order_body,
    position_report,
    to_alpaca,
    to_position,
    transfer,
)

MOST_PER_SYMBOL_MINUTE = 10
"""Entries in one symbol within a minute: more is a loop, not trading."""
MOST_REPLACED = 5
"""So many replacements of legs are followed."""
TRANSFERS = "CSD,CSW,JNLC,ACATC"
"""Alpaca's activities that bring or take money without a trade, a dividend, interest or a fee."""
PAGE = 100
ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
STOPS_ENTRIES: frozenset[str] = frozenset({"halt", "stop-entries", "flatten"})


class Sent(NamedTuple):
    """An entry that has left."""

    symbol: str
    at: UtcNanos


class Durable(Protocol):
    """The journal, as far as the gate needs it."""

    epoch: int
    """The first record of this process's epoch."""

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
        self._superseded: Callable[[], str] = str
        self._lock = threading.Lock()
        self._operator: OperatorState = "normal"
        self._sent: dict[str, str] = {}
        self._registered: list[str] = []
        self._absent: set[str] = set()
        self._entries: list[Sent] = []
        self._assets: dict[str, Asset] = {}
        self._exposure = Exposure(config)
        self.limiter = Limiter(config.broker.calls_per_minute, config.broker.reserved_calls)
        """The account's calls: kept here, because an edge that begins anew has no new minute."""

    def attach(self, journal: Durable, superseded: Callable[[], str]) -> None:
        """The journal that must hold a command before it is sent; who says what ended our epoch, if any."""
        self._journal = journal
        self._superseded = superseded

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
        self._refuse_if(problem(self._config, order, self._assets.get(order.symbol)))
        body = order_body(order)
        self._check(order, str(body))
        self._durable(seq)
        with self._lock:
            self._last_check(order, str(body), seq)
            self._sent[order.client_order_id] = str(body)
            self._absent.discard(order.client_order_id)
            self._exposure.register(order, self._now())
            if order.increases:
                self._entries.append(Sent(order.symbol, self._now()))
                self._registered = [*self._registered[-99:], order.client_order_id]
        return self._transport.post("/orders", body)

    def cancel(self, command: CancelOrder, seq: int) -> Any:
        """Send a cancel once its command is durable. Raises RefusedError when it names no order."""
        if not ORDER_ID.fullmatch(command.order_id):
            raise RefusedError(f"the gate refused: {command.order_id!r} is no order", status=0)
        self._durable(seq)
        with self._lock:
            self._refuse_if(self._older(seq))
        return self._transport.delete(f"/orders/{command.order_id}")

    def forget(self, client_order_id: str) -> None:
        """A lookup proved that the request never arrived: it may be sent once more."""
        with self._lock:
            self._absent.add(client_order_id)

    def reported(self, report: OrderReport) -> None:
        """What became of an order that left here."""
        with self._lock:
            self._exposure.reported(report)

    def refused(self, client_order_id: str) -> None:
        """The broker refused it, or it never left."""
        with self._lock:
            self._exposure.refused(client_order_id)

    def listed(self, living: Iterable[OrderReport]) -> None:
        """Every order that lives has been read."""
        with self._lock:
            self._exposure.listed(frozenset(one.client_order_id for one in living), self._now())

    def order(self, client_order_id: str) -> Any:
        """An order with its legs, by our id. Raises RefusedError(404) when there is none."""
        found = self._transport.get(
            "/orders:by_client_order_id", {"client_order_id": client_order_id}
        )
        if found.get("legs") is None and found.get("order_class") in ("bracket", "oco", "oto"):
            found = self._transport.get(f"/orders/{found['id']}", {"nested": True})
        return self._followed(found)

    def order_by_id(self, order_id: str) -> Any:
        """An order by the broker's id, None when there is none."""
        if not ORDER_ID.fullmatch(order_id):
            return None
        try:
            return self._transport.get(f"/orders/{order_id}", {"nested": True})
        except RefusedError as error:
            if error.status != 404:
                raise
            return None

    @property
    def calls(self) -> int:
        """Requests made so far."""
        return self._transport.calls

    def orders(
        self, status: str, symbols: tuple[str, ...], after: str = "", *, nested: bool = True
    ) -> list[Any]:
        """A complete list of orders, with their legs or with legs as rows of their own."""
        query: dict[str, Any] = {"status": status, "nested": nested}
        if symbols:
            query["symbols"] = ",".join(to_alpaca(symbol) for symbol in symbols)
        if after:
            query["after"] = after
        return [self._followed(one) for one in self._transport.pages("/orders", query)]

    def _followed(self, order: Any) -> Any:
        """With the order that has taken a leg's place: a triggered stop may fill under another id."""
        legs: list[Any] = list(order.get("legs") or ()) if isinstance(order, dict) else []
        for _ in range(MOST_REPLACED):
            known = {leg.get("id") for leg in legs}
            lacking = [
                str(leg["replaced_by"])
                for leg in legs
                if leg.get("status") == "replaced" and leg.get("replaced_by") not in (None, *known)
            ]
            if not lacking:
                break
            found = self.order_by_id(lacking[0])
            if found is None:
                break
            legs = [*legs, found]
            order = order | {"legs": legs}
        return order

    def positions(self) -> tuple[PositionReport, ...]:
        """All positions, by symbol; the gate counts them from now on."""
        with self._lock:
            ended = self._exposure.ended()
        rows, known = self._transport.get("/positions") or [], self._config.symbols
        found = [position_report(one, from_alpaca(str(one["symbol"]), known)) for one in rows]
        reports = tuple(sorted(found, key=lambda one: one.symbol))
        with self._lock:
            self._exposure.positions(reports, ended)
        return reports

    def transfers(self, after: str) -> tuple[Transfer, ...]:
        """Deposits and withdrawals since then, oldest first, read through to their end.

        Raises WireError, and UnknownOutcomeError for a list that does not come to an end.
        """
        found: dict[str, Transfer] = {}
        query: dict[str, Any] = {"activity_types": TRANSFERS, "after": after, "direction": "asc"}
        for _ in range(MOST_PAGES):
            page = self._transport.get("/account/activities", query | {"page_size": PAGE}) or []
            known = len(found)
            found |= {one.id: one for one in map(transfer, page)}
            if len(page) < PAGE:
                return tuple(found.values())
            if len(found) == known:
                break
            query["page_token"] = page[-1]["id"]
        raise UnknownOutcomeError(f"the list of transfers has no end after {len(found)} of them")

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

    def clock(self) -> Any:
        """The broker's time."""
        return self._transport.get("/clock")

    def account(self) -> Any:
        """The account's figures; the gate judges by them from now on."""
        raw = self._transport.get("/account")
        report = account_report(raw)
        with self._lock:
            self._exposure.account(report)
        return raw

    def splits(self, since: str, until: str) -> list[Any]:
        """Splits announced with an ex-date within these days (ISO dates)."""
        query = {"ca_types": "split", "since": since, "until": until, "date_type": "ex_date"}
        return list(self._transport.get("/corporate_actions/announcements", query) or [])

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
            self._refuse_if(self._obstacle(order, body))

    def _obstacle(self, order: SubmitOrder, body: str) -> str:
        return self._repeated(order, body) or self._pace(order) or self._exposure.problem(order)

    def _refuse_if(self, found: str) -> None:
        if found:
            raise RefusedError(f"the gate refused: {found}", status=0)

    def _repeated(self, order: SubmitOrder, body: str) -> str:
        """The same id never carries another body, and leaves again only after proof of absence.

        Raises UnknownOutcomeError for one that may have arrived.
        """
        before = self._sent.get(order.client_order_id)
        if before is None:
            return ""
        if before != body:
            return f"{order.client_order_id} with another body"
        if order.client_order_id not in self._absent:
            raise UnknownOutcomeError(f"{order.client_order_id} has left before")
        return ""

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

    def _older(self, seq: int) -> str:
        """A command of an epoch that is over, or any command once our own is over (I17)."""
        epoch = 0 if self._journal is None else self._journal.epoch
        if seq < epoch:
            return f"record {seq} is of an older epoch, ours began with {epoch}"
        return self._superseded()

    def _last_check(self, order: SubmitOrder, body: str, seq: int) -> None:
        """Others may have been registered while this one waited for the disk: all is judged again."""
        self._refuse_if(self._older(seq))
        if order.increases and self._operator in STOPS_ENTRIES:
            self._refuse_if(self._operator)
        if self._now() > order.expires_at:
            late = (self._now() - order.expires_at) / SECOND
            self._refuse_if(f"expired {late:.1f} s ago")
        self._refuse_if(self._obstacle(order, body))


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
