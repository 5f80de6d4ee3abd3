"""The trade stream: early, never trusted alone, and nothing it says is lost without a reading."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from argo_actors.broker.link import Link
from argo_actors.broker.stream import StreamEdge
from argo_actors.broker.wire import order_report
from argo_actors.config import decode
from argo_actors.host.secrets import Pair
from argo_actors.messages.order import BrokerLink, OrderReport, Reconcile
from argo_actors.messages.system import Alert
from argo_actors.messages.truth import ForeignSeen
from argo_actors.runtime.alarm import ThreadAlarm
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.edge import EdgeCell
from argo_actors.runtime.office import Office
from argo_actors.runtime.workers import ThreadWorkers
from tests.broker.broker_bench import NOW, TAG, MemoryLog, raw_order, stop_all, until


@pytest.fixture(autouse=True)
def no_actor_is_left() -> Iterator[None]:
    yield
    stop_all()


class Venue:
    """The server's side of the stream."""

    def __init__(self, authorized: bool) -> None:
        self.authorized = authorized
        self.connections: list[ServerConnection] = []
        self.tries = 0
        self._server = serve(self._serve, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/stream"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _serve(self, connection: ServerConnection) -> None:
        try:
            json.loads(connection.recv())
            self.tries += 1
            status = "authorized" if self.authorized else "unauthorized"
            answer = {
                "stream": "authorization",
                "data": {"status": status, "action": "authenticate"},
            }
            connection.send(json.dumps(answer).encode())
            json.loads(connection.recv())
            self.connections.append(connection)
            for _ in connection:
                pass
        except ConnectionClosed:
            return

    def send(self, frame: Any) -> None:
        """A frame, binary as paper sends them."""
        data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        self.connections[-1].send(data)

    def drop(self) -> None:
        """Break the line."""
        self.connections[-1].close(1011)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()


class Bench:
    """The stream's edge on its cell."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        text = '{"account": "t", "symbols": ["AAPL"], "broker": {"stream_url": "%s"}}'
        config = decode(text % venue.url)
        self.log = MemoryLog()
        self.link = Link()
        self.alarm = ThreadAlarm()
        self.office = Office(self.log, SetClock(NOW))
        self.errors: list[BaseException] = []

        def make(port: Any) -> StreamEdge:
            return StreamEdge(
                port, config=config, keys=Pair("PK1", "s"), link=self.link, account_tag=TAG
            )

        self.ref = EdgeCell.start(
            self.office,
            "stream",
            make,
            lambda address, error, heard: self.errors.append(error),
            self.alarm,
            ThreadWorkers(1, "stream"),
        )
        self.office.cells["stream"].revive()

    def said(self, kind: type[Any]) -> list[Any]:
        """Its words of a type."""
        return [one for one in list(self.log.said) if isinstance(one, kind)]

    def stopped(self) -> bool:
        """Its cell has ended; a crash holds the mail, and the stop that waits in it."""
        self.office.release("stream")
        return self.ref.actor_stopped.is_set()

    def wait(self, true: Callable[[], bool]) -> None:
        """Wait for something to be so."""
        until(true, f"said only {[type(one).__name__ for one in self.log.said]}")


@contextmanager
def bench(authorized: bool = True) -> Iterator[Bench]:
    venue = Venue(authorized)
    found = Bench(venue)
    try:
        if authorized:
            found.wait(lambda: bool(venue.connections) and found.link.stream_up)
        yield found
    finally:
        found.ref.stop(block=False)
        until(found.stopped, "the edge does not stop")
        found.alarm.close()
        venue.close()


def frame(event: str, order: dict[str, Any], **more: Any) -> dict[str, Any]:
    at = "2026-09-21T14:13:21Z"
    data = {"event": event, "timestamp": at, "order": order, **more}
    return {"stream": "trade_updates", "data": data}


def known_bracket(one: Bench) -> None:
    legs = [
        raw_order(id="tp", client_order_id="made-tp", type="limit", side="sell", status="new"),
        raw_order(id="sl", client_order_id="made-sl", type="stop", side="sell", status="held"),
    ]
    raw = raw_order(status="filled", filled_qty="3", filled_avg_price="100", legs=legs)
    one.link.remember(order_report(raw, ("AAPL",), "answer"))


def test_once_it_is_authorised_what_was_missed_is_read() -> None:
    with bench() as one:
        assert one.said(BrokerLink)[0].stream_up
        assert one.said(Reconcile)[0].symbols == ("AAPL",)


def test_a_fill_of_ours_is_reported_with_its_execution() -> None:
    with bench() as one:
        order = raw_order(status="filled", filled_qty="3", filled_avg_price="100")
        one.venue.send(frame("fill", order, price="100.5", qty="2", execution_id="e1"))
        one.wait(lambda: one.link.frames == 1)
        (report,) = one.said(OrderReport)
        assert (report.status, report.channel) == ("filled", "stream")
        assert (str(report.execution_price), report.execution_qty) == ("100.5", 2)


def test_a_leg_is_reported_through_its_parent() -> None:
    with bench() as one:
        known_bracket(one)
        leg = raw_order(
            id="tp",
            client_order_id="made-tp",
            type="limit",
            side="sell",
            status="filled",
            filled_qty="3",
            filled_avg_price="105",
        )
        one.venue.send(frame("fill", leg, price="105", qty="3"))
        one.wait(lambda: one.link.frames == 1)
        (report,) = one.said(OrderReport)
        assert report.client_order_id == f"argo-{TAG}-a-entry-1"
        assert [part.status for part in report.legs] == ["filled", "held"]


def test_an_order_of_somebody_else_has_its_symbol_read() -> None:
    with bench() as one:
        before = len(one.said(Reconcile))
        one.venue.send(frame("new", raw_order(id="z", client_order_id="by hand", status="new")))
        one.wait(lambda: one.link.frames == 1)
        assert len(one.said(Reconcile)) == before + 1
        assert not one.said(OrderReport)
        (seen,) = one.said(ForeignSeen)
        assert (seen.symbol, seen.order.client_order_id) == ("AAPL", "by hand")


@pytest.mark.parametrize(
    "bad",
    [
        {"stream": "trade_updates", "data": {}},
        {"stream": "trade_updates", "data": {"event": "fill", "order": None}},
        {"stream": "trade_updates"},
        frame("fill", raw_order(filled_qty="NaN")),
        frame("fill", raw_order(status="filled", filled_qty="3", filled_avg_price="1"), qty=None),
    ],
)
def test_a_frame_that_makes_no_sense_is_counted_and_leads_to_a_reading(bad: Any) -> None:
    with bench() as one:
        before = len(one.said(Reconcile))
        one.venue.send(bad)
        one.wait(lambda: one.link.frames == 1)
        assert len(one.said(Reconcile)) == before + 1
        assert not one.errors


@pytest.mark.parametrize("broken", [b'{"stream": "trade_upd', b"[1, 2]", b"\xff\xfe", b""])
def test_a_frame_that_is_no_json_leads_to_a_reading_and_the_next_one_is_heard(
    broken: bytes,
) -> None:
    with bench() as one:
        before = len(one.said(Reconcile))
        one.venue.send(broken)
        one.venue.send(frame("new", raw_order(status="new")))
        one.wait(lambda: one.link.frames == 2)
        assert len(one.said(Reconcile)) == before + 1
        assert one.said(OrderReport)
        assert len(one.venue.connections) == 1


@pytest.mark.parametrize(
    "event",
    [
        "trade_bust",
        "trade_correct",
        "an_event_of_next_year",
    ],
)
def test_an_event_without_a_rule_leads_to_a_reading(event: str) -> None:
    with bench() as one:
        before = len(one.said(Reconcile))
        one.venue.send(frame(event, raw_order(status="new")))
        one.wait(lambda: one.link.frames == 1)
        assert len(one.said(Reconcile)) == before + 1


def test_it_says_when_the_line_is_down_and_reads_again_once_it_is_back() -> None:
    with bench() as one:
        before = len(one.said(Reconcile))
        one.venue.drop()
        one.wait(lambda: [link.stream_up for link in one.said(BrokerLink)] == [True, False, True])
        assert len(one.said(Reconcile)) == before + 1


def test_refused_keys_are_told() -> None:
    with bench(authorized=False) as one:
        until(lambda: one.venue.tries >= 2)
        assert one.said(Alert) or any(link.reason for link in one.said(BrokerLink))


def test_it_lets_go_of_the_connection_when_it_stops() -> None:
    with bench() as one:
        connection = one.venue.connections[-1]
        one.ref.stop(block=False)
        until(lambda: connection.close_code is not None, "the connection stays open")
