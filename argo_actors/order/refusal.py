"""What follows from the broker's refusal: prices computed once more, an exit at once, a blocker adopted."""

from decimal import Decimal

import msgspec

from ..config import Config, amount, is_coin
from ..messages.order import OrderRefused
from ..units import CENT, OrderId, Price, Symbol, UtcNanos, equity_tick, exact, to_tick
from .foreign import not_ours_alone
from .reports import put, refused
from .state import Exit, OrderState, orders, own

replace = msgspec.structs.replace
THROUGH = "stop price must be"
"""Alpaca's words for a stop that the market has passed already."""


def after_refusal(
    config: Config, symbol: Symbol, state: OrderState, message: OrderRefused
) -> OrderState:
    """The refusal, and what the rules make of it."""
    before = own(state, message.client_order_id)
    state = refused(state, message)
    after = own(state, message.client_order_id)
    if before is None or after is None or after.part.status == before.part.status:
        return state
    if after.part.status != "refused":
        return state
    if after.leg == "entry":
        return _once_more(config, symbol, state, message.base_price)
    if message.related_order:
        return _blocked(state, message.related_order)
    through = after.leg in ("stop", "oco") and THROUGH in message.message
    if through and state.position is not None and state.exit is None:
        return replace(state, exit=Exit(reason="stop", since=state.now, word=state.heard))
    return state


def has_passed(state: OrderState, since: UtcNanos) -> bool:
    """A stop placed since then was refused because the market has passed it."""
    return any(
        one.leg in ("stop", "oco") and one.sent_at >= since and THROUGH in one.refusal
        for one in orders(state)
    )


def _once_more(config: Config, symbol: Symbol, state: OrderState, base: Price | None) -> OrderState:
    """The market has moved past a leg: both legs keep their distance from where it is now, once.

    Another attempt is another entry: none where entries have been stopped since the first.
    """
    entry = state.entry
    if base is None or entry is None or entry.settled or entry.canceled or state.frozen:
        return state
    if state.limited or state.operator != "normal" or not_ours_alone(state):
        return state
    most = amount(
        config.risk.collar_crypto_pct if is_coin(symbol) else config.risk.collar_stocks_pct
    )
    moved = abs(base / entry.price - 1) * 100
    if entry.attempt > 1 or entry.limit_price is not None or moved > most:
        return state
    tick, long, ratio = tick_of(symbol, state, base), entry.side == "buy", base / entry.price
    again = replace(
        entry,
        price=exact(base),
        stop=to_tick(entry.stop * ratio, tick, up=long),
        target=to_tick(entry.target * ratio, tick, up=not long),
        attempt=entry.attempt + 1,
    )
    return replace(state, entry=again)


def _blocked(state: OrderState, order_id: OrderId) -> OrderState:
    """The order that holds the quantity: one of unknown outcome gets its id; the truth is read."""
    state = replace(state, doubt=f"the quantity is held by order {order_id}"[:100])
    for one in orders(state):
        if one.leg != "entry" and one.part.status == "lost" and not one.part.order_id:
            part = replace(one.part, order_id=order_id)
            return put(state, replace(one, part=part, asked_at=0, asked=0))
    return state


def tick_of(symbol: Symbol, state: OrderState, price: Price) -> Decimal:
    """The step of prices around this one."""
    if not is_coin(symbol):
        return equity_tick(price)
    return CENT if state.asset is None else state.asset.price_increment
