"""The broker's whole truth against our books: what differed, what is foreign, what of ours is gone.

The broker is right. A difference in an order is mended by its report. A position that our fills do not
explain is foreign. Less than ours is believed when two readings, two seconds apart, say so.
"""

from decimal import Decimal

import msgspec

from ..config import is_coin
from ..messages import Message, WordId
from ..messages.order import OrderReport, PositionReport, Reconciled, Side
from ..messages.truth import Corrected, Discrepancy
from ..units import ZERO, OrderId, Price, Quantity, Symbol, exact
from . import ids
from .facts import average, fees, is_remainder
from .reports import alarm, put, report
from .split import is_under_way
from .state import (
    OPEN,
    Difference,
    OrderState,
    Own,
    Part,
    Position,
    Read,
    is_in_the_air,
    is_open,
    orders,
    own,
)
from .timing import APPEARS_WITHIN, BELIEVED_AFTER, DARK_AFTER, stuck

replace = msgspec.structs.replace
MOST_FOREIGN = 20
"""Foreign orders of a symbol that are remembered one by one; all of them count."""


def reconciled(symbol: Symbol, tag: str, state: OrderState, message: Reconciled) -> OrderState:
    """The state that agrees with the truth, with what differed."""
    before = state
    for one in (*message.orders, *message.foreign):
        state = report(state, one)
    state = _unlisted(replace(state, doubt=""), message)
    position = message.position
    read = Read(qty=position.qty, available=position.qty_available, fresh=True)
    if any(one.part.status in ("sent", "lost") for one in orders(state)):
        read = replace(read, fresh=False)
    foreign = tuple(one for one in message.foreign if own(state, one.client_order_id) is None)
    differences = (*_order_differences(before, state), *_foreign_differences(before, foreign))
    state = replace(
        state,
        read=read,
        foreign_orders=len(foreign),
        foreign_list=foreign[:MOST_FOREIGN],
        foreign_seen=0 if message.read_at >= state.foreign_seen else state.foreign_seen,
        differences=differences,
    )
    return _thawed(symbol, tag, _compared(symbol, state, message), message)


def _unlisted(state: OrderState, message: Reconciled) -> OrderState:
    """An open order of ours that the list lacks is of unknown outcome: it is looked up.

    So is one that has filled and whose legs we hold for live: what has ended is listed for some days only.
    One that the broker has only just taken may not be in its lists yet: they are read again.
    """
    named = {one.client_order_id for one in (*message.orders, *message.foreign)}
    for mine in orders(state):
        missing = message.complete and is_open(mine) and mine.id not in named
        if not missing or mine.part.status == "sent":
            continue
        taken = mine.part.status not in ("lost", "unknown")
        if taken and mine.sent_at > message.read_at - APPEARS_WITHIN:
            state = replace(state, doubt=f"order {mine.id} is in no list yet"[:100])
            continue
        if mine.part.status in OPEN:
            lost = replace(mine, part=replace(mine.part, status="lost"), asked_at=0)
        else:
            lost = replace(mine, missed=True, asked_at=0)
        state = put(state, lost)
    return state


def _thawed(symbol: Symbol, tag: str, state: OrderState, message: Reconciled) -> OrderState:
    """A frozen symbol is free again, unless an order of ours works that we do not know."""
    for one in message.orders:
        if own(state, one.client_order_id) is None and is_strange(tag, one):
            return strange(symbol, state, one.client_order_id)
    return replace(state, stranger=False, frozen=state.frozen if stuck(state) else "")


def is_strange(tag: str, message: OrderReport) -> bool:
    """It lives and bears our tag."""
    return ids.is_ours(message.client_order_id, tag) and message.status in OPEN


def strange(symbol: Symbol, state: OrderState, order: OrderId) -> OrderState:
    """An order of ours that this journal does not know: somebody else trades in our name."""
    text = f"{symbol}: order {order} is ours but unknown here: another daemon?"
    if state.frozen != text:
        state = alarm(state, text)
    return replace(state, frozen=text, stranger=True)


def _order_differences(before: OrderState, after: OrderState) -> list[Difference]:
    found = []
    for one in orders(after):
        known = own(before, one.id)
        if known is not None and _text(known) != _text(one):
            found.append(Difference(what=f"order {one.id}", before=_text(known), after=_text(one)))
    return found


def _text(one: Own) -> str:
    legs = [f"{part.type} {_part(part)}" for _, part in one.legs]
    return "; ".join([_part(one.part), *legs])


def _part(part: Part) -> str:
    return f"{part.status} {part.filled_qty:f}/{part.qty:f}"


def _foreign_differences(state: OrderState, foreign: tuple[OrderReport, ...]) -> list[Difference]:
    then = {one.order_id: foreign_text(one) for one in state.foreign_list}
    now = {one.order_id: foreign_text(one) for one in foreign[:MOST_FOREIGN]}
    return [
        Difference(what=f"foreign order {one}", before=then.get(one, "-"), after=now.get(one, "-"))
        for one in (*now, *(one for one in then if one not in now))
        if then.get(one) != now.get(one)
    ]


def foreign_text(one: OrderReport) -> str:
    """A foreign order for people."""
    prices = [f"{price:f}" for price in (one.stop_price, one.limit_price) if price is not None]
    at = f" at {' limit '.join(prices)}" if prices else ""
    return f"{one.side} {one.qty:f} {one.type}{at}, {one.status}"


