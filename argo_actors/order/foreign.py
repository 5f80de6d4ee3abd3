"""What a person decides about foreign items of a symbol: adopt, ignore, close. Nothing else touches them."""

from decimal import Decimal

import msgspec

from ..config import Config, SymbolOverride, amount, is_coin
from ..messages import Message
from ..messages.order import CancelOrder, OrderReport, Side
from ..messages.system import Operator
from ..messages.truth import Adopted, Resolve, Resolved, Verdict
from ..runtime.decider import Heard
from ..units import ZERO, Price, Quantity, Symbol, equity_tick, exact, to_tick
from . import ids
from .reports import put
from .state import Exit, OrderState, Own, Part, Position, entry_order

replace = msgspec.structs.replace
POSITION = "position"
NO_PRICE = "the broker shows no price of it: nothing could be sized or judged by"
PROP_STOP_PCT = Decimal("1.4")
FEW_IGNORED = 50


def decided(config: Config, symbol: Symbol, state: OrderState, heard: Heard) -> list[Message]:
    """What follows from a person's word about foreign items."""
    match heard.message:
        case Resolve() if heard.message.item == POSITION:
            return _position(config, symbol, state, heard, heard.message)
        case Resolve():
            return _order(symbol, state, heard, heard.message)
        case Operator(state="flatten", everything=True):
            return _everything(config, symbol, state, heard, heard.message)
    return []


def _answer(
    symbol: Symbol, item: str, verdict: Verdict, heard: Heard, refusal: str = ""
) -> Resolved:
    return Resolved(
        symbol=symbol,
        item=item,
        verdict=verdict,
        done=not refusal,
        note=refusal,
        because=(heard.word,),
    )


def _position(
    config: Config, symbol: Symbol, state: OrderState, heard: Heard, asked: Resolve
) -> list[Message]:
    refusal = _obstacle(state, asked)
    said: list[Message] = []
    if not refusal and asked.verdict != "ignore":
        said.append(_adopted(config, symbol, state, heard, asked))
    return [*said, _answer(symbol, POSITION, asked.verdict, heard, refusal)]


def _obstacle(state: OrderState, asked: Resolve) -> str:
    """Why a foreign position cannot be taken over now, empty when it can."""
    if not state.foreign:
        return "there is no foreign position in the symbol"
    if asked.verdict == "ignore":
        return ""
    if not _worth(state):
        return NO_PRICE
    if state.position is not None and asked.verdict == "close":
        return "it lies beside our own position: adopt it, or close both by `argo flatten`"
    if state.exit is not None or entry_order(state) is not None or state.frozen:
        return "orders of our own are under way in the symbol: ask again when they are done"
    if closing(state) and not asked.with_orders:
        return "foreign orders would close it: add --with-orders, or close them one by one first"
    return ""


def not_ours_alone(state: OrderState) -> str:
    """Why nothing is entered in the symbol, empty when nobody else is known to be in it."""
    if state.foreign or state.foreign_orders or state.foreign_seen:
        return "somebody else trades the symbol"
    return state.doubt


def closing(state: OrderState) -> tuple[OrderReport, ...]:
    """Foreign orders that would close the foreign position: its stops and targets."""
    side = "sell" if state.foreign > 0 else "buy"
    return tuple(one for one in state.foreign_list if state.foreign and one.side == side)


def _worth(state: OrderState) -> Price:
    """What its profit is counted from: shares that were moved in may have cost nothing."""
    return state.foreign_price or state.foreign_market or ZERO


def _adopted(
    config: Config, symbol: Symbol, state: OrderState, heard: Heard, asked: Resolve | Operator
) -> Adopted:
    own, taken = state.position, closing(state)
    side: Side = "buy" if state.foreign > 0 else "sell"
    price = _worth(state)
    stops = [one.stop_price for one in taken if one.stop_price is not None]
    targets = [one.limit_price for one in taken if one.type == "limit"]
    stop, target = legs(config, symbol, state, side, state.foreign_market or price)
    if isinstance(asked, Resolve):
        stop = asked.stop or (stops[0] if stops else stop)
        target = asked.target or (targets[0] if targets and targets[0] else target)
    if own is not None:
        stop, target = own.stop or stop, own.target or target
    position_id = ids.later_key(f"{symbol}", "adopted", heard.at)
    return Adopted(
        symbol=symbol,
        position_id=position_id if own is None else own.id,
        side=side,
        qty=abs(state.foreign),
        price=price,
        stop=stop,
        target=target,
        orders=tuple(one.client_order_id for one in taken),
        because=(heard.word,),
    )


def legs(
    config: Config, symbol: Symbol, state: OrderState, side: Side, price: Price
) -> tuple[Price, Price]:
    """Stop and target of an adopted position, from the broker's price of now."""
    mine, trading = config.overrides.get(symbol, SymbolOverride()), config.trading
    stop_pct = amount(mine.stop_loss_pct or trading.stop_loss_pct)
    target_pct = amount(mine.profit_target_pct or trading.profit_target_pct)
    if config.prop_firm.enabled:
        most = amount(config.prop_firm.risk_limits.max_stop_loss_pct)
        stop_pct = min(stop_pct, PROP_STOP_PCT, most)
    sign = 1 if side == "buy" else -1
    coin_tick = Decimal("0.01") if state.asset is None else state.asset.price_increment
    tick = coin_tick if is_coin(symbol) else equity_tick(price)
    stop = to_tick(price * (1 - sign * stop_pct / 100), tick, up=side == "buy")
    return stop, to_tick(price * (1 + sign * target_pct / 100), tick, up=side != "buy")


