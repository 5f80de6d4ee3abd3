"""Every method of alpaca-py's TradingClient: the venue takes what it sends, it reads what it gets."""

import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import CorporateActionsRequest
from alpaca.trading import requests as ask
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    CorporateActionType,
    OrderClass,
    OrderSide,
    QueryOrderStatus,
    TimeInForce,
)

from argo_actors.cli.simulated import SimulatedWorld
from tests.venue.test_exchange import World

BUY, SELL, DAY, GTC = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY, TimeInForce.GTC
LONG = {"symbol": "AAPL", "qty": 2, "side": BUY}

KINDS: dict[str, Any] = {
    "market": ask.MarketOrderRequest(**LONG, time_in_force=DAY),
    "market by notional": ask.MarketOrderRequest(
        symbol="AAPL", notional=500, side=BUY, time_in_force=DAY
    ),
    "market of a fraction": ask.MarketOrderRequest(
        symbol="AAPL", qty=0.5, side=BUY, time_in_force=DAY
    ),
    "market of a coin": ask.MarketOrderRequest(
        symbol="BTC/USD", qty=0.01, side=BUY, time_in_force=GTC
    ),
    "limit": ask.LimitOrderRequest(**LONG, time_in_force=GTC, limit_price=100),
    "limit, immediate or cancel": ask.LimitOrderRequest(
        **LONG, time_in_force=TimeInForce.IOC, limit_price=100
    ),
    "limit, fill or kill": ask.LimitOrderRequest(
        **LONG, time_in_force=TimeInForce.FOK, limit_price=100
    ),
    "limit in extended hours": ask.LimitOrderRequest(
        **LONG, time_in_force=DAY, limit_price=100, extended_hours=True
    ),
    "limit of a coin": ask.LimitOrderRequest(
        symbol="ETHUSD", qty=0.5, side=BUY, time_in_force=GTC, limit_price=1000
    ),
    "stop": ask.StopOrderRequest(**LONG, time_in_force=GTC, stop_price=400),
    "stop limit": ask.StopLimitOrderRequest(
        **LONG, time_in_force=GTC, stop_price=400, limit_price=401
    ),
    "bracket": ask.MarketOrderRequest(
        **LONG,
        time_in_force=GTC,
        order_class=OrderClass.BRACKET,
        take_profit=ask.TakeProfitRequest(limit_price=400),
        stop_loss=ask.StopLossRequest(stop_price=200, limit_price=199),
    ),
    "one triggers other": ask.LimitOrderRequest(
        **LONG,
        time_in_force=GTC,
        limit_price=200,
        order_class=OrderClass.OTO,
        stop_loss=ask.StopLossRequest(stop_price=150),
    ),
    "short": ask.MarketOrderRequest(symbol="MSFT", qty=2, side=SELL, time_in_force=DAY),
}


@pytest.fixture(scope="module")
def module_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    log = tmp_path_factory.mktemp("surface") / "venue.log"
    one = SimulatedWorld(["--seed", "7", "--lockstep", "--rate-limit", "100000"], log)
    found = World(one)
    yield found
    found.close()
    one.close()


@pytest.fixture
def world(module_world: World) -> Iterator[World]:
    """The same venue for all, flat and without orders after each."""
    yield module_world
    module_world.client.cancel_orders()
    module_world.pass_time(1)
    for position in module_world.client.get_all_positions():
        module_world.client.close_position(position.symbol)
    module_world.until(lambda: not module_world.client.get_all_positions())


def missing(call: Any) -> None:
    with pytest.raises(APIError) as caught:
        call()
    assert caught.value.status_code == 404
    assert caught.value.code == 40410000


def test_no_method_of_the_client_is_left_out() -> None:
    transport = {"get", "post", "put", "patch", "delete", "response_wrapper"}
    methods = {
        name
        for name in dir(TradingClient)
        if not name.startswith("_") and callable(getattr(TradingClient, name))
    }
    here = Path(__file__).read_text()
    assert [one for one in sorted(methods - transport) if f"client.{one}(" not in here] == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_of_every_kind_is_taken_and_read_back_by_both_ids(world: World, kind: str) -> None:
    sent = world.client.submit_order(KINDS[kind])
    assert sent.status.value == "pending_new"
    world.pass_time(1)
    found = world.client.get_order_by_id(sent.id, ask.GetOrderByIdRequest(nested=True))
    assert world.client.get_order_by_client_id(sent.client_order_id).id == found.id
    assert found.status.value in {"new", "filled", "partially_filled", "canceled"}
    wanted = KINDS[kind]
    assert (found.side, found.order_type, found.time_in_force) == (
        wanted.side,
        wanted.type,
        wanted.time_in_force,
    )


