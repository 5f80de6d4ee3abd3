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
from tests.order.actor import Actor


def test_a_bracket_that_fills_whole_leaves_no_gap() -> None:
    actor = Actor()
    sent = actor.bracket()
    (cover,) = covers(actor.state)
    assert (cover.order, cover.qty, cover.stop) == (sent.client_order_id, 10, 97)
    assert actor.state.protected_since == actor.at
    assert not actor.all(ProtectionGap)


def test_a_partial_fill_is_an_interval_that_the_complete_fill_ends() -> None:
    actor = Actor()
    actor.approve()
    sent = actor.sent()
    actor.hear(actor.report(sent, "partially_filled", 4))
    begun = actor.at
    actor.hear(actor.report(sent, "filled", 10, legs=actor.legs(sent)), after=0.4)
    (gap,) = actor.all(ProtectionGap)
    assert (gap.begin, gap.end) == (begun, begun + round(0.4 * SECOND))
    assert (gap.qty, gap.ended, gap.order) == (4, "protected", sent.client_order_id)
    assert gap.cause == "the entry is only partly filled"
    assert not gap.flagged


def test_a_lost_stop_is_flagged_after_a_second_and_ended_by_policy() -> None:
    actor = Actor()
    sent = actor.bracket()
    actor.hear(actor.report(sent, "filled", 10, legs=actor.legs(sent, "canceled", "canceled")))
    begun = actor.at
    assert actor.wake(0.999) == [] or not actor.all(Unprotected)
    actor.wake(0.001)
    (flag,) = actor.all(Unprotected)
    assert (flag.since, flag.cause) == (begun, "its stop is canceled")
    actor.wake(5)
    assert actor.state.exit is not None
    assert actor.state.exit.reason == "unprotected"
    actor.hear(actor.position(10))
    closing = actor.sent()
    assert (closing.leg, closing.qty) == ("exit", 10)
    actor.hear(actor.report(closing, "filled", 10), after=0.5)
    (gap,) = actor.all(ProtectionGap)
    assert (gap.begin, gap.end) == (begun, actor.at)
    assert (gap.ended, gap.reason, gap.flagged) == ("closed", "unprotected", True)
    assert actor.state.position is None


def test_watch_leaves_a_position_that_cannot_be_protected_alone() -> None:
    actor = Actor(trading={"on_unprotected": "watch"})
    sent = actor.bracket()
    actor.hear(actor.report(sent, "filled", 10, legs=actor.legs(sent, "canceled", "canceled")))
    actor.wake(1)
    actor.wake(60)
    assert actor.all(Unprotected)
    assert actor.state.exit is None


def coin() -> tuple[Actor, SubmitOrder]:
    """A coin with its stop in the book."""
    actor = Actor("BTC-USD")
    actor.approve(qty=Decimal(1))
    actor.hear(actor.report(actor.sent(), "filled", 1))
    held = actor.state.position
    assert held is not None
    actor.hear(actor.position(held.qty))
    stop = actor.sent()
    assert stop.leg == "stop"
    actor.hear(actor.report(stop, "working"), after=0.2)
    return actor, stop


def test_a_coins_wait_for_its_stop_is_an_interval() -> None:
    actor, stop = coin()
    (gap,) = actor.all(ProtectionGap)
    assert (gap.end - gap.begin, gap.order) == (round(0.2 * SECOND), stop.client_order_id)
    assert gap.cause == "no protection confirmed yet"


def test_a_target_swap_is_one_interval_whatever_happens_in_it() -> None:
    """Its length counts from the cancelled stop to the stop that rests again."""
    actor, stop = coin()
    actor.hear(actor.quote(106.0))
    actor.hear(actor.quote(106.0), after=1)
    assert actor.all(CancelOrder)[-1].client_order_id == stop.client_order_id
    actor.hear(actor.report(stop, "canceled"), after=0.1)
    begun = actor.at
    held = actor.state.position
    assert held is not None
    actor.hear(actor.position(held.qty), after=0.1)
    target = actor.sent()
    assert target.leg == "target"
    actor.hear(actor.report(target, "canceled"), after=0.5)
    actor.hear(actor.position(held.qty), after=0.1)
    again = actor.sent()
    assert again.leg == "stop"
    actor.hear(actor.report(again, "working"), after=0.1)
    gap = actor.all(ProtectionGap)[-1]
    assert (gap.begin, gap.end) == (begun, actor.at)
    assert gap.end - gap.begin == round(0.8 * SECOND)
    assert (gap.cause, gap.ended) == ("target swap", "protected")
    assert actor.all(Protected)[-1].order == again.client_order_id
