"""How orders and position follow from what is heard and said. Idempotent where the broker repeats itself.

Reports are cumulative: a part's filled quantity only grows, a terminal status stays, whatever the order
in which answers, stream events and lists come in. A fill counts when it has been said as `Fill`, so
each quantity is said once.
"""

import msgspec

from .. import keyed
from ..config import Config, is_coin
from ..messages.market import Asset, MarketHours, QuoteSeen
from ..messages.order import (
    CancelOrder,
    EntrySettled,
    Fill,
    Holding,
    LegReport,
    LookupOrder,
    OrderAbsent,
    OrderRefused,
    OrderReport,
    OrderStatus,
    OrderUnknown,
    PositionClosed,
    PositionOpened,
    PositionReport,
    Protected,
    ReadPosition,
    Reconcile,
    Reconciled,
    SubmitOrder,
    Unprotected,
)
from ..messages.signal import Approval
from ..messages.system import Alert, Crashed, Operator, RiskLevel, Started
from ..runtime.decider import Heard
from ..units import ZERO, OrderId, Symbol, exact
from . import ids
from .state import (
    OPEN,
    TERMINAL,
    Entry,
    Exit,
    OrderState,
    Own,
    OwnStatus,
    Part,
    Position,
    Read,
    is_open,
    orders,
    own,
)

replace = msgspec.structs.replace
KEEP_DONE = 20
"""Finished orders remembered, so that a late fill still finds its order."""
RANK: dict[str, int] = {
    "sent": 0,
    "lost": 0,
    "unknown": 1,
    "pending": 1,
    "held": 2,
    "working": 3,
    "partially_filled": 4,
    "pending_cancel": 5,
}


def evolve(config: Config, symbol: Symbol, tag: str, state: OrderState, heard: Heard) -> OrderState:
    """The state after a word; total."""
    state = replace(state, now=max(state.now, heard.at), heard=heard.word, alert="")
    message = heard.message
    match message:
        case OrderReport():
            return report(state, message)
        case OrderRefused():
            return _refused(state, message)
        case OrderUnknown():
            return _lost(state, message)
        case OrderAbsent():
            return _absent(state, message)
        case PositionReport():
            return _position_read(state, message)
        case Reconciled():
            return _reconciled(symbol, tag, state, message)
        case Fill():
            return _filled(symbol, state, message)
        case SubmitOrder():
            return _submitted(state, message, heard)
        case CancelOrder():
            return _touch(state, message.client_order_id, cancel_at=heard.at)
        case LookupOrder():
            one = own(state, message.client_order_id)
            asked = 0 if one is None else one.asked + 1
            return _touch(state, message.client_order_id, asked_at=heard.at, asked=asked)
        case ReadPosition():
            return replace(
                state, read=replace(state.read, asked=heard.word, asked_at=heard.at, fresh=False)
            )
        case Reconcile():
            return replace(state, asked_reconcile=heard.at)
        case Approval():
            return _approved(config, symbol, tag, state, message, heard)
    return _evolve_rest(symbol, state, heard)


def _evolve_rest(symbol: Symbol, state: OrderState, heard: Heard) -> OrderState:
    message = heard.message
    match message:
        case QuoteSeen():
            return _quoted(symbol, state, message)
        case MarketHours():
            return replace(state, hours=message)
        case Asset():
            return replace(state, asset=message)
        case Started():
            return _started(state)
        case Operator():
            return _operated(state, message, heard)
        case RiskLevel() if message.level == "BREACH" and message.note:
            return replace(state, operator="breach")
        case Crashed():
            return replace(state, frozen=f"crashed: {message.error}"[:200], asked_reconcile=0)
        case EntrySettled():
            return _settled(state)
        case PositionOpened():
            return _position(state, opened=True)
        case PositionClosed():
            return _closed(state)
        case Protected():
            state = replace(state, protected_by=message.order)
            return _position(
                state, exposed_since=0, flagged=False, protect_tries=0, protect_after=0
            )
        case Unprotected():
            return _position(state, flagged=True)
        case Holding():
            return replace(state, told=message)
        case Alert():
            return state
    return state


def _position(state: OrderState, **changes: object) -> OrderState:
    if state.position is None:
        return state
    return replace(state, position=replace(state.position, **changes))