def test_an_exit_group_is_sent_for_a_held_position(world: World) -> None:
    world.filled(world.client.submit_order(KINDS["market"]))
    group = ask.LimitOrderRequest(
        symbol="AAPL",
        qty=2,
        side=SELL,
        time_in_force=GTC,
        order_class=OrderClass.OCO,
        limit_price=400,
        take_profit=ask.TakeProfitRequest(limit_price=400),
        stop_loss=ask.StopLossRequest(stop_price=200),
    )
    sent = world.client.submit_order(group)
    assert [leg.status.value for leg in sent.legs] == ["held"]


def test_an_order_is_replaced_and_cancelled(world: World) -> None:
    sent = world.client.submit_order(KINDS["limit"])
    world.pass_time(1)
    change = ask.ReplaceOrderRequest(qty=3, limit_price=101)
    new = world.client.replace_order_by_id(sent.id, change)
    assert (new.replaces, new.qty, float(new.limit_price)) == (sent.id, "3", 101.0)
    world.pass_time(1)
    world.client.cancel_order_by_id(new.id)
    world.until(lambda: world.order(new.id).status.value == "canceled")
    assert world.order(sent.id).replaced_by == new.id


def test_all_orders_are_cancelled_at_once(world: World) -> None:
    sent = {world.client.submit_order(KINDS[one]).id for one in ("limit", "limit of a coin")}
    world.pass_time(1)
    answers = world.client.cancel_orders()
    assert {(one.id, one.status) for one in answers} == {(one, 200) for one in sent}
    world.until(lambda: not world.client.get_orders())
    ended = world.client.get_orders(ask.GetOrdersRequest(status=QueryOrderStatus.CLOSED))
    assert sent <= {one.id for one in ended}


def test_positions_are_listed_read_and_closed_in_part_and_whole(world: World) -> None:
    for kind in ("market", "short", "market of a coin"):
        world.filled(world.client.submit_order(KINDS[kind]))
    sides = {one.symbol: one.side.value for one in world.client.get_all_positions()}
    assert sides == {"AAPL": "long", "MSFT": "short", "BTCUSD": "long"}
    assert world.client.get_open_position("AAPL").qty == "2"
    part = world.client.close_position("AAPL", ask.ClosePositionRequest(qty="1"))
    world.filled(part)
    half = world.client.close_position("BTCUSD", ask.ClosePositionRequest(percentage="50"))
    world.filled(half)
    answers = world.client.close_all_positions(cancel_orders=True)
    assert {one.status for one in answers} == {200}
    world.until(lambda: not world.client.get_all_positions())
    missing(lambda: world.client.get_open_position("AAPL"))


def test_account_clock_calendar_assets_and_history_are_read(world: World) -> None:
    client = world.client
    assert client.get_account().status.value == "ACTIVE"
    assert client.set_account_configurations(client.get_account_configurations())
    assert client.get_clock().is_open
    week = ask.GetCalendarRequest(start=date(2026, 3, 2), end=date(2026, 3, 6))
    assert len(client.get_calendar(week)) == 5
    every = client.get_all_assets()
    assert client.get_asset("BTC/USD") in every
    assert client.get_asset(client.get_asset("AAPL").id).symbol == "AAPL"
    missing(lambda: client.get_asset("NOSUCH"))
    assert client.get_portfolio_history(ask.GetPortfolioHistoryRequest(period="1W"))
    assert client.get_portfolio_history()


def test_watchlists_are_made_changed_and_deleted(world: World) -> None:
    client = world.client
    made = client.create_watchlist(ask.CreateWatchlistRequest(name="one", symbols=["AAPL"]))
    client.update_watchlist_by_id(made.id, ask.UpdateWatchlistRequest(symbols=["SPY"]))
    client.add_asset_to_watchlist_by_id(made.id, "MSFT")
    left = client.remove_asset_from_watchlist_by_id(made.id, "SPY")
    assert [one.symbol for one in left.assets] == ["MSFT"]
    assert [one.id for one in client.get_watchlists()] == [made.id]
    assert client.get_watchlist_by_id(made.id) == left
    client.delete_watchlist_by_id(made.id)


def test_corporate_actions_are_asked_for_in_both_forms(world: World) -> None:
    query = ask.GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.SPLIT], since=date(2026, 3, 1), until=date(2026, 3, 31)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert world.client.get_corporate_announcements(query) == []
    missing(lambda: world.client.get_corporate_announcement_by_id(uuid4()))
    about = world.one.about
    data = CorporateActionsClient(about["key_id"], about["secret"], url_override=world.one.url)
    found = data.get_corporate_actions(CorporateActionsRequest(symbols=["AAPL"]))
    data._session.close()
    assert found.data == {}


def test_there_are_no_options(world: World) -> None:
    contracts = world.client.get_option_contracts(ask.GetOptionContractsRequest())
    assert contracts.option_contracts == []
    missing(lambda: world.client.get_option_contract("AAPL260320C00250000"))
    missing(lambda: world.client.exercise_options_position("AAPL260320C00250000"))
