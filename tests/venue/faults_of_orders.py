"""How the venue treats orders while a plan says so (`modes`): seen by alpaca-py's TradingClient."""

from typing import Any

import pytest
from alpaca.trading.enums import OrderClass, OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetOrdersRequest,
    LimitOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)
from pydantic import ValidationError

from tests.venue.fault_table import case
from tests.venue.fault_world import World

SELL, GTC = OrderSide.SELL, TimeInForce.GTC


def cancelled(world: World, one: Any) -> None:
    """It is cancelled, and was told so."""
    world.pass_time(1)
    world.client.cancel_order_by_id(one.id)
    world.pass_time(1)


def exits(world: World, name: str, target: float, stop: float) -> Any:
    """An exit group for ten shares that are bought first; it is new a second later."""
    world.filled(world.market(f"{name}-entry", "AAPL", 10))
    found = world.client.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=10,
            side=SELL,
            time_in_force=GTC,
            order_class=OrderClass.OCO,
            limit_price=target,
            take_profit=TakeProfitRequest(limit_price=target),
            stop_loss=StopLossRequest(stop_price=stop),
            client_order_id=world.named(name),
        )
    )
    world.pass_time(1)
    return found


def listed(world: World, **how: Any) -> list[Any]:
    found: list[Any] = world.client.get_orders(GetOrdersRequest(**how))
    return found


# ids and visibility


@case(
    "Client ids are unique for ever (the default, as at Alpaca)",
    "422 with code 40010001 for every second use",
    modes={"client_ids": "for_ever"},
)
def _(world: World) -> None:
    cancelled(world, world.limit("again"))
    assert world.refused(lambda: world.limit("again")).code == 40010001


@case(
    "Client ids are unique while their order is open",
    "422 while it is, a second order of the id afterwards",
    modes={"client_ids": "while_open"},
)
def _(world: World) -> None:
    one = world.limit("again")
    assert world.refused(lambda: world.limit("again")).code == 40010001
    cancelled(world, one)
    assert world.limit("again").id != one.id


@case(
    "Client ids are not enforced",
    "two open orders of one id; a lookup finds the newest",
    modes={"client_ids": "not_enforced"},
)
def _(world: World) -> None:
    first, second = world.limit("again"), world.limit("again")
    assert first.id != second.id
    assert {first.id, second.id} <= {one.id for one in listed(world)}
    assert world.client.get_order_by_client_id(first.client_order_id).id == second.id


@case(
    "Orders are found up to half a minute late, each at its own time",
    "404 for its ids and no row in lists, then all of it",
    modes={"appear_seconds": 30},
)
def _(world: World) -> None:
    sent = [world.limit(f"hidden-{n}") for n in range(4)]
    world.pass_time(0.25)
    seen = {one.id for one in listed(world)}
    late = [one for one in sent if one.id not in seen]
    assert late
    assert world.refused(lambda: world.order(late[0])).status_code == 404
    world.pass_time(30)
    assert {one.id for one in sent} <= {one.id for one in listed(world)}


@case(
    "Lists hide the held legs",
    "a bracket without its sleeping stop, nested or not; its own id finds it",
    modes={"held_legs_hidden": True},
)
def _(world: World) -> None:
    entry = world.bracket("hidden")
    stop = next(leg for leg in entry.legs if leg.stop_price)
    assert stop.status.value == "held"
    for nested in (True, False):
        found = listed(world, status=QueryOrderStatus.ALL, nested=nested)
        rows = [*found, *(leg for one in found for leg in one.legs or ())]
        assert entry.id in {one.id for one in rows}
        assert stop.id not in {one.id for one in rows}
    assert world.status(stop) == "held"


@case(
    "Pages of orders are short",
    "two rows, whatever limit it asks for",
    modes={"most_orders": 2},
)
def _(world: World) -> None:
    for n in range(3):
        world.limit(f"page-{n}")
    assert len(listed(world, limit=500)) == 2


# fills


@case(
    "An order fills before its answer",
    "filled, at the first look without any time passing",
    modes={"fills_before_answers": True, "partial_fills": 0},
)
def _(world: World) -> None:
    assert world.status(world.market("early")) == "filled"


@case(
    "Every order fills in parts; an ioc entry ends after the first",
    "partial_fill, then canceled with a filled_qty above 0",
    modes={"partial_fills": 1},
)
def _(world: World) -> None:
    stream = world.updates()
    one = world.market("parts", time_in_force=TimeInForce.IOC)
    world.pass_time(1)
    assert stream.events(3) == ["new", "partial_fill", "canceled"]
    assert 0 < float(world.order(one).filled_qty) < 0.01


@case(
    "A thin book: the next part of an order comes ten seconds later",
    "partially_filled for so long",
    modes={"partial_fills": 1, "parts_seconds": 10},
)
def _(world: World) -> None:
    one = world.market("thin")
    world.pass_time(1)
    first = float(world.order(one).filled_qty)
    world.pass_time(5)
    assert world.status(one) == "partially_filled"
    assert float(world.order(one).filled_qty) == first > 0
    world.pass_time(10)
    assert float(world.order(one).filled_qty) > first


@case(
    "Cancels take ten seconds",
    "pending_cancel for so long",
    modes={"cancel_seconds": 10},
)
def _(world: World) -> None:
    one = world.limit("slow")
    cancelled(world, one)
    assert world.status(one) == "pending_cancel"
    world.pass_time(10)
    assert world.status(one) == "canceled"


