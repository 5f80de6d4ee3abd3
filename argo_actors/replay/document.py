"""One decision from a JSON document: the very deciders of the daemon, with nothing around them.

The document's times, account, market and history become the words that the deciders would have heard;
their answer is shown whole: votes, checks, arithmetic. Nothing is read from anywhere else.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from .. import config as configuration
from .. import keyed
from ..config import Config
from ..consensus.decider import Judged, View, consensus, judge, refusal, rules_of
from ..consensus.regime import RegimeView
from ..errors import UsageError
from ..messages import Message, WordId
from ..messages.market import Asset, Decide, Figures, MarketHours, Quote, Quotes, Regime
from ..messages.opinion import Opinion, SourceStatus
from ..messages.order import (
    AccountReport,
    BrokerLink,
    BrokerReady,
    Holding,
    PositionClosed,
    PositionOpened,
    Side,
)
from ..messages.signal import Action, Approval, Check, CycleClosed, Denial, Execute, Signal
from ..messages.system import Operator, OperatorState
from ..risk.case import Case, priced
from ..risk.checks import ENTRY_CHECKS, first_failure, run
from ..risk.decider import risk
from ..risk.state import RiskState, holding
from ..risk.table import intent as intent_of
from ..runtime.decider import Decider, Heard, step
from ..source.bars import Bar
from ..source.figures import figures
from ..units import SECOND, ZERO, UtcNanos, decimal_from

Text = str


class SourceDoc(msgspec.Struct, forbid_unknown_fields=True):
    """A source: is it configured, has it answered?"""

    name: str
    configured: bool = True
    answered: bool = True


class ClockDoc(msgspec.Struct, forbid_unknown_fields=True):
    """The stock market's hours."""

    is_open: bool
    session_open: datetime
    next_open: datetime
    next_close: datetime


class AccountDoc(msgspec.Struct, forbid_unknown_fields=True):
    """The account's figures, money as text."""

    equity: Text
    last_equity: Text
    day_start_equity: Text
    peak_equity: Text
    buying_power: Text
    non_marginable_buying_power: Text
    net_transfers: Text = "0"
    shorting_enabled: bool = True
    trading_blocked: bool = False
    operator_state: OperatorState = "normal"


class AssetDoc(msgspec.Struct, forbid_unknown_fields=True, rename={"asset_class": "class"}):
    """The symbol at the broker."""

    symbol: str
    asset_class: Literal["us_equity", "crypto"]
    tradable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    min_order_size: Text = "1"
    min_trade_increment: Text = "1"
    price_increment: Text = "0.01"


class QuoteDoc(msgspec.Struct, forbid_unknown_fields=True):
    """Best bid and ask."""

    bid: float
    ask: float
    at: datetime
    received_at: datetime


class OpinionDoc(msgspec.Struct, forbid_unknown_fields=True):
    """What a source thinks."""

    source: str
    symbol: str
    direction: Literal["LONG", "SHORT", "NEUTRAL"]
    confidence: float
    as_of: datetime
    valid_until: datetime
    price: float | None = None


class PositionDoc(msgspec.Struct, forbid_unknown_fields=True):
    """A position."""

    symbol: str
    side: Literal["long", "short"]
    qty: Text
    price: Text
    stop: Text | None = None
    own: bool = True


class OrderDoc(msgspec.Struct, forbid_unknown_fields=True):
    """An open order."""

    symbol: str
    side: Side
    qty: Text
    price: Text
    role: Literal["entry", "stop", "target", "exit"]
    stop: Text | None = None
    own: bool = True


class HistoryDoc(msgspec.Struct, forbid_unknown_fields=True):
    """A finished round trip, or a refused entry."""

    symbol: str
    entry_at: datetime
    exit_at: datetime
    reason: Literal["stop", "target", "signal", "refused", "unprotected", "operator"]
    pnl: Text
    signal_cleared: bool = True
    side: Literal["long", "short"] = "long"


