"""The account's side of the simulated Alpaca, driven by alpaca-py's own client."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    AssetExchange,
    AssetStatus,
    OrderSide,
    QueryOrderStatus,
    TradeConfirmationEmail,
)
from alpaca.trading.requests import (
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    UpdateWatchlistRequest,
)

from argo_actors.cli.simulated import SimulatedWorld, request
from tests.venue.desk import KEYS, Desk
from tests.venue.test_exchange import World, bracket, code, market

DAY = 86_400


def opened(path: Path, *arguments: str) -> World:
    return World(SimulatedWorld(["--seed", "7", "--lockstep", *arguments], path / "venue.log"))


def closed(world: World) -> None:
    world.close()
    world.one.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = opened(tmp_path)
    yield found
    closed(found)


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An account with stocks long and short, coins bought and sold, and resting orders."""
    found = opened(tmp_path_factory.mktemp("traded"))
    found.filled(found.client.submit_order(market("AAPL", 30, OrderSide.BUY)))
    found.filled(found.client.submit_order(market("MSFT", 5, OrderSide.SELL)))
    found.filled(found.client.submit_order(market("BTC/USD", 0.1, OrderSide.BUY)))
    found.filled(found.client.submit_order(market("BTC/USD", 0.05, OrderSide.SELL)))
    for price in (10.0, 11.0, 12.0):
        found.client.submit_order(resting(price))
        found.pass_time(1)
    yield found
    closed(found)


def resting(price: float, qty: int = 1) -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol="SPY", qty=qty, side=OrderSide.BUY, time_in_force="gtc", limit_price=price
    )


def configure(world: World, **changes: Any) -> Any:
    return world.client.patch("/account/configurations", changes)


def refused(call: Callable[[], Any]) -> tuple[int, int, str]:
    with pytest.raises(APIError) as caught:
        call()
    return int(caught.value.status_code or 0), code(caught), str(caught.value.message)


# configuration


def test_a_configuration_is_changed_as_a_whole_or_not_at_all(world: World) -> None:
    before = world.client.get_account_configurations()
    after = world.client.set_account_configurations(
        before.model_copy(
            update={"no_shorting": True, "trade_confirm_email": TradeConfirmationEmail.ALL}
        )
    )
    assert (after.no_shorting, after.trade_confirm_email.value) == (True, "all")
    assert world.client.get_account_configurations() == after
    for wrong in ({"suspend_trade": "yes"}, {"max_margin_multiplier": "3"}, {"pdt_check": "x"}):
        status, _, _ = refused(lambda wrong=wrong: configure(world, no_shorting=False, **wrong))
        assert status == 422
    assert world.client.get_account_configurations() == after


def test_suspended_trading_refuses_every_new_order_and_shows_on_the_account(world: World) -> None:
    configure(world, suspend_trade=True)
    assert world.client.get_account().trade_suspended_by_user is True
    assert refused(lambda: world.client.submit_order(market("AAPL", 1, OrderSide.BUY)))[:2] == (
        403,
        40310000,
    )
    configure(world, suspend_trade=False)
    world.filled(world.client.submit_order(market("AAPL", 1, OrderSide.BUY)))


def test_a_long_only_account_refuses_shorts_and_still_sells_what_it_holds(world: World) -> None:
    world.filled(world.client.submit_order(market("AAPL", 2, OrderSide.BUY)))
    configure(world, no_shorting=True)
    assert world.client.get_account().shorting_enabled is False
    status, number, message = refused(
        lambda: world.client.submit_order(market("MSFT", 1, OrderSide.SELL))
    )
    assert (status, number, message) == (403, 40310000, "account is not allowed to short")
    world.filled(world.client.submit_order(market("AAPL", 2, OrderSide.SELL)))


def test_fractions_can_be_switched_off_for_stocks_only(world: World) -> None:
    configure(world, fractional_trading=False)
    half = MarketOrderRequest(symbol="AAPL", qty=0.5, side=OrderSide.BUY, time_in_force="day")
    assert refused(lambda: world.client.submit_order(half))[:2] == (403, 40310000)
    world.filled(world.client.submit_order(market("BTC/USD", 0.01, OrderSide.BUY)))