def _put(state: OrderState, one: Own) -> OrderState:
    if not is_open(one) and one.done_at == 0:
        one = replace(one, done_at=state.now)
    known = keyed.put(state.orders, one.id, one)
    done = sorted(
        (other.done_at, other.id)
        for _, other in known
        if other.done_at and not is_open(other) and fully_told(other)
    )
    for _, old in done[: max(0, len(done) - KEEP_DONE)]:
        known = keyed.drop(known, old)
    return replace(state, orders=known)


def fully_told(one: Own) -> bool:
    """All its fills have been said."""
    parts = (one.part, *(leg for _, leg in one.legs))
    return all(part.told_qty >= part.filled_qty for part in parts)


def _touch(state: OrderState, order: OrderId, **changes: object) -> OrderState:
    one = own(state, order)
    return state if one is None else _put(state, replace(one, **changes))


def _stale(state: OrderState) -> OrderState:
    """Something may have changed what the broker holds."""
    return replace(state, read=replace(state.read, fresh=False))


def _submitted(state: OrderState, command: SubmitOrder, heard: Heard) -> OrderState:
    position = state.position
    key = command.client_order_id.split("-")[2]
    part = Part(
        order_id="",
        type=command.type,
        side=command.side,
        status="sent",
        qty=command.qty,
        limit_price=command.limit_price,
        stop_price=command.stop_price,
    )
    one = Own(
        id=command.client_order_id,
        leg=command.leg,
        order_class=command.order_class,
        time_in_force=command.time_in_force,
        position_id=key if position is None else position.id,
        part=part,
        word=heard.word,
        sent_at=heard.at,
        stop=command.stop_loss or command.stop_price,
        target=command.take_profit,
    )
    state = _put(_stale(state), one)
    if position is None:
        return state
    tries = position.protect_tries + (command.leg in ("stop", "oco"))
    state = _position(state, number=position.number + 1, protect_tries=tries)
    if command.leg == "target":
        return _position(state, swaps=(*position.swaps, heard.at)[-5:])
    return state


def report(state: OrderState, message: OrderReport) -> OrderState:
    """Merge what the broker says of one of our orders."""
    one = own(state, message.client_order_id)
    if one is None:
        return state
    grown = message.filled_qty > one.part.filled_qty or _legs_grow(one, message)
    part = _merged(
        one.part,
        message.order_id,
        message.status,
        message.filled_qty,
        message.filled_avg_price,
    )
    part = replace(
        part,
        limit_price=message.limit_price or part.limit_price,
        stop_price=message.stop_price or part.stop_price,
    )
    legs = one.legs
    for leg in message.legs:
        legs = keyed.put(legs, leg.order_id, _leg(keyed.get(legs, leg.order_id), leg))
    filled_at = one.filled_at or (message.event_at if part.filled_qty > 0 else 0)
    one = replace(one, part=part, legs=legs, filled_at=filled_at, asked=0, absent=0, absent_since=0)
    state = _put(state, one)
    return _stale(state) if grown else state


def _legs_grow(one: Own, message: OrderReport) -> bool:
    return any(
        leg.filled_qty
        > (known.filled_qty if (known := keyed.get(one.legs, leg.order_id)) else ZERO)
        for leg in message.legs
    )


def _leg(known: Part | None, leg: LegReport) -> Part:
    if known is None:
        known = Part(
            order_id=leg.order_id, type=leg.type, side=leg.side, status="pending", qty=leg.qty
        )
    part = _merged(known, leg.order_id, leg.status, leg.filled_qty, leg.filled_avg_price)
    return replace(part, qty=leg.qty, limit_price=leg.limit_price, stop_price=leg.stop_price)


def _merged(
    part: Part,
    order_id: str,
    status: OrderStatus,
    filled_qty: object,
    filled_avg: object,
) -> Part:
    """Along the lattice only: terminal stays, filled quantity grows; a late fill raises it."""
    changes: dict[str, object] = {"order_id": order_id or part.order_id}
    if filled_qty > part.filled_qty:  # type: ignore[operator]
        changes |= {"filled_qty": filled_qty, "filled_avg": filled_avg}
    if _moves(part.status, status):
        changes["status"] = status
    return replace(part, **changes)