class RequestDoc(msgspec.Struct, forbid_unknown_fields=True):
    """An outside request, judged instead of the opinions' signal."""

    action: Action
    confidence: float
    entry_price: Text
    stop_price: Text | None = None
    target_price: Text | None = None


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """Everything that a decision rests on."""

    now: datetime
    symbol: str
    sources: list[SourceDoc]
    clock: ClockDoc
    account: AccountDoc
    asset: AssetDoc
    quote: QuoteDoc | None
    opinions: list[OpinionDoc]
    config: msgspec.Raw = msgspec.Raw(b"{}")
    regime: Regime | None = None
    daily_bars: list[tuple[datetime, float, float, float, float, float]] = msgspec.field(
        default_factory=list
    )
    atr_pct: float | None = None
    positions: list[PositionDoc] = msgspec.field(default_factory=list)
    open_orders: list[OrderDoc] = msgspec.field(default_factory=list)
    history: list[HistoryDoc] = msgspec.field(default_factory=list)
    request: RequestDoc | None = None


class Dropped(msgspec.Struct):
    """An opinion that was not valid."""

    source: str
    reason: str


class Decision(msgspec.Struct, kw_only=True):
    """The answer, whole."""

    action: Action | None
    raw_confidence: float
    confidence: float
    participation: float
    families: list[dict[str, Any]]
    dropped: list[Dropped]
    regime: Regime
    multiplier: float
    threshold: float
    intent: str
    checks: list[Check]
    denied: str | None
    sizing: dict[str, Any] | None
    stop: Decimal | None
    target: Decimal | None
    reasoning: str


class _Told(NamedTuple):
    """A decider's state as words come in."""

    decider: Decider[Any]
    state: Any

    def hear(self, at: UtcNanos, *messages: Message) -> "_Told":
        told = self
        for message in messages:
            heard = Heard(WordId(0, 0), at, message)
            told = told._replace(state=told.decider.evolve(told.state, heard))
        return told


def decide(text: bytes) -> Decision:
    """The decision of a document. Raises UsageError or ConfigError that name the field."""
    try:
        document = msgspec.json.decode(text, type=Document)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UsageError(f"the document: {error}", fix="see the README's `argo decide`") from None
    config = _config(document)
    now = nanos(document.now)
    believed = _believed(config, document, now)
    judged = judge(rules_of(config), believed.state, document.symbol, now)
    signal = _signal(believed, now, document.symbol)
    dared = _dared(config, document, now)
    if document.request is not None:
        return _decision(config, document, dared, judged, _request(document), now)
    return _decision(config, document, dared, judged, signal, now)


def nanos(moment: datetime) -> UtcNanos:
    """Nanoseconds UTC. Raises UsageError for a time without a zone."""
    if moment.tzinfo is None:
        raise UsageError(f"{moment.isoformat()} has no zone", fix="write RFC 3339, such as …Z")
    return int(moment.timestamp()) * SECOND + moment.microsecond * 1000


def _config(document: Document) -> Config:
    tree = msgspec.json.decode(bytes(document.config))
    if not isinstance(tree, dict):
        raise UsageError(
            "`config` is not an object", fix="give the keys that differ from the defaults"
        )
    tree.setdefault("account", "decide")
    symbols = {document.symbol, *tree.get("symbols", ())}
    symbols |= {one.symbol for one in document.positions}
    symbols |= {one.symbol for one in document.open_orders}
    tree["symbols"] = sorted(symbols)
    tree.setdefault("sources", {one.name: {} for one in document.sources})
    return configuration.decode(msgspec.json.encode(tree), "`config`")


def _money(text: str, where: str) -> Decimal:
    try:
        return decimal_from(text)
    except ValueError as error:
        raise UsageError(
            f"`{where}`: {error}", fix='write money as text, such as "1234.50"'
        ) from None


def _optional(text: str | None, where: str) -> Decimal | None:
    return None if text is None else _money(text, where)


def _believed(config: Config, document: Document, now: UtcNanos) -> _Told:
    told = _Told(consensus(config), consensus(config).initial)
    told = told.hear(now, *_statuses(document))
    for one in document.opinions:
        told = told.hear(now, _opinion(one))
    reading = _figures(document)
    told = told.hear(now, reading, reading)
    if document.regime is not None:
        view = keyed.get(told.state.views, document.symbol) or View()
        changed = msgspec.structs.replace(view, regime=RegimeView(regime=document.regime))
        views = keyed.put(told.state.views, document.symbol, changed)
        told = told._replace(state=msgspec.structs.replace(told.state, views=views))
    return told