def test_a_margin_multiplier_of_one_leaves_only_the_cash(world: World) -> None:
    assert Decimal(world.client.get_account().buying_power) == 200_000
    configure(world, max_margin_multiplier="1")
    account = world.client.get_account()
    assert (account.multiplier, Decimal(account.buying_power)) == ("1", Decimal(100_000))
    assert refused(lambda: world.client.submit_order(resting(150, qty=1000)))[0] == 403
    configure(world, max_margin_multiplier="4")
    assert world.client.get_account().multiplier == "2"
    world.client.submit_order(resting(150, qty=1000))


def test_configuration_and_watchlists_outlive_the_venue(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    first = opened(tmp_path, *state)
    configure(first, no_shorting=True)
    made = first.client.create_watchlist(CreateWatchlistRequest(name="mine", symbols=["AAPL"]))
    closed(first)
    second = opened(tmp_path, *state)
    assert second.client.get_account_configurations().no_shorting is True
    assert second.client.get_watchlist_by_id(made.id) == made
    closed(second)


# activities


def activities(world: World, **query: Any) -> list[dict[str, Any]]:
    return world.client.get("/account/activities", query) or []


def test_activities_have_every_type_unless_some_are_asked_for(traded: World) -> None:
    assert {one["activity_type"] for one in activities(traded)} >= {"FILL", "JNLC"}
    fills = activities(traded, activity_types="FILL")
    assert {one["activity_type"] for one in fills} == {"FILL"}
    assert fills == activities(traded, category="trade_activity")
    assert fills == traded.client.get("/account/activities/FILL")
    others = activities(traded, category="non_trade_activity")
    assert len(others) + len(fills) == len(activities(traded))
    assert refused(lambda: activities(traded, category="trade_activity", activity_types="FILL"))
    assert refused(lambda: activities(traded, activity_types="NOSUCH"))[0] == 422


def test_pages_of_activities_follow_each_other_without_loss_in_both_directions(
    traded: World,
) -> None:
    whole = activities(traded)
    assert whole == sorted(whole, key=lambda one: one["id"], reverse=True)
    for direction, expected in (("desc", whole), ("asc", whole[::-1])):
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"page_size": 2, "direction": direction}
        while page := activities(traded, **query):
            found += page
            query["page_token"] = page[-1]["id"]
        assert found == expected


def test_activities_are_cut_by_time_day_and_order(traded: World) -> None:
    fills = activities(traded, activity_types="FILL", direction="asc")
    second = fills[1]["transaction_time"]
    later = activities(traded, activity_types="FILL", after=second)
    assert {one["id"] for one in later} == {
        one["id"] for one in fills if one["transaction_time"] > second
    }
    earlier = activities(traded, activity_types="FILL", until=second)
    assert {one["id"] for one in earlier} == {
        one["id"] for one in fills if one["transaction_time"] < second
    }
    assert len(activities(traded, activity_types="FILL", date="2026-03-04")) == len(fills)
    assert activities(traded, date="2026-03-03") == []
    own = fills[0]["order_id"]
    assert {one["order_id"] for one in activities(traded, order_id=own)} == {own}


def test_a_days_coin_fees_are_posted_when_it_ends_and_the_activities_explain_all_cash(
    world: World,
) -> None:
    for side in (OrderSide.BUY, OrderSide.SELL):
        world.filled(world.client.submit_order(market("BTC/USD", 0.02, OrderSide.BUY)))
        world.filled(world.client.submit_order(market("BTC/USD", 0.01, side)))
    assert activities(world, activity_types="CFEE") == []
    world.pass_time(9 * 3600)
    fees = activities(world, activity_types="CFEE")
    assert len(fees) == len(activities(world, activity_types="FILL"))
    cash, coins = Decimal(0), Decimal(0)
    for one in activities(world):
        if one["activity_type"] == "FILL":
            sign = 1 if one["side"] == "buy" else -1
            cash -= sign * Decimal(one["qty"]) * Decimal(one["price"])
            coins += sign * Decimal(one["qty"])
        else:
            cash += Decimal(one["net_amount"])
            coins += Decimal(one.get("qty", 0))
    assert cash == Decimal(world.client.get_account().cash)
    assert coins == Decimal(world.client.get_open_position("BTCUSD").qty)


