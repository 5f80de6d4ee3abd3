"""The risk actor: signals of a cycle to intents, intents to approvals or denials."""

from .. import keyed
from ..config import Config
from ..messages import Message, WordId
from ..messages.market import Quote, Quotes, QuoteSeen, QuotesWanted, Wake
from ..messages.order import ReadAccount
from ..messages.signal import (
    Advice,
    Approval,
    Check,
    CycleClosed,
    Denial,
    Execute,
    ExecuteSignal,
    Intent,
)
from ..messages.system import Alert, RiskLevel
from ..runtime.decider import Decider, Heard
from ..units import ZERO, Symbol, UtcNanos, exact
from . import limits
from .case import OPENING, SHORT_MARGIN, Case, priced
from .checks import EARLY_CHECKS, ENTRY_CHECKS, EXIT_CHECKS, first_failure, run
from .learn import learn
from .state import RiskState, Told, holding
from .table import Skip, intent


def risk(config: Config) -> Decider[RiskState]:
    """The rules of a configuration."""

    def evolve(state: RiskState, heard: Heard) -> RiskState:
        return learn(config, state, heard)

    def decide(state: RiskState, heard: Heard) -> tuple[Message, ...]:
        return (
            *_act(config, state, heard),
            *_confirmed(state, heard),
            *_told(state, heard),
            *_level(config, state, heard),
        )

    def wake(state: RiskState) -> UtcNanos | None:
        return limits.confirm_due(state.losses)

    return Decider(RiskState(), evolve, decide, wake)


def _confirmed(state: RiskState, heard: Heard) -> tuple[Message, ...]:
    """Our mark, or one reading, crossed a limit: the broker is asked at once, and 2 s later again."""
    due = limits.confirm_due(state.losses)
    return (ReadAccount(because=(heard.word,)),) if due is not None and heard.at >= due else ()


def _told(state: RiskState, heard: Heard) -> tuple[Message, ...]:
    """A loss day whose beginning was missed is said once."""
    losses = state.losses
    if not losses.note or state.told_day == losses.loss_day or not losses.day_start_equity:
        return ()
    text = f"the loss day's beginning was missed: {losses.note} ({losses.day_start_equity:.2f})"
    return (Alert(severity="warning", text=text, because=(heard.word,)),)


def _act(config: Config, state: RiskState, heard: Heard) -> tuple[Message, ...]:
    match heard.message:
        case CycleClosed():
            return _cycle(config, state, heard)
        case Quotes() if heard.message.request == state.request:
            return _entries(config, state, heard, heard.message)
        case Execute() | ExecuteSignal():
            return _request(config, state, heard, heard.message)
    return ()


def _cycle(config: Config, state: RiskState, heard: Heard) -> tuple[Message, ...]:
    """Exits at once; entries that nothing but a quote can still deny ask for their quotes."""
    said: list[Message] = []
    wanted: list[str] = []
    for symbol, told in state.gathered:
        meant = intent(told.signal.action, holding(state, symbol))
        if meant == "DUPLICATE" or meant == "FOREIGN":
            said += _held_already(state, told, meant, heard)
        elif meant not in OPENING:
            said += _exit(config, state, told, meant, heard)
        elif told.signal.entry or told.requested:
            case = _case(config, state, told, meant, heard, None)
            failure = first_failure(check(case) for check in EARLY_CHECKS)
            if failure is None:
                wanted.append(symbol)
            elif not _repeats(state, told, meant, failure):
                said += _denial(state, told, meant, run(EARLY_CHECKS, case), heard)
    if wanted:
        said.append(_wanted(state, *wanted))
    return tuple(said)


def _wanted(state: RiskState, *symbols: Symbol) -> QuotesWanted:
    """The question for these symbols' quotes; it replaces an open one, so requests are asked again."""
    requests = [symbol for symbol, told in state.awaiting if told.requested]
    return QuotesWanted(request=state.request + 1, symbols=tuple(sorted({*symbols, *requests})))


