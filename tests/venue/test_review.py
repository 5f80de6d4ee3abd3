"""Executions that are taken back or corrected: the books, the activities, the trade stream, a client."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.models import TradeUpdate
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.client import ClientConnection

from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.venue.matching import Fill
from argo_actors.venue.modes import Modes
from argo_actors.venue.refusals import Refusal
from argo_actors.venue.store import Store
from tests.venue.desk import HOUR, Desk
from tests.venue.test_trade_stream import World, heard


def executions(desk: Desk) -> list[Fill]:
    return [one for one in desk.book.activities if not one.busted]


def checked(desk: Desk) -> None:
    """Cash and positions are those of the executions that are left."""
    cash, held = desk.book.account.start_cash, {}
    for one in executions(desk):
        sign = 1 if one.side == "buy" else -1
        cash -= sign * one.qty * one.price + one.fee_usd
        held[one.symbol] = held.get(one.symbol, Decimal(0)) + sign * one.qty - one.fee_qty
    assert desk.book.account.cash == cash
    for symbol, one in desk.book.positions.items():
        assert one.qty == held.get(symbol, 0)
        # What was paid for what is held, and what was won with the rest: nothing else.
        assert sum(
            (-1 if fill.side == "buy" else 1) * fill.qty * fill.price - fill.fee_usd
            for fill in executions(desk)
            if fill.symbol == symbol
        ) == pytest.approx(one.realised - one.cost, abs=Decimal("1e-15"))


def test_a_bust_takes_shares_and_money_back_and_the_activity_with_them() -> None:
    desk = Desk()
    order = desk.filled(qty="10")
    desk.told()
    desk.book.bust(executions(desk)[0].id)
    after = desk.read(order)
    assert (after["status"], after["filled_qty"], after["filled_avg_price"]) == (
        "filled",
        "0",
        None,
    )
    assert desk.ask("GET", "/account/activities/FILL")[1] == []
    assert desk.ask("GET", "/positions/AAPL")[0] == 404
    assert desk.book.account.cash == desk.book.account.start_cash
    assert desk.told() == [("trade_bust", order["id"])]
    assert desk.ask("GET", "/account/portfolio/history", period="1D", timeframe="1Min")[1][
        "equity"
    ][-1] == float(desk.book.account.start_cash)


def test_a_correction_changes_price_average_cost_and_cash() -> None:
    desk = Desk()
    order = desk.filled(qty="10")
    before = executions(desk)[0]
    desk.book.correct(before.id, Decimal(251))
    (row,) = desk.ask("GET", "/account/activities/FILL")[1]
    assert (row["price"], row["qty"]) == ("251", "10")
    assert not row["id"].endswith(before.id), "a correction is another execution"
    assert desk.read(order)["filled_avg_price"] == "251"
    assert desk.ask("GET", "/positions/AAPL")[1]["avg_entry_price"] == "251"
    checked(desk)


def test_an_exit_that_never_was_leaves_the_position_as_it_was() -> None:
    desk = Desk()
    desk.filled(qty="10")
    before = desk.ask("GET", "/positions/AAPL")[1]
    desk.filled(qty="4", side="sell")
    desk.book.bust(executions(desk)[-1].id)
    assert desk.ask("GET", "/positions/AAPL")[1] == before
    assert desk.book.position("AAPL").realised == 0
    checked(desk)


def test_what_cannot_be_changed_any_more_is_refused() -> None:
    desk = Desk()
    desk.filled()
    done = executions(desk)[0].id
    with pytest.raises(Refusal, match="execution not found"):
        desk.book.bust("nothing")
    with pytest.raises(Refusal, match="price"):
        desk.book.correct(done, Decimal(0))
    desk.book.bust(done)
    with pytest.raises(Refusal, match="execution not found"):
        desk.book.bust(done)
    desk.book.modes = Modes(partial_fills=1)
    desk.order(qty="40")
    desk.seconds(1)
    with pytest.raises(Refusal, match="still open"):
        desk.book.bust(executions(desk)[-1].id)


def test_a_bust_outlives_the_venue(tmp_path: Path) -> None:
    desk = Desk()
    desk.filled(qty="10")
    store = Store(tmp_path / "venue.db")
    store.save(desk.book)
    desk.book.bust(executions(desk)[0].id)
    store.save(desk.book)
    again = Desk()
    assert store.load(again.book)
    assert executions(again) == []
    assert again.position() == 0
    checked(again)


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["AAPL", "BTC/USD"]), st.sampled_from(["buy", "sell"]), st.integers(1, 9)
    ),
    min_size=1,
    max_size=6,
)
REVIEWS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["0", "0.97", "1.02"])))


@settings(max_examples=25, deadline=None)
@given(orders=ORDERS, reviews=REVIEWS)
def test_after_any_reviews_money_and_shares_are_those_of_the_executions(
    orders: list[tuple[str, str, int]], reviews: list[tuple[int, str]]
) -> None:
    desk = Desk()
    for symbol, side, qty in orders:
        amount = str(qty) if symbol == "AAPL" else f"0.0{qty}"
        desk.order(symbol=symbol, side=side, qty=amount)
        for _ in range(4):
            desk.seconds(1)
    for number, times in reviews:
        left = executions(desk)
        if not left:
            break
        fill = left[number % len(left)]
        if times == "0":
            desk.book.bust(fill.id)
        else:
            desk.book.correct(fill.id, round(fill.price * Decimal(times), 2))
    checked(desk)


def test_executions_are_taken_back_or_corrected_by_seed() -> None:
    def told(seed: int, **modes: float) -> list[str]:
        desk = Desk(seed=seed)
        desk.book.modes = Modes(partial_fills=0, **modes)
        for _ in range(8):
            desk.filled(qty="1")
        desk.told()
        desk.book.advance(desk.book.now + HOUR)
        checked(desk)
        return [name for name, _ in desk.told()]

    assert told(7, busts=1) == ["trade_bust"] * 8
    assert told(7, corrections=1) == ["trade_correct"] * 8
    some = told(7, busts=0.5, corrections=0.5)
    assert some == told(7, busts=0.5, corrections=0.5)
    assert 0 < some.count("trade_bust") < 8
    assert told(7) == []


def test_a_client_hears_of_both_and_finds_the_books_changed(tmp_path: Path) -> None:
    one = SimulatedWorld(["--seed", "7", "--lockstep"], tmp_path / "venue.log")
    world = World(one)
    try:
        listener = world.listener()
        order_id = world.buy()
        world.pass_time(5)
        fill = told(listener, "fill")
        asked: dict[str, Any] = {"execution_id": fill["execution_id"], "price": "199.99"}
        request(one.url, "POST", "/argo/executions", asked)
        corrected = told(listener, "trade_correct")
        assert corrected["previous_execution_id"] == fill["execution_id"]
        update = TradeUpdate(**corrected)
        assert (update.event, update.price, update.qty) == ("trade_correct", 199.99, 1)
        assert world.client.get_order_by_id(order_id).filled_avg_price == "199.99"
        request(one.url, "POST", "/argo/executions", {"execution_id": corrected["execution_id"]})
        busted = TradeUpdate(**told(listener, "trade_bust"))
        assert (busted.position_qty, busted.order.filled_qty) == (0, "0")
        assert world.client.get_all_positions() == []
        gone = request(one.url, "POST", "/argo/executions", {"execution_id": "nothing"})
        assert gone["code"] == 40410000
        assert "fix" in request(one.url, "POST", "/argo/executions", {"price": 3})
    finally:
        world.close()
        one.close()


def told(listener: ClientConnection, event: str) -> Any:
    """The next update of a kind."""
    while True:
        data = heard(listener)["data"]
        if data["event"] == event:
            return data
