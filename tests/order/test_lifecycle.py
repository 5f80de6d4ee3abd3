"""From an approval to a closed position: what is asked for, when, and what is never asked for."""

import msgspec
import pytest

from argo_actors import keyed
from argo_actors.messages.order import (
    CancelOrder,
    EntrySettled,
    Fill,
    LookupOrder,
    OrderAbsent,
    OrderUnknown,
    PositionClosed,
    PositionOpened,
    Protected,
    ReadPosition,
    SubmitOrder,
    Unprotected,
)
from argo_actors.messages.system import Alert, Operator, Started
from argo_actors.units import SECOND, Decimal
from tests.order.order_bench import Actor, holds, hours, report


def test_a_stock_is_entered_by_a_native_bracket_that_stays_until_it_is_cancelled() -> None:
    actor = Actor()
    actor.approve()
    (entry,) = actor.said(SubmitOrder)
    assert (entry.order_class, entry.time_in_force, entry.type) == ("bracket", "gtc", "market")
    assert (entry.stop_loss, entry.take_profit) == (Decimal(97), Decimal(105))
    assert entry.client_order_id.endswith("-entry-1")
    assert entry.increases


def test_a_coin_is_entered_at_once_or_not_at_all_and_then_protected_by_a_wide_stop_limit() -> None:
    actor = Actor("BTC-USD")
    entry = actor.enter()
    assert (entry.order_class, entry.time_in_force) == ("simple", "ioc")
    actor.report(entry, "filled")
    actor.position("2.99254")
    stop = actor.last(SubmitOrder)
    assert (stop.leg, stop.type, stop.time_in_force) == ("stop", "stop_limit", "gtc")
    assert (stop.stop_price, stop.limit_price) == (Decimal(97), Decimal("96.03"))
    assert stop.qty == Decimal("2.9925"), "what is available, in whole increments"


def test_what_a_coin_earned_counts_a_fee_that_was_taken_in_coins_once() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    actor.approve("close_long")
    actor.report(actor.said(SubmitOrder)[1], "canceled")
    actor.position("2.9925")
    actor.report(actor.last(SubmitOrder), "filled", price="101")
    done = actor.last(PositionClosed)
    sold = Decimal("2.9925") * 101
    kept = Decimal("0.76")  # a quarter of a percent of it, in dollars
    assert done.pnl == sold - kept - 3 * 100
    assert done.fees == Decimal("0.0075") * 100 + kept


def test_coarse_increments_do_not_make_a_protected_coin_look_unprotected() -> None:
    actor = Actor("BTC-USD")
    entry = actor.enter(qty=Decimal("0.5"))
    actor.report(entry, "filled")
    actor.position("0.49875")
    actor.report(actor.last(SubmitOrder), "working")
    assert actor.last(SubmitOrder).qty == Decimal("0.4987")
    actor.pass_time(20)
    assert actor.phase == "protected"
    assert not actor.said(Unprotected)


def test_a_filled_bracket_is_protected_by_its_sleeping_stop() -> None:
    actor = Actor()
    actor.open()
    assert [one.qty for one in actor.said(Fill)] == [3]
    assert actor.said(PositionOpened)[0].qty == 3
    assert actor.last(Protected).order == actor.own("entry").id
    actor.pass_time(60)
    assert not actor.said(Unprotected)
    assert len(actor.said(SubmitOrder)) == 1


def test_one_second_after_the_first_partial_fill_the_rest_of_an_entry_is_cancelled() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "partially_filled", filled=1)
    actor.pass_time(0.9)
    assert not actor.cancels()
    actor.pass_time(0.2)
    assert actor.cancels() == [actor.own("entry").part.order_id]
    assert len(actor.said(SubmitOrder)) == 1, "nothing rests before the entry has ended"
    actor.report(entry, "canceled", filled=1, legs=("canceled", "canceled"))
    actor.position(1)
    protection = actor.last(SubmitOrder)
    assert (protection.leg, protection.order_class, protection.qty) == ("oco", "oco", 1)


def test_a_cancel_that_the_rest_of_the_entry_has_overtaken_is_over() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "partially_filled", filled=1)
    actor.pass_time(1.1)
    actor.report(entry, "filled")
    actor.pass_time(60)
    assert actor.phase == "protected"
    assert not actor.said(LookupOrder)
    actor.approve("close_long")
    assert actor.cancels()[1:] == ["b-" + entry.client_order_id + "-limit"], "its legs, at once"


def test_a_leg_that_rests_partly_filled_is_looked_up_with_growing_patience() -> None:
    actor = Actor()
    entry = actor.open()
    partly = {"legs": ("partially_filled", "held"), "leg_filled": (1, 0)}
    actor.report(entry, "filled", **partly)
    for _ in range(60):
        actor.pass_time(1)
        actor.report(entry, "filled", **partly)
    assert 5 <= len(actor.said(LookupOrder)) <= 12


