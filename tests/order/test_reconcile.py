"""The broker's truth against the books: differences told, what is foreign, what a person decides about it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_actors.messages.order import (
    CancelOrder,
    Fill,
    Holding,
    LookupOrder,
    OrderAbsent,
    OrderReport,
    OrderUnknown,
    PositionClosed,
    Protected,
    ReadPosition,
    Reconcile,
    SubmitOrder,
    Unprotected,
)
from argo_actors.messages.system import Operator
from argo_actors.messages.truth import Adopted, Corrected, Discrepancy, Resolve, Resolved
from argo_actors.units import DAY, SECOND, ZERO, Decimal
from tests.order.order_bench import Actor, holds, hours, report

TEN = {"qty": Decimal(10)}
EVERYTHING = Operator(state="flatten", who="me", why="now", everything=True)


def resolve(verdict: Any, item: str = "position", **changes: Any) -> Resolve:
    return Resolve(symbol="AAPL", item=item, verdict=verdict, who="me", why="test", **changes)


def told(actor: Actor) -> list[tuple[str, str, str]]:
    return [(one.what, one.before, one.after) for one in actor.said(Discrepancy)]


def test_books_that_agree_tell_of_no_difference() -> None:
    actor = Actor()
    sent = actor.open(**TEN)
    listed = report(sent, "filled", channel="list")
    actor.reconcile(10, [listed], after=5)
    assert told(actor) == []
    assert actor.state.foreign == 0


def test_a_fill_that_only_the_list_tells_of_is_a_difference_and_a_fill() -> None:
    actor = Actor()
    actor.approve(**TEN)
    sent = actor.last(SubmitOrder)
    actor.report(sent, "working")
    listed = report(sent, "filled", channel="list")
    actor.reconcile(10, [listed], after=5)
    ((what, before, after),) = told(actor)
    assert what == f"order {sent.client_order_id}"
    assert before.startswith("working 0/10")
    assert after.startswith("filled 10/10")
    assert [one.qty for one in actor.said(Fill)] == [10]
    assert actor.state.foreign == 0, "our own fill is not somebody else's position"


def test_a_bracket_that_ended_unseen_and_is_listed_no_more_is_looked_up() -> None:
    """Its stop filled days after its entry, while nobody listened: a list goes back some days only."""
    actor = Actor()
    sent = actor.open(**TEN)
    actor.reconcile(0, after=5 * DAY / SECOND)
    assert len(actor.said(LookupOrder)) == 1
    actor.report(sent, "filled", legs=("canceled", "filled"), leg_filled=(0, 10))
    actor.reconcile(0, after=20)
    closed = actor.last(PositionClosed)
    assert (closed.reason, closed.exit_price, actor.phase) == ("stop", 97, "flat")
    assert not actor.said(Corrected)


def test_what_is_held_has_an_entry_of_unknown_outcome_looked_up_at_once() -> None:
    actor = Actor()
    actor.approve()
    cid = actor.last(SubmitOrder).client_order_id
    actor.hear(
        OrderUnknown(client_order_id=cid, symbol="AAPL", request="submit", reason="", because=())
    )
    actor.pass_time(18)
    before = len(actor.said(LookupOrder))
    actor.hear(holds("AAPL", 0))
    assert len(actor.said(LookupOrder)) == before
    said = actor.hear(holds("AAPL", 3))
    assert [one for one in said if isinstance(one, LookupOrder)]
    actor.pass_time(5)
    assert len(actor.said(LookupOrder)) == before + 2, "and soon again"


def test_a_bracket_that_no_lookup_finds_either_is_believed_to_be_gone() -> None:
    actor = Actor()
    sent = actor.open(**TEN)
    cid = sent.client_order_id
    asked = 0
    for _ in range(90):
        actor.pass_time(1)
        actor.reconcile(0)
        while asked < len(actor.said(LookupOrder)):
            asked += 1
            actor.hear(OrderAbsent(client_order_id=cid, symbol="AAPL", listed=True, because=()))
        early = actor.now - actor.own("entry").sent_at < 60 * SECOND
        assert not (early and actor.said(Corrected)), "proof takes a minute"
    assert [one.qty for one in actor.said(Corrected)] == [10]
    assert actor.phase == "flat"


def test_a_list_that_lacks_a_stop_proves_nothing_so_soon_after_it_was_taken() -> None:
    actor = Actor("BTC-USD")
    entry = actor.open()
    filled = report(entry, "filled")
    actor.reconcile("2.9925", [filled], after=5)
    assert (actor.phase, told(actor)) == ("protected", [])
    assert "in no list yet" in actor.last(Reconcile).reason
    actor.pass_time(4.9)
    assert not actor.said(Unprotected)
    actor.reconcile("2.9925", [filled], after=1)
    assert actor.phase == "recovering"
    actor.pass_time(1)
    assert actor.said(Unprotected)


def test_an_answer_that_the_next_process_hears_proves_no_more_than_when_it_was_read() -> None:
    actor = Actor()
    actor.approve()
    cid = actor.last(SubmitOrder).client_order_id
    actor.hear(
        OrderUnknown(client_order_id=cid, symbol="AAPL", request="submit", reason="", because=())
    )
    gone = {"client_order_id": cid, "symbol": "AAPL", "listed": True, "because": ()}
    first = actor.now
    for seconds in (0, 30, 55):
        actor.now = first + 70 * SECOND if seconds == 55 else first + seconds * SECOND
        actor.hear(OrderAbsent(**gone, read_at=first + seconds * SECOND))
    assert actor.own("entry").part.status == "lost"
    actor.hear(OrderAbsent(**gone, read_at=first + 70 * SECOND))
    assert actor.own("entry").part.status == "absent"


def test_an_answer_counts_though_the_question_has_been_asked_again_meanwhile() -> None:
    actor = Actor()
    entry = actor.open()
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    first = actor.word_of(actor.last(ReadPosition))
    actor.pass_time(3.5)
    assert len(actor.said(ReadPosition)) == 2
    actor.hear(holds("AAPL", 3, because=(first,)))
    assert (actor.last(SubmitOrder).leg, actor.last(SubmitOrder).qty) == ("oco", 3)


def test_a_stop_for_what_the_broker_holds_rests_while_its_truth_is_asked_for() -> None:
    actor = Actor()
    entry = actor.open()
    actor.pass_time(1)
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.position(2)
    stop = actor.last(SubmitOrder)
    assert (stop.leg, stop.qty) == ("oco", 2)
    actor.report(stop, "working", legs=("working", "held"))
    actor.pass_time(3)
    assert "the broker holds 2" in actor.last(Reconcile).reason
    orders = [report(entry, "filled", legs=("canceled", "canceled"))]
    orders += [report(stop, "working", legs=("working", "held"))]
    actor.reconcile(2, orders)
    actor.reconcile(2, orders, after=2)
    assert [one.qty for one in actor.said(Corrected)] == [1]
    assert (actor.phase, actor.cancels()) == ("protected", [])


def test_a_position_that_is_not_there_is_not_read_so_often_that_nothing_else_is() -> None:
    actor = Actor()
    entry = actor.open()
    actor.hear(hours(False))  # in session it would be closed
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    for _ in range(240):
        if actor.state.read.asked is not None:
            actor.position(0, after=0.25)
        else:
            actor.pass_time(0.25)
    assert len(actor.said(ReadPosition)) < 35
    assert "the broker holds 0" in actor.last(Reconcile).reason


def test_a_foreign_position_is_told_once_and_shown() -> None:
    actor = Actor()
    actor.reconcile(-7, price=90, after=5)
    actor.reconcile(-7, price=90, after=60)
    assert told(actor) == [("foreign position", "0", "-7 at 90")]
    standing = actor.last(Holding)
    assert (standing.own, standing.side, standing.qty) == (False, "sell", 7)
    assert standing.avg_price == 90
    assert not actor.said(SubmitOrder)
    assert not actor.said(CancelOrder)
    actor.reconcile(0, after=60)
    assert told(actor)[-1][:2] == ("foreign position", "-7")
    assert actor.last(Holding).side is None


def test_foreign_orders_come_and_go_as_facts() -> None:
    actor = Actor()
    actor.reconcile(0, foreign=(actor.foreign("sell"),), after=5)
    actor.reconcile(0, after=60)
    assert told(actor) == [
        ("foreign order id-sell-stop", "-", "sell 10 stop at 95, working"),
        ("foreign order id-sell-stop", "sell 10 stop at 95, working", "-"),
    ]


def test_what_lies_beside_our_position_is_never_sold_with_it() -> None:
    actor = Actor()
    sent = actor.open(**TEN)
    listed = report(sent, "filled", channel="list")
    actor.reconcile(14, [listed], after=5)
    assert actor.state.foreign == 4
    assert actor.last(Holding).foreign_qty == 4
    actor.approve("close_long")
    actor.report(sent, "filled", legs=("canceled", "canceled"))
    actor.position(14)
    assert (actor.last(SubmitOrder).leg, actor.last(SubmitOrder).qty) == ("exit", 10)


def test_what_lies_beside_our_position_can_be_adopted_into_it() -> None:
    """Ten of ours at 100 and four at 90: the stop is to cover all fourteen."""
    actor = Actor()
    sent = actor.open(**TEN)
    listed = report(sent, "filled", channel="list")
    actor.reconcile(14, [listed], price=90, after=5)
    actor.hear(resolve("close"))
    assert not actor.last(Resolved).done, "closing it would close ours"
    actor.hear(resolve("adopt"))
    held = actor.state.position
    assert held is not None
    assert (held.qty, held.paid, held.stop, actor.state.foreign) == (14, 1360, 97, 0)
    assert actor.said(CancelOrder), "the old stop covers ten only"
    actor.report(sent, "filled", legs=("canceled", "canceled"))
    actor.position(14)
    stop = actor.last(SubmitOrder)
    assert (stop.leg, stop.qty, stop.stop_loss) == ("oco", 14, 97)


def closed_by_hand(*readings: float) -> Actor:
    actor = Actor()
    sent = actor.open(**TEN)
    listed = report(sent, "filled", legs=("canceled", "canceled"), channel="list")
    theirs = actor.foreign(
        "sell", "market", status="filled", filled_qty=Decimal(10), filled_avg_price=Decimal(104)
    )
    for after in readings:
        actor.reconcile(0, [listed], others=(theirs,), after=after)
    return actor


def test_a_position_closed_by_somebody_else_is_believed_at_the_second_reading() -> None:
    assert not closed_by_hand(5, 1.9).said(Corrected)
    actor = closed_by_hand(5, 2)
    assert ("position", "10", "0") in told(actor)
    (found,) = actor.said(Corrected)
    assert (found.side, found.qty, found.price) == ("sell", 10, 104)
    (closed,) = actor.said(PositionClosed)
    assert (closed.reason, closed.exit_price, closed.pnl) == ("foreign", 104, 40)
    assert actor.state.position is None
    assert not [one for one in actor.said(SubmitOrder) if one.leg != "entry"]


def test_the_second_reading_is_asked_for() -> None:
    actor = closed_by_hand(5)
    assert not actor.said(Reconcile)
    actor.pass_time(2)
    assert actor.last(Reconcile).symbols == ("AAPL",)


def test_a_reading_older_than_the_last_fill_says_nothing_of_the_position() -> None:
    actor = Actor()
    sent = actor.open(**TEN)
    listed = report(sent, "filled", channel="list")
    for _ in range(3):
        actor.reconcile(0, [listed], read_at=actor.state.filled_at, after=3)
    assert told(actor) == []
    assert not actor.said(Corrected)


def test_an_adopted_position_is_protected_and_closed_by_the_rules() -> None:
    actor = Actor()
    actor.reconcile(10, market=Decimal(200), after=5)
    actor.hear(resolve("adopt"), after=1)
    (adopted,) = actor.said(Adopted)
    assert (adopted.side, adopted.qty, adopted.price) == ("buy", 10, 100)
    assert (adopted.stop, adopted.target) == (194, 210)
    assert actor.last(Resolved).done
    actor.position(10)
    stop = actor.last(SubmitOrder)
    assert (stop.leg, stop.qty, stop.stop_loss, stop.take_profit) == ("oco", 10, 194, 210)
    assert actor.last(Holding).own
    held = actor.state.position
    assert held is not None
    assert held.id.isalnum()
    assert len(held.id) == 16


def test_a_foreign_stop_comes_along_when_it_is_wished_and_only_then() -> None:
    actor = Actor()
    actor.reconcile(10, foreign=(actor.foreign("sell"),), after=5)
    actor.hear(resolve("adopt"), after=1)
    refused = actor.last(Resolved)
    assert (refused.done, actor.state.position) == (False, None)
    assert "--with-orders" in refused.note
    actor.hear(resolve("adopt", with_orders=True))
    assert [one.stop for one in actor.said(Adopted)] == [95]
    assert actor.last(Protected).order == "theirs-sell-stop"
    assert not actor.said(SubmitOrder)
    done = actor.foreign(
        "sell", status="filled", filled_qty=Decimal(10), filled_avg_price=Decimal(95)
    )
    actor.hear(done)
    (closed,) = actor.said(PositionClosed)
    assert (closed.reason, closed.pnl) == ("stop", -50)


def test_an_adopted_order_that_ends_unseen_is_looked_up_and_not_foreign_any_more() -> None:
    actor = Actor()
    actor.reconcile(10, foreign=(actor.foreign("sell"),), after=5)
    actor.hear(resolve("adopt", with_orders=True), after=1)
    actor.reconcile(10, foreign=(actor.foreign("sell"),), after=60)
    assert actor.state.foreign == 0
    assert actor.state.foreign_list == ()
    actor.reconcile(10, after=60)
    mine = dict(actor.state.orders)["theirs-sell-stop"]
    assert mine.part.status == "lost"


def test_closing_a_foreign_position_cancels_what_holds_it_and_sells_what_is_there() -> None:
    actor = Actor()
    stop = actor.foreign("sell")
    actor.reconcile(10, foreign=(stop,), after=5)
    actor.hear(resolve("close", with_orders=True), after=1)
    assert [one.order_id for one in actor.said(CancelOrder)] == ["id-sell-stop"]
    actor.hear(actor.foreign("sell", status="canceled"))
    actor.position(10)
    assert (actor.last(SubmitOrder).leg, actor.last(SubmitOrder).qty) == ("flat", 10)
    actor.report(actor.last(SubmitOrder), "filled")
    assert actor.last(PositionClosed).reason == "operator"


def test_a_foreign_order_is_cancelled_or_ignored_by_name_only() -> None:
    actor = Actor()
    actor.reconcile(0, foreign=(actor.foreign("buy", "limit"),), after=5)
    actor.hear(resolve("close", "id-other"))
    assert not actor.last(Resolved).done
    actor.hear(resolve("adopt", "id-buy-limit"))
    assert not actor.last(Resolved).done
    actor.hear(resolve("ignore", "id-buy-limit"))
    assert actor.state.ignored == ("id-buy-limit",)
    assert not actor.said(CancelOrder)
    actor.hear(resolve("close", "id-buy-limit"))
    assert [one.order_id for one in actor.said(CancelOrder)] == ["id-buy-limit"]


@pytest.mark.parametrize("everything", [False, True])
def test_flatten_touches_foreign_items_only_when_it_means_all(everything: bool) -> None:
    actor = Actor()
    orders = (actor.foreign("sell"), actor.foreign("buy", "limit"))
    actor.reconcile(10, foreign=orders, after=5)
    actor.hear(Operator(state="flatten", who="me", why="now", everything=everything))
    cancelled = {one.order_id for one in actor.said(CancelOrder)}
    assert cancelled == ({"id-sell-stop", "id-buy-limit"} if everything else set())
    assert bool(actor.said(Adopted)) is everything


@settings(max_examples=60)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=6), st.booleans())
def test_whatever_others_hold_we_send_nothing_and_end_where_the_broker_is(
    quantities: list[int], ours: bool
) -> None:
    """A foreign quantity is only counted; our own and the foreign one make the broker's."""
    actor = Actor()
    reports: tuple[OrderReport, ...] = ()
    if ours:
        sent = actor.open(**TEN)
        reports = (report(sent, "filled", channel="list"),)
    before = len(actor.said(SubmitOrder))
    for quantity in (*quantities, quantities[-1], quantities[-1]):
        actor.reconcile(quantity, reports, after=5)
    held = actor.state.position
    own = 0 if held is None else held.qty
    assert own + actor.state.foreign == quantities[-1]
    assert len(actor.said(SubmitOrder)) == before


def test_shares_that_cost_nothing_are_adopted_at_the_price_of_now() -> None:
    free = {"avg_entry_price": ZERO, "market_price": Decimal(200)}
    for word in (resolve("adopt"), EVERYTHING):
        actor = Actor()
        actor.reconcile(10, position=holds("AAPL", 10, **free), after=5)
        actor.hear(word, after=1)
        assert actor.last(Adopted).price == 200
        actor.hear(EVERYTHING)
        actor.position(10)
        sale = actor.last(SubmitOrder)
        assert (sale.leg, sale.qty, sale.reference_price) == ("flat", 10, 200)


def test_a_position_without_any_price_is_not_adopted() -> None:
    for word in (resolve("adopt"), EVERYTHING):
        actor = Actor()
        actor.reconcile(10, position=holds("AAPL", 10, avg_entry_price=ZERO), after=5)
        actor.hear(word, after=1)
        assert not actor.last(Resolved).done
        assert actor.state.position is None
