"""What must hold, each as one small function of the view; it yields what is wrong.

The names follow the money invariants of the failure model. A check is asked when its moment comes: a
request leaves, a record reaches the disk, the venue fills something, time passes, the run is over.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from argo_actors.broker.wire import order_body
from argo_actors.config import amount, is_coin
from argo_actors.journal.codec import Record
from argo_actors.messages import WordId
from argo_actors.messages.market import Quotes
from argo_actors.messages.order import BrokerReady as Ready
from argo_actors.messages.order import (
    CancelOrder,
    EntrySettled,
    Fill,
    PositionClosed,
    Protected,
    Reconciled,
    SubmitOrder,
    Unprotected,
)
from argo_actors.messages.signal import Approval
from argo_actors.units import DAY, MINUTE, SECOND, ZERO, equity_tick
from argo_actors.venue.matching import NINE, Order

from .view import View
from .wire import Sent

Moment = Literal["left", "record", "venue", "time", "end"]
Found = Iterator[str]
SLACK = SECOND // 2
"""Grid of the venue's time and latencies of the simulated wire."""
SEEN_SECONDS = 12.0
"""Open orders are polled every five seconds, each answer owed within five."""
DETECT_SLACK_PCT = Decimal("1.10")


class Check(NamedTuple):
    """An invariant: its name, when it is asked, and how."""

    name: str
    moment: Moment
    ask: Callable[..., Found]


CHECKS: list[Check] = []


def invariant(name: str, moment: Moment) -> Callable[[Any], Any]:
    """Enter a check under its name."""

    def enter(ask: Callable[..., Found]) -> Callable[..., Found]:
        CHECKS.append(Check(name, moment, ask))
        return ask

    return enter


def _is_submission(sent: Sent) -> bool:
    return sent.method == "POST" and sent.path == "/v2/orders"


def _entry(view: View, sent: Sent) -> SubmitOrder | None:
    intent = view.intents.get(sent.client_order_id)
    if not _is_submission(sent) or intent is None or not intent.order.increases:
        return None
    return intent.order


@invariant("I1 intent before effect", "left")
def i1_submission(view: View, sent: Sent) -> Found:
    """No submission leaves before its command is on disk."""
    if _is_submission(sent) and sent.client_order_id not in view.intents:
        yield f"{sent.client_order_id} left before its command was durable"


@invariant("I1 intent before effect", "left")
def i1_cancel(view: View, sent: Sent) -> Found:
    """No cancel either."""
    if sent.method == "DELETE" and sent.path.rpartition("/")[2] not in view.cancels:
        yield f"DELETE {sent.path} left before its command was durable"


@invariant("I2 one to one", "left")
def i2_only_these(view: View, sent: Sent) -> Found:
    """Nothing moves money but a submission with our id and a cancel of one order."""
    single = sent.path.startswith("/v2/orders/")
    if (
        sent.method != "GET"
        and not _is_submission(sent)
        and not (sent.method == "DELETE" and single)
    ):
        yield f"{sent.method} {sent.path} has no id of ours"


@invariant("I2 one to one", "left")
def i2_same_body(view: View, sent: Sent) -> Found:
    """The same id never carries another body, and the body is the command's."""
    intent = view.intents.get(sent.client_order_id)
    if not _is_submission(sent) or intent is None:
        return
    if view.bodies[sent.client_order_id] != sent.body:
        yield f"{sent.client_order_id} left with another body"
    if order_body(intent.order) != sent.body:
        yield f"{sent.client_order_id} is not what the command says: {sent.body}"


@invariant("I2 one to one", "left")
def i2_again(view: View, sent: Sent) -> Found:
    """The same id leaves again only when a lookup in between has found no such order."""
    if not _is_submission(sent):
        return
    mine = [one for one in view.sent if one.client_order_id == sent.client_order_id]
    before = [one for one in mine if _is_submission(one) and one.n != sent.n]
    if before:
        last = before[-1].n
        proved = any(one.method == "GET" and one.n > last and one.status == 404 for one in mine)
        if not proved:
            yield f"{sent.client_order_id} left again with no proof that it had not arrived"


@invariant("I2 one to one", "end")
def i2_no_orphans(view: View) -> Found:
    """Every order under our ids has its command."""
    for one in view.book.orders.values():
        known = one.client_order_id in view.intents or one.client_order_id in view.planted
        if not one.leg and one.client_order_id.startswith(view.prefix) and not known:
            yield f"{one.client_order_id} at the venue has no command"


@invariant("I3 one signal, one entry", "left")
def i3_one_open(view: View, sent: Sent) -> Found:
    """Never a second entry beside one that may still fill."""
    order = _entry(view, sent)
    if order is None:
        return
    for one in view.live(order.symbol):
        intent = view.intents.get(one.client_order_id)
        if intent is not None and intent.order.increases and intent.order != order:
            yield f"{sent.client_order_id} left while {one.client_order_id} works"