def _moves(now: OwnStatus, to: OrderStatus) -> bool:
    if now in ("refused", "absent"):
        return True
    if now in TERMINAL:
        return False
    if to in TERMINAL:
        return True
    return RANK.get(to, 1) >= RANK.get(now, 0)


def _refused(state: OrderState, message: OrderRefused) -> OrderState:
    one = own(state, message.client_order_id)
    if one is None:
        return state
    if message.request != "submit":
        return _touch(state, one.id, asked_at=0) if message.request == "cancel" else state
    if one.part.status not in ("sent", "lost"):
        return state
    if "must be unique" in message.message:
        return _put(state, replace(one, part=replace(one.part, status="lost"), asked_at=0))
    part = replace(one.part, status="refused")
    state = _put(state, replace(one, part=part, refusal=message.message[:200]))
    state = _stale(state)
    if one.leg in ("stop", "oco") and state.position is not None:
        return _position(state, protect_after=state.now + 500_000_000)
    if one.leg in ("exit", "flat", "target") and state.exit is not None:
        tries = state.exit.tries + 1
        wait = min(tries, 10) * 1_000_000_000
        return replace(state, exit=replace(state.exit, tries=tries, after=state.now + wait))
    return state


def _lost(state: OrderState, message: OrderUnknown) -> OrderState:
    one = own(state, message.client_order_id)
    if one is None or message.request != "submit" or one.part.status != "sent":
        return state
    return _put(_stale(state), replace(one, part=replace(one.part, status="lost"), asked_at=0))


def _absent(state: OrderState, message: OrderAbsent) -> OrderState:
    one = own(state, message.client_order_id)
    if one is None or one.part.status not in ("sent", "lost"):
        return state
    one = replace(
        one,
        absent=one.absent + 1,
        absent_since=one.absent_since or state.now,
        listed=one.listed or message.listed,
    )
    proved = one.absent >= 3 and state.now - one.absent_since >= 60_000_000_000 and one.listed
    if proved:
        one = replace(one, part=replace(one.part, status="absent"))
    return _put(state, one)


def _position_read(state: OrderState, message: PositionReport) -> OrderState:
    asked = state.read.asked
    answers = asked is not None and tuple(asked) in {tuple(one) for one in message.because}
    if not answers:
        return state
    return replace(
        state,
        read=Read(qty=message.qty, available=message.qty_available, fresh=True),
    )


def _reconciled(symbol: Symbol, tag: str, state: OrderState, message: Reconciled) -> OrderState:
    for one in message.orders:
        state = report(state, one)
    named = {one.client_order_id for one in message.orders}
    for mine in orders(state):
        if message.complete and mine.part.status in OPEN and mine.id not in named:
            lost = replace(mine, part=replace(mine.part, status="lost"), asked_at=0)
            state = _put(state, lost if mine.part.status != "sent" else mine)
    strange = [
        one.client_order_id
        for one in message.orders
        if ids.is_ours(one.client_order_id, tag)
        and own(state, one.client_order_id) is None
        and one.status in OPEN
    ]
    position = message.position
    read = Read(qty=position.qty, available=position.qty_available, fresh=True)
    if any(one.part.status in ("sent", "lost") for one in orders(state)):
        read = replace(read, fresh=False)
    state = replace(state, read=read, foreign_orders=len(message.foreign), asked_reconcile=0)
    if strange:
        text = f"{symbol}: order {strange[0]} is ours but unknown here: another daemon?"
        return replace(state, frozen=text, alert=text)
    return replace(state, frozen="")


def _filled(symbol: Symbol, state: OrderState, fill: Fill) -> OrderState:
    state = _told(state, fill)
    position = state.position
    if position is None:
        entry = state.entry
        position = Position(
            id=fill.position_id,
            signal="" if entry is None else entry.signal,
            side=fill.side,
            qty=ZERO,
            stop=None if entry is None else entry.stop,
            target=None if entry is None else entry.target,
            entry_at=fill.filled_at,
            exposed_since=state.now,
        )
    value = fill.qty * fill.price
    fees = position.fees + fill.fee_usd + exact(fill.fee_qty * fill.price)
    if fill.side == position.side:
        position = replace(
            position,
            qty=exact(position.qty + fill.qty - fill.fee_qty),
            bought=position.bought + fill.qty,
            paid=exact(position.paid + value),
            fees=fees,
            exposed_since=position.exposed_since or state.now,
        )
    else:
        position = replace(
            position,
            qty=exact(max(ZERO, position.qty - fill.qty)),
            closed=position.closed + fill.qty,
            received=exact(position.received + value),
            fees=fees,
            exit_at=fill.filled_at,
            last_leg=fill.leg,
        )
    return replace(state, position=position)


