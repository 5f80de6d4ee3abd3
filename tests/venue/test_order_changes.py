"""Changing, cancelling and closing: what a client may still do to an order or a position."""

from decimal import Decimal
from typing import Any

import pytest

from argo_actors.venue.modes import Modes
from tests.venue.desk import KEYS, Desk

LIMIT: dict[str, Any] = {"type": "limit", "limit_price": "240"}


def resting(desk: Desk, **more: Any) -> Any:
    """A limit order that is live and away from the market."""
    order = desk.order(**LIMIT | more)
    desk.seconds(1)
    assert desk.read(order)["status"] == "new"
    return order


def changed(desk: Desk, order: Any, **change: Any) -> Any:
    return desk.ask("PATCH", f"/orders/{order['id']}", change)[1]


def raw(desk: Desk, method: str, path: str, **query: str) -> int:
    """The status of a request whose path is sent as it is."""
    return desk.exchange.handle(method, path, query, KEYS, b"")[0]


# PATCH


def test_a_change_is_a_new_order_of_the_chains_whole_quantity() -> None:
    desk = Desk()
    desk.book.modes = Modes(partial_fills=1)
    order = desk.order(type="limit", limit_price="251")
    desk.seconds(1)
    filled = Decimal(desk.read(order)["filled_qty"])
    assert 0 < filled < 10
    assert changed(desk, order, qty=str(filled)) == {
        "code": 40010001,
        "message": "qty must be > filled_qty",
    }
    new = changed(desk, order, qty="20", limit_price="100")
    assert Decimal(new["qty"]) == 20 - filled
    assert (new["replaces"], new["limit_price"]) == (order["id"], "100")


def test_a_change_names_its_own_id_or_gets_one() -> None:
    desk = Desk()
    order = resting(desk, client_order_id="first")
    assert changed(desk, order, limit_price="239", client_order_id="first") == {
        "code": 40010001,
        "message": "client_order_id must be unique",
    }
    new = changed(desk, order, limit_price="239", client_order_id="second")
    assert new["client_order_id"] == "second"
    desk.seconds(1)
    later = changed(desk, new, limit_price="238")
    assert later["client_order_id"] not in ("", "first", "second")


def test_what_has_not_reached_the_exchange_cannot_be_changed() -> None:
    desk = Desk()
    message = "unable to replace order, order isn't sent to exchange yet"
    order = desk.order(**LIMIT)
    assert changed(desk, order, limit_price="239") == {"code": 40010001, "message": message}
    night = Desk(start=desk.book.now + 12 * 3600 * 10**9)
    waiting = night.order(**LIMIT)
    assert waiting["status"] == "accepted"
    assert changed(night, waiting, limit_price="239")["message"] == message


def test_what_is_being_cancelled_or_changed_or_has_ended_cannot_be_changed() -> None:
    desk = Desk()
    message = "unable to replace order, order is not open"
    one, two = resting(desk), resting(desk, symbol="MSFT")
    desk.ask("DELETE", f"/orders/{one['id']}")
    assert changed(desk, one, limit_price="239") == {"code": 42210000, "message": message}
    changed(desk, two, limit_price="239")
    assert changed(desk, two, limit_price="238")["message"] == message
    desk.seconds(1)
    assert changed(desk, one, limit_price="239")["message"] == message


