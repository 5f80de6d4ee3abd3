"""What goes wrong on streams: alpaca-py's own see it; half-open and broken ones also a bare WebSocket."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from websockets.exceptions import ConnectionClosed as Gone
from websockets.exceptions import ConnectionClosedError, WebSocketException

from tests.venue.fault_table import case, rule
from tests.venue.fault_world import World


def event(name: str, kind: str, count: int | None = 1, **fault: Any) -> dict[str, Any]:
    """A rule for trade updates."""
    where: dict[str, Any] = {"stream": "trade_updates", "event": name}
    return rule("event", kind, where | ({"count": count} if count else {}), **fault)


def news(stream: str, letter: str, kind: str, count: int | None = 1, **fault: Any) -> Any:
    """A rule for market data."""
    where: dict[str, Any] = {"stream": stream, "event": letter}
    return rule("event", kind, where | ({"count": count} if count else {}), **fault)


def connecting(path: str, kind: str, count: int | None = 1, **fault: Any) -> dict[str, Any]:
    """A rule for streams that connect."""
    return rule("connect", kind, {"path": path} | ({"count": count} if count else {}), **fault)


def rested(world: World) -> Any:
    """An order that is told as new."""
    one = world.limit("told")
    world.pass_time(1)
    return one


def ended(world: World, one: Any) -> None:
    """Its cancel is told: what was to come before has come."""
    world.client.cancel_order_by_id(one.id)
    world.pass_time(1)


# trade updates


@case(
    "A single fill is never told",
    "the events around it, and the fill by REST alone",
    rules=[event("fill", "lose")],
)
def _(world: World) -> None:
    stream = world.updates()
    world.filled(world.market("untold", "LTC/USD", 1))
    ended(world, rested(world))
    assert "fill" not in stream.events(3)
    assert world.position("LTCUSD") > 0


@case(
    "The cancel of the other leg is never told",
    "the target's fill; that the stop is canceled by REST alone",
    rules=[event("canceled", "lose", None)],
)
def _(world: World) -> None:
    entry = world.bracket("legs")
    stop = next(leg for leg in entry.legs if leg.stop_price)
    stream = world.updates()
    world.client.cancel_order_by_id(stop.id)
    world.until(lambda: world.status(stop) == "canceled")
    rested(world)
    assert stream.events(1) == ["new"]


@case(
    "An event comes three times", "three equal updates", rules=[event("new", "duplicate", times=2)]
)
def _(world: World) -> None:
    stream = world.updates()
    ended(world, rested(world))
    assert stream.events(4) == ["new", "new", "new", "canceled"]


@case(
    "An event comes behind the next two",
    "new, canceled, new: the first order's comes last (or after 30 s)",
    rules=[event("new", "reorder", behind=2, seconds=30)],
)
def _(world: World) -> None:
    stream = world.updates()
    late, one = rested(world), world.limit("overtakes")
    world.pass_time(1)
    ended(world, one)
    assert stream.events(3) == ["new", "canceled", "new"]
    assert stream.heard[2].order.id == late.id


@case(
    "One symbol's events are never told",
    "nothing of this symbol; the others as ever",
    rules=[rule("event", "lose", {"stream": "trade_updates", "event": "*", "symbol": "ETH/USD"})],
)
def _(world: World) -> None:
    stream = world.updates()
    world.filled(world.market("untold", "ETH/USD", 0.1))
    rested(world)
    assert stream.wait()[0].order.symbol == "BTC/USD"


@case("An event is ten seconds late", "nothing, then new", rules=[event("new", "late", seconds=10)])
def _(world: World) -> None:
    stream = world.updates()
    rested(world)
    world.pass_time(8)
    assert stream.heard == []
    world.pass_time(2)
    assert stream.events() == ["new"]


@case(
    "An event that nobody knows",
    "its name as a text",
    rules=[event("new", "edit", set={"/data/event": "pondering"})],
)
def _(world: World) -> None:
    stream = world.updates()
    rested(world)
    assert stream.events() == ["pondering"]


@case(
    "An unknown state in an update",
    "ValidationError; alpaca-py logs it, and the update is lost",
    rules=[event("new", "edit", set={"/data/order/status": "levitating"})],
)
def _(world: World) -> None:
    stream = world.updates()
    rested(world)
    assert isinstance(stream.failure(), ValidationError)


@case("Half a frame", "JSONDecodeError", rules=[event("new", "broken")])
def _(world: World) -> None:
    stream = world.updates()
    rested(world)
    assert isinstance(stream.failure(), json.JSONDecodeError)


@case(
    "The stream closes with 1011",
    "ConnectionClosedError 1011; a new stream goes on, nothing is told again",
    rules=[event("new", "close", code=1011)],
)
def _(world: World) -> None:
    stream = world.updates()
    one = rested(world)
    error = stream.failure()
    assert isinstance(error, ConnectionClosedError)
    assert error.rcvd is not None
    assert error.rcvd.code == 1011
    again = world.updates()
    ended(world, one)
    assert again.events() == ["canceled"]


@case(
    "The connection is gone without a word",
    "ConnectionClosedError without a close frame",
    rules=[event("new", "cut")],
)
def _(world: World) -> None:
    stream = world.updates()
    rested(world)
    error = stream.failure()
    assert isinstance(error, ConnectionClosedError)
    assert error.rcvd is None


@case(
    "The stream is half-open",
    "nothing, and no pong",
    rules=[event("new", "mute")],
)
def _(world: World) -> None:
    stream = world.updates(ping_interval=0.1, ping_timeout=0.2)
    ended(world, rested(world))
    error = stream.failure()
    assert isinstance(error, ConnectionClosedError)
    assert "ping" in str(error)
    assert stream.heard == []


# market data


@case(
    "Quotes stop, the stream is healthy",
    "no quote; pongs as ever",
    rules=[news("stocks", "q", "lose", None)],
)
def _(world: World) -> None:
    stream = world.quotes("AAPL", ping_interval=0.05, ping_timeout=5)
    coins = world.quotes("BTC/USD")
    world.until(lambda: coins.heard)
    assert stream.heard == []
    assert not stream._reading.done()


@case(
    "The feed lags",
    "quotes that are ten seconds old",
    rules=[news("crypto", "q", "late", None, seconds=10)],
)
def _(world: World) -> None:
    stream = world.quotes("BTC/USD")
    world.until(lambda: stream.heard)
    assert world.now / 1e9 - stream.heard[0].timestamp.timestamp() >= 9


@case(
    "A streamed quote without an ask",
    "an ask price of 0",
    rules=[news("stocks", "q", "edit", set={"/ap": 0})],
)
def _(world: World) -> None:
    stream = world.quotes()
    world.until(lambda: stream.heard)
    assert stream.heard[0].ask_price == 0


@case(
    "The market data stream closes",
    "ConnectionClosedError 1012",
    rules=[news("stocks", "q", "close", code=1012)],
)
def _(world: World) -> None:
    stream = world.quotes()
    world.pass_time(3)
    error = stream.failure()
    assert isinstance(error, ConnectionClosedError)
    assert error.rcvd is not None
    assert error.rcvd.code == 1012


# connecting


@case(
    "429 to the upgrade: a stale connection holds the place",
    "InvalidStatusCode 429; the next try is let in",
    rules=[
        connecting("/stream", "refuse", status=429, headers={"Retry-After": "5"}, body="too many")
    ],
)
def _(world: World) -> None:
    with pytest.raises(WebSocketException, match="429"):
        world.updates()
    assert world.updates()


@case(
    "The trade stream is down for a minute and a half",
    "503 to every try; REST goes on",
    rules=[
        {
            "on": "connect",
            "path": "/stream",
            "for_seconds": 90,
            "fault": {"kind": "refuse", "status": 503},
        }
    ],
)
def _(world: World) -> None:
    for _ in range(2):
        with pytest.raises(WebSocketException, match="503"):
            world.updates()
    assert world.client.get_account()
    world.pass_time(91)
    assert world.updates()


@case(
    "The upgrade is never answered",
    "TimeoutError, or nothing for ever",
    rules=[connecting("/stream", "hang")],
)
def _(world: World) -> None:
    with pytest.raises(TimeoutError):
        world.updates(open_timeout=0.3)


@case(
    "The right keys are refused for ever",
    "ValueError; alpaca-py tries again for ever and tells nobody",
    rules=[connecting("/stream", "error", None)],
)
def _(world: World) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="failed to authenticate"):
            world.updates()


@case(
    "An error of the data host",
    "ValueError with the message",
    rules=[connecting("/v2/*", "error", code=406, message="connection limit exceeded")],
)
def _(world: World) -> None:
    with pytest.raises(ValueError, match="connection limit exceeded"):
        world.quotes()
    assert world.quotes()


@case(
    "A stream that flaps",
    "each connection closes a moment later, with code 1012",
    rules=[connecting("/stream", "close", None, seconds=0.1, code=1012)],
)
def _(world: World) -> None:
    for _ in range(2):
        with pytest.raises(Gone) as caught:
            world.socket().recv(5)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012


@case(
    "A stream that is mute from the start",
    "it is accepted; the keys are never answered",
    rules=[connecting("/stream", "mute")],
)
def _(world: World) -> None:
    one = world.socket()
    keys = {"action": "auth", "key": world.key, "secret": world.secret}
    one.send(json.dumps(keys))
    assert not one.ping().wait(0.2)
    with pytest.raises(TimeoutError):
        one.recv(0.05)
