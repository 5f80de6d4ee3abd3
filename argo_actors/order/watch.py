"""What a coin's quotes say of its position: the broker watches neither its target nor a stop that is jumped."""

import msgspec

from ..config import is_coin
from ..messages.market import QuoteSeen
from ..units import SECOND, Symbol
from .state import OrderState

replace = msgspec.structs.replace
QUOTE_AGE = 30 * SECOND
"""An older quote is no price to enter by, and none to leave by."""


def quoted(symbol: Symbol, state: OrderState, seen: QuoteSeen) -> OrderState:
    """Only coins are watched, by quotes of now."""
    if not is_coin(symbol) or state.now - seen.quote.at > QUOTE_AGE:
        return state
    bid = seen.quote.bid
    state = replace(state, bid=bid, ask=seen.quote.ask)
    position = state.position
    if position is None or position.stop is None or position.target is None:
        return unseen(state)
    below = bid <= float(position.stop)
    above = bid >= float(position.target)
    return replace(
        state,
        below_stop_since=(state.below_stop_since or state.now) if below else 0,
        above_target_since=(state.above_target_since or state.now) if above else 0,
        above_target_at=state.now if above else 0,
    )


def unseen(state: OrderState) -> OrderState:
    """A quote of before says nothing about a position of now."""
    return replace(
        state, bid=0.0, ask=0.0, below_stop_since=0, above_target_since=0, above_target_at=0
    )