def test_a_change_that_comes_too_late_is_rejected_behind_its_answer() -> None:
    desk = Desk()
    order = resting(desk, limit_price="249")
    new = changed(desk, order, limit_price="248")
    assert desk.read(order)["status"] == "pending_replace"
    minute = (desk.book.now // (60 * 10**9) + 1) * 60 * 10**9
    desk.market.write("AAPL", minute, 247.0)
    desk.book.advance(minute + 10**9)
    assert desk.read(order)["status"] == "filled"
    assert desk.read(new)["status"] == "rejected"
    assert ("order_replace_rejected", order["id"]) in desk.told()


def test_fractions_and_notional_orders_keep_their_size() -> None:
    desk = Desk()
    half = resting(desk, qty="0.5", time_in_force="day")
    refused = changed(desk, half, qty="0.7")
    assert refused["message"] == "qty of fractional orders cannot be changed"
    dollars = resting(desk, qty=None, notional="500", time_in_force="day")
    refused = changed(desk, dollars, limit_price="239")
    assert refused["message"] == "notional orders cannot be replaced"


def test_a_change_binds_the_larger_of_both() -> None:
    desk = Desk()
    order = resting(desk, qty="100")
    before = Decimal(desk.ask("GET", "/account")[1]["buying_power"])
    changed(desk, order, qty="200")
    during = Decimal(desk.ask("GET", "/account")[1]["buying_power"])
    assert before - during == 100 * 240
    refused = changed(desk, resting(desk, symbol="MSFT", qty="1"), qty="700")
    assert refused["message"] == "insufficient buying power"


# DELETE of orders


def test_a_cancel_under_way_is_told_and_so_is_an_end() -> None:
    desk = Desk()
    order = resting(desk)
    assert desk.ask("DELETE", f"/orders/{order['id']}") == (204, None)
    answer = desk.ask("DELETE", f"/orders/{order['id']}")
    assert answer == (422, {"code": 42210000, "message": "order pending cancel"})
    desk.seconds(1)
    answer = desk.ask("DELETE", f"/orders/{order['id']}")
    assert answer[1]["message"] == 'order is already in "canceled" state'


def test_an_order_that_is_not_there() -> None:
    desk = Desk()
    nobody = "00000000-0000-0000-0000-000000000000"
    for method in ("GET", "DELETE", "PATCH"):
        answer = desk.ask(method, f"/orders/{nobody}", {} if method == "PATCH" else None)
        assert answer == (404, {"code": 40410000, "message": f"order not found for {nobody}"})
        answer = desk.ask(method, "/orders/mine", {} if method == "PATCH" else None)
        assert answer == (422, {"code": 40010001, "message": "order_id is missing"})
    answer = desk.ask("GET", "/orders:by_client_order_id", client_order_id="mine")
    assert answer == (404, {"code": 40410000, "message": "order not found for mine"})


def test_cancelling_everything_says_for_each_whether_it_was_taken() -> None:
    desk = Desk()
    one, two = resting(desk), resting(desk, symbol="MSFT")
    desk.ask("DELETE", f"/orders/{two['id']}")
    status, rows = desk.ask("DELETE", "/orders")
    assert status == 207
    assert {row["id"]: row["status"] for row in rows} == {one["id"]: 200, two["id"]: 500}


# positions


def test_a_position_is_closed_by_quantity_by_share_and_whole() -> None:
    desk = Desk()
    desk.filled()
    for query, qty in (({"qty": "3"}, "3"), ({"percentage": "50"}, "3.5"), ({}, "3.5")):
        status, order = desk.ask("DELETE", "/positions/AAPL", **query)
        assert (status, order["side"], order["type"], order["qty"]) == (200, "sell", "market", qty)
        assert order["client_order_id"]
        desk.seconds(5)
    answer = desk.ask("DELETE", "/positions/AAPL")
    assert answer == (404, {"code": 40410000, "message": "position does not exist"})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"percentage": "0"}, "percentage must be between 0 and 100"),
        ({"percentage": "100.1"}, "percentage must be between 0 and 100"),
        ({"qty": "0"}, "qty must be > 0"),
        ({"qty": "11"}, "insufficient qty available for order (requested: 11, available: 10)"),
    ],
)
def test_a_close_that_cannot_be(query: dict[str, str], message: str) -> None:
    desk = Desk()
    desk.filled()
    assert desk.ask("DELETE", "/positions/AAPL", **query)[1]["message"] == message


def test_closing_everything_fails_where_exits_hold_the_shares_unless_they_are_cancelled() -> None:
    desk = Desk()
    desk.book.modes = Modes(partial_fills=0)
    desk.bracket()
    desk.filled(symbol="BTC/USD", qty="0.1")
    status, rows = desk.ask("DELETE", "/positions")
    assert status == 207
    assert {row["symbol"]: row["status"] for row in rows} == {"AAPL": 403, "BTCUSD": 200}
    refused = next(row["body"] for row in rows if row["symbol"] == "AAPL")
    assert refused["message"].startswith("insufficient qty available")
    desk.seconds(5)
    _, rows = desk.ask("DELETE", "/positions", cancel_orders="True")
    assert [(row["symbol"], row["status"], row["body"]["qty"]) for row in rows] == [
        ("AAPL", 200, "10")
    ]
    desk.seconds(5)
    assert desk.ask("GET", "/positions") == (200, [])


