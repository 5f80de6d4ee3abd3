"""Alpaca's JSON becomes our words: tolerant of fields, strict with money."""

from datetime import UTC, datetime
from typing import Any

import pytest

from argo_actors.broker import wire
from argo_actors.messages.order import SubmitOrder
from argo_actors.units import SECOND, Decimal

SYMBOLS = ("AAPL", "BTC-USD")
ALPACAS = [
    "new",
    "partially_filled",
    "filled",
    "done_for_day",
    "canceled",
    "expired",
    "replaced",
    "pending_cancel",
    "pending_replace",
    "accepted",
    "pending_new",
    "accepted_for_bidding",
    "stopped",
    "rejected",
    "suspended",
    "calculated",
    "held",
    "pending_review",
]
FINAL = {"filled", "canceled", "expired", "replaced", "rejected"}
BAD_MONEY = ["NaN", "inf", "-1", "1,000", "", "0x10", "\u0661", float("nan"), [], {}]


def raw_order(**changes: Any) -> dict[str, Any]:
    order = {
        "id": "b1",
        "client_order_id": "argo-0000-a-entry-1",
        "created_at": "2026-09-21T13:45:12.123456789Z",
        "updated_at": "2026-09-21T13:45:12.123456789Z",
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "qty": "2",
        "filled_qty": "0",
        "filled_avg_price": None,
        "type": "limit",
        "side": "buy",
        "limit_price": "150",
        "stop_price": None,
        "status": "accepted",
        "legs": None,
    }
    return order | changes


def report(**changes: Any) -> Any:
    return wire.order_report(raw_order(**changes), SYMBOLS, "answer")


@pytest.mark.parametrize("status", ALPACAS)
def test_every_status_of_alpaca_has_its_row_and_only_final_ones_are_final(status: str) -> None:
    ours = report(status=status).status
    assert ours != "unknown"
    assert (ours in FINAL) == (status in FINAL)


@pytest.mark.parametrize("status", ["brand_new_status", None, 7])
def test_a_status_without_a_row_is_unknown_and_keeps_its_name(status: Any) -> None:
    found = report(status=status)
    assert found.status == "unknown"
    assert found.raw_status == str(status or "")


def test_missing_and_additional_fields_do_no_harm() -> None:
    order = raw_order(surprise={"deep": [1]})
    for name in ("asset_class", "limit_price", "stop_price", "legs", "updated_at"):
        del order[name]
    assert wire.order_report(order, SYMBOLS, "list").qty == 2


@pytest.mark.parametrize("value", BAD_MONEY)
@pytest.mark.parametrize("name", ["qty", "filled_qty"])
def test_a_quantity_that_cannot_be_true_is_refused(name: str, value: Any) -> None:
    with pytest.raises(wire.WireError):
        report(**{name: value})


