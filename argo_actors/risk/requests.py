"""Entries that a person or a program asks for: judged like a signal, answered in any case."""

import msgspec

from .. import keyed
from ..config import Config
from ..messages.market import Regime
from ..messages.signal import Advice, Execute, ExecuteSignal, Signal
from ..runtime.decider import Heard
from ..units import SECOND, UtcNanos
from .state import Advised, RiskState, Told

replace = msgspec.structs.replace


def requested(config: Config, state: RiskState, request: Execute, heard: Heard) -> RiskState:
    """A request waits for its quote in a signal's clothes."""
    if request.symbol not in config.symbols:
        return state
    reading = keyed.get(state.readings, request.symbol)
    regime: Regime = "CHOP" if reading is None else reading.regime
    told = Told(
        signal=signal_of(request, heard.at, config, regime),
        word=heard.word,
        requested=True,
        stop=request.stop_price,
        target=request.target_price,
    )
    return replace(state, awaiting=keyed.put(state.awaiting, request.symbol, told))


def advised(state: RiskState, advice: Advice, at: UtcNanos) -> RiskState:
    """The advice can be taken while its signal, or an older one of its direction, lives."""
    told = keyed.get(state.awaiting, advice.symbol)
    if told is None:
        return state
    before = keyed.get(state.advised, advice.symbol)
    same = before is not None and before.told.signal.action == told.signal.action
    names = before.names if same and before is not None else ()
    living = tuple(one for one in names if one[1] > at and one[0] != advice.signal)
    found = Advised(told=told, names=(*living, (advice.signal, told.signal.expires_at)))
    return replace(
        state,
        advised=keyed.put(state.advised, advice.symbol, found),
        awaiting=keyed.drop(state.awaiting, advice.symbol),
    )


def lives(found: Advised, name: str, at: UtcNanos) -> bool:
    """The signal of that name may still be carried out."""
    return any(content == name and until > at for content, until in found.names)


def chosen(state: RiskState, command: ExecuteSignal, heard: Heard) -> RiskState:
    """The advised signal, as new as there is, waits for its quote; nothing when none lives."""
    found = keyed.get(state.advised, command.symbol)
    if found is None or not lives(found, command.signal, heard.at):
        return state
    told = replace(found.told, requested=True, command=heard.word)
    return replace(
        state,
        awaiting=keyed.put(state.awaiting, command.symbol, told),
        advised=keyed.drop(state.advised, command.symbol),
    )


def signal_of(request: Execute, now: UtcNanos, config: Config, regime: Regime) -> Signal:
    """A request in a signal's clothes."""
    return Signal(
        cycle=0,
        symbol=request.symbol,
        action=request.action,
        strength=request.confidence / 100 * (1 if request.action == "BUY" else -1),
        raw_confidence=request.confidence,
        confidence=request.confidence,
        participation=0.0,
        families=(),
        regime=regime,
        multiplier=1.0,
        threshold=config.min_confidence,
        entry=True,
        price_conflict=False,
        reasoning=f"requested by {request.who or 'a client'} as {request.request}",
        expires_at=now + int(config.consensus.signal_seconds * SECOND),
        content=request.request,
        because=(),
        price=float(request.entry_price),
    )
