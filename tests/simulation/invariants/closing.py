"""Closing (I5, I7, I25, I26): never more than is held, all that was told to, nothing of before a split."""

from decimal import Decimal

from argo_actors.journal.codec import Record
from argo_actors.messages.order import Fill
from argo_actors.units import MINUTE, SECOND, ZERO

from ..view import View
from ..wire import Sent
from .questions import entry_of, given_up, held_lately, is_entry, is_submission, named
from .registry import Found, invariant


@invariant("I5 no flip", "venue")
def i5_closing(view: View, symbol: str) -> Found:
    """What closes never exceeds what is held."""
    if view.turned_by_venue:
        return
    held = view.position(symbol)
    closing = "sell" if held >= 0 else "buy"
    groups: dict[str, Decimal] = {}
    for one in view.live(symbol):
        root = view.root(one)
        entry = root.order_class == "bracket"
        if one.submitted_at < view.split_at(symbol):
            continue  # I26 is about it
        if one.side != closing or (entry and (root is one or root.status != "filled")):
            continue
        if not entry and root.order_class != "oco" and one.position_intent.endswith("open"):
            continue
        groups[root.id] = max(groups.get(root.id, ZERO), one.left)
    total = sum(groups.values(), ZERO)
    if total > abs(held) and symbol not in view.foreign:
        yield f"{symbol}: orders close {total} of {held}"


@invariant("I5 no flip", "left")
def i5_alone(view: View, sent: Sent) -> Found:
    """An exit leaves when its position's other orders are over; what nobody knows of cannot be waited for.

    Nobody knew of it when the exit was decided: a broker that wants no calls has it wait, and it leaves
    then beside a stop that has appeared meanwhile. Its closing intent is what keeps it from turning anything.
    """
    intent = view.intents.get(sent.client_order_id)
    if not is_submission(sent) or intent is None or intent.order.leg not in ("exit", "flat"):
        return
    if view.turned_by_venue or view.legs_replaced or intent.order.symbol in view.foreign:
        return
    for one in view.live(intent.order.symbol):
        root = view.root(one).client_order_id
        told = root in view.intents and root in view.reported
        known = told and view.reported[root] <= intent.at
        if known and not given_up(view, root) and root != sent.client_order_id:
            yield f"{sent.client_order_id} left while {named(view, one)} is {one.status}"


@invariant("I5 no flip", "left")
def i5_size(view: View, sent: Sent) -> Found:
    """Neither protection nor an exit is larger than what is held, or was lately."""
    intent = view.intents.get(sent.client_order_id)
    if not is_submission(sent) or intent is None or intent.order.increases:
        return
    symbol = intent.order.symbol
    most = max(abs(one) for one in (*held_lately(view, symbol, view.now), view.position(symbol)))
    if intent.order.qty > most and not view.turned_by_venue and symbol not in view.foreign:
        yield f"{sent.client_order_id} is for {intent.order.qty} of {most}"


@invariant("I5 no flip", "venue")
def i5_sign(view: View, symbol: str) -> Found:
    """A position changes its side only over zero."""
    known = view.position_history[symbol][-2:]
    if view.turned_by_venue:
        return
    if len(known) == 2 and known[0][1] * known[1][1] < 0 and symbol not in view.foreign:
        yield f"{symbol}: {known[0][1]} became {known[1][1]}"


@invariant("I7 kill is final", "left")
def i7_halt(view: View, sent: Sent) -> Found:
    """Once a stop is on disk no entry leaves."""
    if entry_of(view, sent) is not None and view.operator != "normal":
        yield f"{sent.client_order_id} left under {view.operator}"


@invariant("I7 kill is final", "end")
def i7_flat(view: View) -> Found:
    """Who said that all is to be closed finds it closed, and so does a breach that closes."""
    config = view.config
    closes = config.risk.on_breach or ("flatten" if config.prop_firm.enabled else "halt")
    breached = view.tripped_at and closes == "flatten"
    if view.operator != "flatten" and not breached:
        return
    for symbol in view.config.symbols:
        held = view.position(symbol)
        ours = symbol not in view.foreign and view.market_open(symbol)
        if held and ours and not view.is_dust(symbol, held):
            yield f"{symbol}: {held} are held all the same"
        entries = [one for one in view.live(symbol) if is_entry(view, one)]
        if entries and ours:
            yield f"{symbol}: {named(view, entries[0])} works all the same"


@invariant("I25 round trip", "record")
def i25_exits(view: View, record: Record) -> Found:
    """A position closes no more than it opened."""
    for said in record.said:
        if not isinstance(said, Fill) or view.turned_by_venue:
            continue
        mine = [one for one in view.journal_fills if one.position_id == said.position_id]
        opened = _entered(view, said.position_id) + abs(view.split_shares(said.symbol))
        closed = sum((one.qty for one in mine if one.leg != "entry"), ZERO)
        if closed > opened and said.symbol not in view.foreign:
            yield f"{said.position_id}: {closed} closed of {opened}"


def _entered(view: View, position_id: str) -> Decimal:
    """What the venue filled of the entries of a position: a leg's fill may be told before theirs."""
    found = [
        view.book.orders[view.book.by_client[cid]].filled_qty
        for cid, one in view.intents.items()
        if one.order.increases and position_id in cid and cid in view.book.by_client
    ]
    return sum(found, ZERO)


@invariant("I26 corporate actions", "time")
def i26_nothing_of_before(view: View) -> Found:
    """From half an hour before the open no order rests that is of before a split."""
    for happened in view.book.account.happened:
        symbol = view.symbol(happened.symbol)
        old = [one for one in view.live(symbol) if one.submitted_at < happened.at]
        opens = view.book.market.sessions.next_open(happened.at)
        since = max(view.alive_at, view.ready_at, view.disturbed_at)
        due = max(opens - 30 * MINUTE, since + 20 * SECOND)
        if old and view.alive and view.ready_at and view.now > due:
            yield f"{symbol}: {named(view, old[0])} rests since before the split"