def _statuses(document: Document) -> list[Message]:
    return [
        SourceStatus(
            source=one.name, state="running", configured=one.configured, answered=one.answered
        )
        for one in document.sources
    ]


def _opinion(one: OpinionDoc) -> Opinion:
    return Opinion(
        source=one.source,
        symbol=one.symbol,
        direction=one.direction,
        confidence=one.confidence,
        price=one.price,
        as_of=nanos(one.as_of),
        valid_until=nanos(one.valid_until),
        live=one.price is not None,
    )


def _figures(document: Document) -> Figures:
    bars = [Bar(nanos(t), o, h, low, c, v) for t, o, h, low, c, v in document.daily_bars]
    coin = document.asset.asset_class == "crypto"
    found = figures(document.symbol, bars, "1Day", coin)
    if document.regime is not None:
        found = msgspec.structs.replace(found, regime=document.regime)
    if document.atr_pct is not None:
        found = msgspec.structs.replace(found, atr_pct=document.atr_pct)
    return found


def _signal(believed: _Told, now: UtcNanos, symbol: str) -> Signal | None:
    heard = Heard(WordId(1, 0), now, Decide(n=1))
    said = step(believed.decider, believed.state, heard).said
    return next((m for m in said if isinstance(m, Signal) and m.symbol == symbol), None)


def _dared(config: Config, document: Document, now: UtcNanos) -> _Told:
    account, clock = document.account, document.clock
    day = MarketHours(
        is_open=clock.is_open,
        session_open=nanos(clock.session_open),
        session_close=nanos(clock.next_close),
        next_open=nanos(clock.next_open),
        next_close=nanos(clock.next_close),
        loss_day=1,
    )
    ready_at = now - 3600 * SECOND
    told = _Told(risk(config), risk(config).initial)
    told = told.hear(ready_at, day, BrokerReady(orders=0, positions=0))
    told = told.hear(ready_at, BrokerLink(stream_up=True, last_answer_at=now), *_statuses(document))
    told = told.hear(ready_at, _account(account), _asset(document.asset), _figures(document))
    told = told.hear(ready_at, *_holdings(document), *_history(document))
    losses = msgspec.structs.replace(
        told.state.losses,
        loss_day=1,
        day_start_equity=_money(account.day_start_equity, "account.day_start_equity"),
        peak_equity=_money(account.peak_equity, "account.peak_equity"),
        initial_equity=_initial(config, account),
        net_transfers=_money(account.net_transfers, "account.net_transfers"),
    )
    told = told._replace(state=msgspec.structs.replace(told.state, losses=losses))
    if account.operator_state != "normal":
        told = told.hear(
            now, Operator(state=account.operator_state, who="document", why="document")
        )
    return told.hear(now, _account(account))


def _initial(config: Config, account: AccountDoc) -> Decimal:
    """Where the account began: the rules' figure, else the document's peak."""
    rules = config.prop_firm.rules
    return configuration.amount(rules.initial_balance) or _money(
        account.peak_equity, "account.peak_equity"
    )


def _account(account: AccountDoc) -> AccountReport:
    equity = _money(account.equity, "account.equity")
    return AccountReport(
        account_number="document",
        status="ACTIVE",
        cash=equity,
        equity=equity,
        last_equity=_money(account.last_equity, "account.last_equity"),
        buying_power=_money(account.buying_power, "account.buying_power"),
        non_marginable_buying_power=_money(
            account.non_marginable_buying_power, "account.non_marginable_buying_power"
        ),
        shorting_enabled=account.shorting_enabled,
        trading_blocked=account.trading_blocked,
    )


