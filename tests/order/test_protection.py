"""The protection ledger: what covers a position since when, and every interval without."""

from argo_actors.messages.order import (
    CancelOrder,
    Protected,
    ProtectionGap,
    SubmitOrder,
    Unprotected,
)
from argo_actors.order.protection import covers
from argo_actors.units import SECOND, Decimal
from tests.order.order_bench import Actor

TEN = {"qty": Decimal(10)}


def test_a_bracket_that_fills_whole_leaves_no_gap() -> None:
    actor = Actor()
    sent = actor.open(**TEN)
    (cover,) = covers(actor.state)
    assert (cover.order, cover.qty, cover.stop) == (sent.client_order_id, 10, 97)
    assert actor.state.protected_since == actor.now
    assert not actor.said(ProtectionGap)


def test_a_partial_fill_is_an_interval_that_the_complete_fill_ends() -> None:
    actor = Actor()
    actor.approve(**TEN)
    sent = actor.last(SubmitOrder)
    actor.report(sent, "partially_filled", filled=4)
    begun = actor.now
    actor.report(sent, "filled", after=0.4)
    (gap,) = actor.said(ProtectionGap)
    assert (gap.begin, gap.end) == (begun, begun + round(0.4 * SECOND))
    assert (gap.qty, gap.ended, gap.order) == (4, "protected", sent.client_order_id)
    assert gap.cause == "the entry is only partly filled"
    assert not gap.flagged


def test_a_lost_stop_is_flagged_after_a_second_and_ended_by_policy() -> None:
    actor = Actor()
    sent = actor.open(**TEN)
    actor.report(sent, "filled", legs=("canceled", "canceled"))
    begun = actor.now
    assert actor.pass_time(0.999) == [] or not actor.said(Unprotected)
    actor.pass_time(0.001)
    (flag,) = actor.said(Unprotected)
    assert (flag.since, flag.cause) == (begun, "its stop is canceled")
    actor.pass_time(5)
    assert actor.state.exit is not None
    assert actor.state.exit.reason == "unprotected"
    actor.position(10)
    closing = actor.last(SubmitOrder)
    assert (closing.leg, closing.qty) == ("exit", 10)
    actor.report(closing, "filled", after=0.5)
    (gap,) = actor.said(ProtectionGap)
    assert (gap.begin, gap.end) == (begun, actor.now)
    assert (gap.ended, gap.reason, gap.flagged) == ("closed", "unprotected", True)
    assert actor.state.position is None


def test_watch_leaves_a_position_that_cannot_be_protected_alone() -> None:
    actor = Actor(trading={"on_unprotected": "watch"})
    sent = actor.open(**TEN)
    actor.report(sent, "filled", legs=("canceled", "canceled"))
    actor.pass_time(1)
    actor.pass_time(60)
    assert actor.said(Unprotected)
    assert actor.state.exit is None


def coin() -> tuple[Actor, SubmitOrder]:
    """A coin with its stop in the book."""
    actor = Actor("BTC-USD")
    actor.approve(qty=Decimal(1))
    actor.report(actor.last(SubmitOrder), "filled")
    held = actor.state.position
    assert held is not None
    actor.position(held.qty)
    stop = actor.last(SubmitOrder)
    assert stop.leg == "stop"
    actor.report(stop, "working", after=0.2)
    return actor, stop


def test_a_coins_wait_for_its_stop_is_an_interval() -> None:
    actor, stop = coin()
    (gap,) = actor.said(ProtectionGap)
    assert (gap.end - gap.begin, gap.order) == (round(0.2 * SECOND), stop.client_order_id)
    assert gap.cause == "no protection confirmed yet"


def test_a_target_swap_is_one_interval_whatever_happens_in_it() -> None:
    """Its length counts from the cancelled stop to the stop that rests again."""
    actor, stop = coin()
    actor.quote(106.0)
    actor.quote(106.0, after=1)
    assert actor.last(CancelOrder).client_order_id == stop.client_order_id
    actor.report(stop, "canceled", after=0.1)
    begun = actor.now
    held = actor.state.position
    assert held is not None
    actor.position(held.qty, after=0.1)
    target = actor.last(SubmitOrder)
    assert target.leg == "target"
    actor.report(target, "canceled", after=0.5)
    actor.position(held.qty, after=0.1)
    again = actor.last(SubmitOrder)
    assert again.leg == "stop"
    actor.report(again, "working", after=0.1)
    gap = actor.last(ProtectionGap)
    assert (gap.begin, gap.end) == (begun, actor.now)
    assert gap.end - gap.begin == round(0.8 * SECOND)
    assert (gap.cause, gap.ended) == ("target swap", "protected")
    assert actor.last(Protected).order == again.client_order_id
