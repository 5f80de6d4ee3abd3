"""What the broker says of our orders, merged into what we remember of them.

Reports are cumulative: a part's filled quantity only grows, a terminal status stays, whatever the order
in which answers, stream events and lists come in.
"""

import msgspec

from .. import keyed
from ..messages.order import (
    LegReport,
    OrderAbsent,
    OrderRefused,
    OrderReport,
    OrderStatus,
    OrderUnknown,
)
from ..units import MINUTE, SECOND, ZERO, OrderId, UtcNanos
from .state import CLOSING, OPEN, TERMINAL, OrderState, Own, OwnStatus, Part, is_open, own
from .timing import ABSENT_AFTER, ABSENT_TIMES

replace = msgspec.structs.replace
PROTECT_TRIES = 3
PROTECT_WAIT = SECOND // 2
PROTECT_SLOWLY = 30 * SECOND
"""Where a position may not be closed instead: watched, or out of hours."""
PROTECT_MEANWHILE = 5 * SECOND
"""Where nobody knows what became of the close."""
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


def alarm(state: OrderState, text: str) -> OrderState:
    """A person has to hear of it, once."""
    known = state.alert.split("; ") if state.alert else []
    return state if text in known else replace(state, alert="; ".join([*known, text])[-500:])


def report(state: OrderState, message: OrderReport) -> OrderState:
    """Merge what the broker says of one of our orders."""
    one = own(state, message.client_order_id)
    if one is None:
        return state
    if _is_older(one, message):
        part = replace(one.part, status="refused")
        return put(state, replace(one, part=part, refusal="an order of before bears this id"))
    grown = message.filled_qty > one.part.filled_qty or _legs_grow(one, message)
    part = _merged(
        one.part,
        message.order_id,
        message.status,
        message.filled_qty,
        message.filled_avg_price,
        message.event_at,
    )
    part = replace(
        part,
        limit_price=message.limit_price or part.limit_price,
        stop_price=message.stop_price or part.stop_price,
    )
    legs = _superseded(one.legs, message.legs)
    for leg in message.legs:
        legs = keyed.put(legs, leg.order_id, _leg(keyed.get(legs, leg.order_id), leg))
    filled_at = one.filled_at or (message.event_at if part.filled_qty > 0 else 0)
    risen = one.part.status in ("absent", "refused") and (part.status in OPEN or grown)
    if risen:
        state = alarm(state, f"order {one.id} was held for {one.part.status} and has appeared")
    if part.status == "filled" and one.part.status != "filled":
        one = replace(one, cancel_at=0, cancel_first=0)  # overtaken: its legs are another matter
    one = replace(
        one,
        part=part,
        legs=legs,
        filled_at=filled_at,
        asked=0 if (part, legs) != (one.part, one.legs) else one.asked,
        absent=0,
        absent_since=0,
        expires_at=message.expires_at or one.expires_at,
        risen=one.risen or risen,
        missed=False,
        done_at=0 if risen else one.done_at,
    )
    state = put(state, one)
    return stale(state) if grown else state


def _is_older(one: Own, message: OrderReport) -> bool:
    """It was placed long before this entry left: a request's name was given a second time.

    What that order filled has been told; the broker takes an id once, so this one did not arrive.
    """
    waits = one.leg == "entry" and one.part.status in ("sent", "lost")
    return waits and 0 < message.submitted_at < one.sent_at - MINUTE


def _legs_grow(one: Own, message: OrderReport) -> bool:
    return any(
        leg.filled_qty
        > (known.filled_qty if (known := keyed.get(one.legs, leg.order_id)) else ZERO)
        for leg in message.legs
    )


def _superseded(
    known: tuple[tuple[str, Part], ...], named: tuple[LegReport, ...]
) -> tuple[tuple[str, Part], ...]:
    """A leg in whose place another of its type is named is gone: a broker lists one of each.

    It is held for absent, so that a report that names it after all brings it back.
    """
    ids = {leg.order_id for leg in named}
    for order_id, part in known:
        replaced = any(leg.type == part.type and leg.side == part.side for leg in named)
        if order_id not in ids and replaced:
            known = keyed.put(known, order_id, _ended(part))
    return known