# portfolio history


def test_the_last_value_of_the_history_is_the_accounts_equity(traded: World) -> None:
    for timeframe in ("1Min", "1D"):
        found = traded.client.get_portfolio_history(
            GetPortfolioHistoryRequest(period="1D", timeframe=timeframe)
        )
        assert found.timeframe == timeframe
        assert found.equity[-1] == float(round(Decimal(traded.client.get_account().equity), 2))
        assert len({len(found.timestamp), len(found.equity), len(found.profit_loss)}) == 1
        assert len(found.profit_loss_pct) == len(found.equity)


def test_history_reports_sessions_long_sessions_or_all_of_the_time(world: World) -> None:
    world.filled(world.client.submit_order(market("BTC/USD", 0.1, OrderSide.BUY)))
    world.pass_time(26 * 3600)
    counts = {}
    for hours in ("market_hours", "extended_hours", "continuous"):
        found = world.client.get_portfolio_history(
            GetPortfolioHistoryRequest(period="2D", timeframe="1H", intraday_reporting=hours)
        )
        assert list(found.timestamp) == sorted(set(found.timestamp))
        counts[hours] = len(found.timestamp)
    assert counts == {"market_hours": 10, "extended_hours": 19, "continuous": 27}


def test_profit_starts_anew_each_trading_day_unless_told_otherwise(world: World) -> None:
    world.filled(world.client.submit_order(market("BTC/USD", 0.5, OrderSide.BUY)))
    world.pass_time(25 * 3600)

    def history(reset: str) -> Any:
        return world.client.get_portfolio_history(
            GetPortfolioHistoryRequest(period="2D", timeframe="1H", pnl_reset=reset)
        )

    whole, daily = history("no_reset"), history("per_day")
    assert whole.equity == daily.equity
    for equity, profit in zip(whole.equity, whole.profit_loss, strict=True):
        assert profit == pytest.approx(equity - whole.base_value, abs=0.011)
    first_of_today = 7
    base = daily.equity[first_of_today] - daily.profit_loss[first_of_today]
    assert base == pytest.approx(daily.equity[first_of_today - 1], abs=0.011)


def test_history_refuses_what_the_vendor_refuses(traded: World) -> None:
    for query in (
        {"start": "2026-03-01T00:00:00Z", "end": "2026-03-04T00:00:00Z", "period": "1D"},
        {"period": "3M", "timeframe": "1Min"},
        {"period": "soon"},
        {"timeframe": "2H"},
        {"cashflow_types": "NOSUCH"},
    ):
        call = lambda query=query: traded.client.get("/account/portfolio/history", query)  # noqa: E731
        assert refused(call)[:2] == (422, 40010001)


def test_cash_flows_add_up_over_the_windows(traded: World) -> None:
    found = traded.client.get_portfolio_history(
        GetPortfolioHistoryRequest(period="1D", timeframe="1Min", cashflow_types="ALL")
    )
    assert {one.value: set(values) for one, values in found.cashflow.items()} == {"JNLC": {100_000}}


# watchlists


def test_a_watchlist_keeps_its_order_and_each_asset_once(world: World) -> None:
    client = world.client
    made = client.create_watchlist(CreateWatchlistRequest(name="tech", symbols=["MSFT", "AAPL"]))
    assert [one.symbol for one in made.assets] == ["MSFT", "AAPL"]
    client.add_asset_to_watchlist_by_id(made.id, "BTC/USD")
    more = client.add_asset_to_watchlist_by_id(made.id, "MSFT")
    assert [one.symbol for one in more.assets] == ["MSFT", "AAPL", "BTC/USD"]
    less = client.remove_asset_from_watchlist_by_id(made.id, "BTC/USD")
    assert [one.symbol for one in less.assets] == ["MSFT", "AAPL"]
    renamed = client.update_watchlist_by_id(made.id, UpdateWatchlistRequest(name="big"))
    assert (renamed.name, [one.symbol for one in renamed.assets]) == ("big", ["MSFT", "AAPL"])
    assert client.get_watchlists()[0].assets is None
    client.delete_watchlist_by_id(made.id)
    assert refused(lambda: client.get_watchlist_by_id(made.id))[:2] == (404, 40410000)