def test_a_cancel_that_is_stuck_is_asked_for_with_patience_and_without_end() -> None:
    actor = Actor()
    actor.open()
    actor.approve("close_long")
    actor.pass_time(30)
    before = len(actor.cancels())
    assert actor.phase == "frozen"
    assert before >= 14
    actor.pass_time(60)
    assert 10 <= len(actor.cancels()) - before <= 12


def test_a_leg_in_whose_place_another_is_named_is_gone_unless_it_is_named_again() -> None:
    actor = Actor()
    entry = actor.open()
    first = report(entry, "filled")
    target, stop = first.legs
    new = msgspec.structs.replace(stop, order_id="new", status="working")
    actor.hear(msgspec.structs.replace(first, legs=(target, new)))
    assert keyed.get(actor.own("entry").legs, stop.order_id).status == "absent"
    assert actor.phase == "protected"
    done = msgspec.structs.replace(new, status="filled", filled_qty=Decimal(3))
    done = msgspec.structs.replace(done, filled_avg_price=Decimal(97))
    actor.hear(first)
    assert keyed.get(actor.own("entry").legs, stop.order_id).status == "held", "an old answer"
    over = msgspec.structs.replace(target, status="canceled")
    actor.hear(msgspec.structs.replace(first, legs=(over, done)))
    assert (actor.phase, actor.fills()) == ("flat", 0)


def test_what_a_leg_has_filled_waits_for_the_fill_of_its_entry() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "working", legs=("filled", "canceled"), leg_filled=(3, 0))
    assert not actor.said(Fill)
    assert not actor.said(Alert)
    assert not actor.cancels()
    assert actor.said(LookupOrder), "the entry's own fill has been missed"
    actor.report(entry, "filled", legs=("filled", "canceled"), leg_filled=(3, 0))
    assert [(one.leg, one.qty) for one in actor.said(Fill)] == [("entry", 3), ("target", 3)]
    assert actor.phase == "flat"


def test_a_position_that_has_closed_before_it_was_learned_was_opened_all_the_same() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "filled", legs=("filled", "canceled"), leg_filled=(3, 0))
    assert [(one.qty, one.avg_price) for one in actor.said(PositionOpened)] == [(3, 100)]
    assert len(actor.said(PositionClosed)) == 1
    actor.report(entry, "filled", legs=("filled", "filled"), leg_filled=(3, 3))
    actor.position(-3)
    actor.report(actor.last(SubmitOrder), "filled", price="97")
    assert actor.phase == "flat"
    assert len(actor.said(PositionOpened)) == 1, "what takes back is no entry"


@pytest.mark.parametrize("said_when", [True, False])
def test_a_leg_that_closes_has_a_time_of_its_own(said_when: bool) -> None:
    actor = Actor()
    entry = actor.open()
    opened, when = actor.now, actor.now + 90 * SECOND
    done = report(entry, "filled", legs=("filled", "canceled"), leg_filled=(3, 0), at=opened)
    target, stop = done.legs
    target = msgspec.structs.replace(target, event_at=when if said_when else 0)
    actor.hear(msgspec.structs.replace(done, legs=(target, stop), channel="list"), after=95)
    closed = actor.last(PositionClosed)
    assert closed.entry_at == opened
    assert closed.exit_at == (when if said_when else actor.now)


def test_sleeping_legs_of_a_partly_filled_entry_protect_nothing() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "partially_filled", filled=1, legs=("held", "held"))
    assert actor.phase == "partly"
    assert not actor.said(Protected)


def test_a_late_fill_after_canceled_counts_and_is_protected() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "canceled", legs=("canceled", "canceled"))
    assert actor.said(EntrySettled)[-1].outcome == "canceled"
    actor.report(entry, "canceled", filled=2, legs=("canceled", "canceled"))
    assert actor.fills() == 2
    actor.position(2)
    protection = actor.last(SubmitOrder)
    assert (protection.leg, protection.qty) == ("oco", 2)
    assert (protection.stop_loss, protection.take_profit) == (Decimal(97), Decimal(105))


def test_a_refused_oco_is_followed_by_a_simple_stop_half_a_second_later() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "canceled", filled=2, legs=("canceled", "canceled"))
    actor.position(2)
    actor.refuse(actor.last(SubmitOrder), "oco orders must be exit orders")
    assert actor.last(SubmitOrder).leg == "oco"
    actor.pass_time(0.6)
    actor.position(2)
    assert (actor.last(SubmitOrder).leg, actor.last(SubmitOrder).type) == ("stop", "stop")