def _told(state: OrderState, fill: Fill) -> OrderState:
    """Which part of the order the fill belonged to: the first with so much unsaid."""
    one = own(state, fill.client_order_id)
    if one is None:
        return state
    value = exact(fill.qty * fill.price)

    def told(part: Part) -> Part:
        return replace(part, told_qty=part.told_qty + fill.qty, told_value=part.told_value + value)

    if one.part.filled_qty > one.part.told_qty:
        return _put(state, replace(one, part=told(one.part)))
    for order_id, leg in one.legs:
        if leg.filled_qty > leg.told_qty:
            return _put(state, replace(one, legs=keyed.put(one.legs, order_id, told(leg))))
    return state


def _approved(
    config: Config, symbol: Symbol, tag: str, state: OrderState, message: Approval, heard: Heard
) -> OrderState:
    if message.intent == "cancel_entry":
        if state.entry is None or state.entry.settled:
            return state
        return replace(state, entry=replace(state.entry, canceled=True))
    if message.intent in ("close_long", "close_short"):
        return _exit(state, "signal", heard)
    busy = state.position is not None or any(is_open(one) for one in orders(state))
    if message.stop is None or message.target is None or busy or state.frozen:
        return state
    return replace(
        state,
        entry=Entry(
            signal=message.signal,
            key=ids.entry_key(tag, symbol, message.cycle, message.signal),
            side="buy" if message.intent == "open_long" else "sell",
            qty=message.qty,
            price=message.price,
            limit_price=message.limit_price,
            stop=message.stop,
            target=message.target,
            expires_at=message.expires_at,
            word=heard.word,
        ),
    )


def _exit(state: OrderState, reason: str, heard: Heard) -> OrderState:
    if state.position is None or state.exit is not None:
        return state
    leaving = Exit(reason=reason, since=heard.at, word=heard.word)  # type: ignore[arg-type]
    return replace(state, exit=leaving)


def _quoted(symbol: Symbol, state: OrderState, seen: QuoteSeen) -> OrderState:
    """Only coins are watched: their stop may be jumped over, their target rests with us."""
    if not is_coin(symbol):
        return state
    bid = seen.quote.bid
    state = replace(state, bid=bid, ask=seen.quote.ask)
    position = state.position
    if position is None or position.stop is None or position.target is None:
        return replace(state, below_stop_since=0, above_target_since=0)
    below = bid <= float(position.stop)
    above = bid >= float(position.target)
    return replace(
        state,
        below_stop_since=(state.below_stop_since or state.now) if below else 0,
        above_target_since=(state.above_target_since or state.now) if above else 0,
    )


def _started(state: OrderState) -> OrderState:
    """What was in the air is of unknown outcome until it has been looked up; nothing is sent again."""
    for one in orders(state):
        if one.part.status == "sent":
            state = _put(
                state, replace(one, part=replace(one.part, status="lost"), asked_at=0, asked=0)
            )
    read = replace(state.read, fresh=False, asked=None)
    return replace(state, read=read, asked_reconcile=0, below_stop_since=0, above_target_since=0)


def _operated(state: OrderState, command: Operator, heard: Heard) -> OrderState:
    state = replace(state, operator=command.state)
    if command.state == "flatten":
        return _exit(state, "operator", heard)
    return state


def _settled(state: OrderState) -> OrderState:
    if state.entry is None:
        return state
    return replace(state, entry=replace(state.entry, settled=True))


def _closed(state: OrderState) -> OrderState:
    left = ZERO if state.position is None else state.position.qty
    return replace(
        state,
        position=None,
        entry=None,
        exit=None,
        dust=left,
        protected_by="",
        below_stop_since=0,
        above_target_since=0,
    )