def test_a_watchlist_is_reached_by_its_name_too(world: World) -> None:
    client = world.client
    client.create_watchlist(CreateWatchlistRequest(name="tech", symbols=["MSFT"]))
    named = "/watchlists:by_name"
    assert client.get(named, {"name": "tech"})["assets"][0]["symbol"] == "MSFT"
    assert len(client.post(f"{named}?name=tech", {"symbol": "AAPL"})["assets"]) == 2
    assert client.put(f"{named}?name=tech", {"name": "new", "symbols": []})["assets"] == []
    client.delete(f"{named}?name=new")
    assert client.get_watchlists() == []


def test_watchlists_refuse_a_name_twice_no_name_and_unknown_assets(world: World) -> None:
    client = world.client
    client.create_watchlist(CreateWatchlistRequest(name="tech", symbols=[]))
    for name, symbols in (("tech", []), ("", []), ("x" * 65, []), ("other", ["NOSUCH"])):
        wrong = CreateWatchlistRequest(name=name, symbols=symbols)
        assert refused(lambda wrong=wrong: client.create_watchlist(wrong))[0] == 422


# assets, calendar


def test_assets_are_filtered_by_status_class_exchange_and_attributes(traded: World) -> None:
    def symbols(**filters: Any) -> set[str]:
        return {one.symbol for one in traded.client.get_all_assets(GetAssetsRequest(**filters))}

    every = symbols()
    coins = symbols(asset_class=AssetClass.CRYPTO)
    assert coins == {one for one in every if "/" in one}
    assert symbols(asset_class=AssetClass.US_EQUITY) == every - coins
    assert symbols(status=AssetStatus.INACTIVE) == set()
    assert symbols(status=AssetStatus.ACTIVE) == every
    assert "AAPL" in symbols(exchange=AssetExchange.NASDAQ)
    assert "SPY" not in symbols(exchange=AssetExchange.NASDAQ)
    assert symbols(attributes="ptp_no_exception") == set()


def test_the_calendar_covers_a_range_with_half_days_and_settlement(traded: World) -> None:
    week = GetCalendarRequest(start=date(2026, 11, 23), end=date(2026, 11, 27))
    days = traded.client.get_calendar(week)
    assert [one.date.day for one in days] == [23, 24, 25, 27]
    assert [one.close.hour for one in days] == [16, 16, 16, 13]
    raw = traded.client.get("/calendar", {"start": "2026-11-25", "end": "2026-11-25"})
    assert raw[0]["settlement_date"] == "2026-11-27"
    settled = traded.client.get(
        "/calendar", {"start": "2026-11-27", "end": "2026-11-27", "date_type": "SETTLEMENT"}
    )
    assert [one["date"] for one in settled] == ["2026-11-25"]
    assert len(traded.client.get_calendar()) > 3000
    assert refused(lambda: traded.client.get("/calendar", {"start": "soon"}))[0] == 422


# lists of orders


def test_order_lists_are_filtered_and_paged(traded: World) -> None:
    def ids(**filters: Any) -> list[str]:
        return [str(one.id) for one in traded.client.get_orders(GetOrdersRequest(**filters))]

    newest = ids()
    assert len(newest) == 3
    assert ids(direction="asc") == newest[::-1]
    assert ids(limit=2) == newest[:2]
    middle = traded.client.get_order_by_id(newest[1]).submitted_at
    assert ids(after=middle) == newest[:1]
    assert ids(until=middle) == newest[2:]
    every = ids(status=QueryOrderStatus.ALL)
    assert set(every) == set(newest) | set(ids(status=QueryOrderStatus.CLOSED))
    assert len(ids(status=QueryOrderStatus.ALL, symbols=["BTC/USD"])) == 2
    assert len(ids(status=QueryOrderStatus.ALL, symbols=["BTCUSD", "MSFT"])) == 3
    assert len(ids(status=QueryOrderStatus.ALL, side=OrderSide.SELL)) == 2


