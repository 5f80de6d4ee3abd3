"""Worlds of every phase, and every word that can reach an order actor, in all its variants."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, get_args

import msgspec

from argo_actors.config import is_coin
from argo_actors.messages import Message
from argo_actors.messages.market import SplitAnnounced, Wake
from argo_actors.messages.order import (
    OrderAbsent,
    OrderRefused,
    OrderReport,
    OrderStatus,
    OrderUnknown,
    ReadPosition,
    SubmitOrder,
)
from argo_actors.messages.signal import Intent
from argo_actors.messages.system import Crashed, Operator, RiskLevel, Started, Stopping
from argo_actors.messages.truth import ForeignSeen, Resolve
from argo_actors.units import HOUR, SECOND, ZERO, Decimal
from tests.order.order_bench import Actor, holds, hours, report

World = Callable[[], Actor]


def unknown(order: SubmitOrder) -> OrderUnknown:
    return OrderUnknown(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        request="submit",
        reason="timeout",
        because=(),
    )


def absent(order: SubmitOrder, listed: bool = True) -> OrderAbsent:
    return OrderAbsent(
        client_order_id=order.client_order_id, symbol=order.symbol, listed=listed, because=()
    )


# worlds, by the phase they are in


def flat(symbol: str = "AAPL") -> Actor:
    return Actor(symbol)


def sent(symbol: str = "AAPL") -> Actor:
    actor = Actor(symbol)
    actor.approve()
    return actor


def working(symbol: str = "AAPL", side: str = "long") -> Actor:
    actor = Actor(symbol)
    actor.enter(side)
    return actor


def called_back() -> Actor:
    actor = working()
    actor.approve("cancel_entry")
    return actor


def lost(symbol: str = "AAPL") -> Actor:
    actor = sent(symbol)
    actor.hear(unknown(actor.last(SubmitOrder)))
    return actor


def strange_status() -> Actor:
    actor = working()
    actor.report(actor.last(SubmitOrder), "unknown")
    return actor


def tombstoned() -> Actor:
    actor = lost()
    for _ in range(4):
        actor.hear(absent(actor.last(SubmitOrder)))
        actor.pass_time(25)
    return actor


def refused() -> Actor:
    actor = sent()
    actor.refuse(actor.last(SubmitOrder), "no")
    return actor


def traded() -> Actor:
    actor = protected()
    entry = actor.said(SubmitOrder)[0]
    actor.report(entry, "filled", legs=("filled", "canceled"), leg_filled=(3, 0))
    return actor


def partly() -> Actor:
    actor = Actor()
    actor.report(actor.enter(), "partially_filled", filled=1)
    return actor


def partly_called_back() -> Actor:
    actor = partly()
    actor.pass_time(1)
    return actor


def protected(symbol: str = "AAPL", side: str = "long") -> Actor:
    actor = Actor(symbol)
    actor.open(side)
    return actor


def by_oco() -> Actor:
    actor = unprotected()
    actor.position(2)
    actor.report(actor.last(SubmitOrder), "working")
    return actor


def unprotected() -> Actor:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "canceled", filled=2, legs=("canceled", "canceled"))
    return actor


def oco_sent() -> Actor:
    actor = unprotected()
    actor.position(2)
    return actor


def oco_refused() -> Actor:
    actor = oco_sent()
    actor.refuse(actor.last(SubmitOrder), "no")
    return actor


def oco_lost() -> Actor:
    actor = oco_sent()
    actor.hear(unknown(actor.last(SubmitOrder)))
    return actor


def closing(symbol: str = "AAPL") -> Actor:
    actor = protected(symbol)
    actor.approve("close_long")
    return actor


def reading() -> Actor:
    actor = closing()
    actor.report(actor.said(SubmitOrder)[0], "filled", legs=("canceled", "canceled"))
    return actor


def exit_sent() -> Actor:
    actor = reading()
    actor.position(3)
    return actor


def exit_lost() -> Actor:
    actor = exit_sent()
    actor.hear(unknown(actor.last(SubmitOrder)))
    return actor


def exit_partly() -> Actor:
    actor = exit_sent()
    actor.report(actor.last(SubmitOrder), "partially_filled", filled=1)
    return actor


def over() -> Actor:
    actor = protected()
    entry = actor.said(SubmitOrder)[0]
    actor.report(entry, "filled", legs=("filled", "filled"), leg_filled=(3, 3))
    return actor


def queued() -> Actor:
    actor = protected()
    actor.hear(hours(is_open=False))
    actor.hear(Operator(state="flatten", who="me", why="test"))
    return actor


def swap() -> Actor:
    actor = protected("BTC-USD")
    actor.quote(105)
    actor.pass_time(1)
    actor.quote(105)
    return actor


def swap_sent() -> Actor:
    actor = swap()
    actor.report(actor.last(SubmitOrder), "canceled")
    actor.position("2.9925")
    return actor


def crashed() -> Actor:
    actor = protected()
    actor.hear(crash())
    return actor


def stuck() -> Actor:
    actor = closing()
    actor.pass_time(31)
    return actor


def beside_a_stranger() -> Actor:
    actor = Actor()
    other = Actor()
    actor.report(other.enter(signal="another's"), "working")
    return actor


def foreign() -> Actor:
    actor = Actor()
    actor.reconcile(5, read_at=actor.now + 1)
    return actor


def restarted() -> Actor:
    actor = exit_sent()
    actor.hear(Started(run=2, mode="paper"))
    return actor


def coin(world: Callable[..., Actor]) -> World:
    return lambda: world("BTC-USD")


WORLDS: dict[str, World] = {
    one.__name__: one
    for one in (
        flat,
        sent,
        working,
        called_back,
        lost,
        strange_status,
        tombstoned,
        refused,
        traded,
        partly,
        partly_called_back,
        protected,
        by_oco,
        unprotected,
        oco_sent,
        oco_refused,
        oco_lost,
        closing,
        reading,
        exit_sent,
        exit_lost,
        exit_partly,
        over,
        queued,
        swap,
        swap_sent,
        crashed,
        stuck,
        beside_a_stranger,
        foreign,
        restarted,
    )
} | {
    "coin_flat": coin(flat),
    "coin_sent": coin(sent),
    "coin_protected": coin(protected),
    "coin_closing": coin(closing),
    "coin_lost": coin(lost),
    "short_working": lambda: working(side="short"),
    "short_protected": lambda: protected(side="short"),
}


# words


def crash() -> Crashed:
    return Crashed(address="order/AAPL", error="boom", where="", heard=None, restarts=1, delay_ms=0)


def events(actor: Actor) -> Iterator[Message]:
    """Every word that can reach the actor, in every variant that its state makes possible."""
    yield from _of_orders(actor)
    yield from _of_positions(actor)
    yield from _of_truth(actor)
    yield from _of_people(actor)
    yield from _of_the_world(actor)


def submitted(actor: Actor) -> list[SubmitOrder]:
    return actor.said(SubmitOrder)


def _of_orders(actor: Actor) -> Iterator[Message]:
    other = Actor(actor.symbol)
    stranger = other.enter(signal="another's")
    for order in [*submitted(actor), stranger]:
        for status in get_args(OrderStatus):
            for filled in (ZERO, order.qty / 2, order.qty):
                if not (status == "filled" and filled != order.qty):
                    yield from _reports(order, status, filled)
        for text, more in REFUSALS:
            yield _refusal(order, text, more)
        yield unknown(order)
        yield from (absent(order, listed) for listed in (True, False))


def _reports(order: SubmitOrder, status: Any, filled: Decimal) -> Iterator[OrderReport]:
    yield report(order, status, filled=f"{filled:f}")
    if order.order_class == "simple" or status != "filled":
        return
    for target, stop in product(("working", "filled", "canceled", "replaced"), repeat=2):
        both = (3 * (target == "filled"), 3 * (stop == "filled"))
        yield report(order, status, legs=(target, stop), leg_filled=both)
    yield msgspec.structs.replace(report(order, status), legs=())


REFUSALS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no", {}),
    ("client_order_id must be unique", {}),
    ("stop_loss.stop_price must be <= base_price - 0.01", {"base_price": Decimal("99.5")}),
    ("stop price must be less than current price", {}),
    ("insufficient qty available for order", {"related_order": "b9"}),
    ("order is already in filled state", {"request": "cancel"}),
    ("expired 0.1 s ago", {"status": 0}),
)


def _refusal(order: SubmitOrder, text: str, more: dict[str, Any]) -> OrderRefused:
    fields: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "request": "submit",
        "status": 422,
        "code": 42210000,
        "message": text,
        "because": (),
    }
    return OrderRefused(**fields | more)


def _of_positions(actor: Actor) -> Iterator[Message]:
    asked = [word for word, one in actor.words if isinstance(one, ReadPosition)]
    for qty in (0, 1, 3, -3, 5):
        yield holds(actor.symbol, qty)
        yield holds(actor.symbol, qty, 0)
        if asked:
            yield holds(actor.symbol, qty, because=(asked[-1],))


def _of_truth(actor: Actor) -> Iterator[Message]:
    from argo_actors.messages.order import Reconciled

    orders = submitted(actor)
    lists: list[tuple[OrderReport, ...]] = [(), tuple(report(one, "working") for one in orders)]
    lists += [tuple(report(one, "canceled") for one in orders)]
    by_hand = report(Actor(actor.symbol).enter(signal="x"), "working", client_order_id="by hand")
    for listed, qty, theirs in product(lists, (0, 3, -3), ((), (by_hand,))):
        yield Reconciled(
            symbol=actor.symbol,
            position=holds(actor.symbol, qty),
            orders=listed,
            foreign=theirs,
            reason="test",
            read_at=actor.now + 1,
        )


def _of_people(actor: Actor) -> Iterator[Message]:
    for intent in get_args(Intent):
        yield actor.approval(intent, signal="s9")
        yield actor.approval(intent, signal="s1")
    for state in ("normal", "stop-entries", "halt", "flatten"):
        yield Operator(state=state, who="me", why="test")  # type: ignore[arg-type]
    yield Operator(state="flatten", who="me", why="test", everything=True)
    yield Stopping(reason="test")
    other = report(Actor(actor.symbol).enter(signal="x"), "working", client_order_id="by hand")
    yield ForeignSeen(symbol=actor.symbol, order=other)
    for verdict in ("adopt", "ignore", "close"):
        yield Resolve(
            symbol=actor.symbol,
            item="position",
            verdict=verdict,  # type: ignore[arg-type]
            who="me",
            why="test",
        )
    for level in ("NORMAL", "WARNING", "CRITICAL", "BREACH"):
        yield RiskLevel(level=level, daily_loss_pct="5", drawdown_pct="1", note="daily")  # type: ignore[arg-type]
    yield RiskLevel(level="CRITICAL", daily_loss_pct="5", drawdown_pct="1", suspected=True)


def _of_the_world(actor: Actor) -> Iterator[Message]:
    from argo_actors.messages.market import Quote, QuoteSeen

    for bid in (50.0, 96.5, 100.0, 106.0):
        quote = Quote(symbol=actor.symbol, bid=bid, ask=bid, at=actor.now, received_at=actor.now)
        yield QuoteSeen(quote=quote)
    yield hours()
    yield hours(is_open=False)
    yield actor.asset()
    if is_coin(actor.symbol):
        yield actor.asset(min_trade_increment=Decimal("0.1"), min_order_size=Decimal(4))
    yield SplitAnnounced(symbol=actor.symbol, at=actor.now + HOUR, new=Decimal(10), old=Decimal(1))
    yield Stopping(reason="SIGTERM")
    yield Started(run=2, mode="paper")
    yield crash()
    yield Wake(to=f"order/{actor.symbol}", due=actor.now)


LATER = (0, 2 * SECOND, 61 * SECOND)
"""How long after the world was made a word is heard."""
