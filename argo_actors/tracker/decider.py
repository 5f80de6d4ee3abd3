"""The tracker: what we own, what we earned, what happened. It says nothing; it is read."""

import msgspec

from .. import keyed
from ..config import Config
from ..messages import Message, WordId
from ..messages.market import ClockSet, QuoteSeen, SplitAnnounced
from ..messages.opinion import SourceStatus
from ..messages.order import (
    AccountReport,
    BrokerLink,
    BrokerReady,
    Fill,
    Holding,
    OrderReport,
    PositionClosed,
    PositionOpened,
    Protected,
    ProtectionGap,
    SplitApplied,
    SubmitOrder,
    Unprotected,
)
from ..messages.signal import Advice, Approval, CycleClosed, Denial, Signal
from ..messages.system import (
    Alert,
    Crashed,
    DeadLetter,
    Epoch,
    Overload,
    Parked,
    Restarted,
    RiskLevel,
    SourceOrder,
    Started,
)
from ..messages.truth import Adopted, Corrected, Discrepancy, Elsewhere, Resolved, TruthRead
from ..runtime.decider import Decider, Heard
from ..units import SECOND, ZERO, UtcNanos
from .ledger import Lot, book
from .signals import decided, gathered, led_to
from .state import (
    KEPT,
    KEPT_READS,
    AnswerView,
    DifferenceView,
    Notice,
    OrderView,
    ReadView,
    TrackerState,
)

replace = msgspec.structs.replace


def tracker(config: Config) -> Decider[TrackerState]:
    """The books of an account."""

    def decide(state: TrackerState, heard: Heard) -> tuple[Message, ...]:
        return ()

    return Decider(TrackerState(), _evolve, decide)


def _evolve(state: TrackerState, heard: Heard) -> TrackerState:
    message = heard.message
    match message:
        case Fill():
            lot = book(keyed.get(state.lots, message.symbol) or Lot(), message)
            return replace(state, lots=keyed.put(state.lots, message.symbol, lot))
        case Adopted() | Corrected():
            return _booked(state, message, heard.at)
        case SplitApplied():
            return _split(state, message, heard.at)
        case SplitAnnounced():
            text = f"{message.symbol}: {message.new:f} for {message.old:f} split ahead"
            return _noted(state, heard.at, text)
        case QuoteSeen():
            mid = (message.quote.bid + message.quote.ask) / 2
            return replace(state, marks=keyed.put(state.marks, message.quote.symbol, mid))
        case Holding():
            return replace(state, holdings=keyed.put(state.holdings, message.symbol, message))
        case AccountReport():
            return replace(state, account=message)
        case SubmitOrder():
            return _ordered(state, message, heard.at)
        case ProtectionGap():
            return replace(state, gaps=(*state.gaps, message)[-KEPT:])
        case OrderReport():
            return _reported(state, message)
        case PositionOpened():
            long = message.side == "buy"
            return replace(
                state,
                long_entries=state.long_entries + long,
                short_entries=state.short_entries + (not long),
            )
        case PositionClosed():
            return replace(
                state,
                trades=(*state.trades, message)[-KEPT:],
                trade_count=state.trade_count + 1,
                wins=state.wins + (message.pnl > 0),
            )
    return _evolve_rest(state, heard)


def _evolve_rest(state: TrackerState, heard: Heard) -> TrackerState:
    message = heard.message
    match message:
        case Signal():
            return _signalled(state, message, heard.at)
        case Approval() | Denial():
            return _answered(state, message, heard)
        case Advice():
            text = f"ADVICE {message.intent} {message.qty} at {message.price}"
            return _counted(_decided(state, message.signal, text), "advice")
        case CycleClosed():
            return replace(state, cycle=message.n, verdicts=message.verdicts)
        case SourceStatus():
            return replace(state, sources=keyed.put(state.sources, message.source, message))
        case SourceOrder():
            return _source_ordered(state, message, heard.at)
        case BrokerReady():
            return replace(state, ready=True)
        case BrokerLink():
            return replace(state, stream_up=message.stream_up)
        case RiskLevel():
            return _noted(replace(state, level=message.level), heard.at, _level_text(message))
        case Started():
            return replace(
                state,
                ready=False,
                stream_up=False,
                started_at=heard.at,
                runs=state.runs + 1,
            )
    return _reconciled(state, heard)


