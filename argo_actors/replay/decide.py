"""One decision from a JSON document: the very deciders of the daemon, with nothing around them.

The document's times, account, market and history become the words that the deciders would have heard;
their answer is shown whole: votes, checks, arithmetic. Nothing is read from anywhere else.
"""

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from .. import config as configuration
from .. import keyed
from ..config import Config
from ..consensus.decider import Judged, View, consensus, judge, refusal, rules_of
from ..consensus.regime import RegimeView
from ..errors import UsageError
from ..messages import Message, WordId
from ..messages.market import Decide, Quotes, QuotesWanted
from ..messages.order import BrokerLink, BrokerReady
from ..messages.signal import Approval, Check, CycleClosed, Denial, Execute, Signal
from ..messages.system import Operator
from ..risk.case import OPENING, Case, priced
from ..risk.checks import ENTRY_CHECKS, first_failure, run
from ..risk.decider import risk
from ..risk.state import RiskState, holding
from ..risk.table import intent as intent_of
from ..runtime.decider import Decider, Heard, step
from ..units import SECOND, UtcNanos
from .document import Decision, Document, Dropped
from .document_words import (
    account_of,
    asset_of,
    figures_of,
    history_of,
    holdings_of,
    hours_of,
    losses_of,
    nanos,
    opinion_of,
    quotes_of,
    request_of,
    statuses_of,
)


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
        raise UsageError(
            f"the document: {error}", fix="config/example-decision.json is one"
        ) from None
    config = _config(document)
    now = nanos(document.now)
    believed = _believed(config, document, now)
    judged = judge(rules_of(config), believed.state, document.symbol, now)
    signal = _signal(believed, now, document.symbol)
    dared = _dared(config, document, now)
    if document.request is not None:
        return _decision(config, document, dared, judged, request_of(document), now)
    return _decision(config, document, dared, judged, signal, now)


def _config(document: Document) -> Config:
    tree = msgspec.json.decode(bytes(document.config))
    if not isinstance(tree, dict):
        raise UsageError(
            "`config` is not an object", fix="give the keys that differ from the defaults"
        )
    tree.setdefault("account", "decide")
    named = tree.get("symbols", [])
    if isinstance(named, list) and all(isinstance(one, str) for one in named):
        held = [one.symbol for one in document.positions]
        ordered = [one.symbol for one in document.open_orders]
        tree["symbols"] = sorted({document.symbol, *named, *held, *ordered})
    tree.setdefault("sources", {one.name: {} for one in document.sources})
    return configuration.decode(msgspec.json.encode(tree), "`config`")


def _believed(config: Config, document: Document, now: UtcNanos) -> _Told:
    told = _Told(consensus(config), consensus(config).initial)
    told = told.hear(now, *statuses_of(document))
    for one in document.opinions:
        told = told.hear(now, opinion_of(one))
    reading = figures_of(document)
    told = told.hear(now, reading, reading)
    if document.regime is not None:
        view = keyed.get(told.state.views, document.symbol) or View()
        changed = msgspec.structs.replace(view, regime=RegimeView(regime=document.regime))
        views = keyed.put(told.state.views, document.symbol, changed)
        told = told._replace(state=msgspec.structs.replace(told.state, views=views))
    return told


def _signal(believed: _Told, now: UtcNanos, symbol: str) -> Signal | None:
    heard = Heard(WordId(1, 0), now, Decide(n=1))
    said = step(believed.decider, believed.state, heard).said
    return next((m for m in said if isinstance(m, Signal) and m.symbol == symbol), None)


def _dared(config: Config, document: Document, now: UtcNanos) -> _Told:
    account = document.account
    ready_at = now - 3600 * SECOND
    told = _Told(risk(config), risk(config).initial)
    told = told.hear(ready_at, hours_of(document.clock), BrokerReady(orders=0, positions=0))
    told = told.hear(
        ready_at, BrokerLink(stream_up=True, last_answer_at=now), *statuses_of(document)
    )
    told = told.hear(ready_at, account_of(account), asset_of(document.asset), figures_of(document))
    told = told.hear(ready_at, *holdings_of(document), *history_of(document))
    losses = losses_of(config, told.state.losses, account)
    told = told._replace(state=msgspec.structs.replace(told.state, losses=losses))
    if account.operator_state != "normal":
        told = told.hear(
            now, Operator(state=account.operator_state, who="document", why="document")
        )
    return told.hear(now, account_of(account))


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
    if any(isinstance(one, QuotesWanted) for one in said):
        answered = Quotes(request=told.state.request, quotes=quotes_of(document), failed=())
        second = step(told.decider, told.state, Heard(WordId(3, 0), now, answered))
        said, told = second.said, _Told(told.decider, second.state)
    too_weak = meant in OPENING and not signal.entry
    shown = "skip" if meant in ("DUPLICATE", "FOREIGN") else "none" if too_weak else meant
    return _Answer(said, told, shown, signal)


def _shown(
    config: Config, document: Document, answer: _Answer | None, now: UtcNanos
) -> tuple[tuple[Check, ...], dict[str, Any] | None, Decimal | None, Decimal | None, str | None]:
    """All checks and the sizing, also where an early one denied."""
    if answer is None:
        return (), None, None, None, None
    decided = next((one for one in answer.said if isinstance(one, Approval | Denial)), None)
    denied = decided.code if isinstance(decided, Denial) else None
    if answer.intent not in OPENING:
        checks = decided.checks if decided is not None else ()
        return checks, None, None, None, denied
    state: RiskState = answer.told.state
    if isinstance(decided, Approval):
        reserved = keyed.drop(state.reserved, document.symbol)
        state = msgspec.structs.replace(state, reserved=reserved)
    told = keyed.get(state.awaiting, document.symbol)
    quotes = quotes_of(document)
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
        reason = refusal(rules_of(config), opinion_of(one), now)
        if reason:
            found.append(Dropped(one.source, reason))
    return found