def _order(symbol: Symbol, state: OrderState, heard: Heard, asked: Resolve) -> list[Message]:
    one = next((one for one in state.foreign_list if one.order_id == asked.item), None)
    if one is None:
        refusal = "there is no such foreign order in the symbol"
        return [_answer(symbol, asked.item, asked.verdict, heard, refusal)]
    if asked.verdict == "close":
        answer = _answer(symbol, asked.item, asked.verdict, heard)
        return [_cancel(symbol, one, heard), answer]
    refusal = ""
    if asked.verdict == "adopt" and not _protects(state, one):
        refusal = "only a stop or target of a position of ours can be adopted"
    return [_answer(symbol, asked.item, asked.verdict, heard, refusal)]


def _protects(state: OrderState, one: OrderReport) -> bool:
    return state.position is not None and one.side != state.position.side


def _cancel(symbol: Symbol, one: OrderReport, heard: Heard) -> CancelOrder:
    return CancelOrder(
        client_order_id=one.client_order_id,
        order_id=one.order_id,
        symbol=symbol,
        because=(heard.word,),
    )


def _everything(
    config: Config, symbol: Symbol, state: OrderState, heard: Heard, asked: Operator
) -> list[Message]:
    """`flatten --all`: foreign positions are taken over to be closed, foreign orders cancelled."""
    taken = {one.order_id for one in closing(state)}
    said: list[Message] = []
    if state.foreign and not _worth(state):
        said.append(_answer(symbol, POSITION, "close", heard, NO_PRICE))
    elif state.foreign:
        said.append(_adopted(config, symbol, state, heard, asked))
        said.append(_answer(symbol, POSITION, "close", heard))
    for one in state.foreign_list:
        if one.order_id not in taken:
            said.append(_cancel(symbol, one, heard))
            said.append(_answer(symbol, one.order_id, "close", heard))
    return said


def adopted(state: OrderState, message: Adopted, heard: Heard) -> OrderState:
    """The foreign position, and the orders that came with it, are ours."""
    own, value = state.position, message.qty * message.price
    if own is None:
        own = Position(
            id=message.position_id,
            signal="",
            side=message.side,
            qty=ZERO,
            stop=message.stop,
            target=message.target,
            entry_at=state.now,
            opened=True,
            exposed_since=state.now,
        )
    back = min(own.over, message.qty)
    own = replace(
        own,
        qty=exact(own.qty + message.qty - back),
        over=exact(own.over - back),
        bought=exact(own.bought + message.qty),
        paid=exact(own.paid + value),
    )
    state = replace(state, position=own, foreign=ZERO, foreign_price=None, foreign_market=None)
    for one in state.foreign_list:
        if one.client_order_id in message.orders:
            state = _taken(state, one, heard)
    return replace(state, read=replace(state.read, fresh=False))


def _taken(state: OrderState, one: OrderReport, heard: Heard) -> OrderState:
    """A foreign order becomes one of ours; what it has filled before is not our fill."""
    position = state.position
    part = Part(
        order_id=one.order_id,
        type=one.type,
        side=one.side,
        status=one.status,
        qty=one.qty,
        filled_qty=one.filled_qty,
        filled_avg=one.filled_avg_price,
        told_qty=one.filled_qty,
        told_value=one.filled_qty * (one.filled_avg_price or ZERO),
        limit_price=one.limit_price,
        stop_price=one.stop_price,
    )
    mine = Own(
        id=one.client_order_id,
        leg="stop" if one.type in ("stop", "stop_limit") else "oco",
        order_class="simple",
        time_in_force="gtc",
        position_id="" if position is None else position.id,
        part=part,
        word=heard.word,
        sent_at=state.now,
        stop=one.stop_price,
        target=one.limit_price if one.type == "limit" else None,
    )
    left = tuple(other for other in state.foreign_list if other.order_id != one.order_id)
    return put(replace(state, foreign_list=left, foreign_orders=len(left)), mine)


def resolved(state: OrderState, message: Resolved, heard: Heard) -> OrderState:
    """The decision, once it has been said."""
    if not message.done:
        return state
    if message.verdict == "ignore":
        return replace(state, ignored=(*state.ignored, message.item)[-FEW_IGNORED:])
    if message.item == POSITION and message.verdict == "close" and state.exit is None:
        leaving = Exit(reason="operator", since=state.now, word=heard.word)
        return replace(state, exit=leaving)
    if message.verdict == "adopt":
        for one in state.foreign_list:
            if one.order_id == message.item:
                return _taken(state, one, heard)
    return state


def held_by_us(state: OrderState) -> Quantity:
    """Of the position last read, what is ours: exits and stops are sized from it, signed."""
    held, beside = state.read.qty, state.foreign
    if state.position is None or beside * held <= 0:
        return held
    return exact(held - beside) if abs(beside) < abs(held) else ZERO
