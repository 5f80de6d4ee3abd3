"""Splits and dividends: what they do to prices, shares, orders, money and what is told of them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.data.enums import Adjustment
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import CorporateActionsRequest, StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.enums import CorporateActionType, OrderSide
from alpaca.trading.requests import GetCorporateAnnouncementsRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.venue.actions import Action, Dividend, Split
from argo_actors.venue.modes import Modes
from argo_actors.venue.sessions import SECOND, new_york_midnight
from argo_actors.venue.store import Store
from tests.venue.desk import HOUR, Desk
from tests.venue.test_exchange import World, market

THURSDAY = date(2026, 3, 5)
MIDNIGHT = new_york_midnight(THURSDAY)
MORNING = MIDNIGHT + 9 * HOUR + HOUR // 2
"""The open of the ex-date."""


def split(new: int, old: int = 1, symbol: str = "AAPL", **more: Any) -> Split:
    return Split(symbol=symbol, ex_date=THURSDAY, new_rate=new, old_rate=old, **more)


def overnight(desk: Desk, *actions: Action, until: int = MIDNIGHT + HOUR) -> None:
    for one in actions:
        desk.book.announce(one)
    desk.until(until)


def activity(desk: Desk, kind: str) -> Any:
    (found,) = desk.ask("GET", f"/account/activities/{kind}")[1]
    return found


@pytest.mark.parametrize(
    ("side", "new", "old", "qty", "average"),
    [
        ("buy", 10, 1, "100", "25.003"),
        ("sell", 10, 1, "-100", "24.998"),
        ("buy", 3, 2, "15", "166.686666667"),
        ("buy", 1, 3, "3.333333333", "750.090000075"),
        ("buy", 1, 20, "0.5", "5000.6"),
    ],
)
def test_a_split_changes_shares_and_average_price_and_nobodys_wealth(
    side: str, new: int, old: int, qty: str, average: str
) -> None:
    desk = Desk()
    desk.filled(side=side)
    desk.until(MIDNIGHT - SECOND)
    equity, cost = desk.book.equity(), desk.ask("GET", "/positions/AAPL")[1]["cost_basis"]
    overnight(desk, split(new, old))
    position = desk.ask("GET", "/positions/AAPL")[1]
    assert (position["qty"], position["avg_entry_price"]) == (qty, average)
    assert position["cost_basis"] == cost
    assert abs(Decimal(position["change_today"])) < Decimal("0.001"), "no fall since yesterday"
    # The quote's spread is a cent at least, and each share pays it.
    assert abs(desk.book.equity() - equity) <= max(abs(Decimal(qty)), 1) * Decimal("0.1")


def test_a_split_is_an_activity_with_the_shares_that_came() -> None:
    desk = Desk()
    desk.filled()
    overnight(desk, split(10))
    found = activity(desk, "SPLIT")
    assert (found["symbol"], found["qty"], found["net_amount"]) == ("AAPL", "90", "0")
    assert (found["activity_sub_type"], found["date"]) == ("FSPLIT", "2026-03-05")
    other = Desk()
    other.filled()
    overnight(other, split(1, 10))
    assert (activity(other, "SPLIT")["qty"], activity(other, "SPLIT")["activity_sub_type"]) == (
        "-9",
        "RSPLIT",
    )


def test_who_holds_nothing_hears_of_no_activity() -> None:
    desk = Desk()
    overnight(desk, split(10))
    assert desk.ask("GET", "/account/activities/SPLIT")[1] == []
    assert desk.ask("GET", "/positions")[1] == []


def test_the_history_follows_shares_and_dividends() -> None:
    desk = Desk()
    desk.filled()
    dividend = Dividend(symbol="AAPL", ex_date=THURSDAY, cash=Decimal("2.50"))
    overnight(desk, split(10), dividend)
    desk.until(MORNING + HOUR)
    found = desk.ask("GET", "/account/portfolio/history", period="1D", timeframe="1Min")[1]
    assert found["equity"][-1] == float(round(desk.book.equity(), 2))


def test_a_simple_order_is_adjusted_to_more_shares_and_says_so() -> None:
    desk = Desk()
    desk.filled()
    buy = desk.order(type="limit", limit_price="199.99", symbol="MSFT", qty="7")
    stop = desk.order(type="stop", stop_price="240", side="sell")
    desk.seconds(1)
    desk.told()
    overnight(desk, split(3, 2), split(3, 2, "MSFT"))
    buy, stop = desk.read(buy), desk.read(stop)
    assert (buy["qty"], buy["limit_price"], buy["status"]) == ("10", "133.33", "new")
    assert (stop["qty"], stop["stop_price"], stop["status"]) == ("15", "160", "new")
    assert desk.told() == [("restated", stop["id"]), ("restated", buy["id"])]
    assert desk.ask("GET", "/positions/AAPL")[1]["qty_available"] == "0"


def test_a_simple_order_is_cancelled_where_shares_become_fewer() -> None:
    desk = Desk()
    desk.filled()
    stop = desk.order(type="stop", stop_price="240", side="sell")
    desk.seconds(1)
    desk.told()
    overnight(desk, split(1, 5))
    assert desk.read(stop)["status"] == "canceled"
    assert desk.told() == [("canceled", stop["id"])]
    assert desk.ask("GET", "/positions/AAPL")[1]["qty_available"] == "2"


def test_legs_keep_price_and_quantity_and_the_stop_is_hit_at_the_open() -> None:
    desk = Desk()
    entry = desk.bracket()
    overnight(desk, split(10))
    leg = desk.leg(entry, "stop")
    assert (leg["qty"], leg["stop_price"], leg["status"]) == ("10", "240", "held")
    desk.until(MORNING + 60 * SECOND)
    for _ in range(5):
        desk.seconds(1)
    assert desk.leg(entry, "stop")["status"] == "filled"
    assert desk.position() == 90, "ten of a hundred shares are gone for a tenth of their price"


def test_the_account_may_follow_hours_after_the_prices() -> None:
    desk = Desk()
    desk.filled()
    overnight(desk, split(10, late_seconds=12 * 3600))
    position = desk.ask("GET", "/positions/AAPL")[1]
    assert (position["qty"], position["current_price"]) == ("10", "25")
    desk.until(MIDNIGHT + 13 * HOUR)
    assert desk.position() == 100


def test_a_dividend_is_paid_by_the_share_and_leaves_the_price() -> None:
    desk = Desk()
    desk.filled(qty="10")
    desk.filled(symbol="MSFT", qty="5", side="sell")
    desk.until(MIDNIGHT - SECOND)
    equity = desk.book.equity()
    paid = [
        Dividend(symbol=one, ex_date=THURSDAY, cash=Decimal("2.50")) for one in ("AAPL", "MSFT")
    ]
    overnight(desk, *paid)
    found = {one["symbol"]: one for one in desk.ask("GET", "/account/activities/DIV")[1]}
    assert (found["AAPL"]["net_amount"], found["AAPL"]["qty"]) == ("25", "10")
    assert (found["MSFT"]["net_amount"], found["MSFT"]["per_share_amount"]) == ("-12.5", "2.5")
    assert abs(desk.book.equity() - equity) < Decimal("0.5")


def test_actions_outlive_the_venue_and_happen_once(tmp_path: Path) -> None:
    desk = Desk()
    desk.filled()
    desk.book.announce(split(10))
    store = Store(tmp_path / "venue.db")
    store.save(desk.book)
    again = Desk()
    assert store.load(again.book)
    overnight(again)
    assert again.position() == 100
    store.save(again.book)
    third = Desk()
    assert store.load(third.book)
    third.until(MORNING)
    assert (third.position(), third.book.mark("AAPL")) == (100, again.book.mark("AAPL"))


def test_held_stocks_split_overnight_by_seed() -> None:
    def run(seed: int) -> tuple[list[str], Decimal]:
        desk = Desk(seed=seed)
        desk.book.modes = Modes(splits_overnight=1)
        desk.filled()
        desk.until(MIDNIGHT - HOUR)
        told = [one.action.key for one in desk.book.account.actions]
        desk.until(MORNING)
        return told, desk.position()

    told, shares = run(7)
    assert told == ["split AAPL 2026-03-05"], "announced at the close"
    assert shares != 10
    assert run(7) == (told, shares)
    assert len({run(seed)[1] for seed in range(10)}) > 3
    desk = Desk()
    desk.filled()
    desk.until(MORNING)
    assert desk.position() == 10


@settings(max_examples=20, deadline=None)
@given(
    qty=st.integers(1, 40),
    side=st.sampled_from(["buy", "sell"]),
    new=st.integers(1, 50),
    old=st.integers(1, 50),
    cash=st.one_of(st.none(), st.decimals("0.01", "9.99", places=2)),
    resting=st.integers(0, 3),
)
def test_whatever_the_rates_cost_and_wealth_are_kept_and_no_order_holds_more_than_there_is(
    qty: int, side: str, new: int, old: int, cash: Decimal | None, resting: int
) -> None:
    if new == old:
        return
    desk = Desk()
    desk.filled(qty=str(qty), side=side)
    closing, far = ("sell", "400") if side == "buy" else ("buy", "100")
    for _ in range(min(resting, qty)):
        desk.order(side=closing, type="limit", limit_price=far, qty="1")
    desk.until(MIDNIGHT - SECOND)
    before, equity = desk.book.position("AAPL").cost, desk.book.equity()
    paid = [] if cash is None else [Dividend(symbol="AAPL", ex_date=THURSDAY, cash=cash)]
    overnight(desk, *paid, split(new, old))
    position = desk.book.position("AAPL")
    assert position.cost == before
    whole = (qty if side == "buy" else -qty) * Decimal(new) / old
    assert abs(position.qty - whole) < Decimal("1e-9") * 2
    # Quotes lie on the price grid: a spread of a tick a share, and what is cut behind nine decimals.
    assert abs(desk.book.equity() - equity) <= max(abs(whole), qty) * Decimal("0.15") + 1
    assert sum(one.left for one in desk.book.live()) <= abs(position.qty)
    assert not [one for one in desk.book.live() if new < old]


PLAN: dict[str, Any] = {
    "actions": [
        {
            "kind": "split",
            "symbol": "AAPL",
            "ex_date": "2026-03-05",
            "new_rate": 4,
            "old_rate": 1,
        },
        {"kind": "split", "symbol": "MSFT", "ex_date": "2026-03-05", "new_rate": 1, "old_rate": 8},
        {"kind": "dividend", "symbol": "SPY", "ex_date": "2026-03-05", "cash": "1.75"},
        {
            "kind": "split",
            "symbol": "NVDA",
            "ex_date": "2026-03-06",
            "new_rate": 2,
            "old_rate": 1,
            "announced": False,
        },
    ]
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Ten minutes before a close; the next day begins with splits and a dividend."""
    path = tmp_path_factory.mktemp("actions")
    plan = path / "plan.json"
    plan.write_text(json.dumps(PLAN))
    options = ["--seed", "7", "--lockstep", "--start", "2026-03-04T20:50:00Z"]
    found = World(SimulatedWorld([*options, "--faults", str(plan)], path / "venue.log"))
    yield found
    found.close()
    found.one.close()