@pytest.mark.parametrize("value", [one for one in BAD_MONEY if one != ""])
def test_a_price_that_cannot_be_true_is_refused(value: Any) -> None:
    with pytest.raises(wire.WireError):
        report(limit_price=value)


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_an_answer_that_is_no_object_is_refused(raw: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.order_report(raw, SYMBOLS, "answer")


def test_what_filled_has_a_price() -> None:
    with pytest.raises(wire.WireError):
        report(status="filled", filled_qty="2", filled_avg_price=None)


def test_an_order_has_an_id() -> None:
    with pytest.raises(wire.WireError):
        report(id=None)


def test_an_average_price_may_have_many_decimals() -> None:
    found = report(status="filled", filled_qty="2", filled_avg_price="179.0833333333333333333")
    assert found.filled_avg_price > 179


def test_json_numbers_are_read_by_their_text() -> None:
    assert report(qty=1e-05).qty == Decimal("0.00001")


@pytest.mark.parametrize("form", ["BTC/USD", "BTCUSD", "BTC-USD"])
def test_all_three_forms_of_a_coin_are_ours(form: str) -> None:
    assert wire.from_alpaca(form, SYMBOLS) == "BTC-USD"


def test_a_symbol_goes_out_in_the_form_of_its_endpoint() -> None:
    assert wire.to_alpaca("BTC-USD") == "BTC/USD"
    assert wire.to_position("BTC-USD") == "BTCUSD"
    assert wire.to_alpaca("BRK.B") == wire.to_position("BRK.B") == "BRK.B"


def test_a_short_position_is_negative_and_its_average_is_not() -> None:
    raw = {"symbol": "AAPL", "qty": "-3", "avg_entry_price": "10.5", "side": "short"}
    found = wire.position_report(raw, "AAPL")
    assert (found.qty, found.qty_available) == (Decimal(-3), Decimal(-3))
    assert found.avg_entry_price == Decimal("10.5")


def test_time_keeps_its_nanoseconds_and_its_offset() -> None:
    utc = wire.time("2026-09-21T13:45:12.123456789Z")
    assert utc % SECOND == 123_456_789
    assert wire.time("2026-09-21T09:45:12.123456789-04:00") == utc


def submit(**changes: Any) -> SubmitOrder:
    fields: dict[str, Any] = {
        "client_order_id": "argo-0000-a-entry-1",
        "symbol": "AAPL",
        "leg": "entry",
        "side": "buy",
        "qty": Decimal(3),
        "type": "market",
        "time_in_force": "gtc",
        "position_intent": "buy_to_open",
        "reference_price": Decimal(100),
        "expires_at": 2**62,
        "increases": True,
        "because": (),
    }
    return SubmitOrder(**fields | changes)


def test_a_bracket_carries_both_legs_as_text() -> None:
    order = submit(order_class="bracket", take_profit=Decimal("105.5"), stop_loss=Decimal(97))
    body = wire.order_body(order)
    assert body["order_class"] == "bracket"
    assert body["take_profit"] == {"limit_price": "105.5"}
    assert body["stop_loss"] == {"stop_price": "97"}
    assert body["qty"] == "3"
    assert body["position_intent"] == "buy_to_open"
    assert not body.get("extended_hours", False)


def test_a_small_quantity_has_no_exponent() -> None:
    order = submit(symbol="BTC-USD", qty=Decimal("1E-9"), time_in_force="ioc")
    assert wire.order_body(order)["qty"] == "0.000000001"


def test_easy_to_borrow_is_read_from_either_field() -> None:
    new = {"class": "us_equity", "status": "active", "tradable": True, "shortable": True}
    assert wire.asset(new | {"borrow_status": "easy_to_borrow"}, "AAPL").easy_to_borrow
    assert not wire.asset(new | {"borrow_status": "hard_to_borrow"}, "AAPL").easy_to_borrow
    assert wire.asset(new | {"easy_to_borrow": True}, "AAPL").easy_to_borrow
    assert not wire.asset(new, "AAPL").easy_to_borrow


@pytest.mark.parametrize("name", ["min_trade_increment", "price_increment"])
def test_an_increment_of_zero_is_refused(name: str) -> None:
    """Sizes and prices are divided by it."""
    coin = {"class": "crypto", "status": "active", "tradable": True, name: "0"}
    with pytest.raises(wire.WireError):
        wire.asset(coin, "BTC-USD")


@pytest.mark.parametrize(
    ("told", "ahead"),
    [(0, 0), (0.2, 0), (0.4, 0), (1.4, 1000), (61.4, 61_000), (-1, -1000), (-0.5, -500)],
)
def test_the_brokers_clock_differs_by_what_the_answers_way_cannot_explain(
    told: float, ahead: int
) -> None:
    """Asked at 0 s, answered at 0.4 s."""
    at = 1_790_000_000 * SECOND
    moment = datetime.fromtimestamp(1_790_000_000 + told, UTC).isoformat()
    raw = {"timestamp": moment, "is_open": True}
    assert wire.skew_ms(raw, at, at + round(0.4 * SECOND)) == ahead
    with pytest.raises(wire.WireError):
        wire.skew_ms({"timestamp": ""}, at, at)


def test_a_binary_floats_text_is_the_quantity_that_was_meant() -> None:
    held = wire.position_report(
        {"qty": "0.009975000000000001", "avg_entry_price": "64000"}, "BTC-USD"
    )
    assert held.qty == held.qty_available == Decimal("0.009975")


def test_a_binary_floats_text_is_the_price_that_was_asked_for() -> None:
    found = report(
        type="stop_limit", limit_price="404.1700000000001", stop_price="407.4100000000001"
    )
    assert (found.limit_price, found.stop_price) == (Decimal("404.17"), Decimal("407.41"))
