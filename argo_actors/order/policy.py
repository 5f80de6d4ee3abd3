"""Closes that the rules themselves call for: unprotected too long, a breach, a coin's stop or target."""

from decimal import Decimal

from ..config import Config, is_coin
from ..units import MINUTE, SECOND, Symbol, to_tick
from .facts import is_flat
from .state import Exit, OrderState, Position, entry_order, is_covered, is_open, orders
from .timing import EXIT_AFTER

STOP_WAIT = 3 * SECOND
TARGET_WAIT = SECOND
MOST_SWAPS = 3
SWAP_WINDOW = 10 * MINUTE
STOP_LIMIT_GAP = Decimal("0.99")
TARGET_GAP = Decimal("0.999")


def software_exit(config: Config, symbol: Symbol, state: OrderState) -> Exit | None:
    """A close that the rules themselves call for: unprotected too long, a coin's stop or target."""
    position = state.position
    if position is None or state.exit is not None or entry_order(state) is not None:
        return None
    if state.operator == "flatten":
        return Exit(reason="operator", since=state.now, word=state.heard)
    if state.operator == "breach" and breach_flattens(config):
        return Exit(reason="operator", since=state.now, word=state.heard)
    exposed = position.exposed_since
    if (
        exposed
        and state.now - exposed >= EXIT_AFTER
        and not is_covered(state)
        and config.trading.on_unprotected == "exit"
    ):
        return Exit(reason="unprotected", since=state.now, word=state.heard)
    return _coin_exit(symbol, state, position) if is_coin(symbol) else None


def breach_flattens(config: Config) -> bool:
    """What a breach of a loss limit does in this mode."""
    if config.risk.on_breach is not None:
        return config.risk.on_breach == "flatten"
    return config.prop_firm.enabled


def _coin_exit(symbol: Symbol, state: OrderState, position: Position) -> Exit | None:
    if position.stop is None or position.target is None or not state.bid:
        return None
    through = state.bid < float(position.stop * STOP_LIMIT_GAP)
    below = state.below_stop_since
    if through or (below and state.now - below >= STOP_WAIT):
        return Exit(reason="stop", since=state.now, word=state.heard)
    above = state.above_target_since
    recent = [one for one in position.swaps if state.now - one < SWAP_WINDOW]
    may_swap = state.operator == "normal" and len(recent) < MOST_SWAPS
    if above and state.now - above >= TARGET_WAIT and may_swap:
        tick = Decimal("0.01") if state.asset is None else state.asset.price_increment
        limit = to_tick(position.target * TARGET_GAP, tick, up=False)
        return Exit(reason="target", since=state.now, word=state.heard, limit=limit)
    return None


def exit_is_over(symbol: Symbol, state: OrderState) -> bool:
    """A coin's target order found no buyer: its stop is to rest again."""
    leaving = state.exit
    if leaving is None or leaving.limit is None or state.position is None:
        return False
    tried = [one for one in orders(state) if one.leg == "target" and one.sent_at >= leaving.since]
    return (
        bool(tried)
        and not any(is_open(one) for one in tried)
        and not is_flat(symbol, state, state.position)
    )
