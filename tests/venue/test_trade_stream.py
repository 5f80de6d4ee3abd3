"""The stream of trade updates: alpaca-py's TradingStream and a bare WebSocket against the real server."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from argo_actors.cli.simulated import SimulatedWorld, request

SECOND = 1_000_000_000


class World:
    """A venue in lockstep with its client, and listeners that end with it."""

    def __init__(self, one: SimulatedWorld) -> None:
        self.url = one.url
        self.stream_url = one.url.replace("http", "ws") + "/stream"
        self.key, self.secret = one.about["key_id"], one.about["secret"]
        self.now = int(request(one.url, "GET", "/argo/state", None)["now"])
        self.client = TradingClient(self.key, self.secret, url_override=one.url)
        self.sockets = ExitStack()

    def pass_time(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
        request(self.url, "POST", "/argo/advance", {"to": self.now})

    def fault(self, fault: dict[str, Any], **more: Any) -> None:
        rule = {"on": "event", "fault": fault, "count": 1, **more}
        request(self.url, "POST", "/argo/faults", {"rules": [rule]})

    def open(self, **more: Any) -> ClientConnection:
        return self.sockets.enter_context(connect(self.stream_url, close_timeout=0.1, **more))

    def listener(self) -> ClientConnection:
        one = self.open()
        say(
            one, {"action": "authenticate", "data": {"key_id": self.key, "secret_key": self.secret}}
        )
        assert heard(one)["data"]["status"] == "authorized"
        say(one, {"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert heard(one) == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
        return one

    def buy(self) -> str:
        """A market order; its events are `new` and its fills."""
        order = self.client.submit_order(
            MarketOrderRequest(
                symbol="LTC/USD", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC
            )
        )
        return str(order.id)

    def rest(self) -> str:
        """A limit order that will not fill."""
        order = self.client.submit_order(
            LimitOrderRequest(
                symbol="LTC/USD",
                qty=1,
                side=OrderSide.BUY,
                time_in_force=TimeInForce.GTC,
                limit_price=20,
            )
        )
        return str(order.id)

    def close(self) -> None:
        request(self.url, "DELETE", "/argo/faults", None)
        self.sockets.close()
        self.client._session.close()


def say(one: ClientConnection, message: Any) -> None:
    one.send(json.dumps(message))


def heard(one: ClientConnection, timeout: float = 5) -> Any:
    frame = one.recv(timeout)
    assert isinstance(frame, bytes), "paper accounts get binary frames"
    return json.loads(frame)


def events(one: ClientConnection, count: int) -> list[str]:
    return [heard(one)["data"]["event"] for _ in range(count)]


def silent(one: ClientConnection) -> bool:
    try:
        one.recv(0.1)
    except TimeoutError:
        return True
    return False


@pytest.fixture
def world(served: SimulatedWorld) -> Iterator[World]:
    found = World(served)
    try:
        yield found
    finally:
        found.close()


def test_alpaca_py_hears_an_order_live_and_end(world: World) -> None:
    updates: list[Any] = []
    stream = TradingStream(world.key, world.secret, url_override=world.stream_url)

    async def keep(update: Any) -> None:
        updates.append(update)

    stream.subscribe_trade_updates(keep)
    thread = threading.Thread(target=stream.run)
    thread.start()
    try:
        until(lambda: (world.rest(), world.pass_time(1), updates)[-1])
        order_id = str(updates[-1].order.id)
        world.client.cancel_order_by_id(order_id)
        until(lambda: world.pass_time(0.25) or "canceled" in _told(updates, order_id))
    finally:
        stopping = asyncio.run_coroutine_threadsafe(stream.stop_ws(), stream._loop)
        stopping.result(5)
        world.rest()
        world.pass_time(1)  # one more frame wakes its reader, so that it stops at once
        thread.join(10)
    assert _told(updates, order_id) == ["new", "canceled"]
    assert not thread.is_alive()


def _told(updates: list[Any], order_id: str) -> list[str]:
    return [str(one.event) for one in updates if str(one.order.id) == order_id]


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def test_a_fill_carries_price_quantity_and_position(world: World) -> None:
    one = world.listener()
    world.buy()
    world.pass_time(2)
    told = [heard(one)["data"]]
    while told[-1]["event"] != "fill":
        told.append(heard(one)["data"])
    assert told[0]["event"] == "new"
    assert "price" not in told[0]
    fill = told[-1]
    assert isinstance(fill["price"], str)
    assert float(fill["position_qty"]) > 0
    assert fill["execution_id"]
    assert fill["order"]["status"] == "filled"


def test_decimals_are_as_badly_written_on_the_stream_as_over_rest(world: World) -> None:
    one = world.listener()
    request(world.url, "POST", "/argo/faults", {"modes": {"float_text": True}})
    order_id = world.buy()
    world.pass_time(2)
    while (told := heard(one)["data"])["event"] != "fill":
        pass
    for text in (told["price"], told["order"]["filled_avg_price"]):
        assert isinstance(text, str)
        assert len(text) > 12
    assert told["order"]["id"] == order_id
    read = world.client.get(f"/orders/{order_id}")
    assert told["order"]["filled_avg_price"] == read["filled_avg_price"]


def test_both_forms_of_the_keys_are_taken(world: World) -> None:
    one = world.open()
    say(one, {"action": "auth", "key": world.key, "secret": world.secret})
    assert heard(one)["data"] == {"status": "authorized", "action": "auth"}


def test_wrong_keys_and_listening_without_keys_are_told(world: World) -> None:
    one = world.open()
    say(one, {"action": "listen", "data": {"streams": ["trade_updates"]}})
    assert heard(one) == {"stream": "listening", "data": {"error": "unauthorized"}}
    say(one, {"action": "authenticate", "data": {"key_id": world.key, "secret_key": "no"}})
    assert heard(one)["data"]["status"] == "unauthorized"
    world.rest()
    world.pass_time(1)
    assert silent(one)


@pytest.mark.parametrize("frame", ["{", "[]", "17", '{"action": "dance"}', b"\xff\xfe"])
def test_what_is_no_message_is_told_and_the_stream_lives_on(
    world: World, frame: str | bytes
) -> None:
    one = world.listener()
    one.send(frame)
    assert heard(one)["stream"] == "error"
    world.rest()
    world.pass_time(1)
    assert events(one, 1) == ["new"]


@pytest.mark.parametrize("data", [None, 5, {"streams": 5}, {"streams": [{}]}, {"streams": []}])
def test_listening_to_nothing_ends_the_updates(world: World, data: Any) -> None:
    one = world.listener()
    say(one, {"action": "listen", "data": data})
    assert heard(one)["data"] == {"streams": []}
    world.rest()
    world.pass_time(1)
    assert silent(one)


def test_fragments_are_put_together(world: World) -> None:
    one = world.open()
    text = json.dumps(
        {"action": "authenticate", "data": {"key_id": world.key, "secret_key": world.secret}}
    )
    one.send([text[:10], text[10:20], text[20:]])
    assert heard(one)["data"]["status"] == "authorized"


def test_two_listeners_hear_the_same(world: World) -> None:
    first, second = world.listener(), world.listener()
    world.rest()
    world.pass_time(1)
    assert heard(first) == heard(second)


def test_another_path_is_no_stream(world: World) -> None:
    with pytest.raises(InvalidStatus) as caught, connect(world.stream_url + "s"):
        pass
    assert caught.value.response.status_code == 403


# faults of events


def test_an_event_without_a_next_one_is_told_in_the_end(world: World) -> None:
    world.fault({"kind": "reorder", "seconds": 3}, event="new")
    one = world.listener()
    world.rest()
    world.pass_time(1)
    assert silent(one)
    world.pass_time(3)
    assert events(one, 1) == ["new"]


def test_an_event_that_is_late_within_one_step_is_told_in_it(world: World) -> None:
    world.fault({"kind": "late", "seconds": 2}, event="new")
    one = world.listener()
    world.rest()
    world.pass_time(10)
    assert events(one, 1) == ["new"]