def _asset(one: AssetDoc) -> Asset:
    return Asset(
        symbol=one.symbol,
        asset_class=one.asset_class,
        tradable=one.tradable,
        shortable=one.shortable,
        easy_to_borrow=one.easy_to_borrow,
        fractionable=True,
        min_order_size=_money(one.min_order_size, "asset.min_order_size"),
        min_trade_increment=_money(one.min_trade_increment, "asset.min_trade_increment"),
        price_increment=_money(one.price_increment, "asset.price_increment"),
    )


def _holdings(document: Document) -> list[Message]:
    """Positions, and entries that still wait, as order actors would tell of them."""
    found: dict[str, Holding] = {}
    for one in document.positions:
        found[one.symbol] = Holding(
            symbol=one.symbol,
            phase="protected" if one.stop else "unprotected",
            side="buy" if one.side == "long" else "sell",
            qty=_money(one.qty, "positions.qty"),
            avg_price=_money(one.price, "positions.price"),
            pending_qty=ZERO,
            pending_price=None,
            stop=None if one.stop is None else _money(one.stop, "positions.stop"),
            target=None,
            own=one.own,
            unprotected_since=None,
        )
    for order in document.open_orders:
        if order.role == "entry" and order.symbol not in found:
            found[order.symbol] = Holding(
                symbol=order.symbol,
                phase="entering",
                side=order.side,
                qty=ZERO,
                avg_price=None,
                pending_qty=_money(order.qty, "open_orders.qty"),
                pending_price=_money(order.price, "open_orders.price"),
                stop=None if order.stop is None else _money(order.stop, "open_orders.stop"),
                target=None,
                own=order.own,
                unprotected_since=None,
            )
    return list(found.values())


def _history(document: Document) -> list[Message]:
    said: list[Message] = []
    for one in sorted(document.history, key=lambda trip: trip.exit_at):
        side: Side = "buy" if one.side == "long" else "sell"
        pnl = _money(one.pnl, "history.pnl")
        if one.reason != "refused":
            said.append(
                PositionOpened(
                    symbol=one.symbol,
                    position_id="",
                    side=side,
                    qty=ZERO,
                    avg_price=ZERO,
                    because=(),
                )
            )
        said.append(
            PositionClosed(
                symbol=one.symbol,
                position_id="",
                side=side,
                reason=one.reason,
                entry_price=ZERO,
                exit_price=ZERO,
                qty=ZERO,
                fees=ZERO,
                pnl=pnl,
                entry_at=nanos(one.entry_at),
                exit_at=nanos(one.exit_at),
                because=(),
            )
        )
        if one.signal_cleared:
            said.append(CycleClosed(n=0, verdicts=()))
    return said


def _request(document: Document) -> Execute:
    asked = document.request
    assert asked is not None
    return Execute(
        request="document",
        symbol=document.symbol,
        action=asked.action,
        confidence=asked.confidence,
        entry_price=_money(asked.entry_price, "request.entry_price"),
        stop_price=_optional(asked.stop_price, "request.stop_price"),
        target_price=_optional(asked.target_price, "request.target_price"),
    )


def _decision(
    config: Config,
    document: Document,
    dared: _Told,
    judged: Judged,
    asked: Signal | Execute | None,
    now: UtcNanos,
) -> Decision:
    answer = None if asked is None else _asked(dared, asked, document, now)
    checks, sizing, stop, target, denied = _shown(config, document, answer, now)
    return Decision(
        action=judged.action if not isinstance(asked, Execute) else asked.action,
        raw_confidence=judged.raw if not isinstance(asked, Execute) else asked.confidence,
        confidence=judged.confidence if not isinstance(asked, Execute) else asked.confidence,
        participation=judged.pooled.participation,
        families=[msgspec.to_builtins(_plain(one)) for one in judged.pooled.families],
        dropped=_dropped(config, document, now),
        regime=judged.view.regime.regime,
        multiplier=judged.multiplier,
        threshold=config.min_confidence,
        intent="none" if answer is None else answer.intent,
        checks=list(checks),
        denied=denied,
        sizing=sizing,
        stop=stop,
        target=target,
        reasoning=judged.verdict.reason,
    )


class _Answer(NamedTuple):
    """Risk's answer: its words, the state it was given in, what was meant."""

    said: tuple[Message, ...]
    told: _Told
    intent: str
    signal: Signal


