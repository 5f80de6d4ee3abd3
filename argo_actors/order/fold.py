"""How orders and position follow from what is heard and said. Idempotent where the broker repeats itself.

A fill counts when it has been said as `Fill`, so each quantity is said once.
"""

import msgspec

from .. import keyed
from ..config import Config, amount, is_coin
from ..messages.market import Asset, MarketHours, QuoteSeen, SplitAnnounced
from ..messages.order import (
    CancelOrder,
    EntrySettled,
    Fill,
    Holding,
    LookupOrder,
    OrderAbsent,
    OrderRefused,
    OrderReport,
    OrderUnknown,
    PositionClosed,
    PositionOpened,
    PositionReport,
    Protected,
    ProtectionGap,
    ReadPosition,
    Reconcile,
    Reconciled,
    Side,
    SplitApplied,
    SubmitOrder,
    Unprotected,
)
from ..messages.signal import Approval
from ..messages.system import Alert, Crashed, Operator, RiskLevel, Started, Stopping
from ..messages.truth import Adopted, Corrected, ForeignSeen, Resolved
from ..runtime.decider import Heard
from ..units import ZERO, Quantity, Symbol, exact, to_tick
from . import ids
from .facts import average, is_remainder
from .foreign import adopted, held_by_us, resolved
from .policy import may_close
from .reconcile import corrected, doubted, is_strange, reconciled, strange
from .refusal import after_refusal, tick_of
from .reports import absent, alarm, lost, position_with, put, report, stale, touch
from .split import announced, follow, noticed
from .state import (
    CLOSING,
    Entry,
    Exit,
    OrderState,
    Own,
    Part,
    Position,
    is_open,
    orders,
    own,
)
from .timing import mismatches
from .watch import quoted, unseen

replace = msgspec.structs.replace


def evolve(config: Config, symbol: Symbol, tag: str, state: OrderState, heard: Heard) -> OrderState:
    """The state after a word; total."""
    state = replace(state, now=max(state.now, heard.at), heard=heard.word, differences=())
    message = heard.message
    match message:
        case OrderReport():
            return _reported(symbol, tag, state, message)
        case OrderRefused():
            return after_refusal(config, symbol, state, message)
        case OrderUnknown():
            return lost(state, message)
        case OrderAbsent():
            return absent(state, message)
        case PositionReport():
            return _position_read(symbol, noticed(state, message), message)
        case Reconciled():
            return reconciled(symbol, tag, noticed(state, message.position), message)
        case Fill():
            return _filled(symbol, state, message)
        case SubmitOrder():
            return _submitted(state, message, heard)
        case CancelOrder():
            return _canceled(state, message, heard)
        case LookupOrder():
            one = own(state, message.client_order_id)
            asked = 0 if one is None else one.asked + 1
            return touch(state, message.client_order_id, asked_at=heard.at, asked=asked)
        case ReadPosition():
            first = state.read.asked or heard.word
            read = replace(state.read, asked=first, asked_at=heard.at, fresh=False)
            return replace(state, read=read)
        case Reconcile():
            return replace(state, asked_reconcile=heard.at, mismatches=mismatches(state, heard.at))
        case Approval():
            return _approved(config, symbol, tag, state, message, heard)
    return _evolve_rest(config, symbol, state, heard)


def _evolve_rest(config: Config, symbol: Symbol, state: OrderState, heard: Heard) -> OrderState:
    message = heard.message
    match message:
        case QuoteSeen():
            return quoted(symbol, state, message)
        case MarketHours():
            return replace(state, hours=message)
        case Asset():
            return replace(state, asset=message)
        case SplitAnnounced():
            return announced(state, message)
        case SplitApplied():
            return follow(state, message)
        case Started():
            return _started(state)
        case Stopping():
            return replace(state, stopping=True)
        case Operator():
            return _operated(state, message, heard)
        case RiskLevel():
            breached = message.level == "BREACH" and bool(message.note)
            return replace(state, breached=breached, suspected=message.suspected)
        case Crashed():
            return replace(state, frozen=f"crashed: {message.error}"[:200], asked_reconcile=0)
        case EntrySettled():
            return _settled(state)
        case PositionOpened():
            return _tightened(config, symbol, position_with(state, opened=True))
        case PositionClosed():
            return _closed(state)
        case Protected():
            state = replace(state, protected_by=message.order, protected_since=heard.at)
            return position_with(
                state, exposed_since=0, flagged=False, protect_tries=0, protect_after=0, gap=None
            )
        case Unprotected():
            return _flagged(state)
        case ProtectionGap():
            return position_with(state, gap=None)
        case ForeignSeen():
            return replace(state, foreign_seen=heard.at)
        case Corrected():
            return corrected(state, message)
        case Adopted():
            return adopted(state, message, heard)
        case Resolved():
            return resolved(state, message, heard)
        case Holding():
            return replace(state, told=message)
        case Alert():
            return replace(state, alert="")
    return state