@invariant("I3 one signal, one entry", "left")
def i3_one_id(view: View, sent: Sent) -> Found:
    """A signal leads to one id, and to no more than its quantity."""
    order = _entry(view, sent)
    if order is None:
        return
    approved = view.approval_of(view.intents[sent.client_order_id])
    if approved is None:
        yield f"{sent.client_order_id} rests on no approval"
        return
    if order.qty > approved[0].qty:
        yield f"{sent.client_order_id} is larger than approved: {order.qty} of {approved[0].qty}"
    for other in view.entries_left:
        if other.client_order_id == sent.client_order_id:
            continue
        if other.client_order_id in view.refused and _key(other) == _key(sent):
            continue  # its next attempt, after proof that this one came to nothing
        theirs = view.approval_of(view.intents[other.client_order_id])
        if theirs is not None and theirs[0].signal == approved[0].signal:
            yield f"{sent.client_order_id} and {other.client_order_id} for one signal"


def _key(sent: Sent) -> str:
    """The id of an order without its attempt."""
    return sent.client_order_id.rpartition("-")[0]


@invariant("I3 one signal, one entry", "left")
def i3_flat(view: View, sent: Sent) -> Found:
    """An entry is not sent on a position."""
    order = _entry(view, sent)
    if order is None:
        return
    since = view.now if order.symbol in view.foreign else 0
    if _known_by(view, sent, view.foreign_known.get(order.symbol, since)):
        held = view.position(order.symbol)
        if held and not view.is_dust(order.symbol, held):
            yield f"{sent.client_order_id} left while {held} {order.symbol} is held"


def _known_by(view: View, sent: Sent, since: int) -> bool:
    """Whether the daemon decided on an entry a second after the journal had said so."""
    if sent.client_order_id not in view.intents:
        return True
    return view.intents[sent.client_order_id].at > since + SECOND


@invariant("I4 caps in the worst case", "left")
def i4_foreign(view: View, sent: Sent) -> Found:
    """Nothing is entered beside what the journal says somebody else holds or has ordered."""
    order = _entry(view, sent)
    since = None if order is None else view.foreign_told.get(order.symbol)
    if since is not None and _known_by(view, sent, since):
        yield f"{sent.client_order_id} left {view.seconds(since):.1f} s after foreign items were told"


@invariant("I4 caps in the worst case", "left")
def i4_symbol(view: View, sent: Sent) -> Found:
    """Position, pending and unknown of a symbol stay within its share."""
    order = _entry(view, sent)
    if order is None:
        return
    config = view.config
    most = amount(
        config.prop_firm.risk_limits.max_position_size_pct
        if config.prop_firm.enabled
        else config.trading.max_position_size_pct
    )
    value = ZERO if order.symbol in view.foreign else _at_work(view, order.symbol, sent)
    if value * 100 > most * view.book.equity() * DETECT_SLACK_PCT:
        yield f"{order.symbol}: {value:.0f} at work, {most} % of {view.book.equity():.0f} allowed"


@invariant("I4 caps in the worst case", "left")
def i4_gross(view: View, sent: Sent) -> Found:
    """And all of them within the gross exposure."""
    if _entry(view, sent) is None:
        return
    most = amount(view.config.risk.max_gross_exposure_pct)
    gross = sum((_at_work(view, one, sent) for one in view.config.symbols), ZERO)
    if gross * 100 > most * view.book.equity() * DETECT_SLACK_PCT:
        yield f"{gross:.0f} at work, {most} % of {view.book.equity():.0f} allowed"


@invariant("I4 caps in the worst case", "left")
def i4_slots(view: View, sent: Sent) -> Found:
    """No more positions than slots."""
    order = _entry(view, sent)
    if order is None:
        return
    config = view.config
    most = (
        config.prop_firm.risk_limits.max_positions
        if config.prop_firm.enabled
        else config.risk.max_positions
    )
    taken = {one for one in config.symbols if _at_work(view, one, sent) > 20 or one == order.symbol}
    taken -= view.foreign
    if len(taken) > most:
        yield f"{sorted(taken)} are taken, {most} allowed"


def _at_work(view: View, symbol: str, sent: Sent) -> Decimal:
    """Dollars of a symbol if everything that may still fill does."""
    mark = view.mark(symbol)
    total = abs(view.position(symbol)) * mark
    named = set()
    for one in view.live(symbol):
        intent = view.intents.get(one.client_order_id)
        if intent is not None and intent.order.increases:
            total += one.left * mark
            named.add(one.client_order_id)
    for cid, unknown in view.unknown.items():
        order = view.intents[cid].order
        pending = not unknown.found and cid not in view.book.by_client
        if unknown.symbol == symbol and order.increases and pending and not _given_up(view, cid):
            total += order.qty * mark
            named.add(cid)
    for other in view.entries_left:
        order = view.intents[other.client_order_id].order
        if (
            order.symbol == symbol
            and order.client_order_id not in named
            and _in_the_air(view, other)
        ):
            total += order.qty * mark
            named.add(order.client_order_id)
    return total


