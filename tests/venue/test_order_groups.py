"""Brackets, OCOs and OTOs: when their legs sleep, live, change and end."""

from decimal import Decimal
from typing import Any

import pytest

from argo_actors.venue.modes import Modes
from tests.venue.desk import HOUR, Desk

LEGS: dict[str, Any] = {
    "order_class": "bracket",
    "take_profit": {"limit_price": "260"},
    "stop_loss": {"stop_price": "240"},
}
SHORT_LEGS: dict[str, Any] = LEGS | {
    "take_profit": {"limit_price": "240"},
    "stop_loss": {"stop_price": "260"},
}


def states(desk: Desk, order: Any) -> dict[str, str]:
    """Status of an order's legs by their type."""
    return {leg["type"]: leg["status"] for leg in desk.read(order)["legs"]}


def sell_group(**more: Any) -> dict[str, Any]:
    return {
        "side": "sell",
        "type": "limit",
        "order_class": "oco",
        "take_profit": {"limit_price": "260"},
        "stop_loss": {"stop_price": "240"},
    } | more


def test_a_bracket_is_answered_with_both_legs_asleep_and_ids_of_their_own() -> None:
    desk = Desk()
    order = desk.order(client_order_id="mine", **LEGS)
    assert order["status"] == "pending_new"
    assert [leg["status"] for leg in order["legs"]] == ["held", "held"]
    assert [leg["position_intent"] for leg in order["legs"]] == ["sell_to_close", "sell_to_close"]
    ids = [leg["client_order_id"] for leg in order["legs"]]
    assert order["client_order_id"] == "mine"
    assert "mine" not in ids
    assert len(set(ids)) == 2


def test_the_legs_of_a_partly_filled_entry_sleep_and_protect_nothing() -> None:
    desk = Desk()
    desk.book.modes = Modes(partial_fills=1)
    order = desk.order(**LEGS)
    desk.seconds(1)
    assert desk.read(order)["status"] == "partially_filled"
    assert states(desk, order) == {"limit": "held", "stop": "held"}
    assert desk.ask("GET", "/positions/AAPL")[1]["qty_available"] == str(desk.position())


def test_a_limit_entry_cancelled_in_part_leaves_its_shares_naked() -> None:
    desk = Desk()
    desk.book.modes = Modes(partial_fills=1)
    order = desk.order(type="limit", limit_price="251", **LEGS)
    desk.seconds(1)
    filled = Decimal(desk.read(order)["filled_qty"])
    assert 0 < filled < 10
    minute = (desk.book.now // (HOUR // 60) + 1) * (HOUR // 60)
    desk.market.write("AAPL", minute, 255.0)
    desk.book.now = minute  # the price is away before the entry can fill further
    desk.ask("DELETE", f"/orders/{order['id']}")
    desk.seconds(1)
    assert desk.read(order)["status"] == "canceled"
    assert set(states(desk, order).values()) == {"canceled"}
    assert desk.position() == filled
    assert desk.ask("GET", "/positions/AAPL")[1]["qty_available"] == str(filled)


def test_a_cancelled_entry_takes_its_legs_along() -> None:
    desk = Desk()
    order = desk.order(type="limit", limit_price="245", **LEGS)
    desk.seconds(1)
    assert desk.ask("DELETE", f"/orders/{order['id']}")[0] == 204
    desk.seconds(1)
    assert set(states(desk, order).values()) == {"canceled"}


def test_a_stop_that_is_touched_ends_its_target_and_the_position() -> None:
    desk = Desk()
    order = desk.bracket()
    desk.move("AAPL", 239.0)
    assert states(desk, order) == {"limit": "canceled", "stop": "filled"}
    assert desk.position() == 0
    price = Decimal(desk.leg(order, "stop")["filled_avg_price"])
    assert price < 240


def test_a_target_that_fills_ends_its_stop_and_no_event_tells_of_that() -> None:
    desk = Desk()
    order = desk.bracket()
    desk.told()
    desk.move("AAPL", 261.0)
    assert states(desk, order) == {"limit": "filled", "stop": "canceled"}
    target, stop = desk.leg(order, "target")["id"], desk.leg(order, "stop")["id"]
    told = desk.told()
    assert ("fill", target) in told
    assert stop not in [one for _, one in told]


def test_a_target_filled_in_part_lowers_its_stop() -> None:
    desk = Desk()
    order = desk.bracket()
    desk.book.modes = Modes(partial_fills=1)
    desk.move("AAPL", 261.0)
    target, stop = desk.leg(order, "target"), desk.leg(order, "stop")
    assert target["status"] == "partially_filled"
    assert Decimal(stop["qty"]) == Decimal(target["qty"]) - Decimal(target["filled_qty"])
    assert Decimal(stop["qty"]) == desk.position()


def test_a_short_bracket_is_mirrored() -> None:
    desk = Desk()
    order = desk.filled(side="sell", **SHORT_LEGS)
    assert [leg["position_intent"] for leg in order["legs"]] == ["buy_to_close", "buy_to_close"]
    desk.move("AAPL", 261.0)
    assert states(desk, order) == {"limit": "canceled", "stop": "filled"}
    assert desk.position() == 0


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("target", {"limit_price": "270"}, "limit_price"),
        ("stop", {"stop_price": "245"}, "stop_price"),
    ],
)
def test_the_price_of_a_leg_is_changed(kind: str, change: dict[str, str], field: str) -> None:
    desk = Desk()
    order = desk.bracket()
    old = desk.leg(order, kind)
    status, new = desk.ask("PATCH", f"/orders/{old['id']}", change)
    assert (status, new["replaces"]) == (200, old["id"])
    desk.seconds(1)
    found = desk.leg(order, kind)
    assert (found["id"], found[field]) == (new["id"], change[field])
    other = "stop" if kind == "target" else "target"
    assert desk.leg(order, other)["status"] == ("held" if other == "stop" else "new")
    desk.move("AAPL", 271.0 if kind == "target" else 244.0)
    assert desk.leg(order, kind)["status"] == "filled"
    assert desk.position() == 0