def _asked(dared: _Told, asked: Signal | Execute, document: Document, now: UtcNanos) -> _Answer:
    """Put the signal (or the request) to risk, and the quote when it asks for it."""
    word = WordId(2, 0)
    if isinstance(asked, Execute):
        first = step(dared.decider, dared.state, Heard(word, now, asked))
        told = _Told(dared.decider, first.state)
        waiting = keyed.get(told.state.awaiting, document.symbol)
        assert waiting is not None
        signal = waiting.signal
    else:
        told = dared.hear(now, asked)
        closed = CycleClosed(n=asked.cycle, verdicts=())
        first = step(dared.decider, told.state, Heard(word, now, closed))
        told, signal = _Told(dared.decider, first.state), asked
    said = first.said
    meant = intent_of(signal.action, holding(told.state, document.symbol))
    for message in said:
        told = told._replace(
            state=told.decider.evolve(told.state, Heard(WordId(2, 1), now, message))
        )
    if any(type(one).__name__ == "QuotesWanted" for one in said):
        answered = Quotes(request=told.state.request, quotes=_quotes(document), failed=())
        second = step(told.decider, told.state, Heard(WordId(3, 0), now, answered))
        said, told = second.said, _Told(told.decider, second.state)
    too_weak = meant in ("open_long", "open_short") and not signal.entry
    shown = "skip" if meant in ("DUPLICATE", "FOREIGN") else "none" if too_weak else meant
    return _Answer(said, told, shown, signal)


def _quotes(document: Document) -> tuple[Quote, ...]:
    one = document.quote
    if one is None:
        return ()
    return (
        Quote(
            symbol=document.symbol,
            bid=one.bid,
            ask=one.ask,
            at=nanos(one.at),
            received_at=nanos(one.received_at),
        ),
    )


def _shown(
    config: Config, document: Document, answer: _Answer | None, now: UtcNanos
) -> tuple[tuple[Check, ...], dict[str, Any] | None, Decimal | None, Decimal | None, str | None]:
    """All checks and the sizing, also where an early one denied."""
    if answer is None:
        return (), None, None, None, None
    decided = next((one for one in answer.said if isinstance(one, Approval | Denial)), None)
    denied = decided.code if isinstance(decided, Denial) else None
    if answer.intent not in ("open_long", "open_short"):
        checks = decided.checks if decided is not None else ()
        return checks, None, None, None, denied
    state: RiskState = answer.told.state
    if isinstance(decided, Approval):
        reserved = keyed.drop(state.reserved, document.symbol)
        state = msgspec.structs.replace(state, reserved=reserved)
    told = keyed.get(state.awaiting, document.symbol)
    quotes = _quotes(document)
    case = priced(
        Case(
            config=config,
            state=state,
            now=now,
            signal=answer.signal,
            intent="open_long" if answer.intent == "open_long" else "open_short",
            asset=keyed.get(state.assets, document.symbol),
            quote=quotes[0] if quotes else None,
        ),
        None if told is None else told.stop,
        None if told is None else told.target,
    )
    checks = run(ENTRY_CHECKS, case)
    failure = first_failure(checks)
    sizing = None if case.sizing is None else msgspec.to_builtins(_plain(case.sizing))
    return checks, sizing, case.stop, case.target, None if failure is None else failure.code


def _plain(value: msgspec.Struct) -> dict[str, Any]:
    """A struct by its fields' names (messages encode as arrays)."""
    found: dict[str, Any] = {}
    for name in value.__struct_fields__:
        one = getattr(value, name)
        found[name] = (
            [_plain(part) for part in one]
            if isinstance(one, tuple) and one and isinstance(one[0], msgspec.Struct)
            else list(one)
            if isinstance(one, tuple)
            else one
        )
    return found


def _dropped(config: Config, document: Document, now: UtcNanos) -> list[Dropped]:
    found = []
    for one in document.opinions:
        reason = refusal(rules_of(config), _opinion(one), now)
        if reason:
            found.append(Dropped(one.source, reason))
    return found