def _flagged(state: OrderState) -> OrderState:
    gap = None if state.position is None else state.position.gap
    gap = None if gap is None else replace(gap, flagged=True)
    return position_with(state, flagged=True, gap=gap)


def _submitted(state: OrderState, command: SubmitOrder, heard: Heard) -> OrderState:
    position = state.position
    key = command.client_order_id.split("-")[2]
    part = Part(
        order_id="",
        type=command.type,
        side=command.side,
        status="sent",
        qty=command.qty,
        limit_price=command.limit_price,
        stop_price=command.stop_price,
    )
    one = Own(
        id=command.client_order_id,
        leg=command.leg,
        order_class=command.order_class,
        time_in_force=command.time_in_force,
        position_id=key if position is None else position.id,
        part=part,
        word=heard.word,
        sent_at=heard.at,
        stop=command.stop_loss or command.stop_price,
        target=command.take_profit,
    )
    state = put(stale(state), one)
    if position is None:
        return state
    tries = position.protect_tries + (command.leg in ("stop", "oco"))
    # Beside a close whose outcome is lost protection is tried at once, whatever was refused before it.
    after = 0 if command.leg in CLOSING else position.protect_after
    state = position_with(
        state, number=position.number + 1, protect_tries=tries, protect_after=after
    )
    if command.leg == "target":
        return position_with(state, swaps=(*position.swaps, heard.at)[-5:])
    return state


def _canceled(state: OrderState, command: CancelOrder, heard: Heard) -> OrderState:
    """Its end is asked after anew from the first cancel on."""
    one, state = own(state, command.client_order_id), stale(state)
    if one is None:
        return state
    if not command.order_id:
        return put(state, replace(one, recalled=True))
    if not one.cancel_first:
        one = replace(one, cancel_first=heard.at, asked=0)
    return put(state, replace(one, cancel_at=heard.at))


def _position_read(symbol: Symbol, state: OrderState, message: PositionReport) -> OrderState:
    asked = state.read.asked
    answers = asked is not None and any(tuple(one) >= tuple(asked) for one in message.because)
    if not answers:
        differs = state.read.fresh and message.qty != state.read.qty
        # Of two readings that differ neither is acted on: it is asked for anew.
        return doubted(symbol, stale(state) if differs else state, message)
    read = replace(state.read, qty=message.qty, available=message.qty_available)
    state = replace(state, read=replace(read, fresh=True, asked=None))
    return doubted(symbol, state, message) if _is_less(state) else state


def _is_less(state: OrderState) -> bool:
    """The broker holds less of our position than our fills came to: only its whole truth can tell why."""
    position, held = state.position, held_by_us(state)
    return position is not None and (held if position.side == "buy" else -held) < position.qty


def _reported(symbol: Symbol, tag: str, state: OrderState, message: OrderReport) -> OrderState:
    if own(state, message.client_order_id) is None and is_strange(tag, message):
        return strange(symbol, state, message.client_order_id)
    return report(state, message)


def _filled(symbol: Symbol, state: OrderState, fill: Fill) -> OrderState:
    state = replace(_told(state, fill), filled_at=state.now)
    position = state.position
    closes = fill.leg != "entry" if position is None else fill.side != position.side
    beyond, dust = _beyond(symbol, state, fill) if closes else (ZERO, state.dust)
    state = replace(state, dust=dust)
    if position is None:
        if closes and not beyond:
            return state  # a coin's remainder is sold: it turns nothing round
        position = _new_position(state, fill)
    value = fill.qty * fill.price
    fees = exact(position.fees + fill.fee_usd + fill.fee_qty * fill.price)
    position = replace(position, fees=fees, charged=exact(position.charged + fill.fee_usd))
    if fill.side == position.side:
        got = exact(fill.qty - fill.fee_qty)
        back = min(position.over, got)
        position = replace(
            position,
            qty=exact(position.qty + got - back),
            over=exact(position.over - back),
            bought=position.bought + fill.qty,
            paid=exact(position.paid + value),
            opened=position.opened and (position.bought > 0 or fill.leg != "entry"),
            exposed_since=position.exposed_since or (state.now if got > back else 0),
        )
    else:
        if beyond:
            text = f"{symbol}: {beyond} closed beyond the position, taken back"
            state = alarm(state, text)
        position = replace(
            position,
            qty=exact(max(ZERO, position.qty - fill.qty)),
            over=exact(position.over + beyond),
            closed=position.closed + fill.qty,
            received=exact(position.received + value),
            exit_at=fill.filled_at,
            last_leg=fill.leg,
        )
    return replace(state, position=position)


def _beyond(symbol: Symbol, state: OrderState, fill: Fill) -> tuple[Quantity, Quantity]:
    """What a close has closed beyond the position, and the remainder of a coin that it leaves.

    The remainder of before is sold with what is held, and the broker rounds a coin's fees by itself: what
    is too small for an order of its own turns nothing round.
    """
    held = ZERO if state.position is None else state.position.qty
    beyond = max(ZERO, exact(fill.qty - held))
    if not is_coin(symbol):
        return beyond, state.dust
    swept = min(max(ZERO, state.dust), beyond)
    beyond = exact(beyond - swept)
    small = is_remainder(state, beyond, fill.price)
    return ZERO if small else beyond, exact(state.dust - swept)


