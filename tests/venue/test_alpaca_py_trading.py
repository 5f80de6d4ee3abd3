"""alpaca-py's TradingClient against the venue: every method, and an order of every kind."""

import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from alpaca.data import requests as data
from alpaca.data.historical.corporate_actions import CorporateActionsClient
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
from tests.venue.order_kinds import GTC, KINDS, LONG, SELL
from tests.venue.surface import Surface, drives
from tests.venue.test_exchange import World

BEFORE_THE_OPEN = "2026-03-04T14:27:00+00:00"
"""A minute before orders for the opening are no longer taken."""
OPTIONS = ("--start", BEFORE_THE_OPEN)


class Opened(NamedTuple):
    """A venue whose session has begun, and an order that waited for that."""

    world: World
    for_the_opening: Any


@pytest.fixture(scope="module")
def opened(served: SimulatedWorld) -> Iterator[Opened]:
    with closing(World(served)) as world:
        waiting = ask.MarketOrderRequest(**LONG, time_in_force=TimeInForce.OPG)
        found = Opened(world, world.client.submit_order(waiting))
        world.pass_time(5 * 60)
        flat(world)
        yield found


def flat(world: World) -> None:
    """No orders, no positions."""
    # An entry may fill before its cancel, and its legs are there then.
    world.until(lambda: not world.client.get_orders() or not world.client.cancel_orders())
    for position in world.client.get_all_positions():
        world.client.close_position(position.symbol)
    world.until(lambda: not world.client.get_all_positions())


@pytest.fixture
def world(opened: Opened) -> Iterator[World]:
    """The same venue for all, flat and without orders after each."""
    yield opened.world
    flat(opened.world)


@pytest.fixture
def surface(opened: Opened) -> Iterator[Surface]:
    found = Surface(opened.world)
    yield found
    found.close()


def missing(call: Any) -> None:
    with pytest.raises(APIError) as caught:
        call()
    assert caught.value.status_code == 404
    assert caught.value.code == 40410000


# orders


@drives(
    TradingClient.submit_order, TradingClient.get_order_by_id, TradingClient.get_order_by_client_id
)
@pytest.mark.parametrize("kind", KINDS)
def test_an_order_of_every_kind_is_taken_and_read_back_by_both_ids(world: World, kind: str) -> None:
    wanted = KINDS[kind]
    sent = world.client.submit_order(wanted)
    waits = wanted.time_in_force is TimeInForce.CLS
    assert sent.status.value == ("accepted" if waits else "pending_new")
    world.pass_time(1)
    found = world.client.get_order_by_id(sent.id, ask.GetOrderByIdRequest(nested=True))
    assert world.client.get_order_by_client_id(sent.client_order_id).id == found.id
    live = {"accepted"} if waits else {"new", "filled", "partially_filled", "canceled"}
    assert found.status.value in live
    assert (found.side, found.order_type, found.time_in_force) == (
        wanted.side,
        wanted.type,
        wanted.time_in_force,
    )


def test_an_order_for_the_opening_is_filled_in_it(opened: Opened) -> None:
    sent = opened.for_the_opening
    assert (sent.status.value, sent.time_in_force) == ("accepted", TimeInForce.OPG)
    found = opened.world.order(sent.id)
    assert found.status.value == "filled"
    assert found.filled_at.astimezone(UTC).strftime("%H:%M") == "14:30"


def test_kinds_are_all_types_and_all_times_in_force() -> None:
    types = {one.type.value for one in KINDS.values()}
    assert types == {"market", "limit", "stop", "stop_limit", "trailing_stop"}
    times = {one.time_in_force for one in KINDS.values()}
    assert times | {TimeInForce.OPG} == set(TimeInForce)


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


@drives(TradingClient.replace_order_by_id, TradingClient.cancel_order_by_id)
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


def test_a_trailing_stop_is_given_another_trail(world: World) -> None:
    sent = world.client.submit_order(KINDS["trailing stop by percent"])
    world.pass_time(1)
    new = world.client.replace_order_by_id(sent.id, ask.ReplaceOrderRequest(trail=2.5))
    world.pass_time(1)
    found = world.order(new.id)
    assert (found.status.value, found.trail_percent) == ("new", "2.5")
    assert float(found.stop_price) == pytest.approx(float(found.hwm) * 1.025, abs=0.011)


@drives(TradingClient.cancel_orders, TradingClient.get_orders)
def test_all_orders_are_cancelled_at_once(world: World) -> None:
    sent = {world.client.submit_order(KINDS[one]).id for one in ("limit", "limit of a coin")}
    world.pass_time(1)
    answers = world.client.cancel_orders()
    assert {(one.id, one.status) for one in answers} == {(one, 200) for one in sent}
    world.until(lambda: not world.client.get_orders())
    ended = world.client.get_orders(ask.GetOrdersRequest(status=QueryOrderStatus.CLOSED))
    assert sent <= {one.id for one in ended}