def test_a_coin_is_a_position_under_its_old_symbol_and_an_order_under_its_new_one() -> None:
    desk = Desk()
    order = desk.filled(symbol="BTCUSD", qty="0.1")
    assert order["symbol"] == "BTC/USD"
    (position,) = desk.ask("GET", "/positions")[1]
    assert (position["symbol"], position["exchange"]) == ("BTCUSD", "CRYPTO")
    paths = {"BTCUSD": 200, "BTC%2FUSD": 404, "BTC/USD": 404, position["asset_id"]: 200}
    assert {one: raw(desk, "GET", f"/v2/positions/{one}") for one in paths} == paths
    assets = {"BTCUSD": 200, "BTC%2FUSD": 200, "BTC/USD": 200, "BTC-USD": 404}
    assert {one: raw(desk, "GET", f"/v2/assets/{one}") for one in assets} == assets


def test_a_short_position_has_negative_figures_as_text() -> None:
    desk = Desk()
    desk.filled(side="sell")
    found = desk.ask("GET", "/positions/AAPL")[1]
    assert found["side"] == "short"
    assert {found[name][0] for name in ("qty", "market_value", "cost_basis", "qty_available")} == {
        "-"
    }
    assert Decimal(found["market_value"]) == -10 * Decimal(found["current_price"])
    desk.move("AAPL", 225.0)
    found = desk.ask("GET", "/positions/AAPL")[1]
    assert Decimal(found["unrealized_pl"]) > 0
    assert Decimal("0.09") < Decimal(found["unrealized_plpc"]) < Decimal("0.11")


def test_the_profit_of_today_is_measured_from_the_close_before_and_from_todays_own_prices() -> None:
    desk = Desk()
    desk.book.modes = Modes(partial_fills=0)
    desk.filled()
    desk.move("AAPL", 260.0)
    desk.until(desk.book.now + 24 * 3600 * 10**9)
    desk.move("AAPL", 270.0)
    bought = Decimal(desk.filled(qty="5")["filled_avg_price"])
    desk.filled(side="sell", qty="3")
    desk.move("AAPL", 275.0)
    found = desk.ask("GET", "/positions/AAPL")[1]
    assert found["lastday_price"] == "260"
    cost = (10 * 260 + 5 * bought) * 12 / 15
    wanted = 12 * Decimal(found["current_price"]) - cost
    assert Decimal(found["unrealized_intraday_pl"]) == wanted
    assert Decimal(found["unrealized_intraday_plpc"]) == pytest.approx(wanted / cost)
    assert Decimal(found["unrealized_pl"]) > wanted


def test_dust_below_the_least_order_is_closed_by_its_position() -> None:
    desk = Desk()
    desk.filled(symbol="BTC/USD", qty="0.001")
    dust = desk.position("BTC/USD") - Decimal("0.0000001")
    desk.filled(symbol="BTC/USD", side="sell", qty=str(dust))
    refused = desk.order(symbol="BTC/USD", side="sell", qty="0.0000001")
    assert refused["code"] == 40310000
    assert desk.ask("DELETE", "/positions/BTCUSD")[0] == 200
    desk.seconds(5)
    assert desk.position("BTC/USD") == 0


# the account


def test_equity_is_cash_and_both_sides_of_the_market_and_figures_are_text() -> None:
    desk = Desk()
    desk.filled()
    desk.filled(symbol="MSFT", side="sell", qty="5")
    found = desk.ask("GET", "/account")[1]
    figures = {
        name: Decimal(found[name])
        for name in ("equity", "cash", "long_market_value", "short_market_value", "initial_margin")
    }
    sides = figures["long_market_value"] + figures["short_market_value"]
    assert figures["short_market_value"] < 0 < figures["long_market_value"]
    assert figures["equity"] == figures["cash"] + sides
    free = figures["equity"] - figures["initial_margin"]
    assert (found["multiplier"], Decimal(found["buying_power"])) == ("2", 2 * free)
    gone = {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"}
    assert not gone & set(found)


@pytest.mark.parametrize(
    ("hours", "price"), [(0, "ask"), (7, "middle"), (12, "last")], ids=["session", "late", "night"]
)
def test_buying_power_is_checked_at_the_ask_the_middle_or_the_last_print(
    hours: int, price: str
) -> None:
    desk = Desk()
    desk.seconds(hours * 3600)
    quote = desk.market.quote("AAPL", desk.book.now)
    trade = desk.market.last_trade("AAPL", desk.book.now)
    assert quote is not None
    assert trade is not None
    at = {"ask": quote.ask, "middle": (quote.bid + quote.ask) / 2, "last": trade.price}
    assert len(set(at.values())) > 1
    refused = desk.order(qty="1000", time_in_force="day")
    assert Decimal(refused["cost_basis"]) == 1000 * at[price]