def _compared(symbol: Symbol, state: OrderState, message: Reconciled) -> OrderState:
    """What of the broker's position is not ours, and what of ours the broker has not."""
    if not _comparable(state, message):
        return state
    position = message.position
    mine = ours(symbol, state)
    extra = exact(position.qty - mine)
    if is_coin(symbol) and _is_dust(state, extra, position):
        extra = ZERO
    short = bool(mine) and extra * mine < 0
    missing = min(abs(extra), abs(mine)) if short else ZERO
    foreign = exact(extra + (missing if mine > 0 else -missing))
    if missing and missing != state.missing:
        state = replace(state, missing_since=state.now)
    changed = [*state.differences]
    if foreign != state.foreign:
        text = f"{state.foreign:f}", f"{foreign:f} at {position.avg_entry_price:f}"
        changed.append(Difference(what="foreign position", before=text[0], after=text[1]))
    if missing and missing != state.missing:
        changed.append(Difference(what="position", before=f"{mine:f}", after=f"{position.qty:f}"))
    return replace(
        state,
        missing=missing,
        foreign=foreign,
        foreign_price=position.avg_entry_price if foreign else None,
        foreign_market=position.market_price if foreign else None,
        differences=tuple(changed),
    )


def _comparable(state: OrderState, message: Reconciled) -> bool:
    """The truth was read after the last fill that we know, lacks none of our orders, and none is in the air."""
    in_the_air = any(is_in_the_air(one) for one in orders(state))
    if is_under_way(state) or state.doubt:
        return False
    return message.read_at > state.filled_at and not in_the_air and message.complete


def doubted(symbol: Symbol, state: OrderState, position: PositionReport) -> OrderState:
    """Positions were read by the way: one that our fills do not explain has the truth read.

    An order of unknown outcome may be what explains it: then that is looked up at once.
    """
    if is_under_way(state):
        return state
    extra = exact(position.qty - ours(symbol, state) - state.foreign)
    if not extra or (is_coin(symbol) and _is_dust(state, extra, position)):
        return state
    in_the_air = [one for one in orders(state) if is_in_the_air(one)]
    for one in in_the_air:
        asked_at = one.asked_at if one.part.status == "sent" else 0
        state = put(state, replace(one, asked_at=asked_at, asked=min(one.asked, DARK_AFTER)))
    if in_the_air:
        return state
    return replace(state, doubt=f"the broker holds {position.qty:f}")


def ours(symbol: Symbol, state: OrderState) -> Quantity:
    """What our fills come to, signed: those not yet said, and a coin's remainder, included."""
    position = state.position
    held = state.dust if position is None else _signed(position)
    for one in orders(state):
        for part in (one.part, *(leg for _, leg in one.legs)):
            unsaid = part.filled_qty - part.told_qty
            if unsaid:
                _, fee = fees(symbol, part)
                held += unsaid - fee if part.side == "buy" else -unsaid
    return exact(held)


def _signed(position: Position) -> Quantity:
    held = position.qty - position.over
    return held if position.side == "buy" else -held


def _is_dust(state: OrderState, extra: Quantity, position: PositionReport) -> bool:
    price = position.market_price or position.avg_entry_price
    return is_remainder(state, abs(extra), price)


def believed(state: OrderState) -> bool:
    """The broker has said for long enough that less of our position is left."""
    return state.missing > 0 and state.now - state.missing_since >= BELIEVED_AFTER


def found(symbol: Symbol, state: OrderState, message: Message, word: WordId) -> list[Message]:
    """The differences as facts, and the correction once it is believed."""
    if not isinstance(message, Reconciled):
        return []
    said: list[Message] = [
        Discrepancy(
            symbol=symbol,
            what=one.what,
            before=one.before,
            after=one.after,
            reason=message.reason,
            because=(word,),
        )
        for one in state.differences
    ]
    if believed(state) and state.position is not None and _comparable(state, message):
        said.append(_correction(symbol, state, state.position, message, word))
    return said


def _correction(
    symbol: Symbol, state: OrderState, position: Position, message: Reconciled, word: WordId
) -> Corrected:
    side: Side = "sell" if position.side == "buy" else "buy"
    closed_by = [
        one
        for one in message.others
        if one.side == side and one.event_at >= position.entry_at and one.filled_avg_price
    ]
    return Corrected(
        symbol=symbol,
        position_id=position.id,
        side=side,
        qty=min(state.missing, position.qty),
        price=_price(closed_by, state, position, message.position),
        orders=tuple(one.order_id for one in closed_by),
        because=(word,),
    )


def _price(
    closed_by: list[OrderReport], state: OrderState, position: Position, now: PositionReport
) -> Price:
    qty = sum((one.filled_qty for one in closed_by), ZERO)
    if qty:
        value = sum((one.filled_qty * (one.filled_avg_price or ZERO) for one in closed_by), ZERO)
        return average(value, qty)
    if now.market_price is not None:
        return now.market_price
    return Decimal(repr(state.bid)) if state.bid else average(position.paid, position.bought)


def corrected(state: OrderState, message: Corrected) -> OrderState:
    """The position without what somebody else closed."""
    position = state.position
    if position is None:
        return state
    position = replace(
        position,
        qty=exact(max(ZERO, position.qty - message.qty)),
        closed=position.closed + message.qty,
        received=exact(position.received + message.qty * message.price),
        exit_at=state.now,
    )
    read = replace(state.read, fresh=False)
    return replace(state, position=position, missing=ZERO, missing_since=0, read=read)