def bars(world: World, symbol: str, adjustment: Adjustment) -> list[Any]:
    keys = world.one.about["key_id"], world.one.about["secret"]
    client = StockHistoricalDataClient(*keys, url_override=world.one.url)
    asked = StockBarsRequest(
        symbol_or_symbols=symbol,
        timeframe=TimeFrame.Hour,
        start=datetime(2026, 3, 4, 15, tzinfo=UTC),
        adjustment=adjustment,
    )
    found = list(client.get_stock_bars(asked).data[symbol])
    client._session.close()
    return found


def test_a_client_is_told_of_actions_and_finds_them_in_account_and_bars(world: World) -> None:
    wanted = GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.SPLIT, CorporateActionType.DIVIDEND],
        since=THURSDAY - timedelta(7),
        until=THURSDAY + timedelta(7),
    )
    with pytest.warns(DeprecationWarning, match="deprecated"):
        found = world.client.get_corporate_announcements(wanted)
    told = {one.initiating_symbol: (one.ca_sub_type, one.new_rate, one.cash) for one in found}
    assert told == {
        "AAPL": ("stock_split", 4, 0),
        "MSFT": ("reverse_split", 1, 0),
        "SPY": ("cash", 1, 1.75),
    }, "NVDA's is announced to nobody"
    one = world.client.get_corporate_announcement_by_id(found[0].id)
    assert (one.ex_date, one.old_rate) == (THURSDAY, 1)
    keys = world.one.about["key_id"], world.one.about["secret"]
    data = CorporateActionsClient(*keys, url_override=world.one.url)
    sets = data.get_corporate_actions(CorporateActionsRequest(start=THURSDAY, end=THURSDAY)).data
    data._session.close()
    assert set(sets) == {"forward_splits", "reverse_splits", "cash_dividends"}

    world.filled(world.client.submit_order(market("AAPL", 5, OrderSide.BUY)))
    before = world.client.get_open_position("AAPL")
    close = bars(world, "AAPL", Adjustment.RAW)[-1].close
    assert bars(world, "AAPL", Adjustment.SPLIT)[-1].close == close, "not yet"
    for _ in range(18):
        world.pass_time(1800)
    assert world.now > MIDNIGHT
    after = world.client.get_open_position("AAPL")
    assert (Decimal(after.qty), after.cost_basis) == (20, before.cost_basis)
    raw, adjusted = bars(world, "AAPL", Adjustment.RAW), bars(world, "AAPL", Adjustment.SPLIT)
    for then, now in zip(raw, adjusted, strict=True):
        assert now.close == pytest.approx(then.close / 4, abs=1e-4)
        assert now.volume == pytest.approx(then.volume * 4, abs=4)
    assert bars(world, "SPY", Adjustment.RAW) == bars(world, "SPY", Adjustment.SPLIT)
    paid = bars(world, "SPY", Adjustment.ALL)[-1].close
    assert bars(world, "SPY", Adjustment.RAW)[-1].close - paid == pytest.approx(1.75, abs=0.02)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"symbol": "NOPE"}, "no stock of this market"),
        ({"symbol": "BTC/USD"}, "no stock of this market"),
        ({"ex_date": "2026-03-07"}, "not a trading day to come"),
        ({"ex_date": "2026-02-02"}, "not a trading day to come"),
        ({"new_rate": 1}, "two different rates"),
        ({"new_rate": 0}, ">= 1"),
    ],
)
def test_an_action_that_cannot_be_is_refused_with_what_could(
    world: World, changed: dict[str, Any], said: str
) -> None:
    action = PLAN["actions"][0] | {"ex_date": "2026-03-09"} | changed
    found = request(world.one.url, "POST", "/argo/faults", {"actions": [action]})
    assert said in found["message"]
    assert found["fix"]
