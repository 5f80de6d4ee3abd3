"""How risk's state follows from what it hears and from what it has said."""

import math

import msgspec

from .. import keyed
from ..config import Config
from ..messages.market import Asset, Figures, MarketHours, QuoteSeen, QuotesWanted
from ..messages.opinion import SourceStatus
from ..messages.order import (
    AccountReport,
    BrokerLink,
    BrokerReady,
    EntrySettled,
    Holding,
    PositionClosed,
    PositionOpened,
    ReadAccount,
    Reconciled,
)
from ..messages.signal import (
    Advice,
    Approval,
    CycleClosed,
    Denial,
    Execute,
    ExecuteSignal,
    Signal,
)
from ..messages.system import Alert, Operator, Overload, RiskLevel, Started, Stopping
from ..messages.truth import Elsewhere, ForeignSeen, Transfer
from ..runtime.decider import Heard
from ..units import MINUTE, ZERO, Symbol, Usd, UtcNanos, exact
from . import limits
from .case import OPENING
from .cooldown import Rest, after_cycle, after_entry, after_exit, wait_until
from .requests import advised, chosen, requested
from .state import (
    Held,
    Rate,
    Reading,
    Reserved,
    RiskState,
    SourceView,
    Told,
    added,
    holding,
    marked_equity,
    open_profit,
)

RECENT = 60
MOST_TRANSFERS = 100
replace = msgspec.structs.replace


def learn(config: Config, state: RiskState, heard: Heard) -> RiskState:
    """The state after a word; total: what does not concern risk changes nothing."""
    message = heard.message
    match message:
        case Signal():
            told = Told(signal=message, word=heard.word)
            return replace(state, gathered=keyed.put(state.gathered, message.symbol, told))
        case CycleClosed():
            return _cycle_closed(state, message.n)
        case QuotesWanted():
            return _asked(state, message)
        case Approval():
            return _approved(config, state, message, heard.at)
        case Denial():
            said = f"{message.intent} {message.code}"
            return replace(
                state,
                denied=keyed.put(state.denied, message.symbol, said),
                awaiting=keyed.drop(state.awaiting, message.symbol),
            )
        case Execute():
            return requested(config, state, message, heard)
        case ExecuteSignal():
            return chosen(state, message, heard)
        case Advice():
            return advised(state, message, heard.at)
        case Holding():
            return _held(state, message, heard)
        case EntrySettled():
            return _settled(config, state, message, heard.at)
        case PositionOpened():
            return _opened(config, state, message)
        case PositionClosed():
            return _closed(config, state, message)
        case AccountReport():
            return _account(config, state, message, heard)
        case QuoteSeen():
            return _marked(config, state, message, heard.at)
    return _learn_of_world(config, state, heard)


def _learn_of_world(config: Config, state: RiskState, heard: Heard) -> RiskState:
    message = heard.message
    match message:
        case MarketHours():
            losses = limits.new_day(config, state.losses, message.loss_day)
            return replace(state, hours=message, losses=losses)
        case Asset():
            return replace(state, assets=keyed.put(state.assets, message.symbol, message))
        case Figures():
            reading = Reading(
                atr_pct=_finite(message.atr_pct), word=heard.word, regime=message.regime
            )
            return replace(state, readings=keyed.put(state.readings, message.symbol, reading))
        case SourceStatus():
            view = SourceView(
                configured=message.configured,
                heard_of=message.answered or message.state in ("failed", "disabled"),
            )
            return replace(state, sources=keyed.put(state.sources, message.source, view))
        case BrokerLink():
            return replace(
                state,
                stream_up=message.stream_up,
                last_answer_at=message.last_answer_at,
                skew_ms=message.skew_ms,
            )
        case BrokerReady():
            return replace(state, ready_at=state.ready_at or heard.at)
        case Reconciled():
            return _truth_of(state, message)
        case ForeignSeen():
            seen = keyed.put(state.foreign_seen, message.symbol, heard.at)
            return replace(state, foreign_seen=seen)
        case Elsewhere():
            return replace(state, elsewhere=_elsewhere(message))
        case Transfer():
            return _transferred(state, message)
        case ReadAccount():
            return replace(state, losses=replace(state.losses, asked_at=heard.at))
        case Alert():
            return replace(state, told_day=state.losses.loss_day)
        case Operator():
            return _operated(state, message)
        case RiskLevel():
            return replace(state, level=message.level, suspected=message.suspected)
        case Started():
            return replace(
                state, ready_at=None, stream_up=False, stopping=False, awaiting=(), gathered=()
            )
        case Stopping():
            return replace(state, stopping=True)
        case Overload():
            return replace(state, overloaded=message.address if message.over else "")
    return state


