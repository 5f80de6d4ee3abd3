"""Closes that the rules themselves call for, and the hours in which anything may be closed (decisions §6)."""

from decimal import Decimal

from ..config import Config, is_coin
from ..messages.order import ExitReason
from ..units import MINUTE, SECOND, Symbol, UtcNanos, to_tick
from .facts import is_flat
from .split import is_under_way
from .state import (
    CLOSING,
    Exit,
    OrderState,
    Own,
    Position,
    entry_order,
    is_covered,
    is_open,
    open_orders,
    orders,
    stop_part,
)
from .timing import EXIT_AFTER, EXPIRY_LEAD, FLAT_BEFORE, RECALL_BEFORE, STOP_WAIT

TARGET_WAIT = SECOND
MOST_SWAPS = 3
SWAP_WINDOW = 10 * MINUTE
STOP_LIMIT_GAP = Decimal("0.99")
"""A coin's stop becomes a limit order one percent below it."""
TARGET_GAP = Decimal("0.999")
NO_SWAP = frozenset({"halt", "flatten"})


def may_close(symbol: Symbol, state: OrderState) -> bool:
    """Stock exits are sent in regular hours only, and not while a split changes the shares."""
    if is_coin(symbol):
        return True
    return state.hours is not None and state.hours.is_open and not is_under_way(state)


def recall_at(config: Config, symbol: Symbol, state: OrderState) -> UtcNanos | None:
    """From when on an entry is not left working: a stock's ends with its session."""
    if is_coin(symbol) or state.hours is None:
        return None
    lead = FLAT_BEFORE if config.flat_at_close else RECALL_BEFORE
    return state.hours.session_close - lead if state.hours.is_open else 0


def flat_at(config: Config, symbol: Symbol, state: OrderState) -> UtcNanos | None:
    """From when on a position is closed before its session ends, where that is wished."""
    if not config.flat_at_close or is_coin(symbol) or state.hours is None:
        return None
    return state.hours.session_close - FLAT_BEFORE if state.hours.is_open else None


def is_outdated(symbol: Symbol, state: OrderState, one: Own) -> bool:
    """Its stop is wider than it may be by now, or it lapses within five days."""
    position, part = state.position, stop_part(one)
    if position is None or part is None or not may_close(symbol, state):
        return False
    stop = part.stop_price or one.stop
    if position.stop is not None and stop is not None:
        wider = stop < position.stop if position.side == "buy" else stop > position.stop
        if wider:
            return True
    return bool(one.expires_at) and one.expires_at - state.now < EXPIRY_LEAD


def software_exit(config: Config, symbol: Symbol, state: OrderState) -> Exit | None:
    """The close that is due although no signal asks for it, None when none is."""
    position = state.position
    if position is None or state.exit is not None or position.over:
        return None
    if entry_order(state) is not None:
        return None
    reason = _reason(config, symbol, state, position)
    if reason is not None:
        return Exit(reason=reason, since=state.now, word=state.heard)
    return _coin_exit(symbol, state, position) if is_coin(symbol) else None


def _reason(
    config: Config, symbol: Symbol, state: OrderState, position: Position
) -> ExitReason | None:
    if calls_off(config, state):
        return "operator"
    risen = [one for one in orders(state) if one.risen and one.leg == "entry"]
    if any(one.position_id == position.id for one in risen):
        return "foreign"
    end = flat_at(config, symbol, state)
    if end is not None and state.now >= end:
        return "session"
    bare = position.exposed_since and not is_covered(state)
    overdue = bare and state.now - position.exposed_since >= EXIT_AFTER
    if overdue and config.trading.on_unprotected == "exit" and may_close(symbol, state):
        return "unprotected"
    return None


def breach_flattens(config: Config) -> bool:
    """What a breach of a loss limit does in this mode."""
    if config.risk.on_breach is not None:
        return config.risk.on_breach == "flatten"
    return config.prop_firm.enabled


def calls_off(config: Config, state: OrderState) -> bool:
    """Nothing of ours is to be left working."""
    return state.operator == "flatten" or (state.breached and breach_flattens(config))


def _coin_exit(symbol: Symbol, state: OrderState, position: Position) -> Exit | None:
    if position.stop is None or position.target is None or not state.bid:
        return None
    through = state.bid < float(position.stop * STOP_LIMIT_GAP)
    below = state.below_stop_since
    if through or (below and state.now - below >= STOP_WAIT):
        return Exit(reason="stop", since=state.now, word=state.heard)
    above = state.above_target_since
    recent = [one for one in position.swaps if state.now - one < SWAP_WINDOW]
    may_swap = state.operator not in NO_SWAP and len(recent) < MOST_SWAPS
    if above and state.above_target_at - above >= TARGET_WAIT and may_swap:
        tick = Decimal("0.01") if state.asset is None else state.asset.price_increment
        limit = to_tick(position.target * TARGET_GAP, tick, up=False)
        return Exit(reason="target", since=state.now, word=state.heard, limit=limit)
    return None


def exit_is_over(symbol: Symbol, state: OrderState) -> bool:
    """A coin's target found no buyer: its stop rests again. Out of hours a close is dropped."""
    leaving = state.exit
    if leaving is None or state.position is None or is_flat(symbol, state, state.position):
        return False
    if leaving.limit is None:
        closing = any(one.leg in CLOSING for one in open_orders(state))
        dropped = leaving.reason in ("signal", "unprotected") and not closing
        return dropped and not may_close(symbol, state)
    tried = [one for one in orders(state) if one.leg == "target" and one.sent_at >= leaving.since]
    return bool(tried) and not any(is_open(one) for one in tried)