def _in_the_air(view: View, sent: Sent) -> bool:
    """It has left, and nobody knows of an answer yet."""
    cid = sent.client_order_id
    decided = cid in view.book.by_client or cid in view.reported or cid in view.refused
    return not decided and not _given_up(view, cid)


def _given_up(view: View, cid: str) -> bool:
    times = view.absent_at.get(cid, [])
    listed = any(one.listed for one in view.absent.get(cid, []))
    return len(times) >= 3 and listed and times[-1] - times[0] >= MINUTE - SECOND


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
    if not _is_submission(sent) or intent is None or intent.order.leg not in ("exit", "flat"):
        return
    if view.turned_by_venue or view.legs_replaced or intent.order.symbol in view.foreign:
        return
    for one in view.live(intent.order.symbol):
        root = view.root(one).client_order_id
        told = root in view.intents and root in view.reported
        known = told and view.reported[root] <= intent.at
        if known and not _given_up(view, root) and root != sent.client_order_id:
            yield f"{sent.client_order_id} left while {_named(view, one)} is {one.status}"


@invariant("I5 no flip", "left")
def i5_size(view: View, sent: Sent) -> Found:
    """Neither protection nor an exit is larger than what is held, or was lately."""
    intent = view.intents.get(sent.client_order_id)
    if not _is_submission(sent) or intent is None or intent.order.increases:
        return
    symbol = intent.order.symbol
    most = max(abs(one) for one in (*_lately(view, symbol, view.now), view.position(symbol)))
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


@invariant("I6 protected or flagged", "time")
def i6_seen(view: View) -> Found:
    """A fill is noticed, with the stream or without: while a 429 lets it ask, that is."""
    for symbol, one in view.exposures.items():
        begun = max(one.since, view.alive_at, view.closed_until())
        quiet = view.seconds(max(begun, view.disturbed_at, view.ready_at))
        holding = view.holdings.get(symbol)
        told = symbol in view.flagged or (holding is not None and holding.unprotected_since)
        if view.turned_by_venue or told:
            continue
        if not one.seen_at and view.ready_at and _watched(view, symbol) and quiet > SEEN_SECONDS:
            yield f"{symbol}: {view.position(symbol)} unprotected and unnoticed for {quiet:.1f} s"


@invariant("I6 protected or flagged", "time")
def i6_flagged(view: View) -> Found:
    """A second after it was seen it is protected, or flagged for all to see."""
    for symbol, one in view.exposures.items():
        begun = max(one.seen_at, view.started_at, view.alive_at)
        told = symbol in view.flagged or symbol in view.over_told
        if not one.seen_at or told or not _watched(view, symbol):
            continue
        if view.now - begun > SECOND + 2 * SLACK:
            age = view.seconds(begun)
            yield f"{symbol}: {view.position(symbol)} unprotected for {age:.1f} s, no flag"


@invariant("I6 protected or flagged", "time")
def i6_rest(view: View) -> Found:
    """A second after an entry was seen partly filled its rest is called back: its legs sleep till then."""
    for cid, at in view.partly.items():
        one = view.book.orders[view.book.by_client[cid]]
        begun = max(at, view.started_at, view.alive_at)
        waits = one.status == "partially_filled" and cid not in view.called_back
        if waits and view.alive and view.now - begun > SECOND + 2 * SLACK:
            yield f"{cid} is partly filled for {view.seconds(at):.1f} s and not called back"


@invariant("I6 protected or flagged", "record")
def i6_true(view: View, record: Record) -> Found:
    """What is said to protect does: a held leg only once its entry is completely filled."""
    for said in record.said:
        if not isinstance(said, Protected) or said.order not in view.book.by_client:
            continue
        one = view.book.orders[view.book.by_client[said.order]]
        if one.order_class == "bracket" and one.status != "filled":
            yield f"{said.order} is said to protect {said.symbol}, its entry is {one.status}"


@invariant("I6 protected or flagged", "record")
def i6_false_alarm(view: View, record: Record) -> Found:
    """What the venue's stops cover is not flagged: a flag leads to an exit."""
    for said in record.said:
        since = view.covered_since.get(said.symbol) if isinstance(said, Unprotected) else None
        if since is None or not view.ready_at:
            continue
        begun = max(view.disturbed_at, view.ready_at, view.started_at)
        if view.seconds(since) > 0.75 and view.seconds(begun) > SEEN_SECONDS:
            yield f"{said.symbol} is flagged, covered for {view.seconds(since):.1f} s"