def test_an_order_id_is_a_place_in_the_list(traded: World) -> None:
    def ids(**query: Any) -> list[str]:
        return [one["id"] for one in traded.client.get("/orders", {"status": "all", **query})]

    every = ids()
    assert ids(before_order_id=every[2]) == every[3:]
    assert ids(after_order_id=every[2]) == every[:2]
    assert len(ids(asset_class="crypto")) == 2
    both = {"before_order_id": every[2], "after_order_id": every[2]}
    assert refused(lambda: ids(**both))[0] == 422
    assert refused(lambda: ids(limit="many"))[0] == 422
    assert refused(lambda: ids(status="dreaming"))[0] == 422


def test_nested_rolls_legs_up_and_filters_on_the_parent(world: World) -> None:
    order = bracket(world)
    query = GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True)
    (parent,) = world.client.get_orders(query)
    assert len(parent.legs) == 2
    assert len(world.client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))) == 3
    assert world.client.get_orders(GetOrdersRequest(nested=True)) == []
    assert world.client.get_order_by_client_id(order.client_order_id).id == order.id


# the budget of calls


def test_the_calls_budget_is_told_on_every_answer_and_comes_back_each_minute(
    tmp_path: Path,
) -> None:
    world = opened(tmp_path, "--rate-limit", "5")
    session, about = world.client._session, world.one.about
    keys = {"APCA-API-KEY-ID": about["key_id"], "APCA-API-SECRET-KEY": about["secret"]}

    def ask() -> Any:
        return session.get(f"{world.one.url}/v2/clock", headers=keys)

    answers = [ask() for _ in range(7)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    left = [one.headers["X-RateLimit-Remaining"] for one in answers]
    assert left == ["4", "3", "2", "1", "0", "0", "0"]
    assert answers[-1].json() == {"code": 42910000, "message": "rate limit exceeded"}
    reset = int(answers[-1].headers["X-RateLimit-Reset"])
    assert 0 < reset - world.now // 10**9 <= 60
    world.pass_time(60)
    assert ask().status_code == 200
    closed(world)


@pytest.mark.parametrize("keys", [{}, KEYS | {"apca-api-secret-key": "other"}])
def test_wrong_keys_are_refused_in_the_vendors_two_ways(keys: dict[str, str]) -> None:
    desk = Desk()
    for path in ("account", "orders", "positions/AAPL"):
        status, headers, body = desk.exchange.handle("GET", f"/v2/{path}", {}, keys, b"")
        assert (status, body) == (401, b'{"message":"unauthorized."}')
        assert "WWW-Authenticate" in headers
    for path in ("clock", "calendar"):
        status, headers, body = desk.exchange.handle("GET", f"/v2/{path}", {}, keys, b"")
        assert (status, headers["Content-Type"]) == (401, "text/html")
        assert body.startswith(b"<html>")


def test_a_basic_login_is_as_good_as_the_headers(traded: World) -> None:
    about = traded.one.about
    basic = TradingClient(about["key_id"], about["secret"], url_override=traded.one.url)
    url = f"{traded.one.url}/v2/account"
    answer = basic._session.get(url, auth=(about["key_id"], about["secret"]))
    basic._session.close()
    assert answer.status_code == 200


def test_money_that_comes_and_goes_is_an_activity_and_in_every_figure(tmp_path: Path) -> None:
    world = opened(tmp_path, "--state", str(tmp_path / "kept"))
    before = Decimal(str(world.client.get_account().cash))
    for dollars in ("2500.50", "-1000"):
        request(world.one.url, "POST", "/argo/transfer", {"dollars": dollars})
    refused = request(world.one.url, "POST", "/argo/transfer", {"dollars": "-1e9"})
    assert "at most the cash" in refused["message"]
    closed(world)
    world = opened(tmp_path, "--state", str(tmp_path / "kept"))
    assert Decimal(str(world.client.get_account().cash)) == before + Decimal("1500.50")
    told = world.client.get("/account/activities", {"activity_types": "JNLC,CSW"})
    found = {(one["activity_type"], one["net_amount"]) for one in told}
    assert {("CSW", "-1000"), ("JNLC", "2500.5")} < found, "beside the funding"
    closed(world)