def _level_text(level: RiskLevel) -> str:
    tripped = f", {level.note} limit tripped" if level.note else ""
    if level.suspected:
        tripped = ", a limit seems crossed: no entries, the broker is asked"
    return (
        f"risk {level.level}: day's loss {level.daily_loss_pct} %, "
        f"drawdown {level.drawdown_pct} %{tripped}"
    )


def _booked(state: TrackerState, message: Adopted | Corrected, at: UtcNanos) -> TrackerState:
    """A foreign position taken over, or ours closed by somebody else, is booked like a fill."""
    fill = Fill(
        symbol=message.symbol,
        client_order_id="",
        position_id=message.position_id,
        leg="entry" if isinstance(message, Adopted) else "exit",
        side=message.side,
        qty=message.qty,
        price=message.price,
        fee_usd=ZERO,
        fee_qty=ZERO,
        filled_at=at,
        because=message.because,
    )
    lot = book(keyed.get(state.lots, message.symbol) or Lot(), fill)
    state = replace(state, lots=keyed.put(state.lots, message.symbol, lot))
    verb = "adopted" if isinstance(message, Adopted) else "closed by somebody else:"
    text = f"{message.symbol} {verb} {message.side} {message.qty} at {message.price}"
    return _noted(state, at, text)


def _reconciled(state: TrackerState, heard: Heard) -> TrackerState:
    message = heard.message
    match message:
        case TruthRead():
            view = ReadView(at=heard.at, seq=heard.word.seq, read=message)
            return replace(state, reads=(*state.reads, view)[-KEPT_READS:])
        case Discrepancy():
            seq = message.because[0][0] if message.because else 0
            one = DifferenceView(at=heard.at, seq=seq, difference=message)
            state = replace(state, differences=(*state.differences, one)[-KEPT:])
            if message.what.startswith("order"):
                return state
            text = f"{message.symbol} {message.what}: {message.before} -> {message.after}"
            return _noted(state, heard.at, text)
        case Elsewhere():
            few = replace(message, positions=message.positions[:KEPT], orders=message.orders[:KEPT])
            return replace(state, elsewhere=few)
        case Resolved():
            done = "done" if message.done else f"not done: {message.note}"
            text = f"{message.verdict} {message.symbol} {message.item}: {done}"
            state = replace(state, resolved=(*state.resolved, message)[-KEPT_READS:])
            return _noted(state, heard.at, text)
    return _noticed(state, heard)


def _noticed(state: TrackerState, heard: Heard) -> TrackerState:
    message = heard.message
    match message:
        case Unprotected():
            text = f"{message.symbol} UNPROTECTED: {message.cause}"
        case Protected() if message.since and heard.at - message.since > SECOND:
            seconds = (heard.at - message.since) / SECOND
            text = f"{message.symbol} protected after {seconds:.1f} s"
        case Alert():
            text = message.text
        case Crashed():
            text = f"{message.address} crashed: {message.error}"
        case Restarted() if message.restarts:
            text = f"{message.address} restarted"
        case Parked():
            text = f"{message.address} {message.state}: {message.reason}"
        case DeadLetter():
            text = f"dead letter: {message.kind} to {message.address}: {message.reason}"
        case Epoch(by="take-over"):
            asked = f" ({message.who}: {message.why})" if message.who else ""
            text = f"the standby, process {message.pid}, took over: epoch {message.number}{asked}"
        case ClockSet():
            seconds = message.by / SECOND
            text = (
                f"market time went {seconds:.1f} s forward: the machine slept, or its clock was set"
            )
        case Overload(over=True):
            text = f"{message.address} is behind: {message.waiting} words wait, no entries"
        case Overload():
            text = "no mailbox is behind any more"
        case _:
            return state
    return _noted(state, heard.at, text)


