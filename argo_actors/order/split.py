"""A split changes shares, stop and target at once: pre-split orders are taken away the evening before.

Alpaca multiplies the shares of a position and leaves the prices of its bracket alone: at the open the
stop would trigger. So after the last close before the ex-date everything that rests is cancelled; once
the broker shows the new quantity the books follow, and protection is placed at the new prices. A split that
was not announced is known by its cost: the broker shows other shares for the same dollars.
"""

from decimal import Decimal

import msgspec

from ..config import is_coin
from ..messages import Message
from ..messages.market import SplitAnnounced
from ..messages.order import PositionReport, SplitApplied
from ..units import HOUR, ZERO, Price, Symbol, equity_tick, exact, to_tick
from .facts import average
from .reports import alarm
from .state import OrderState, Position, Split, open_orders

replace = msgspec.structs.replace
SEEN_BEFORE = 20 * HOUR
"""The new quantity may show so long before the open of the ex-date; no stock splits twice in that time."""
LEAST_CHANGE, SAME_COST = Decimal("0.01"), Decimal("0.001")
"""Shares of the whole: a split that nobody announced changes quantity by more, cost by less."""


def announced(state: OrderState, message: SplitAnnounced) -> OrderState:
    """The next split of the symbol; one that is past, or that the books have followed, is none."""
    if message.at <= max(state.now, state.followed):
        return state
    ratio = message.new / message.old
    known = state.split
    if known is not None and (known.at, known.ratio) == (message.at, ratio):
        return state
    return replace(state, split=Split(at=message.at, ratio=ratio))


def is_under_way(state: OrderState) -> bool:
    """Nothing of before the split may rest, nothing is placed and nothing compared: the shares change.

    From the end of the last session before the ex-date until the books have followed.
    """
    split, hours = state.split, state.hours
    if split is None:
        return False
    if split.seen or waits_for_shares(state):
        return True
    if hours is None or hours.is_open:
        return False
    return split.at - HOUR < hours.next_open <= split.at + HOUR


def waits_for_shares(state: OrderState) -> bool:
    """The price has split and the broker's shares have not: what is sold now is sold for a fraction."""
    split = state.split
    return split is not None and split.priced and not split.seen


def noticed(state: OrderState, message: PositionReport) -> OrderState:
    """The broker shows a position: is it ours after a split, or its price alone?"""
    position = state.position
    if position is None or position.over or is_coin(message.symbol):
        return state
    mine = position.qty if position.side == "buy" else -position.qty
    split = state.split
    if split is not None and state.now < split.at - SEEN_BEFORE:
        split = None
    if message.qty == mine:
        return state if split is None else _priced(state, split, position, message)
    if message.qty * mine <= 0:
        return state
    if split is not None and abs(message.qty - mine * split.ratio) < 1:
        return replace(state, split=replace(split, seen=message.qty))
    if _costs_the_same(position, message):
        found = Split(at=state.now, ratio=abs(message.qty) / position.qty, seen=message.qty)
        text = f"{message.symbol}: a split that nobody announced, {mine:f} are {message.qty:f}"
        return replace(alarm(state, text), split=found)
    return state


def _costs_the_same(position: Position, message: PositionReport) -> bool:
    """Other shares for the same dollars: no trade does that."""
    ratio = abs(message.qty) / position.qty
    cost = average(position.paid, position.bought) * position.qty
    away = abs(abs(message.qty) * message.avg_entry_price - cost)
    return abs(ratio - 1) > LEAST_CHANGE and away <= cost * SAME_COST


def _priced(
    state: OrderState, split: Split, position: Position, message: PositionReport
) -> OrderState:
    """Whether the broker's price is nearer to the one after the split than to the one before."""
    price, before = message.market_price, average(position.paid, position.bought)
    if price is None:
        return state
    between = before * before / split.ratio
    priced = price * price < between if split.ratio > 1 else price * price > between
    if priced and not split.priced:
        text = f"{message.symbol}: its price has split and the broker's shares have not yet"
        state = alarm(state, f"{text}: nothing is closed until they have")
    return replace(state, split=replace(split, priced=priced))


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
        exposed_since=state.now,
        protect_tries=0,
        protect_after=0,
    )
    read = replace(state.read, fresh=False, asked=None)
    followed = state.now + SEEN_BEFORE
    return replace(state, position=position, split=None, followed=followed, read=read, missing=ZERO)
