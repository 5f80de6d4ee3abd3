"""The protection ledger of a symbol: what covers the position since when, and every interval without.

An interval begins when a step leaves part of the position without a live stop, whatever is tried
meanwhile, and ends when the whole quantity is covered or nothing is left. What begins and ends within
one step has no length and is none.
"""

from typing import NamedTuple

import msgspec

from ..messages.order import ExitReason, ProtectionGap
from ..units import OrderId, Price, Quantity, Symbol, UtcNanos, exact
from .state import (
    LIVE,
    Gap,
    OrderState,
    Own,
    Part,
    entry_order,
    orders,
    protected_qty,
    stop_part,
)

replace = msgspec.structs.replace


class Cover(NamedTuple):
    """A live stop and how much of the position it covers."""

    order: OrderId
    order_id: str
    kind: str
    status: str
    stop: Price | None
    qty: Quantity


def covers(state: OrderState) -> tuple[Cover, ...]:
    """The live stops of a symbol."""
    return tuple(
        Cover(one.id, part.order_id, part.type, part.status, part.stop_price or one.stop, left)
        for one, part in _live_stops(state)
        if (left := exact(part.qty - part.filled_qty)) > 0
    )


def protector(state: OrderState) -> Own | None:
    """The newest order that protects."""
    found = [one for one, _ in _live_stops(state)]
    return max(found, key=lambda one: (one.sent_at, one.id), default=None)


def _live_stops(state: OrderState) -> list[tuple[Own, Part]]:
    stops = [(one, stop_part(one)) for one in orders(state)]
    return [(one, part) for one, part in stops if part is not None and part.status in LIVE]


def watched(state: OrderState) -> OrderState:
    """The state with its exposure up to date: since when the policy counts, and the running interval."""
    position = state.position
    if position is None or position.qty == 0:
        return state
    bare = exact(position.qty - protected_qty(state))
    if bare <= 0:
        return state
    if not position.exposed_since:
        position = replace(position, exposed_since=state.now, protect_tries=0)
    gap = position.gap
    if gap is None:
        gap = Gap(begin=position.exposed_since, cause=_cause(state), qty=bare)
    elif bare > gap.qty:
        gap = replace(gap, qty=bare)
    return replace(state, position=replace(position, gap=gap))


def _cause(state: OrderState) -> str:
    leaving, position = state.exit, state.position
    if leaving is not None:
        return "target swap" if leaving.limit is not None else f"closing ({leaving.reason})"
    if entry_order(state) is not None:
        return "the entry is only partly filled"
    ours = "" if position is None else position.id
    gone = [
        part.status
        for one in orders(state)
        if one.position_id == ours
        and one.leg != "exit"
        and (part := stop_part(one)) is not None
        and part.status not in LIVE
    ]
    return f"its stop is {gone[-1]}" if gone else "no protection confirmed yet"


def refusal(state: OrderState, since: UtcNanos) -> str:
    """Why protection was last refused, empty when it was not."""
    found = [
        one.refusal
        for one in orders(state)
        if one.leg in ("stop", "oco") and one.refusal and one.sent_at >= since
    ]
    return f"protection refused: {found[-1]}" if found else ""


def cause(state: OrderState, gap: Gap) -> str:
    """Why the interval began, and what keeps it open."""
    return "; ".join(one for one in (gap.cause, refusal(state, gap.begin)) if one)


def ended(
    symbol: Symbol, state: OrderState, order: OrderId = "", reason: ExitReason | None = None
) -> list[ProtectionGap]:
    """The interval that is over now; none when there was none, or it had no length."""
    position = state.position
    gap = None if position is None else position.gap
    if position is None or gap is None or gap.begin >= state.now:
        return []
    return [
        ProtectionGap(
            symbol=symbol,
            position_id=position.id,
            qty=gap.qty,
            begin=gap.begin,
            end=state.now,
            cause=cause(state, gap),
            ended="closed" if reason is not None else "protected",
            order=order,
            reason=reason,
            flagged=gap.flagged,
            because=(state.heard,),
        )
    ]