@invariant("I6 protected or flagged", "time")
def i6_exit(view: View) -> Found:
    """Five seconds after the flag somebody closes it, unless faults keep him from it.

    A 429 that names its reset is such a fault: until then nothing is sent, for any symbol.
    """
    if view.config.trading.on_unprotected == "watch":
        return
    for symbol, one in view.exposures.items():
        flagged_at = view.flagged.get(symbol)
        if flagged_at is None or not _watched(view, symbol) or not view.market_open(symbol):
            continue
        if view.lags(symbol):
            continue  # the price has split, the shares have not: selling them would be the loss
        tried = max(view.absent_at[cid][-1] for cid in view.absent_at) if view.absent_at else 0
        since = max(flagged_at, one.since, view.opened(symbol), view.split_at(symbol))
        quiet = view.seconds(
            max(since, view.disturbed_at, view.ready_at, tried, view.closed_until())
        )
        if (
            quiet > 12
            and not _exit_left(view, symbol, one.since)
            and not _exit_unknown(view, symbol)
        ):
            yield f"{symbol}: flagged {view.seconds(flagged_at):.1f} s ago, no exit"


@invariant("I6 protected or flagged", "time")
def i6_meanwhile(view: View) -> Found:
    """While nobody knows what became of an exit, the position is protected again, or that is tried.

    Of one that met a 429 it is known: it leaves again at the reset, and nothing is sent before.
    """
    for symbol, one in view.exposures.items():
        begun = max(one.since, view.disturbed_at, view.ready_at, view.closed_until())
        quiet = view.seconds(begun)
        if view.turned_by_venue or not _watched(view, symbol):
            continue
        tried = _exit_left(view, symbol, view.now - 12 * SECOND)
        tried = tried or len(_unheard(view, symbol, "stop", "oco")) >= 3  # so many, and no more
        tried = tried or _exit_works(view, symbol)
        if quiet > 12 and _exit_unknown(view, symbol) and not tried:
            yield f"{symbol}: {view.position(symbol)} bare for {quiet:.1f} s beside an unknown exit"


def _exit_works(view: View, symbol: str) -> bool:
    """A close that the broker has told of fills bit by bit: no stop may rest beside it."""
    found = [view.intents.get(one.client_order_id) for one in view.live(symbol)]
    exits = [one.order for one in found if one is not None and one.order.leg in ("exit", "flat")]
    return any(one.type == "market" and one.client_order_id in view.reported for one in exits)


def _unheard(view: View, symbol: str, *legs: str) -> list[str]:
    """Such orders that the broker has told nothing of."""
    return [
        cid
        for cid, one in view.intents.items()
        if one.order.symbol == symbol
        and one.order.leg in legs
        and cid not in view.reported
        and cid not in view.refused
    ]


def _exit_unknown(view: View, symbol: str) -> bool:
    """An exit whose outcome nobody knows: it is looked up for a minute before the next one."""
    unheard = _unheard(view, symbol, "exit", "flat", "target")
    return any(not _given_up(view, cid) for cid in unheard)


def _exit_left(view: View, symbol: str, since: int) -> bool:
    return any(
        _is_submission(one)
        and view.symbol(str(one.body.get("symbol"))) == symbol
        and one.left_at >= since
        and not view.intents[one.client_order_id].order.increases
        for one in view.sent
        if one.client_order_id in view.intents
    )


def _watched(view: View, symbol: str) -> bool:
    """Somebody lives who could look after it, and it is ours alone."""
    return view.alive and symbol not in view.foreign and view.position(symbol) != 0


@invariant("I7 kill is final", "left")
def i7_halt(view: View, sent: Sent) -> Found:
    """Once a stop is on disk no entry leaves."""
    if _entry(view, sent) is not None and view.operator != "normal":
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
        entries = [one for one in view.live(symbol) if _opens(view, one)]
        if entries and ours:
            yield f"{symbol}: {_named(view, entries[0])} works all the same"


@invariant("I8 restart equality", "left")
def i8_ready_first(view: View, sent: Sent) -> Found:
    """No entry before READY."""
    if _entry(view, sent) is not None and not view.ready_at:
        yield f"{sent.client_order_id} left before READY"


@invariant("I8 restart equality", "left")
def i8_stream(view: View, sent: Sent) -> Found:
    """Nor while no trade stream is authorised."""
    if (
        _entry(view, sent) is not None
        and view.stream_down
        and _known_by(view, sent, view.stream_down)
    ):
        yield f"{sent.client_order_id} left {view.seconds(view.stream_down):.1f} s without a stream"


@invariant("I8 restart equality", "left")
def i8_crashed(view: View, sent: Sent) -> Found:
    """Nor in a symbol whose actor died on a word, before the broker's truth has replaced what it knew."""
    order = _entry(view, sent)
    since = None if order is None else view.crashed.get(order.symbol)
    if since is not None and _known_by(view, sent, since - SECOND):
        yield f"{sent.client_order_id} left after a crash, with no reading of the truth"