def test_protection_that_cannot_be_placed_is_flagged_after_a_second_and_closed_five_later() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "canceled", filled=2, legs=("canceled", "canceled"))
    begun, tries = actor.now, 0
    while not actor.said(Unprotected) or actor.now < begun + 5_900_000_000:
        if actor.state.read.asked is not None and not actor.state.read.fresh:
            actor.position(2)
        command = actor.last(SubmitOrder)
        if command.leg in ("oco", "stop") and actor.own(command.leg).part.status == "sent":
            tries += 1
            actor.refuse(command, "no")
        actor.pass_time(0.1)
    assert tries == 3
    flagged = actor.said(Unprotected)[0]
    assert "no" in flagged.cause
    assert actor.last(SubmitOrder).leg == "stop"
    actor.pass_time(0.5)
    if not actor.state.read.fresh:
        actor.position(2)
    closing = actor.last(SubmitOrder)
    assert (closing.leg, closing.type, closing.qty) == ("exit", "market", 2)
    assert closing.position_intent == "sell_to_close"


def test_closing_cancels_waits_for_the_end_reads_and_only_then_sells() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    assert actor.cancels()
    assert actor.last(SubmitOrder) is not None
    assert len(actor.said(SubmitOrder)) == 1
    actor.report(entry, "filled", legs=("pending_cancel", "pending_cancel"))
    assert not actor.said(ReadPosition)
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    assert len(actor.said(SubmitOrder)) == 1
    actor.position(3)
    closing = actor.last(SubmitOrder)
    assert (closing.leg, closing.side, closing.qty) == ("exit", "sell", 3)
    assert (closing.position_intent, closing.time_in_force) == ("sell_to_close", "day")
    actor.report(closing, "filled", price="101")
    done = actor.last(PositionClosed)
    assert (done.reason, done.pnl) == ("signal", 3)
    assert actor.phase == "flat"


def test_a_leg_that_fills_while_it_is_cancelled_wins_and_nothing_is_sent() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    actor.report(entry, "filled", legs=("canceled", "filled"), leg_filled=(0, 3))
    assert len(actor.said(SubmitOrder)) == 1
    done = actor.last(PositionClosed)
    assert (done.reason, done.pnl) == ("stop", -9)
    assert actor.phase == "flat"


def test_nothing_is_sent_on_a_position_that_the_broker_does_not_hold() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.position(0)
    actor.pass_time(30)
    assert len(actor.said(SubmitOrder)) == 1
    assert actor.phase == "exiting"


@pytest.mark.parametrize("side", ["long", "short"])
def test_an_opposite_signal_cancels_a_pending_entry(side: str) -> None:
    actor = Actor()
    entry = actor.enter(side)
    actor.approve("cancel_entry")
    assert actor.cancels() == [actor.own("entry").part.order_id]
    actor.report(entry, "canceled", legs=("canceled", "canceled"))
    assert actor.phase == "flat"
    assert actor.last(EntrySettled).outcome == "canceled"


def test_a_second_approval_is_given_back() -> None:
    actor = Actor()
    actor.enter()
    actor.approve(signal="s2")
    assert len(actor.said(SubmitOrder)) == 1
    settled = actor.last(EntrySettled)
    assert (settled.signal, settled.outcome) == ("s2", "refused")


def test_an_unknown_outcome_is_looked_up_at_once_and_only_evidence_ends_it() -> None:
    actor = Actor()
    actor.approve()
    entry = actor.last(SubmitOrder)
    said = actor.hear(
        OrderUnknown(
            client_order_id=entry.client_order_id,
            symbol="AAPL",
            request="submit",
            reason="timeout",
            because=(),
        )
    )
    assert [one for one in said if isinstance(one, LookupOrder)]
    assert actor.phase == "recovering"
    assert actor.holding().pending_qty == 3, "it counts as exposure"
    for _ in range(20):
        actor.hear(_absent(actor, listed=False))
        actor.pass_time(4)
    assert actor.phase == "recovering", "a complete list is still missing"
    actor.hear(_absent(actor, listed=True))
    assert actor.phase == "flat"
    assert actor.last(EntrySettled).outcome == "expired"
    assert len(actor.said(SubmitOrder)) == 1


def _absent(actor: Actor, *, listed: bool) -> OrderAbsent:
    name = actor.said(SubmitOrder)[0].client_order_id
    return OrderAbsent(client_order_id=name, symbol=actor.symbol, listed=listed, because=())


def test_three_lookups_within_a_minute_prove_nothing() -> None:
    actor = Actor()
    actor.approve()
    for _ in range(10):
        actor.hear(_absent(actor, listed=True))
        actor.pass_time(5)
    assert actor.phase == "entering"
    assert actor.holding().pending_qty == 3