def _truth_of(state: RiskState, truth: Reconciled) -> RiskState:
    """Others' orders in a symbol: that there are some, and what they may add to its exposure."""
    pending = sum((added(one, truth.position) for one in truth.foreign), ZERO)
    seen = keyed.get(state.foreign_seen, truth.symbol)
    if seen is not None and truth.read_at >= seen:
        state = replace(state, foreign_seen=keyed.drop(state.foreign_seen, truth.symbol))
    return replace(
        state,
        foreign=keyed.put(state.foreign, truth.symbol, len(truth.foreign)),
        foreign_pending=keyed.put(state.foreign_pending, truth.symbol, exact(pending)),
    )


def _transferred(state: RiskState, transfer: Transfer) -> RiskState:
    if transfer.id in state.transfers:
        return state
    return replace(
        state,
        transfers=(*state.transfers, transfer.id)[-MOST_TRANSFERS:],
        losses=limits.transferred(state.losses, transfer.dollars, transfer.at),
    )


def _elsewhere(found: Elsewhere) -> Usd:
    held = {one.symbol: one for one in found.positions}
    value = sum(
        (abs(one.qty) * (one.market_price or one.avg_entry_price) for one in found.positions), ZERO
    )
    return exact(value + sum((added(one, held.get(one.symbol)) for one in found.orders), ZERO))


def _cycle_closed(state: RiskState, n: int) -> RiskState:
    """Only this cycle's signals stand; a symbol's silence ends its rest and its last denial."""
    gathered = tuple(pair for pair in state.gathered if pair[1].signal.cycle == n)
    actions = {symbol: told.signal.action for symbol, told in gathered}
    rests = tuple((symbol, after_cycle(rest, actions.get(symbol))) for symbol, rest in state.rests)
    denied = tuple((symbol, code) for symbol, code in state.denied if symbol in actions)
    return replace(state, gathered=gathered, rests=rests, denied=denied)


def _asked(state: RiskState, wanted: QuotesWanted) -> RiskState:
    """Our own question: the signals it is about now wait for the answer."""
    requested = [pair for pair in state.awaiting if pair[1].requested]
    waiting = {
        symbol: told for symbol, told in (*state.gathered, *requested) if symbol in wanted.symbols
    }
    return replace(state, request=wanted.request, awaiting=tuple(sorted(waiting.items())))


def _approved(config: Config, state: RiskState, approval: Approval, at: UtcNanos) -> RiskState:
    rest = _resting(state, approval.symbol)
    if approval.intent not in OPENING:
        state = replace(state, awaiting=keyed.drop(state.awaiting, approval.symbol))
        if not config.trading.position_flip:
            return state
        return _rest(state, approval.symbol, replace(rest, flip_until=approval.expires_at))
    if rest.flip_until:
        state = _rest(state, approval.symbol, replace(rest, flip_until=0))
    reserved = Reserved(
        signal=approval.signal,
        action="BUY" if approval.intent == "open_long" else "SELL",
        notional=approval.reserved,
        qty=approval.qty,
        price=approval.price,
        stop=approval.stop,
    )
    day = state.losses.loss_day
    rate = Rate(
        recent=(*(one for one in state.rate.recent if at - one < MINUTE), at)[-RECENT:],
        day=day,
        today=state.rate.today + 1 if state.rate.day == day else 1,
    )
    return replace(
        state,
        reserved=keyed.put(state.reserved, approval.symbol, reserved),
        awaiting=keyed.drop(state.awaiting, approval.symbol),
        denied=keyed.drop(state.denied, approval.symbol),
        rate=rate,
    )