@case(
    "Every cancel loses to a fill",
    "204, then order_cancel_rejected and the fill",
    modes={"cancels_lose": 1},
)
def _(world: World) -> None:
    stream = world.updates()
    one = world.limit("loses")
    cancelled(world, one)
    assert world.status(one) == "filled"
    assert stream.events(3)[:2] == ["new", "order_cancel_rejected"]


@case(
    "A leg fills while it is cancelled",
    "204 for the target, which fills; a sale now would open a short",
    modes={"cancels_lose": 1},
)
def _(world: World) -> None:
    entry = world.bracket("leg")
    target = next(leg for leg in entry.legs if leg.limit_price)
    cancelled(world, target)
    assert world.status(target) == "filled"
    assert world.position("AAPL") == 0


@case(
    "A cancelled order fills all the same",
    "canceled, and a moment later a fill",
    modes={"late_fills": 1},
)
def _(world: World) -> None:
    stream = world.updates()
    one = world.limit("late")
    cancelled(world, one)
    world.pass_time(1)
    assert stream.events(3)[1:] == ["canceled", "fill"]
    assert float(world.order(one).filled_qty) == 0.01


@case(
    "Both legs of an exit fill",
    "two fills; ten shares held become ten shares short",
    modes={"both_legs": 1, "partial_fills": 0},
)
def _(world: World) -> None:
    exits(world, "both", target=200, stop=150)
    world.until(lambda: world.position("AAPL") == -10, 20)


@case(
    "A stop that is triggered goes on under another id",
    "the stop replaced, with the id of the order that fills",
    modes={"stops_replaced": 1, "partial_fills": 0},
)
def _(world: World) -> None:
    world.filled(world.market("price", "AAPL", 1))
    price = float(world.client.get_open_position("AAPL").current_price)
    group = exits(world, "moved", target=400, stop=round(price - 0.25, 2))
    stop = group.legs[0]
    world.until(lambda: world.pass_time(20) or world.status(stop) == "replaced")
    another = world.order(stop).replaced_by
    assert world.client.get_order_by_id(another).replaces == stop.id


@case(
    "Orders that were taken end rejected",
    "200, then rejected",
    modes={"rejected": 1},
)
def _(world: World) -> None:
    stream = world.updates()
    one = world.market("rejected")
    world.pass_time(1)
    assert world.status(one) == "rejected"
    assert stream.events() == ["rejected"]


@case(
    "Replacements that were taken end rejected",
    "200, then order_replace_rejected; the old order works on",
    modes={"replaces_rejected": 1},
)
def _(world: World) -> None:
    one = world.limit("kept")
    world.pass_time(1)
    new = world.client.replace_order_by_id(one.id, ReplaceOrderRequest(limit_price=9_000))
    world.pass_time(1)
    assert (world.status(one), world.status(new)) == ("new", "rejected")


# assets and the account


@case(
    "Numbers are binary floats",
    "texts as 0.010000000000000002",
    modes={"float_text": True},
)
def _(world: World) -> None:
    assert world.limit("float").qty == "0.010000000000000002"


@case(
    "Assets come without easy_to_borrow, as the vendor announced",
    "ValidationError from alpaca-py 0.44.0",
    modes={"easy_to_borrow": False},
)
def _(world: World) -> None:
    with pytest.raises(ValidationError, match="easy_to_borrow"):
        world.client.get_asset("AAPL")


@case(
    "A symbol is halted",
    "tradable false; new orders are refused (422), resting ones do not fill",
    modes={"halted": ["AAPL"]},
)
def _(world: World) -> None:
    world.give({"modes": {}})
    resting = world.market("resting", "AAPL", 1)
    world.give({"modes": {"halted": ["AAPL"]}})
    world.pass_time(30)
    assert world.status(resting) == "new"
    assert not world.client.get_asset("AAPL").tradable
    error = world.refused(lambda: world.market("halted", "AAPL", 1))
    assert (error.status_code, error.code) == (422, 42210000)
    assert world.client.get_asset("MSFT").tradable


@case(
    "A symbol cannot be sold short",
    "shortable false; 422 for a short sale",
    modes={"not_shortable": ["AAPL"]},
)
def _(world: World) -> None:
    assert not world.client.get_asset("AAPL").shortable
    error = world.refused(lambda: world.market("short", "AAPL", 1, side=SELL))
    assert (error.status_code, "cannot be sold short" in str(error)) == (422, True)


@case(
    "A symbol is hard to borrow",
    "422 for a short sale that is not for the day",
    modes={"hard_to_borrow": ["AAPL"]},
)
def _(world: World) -> None:
    error = world.refused(lambda: world.market("short", "AAPL", 1, side=SELL))
    assert (error.status_code, "hard-to-borrow" in str(error)) == (422, True)


@case(
    "The account is blocked",
    "trading_blocked true; 403 for every order",
    modes={"trading_blocked": True},
)
def _(world: World) -> None:
    assert world.client.get_account().trading_blocked
    assert world.refused(lambda: world.market("blocked")).code == 40310000


@case(
    "The account may only close",
    "403 for an entry; exits are taken",
    modes={"liquidation_only": True},
)
def _(world: World) -> None:
    world.give({"modes": {}})
    world.filled(world.market("before", "SOL/USD", 1))
    world.give({"modes": {"liquidation_only": True}})
    error = world.refused(lambda: world.market("entry"))
    assert "liquidation only" in str(error)
    assert world.client.close_position("SOLUSD")