def test_a_restart_looks_up_what_was_in_the_air_and_sends_nothing_again() -> None:
    actor = Actor()
    actor.approve()
    said = actor.hear(Started(run=2, mode="paper"))
    assert [type(one) for one in said if isinstance(one, SubmitOrder | LookupOrder)] == [
        LookupOrder
    ]


def test_flatten_cancels_an_entry_and_closes_a_position() -> None:
    actor = Actor()
    actor.enter()
    actor.hear(Operator(state="flatten", who="me", why="test"))
    assert len(actor.cancels()) == 1
    other = Actor()
    other.open()
    other.hear(Operator(state="flatten", who="me", why="test"))
    assert len(other.cancels()) == 1


def test_a_flatten_outside_regular_hours_waits_protected_and_runs_at_the_open() -> None:
    actor = Actor()
    entry = actor.open()
    actor.hear(hours(is_open=False))
    actor.hear(Operator(state="flatten", who="me", why="test"))
    actor.pass_time(3600)
    assert not actor.said(CancelOrder)
    actor.hear(Started(run=2, mode="paper"))
    actor.reconcile(3, [_standing(actor, entry)])
    actor.hear(hours())
    assert actor.cancels()
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.position(3)
    assert actor.last(SubmitOrder).leg == "flat"


def _standing(actor: Actor, entry: SubmitOrder) -> object:
    from tests.order.order_bench import report

    return report(entry, "filled")


def test_after_a_late_fill_protection_and_exits_have_ids_of_their_own() -> None:
    actor = Actor()
    entry = actor.enter(qty=Decimal(10))
    actor.report(entry, "partially_filled", filled=3)
    actor.pass_time(1.1)
    actor.report(entry, "canceled", filled=3, legs=("canceled", "canceled"))
    actor.position(3)
    actor.report(actor.last(SubmitOrder), "working")
    actor.report(actor.last(SubmitOrder), "filled", legs=("canceled", "canceled"))
    assert len(actor.said(PositionClosed)) == 1
    actor.report(entry, "canceled", filled=5, legs=("canceled", "canceled"), after=5)
    actor.position(2)
    ids = [one.client_order_id for one in actor.said(SubmitOrder)]
    assert len(ids) == len(set(ids)) == 3, ids
    assert actor.last(SubmitOrder).qty == 2


def test_a_signal_that_was_over_before_its_close_was_heard_closes_nothing() -> None:
    actor = Actor()
    actor.open()
    actor.approve("close_long", expires_at=actor.now - 1)
    assert actor.phase == "protected"
    actor.approve("close_long", expires_at=actor.now)
    assert actor.phase == "exiting"


def test_a_name_given_again_long_after_its_order_tells_no_fill_twice() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.refuse(entry, "too late")  # it works already: nothing comes of it
    actor.report(entry, "filled")
    actor.report(entry, "filled", legs=("filled", "canceled"), leg_filled=(3, 0))
    assert actor.phase == "flat"
    actor.state = msgspec.structs.replace(actor.state, orders=())  # long ago
    actor.pass_time(3600)
    placed = actor.now - 3600 * SECOND
    actor.approve()
    again = actor.last(SubmitOrder)
    assert again.client_order_id == entry.client_order_id
    told = len(actor.said(Fill))
    actor.refuse(again, "client_order_id must be unique")
    actor.report(again, "filled", submitted_at=placed, legs=("filled", "canceled"))
    assert len(actor.said(Fill)) == told
    assert actor.phase == "flat"
    assert actor.last(EntrySettled).outcome == "refused"


def test_a_reading_that_was_asked_for_before_something_filled_sizes_no_exit() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    legs = ("canceled", "canceled")
    actor.report(entry, "filled", legs=legs)
    asked = actor.word_of(actor.last(ReadPosition))
    actor.report(entry, "filled", legs=legs, leg_filled=(0, 1))
    actor.hear(holds("AAPL", 3, because=(asked,)))
    assert len(actor.said(SubmitOrder)) == 1, "one of the three was sold meanwhile"
    actor.position(2)
    assert actor.last(SubmitOrder).qty == 2


def test_a_reading_that_answers_another_question_sizes_no_exit() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.hear(holds("AAPL", 3))
    assert len(actor.said(SubmitOrder)) == 1
    actor.position(3)
    assert actor.last(SubmitOrder).leg == "exit"


def test_a_list_that_says_otherwise_than_the_reading_has_it_read_again() -> None:
    """A stale reading says flat; once another shows the position, its exit waits for no whole truth."""
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.position(0)
    assert actor.phase == "exiting"
    asked = len(actor.said(ReadPosition))
    actor.hear(holds("AAPL", 0))
    assert len(actor.said(ReadPosition)) == asked
    actor.hear(holds("AAPL", 3))
    assert len(actor.said(ReadPosition)) == asked + 1
    actor.position(3)
    assert actor.last(SubmitOrder).leg == "exit"