def _case(
    config: Config,
    state: RiskState,
    told: Told,
    meant: Intent,
    heard: Heard,
    quote: Quote | None,
    failure: str = "",
) -> Case:
    return Case(
        config=config,
        state=state,
        now=heard.at,
        signal=told.signal,
        intent=meant,
        asset=keyed.get(state.assets, told.signal.symbol),
        quote=quote,
        quote_failure=failure,
    )


def _entries(config: Config, state: RiskState, heard: Heard, quotes: Quotes) -> tuple[Message, ...]:
    """Entries by confidence descending, then symbol; each approval reserves before the next is judged."""
    said: list[Message] = []
    by_symbol = {one.symbol: one for one in quotes.quotes}
    failures = {one.symbol: one.reason for one in quotes.failed}
    for symbol, told in sorted(
        state.awaiting, key=lambda pair: (-pair[1].signal.confidence, pair[0])
    ):
        meant = intent(told.signal.action, holding(state, symbol))
        if meant not in OPENING:
            if told.requested:
                said += _held_already(state, told, "DUPLICATE", heard)
            continue
        case = _case(
            config, state, told, meant, heard, by_symbol.get(symbol), failures.get(symbol, "")
        )
        case = priced(case, told.stop, told.target)
        checks = run(ENTRY_CHECKS, case)
        if first_failure(checks) is not None:
            said += _denial(state, told, meant, checks, heard)
        elif not config.trading.auto_execute and not told.requested:
            said.append(_advice(case, told, heard))
        else:
            approval = _approval(case, told, checks, heard)
            said.append(approval)
            state = learn(config, state, Heard(heard.word, heard.at, approval))
    return tuple(said)


def _approval(case: Case, told: Told, checks: tuple[Check, ...], heard: Heard) -> Approval:
    assert case.sizing is not None
    assert case.price is not None
    notional = case.sizing.notional * (SHORT_MARGIN if case.action == "SELL" else 1)
    return Approval(
        symbol=case.symbol,
        intent=case.intent,
        signal=told.signal.content,
        cycle=told.signal.cycle,
        qty=case.sizing.qty,
        price=case.price,
        limit_price=case.limit_price,
        stop=case.stop,
        target=case.target,
        reserved=exact(notional),
        confidence=told.signal.confidence,
        expires_at=told.signal.expires_at,
        reasoning=told.signal.reasoning,
        sizing=case.sizing,
        checks=checks,
        because=_because(case.state, told, heard),
    )


def _advice(case: Case, told: Told, heard: Heard) -> Advice:
    assert case.sizing is not None
    assert case.price is not None
    return Advice(
        symbol=case.symbol,
        intent=case.intent,
        signal=told.signal.content,
        qty=case.sizing.qty,
        price=case.price,
        because=_because(case.state, told, heard),
    )


def _exit(
    config: Config, state: RiskState, told: Told, meant: Intent, heard: Heard
) -> list[Message]:
    """A close by an opposite signal, on raw confidence; a pending entry is cancelled."""
    signal = told.signal
    if signal.raw_confidence < config.consensus.close_confidence:
        return []
    one = holding(state, signal.symbol)
    case = _case(config, state, told, meant, heard, None)
    checks = run(EXIT_CHECKS, case)
    if first_failure(checks) is not None:
        return _denial(state, told, meant, checks, heard)
    if one is not None and one.phase == "exiting":
        return []
    return [
        Approval(
            symbol=signal.symbol,
            intent=meant,
            signal=signal.content,
            cycle=signal.cycle,
            qty=ZERO if one is None else one.qty,
            price=ZERO if one is None or one.avg_price is None else one.avg_price,
            limit_price=None,
            stop=None,
            target=None,
            reserved=ZERO,
            confidence=signal.raw_confidence,
            expires_at=signal.expires_at,
            reasoning=signal.reasoning,
            sizing=None,
            checks=checks,
            because=_because(state, told, heard),
        )
    ]


