"""The simulated Alpaca from outside: alpaca-py's own clients against the real server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)

from argo_actors.cli.simulated import AdvanceLine, SimulatedWorld

SECOND = 1_000_000_000


class World:
    """A venue process, a client, and its clock."""

    def __init__(self, one: SimulatedWorld) -> None:
        self.one = one
        self.now = int(one.about["now"])
        self._advance = AdvanceLine(one.url)
        self.client = TradingClient(one.about["key_id"], one.about["secret"], url_override=one.url)

    def pass_time(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
        self._advance(self.now)

    def until(self, condition: Callable[[], Any], steps: int = 40) -> Any:
        for _ in range(steps):
            found = condition()
            if found:
                return found
            self.pass_time(0.25)
        raise AssertionError("it never came true")

    def order(self, order_id: Any) -> Any:
        return self.client.get_order_by_id(order_id, GetOrderByIdRequest(nested=True))

    def close(self) -> None:
        self.client._session.close()
        self._advance.close()

    def filled(self, order: Any) -> Any:
        return self.until(lambda: (now := self.order(order.id)).status.value == "filled" and now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = SimulatedWorld(["--seed", "7", "--lockstep"], tmp_path / "venue.log")
    found = World(one)
    try:
        yield found
    finally:
        found.close()
        one.close()


def market(symbol: str, qty: float, side: OrderSide, **more: Any) -> MarketOrderRequest:
    return MarketOrderRequest(
        symbol=symbol, qty=qty, side=side, time_in_force=TimeInForce.GTC, **more
    )


def bracket(world: World, qty: int = 10) -> Any:
    order = world.client.submit_order(
        market(
            "AAPL",
            qty,
            OrderSide.BUY,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=400.0),
            stop_loss=StopLossRequest(stop_price=200.0),
        )
    )
    return world.filled(order)


def code(error: pytest.ExceptionInfo[APIError]) -> int:
    return int(error.value.code)


def test_an_order_never_fills_in_the_moment_it_is_sent(world: World) -> None:
    order = world.client.submit_order(market("AAPL", 3, OrderSide.BUY))
    assert order.status.value == "pending_new"
    assert world.order(order.id).filled_qty == "0"
    assert world.filled(order).filled_qty == "3"
    assert world.client.get_open_position("AAPL").qty == "3"


def test_the_legs_of_a_bracket_sleep_until_the_entry_is_filled_and_then_hold_the_shares(
    world: World,
) -> None:
    order = bracket(world)
    legs = {leg.order_type.value: leg.status.value for leg in order.legs}
    assert legs == {"limit": "new", "stop": "held"}
    assert world.client.get_open_position("AAPL").qty_available == "0"
    with pytest.raises(APIError) as caught:
        world.client.submit_order(market("AAPL", 10, OrderSide.SELL))
    assert code(caught) == 40310000


def test_cancelling_a_leg_ends_its_group_and_frees_the_shares(world: World) -> None:
    order = bracket(world)
    world.client.cancel_order_by_id(order.legs[0].id)
    world.until(lambda: world.client.get_open_position("AAPL").qty_available == "10")
    assert {leg.status.value for leg in world.order(order.id).legs} == {"canceled"}


def test_coins_pay_their_fee_in_coin_and_cannot_be_sold_short(world: World) -> None:
    order = world.filled(world.client.submit_order(market("BTC/USD", 0.1, OrderSide.BUY)))
    assert order.filled_qty == "0.1"
    assert world.client.get_open_position("BTCUSD").qty == "0.09975"
    with pytest.raises(APIError) as caught:
        world.client.submit_order(market("ETH/USD", 1, OrderSide.SELL))
    assert code(caught) == 40310000


def test_a_resting_stop_limit_holds_the_coins(world: World) -> None:
    world.filled(world.client.submit_order(market("BTC/USD", 0.1, OrderSide.BUY)))
    held = Decimal(world.client.get_open_position("BTCUSD").qty)
    world.client.submit_order(
        StopLimitOrderRequest(
            symbol="BTC/USD",
            qty=float(held),
            side=OrderSide.SELL,
            time_in_force=TimeInForce.GTC,
            stop_price=30000,
            limit_price=29700,
        )
    )
    assert world.client.get_open_position("BTCUSD").qty_available == "0"


@pytest.mark.parametrize(
    ("body", "status", "number"),
    [
        ({"symbol": "NOPE", "qty": "1"}, 422, 42210000),
        ({"qty": "0"}, 422, 40010001),
        ({"qty": "1", "notional": "10"}, 422, 40010001),
        ({"type": "limit", "qty": "1"}, 422, 40010001),
        ({"type": "limit", "qty": "1", "limit_price": "100.001"}, 422, 42210000),
        ({"qty": "1.5"}, 422, 42210000),
        ({"qty": "100000"}, 403, 40310000),
        ({"qty": "1", "order_class": "bracket"}, 422, 40010001),
        ({"symbol": "BTC/USD", "qty": "0.00001", "time_in_force": "gtc"}, 403, 40310000),
        ({"symbol": "BTC/USD", "qty": "0.01", "time_in_force": "day"}, 422, 42210000),
        ({"qty": "1", "side": "sell", "position_intent": "sell_to_close"}, 422, 42210000),
        ({"qty": "1", "client_order_id": "x" * 129}, 422, 40010001),
    ],
)
def test_refusals_have_the_vendors_status_and_code(
    world: World, body: dict[str, str], status: int, number: int
) -> None:
    whole = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "gtc"} | body
    with pytest.raises(APIError) as caught:
        world.client.post("/orders", whole)
    assert (caught.value.status_code, code(caught)) == (status, number)


def test_an_id_is_unique_for_ever(world: World) -> None:
    order = world.client.submit_order(market("AAPL", 1, OrderSide.BUY, client_order_id="once"))
    world.client.cancel_order_by_id(order.id)
    world.pass_time(1)
    with pytest.raises(APIError) as caught:
        world.client.submit_order(market("AAPL", 1, OrderSide.BUY, client_order_id="once"))
    assert code(caught) == 40010001
    assert world.client.get_order_by_client_id("once").id == order.id


def test_a_cancel_is_asynchronous_and_too_late_on_a_filled_order(world: World) -> None:
    resting = world.client.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=1,
            side=OrderSide.BUY,
            time_in_force=TimeInForce.GTC,
            limit_price=100.0,
        )
    )
    world.pass_time(1)
    world.client.cancel_order_by_id(resting.id)
    assert world.order(resting.id).status.value == "pending_cancel"
    world.pass_time(1)
    assert world.order(resting.id).status.value == "canceled"
    filled = world.filled(world.client.submit_order(market("AAPL", 1, OrderSide.BUY)))
    with pytest.raises(APIError) as caught:
        world.client.cancel_order_by_id(filled.id)
    assert code(caught) == 42210000


def test_a_replacement_is_a_new_order(world: World) -> None:
    old = world.client.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=2,
            side=OrderSide.BUY,
            time_in_force=TimeInForce.GTC,
            limit_price=100.0,
        )
    )
    world.pass_time(1)
    new = world.client.replace_order_by_id(old.id, ReplaceOrderRequest(limit_price=101.0))
    assert new.replaces == old.id
    assert world.order(old.id).status.value == "pending_replace"
    world.pass_time(1)
    assert world.order(old.id).status.value == "replaced"


def test_lists_clock_calendar_assets_and_closing_everything(world: World) -> None:
    bracket(world)
    assert world.client.get_clock().is_open
    assert world.client.get_calendar()[0].open.hour == 9
    every = world.client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True))
    assert len(every) == 1
    assert world.client.get("/assets/BTCUSD")["class"] == "crypto"
    world.client.close_all_positions(cancel_orders=False)
    world.client.cancel_orders()
    world.pass_time(1)
    world.client.close_position("AAPL")
    world.until(lambda: not world.client.get_all_positions())
    assert len(world.client.get("/account/activities", {"activity_types": "FILL"})) >= 2


def test_a_killed_venue_comes_back_with_its_books(tmp_path: Path) -> None:
    arguments = ["--seed", "7", "--lockstep", "--state", str(tmp_path / "state")]
    one = SimulatedWorld(arguments, tmp_path / "one.log")
    first = World(one)
    bracket(first)
    before = one.get("/argo/books")
    first.close()
    os.kill(one._process.pid, signal.SIGKILL)
    one.close()
    again = SimulatedWorld(arguments, tmp_path / "two.log")
    try:
        assert again.get("/argo/books") == before
        assert int(again.about["now"]) == first.now
    finally:
        again.close()


def test_an_attached_venue_ends_with_who_started_it() -> None:
    command = [sys.executable, "-m", "argo_actors.venue", "--lockstep", "--attached"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline()
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == 0


def test_at_real_speed_time_is_the_wall_clocks(tmp_path: Path) -> None:
    one = SimulatedWorld(["--seed", "7"], tmp_path / "venue.log")
    try:
        begun = time.monotonic()
        first = int(one.get("/argo/state")["now"])
        while int(one.get("/argo/state")["now"]) == first:
            assert time.monotonic() - begun < 10
    finally:
        one.close()


def test_a_bar_file_that_cannot_be_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_text(
        "timestamp,open,high,low,close,volume\n2026-01-05T15:00:00Z,1,NaN,1,1,5\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "argo_actors.venue", "--bars", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "AAPL.csv" in done.stderr
    assert "fix:" in done.stderr
