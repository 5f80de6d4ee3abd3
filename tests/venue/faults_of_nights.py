"""What happens to stocks overnight. Each case has a night of its own, later than those before it."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tests.venue.fault_table import case
from tests.venue.fault_world import SECOND, World

NEW_YORK = ZoneInfo("America/New_York")
ANNOUNCED = "/v2/corporate_actions/announcements?ca_types=split&since=2026-03-01&until=2026-03-31"


def split(symbol: str, ex_date: str, **more: Any) -> dict[str, Any]:
    """Ten shares for one."""
    rates = {"new_rate": 10, "old_rate": 1}
    return {"kind": "split", "symbol": symbol, "ex_date": ex_date, **rates, **more}


def until(world: World, day: str, hour: int = 9, minute: int = 31) -> None:
    """Time passes to a time of a day in New York, usually just after the open."""
    moment = datetime.combine(date.fromisoformat(day), time(hour, minute), NEW_YORK)
    to = int(moment.timestamp()) * SECOND
    while world.now < to:
        world.pass_time(min(1800, (to - world.now) / SECOND))


def held(world: World, symbol: str) -> tuple[float, float, float]:
    """Quantity, cost and price of a position."""
    one = world.client.get_open_position(symbol)
    return float(one.qty), float(one.cost_basis), float(one.current_price)


@case(
    "A stock splits overnight",
    "ten times the shares at a tenth of the price, with the same cost",
    actions=[split("AAPL", "2026-03-05")],
)
def _(world: World) -> None:
    world.filled(world.market("whole", "AAPL", 10))
    qty, cost, price = held(world, "AAPL")
    until(world, "2026-03-05")
    after = held(world, "AAPL")
    assert after[:2] == (10 * qty, cost)
    assert 0.08 * price < after[2] < 0.12 * price


@case(
    "A split that nobody announced",
    "as above, and no announcement before or after",
    actions=[split("AAPL", "2026-03-06", announced=False)],
)
def _(world: World) -> None:
    world.filled(world.market("unknown", "AAPL", 10))
    assert "2026-03-06" not in world.ask(ANNOUNCED).text
    until(world, "2026-03-06")
    assert held(world, "AAPL")[0] == 100
    assert "2026-03-06" not in world.ask(ANNOUNCED).text


@case(
    "The account follows a split half a day late",
    "at the open the new price and the old quantity, at noon the new quantity",
    actions=[split("MSFT", "2026-03-09", late_seconds=43200)],
)
def _(world: World) -> None:
    world.filled(world.market("late", "MSFT", 10))
    price = held(world, "MSFT")[2]
    until(world, "2026-03-09")
    qty, _, now = held(world, "MSFT")
    assert (qty, now < 0.2 * price) == (10, True)
    until(world, "2026-03-09", 12, 1)
    assert held(world, "MSFT")[0] == 100


@case(
    "A dividend",
    "more cash, a DIV among the activities, the price that much lower",
    actions=[{"kind": "dividend", "symbol": "SPY", "ex_date": "2026-03-10", "cash": "1.75"}],
)
def _(world: World) -> None:
    world.filled(world.market("paid", "SPY", 4))
    cash = float(world.client.get_account().cash)
    until(world, "2026-03-10")
    assert round(float(world.client.get_account().cash) - cash, 2) == 7
    rows = world.ask("/v2/account/activities/DIV").json()
    assert [row["net_amount"] for row in rows if row["symbol"] == "SPY"] == ["7"]


@case(
    "Every stock that is held splits overnight",
    "another quantity in the morning, announced at the close",
    modes={"splits_overnight": 1},
)
def _(world: World) -> None:
    until(world, "2026-03-10", 10, 0)
    world.filled(world.market("some", "JPM", 10))
    until(world, "2026-03-11")
    assert held(world, "JPM")[0] != 10
    assert "JPM" in world.ask(ANNOUNCED).text
