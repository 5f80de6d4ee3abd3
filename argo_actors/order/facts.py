"""What has become true and is to be said: fills, opened, closed, protected, and where the actor stands."""

from decimal import ROUND_HALF_UP, Decimal

import msgspec

from ..config import is_coin
from ..messages import Message
from ..messages.order import (
    EntrySettled,
    ExitReason,
    Fill,
    Holding,
    Leg,
    PositionClosed,
    PositionOpened,
    Protected,
    Side,
    Unprotected,
)
from ..messages.system import Alert
from ..units import ZERO, Price, Quantity, Symbol, Usd, cents, exact
from .protection import cause, ended, protector
from .reports import fully_told
from .state import (
    OPEN,
    Exit,
    OrderState,
    Own,
    Part,
    Position,
    entry_order,
    is_covered,
    open_orders,
    orders,
    phase,
    stop_part,
)
from .timing import FLAG_AFTER

TAKER, MAKER = Decimal("0.0025"), Decimal("0.0015")
"""Alpaca's crypto fees of tier 1, taken from what is received."""
COIN_PLACES = Decimal("0.000000001")

SMALLEST_COIN_VALUE = Decimal(10)
"""A coin remainder worth less is dust: it cannot be sold by an order of its own."""


def fills(symbol: Symbol, state: OrderState) -> list[Fill]:
    """What filled and has not been said yet, once for each part of an order."""
    return [
        _fill(symbol, state, one, part)
        for one in orders(state)
        for part in _parts(one)
        if part.filled_qty > part.told_qty and part.filled_avg is not None
    ]


def _parts(one: Own) -> list[Part]:
    """Legs sleep until their entry has filled: what theirs tells before it waits until that is told."""
    if one.leg == "entry" and one.part.status in OPEN:
        return [one.part]
    return [one.part, *(leg for _, leg in one.legs)]


def _fill(symbol: Symbol, state: OrderState, one: Own, part: Part) -> Fill:
    assert part.filled_avg is not None
    qty = exact(part.filled_qty - part.told_qty)
    value = part.filled_qty * part.filled_avg - part.told_value
    price = exact((value / qty).quantize(COIN_PLACES))
    fee_usd, fee_qty = fees(symbol, part)
    filled_at = one.filled_at if part is one.part and one.leg == "entry" else part.filled_at
    return Fill(
        symbol=symbol,
        client_order_id=one.id,
        position_id=one.position_id,
        leg=_leg(one, part),
        side=part.side,
        qty=qty,
        price=price,
        fee_usd=fee_usd,
        fee_qty=fee_qty,
        filled_at=filled_at or state.now,
        because=(one.word, state.heard),
    )


def _leg(one: Own, part: Part) -> Leg:
    """A bracket's or OCO's parts are stop and target in their own right."""
    if part is one.part:
        return "target" if one.leg == "oco" else one.leg
    return "stop" if part.type in ("stop", "stop_limit") else "target"


def fees(symbol: Symbol, part: Part) -> tuple[Usd, Quantity]:
    """The fee of all that has filled less the fee of what has been said.

    So it does not matter in how many parts a fill is learned.
    """
    if not is_coin(symbol) or part.filled_avg is None:
        return ZERO, ZERO
    if part.side == "buy":
        return ZERO, exact(_coin_fee(part.filled_qty) - _coin_fee(part.told_qty))
    whole = part.filled_qty * part.filled_avg
    return exact(cents(whole * TAKER) - cents(part.told_value * TAKER)), ZERO


def _coin_fee(qty: Quantity) -> Quantity:
    return (qty * TAKER).quantize(COIN_PLACES, ROUND_HALF_UP)


def changes(symbol: Symbol, state: OrderState) -> list[Message]:
    """Facts that follow once all fills have been said; each is said once."""
    said: list[Message] = [*_settlement(symbol, state)]
    position = state.position
    if position is not None:
        if not position.opened and position.bought > 0 and entry_order(state) is None:
            said.append(_opened(symbol, state, position))
        closed = _closed(symbol, state, position)
        if closed or position.qty == 0:
            said += ended(symbol, state, reason=_reason(state.exit, position))
        said += closed
        if not closed:
            said += _protection(symbol, state, position)
    if state.alert:
        said.append(
            Alert(severity="critical", text=state.alert, symbol=symbol, because=(state.heard,))
        )
    return said


def _settlement(symbol: Symbol, state: OrderState) -> list[Message]:
    """An approved entry came to its end."""
    entry = state.entry
    if entry is None or entry.settled:
        return []
    sent = [one for one in orders(state) if one.leg == "entry" and one.position_id == entry.key]
    last = next((one for one in sent if one.id.endswith(f"-{entry.attempt}")), None)
    if any(one.part.status in OPEN for one in sent) or last is None:
        return []
    status, filled = last.part.status, any(one.part.filled_qty > 0 for one in sent)
    outcome = (
        "filled"
        if status == "filled"
        else "partly"
        if filled
        else "refused"
        if status in ("refused", "rejected")
        else "expired"
        if status in ("absent", "expired")
        else "canceled"
    )
    return [
        EntrySettled(
            symbol=symbol,
            signal=entry.signal,
            outcome=outcome,  # type: ignore[arg-type]
            note=last.refusal,
            because=(last.word, state.heard),
        )
    ]