@invariant("I8 restart equality", "record")
def i8_read_twice(view: View, record: Record) -> Found:
    """READY comes after two whole readings, and what it says was so."""
    if not any(isinstance(one, Ready) for one in record.said):
        return
    for path in ("/v2/positions", "/v2/orders"):
        reads = [one for one in view.sent if one.path == path and one.method == "GET"]
        mine = [one for one in reads if one.left_at >= view.started_at and one.status == 200]
        if len(mine) < 2:
            yield f"READY after {len(mine)} readings of {path}"
    for one in record.said:
        if isinstance(one, Reconciled) and not _was_so(view, one, record.at):
            yield f"READY says {one.position.qty} {one.symbol}, the venue had another quantity"


def _was_so(view: View, truth: Reconciled, at: int) -> bool:
    return truth.position.qty in _lately(view, truth.symbol, at)


def _lately(view: View, symbol: str, at: int) -> set[Decimal]:
    """What the venue held of a symbol at any time of the last twenty seconds."""
    history = view.position_history[symbol]
    before = [qty for when, qty in history if when < at - 20 * SECOND]
    recent = [qty for when, qty in history if when >= at - 20 * SECOND]
    return {*(before[-1:] or [ZERO]), *recent}


@invariant("I9 never guess", "record")
def i9_settled(view: View, record: Record) -> Found:
    """An unknown entry is given up on proof only."""
    for said in record.said:
        if not isinstance(said, EntrySettled) or said.outcome != "expired":
            continue
        for cid, unknown in view.unknown.items():
            intent = view.intents.get(cid)
            approved = None if intent is None else view.approval_of(intent)
            if approved is None or approved[0].signal != said.signal or unknown.found:
                continue
            if not _given_up(view, cid):
                yield f"{cid} was given up after {len(view.absent_at[cid])} absences"


@invariant("I9 never guess", "left")
def i9_nothing_beside(view: View, sent: Sent) -> Found:
    """While an outcome is unknown its symbol is not entered again."""
    order = _entry(view, sent)
    if order is None:
        return
    for cid, unknown in view.unknown.items():
        if unknown.symbol != order.symbol or unknown.found or cid == order.client_order_id:
            continue
        if not _given_up(view, cid):
            yield f"{sent.client_order_id} left while the outcome of {cid} is unknown"


@invariant("I10 fills exactly once", "record")
def i10_not_more(view: View, record: Record) -> Found:
    """No more is said to have filled than has."""
    for said in record.said:
        if isinstance(said, Fill):
            told, truth = view.fills[said.client_order_id], view.filled(said.client_order_id)
            if said.qty <= 0:
                yield f"{said.client_order_id}: a fill of {said.qty}"
            if told > truth:
                yield f"{said.client_order_id}: {told} said as filled, the venue filled {truth}"


@invariant("I10 fills exactly once", "end")
def i10_not_less(view: View) -> Found:
    """Nor less, in the end."""
    for cid in view.intents:
        if view.fills.get(cid, ZERO) != view.filled(cid):
            yield f"{cid}: {view.fills.get(cid, ZERO)} said as filled of {view.filled(cid)}"


@invariant("I11 status lattice", "record")
def i11_over_is_over(view: View, record: Record) -> Found:
    """An order that its actor knows to be over is not cancelled."""
    for said in record.said:
        if view.legs_replaced:
            return
        if isinstance(said, CancelOrder) and said.client_order_id in view.ended:
            yield f"{said.client_order_id} is over and was cancelled"


@invariant("I11 status lattice", "record")
def i11_settled(view: View, record: Record) -> Found:
    """An entry that is said to have come to its end works no more."""
    for said in record.said:
        if not isinstance(said, EntrySettled) or said.outcome == "expired":
            continue
        for cid, intent in view.intents.items():
            approved = view.approval_of(intent) if intent.order.increases else None
            if approved is None or approved[0].signal != said.signal:
                continue
            order_id = view.book.by_client.get(cid)
            if order_id is not None and view.book.orders[order_id].is_open:
                yield f"{cid} is said to be {said.outcome}, it is {view.book.orders[order_id].status}"


@invariant("I12 conservation", "record")
def i12_closed(view: View, record: Record) -> Found:
    """A position that is said to be closed is not the one that the venue still holds."""
    for said in record.said:
        if not isinstance(said, PositionClosed) or said.symbol in view.foreign:
            continue
        held, since = view.position(said.symbol), view.held_since(said.symbol)
        still = held != 0 and not view.is_dust(said.symbol, held) and not view.turned_by_venue
        if still and since <= said.entry_at + SLACK:
            yield f"{said.symbol} is said to be closed, the venue holds {held} of it"


@invariant("I12 conservation", "record")
def i12_profit(view: View, record: Record) -> Found:
    """What a round trip is said to have earned is what its fills brought in dollars, after fees.

    What was never sold again, a coin's remainder, has not been lost. A fill after the close comes under the
    same position: what is said of it the second time comes on top.
    """
    for said in record.said:
        if not isinstance(said, PositionClosed) or said.symbol in view.foreign:
            continue
        fills = [one for one in view.journal_fills if one.position_id == said.position_id]
        sold = any(one.side != said.side for one in fills)
        flow = sum(((1 if one.side == "sell" else -1) * one.qty * one.price for one in fills), ZERO)
        earned = (flow if sold else ZERO) - sum((one.fee_usd for one in fills), ZERO)
        told = sum((one.pnl for one in view.closed if one.position_id == said.position_id), ZERO)
        if abs(told - earned) > Decimal("0.01"):
            yield f"{said.symbol} is said to have earned {told:.2f}, its fills {earned:.2f}"