def test_the_legs_of_a_day_bracket_die_at_the_close_and_the_shares_stay() -> None:
    desk = Desk()
    order = desk.bracket(time_in_force="day")
    desk.until(desk.book.now + 7 * HOUR)
    assert set(states(desk, order).values()) == {"expired"}
    assert desk.position() == 10
    assert desk.ask("GET", "/positions/AAPL")[1]["qty_available"] == "10"


def test_gtc_legs_sleep_outside_the_session_and_fire_at_the_open() -> None:
    desk = Desk()
    order = desk.bracket()
    desk.until(desk.book.now + 8 * HOUR)
    desk.move("AAPL", 230.0)
    assert states(desk, order) == {"limit": "new", "stop": "held"}
    desk.until(desk.book.now + 15 * HOUR + HOUR // 2)
    desk.until(desk.book.now + HOUR)
    assert states(desk, order)["stop"] == "filled"
    assert Decimal(desk.leg(order, "stop")["filled_avg_price"]) < 231


def test_a_stop_limit_leg_is_jumped_over_and_rests_at_its_limit() -> None:
    desk = Desk()
    order = desk.filled(**LEGS | {"stop_loss": {"stop_price": "240", "limit_price": "239"}})
    desk.move("AAPL", 230.0)
    assert states(desk, order) == {"limit": "canceled", "stop_limit": "new"}
    assert desk.position() == 10
    desk.move("AAPL", 240.0)
    assert desk.position() == 0


def test_a_bracket_does_not_reduce_a_position() -> None:
    desk = Desk()
    desk.filled()
    refused = desk.order(side="sell", qty="5", **SHORT_LEGS)
    assert refused == {"code": 42210000, "message": "bracket orders must be entry orders"}


def test_an_oco_is_its_target_with_the_stop_as_leg() -> None:
    desk = Desk()
    desk.filled()
    order = desk.order(**sell_group())
    assert (order["type"], order["limit_price"], order["order_class"]) == ("limit", "260", "oco")
    (stop,) = order["legs"]
    assert (stop["type"], stop["stop_price"], stop["status"]) == ("stop", "240", "held")
    refused = desk.order(side="sell", qty="1")
    assert set(refused["related_orders"]) == {order["id"], stop["id"]}


@pytest.mark.parametrize(
    ("price", "target", "stop"), [(261.0, "filled", "canceled"), (239.0, "canceled", "filled")]
)
def test_one_of_an_oco_ends_the_other(price: float, target: str, stop: str) -> None:
    desk = Desk()
    desk.filled()
    order = desk.order(**sell_group())
    desk.seconds(1)
    desk.move("AAPL", price)
    found = desk.read(order)
    assert (found["status"], found["legs"][0]["status"]) == (target, stop)
    assert desk.position() == 0


def test_cancelling_an_oco_frees_the_shares() -> None:
    desk = Desk()
    desk.filled()
    order = desk.order(**sell_group())
    desk.seconds(1)
    assert desk.ask("DELETE", f"/orders/{order['id']}")[0] == 204
    desk.seconds(1)
    found = desk.read(order)
    assert (found["status"], found["legs"][0]["status"]) == ("canceled", "canceled")
    assert desk.ask("GET", "/positions/AAPL")[1]["qty_available"] == "10"


def test_a_stop_of_an_oco_that_is_through_already_is_refused() -> None:
    desk = Desk()
    desk.filled()
    refused = desk.order(**sell_group(stop_loss={"stop_price": "255"}))
    assert refused["message"] == "stop price must be less than current price"
    assert (refused["market_price"], refused["stop_price"]) == ("250", "255")


def test_the_leg_of_an_oto_lives_from_its_entry_on_and_is_not_replaced() -> None:
    desk = Desk()
    order = desk.filled(order_class="oto", stop_loss={"stop_price": "240"})
    leg = desk.leg(order, "stop")
    assert leg["status"] == "new"
    _, refused = desk.ask("PATCH", f"/orders/{leg['id']}", {"stop_price": "245"})
    assert refused == {"code": 42210000, "message": "oto orders cannot be replaced"}
    desk.move("AAPL", 239.0)
    assert desk.position() == 0


def test_a_held_leg_is_no_open_order_of_the_list() -> None:
    desk = Desk()
    order = desk.bracket()
    _, flat = desk.ask("GET", "/orders")
    assert [one["id"] for one in flat] == [desk.leg(order, "target")["id"]]
    _, nested = desk.ask("GET", "/orders", nested="true")
    assert nested == []
    _, every = desk.ask("GET", "/orders", nested="true", status="all")
    assert [len(one["legs"]) for one in every] == [2]