def test_lists_of_orders_are_filtered(world: World) -> None:
    begun = datetime.fromtimestamp(world.now / 10**9, UTC)
    sent = []
    for kind in ("limit", "limit of a coin", "bracket"):
        world.pass_time(1)
        sent.append(world.client.submit_order(KINDS[kind]).id)

    def listed(**wanted: Any) -> list[Any]:
        request = ask.GetOrdersRequest(**{"status": QueryOrderStatus.ALL, "after": begun} | wanted)
        return [one.id for one in world.client.get_orders(request)]

    assert listed(nested=True) == sent[::-1]
    assert listed(nested=True, direction="asc") == sent
    assert len(listed(nested=False)) == 5
    assert listed(nested=True, limit=2) == sent[:0:-1]
    assert listed(symbols=["ETH/USD"]) == listed(symbols=["ETHUSD"]) == [sent[1]]
    assert listed(side=OrderSide.SELL, nested=True) == []
    assert listed(until=begun + timedelta(seconds=2.5), nested=True) == sent[1::-1]
    assert listed(status=QueryOrderStatus.CLOSED) == []


# positions and the account


@drives(
    TradingClient.get_all_positions,
    TradingClient.get_open_position,
    TradingClient.close_position,
    TradingClient.close_all_positions,
)
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


@drives(
    TradingClient.get_account,
    TradingClient.get_account_configurations,
    TradingClient.set_account_configurations,
    TradingClient.get_portfolio_history,
)
def test_the_account_its_configuration_and_its_history_are_read(world: World) -> None:
    client = world.client
    assert client.get_account().status.value == "ACTIVE"
    before = client.get_account_configurations()
    wanted = before.model_copy(update={"no_shorting": True})
    assert client.set_account_configurations(wanted) == wanted
    assert client.get_account().shorting_enabled is False
    assert client.set_account_configurations(before) == client.get_account_configurations()
    week = client.get_portfolio_history(ask.GetPortfolioHistoryRequest(period="1W"))
    assert week.equity[-1] == pytest.approx(float(client.get_account().equity))
    assert client.get_portfolio_history().timeframe


@drives(
    TradingClient.get_clock,
    TradingClient.get_calendar,
    TradingClient.get_all_assets,
    TradingClient.get_asset,
)
def test_clock_calendar_and_assets_are_read(world: World) -> None:
    client = world.client
    assert client.get_clock().is_open
    week = ask.GetCalendarRequest(start=date(2026, 3, 2), end=date(2026, 3, 6))
    assert len(client.get_calendar(week)) == 5
    every = client.get_all_assets()
    assert client.get_asset("BTC/USD") in every
    coins = client.get_all_assets(ask.GetAssetsRequest(asset_class="crypto"))
    assert {one.symbol for one in coins} == {one.symbol for one in every if "/" in one.symbol}
    assert client.get_asset(client.get_asset("AAPL").id).symbol == "AAPL"
    missing(lambda: client.get_asset("NOSUCH"))


@drives(
    TradingClient.create_watchlist,
    TradingClient.update_watchlist_by_id,
    TradingClient.add_asset_to_watchlist_by_id,
    TradingClient.remove_asset_from_watchlist_by_id,
    TradingClient.get_watchlists,
    TradingClient.get_watchlist_by_id,
    TradingClient.delete_watchlist_by_id,
)
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
    missing(lambda: client.get_watchlist_by_id(made.id))


@drives(RESTClient.get, RESTClient.post, RESTClient.put, RESTClient.patch, RESTClient.delete)
def test_what_the_client_has_no_method_for_is_asked_for_by_its_path(world: World) -> None:
    client = world.client
    order = world.filled(client.submit_order(KINDS["market of a coin"]))
    fills = client.get("/account/activities/FILL", {"order_id": str(order.id)})
    assert sum(float(one["qty"]) for one in fills) == float(order.filled_qty)
    assert client.get("/account/activities", {"activity_types": "FILL"})[0]["id"] == fills[0]["id"]
    named = "/watchlists:by_name?name=two"
    client.post("/watchlists", {"name": "two", "symbols": ["AAPL"]})
    assert client.put(named, {"name": "two", "symbols": ["SPY"]})["assets"][0]["symbol"] == "SPY"
    assert client.delete(named) is None
    changed = client.patch("/account/configurations", {"trade_confirm_email": "none"})
    assert changed["trade_confirm_email"] == "none"


@drives(
    TradingClient.get_corporate_announcements,
    TradingClient.get_corporate_announcement_by_id,
    CorporateActionsClient.get_corporate_actions,
)
def test_corporate_actions_are_asked_for_in_both_forms(surface: Surface) -> None:
    client = surface.world.client
    query = ask.GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.SPLIT], since=date(2026, 3, 1), until=date(2026, 3, 31)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert client.get_corporate_announcements(query) == []
    missing(lambda: client.get_corporate_announcement_by_id(uuid4()))
    wanted = data.CorporateActionsRequest(symbols=["AAPL"])
    assert surface.actions.get_corporate_actions(wanted).data == {}


@drives(
    TradingClient.get_option_contracts,
    TradingClient.get_option_contract,
    TradingClient.exercise_options_position,
)
def test_there_are_no_options(world: World) -> None:
    contracts = world.client.get_option_contracts(ask.GetOptionContractsRequest())
    assert contracts.option_contracts == []
    missing(lambda: world.client.get_option_contract("AAPL260320C00250000"))
    missing(lambda: world.client.exercise_options_position("AAPL260320C00250000"))