def _opened(config: Config, state: RiskState, opened: PositionOpened) -> RiskState:
    rest = after_entry(_resting(state, opened.symbol), state.losses.loss_day)
    if config.environment == "live":
        state = replace(state, live_entries=state.live_entries + 1)
    return _rest(state, opened.symbol, rest)


def _held(state: RiskState, message: Holding, heard: Heard) -> RiskState:
    held = Held(holding=message, word=heard.word)
    return replace(state, holdings=keyed.put(state.holdings, message.symbol, held))


def _settled(config: Config, state: RiskState, settled: EntrySettled, at: UtcNanos) -> RiskState:
    reserved = keyed.get(state.reserved, settled.symbol)
    action = None if reserved is None else reserved.action
    state = replace(state, reserved=keyed.drop(state.reserved, settled.symbol))
    if settled.outcome in ("filled", "partly"):
        return state
    resting, day = _resting(state, settled.symbol), state.losses.loss_day
    rest = after_exit(resting, at, "refused", action, False, day)
    longer = wait_until(config, resting) > wait_until(config, rest)
    return _rest(state, settled.symbol, resting if longer else rest)


def _closed(config: Config, state: RiskState, closed: PositionClosed) -> RiskState:
    lost = closed.pnl < 0
    rest = after_exit(
        _resting(state, closed.symbol),
        closed.exit_at,
        closed.reason,
        "BUY" if closed.side == "buy" else "SELL",
        lost,
        state.losses.loss_day,
    )
    streak = state.losing_streak + 1 if lost else 0
    if state.losing_streak >= config.risk.losing_trades_account:
        streak = state.losing_streak  # only `argo resume` ends it
    return replace(_rest(state, closed.symbol, rest), losing_streak=streak)


def _account(config: Config, state: RiskState, report: AccountReport, heard: Heard) -> RiskState:
    balance = exact(report.equity - open_profit(state))
    return replace(
        state,
        account=report,
        account_word=heard.word,
        losses=limits.read_equity(config, state.losses, report.equity, heard.at, balance),
        marks_at_reading=state.marks,
    )


def _marked(config: Config, state: RiskState, seen: QuoteSeen, at: UtcNanos) -> RiskState:
    one = seen.quote
    mid = (one.bid + one.ask) / 2
    if not (math.isfinite(mid) and mid > 0):
        return state
    state = replace(
        state,
        marks=keyed.put(state.marks, one.symbol, mid),
        marked=keyed.put(state.marked, one.symbol, at),
    )
    if keyed.get(state.marks_at_reading, one.symbol) is None and holding(state, one.symbol):
        state = replace(state, marks_at_reading=keyed.put(state.marks_at_reading, one.symbol, mid))
    equity = marked_equity(state)
    if equity is None:
        return state
    return replace(state, losses=limits.mark_equity(config, state.losses, equity, at))


def _operated(state: RiskState, command: Operator) -> RiskState:
    if command.state != "normal":
        return replace(state, operator=command.state)
    return replace(
        state,
        operator="normal",
        losing_streak=0,
        losses=limits.resumed(state.losses, command.reset_peak),
    )


def _resting(state: RiskState, symbol: Symbol) -> Rest:
    return keyed.get(state.rests, symbol) or Rest()


def _rest(state: RiskState, symbol: Symbol, rest: Rest) -> RiskState:
    return replace(state, rests=keyed.put(state.rests, symbol, rest))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