def _new_position(state: OrderState, fill: Fill) -> Position:
    """By the order that filled: an entry, or a close that came when there was nothing left to close."""
    one, entry = own(state, fill.client_order_id), state.entry
    opens = fill.leg == "entry"
    side: Side = fill.side if opens else "sell" if fill.side == "buy" else "buy"
    mine = entry if entry is not None and entry.key == fill.position_id else None
    stop, target = (None, None) if one is None else (one.stop, one.target)
    # After a late fill the same position is there again: what it mints must have ids of its own.
    minted = [known for known in orders(state) if known.position_id == fill.position_id]
    return Position(
        id=fill.position_id,
        signal="" if mine is None else mine.signal,
        side=side,
        qty=ZERO,
        stop=(stop if mine is None else mine.stop) if opens else None,
        target=(target if mine is None else mine.target) if opens else None,
        entry_at=fill.filled_at,
        number=sum(1 for known in minted if known.leg != "entry"),
        exposed_since=state.now if opens else 0,
        opened=not opens,
    )


def _tightened(config: Config, symbol: Symbol, state: OrderState) -> OrderState:
    """Prop mode: a stop further than its limit from the average fill is moved in, never out."""
    position = state.position
    if not config.prop_firm.enabled or position is None or position.stop is None:
        return state
    most = amount(config.prop_firm.risk_limits.max_stop_loss_pct) / 100
    price = average(position.paid, position.bought)
    long = position.side == "buy"
    bound = to_tick(
        price * (1 - most if long else 1 + most), tick_of(symbol, state, price), up=long
    )
    stop = max(position.stop, bound) if long else min(position.stop, bound)
    return position_with(state, stop=stop)


def _told(state: OrderState, fill: Fill) -> OrderState:
    """Which part of the order the fill belonged to: the first with so much unsaid."""
    one = own(state, fill.client_order_id)
    if one is None:
        return state
    value = exact(fill.qty * fill.price)

    def told(part: Part) -> Part:
        return replace(part, told_qty=part.told_qty + fill.qty, told_value=part.told_value + value)

    if one.part.filled_qty > one.part.told_qty:
        return put(state, replace(one, part=told(one.part)))
    for order_id, leg in one.legs:
        if leg.filled_qty > leg.told_qty:
            return put(state, replace(one, legs=keyed.put(one.legs, order_id, told(leg))))
    return state


def _approved(
    config: Config, symbol: Symbol, tag: str, state: OrderState, message: Approval, heard: Heard
) -> OrderState:
    late = heard.at > message.expires_at  # mail of before a restart: its signal is over
    if message.intent == "cancel_entry":
        if state.entry is None or state.entry.settled or late:
            return state
        return replace(state, entry=replace(state.entry, canceled=True))
    if message.intent in ("close_long", "close_short"):
        dropped = late or not may_close(symbol, state)
        return state if dropped else _exit(state, "signal", heard)
    busy = state.position is not None or any(is_open(one) for one in orders(state))
    if message.stop is None or message.target is None or busy or state.frozen:
        return state
    return replace(
        state,
        entry=Entry(
            signal=message.signal,
            key=ids.entry_key(tag, symbol, message.cycle, message.signal),
            side="buy" if message.intent == "open_long" else "sell",
            qty=message.qty,
            price=message.price,
            limit_price=message.limit_price,
            stop=message.stop,
            target=message.target,
            expires_at=message.expires_at,
            word=heard.word,
        ),
    )


def _exit(state: OrderState, reason: str, heard: Heard) -> OrderState:
    if state.position is None or state.exit is not None:
        return state
    leaving = Exit(reason=reason, since=heard.at, word=heard.word)  # type: ignore[arg-type]
    return replace(state, exit=leaving)


def _started(state: OrderState) -> OrderState:
    """What was in the air is of unknown outcome until it has been looked up; nothing is sent again."""
    for one in orders(state):
        if one.part.status == "sent":
            state = put(
                state, replace(one, part=replace(one.part, status="lost"), asked_at=0, asked=0)
            )
    return unseen(replace(stale(state), asked_reconcile=0, stopping=False))


def _operated(state: OrderState, command: Operator, heard: Heard) -> OrderState:
    breached = state.breached and command.state != "normal"
    state = replace(state, operator=command.state, breached=breached)
    if command.state == "flatten":
        return _exit(state, "operator", heard)
    return state


def _settled(state: OrderState) -> OrderState:
    if state.entry is None:
        return state
    return replace(state, entry=replace(state.entry, settled=True))


def _closed(state: OrderState) -> OrderState:
    position = state.position
    left = ZERO if position is None else exact(position.qty - position.over)
    state = replace(
        state, position=None, entry=None, exit=None, dust=left, missing=ZERO, protected_by=""
    )
    return unseen(state)
