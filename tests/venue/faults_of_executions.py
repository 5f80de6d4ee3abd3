"""Executions that are changed after the event: seen by alpaca-py's clients."""

from tests.venue.fault_table import case
from tests.venue.fault_world import World


@case(
    "An execution is taken back",
    "a minute later trade_bust; the shares and the FILL are gone, the order stays filled",
    modes={"busts": 1, "partial_fills": 0},
)
def _(world: World) -> None:
    before = world.position("LTC/USD")
    one = world.market("busted", "LTC/USD", 1)
    world.filled(one)
    stream = world.updates()
    world.pass_time(61)
    assert stream.events() == ["trade_bust"]
    assert world.position("LTC/USD") == before
    assert (world.status(one), world.order(one).filled_qty) == ("filled", "0")
    assert world.ask(f"/v2/account/activities/FILL?order_id={one.id}").json() == []


@case(
    "An execution gets another price",
    "a minute later trade_correct; another average price, a hundredth worse",
    modes={"corrections": 1, "partial_fills": 0},
)
def _(world: World) -> None:
    one = world.market("corrected", "LTC/USD", 1)
    world.filled(one)
    price = float(world.order(one).filled_avg_price)
    stream = world.updates()
    world.pass_time(61)
    assert stream.events() == ["trade_correct"]
    assert abs(float(world.order(one).filled_avg_price) / price - 1.01) < 0.001