def _source_ordered(state: TrackerState, order: SourceOrder, at: UtcNanos) -> TrackerState:
    by = f"{order.who}: {order.why}"
    off = state.switched_off
    if order.action == "disable":
        off = keyed.put(off, order.source, by)
    elif order.action == "enable":
        off = keyed.drop(off, order.source)
    key = " with a new key" if order.new_key else ""
    text = f"operator: {order.action} source/{order.source}{key} ({by})"
    return _noted(replace(state, switched_off=off), at, text)


def _split(state: TrackerState, split: SplitApplied, at: UtcNanos) -> TrackerState:
    """More or fewer shares for the same dollars."""
    lot = keyed.get(state.lots, split.symbol) or Lot()
    lot = replace(lot, qty=split.after if lot.qty >= 0 else -split.after)
    text = f"{split.symbol} split: {split.before:f} are {split.after:f}"
    return _noted(replace(state, lots=keyed.put(state.lots, split.symbol, lot)), at, text)


def _noted(state: TrackerState, at: UtcNanos, text: str) -> TrackerState:
    return replace(state, notices=(*state.notices, Notice(at=at, text=text))[-KEPT:])


def _ordered(state: TrackerState, order: SubmitOrder, at: UtcNanos) -> TrackerState:
    view = OrderView(order=order, sent_at=at)
    recent = (*(one for one in state.recent_orders if one != order.client_order_id),)
    recent = (*recent, order.client_order_id)
    orders = state.orders
    for old in recent[:-KEPT]:
        orders = keyed.drop(orders, old)
    return replace(
        state,
        orders=keyed.put(orders, order.client_order_id, view),
        recent_orders=recent[-KEPT:],
        signals=led_to(state.signals, order) if order.leg in ("entry", "exit") else state.signals,
    )


def _reported(state: TrackerState, report: OrderReport) -> TrackerState:
    view = keyed.get(state.orders, report.client_order_id)
    if view is None:
        return state
    view = replace(
        view,
        status=report.status,
        filled_qty=report.filled_qty,
        filled_avg=report.filled_avg_price,
    )
    return replace(state, orders=keyed.put(state.orders, report.client_order_id, view))


def _signalled(state: TrackerState, signal: Signal, at: UtcNanos) -> TrackerState:
    signals, is_new = gathered(state.signals, signal, at)
    state = _counted(state, signal.action) if is_new else state
    return replace(state, signals=signals[-KEPT:])


def _answered(state: TrackerState, message: Approval | Denial, heard: Heard) -> TrackerState:
    if isinstance(message, Approval):
        view = AnswerView(
            seq=heard.word.seq,
            signal=message.signal,
            approved=True,
            text=f"approved {message.intent} {message.qty}",
            qty=message.qty,
            price=message.price,
            stop=message.stop,
            target=message.target,
        )
    else:
        text = f"denied {message.code}: {message.value} (limit {message.limit})"
        view = AnswerView(seq=heard.word.seq, signal=message.signal, approved=False, text=text)
    state = replace(state, answers=(*state.answers, view)[-KEPT:])
    what = "approved" if isinstance(message, Approval) else f"denied {message.code}"
    word = heard.word if isinstance(message, Approval) else None
    return _counted(_decided(state, message.signal, view.text, word), what)


def _counted(state: TrackerState, what: str) -> TrackerState:
    seen = keyed.get(state.signal_counts, what) or 0
    return replace(state, signal_counts=keyed.put(state.signal_counts, what, seen + 1))


def _decided(
    state: TrackerState, signal: str, decision: str, approval: WordId | None = None
) -> TrackerState:
    return replace(state, signals=decided(state.signals, signal, decision, approval))