@invariant("I12 conservation", "record")
def i12_ended(view: View, record: Record) -> Found:
    """A close is told with the time of its last fill: what rests after it, rests from there on."""
    for said in record.said:
        if not isinstance(said, PositionClosed) or said.symbol in view.foreign:
            continue
        closing = "sell" if said.side == "buy" else "buy"
        found = [
            one.at
            for one in view.book.activities
            if view.symbol(one.symbol) == said.symbol and one.side == closing
        ]
        last = max(found, default=0)
        if said.exit_at < last - SECOND and not view.turned_by_venue:
            early = (last - said.exit_at) / SECOND
            yield f"{said.symbol} is said to have closed {early:.1f} s before its last fill"


@invariant("I12 conservation", "end")
def i12_cash(view: View) -> Found:
    """The fills said come to the venue's cash, to the cent a fill."""
    if view.foreign:
        return
    cash = view.book.account.start_cash
    for fill in view.journal_fills:
        sign = 1 if fill.side == "buy" else -1
        cash -= sign * fill.qty * fill.price + fill.fee_usd
    away = abs(cash - view.book.account.cash)
    if away > Decimal("0.01") * max(1, len(view.journal_fills)):
        yield f"the fills come to {cash:.4f}, the venue has {view.book.account.cash:.4f}"


@invariant("I12 conservation", "end")
def i12_quantity(view: View) -> Found:
    """And to its positions."""
    for symbol in view.config.symbols:
        if symbol in view.foreign:
            continue
        held = sum(
            (
                (one.qty - one.fee_qty if one.side == "buy" else -one.qty)
                for one in view.journal_fills
                if one.symbol == symbol
            ),
            ZERO,
        )
        held += view.split_shares(symbol)
        away = abs(held - view.position(symbol))
        if away > Decimal("0.000000002") * max(1, len(view.journal_fills)):
            yield f"{symbol}: the fills come to {held}, the venue holds {view.position(symbol)}"


@invariant("I13 sane order", "left")
def i13_numbers(view: View, sent: Sent) -> Found:
    """Finite, positive, on the tick, in whole steps."""
    if not _is_submission(sent):
        return
    symbol = view.symbol(str(sent.body["symbol"]))
    asset = view.book.market.assets[view.venue_symbol(symbol)]
    prices = [sent.body.get("limit_price"), sent.body.get("stop_price")]
    prices += [(sent.body.get("take_profit") or {}).get("limit_price")]
    prices += [(sent.body.get("stop_loss") or {}).get("stop_price")]
    for text in (one for one in prices if one is not None):
        price = Decimal(str(text))
        tick = asset.price_increment or equity_tick(price)
        if not price.is_finite() or price <= 0 or price % tick:
            yield f"{sent.client_order_id}: price {text}"
    qty = Decimal(str(sent.body["qty"]))
    step = asset.min_trade_increment if asset.is_crypto else Decimal(1)
    if sent.body["type"] == "market" and view.split_shares(symbol):
        step = NINE  # the fraction that a split has left is closed
    if not qty.is_finite() or qty <= 0 or qty % (step or 1):
        yield f"{sent.client_order_id}: quantity {qty}"


@invariant("I13 sane order", "left")
def i13_sides(view: View, sent: Sent) -> Found:
    """Stop and target on their sides, a limit within the collar of the approved price."""
    order = _entry(view, sent)
    if order is None:
        return
    price = order.reference_price
    if order.stop_loss is not None and order.take_profit is not None:
        low, high = sorted((order.stop_loss, order.take_profit))
        rising = (order.side == "buy") == (order.stop_loss < order.take_profit)
        if not rising or not low < price < high:
            yield f"{sent.client_order_id}: {order.side} at {price}, legs {low} and {high}"
    risk = view.config.risk
    collar = amount(risk.collar_crypto_pct if is_coin(order.symbol) else risk.collar_stocks_pct)
    if order.limit_price is not None and abs(order.limit_price / price - 1) * 100 > collar:
        yield f"{sent.client_order_id}: limit {order.limit_price} far from {price}"


@invariant("I13 sane order", "record")
def i13_fresh_quote(view: View, record: Record) -> Found:
    """An approval rests on a quote of now."""
    for said in record.said:
        if not isinstance(said, Approval) or said.stop is None:
            continue
        words = [view.words.get(WordId(*one)) for one in said.because]
        quotes = [
            one
            for word in words
            if isinstance(word, Quotes)
            for one in word.quotes
            if one.symbol == said.symbol
        ]
        if not quotes:
            yield f"an approval of {said.symbol} rests on no quote"
        for one in quotes:
            if record.at - one.received_at > 2 * SECOND or record.at - one.at > 30 * SECOND:
                yield f"an approval of {said.symbol} rests on an old quote"
            if not 0 < one.bid <= one.ask:
                yield f"an approval of {said.symbol} rests on {one.bid}/{one.ask}"