def _leg(known: Part | None, leg: LegReport) -> Part:
    if known is None:
        known = Part(
            order_id=leg.order_id, type=leg.type, side=leg.side, status="pending", qty=leg.qty
        )
    part = _merged(
        known, leg.order_id, leg.status, leg.filled_qty, leg.filled_avg_price, leg.event_at
    )
    return replace(part, qty=leg.qty, limit_price=leg.limit_price, stop_price=leg.stop_price)


def _merged(
    part: Part,
    order_id: str,
    status: OrderStatus,
    filled_qty: object,
    filled_avg: object,
    event_at: UtcNanos,
) -> Part:
    """Along the lattice only: terminal stays, filled quantity grows; a late fill raises it."""
    changes: dict[str, object] = {"order_id": order_id or part.order_id}
    if filled_qty > part.filled_qty:  # type: ignore[operator]
        changes |= {"filled_qty": filled_qty, "filled_avg": filled_avg, "filled_at": event_at}
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


def refused(state: OrderState, message: OrderRefused) -> OrderState:
    one = own(state, message.client_order_id)
    if one is None:
        return state
    if message.request != "submit":
        return touch(state, one.id, asked_at=0) if message.request == "cancel" else state
    if one.part.status not in ("sent", "lost"):
        return state
    if "must be unique" in message.message:
        return put(state, replace(one, part=replace(one.part, status="lost"), asked_at=0))
    part = replace(one.part, status="refused")
    state = put(state, replace(one, part=part, refusal=message.message[:200]))
    state = stale(state)
    if one.leg in ("stop", "oco") and state.position is not None:
        quick = state.position.protect_tries < PROTECT_TRIES
        slowly = PROTECT_SLOWLY if state.exit is None else PROTECT_MEANWHILE
        wait = PROTECT_WAIT if quick else slowly
        return position_with(state, protect_after=state.now + wait)
    if one.leg in CLOSING and state.exit is not None:
        tries = state.exit.tries + 1
        wait = min(tries, 10) * SECOND
        return replace(state, exit=replace(state.exit, tries=tries, after=state.now + wait))
    return position_with(state, protect_after=state.now + SECOND)


def lost(state: OrderState, message: OrderUnknown) -> OrderState:
    one = own(state, message.client_order_id)
    if one is None or message.request != "submit" or one.part.status != "sent":
        return state
    return put(stale(state), replace(one, part=replace(one.part, status="lost"), asked_at=0))


def absent(state: OrderState, message: OrderAbsent) -> OrderState:
    one = own(state, message.client_order_id)
    if one is None or not (one.missed or one.part.status in ("sent", "lost")):
        return state
    read_at = message.read_at or state.now
    one = replace(
        one,
        absent=one.absent + 1,
        absent_since=one.absent_since or read_at,
        listed=one.listed or message.listed,
    )
    proved = (
        one.absent >= ABSENT_TIMES and one.listed and read_at - one.absent_since >= ABSENT_AFTER
    )
    if proved and one.missed:
        legs = tuple((order_id, _ended(leg)) for order_id, leg in one.legs)
        one = replace(one, legs=legs, missed=False)
    elif proved:
        one = replace(one, part=replace(one.part, status="absent"))
    return put(state, one)


def _ended(part: Part) -> Part:
    return replace(part, status="absent") if part.status in OPEN else part


def put(state: OrderState, one: Own) -> OrderState:
    if not is_open(one) and one.done_at == 0:
        one = replace(one, done_at=state.now)
        state = stale(state)
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


def touch(state: OrderState, order: OrderId, **changes: object) -> OrderState:
    one = own(state, order)
    return state if one is None else put(state, replace(one, **changes))


def stale(state: OrderState) -> OrderState:
    """Something may have changed what the broker holds: an answer under way is too old as well."""
    return replace(state, read=replace(state.read, fresh=False, asked=None))


def position_with(state: OrderState, **changes: object) -> OrderState:
    if state.position is None:
        return state
    return replace(state, position=replace(state.position, **changes))
