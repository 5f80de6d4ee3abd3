"""Reports in any order, doubled and lost: once all is told, the books are the same."""

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_actors.messages.order import Fill, OrderReport, PositionClosed, SubmitOrder
from argo_actors.order.state import OrderState
from argo_actors.units import ZERO
from tests.order.order_bench import Actor, report

ENDS = ("filled", "canceled", "expired")


class History(NamedTuple):
    """What the broker says of a bracket, in the order in which it became true."""

    qty: int
    snapshots: tuple[dict[str, Any], ...]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """An entry that fills in parts and ends, then a leg that fills in parts, or both legs."""
    qty = draw(st.integers(1, 6))
    snapshots: list[dict[str, Any]] = [{"status": "pending"}, {"status": "working"}]
    filling = draw(parts(qty - 1))
    snapshots += [{"status": "partially_filled", "filled": part} for part in filling]
    end = draw(st.sampled_from(ENDS))
    last = qty if end == "filled" else snapshots[-1].get("filled", 0)
    if end != "filled":
        snapshots.append({"status": end, "filled": last, "legs": ("canceled", "canceled")})
        return History(qty, tuple(snapshots))
    done = {"status": "filled", "filled": qty}
    snapshots.append(done | {"legs": ("working", "held")})
    wins = draw(st.sampled_from(("target", "stop", "both", "none")))
    for part in draw(parts(qty - 1)) if wins in ("target", "stop") else ():
        both = (part, 0) if wins == "target" else (0, part)
        snapshots.append(done | {"legs": ("working", "held"), "leg_filled": both})
    final = {
        "target": (("filled", "canceled"), (qty, 0)),
        "stop": (("canceled", "filled"), (0, qty)),
        "both": (("filled", "filled"), (qty, qty)),
    }
    if wins in final:
        legs, filled = final[wins]
        snapshots.append(done | {"legs": legs, "leg_filled": filled})
    return History(qty, tuple(snapshots))


def parts(most: int) -> st.SearchStrategy[list[int]]:
    """Cumulative quantities, rising."""
    return st.lists(st.integers(1, max(1, most)), max_size=2 if most > 0 else 0, unique=True).map(
        sorted
    )


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[History, list[int]]:
    """A history, and the order in which its news arrives: shuffled, doubled, some lost."""
    history = draw(histories())
    numbers = list(range(len(history.snapshots)))
    arriving = draw(st.lists(st.sampled_from(numbers), max_size=2 * len(numbers)))
    return history, arriving


def told(history: History, arriving: list[int]) -> Actor:
    """An actor that has heard the news in this order, and at last the whole truth."""
    actor = Actor()
    actor.approve(qty=Decimal(history.qty))
    entry = actor.last(SubmitOrder)
    news = [_news(entry, snapshot) for snapshot in history.snapshots]
    for number in (*arriving, len(news) - 1):
        actor.hear(news[number])
    return actor


def _news(entry: SubmitOrder, snapshot: dict[str, Any]) -> OrderReport:
    fields = dict(snapshot)
    return report(entry, fields.pop("status"), **fields)


def books(state: OrderState) -> Any:
    """What the broker has done, without when we asked or were told."""
    replace = msgspec.structs.replace
    return [
        replace(one, filled_at=0, asked_at=0, asked=0, cancel_at=0, cancel_first=0, done_at=0)
        for _, one in state.orders
        if one.leg == "entry"
    ]


def by_leg(actor: Actor) -> dict[str, tuple[Decimal, Decimal]]:
    """Quantity and dollars of all fills, by leg."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for one in actor.said(Fill):
        qty, value = sums.get(one.leg, (ZERO, ZERO))
        sums[one.leg] = (qty + one.qty, value + one.qty * one.price)
    return sums


@settings(max_examples=300, deadline=None)
@given(deliveries())
def test_reports_in_any_order_doubled_and_lost_come_to_the_same_books(
    delivery: tuple[History, list[int]],
) -> None:
    history, arriving = delivery
    straight = told(history, list(range(len(history.snapshots))))
    actor = told(history, arriving)
    assert books(actor.state) == books(straight.state)
    assert by_leg(actor) == by_leg(straight)
    assert actor.fills() == straight.fills()
    pnl = [sum((one.pnl for one in each.said(PositionClosed)), ZERO) for each in (actor, straight)]
    assert pnl[0] == pnl[1]
    mine, theirs = actor.state.position, straight.state.position
    assert (mine is None) == (theirs is None)
    if mine is not None and theirs is not None:
        assert (mine.qty, mine.over, mine.paid) == (theirs.qty, theirs.over, theirs.paid)


@settings(max_examples=300, deadline=None)
@given(deliveries())
def test_every_quantity_is_told_once_and_no_more_than_the_broker_says(
    delivery: tuple[History, list[int]],
) -> None:
    history, arriving = delivery
    actor = told(history, arriving)
    last = history.snapshots[-1]
    target, stop = last.get("leg_filled", (0, 0))
    wanted = {"entry": last.get("filled", 0), "target": target, "stop": stop}
    found = {leg: qty for leg, (qty, _) in by_leg(actor).items()}
    assert found == {leg: qty for leg, qty in wanted.items() if qty}
    exits = found.get("target", ZERO) + found.get("stop", ZERO)
    if not (target and stop):
        assert exits <= found.get("entry", ZERO)


RANKS = ("sent", "pending", "held", "working", "partially_filled", "pending_cancel")


@settings(max_examples=300, deadline=None)
@given(deliveries())
def test_a_status_only_moves_along_the_lattice_and_a_filled_quantity_only_grows(
    delivery: tuple[History, list[int]],
) -> None:
    history, arriving = delivery
    actor = Actor()
    actor.approve(qty=Decimal(history.qty))
    entry = actor.last(SubmitOrder)
    before = actor.own("entry")
    for number in arriving:
        actor.hear(_news(entry, history.snapshots[number]))
        now = actor.own("entry")
        assert now.part.filled_qty >= before.part.filled_qty
        if before.part.status in RANKS and now.part.status in RANKS:
            assert RANKS.index(now.part.status) >= RANKS.index(before.part.status)
        else:
            assert before.part.status in (*RANKS, now.part.status), "a terminal status has moved"
        before = now
