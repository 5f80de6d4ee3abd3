"""A split changes shares, stop and target at once; nothing of before it rests at the open."""

import pytest

from argo_actors.messages.market import MarketHours, SplitAnnounced
from argo_actors.messages.order import (
    PositionClosed,
    Reconcile,
    SplitApplied,
    SubmitOrder,
)
from argo_actors.messages.truth import Corrected, Discrepancy
from argo_actors.units import DAY, HOUR, Decimal
from tests.order.order_bench import CLOSE, OPEN, Actor, holds, hours

EX = OPEN + DAY


def split(new: int, old: int = 1, at: int = EX) -> SplitAnnounced:
    return SplitAnnounced(symbol="AAPL", at=at, new=Decimal(new), old=Decimal(old))


def night(days: int = 1) -> MarketHours:
    """After the close, the next session so many days ahead."""
    opens = OPEN + days * DAY
    return MarketHours(
        is_open=False,
        session_open=opens,
        session_close=opens + 6 * HOUR,
        next_open=opens,
        next_close=opens + 6 * HOUR,
        loss_day=CLOSE,
    )


def at_night(actor: Actor) -> None:
    actor.now = CLOSE
    actor.hear(night())


@pytest.mark.parametrize(
    ("side", "ratio", "after", "stop", "target"),
    [
        ("long", (10, 1), 30, Decimal("9.7"), Decimal("10.5")),
        ("short", (10, 1), 30, Decimal("10.3"), Decimal("9.5")),
        ("long", (3, 2), 4, Decimal("64.67"), Decimal(70)),
        ("long", (1, 3), 1, Decimal(291), Decimal(315)),
    ],
)
def test_legs_are_taken_away_the_evening_before_and_placed_anew_once_the_broker_has_split(
    side: str, ratio: tuple[int, int], after: int, stop: Decimal, target: Decimal
) -> None:
    actor = Actor()
    entry = actor.open(side)
    actor.hear(split(*ratio))
    assert not actor.cancels(), "until the close it stays"
    at_night(actor)
    assert actor.cancels()
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.pass_time(600)
    assert len(actor.said(SubmitOrder)) == 1, "nothing of before the split is placed again"
    actor.now = EX - 9 * HOUR
    shown = after if side == "long" else -after
    actor.hear(holds("AAPL", shown))
    done = actor.last(SplitApplied)
    assert (done.before, done.after, done.stop, done.target) == (3, after, stop, target)
    actor.position(shown)
    oco = actor.last(SubmitOrder)
    assert (oco.leg, oco.qty, oco.stop_loss, oco.take_profit) == ("oco", after, stop, target)
    actor.report(oco, "working")
    assert actor.phase == "protected"


def test_what_was_paid_stays_and_the_trade_is_counted_right() -> None:
    actor = Actor()
    entry = actor.open()
    actor.hear(split(10))
    at_night(actor)
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.now = EX - HOUR
    actor.hear(holds("AAPL", 30))
    actor.position(30)
    actor.report(actor.last(SubmitOrder), "filled", price="10.5", legs=("filled", "canceled"))
    done = actor.last(PositionClosed)
    assert (done.pnl, done.qty, done.entry_price) == (15, 30, 10)


def test_the_truth_of_the_night_is_neither_foreign_nor_a_loss() -> None:
    for new, old, qty in ((10, 1, 30), (1, 3, 1)):
        actor = Actor()
        entry = actor.open()
        actor.hear(split(new, old))
        at_night(actor)
        actor.report(entry, "filled", legs=("canceled", "canceled"))
        actor.now = EX - 9 * HOUR
        for _ in range(3):
            actor.reconcile(qty, read_at=actor.now)
            actor.pass_time(60)
        assert actor.state.position is not None
        assert actor.state.position.qty == qty
        assert not actor.state.foreign
        assert not actor.said(Corrected)
        assert not [one for one in actor.said(Discrepancy) if "position" in one.what]


def test_a_split_of_another_day_moves_nothing() -> None:
    actor = Actor()
    actor.open()
    actor.hear(split(10, at=EX + 3 * DAY))
    at_night(actor)
    actor.pass_time(3600)
    assert not actor.cancels()
    actor.hear(hours())
    actor.hear(split(10, at=OPEN - DAY))
    assert actor.state.split is not None
    assert actor.state.split.at == EX + 3 * DAY


def test_a_split_that_the_broker_has_not_made_by_the_open_ends_in_an_exit() -> None:
    actor = Actor()
    entry = actor.open()
    actor.hear(split(10))
    at_night(actor)
    actor.report(entry, "filled", legs=("canceled", "canceled"))
    actor.now = EX
    actor.hear(hours())
    assert actor.phase == "exiting"
    actor.position(3)
    assert actor.last(SubmitOrder).leg == "exit"


def test_a_quantity_that_no_split_explains_has_the_truth_read() -> None:
    actor = Actor()
    actor.open()
    actor.hear(split(10))
    actor.hear(holds("AAPL", 7))
    assert actor.said(Reconcile)
    assert not actor.said(SplitApplied)