@invariant("I14 rate", "left")
def i14_entries(view: View, sent: Sent) -> Found:
    """Entries a second (of one process), a minute and a day (of all).

    Of an entry of an earlier process is known when it was decided, not when it left after that.
    """
    if _entry(view, sent) is None:
        return
    risk = view.config.risk
    last = {_key(one): one for one in view.entries_left}.values()
    decided = [view.intents[one.client_order_id].at for one in last]
    times = [
        (one.left_at if one.run == sent.run else at, one.run)
        for one, at in zip(last, decided, strict=True)
    ]
    second = sum(1 for at, run in times if sent.left_at - at < SECOND and run == sent.run)
    minute = sum(1 for at, _ in times if sent.left_at - at < MINUTE)
    day = sum(1 for at, _ in times if sent.left_at - at < DAY)
    if second > risk.orders_per_second or minute > risk.orders_per_minute:
        yield f"{second} entries in a second, {minute} in a minute"
    if day > risk.orders_per_day:
        yield f"{day} entries in a day"


@invariant("I14 rate", "left")
def i14_calls(view: View, sent: Sent) -> Found:
    """A process stays within the broker's budget of 200 calls a minute."""
    count = 0
    for one in reversed(view.sent):
        if sent.left_at - one.left_at >= MINUTE or one.run != sent.run:
            break
        count += 1
    if count > 200:
        yield f"{count} calls in a minute"


@invariant("I15 repetition", "left")
def i15_day(view: View, sent: Sent) -> Found:
    """Entries that filled, of a symbol and day."""
    order = _entry(view, sent)
    if order is None:
        return
    filled = {
        one.client_order_id
        for one in view.entries_left
        if view.intents[one.client_order_id].order.symbol == order.symbol
        and one.client_order_id != sent.client_order_id
        and view.filled(one.client_order_id)
    }
    most = view.config.risk.entries_per_symbol_and_day
    if len(filled) >= most:
        yield f"{order.symbol}: entry {len(filled) + 1} of the day, {most} allowed"


@invariant("I15 repetition", "left")
def i15_losing(view: View, sent: Sent) -> Found:
    """Losing round trips in a row, from when the journal tells of the last one: it may be learned late."""
    most = view.config.risk.losing_trades_account
    order = _entry(view, sent)
    if order is None or view.losing < most or not view.closed:
        return
    approved = view.approval_of(view.intents[sent.client_order_id])
    if approved is not None and approved[1] > view.closed_at + SECOND:
        yield f"{sent.client_order_id} left after {view.losing} losing trades in a row"


@invariant("I16 session", "left")
def i16_entries(view: View, sent: Sent) -> Found:
    """No stock is entered outside its session or near the edges (a signal's life of slack)."""
    order = _entry(view, sent)
    if order is None or is_coin(order.symbol):
        return
    sessions, risk = view.book.market.sessions, view.config.risk
    if not sessions.is_open(view.now):
        yield f"{sent.client_order_id} left outside the session"
        return
    opened, closes = sessions.session(view.now)
    slack = int(view.config.consensus.signal_seconds * SECOND)
    if closes - view.now < int(risk.session_end_minutes * MINUTE) - slack:
        yield f"{sent.client_order_id} left {-view.seconds(closes):.0f} s before the close"
    if view.now - opened < int(risk.session_start_minutes * MINUTE):
        yield f"{sent.client_order_id} left {view.seconds(opened):.0f} s after the open"


@invariant("I16 session", "left")
def i16_exits(view: View, sent: Sent) -> Found:
    """A stock's exit is sent in regular hours only."""
    intent = view.intents.get(sent.client_order_id)
    if not _is_submission(sent) or intent is None or intent.order.leg not in ("exit", "flat"):
        return
    known = view.book.market.sessions
    if is_coin(intent.order.symbol) or known.is_open(view.now - 5 * SECOND):
        return
    if not known.is_open(view.now + 5 * SECOND):
        yield f"{sent.client_order_id} left outside the session"


@invariant("I17 one writer", "left")
def i17_strange(view: View, sent: Sent) -> Found:
    """Where another daemon's order works, nothing is entered."""
    order = _entry(view, sent)
    strange, since = view.strange.get(order.symbol, ("", 0)) if order is not None else ("", 0)
    if strange and _known_by(view, sent, since):
        yield f"{sent.client_order_id} left beside {strange}"


