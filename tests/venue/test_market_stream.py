"""The streams of market data: alpaca-py's own streams, and bare WebSockets, against the real server."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
import pytest
import requests
from alpaca.data.live import CryptoDataStream, StockDataStream
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.venue.market_codec import Codec
from argo_actors.venue.wire import parse_nanoseconds, rfc3339

SECOND = 1_000_000_000
OPTIONS = ("--slow-seconds", "0.2")
PACKED = {"Content-Type": "application/msgpack"}


class World:
    """A venue in lockstep, and clients that end with it."""

    def __init__(self, one: SimulatedWorld) -> None:
        self.one = one
        self.url = one.url
        self.ws = one.url.replace("http", "ws")
        self.keys = {"key": one.about["key_id"], "secret": one.about["secret"]}
        self.now = int(request(one.url, "GET", "/argo/state", None)["now"])
        self.sockets = ExitStack()

    def pass_time(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
        request(self.url, "POST", "/argo/advance", {"to": self.now})

    def fault(self, fault: dict[str, Any], on: str = "event", **more: Any) -> None:
        rule = {"on": on, "fault": fault, "count": 1, **more}
        request(self.url, "POST", "/argo/faults", {"rules": [rule]})

    def open(self, path: str = "/v2/iex", **more: Any) -> ClientConnection:
        one = self.sockets.enter_context(connect(self.ws + path, close_timeout=0.1, **more))
        assert heard(one) == [{"T": "success", "msg": "connected"}]
        return one

    def client(self, path: str = "/v2/iex", **more: Any) -> ClientConnection:
        one = self.open(path, **more)
        say(one, {"action": "auth", **self.keys})
        assert heard(one) == [{"T": "success", "msg": "authenticated"}]
        return one

    def close(self) -> None:
        request(self.url, "DELETE", "/argo/faults", None)
        self.sockets.close()


def say(one: ClientConnection, message: Any) -> None:
    one.send(json.dumps(message))


def heard(one: ClientConnection, timeout: float = 5) -> Any:
    frame = one.recv(timeout)
    assert isinstance(frame, str), "who asks for nothing gets JSON text"
    return json.loads(frame)


def code(one: ClientConnection) -> int:
    message = heard(one)[0]
    assert message["T"] == "error"
    assert message["msg"]
    return int(message["code"])


def subscribe(one: ClientConnection, **channels: list[str]) -> Any:
    say(one, {"action": "subscribe", **channels})
    return heard(one)[0]


def silent(one: ClientConnection) -> bool:
    return not drained(one)


def drained(one: ClientConnection) -> list[Any]:
    """Every message that is on its way."""
    found: list[Any] = []
    try:
        while True:
            found += heard(one, 0.1)
    except TimeoutError:
        return found


@pytest.fixture
def world(served: SimulatedWorld) -> Iterator[World]:
    found = World(served)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def basic(tmp_path: Path) -> Iterator[World]:
    account = json.dumps({"data_plan": "basic"})
    one = SimulatedWorld(["--lockstep", "--account", account], tmp_path / "venue.log")
    found = World(one)
    try:
        yield found
    finally:
        found.close()
        one.close()


# alpaca-py


def run_stream(world: World, stream: Any, enough: Callable[[], bool]) -> None:
    """Let market time pass until it has heard enough; a frame more wakes it to its end."""
    thread = threading.Thread(target=stream.run)
    thread.start()
    deadline = time.monotonic() + 20
    try:
        while not enough():
            assert time.monotonic() < deadline
            world.pass_time(1)
    finally:
        asyncio.run_coroutine_threadsafe(stream.stop_ws(), stream._loop).result(5)
        while thread.is_alive() and time.monotonic() < deadline:
            world.pass_time(1)
            thread.join(0.05)
    assert not thread.is_alive()


def test_alpaca_py_hears_quotes_trades_and_bars_of_a_stock(world: World) -> None:
    quotes, trades, bars, days = [], [], [], []
    stream = StockDataStream(
        world.keys["key"], world.keys["secret"], url_override=f"{world.ws}/v2/iex"
    )
    stream.subscribe_quotes(_into(quotes), "AAPL")
    stream.subscribe_trades(_into(trades), "AAPL", "MSFT")
    stream.subscribe_bars(_into(bars), "*")
    stream.subscribe_daily_bars(_into(days), "SPY")
    run_stream(world, stream, lambda: bool(quotes and trades and bars and days))
    assert {one.symbol for one in quotes} == {"AAPL"}
    assert {one.symbol for one in trades} <= {"AAPL", "MSFT"}
    assert len({one.symbol for one in bars}) > 5
    assert {one.symbol for one in days} == {"SPY"}
    assert quotes[-1].bid_price < quotes[-1].ask_price
    assert bars[0].low <= bars[0].open <= bars[0].high
    began = bars[0].timestamp
    assert (began.second, began.microsecond) == (0, 0)
    assert began < datetime.fromtimestamp(world.now / SECOND, UTC)


def test_alpaca_py_hears_a_coin(world: World) -> None:
    quotes, trades, books = [], [], []
    stream = CryptoDataStream(
        world.keys["key"], world.keys["secret"], url_override=f"{world.ws}/v1beta3/crypto/us"
    )
    stream.subscribe_quotes(_into(quotes), "BTC/USD")
    stream.subscribe_trades(_into(trades), "ETH/USD")
    stream.subscribe_orderbooks(_into(books), "BTC/USD")
    run_stream(world, stream, lambda: bool(quotes and trades and books))
    assert {one.symbol for one in (*quotes, *books)} == {"BTC/USD"}
    assert books[-1].bids[0].price < books[-1].asks[0].price


def _into(kept: list[Any]) -> Any:
    async def keep(one: Any) -> None:
        kept.append(one)

    return keep


# the protocol


def test_the_streams_quote_is_the_quote_of_rest(world: World) -> None:
    one = world.client()
    subscribe(one, quotes=["AAPL"])
    world.pass_time(60)
    last = drained(one)[-1]
    headers = {"APCA-API-KEY-ID": world.keys["key"], "APCA-API-SECRET-KEY": world.keys["secret"]}
    url = f"{world.url}/v2/stocks/quotes/latest?symbols=AAPL"
    answer = requests.get(url, headers=headers, timeout=5)
    assert last == {"T": "q", "S": "AAPL", **answer.json()["quotes"]["AAPL"]}


def test_a_quote_that_stands_still_is_told_once(tmp_path: Path) -> None:
    """After the close the last quote stands."""
    start = ["--start", "2026-03-04T20:59:58Z"]
    served = SimulatedWorld(["--lockstep", *start], tmp_path / "venue.log")
    world = World(served)
    try:
        one = world.client()
        subscribe(one, quotes=["AAPL"], trades=["AAPL"], bars=["AAPL"])
        world.pass_time(200)
        told = [(message["T"], message["t"]) for message in drained(one)]
    finally:
        world.close()
        served.close()
    assert told.count(("b", "2026-03-04T20:59:00Z")) == 1
    assert told.count(("q", "2026-03-04T21:00:00Z")) == 1
    assert len(told) == len(set(told))


def test_a_subscription_is_told_in_full_and_taken_back(world: World) -> None:
    one = world.client()
    told = subscribe(one, quotes=["AAPL", "MSFT"], bars=["*"])
    assert told == {
        "T": "subscription",
        "trades": [],
        "quotes": ["AAPL", "MSFT"],
        "bars": ["*"],
        "updatedBars": [],
        "dailyBars": [],
        "statuses": [],
        "lulds": [],
        "corrections": [],
        "cancelErrors": [],
    }
    assert subscribe(one, trades=["SPY"])["quotes"] == ["AAPL", "MSFT"]
    say(one, {"action": "unsubscribe", "quotes": ["AAPL"], "trades": ["SPY"], "bars": ["*"]})
    assert heard(one)[0]["quotes"] == ["MSFT"]
    world.pass_time(5)
    assert {message["S"] for message in heard(one)} == {"MSFT"}


def test_a_client_of_msgpack_gets_times_as_timestamps(world: World) -> None:
    one = world.sockets.enter_context(
        connect(f"{world.ws}/v2/sip", additional_headers=PACKED, close_timeout=0.1)
    )
    assert msgpack.unpackb(one.recv(5)) == [{"T": "success", "msg": "connected"}]
    one.send(msgpack.packb({"action": "auth", **world.keys}))
    assert msgpack.unpackb(one.recv(5))[0]["msg"] == "authenticated"
    message = msgpack.packb({"action": "subscribe", "quotes": ["AAPL"]})
    one.send([message[:9], message[9:]])
    assert msgpack.unpackb(one.recv(5))[0]["quotes"] == ["AAPL"]
    world.pass_time(5)
    quote = msgpack.unpackb(one.recv(5))[0]
    assert isinstance(quote["t"], msgpack.Timestamp)
    assert quote["t"].to_unix_nano() <= world.now


@pytest.mark.parametrize("at", [0, 1, 1_772_636_400_123_456_789, 1_772_636_400_000_000_000])
def test_a_time_is_packed_to_the_nanosecond(at: int) -> None:
    assert parse_nanoseconds(rfc3339(at)) == at
    frame = Codec(packed=True).encode([{"T": "q", "t": rfc3339(at)}])
    assert msgpack.unpackb(frame)[0]["t"].to_unix_nano() == at


# errors


@pytest.mark.parametrize(
    "frame", ["{", "[]", "7", '{"action":"dance"}', '{"action":["auth"]}', "{}"]
)
def test_400_for_what_is_no_message(world: World, frame: str) -> None:
    one = world.client()
    one.send(frame)
    assert code(one) == 400
    assert subscribe(one, quotes=["AAPL"])["quotes"] == ["AAPL"]


@pytest.mark.parametrize("symbols", ["AAPL", [1], {"a": 1}, None])
def test_400_for_symbols_that_are_no_list(world: World, symbols: Any) -> None:
    one = world.client()
    say(one, {"action": "subscribe", "quotes": symbols})
    assert code(one) == 400


def test_the_owners_second_pair_opens_market_data(world: World) -> None:
    about = world.one.about
    one = world.open()
    say(one, {"action": "auth", "key": about["data_key_id"], "secret": about["data_secret"]})
    assert heard(one) == [{"T": "success", "msg": "authenticated"}]


def test_401_before_the_keys_402_for_wrong_ones_403_for_twice(world: World) -> None:
    one = world.open()
    say(one, {"action": "subscribe", "quotes": ["AAPL"]})
    assert code(one) == 401
    say(one, {"action": "auth", "key": "x", "secret": "y"})
    assert code(one) == 402
    say(one, {"action": "auth", **world.keys})
    assert heard(one)[0]["msg"] == "authenticated"
    say(one, {"action": "auth", **world.keys})
    assert code(one) == 403


def test_405_for_more_symbols_than_the_basic_plan_has(basic: World) -> None:
    one = basic.client()
    many = [f"A{chr(65 + n)}" for n in range(26)]
    assert subscribe(one, quotes=many)["quotes"] == many
    say(one, {"action": "subscribe", "trades": many[:5]})
    assert code(one) == 405
    assert subscribe(one, trades=many[:4])["trades"] == many[:4]


def test_409_for_a_feed_that_the_basic_plan_lacks(basic: World) -> None:
    one = basic.open("/v2/sip")
    say(one, {"action": "auth", **basic.keys})
    assert code(one) == 409


@pytest.mark.parametrize("path", ["/v1beta1/news", "/v1beta1/indicative", "/v2/test"])
def test_409_for_a_stream_that_nobody_here_is_subscribed_to(world: World, path: str) -> None:
    one = world.open(path)
    say(one, {"action": "auth", **world.keys})
    assert code(one) == 409


def test_406_for_a_second_connection_until_the_first_has_left(world: World) -> None:
    first = world.client()
    second = world.open()
    say(second, {"action": "auth", **world.keys})
    assert code(second) == 406
    with pytest.raises(ConnectionClosed):
        second.recv(5)
    world.client("/v1beta3/crypto/us")
    first.close()
    world.client()


def test_407_for_a_client_that_does_not_read(world: World) -> None:
    """Small buffers and large messages fill the way to it."""
    port = int(world.url.rpartition(":")[2])
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    one = world.client(sock=raw, max_queue=1, compression=None)
    subscribe(one, quotes=["*"], trades=["*"])
    world.fault({"kind": "duplicate", "times": 100}, probability=1, count=3000, event="q")
    for _ in range(12):
        world.pass_time(60)
    until(lambda: _lets_in(world))
    last = heard(one)[-1]
    while last["T"] != "error":
        last = heard(one)[-1]
    assert last["code"] == 407
    with pytest.raises(ConnectionClosed):
        heard(one)


def _lets_in(world: World) -> bool:
    """The place of the slow one is free again."""
    with connect(world.ws + "/v2/iex", close_timeout=0.1) as one:
        heard(one)
        say(one, {"action": "auth", **world.keys})
        return bool(heard(one)[0]["T"] == "success")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def test_410_for_a_channel_that_the_feed_lacks(world: World) -> None:
    stock, coin = world.client(), world.client("/v1beta3/crypto/us")
    say(stock, {"action": "subscribe", "orderbooks": ["AAPL"]})
    assert code(stock) == 410
    say(coin, {"action": "subscribe", "lulds": ["BTC/USD"]})
    assert code(coin) == 410


def test_404_for_who_does_not_show_keys(tmp_path: Path) -> None:
    arguments = ["--lockstep", "--auth-seconds", "0.1"]
    served = SimulatedWorld(arguments, tmp_path / "venue.log")
    world = World(served)
    try:
        one = world.open()
        assert code(one) == 404
        with pytest.raises(ConnectionClosed):
            one.recv(5)
    finally:
        world.close()
        served.close()


@pytest.mark.parametrize(("number", "text"), [(411, "insufficient scope"), (500, "internal error")])
def test_any_other_error_is_a_fault(world: World, number: int, text: str) -> None:
    world.fault({"kind": "error", "code": number, "message": text}, on="connect", path="/v2/*")
    one = world.open()
    say(one, {"action": "auth", **world.keys})
    assert heard(one) == [{"T": "error", "code": number, "msg": text}]


# faults that the table (test_fault_table.py) has of the trade stream alone


def test_half_a_frame(world: World) -> None:
    world.fault({"kind": "broken"}, event="q")
    one = world.client()
    subscribe(one, quotes=["AAPL"])
    world.pass_time(5)
    with pytest.raises(json.JSONDecodeError):
        heard(one)


def test_a_mute_stream_lets_a_new_one_in(world: World) -> None:
    world.fault({"kind": "mute"}, event="q")
    one = world.client()
    subscribe(one, quotes=["AAPL"])
    world.pass_time(5)
    assert silent(one)
    assert not one.ping().wait(0.2)
    world.client()
