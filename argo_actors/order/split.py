"""A split changes shares, stop and target at once: pre-split orders are taken away the evening before.

Alpaca multiplies the shares of a position and leaves the prices of its bracket alone: at the open the
stop would trigger. So after the last close before the ex-date everything that rests is cancelled; once
the broker shows the new quantity the books follow, and protection is placed at the new prices.
"""

from decimal import Decimal

import msgspec

from ..messages import Message
from ..messages.market import SplitAnnounced
from ..messages.order import SplitApplied
from ..units import HOUR, ZERO, Price, Quantity, Symbol, equity_tick, exact, to_tick
from .state import OrderState, Position, Split, open_orders

replace = msgspec.structs.replace
SEEN_BEFORE = 20 * HOUR
"""The new quantity may show so long before the open of the ex-date."""


def announced(state: OrderState, message: SplitAnnounced) -> OrderState:
    """The next split of the symbol; one that is past is none."""
    if message.at <= state.now:
        return state
    ratio = message.new / message.old
    known = state.split
    if known is not None and (known.at, known.ratio) == (message.at, ratio):
        return state
    return replace(state, split=Split(at=message.at, ratio=ratio))


def is_due(state: OrderState) -> bool:
    """The last session before the ex-date is over, and the books have not followed yet."""
    split, hours = state.split, state.hours
    if split is None or hours is None or hours.is_open:
        return False
    return split.at - HOUR < hours.next_open <= split.at + HOUR


def noticed(state: OrderState, qty: Quantity) -> OrderState:
    """The broker shows a position; is it ours after the split?"""
    split, position = state.split, state.position
    if split is None or position is None or state.now < split.at - SEEN_BEFORE:
        return state
    mine = position.qty if position.side == "buy" else -position.qty
    after = mine * split.ratio
    if qty == mine or qty * mine <= 0 or abs(qty - after) >= 1:
        return state
    return replace(state, split=replace(split, seen=qty))


def applied(symbol: Symbol, state: OrderState) -> list[Message]:
    """The books follow, once nothing of before the split rests."""
    split, position = state.split, state.position
    if split is None or not split.seen or position is None or open_orders(state):
        return []
    return [
        SplitApplied(
            symbol=symbol,
            position_id=position.id,
            ratio=split.ratio,
            before=position.qty,
            after=abs(split.seen),
            stop=_price(position, position.stop, split.ratio, up=position.side == "buy"),
            target=_price(position, position.target, split.ratio, up=position.side != "buy"),
            because=(state.heard,),
        )
    ]


def _price(position: Position, price: Price | None, ratio: Decimal, *, up: bool) -> Price | None:
    """A price after the split, rounded towards the entry."""
    if price is None:
        return None
    after = price / ratio
    return to_tick(after, equity_tick(after), up=up)


def follow(state: OrderState, message: SplitApplied) -> OrderState:
    """Position and prices after the split; what was paid and received stays."""
    position = state.position
    if position is None:
        return replace(state, split=None)
    bought = exact(message.after + position.closed * message.ratio)
    position = replace(
        position,
        qty=message.after,
        bought=bought,
        closed=exact(position.closed * message.ratio),
        stop=message.stop,
        target=message.target,
        protect_tries=0,
        protect_after=0,
    )
    read = replace(state.read, fresh=False, asked=None)
    return replace(state, position=position, split=None, read=read, missing=ZERO)