@invariant("I8 restart equality", "left")
def i8_news(view: View, sent: Sent) -> Found:
    """Once another's order has been told of, nothing is entered before the truth is read."""
    order = _entry(view, sent)
    since = view.foreign_news.get(order.symbol) if order is not None else None
    if since is not None and view.intents[sent.client_order_id].at > since:
        yield f"{sent.client_order_id} was decided after another's order in {sent.body['symbol']}"


@invariant("I21 loss stop", "left")
def i21_loss(view: View, sent: Sent) -> Found:
    """Beyond the daily loss or the drawdown nothing is entered."""
    order = _entry(view, sent)
    if order is None or not view.crossed_since:
        return
    # Marks come with each entry's quote; where quotes or fills were held up, with a cycle's at the latest.
    calm = view.seconds(view.disturbed_at) > SEEN_SECONDS
    late = 1.5 if calm else view.config.clock.cycle_seconds + 2.0 + 1.0
    if view.seconds(view.crossed_since) > late:
        yield f"{sent.client_order_id} left {view.seconds(view.crossed_since):.1f} s after a limit"


@invariant("I21 loss stop", "left")
def i21_tripped(view: View, sent: Sent) -> Found:
    """A limit that has tripped stays so, whatever becomes of equity, until a person says otherwise."""
    if (
        _entry(view, sent) is not None
        and view.tripped_at
        and _known_by(view, sent, view.tripped_at)
    ):
        yield f"{sent.client_order_id} left {view.seconds(view.tripped_at):.1f} s after a limit tripped"


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
            yield f"{symbol}: {_named(view, old[0])} rests since before the split"


@invariant("I28 no stale send", "left")
def i28_alive(view: View, sent: Sent) -> Found:
    """An entry leaves while its signal lives, and from the process that decided it."""
    order = _entry(view, sent)
    if order is None:
        return
    intent = view.intents[sent.client_order_id]
    if intent.run != view.run:
        yield f"{sent.client_order_id} was decided before the restart"
    if sent.left_at > order.expires_at:
        yield f"{sent.client_order_id} left after it had expired"
    approved = view.approval_of(intent)
    said_at = view.signals.get(approved[0].signal) if approved is not None else None
    if said_at is not None and order.expires_at - said_at > 30 * SECOND:
        yield f"{sent.client_order_id} lives longer than its signal"


# when the faults are over


@invariant("I23 liveness", "end")
def i23_known(view: View) -> Found:
    """Every outcome is known."""
    for cid, unknown in view.unknown.items():
        if not unknown.found and not _given_up(view, cid):
            yield f"the outcome of {cid} is still unknown"
    for symbol, holding in sorted(view.holdings.items()):
        waits = any(_rests(view, one) for one in view.live(symbol))
        if holding.phase == "entering" and waits:
            continue
        if holding.phase in ("recovering", "entering", "partly", "unprotected"):
            yield f"{symbol} is still {holding.phase} {holding.note}"


@invariant("I23 liveness", "end")
def i23_protected(view: View) -> Found:
    """Every position is protected, or there is none."""
    for symbol, one in view.exposures.items():
        if symbol not in view.foreign and view.market_open(symbol):
            age = view.seconds(one.since)
            yield f"{symbol}: {view.position(symbol)} unprotected for {age:.1f} s"


@invariant("I23 liveness", "end")
def i23_ready(view: View) -> Found:
    """READY, and nothing waits in a mailbox."""
    if not view.ready_at:
        yield "not READY"
    late = [key for key, since in view.waiting.items() if view.now - since > 5 * SECOND]
    for address, word in late[:3]:
        yield f"{type(view.words[word]).__name__} waits at {address}"


@invariant("I23 liveness", "end")
def i23_no_leftovers(view: View) -> Found:
    """Nothing works for a position that is gone."""
    for symbol in view.config.symbols:
        if view.position(symbol) == 0:
            for one in view.live(symbol):
                if _rests(view, view.root(one)) or one.client_order_id in view.planted:
                    continue
                yield f"{symbol} is flat and {_named(view, one)} is {one.status}"


def _rests(view: View, order: Order) -> bool:
    """A limit entry that waits for its price while the market is open."""
    waits = _opens(view, order) and order.type == "limit"
    return waits and view.market_open(view.symbol(order.symbol))


def _opens(view: View, order: Order) -> bool:
    intent = view.intents.get(order.client_order_id)
    return intent is not None and intent.order.increases


def _named(view: View, order: Order) -> str:
    return f"{order.leg or 'order'} of {view.root(order).client_order_id}"


@invariant("I23 liveness", "end")
def i23_agreed(view: View) -> Found:
    """The daemon says it holds what the venue holds."""
    for symbol, holding in sorted(view.holdings.items()):
        held = view.position(symbol)
        said = holding.qty if holding.side == "buy" else -holding.qty
        if holding.side is None:
            said = ZERO
        close = abs(said - held) <= Decimal("0.00000001")
        if symbol not in view.foreign and not close and not view.is_dust(symbol, held - said):
            yield f"{symbol}: {said} said to be held, the venue holds {held}"