def _opened(symbol: Symbol, state: OrderState, position: Position) -> PositionOpened:
    """Said of one that has closed by the time it is learned, too: it counts as an entry of the day."""
    return PositionOpened(
        symbol=symbol,
        position_id=position.id,
        side=position.side,
        qty=position.qty or position.bought,
        avg_price=average(position.paid, position.bought),
        because=(state.heard,),
    )


def _closed(symbol: Symbol, state: OrderState, position: Position) -> list[Message]:
    if not is_flat(symbol, state, position) or open_orders_of_position(state):
        return []
    if not all(fully_told(one) for one in orders(state)):
        return []
    entry_price = average(position.paid, position.bought)
    exit_price = average(position.received, position.closed)
    sign = 1 if position.side == "buy" else -1
    earned = sign * (position.received - position.paid) if position.closed else ZERO
    return [
        PositionClosed(
            symbol=symbol,
            position_id=position.id,
            side=position.side,
            reason=_reason(state.exit, position),
            entry_price=entry_price,
            exit_price=exit_price or entry_price,
            qty=position.bought,
            fees=position.fees,
            pnl=exact(earned - position.charged),
            entry_at=position.entry_at,
            exit_at=position.exit_at or state.now,
            because=(state.heard,),
        ),
    ]


def open_orders_of_position(state: OrderState) -> bool:
    """Something that may still fill is out: the position is not over."""
    return bool(open_orders(state))


def is_flat(symbol: Symbol, state: OrderState, position: Position) -> bool:
    """Nothing is left that an order could close."""
    left = position.qty or position.over
    if position.bought == 0 or not left:
        return position.bought > 0
    if not is_coin(symbol) or entry_order(state) is not None:
        return False
    return is_remainder(state, left, average(position.paid, position.bought))


def is_remainder(state: OrderState, qty: Quantity, price: Price) -> bool:
    """So little of a coin that no order of its own can trade it."""
    least = ZERO if state.asset is None else state.asset.min_order_size
    return qty < least or qty * price < SMALLEST_COIN_VALUE


def _reason(leaving: Exit | None, position: Position) -> ExitReason:
    if position.last_leg == "stop":
        return "stop"
    if position.last_leg in ("target", "oco"):
        return "target"
    return "foreign" if leaving is None else leaving.reason


def _protection(symbol: Symbol, state: OrderState, position: Position) -> list[Message]:
    """Protected: said when the whole quantity is covered. Unprotected: when it was not for a second."""
    if position.qty > 0 and is_covered(state):
        holder = protector(state)
        if holder is None or (holder.id == state.protected_by and not position.exposed_since):
            return []
        return [
            *ended(symbol, state, order=holder.id),
            Protected(
                symbol=symbol,
                position_id=position.id,
                order=holder.id,
                stop=_stop_price(holder),
                target=holder.target,
                since=position.exposed_since or state.now,
                because=(holder.word, state.heard),
            ),
        ]
    exposed = position.exposed_since
    if exposed and not position.flagged and state.now - exposed >= FLAG_AFTER and position.qty > 0:
        return [
            Unprotected(
                symbol=symbol,
                position_id=position.id,
                since=exposed,
                cause=cause(state, position.gap) if position.gap else "",
                because=(state.heard,),
            )
        ]
    return []


def _stop_price(one: Own) -> Decimal | None:
    part = stop_part(one)
    return one.stop if part is None else part.stop_price or one.stop


def average(value: Usd, qty: Quantity) -> Decimal:
    """Dollars a unit, to nine places; zero of nothing."""
    return exact((value / qty).quantize(COIN_PLACES)) if qty else ZERO


def standing(symbol: Symbol, state: OrderState) -> Holding | None:
    """Where the actor stands, when that differs from what was said last."""
    position, entry = state.position, entry_order(state)
    pending = ZERO if entry is None else entry.part.qty - entry.part.told_qty
    intended = state.entry
    side, qty, price = _held(state, entry)
    turned = position is not None and position.over > 0
    foreign = state.foreign if position is None else ZERO
    now = Holding(
        symbol=symbol,
        phase=phase(state),
        side=side,
        qty=qty,
        avg_price=price,
        pending_qty=exact(pending),
        pending_price=None if entry is None or intended is None else intended.price,
        stop=None if position is None or turned else position.stop,
        target=None if position is None or turned else position.target,
        own=not foreign,
        unprotected_since=(position.exposed_since or None) if position is not None else None,
        note=state.frozen or (f"dust {state.dust}" if state.dust else ""),
        foreign_qty=abs(state.foreign) if position is not None else ZERO,
        stranger=state.stranger,
    )
    told = state.told
    if told is not None and _same(now, told):
        return None
    return msgspec.structs.replace(now, because=(state.heard,))


def _held(state: OrderState, entry: Own | None) -> tuple[Side | None, Quantity, Price | None]:
    """What is held, and at which price: ours, else somebody else's; the side of an entry at the least.

    What was closed beyond a position is held the other way round.
    """
    position, foreign = state.position, state.foreign
    if position is None:
        side: Side = "buy" if foreign > 0 else "sell"
        price = state.foreign_price if foreign else None
        mine = None if entry is None else entry.part.side
        return mine or (side if foreign else None), abs(foreign), price
    if position.over:
        back: Side = "sell" if position.side == "buy" else "buy"
        return back, position.over, average(position.received, position.closed)
    return position.side, position.qty, average(position.paid, position.bought)


def _same(one: Holding, other: Holding) -> bool:
    return one == msgspec.structs.replace(other, because=())