def _denial(
    state: RiskState, told: Told, meant: Intent, checks: tuple[Check, ...], heard: Heard
) -> list[Message]:
    failure = first_failure(checks)
    assert failure is not None
    if _repeats(state, told, meant, failure):
        return []
    return [
        Denial(
            symbol=told.signal.symbol,
            intent=meant,
            signal=told.signal.content,
            cycle=told.signal.cycle,
            code=failure.code,
            value=failure.value,
            limit=failure.limit,
            checks=checks,
            because=_because(state, told, heard),
        )
    ]


def _repeats(state: RiskState, told: Told, meant: Intent, failure: Check) -> bool:
    """The very same denial was the symbol's last word: it is not said again."""
    same = f"{meant} {failure.code}"
    return keyed.get(state.denied, told.signal.symbol) == same and not told.requested


def _because(state: RiskState, told: Told, heard: Heard) -> tuple[WordId, ...]:
    """The signal, the quotes just heard, and the figures that the decision used."""
    found = {WordId(*told.word), WordId(*heard.word)}
    if told.command is not None:
        found.add(WordId(*told.command))
    if state.account_word is not None:
        found.add(WordId(*state.account_word))
    held = keyed.get(state.holdings, told.signal.symbol)
    if held is not None:
        found.add(WordId(*held.word))
    reading = keyed.get(state.readings, told.signal.symbol)
    if reading is not None:
        found.add(WordId(*reading.word))
    return tuple(sorted(found))


def _request(
    config: Config, state: RiskState, heard: Heard, request: Execute | ExecuteSignal
) -> tuple[Message, ...]:
    """An outside request is judged like a signal of its own cycle, and answered at once or by its quote."""
    told = keyed.get(state.awaiting, request.symbol)
    if told is None or not told.requested:
        return ()
    meant = intent(told.signal.action, holding(state, request.symbol))
    if meant == "DUPLICATE" or meant == "FOREIGN":
        return tuple(_held_already(state, told, meant, heard))
    if meant in OPENING:
        return (_wanted(state, request.symbol),)
    said = _exit(config, state, told, meant, heard)
    return tuple(said or _denial(state, told, meant, (_no_exit(config, told),), heard))


def _held_already(state: RiskState, told: Told, code: Skip, heard: Heard) -> list[Message]:
    check = Check(code=code, passed=False, value="held", limit="flat")
    opening: Intent = "open_long" if told.signal.action == "BUY" else "open_short"
    return _denial(state, told, opening, (check,), heard)


def _no_exit(config: Config, told: Told) -> Check:
    """Why a request closes nothing: too weak, or the position is on its way out already."""
    needed, found = config.consensus.close_confidence, told.signal.raw_confidence
    if found < needed:
        return Check(code="CONFIDENCE", passed=False, value=f"{found:g}", limit=f"{needed:g}")
    return Check(code="DUPLICATE", passed=False, value="exiting", limit="held")


LEVELS: tuple[limits.Level, ...] = ("NORMAL", "WARNING", "CRITICAL", "BREACH")


def _flickers(level: limits.Level, before: limits.Level, heard: Heard) -> bool:
    """A level rises with our own marks and falls only when the broker, the day or a person says so."""
    falls = LEVELS.index(level) < LEVELS.index(before)
    return falls and isinstance(heard.message, QuoteSeen | Wake)


def _level(config: Config, state: RiskState, heard: Heard) -> tuple[Message, ...]:
    """Said when it changes, so that whoever must flatten or call an entry back hears of it."""
    if state.losses.day_start_equity == 0:
        return ()
    level = limits.level(config, state.losses)
    if level == "BREACH" and not state.losses.tripped:
        level = "CRITICAL"
    if _flickers(level, state.level, heard):
        level = state.level
    suspected = state.losses.suspected_at != 0 and not state.losses.tripped
    if (level, suspected) == (state.level, state.suspected):
        return ()
    return (
        RiskLevel(
            level=level,
            daily_loss_pct=f"{limits.daily_loss_pct(state.losses):.4f}",
            drawdown_pct=f"{limits.drawdown_pct(config, state.losses):.4f}",
            note=state.losses.tripped,
            because=(heard.word,),
            suspected=suspected,
        ),
    )
