"""A broker edge with real cells, threads and alarms, against a scripted broker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pykka

from argo_actors.broker.edge import BrokerEdge
from argo_actors.broker.gate import Gate
from argo_actors.broker.link import Link
from argo_actors.config import Config, decode
from argo_actors.host.secrets import Pair
from argo_actors.messages import Message, WordId
from argo_actors.messages.order import SubmitOrder
from argo_actors.runtime.alarm import ThreadAlarm
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.edge import EdgeCell, Port
from argo_actors.runtime.office import Office
from argo_actors.runtime.workers import ThreadWorkers
from argo_actors.units import SECOND, Decimal, UtcNanos
from tests.broker.stub_broker import Answer, Request, StubBroker, serving
from tests.waiting import until as until

NOW = 1_790_000_000 * SECOND
TAG = "0000"
Said = TypeVar("Said", bound=Message)


class MemoryLog:
    """A journal in memory: durable at once."""

    def __init__(self) -> None:
        self.next_seq = 1
        self.epoch = 1
        self.said: list[Message] = []
        self.crashes: list[str] = []

    def append(
        self,
        at: UtcNanos,
        actor: str,
        heard: WordId | None,
        outcome: str,
        said: tuple[Message, ...],
        state_hash: bytes | None = None,
    ) -> int:
        seq = self.next_seq
        self.next_seq = seq + 1
        self.said += said
        if outcome != "said":
            self.crashes.append(outcome)
        return seq

    def wait_durable(self, seq: int, seconds: float) -> None:
        """Memory is durable enough here."""


class Account:
    """What the scripted broker holds; a test overrides single paths by `faults`."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.clock = ""
        """The broker's time, RFC 3339."""
        self.activities: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.faults: dict[tuple[str, str], list[Answer]] = {}
        self.lock = threading.Lock()

    def script(self, request: Request) -> Answer:
        """Answer like the broker."""
        with self.lock:
            planned = self.faults.get((request.method, request.path))
            if planned:
                return planned.pop(0)
            return self._answer(request)

    def _answer(self, request: Request) -> Answer:
        path = request.path.removeprefix("/v2")
        if request.method == "POST":
            placed = raw_order(**request.body)
            self.orders.append(placed)
            return Answer(200, placed)
        if request.method == "DELETE":
            return Answer(204, b"")
        if path == "/account":
            return Answer(200, raw_account())
        if path == "/clock":
            return Answer(200, {"timestamp": self.clock, "is_open": True})
        if path == "/account/activities":
            return Answer(200, self.activities)
        if path.startswith("/assets/"):
            return Answer(200, raw_asset(path.rpartition("/")[2]))
        if path == "/positions":
            return Answer(200, self.positions)
        if path.startswith("/positions/"):
            held = [one for one in self.positions if path.endswith("/" + one["symbol"])]
            return Answer(200, held[0]) if held else missing("position does not exist")
        return self._orders(path, request.query)

    def _orders(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/orders":
            return Answer(200, [one for one in self.orders if _listed(one, query)])
        key = "client_order_id" if "by_client" in path else "id"
        wanted = query.get("client_order_id") or path.rpartition("/")[2]
        found = [one for one in self.orders if one[key] == wanted]
        return Answer(200, found[0]) if found else missing("order not found")


def _listed(order: dict[str, Any], query: dict[str, str]) -> bool:
    """As the broker lists: `open` is about the parent, `after` about its submission."""
    is_open = order["status"] in ("new", "accepted", "pending_new", "held", "partially_filled")
    if query.get("status", "open") == "open" and not is_open:
        return False
    return bool(order["submitted_at"] > query.get("after", ""))


def missing(message: str) -> Answer:
    """404 as the broker says it."""
    return Answer(404, {"code": 40410000, "message": message})


def raw_order(**changes: Any) -> dict[str, Any]:
    """An order as the broker shows it."""
    order = {
        "id": "b-" + str(changes.get("client_order_id", "1")),
        "client_order_id": "argo-0000-a-entry-1",
        "created_at": "2026-09-21T14:13:20Z",
        "updated_at": "2026-09-21T14:13:20Z",
        "submitted_at": "2026-09-21T14:13:20Z",
        "filled_at": None,
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "qty": "3",
        "filled_qty": "0",
        "filled_avg_price": None,
        "type": "market",
        "side": "buy",
        "limit_price": None,
        "stop_price": None,
        "status": "pending_new",
        "order_class": "",
        "legs": None,
    }
    return order | changes


def raw_account(**changes: Any) -> dict[str, Any]:
    """The account as the broker shows it."""
    money = ("cash", "equity", "last_equity", "buying_power", "non_marginable_buying_power")
    return {
        "account_number": "PA1",
        "status": "ACTIVE",
        "shorting_enabled": True,
        "trading_blocked": False,
        **dict.fromkeys(money, "100000"),
    } | changes


def raw_asset(symbol: str) -> dict[str, Any]:
    """An asset as the broker shows it."""
    return {
        "class": "crypto" if symbol.endswith("USD") else "us_equity",
        "symbol": symbol,
        "status": "active",
        "tradable": True,
        "shortable": True,
        "fractionable": True,
        "borrow_status": "easy_to_borrow",
    }


def entry(**changes: Any) -> SubmitOrder:
    """A market entry."""
    fields: dict[str, Any] = {
        "client_order_id": "argo-0000-a-entry-1",
        "symbol": "AAPL",
        "leg": "entry",
        "side": "buy",
        "qty": Decimal(3),
        "type": "market",
        "time_in_force": "day",
        "position_intent": "buy_to_open",
        "reference_price": Decimal(100),
        "expires_at": NOW + 30 * SECOND,
        "increases": True,
        "because": (),
    }
    return SubmitOrder(**fields | changes)


class Bench:
    """The edge on its cell, its log, its clock, its broker."""

    def __init__(self, stub: StubBroker, account: Account, settings: str) -> None:
        self.stub, self.account = stub, account
        text = '{"account": "t", "symbols": ["AAPL"], "broker": {"base_url": "%s"}%s}'
        self.config: Config = decode(text % (stub.url, settings))
        self.log = MemoryLog()
        self.clock = SetClock(NOW)
        self.office = Office(self.log, self.clock)
        self.gate = Gate(self.config, Pair("PK1", "secret"), self.clock.now)
        self.gate.attach(self.log, str)
        self.link = Link()
        self.alarm = ThreadAlarm()
        self.ref = EdgeCell.start(
            self.office, "broker", self._make, self._crashed, self.alarm, ThreadWorkers(6, "broker")
        )
        self.cell: EdgeCell = self.office.cells["broker"]
        self.errors: list[BaseException] = []

    def _make(self, port: Port) -> BrokerEdge:
        return BrokerEdge(port, config=self.config, gate=self.gate, link=self.link, account_tag=TAG)

    def _crashed(self, address: str, error: BaseException, heard: WordId | None) -> None:
        self.errors.append(error)

    def hear(self, message: Message) -> WordId:
        """Say it as another actor, and hand it to the edge."""
        seq = self.office.record("order/AAPL", (message,))
        word = WordId(seq, 0)
        self.still()
        return word

    def still(self) -> None:
        """Wait until all mail is heard and no call is under way."""
        until(lambda: self.office.activity.still, "the edge does not come to rest")

    def stopped(self) -> bool:
        """Its cell has ended; a crash holds the mail, and the stop that waits in it."""
        self.office.release("broker")
        return self.cell.actor_stopped.is_set()

    def pass_time(self, seconds: float) -> None:
        """Let market time move on."""
        self.clock.move_to(self.clock.now() + int(seconds * SECOND))

    def said(self, kind: type[Said]) -> list[Said]:
        """The edge's and others' words of a type, in order."""
        return [one for one in list(self.log.said) if isinstance(one, kind)]

    def wait_for(self, kind: type[Said], count: int = 1) -> list[Said]:
        """The words of a type, once there are so many."""
        until(lambda: len(self.said(kind)) >= count, f"no {kind.__name__} was said")
        return self.said(kind)


@contextmanager
def bench(account: Account | None = None, settings: str = "") -> Iterator[Bench]:
    """A broker edge that has been started."""
    account = account or Account()
    with serving(account.script) as stub:
        found = Bench(stub, account, settings)
        found.cell.revive()
        try:
            yield found
        finally:
            stub.released.set()
            found.ref.stop(block=False)
            until(found.stopped, "the edge does not stop")
            found.alarm.close()


def stop_all() -> None:
    """No actor outlives its test."""
    pykka.ActorRegistry.stop_all(block=True, timeout=5)
