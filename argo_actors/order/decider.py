"""The order actor of a symbol: approvals and the broker's news to commands and facts.

It decides by level, not by edge: after each word it says what has become true and asks for what is
missing. A word out of place can therefore do no harm, and none is refused.
"""

import msgspec

from ..config import Config
from ..messages import Message, WordId
from ..messages.order import EntrySettled, Holding, OrderRefused, OrderUnknown, Reconcile
from ..messages.signal import Approval
from ..messages.system import Alert
from ..runtime.decider import Decider, Heard
from ..units import Symbol, UtcNanos
from .actions import Maker, read_account
from .facts import changes, fills, standing
from .fold import evolve as fold
from .foreign import decided, not_ours_alone
from .lifecycle import is_odd
from .policy import exit_is_over, software_exit
from .protection import watched
from .reconcile import found
from .reports import alarm
from .split import applied
from .state import OrderState, is_covered
from .timing import deadlines, stuck

replace = msgspec.structs.replace


def order(config: Config, symbol: Symbol, account_tag: str) -> Decider[OrderState]:
    """The rules of a symbol under a configuration."""

    def evolve(state: OrderState, heard: Heard) -> OrderState:
        return _level(config, symbol, fold(config, symbol, account_tag, state, heard), heard)

    def decide(state: OrderState, heard: Heard) -> tuple[Message, ...]:
        return _decide(config, symbol, account_tag, state, heard)

    def wake(state: OrderState) -> UtcNanos | None:
        due = [one for one in deadlines(config, symbol, state) if one > state.now]
        return min(due, default=None)

    return Decider(OrderState(), evolve, decide, wake)


def _level(config: Config, symbol: Symbol, state: OrderState, heard: Heard) -> OrderState:
    """What follows from time and quotes alone: a close begins or ends, a stuck cancel freezes."""
    state = _freeze_if_stuck(symbol, state)
    if exit_is_over(symbol, state):
        state = replace(state, exit=None, above_target_since=0)
        if state.position is not None and not is_covered(state):
            position = replace(state.position, exposed_since=state.now, protect_tries=0)
            state = replace(state, position=position)
    leaving = software_exit(config, symbol, state)
    if leaving is not None:
        state = replace(state, exit=leaving)
    return watched(state)


def _freeze_if_stuck(symbol: Symbol, state: OrderState) -> OrderState:
    one = None if state.frozen else stuck(state)
    if one is None:
        return state
    text = f"{symbol}: the cancel of {one.id} is not confirmed"
    return replace(alarm(state, text), frozen=text)


def _decide(
    config: Config, symbol: Symbol, tag: str, state: OrderState, heard: Heard
) -> tuple[Message, ...]:
    """Fills first, then what follows from them, then commands, then where the actor stands.

    Words of this step are folded in as they are said, under a place-holder identity, so that the later
    ones already rest on the earlier.
    """
    said: list[Message] = []

    def say(*messages: Message) -> None:
        nonlocal state
        for message in messages:
            said.append(message)
            step = Heard(WordId(heard.word.seq, heard.word.n), heard.at, message)
            state = _level(config, symbol, fold(config, symbol, tag, state, step), step)

    differences = found(symbol, state, heard.message, heard.word)
    new = fills(symbol, state)
    say(*new)
    if new or isinstance(heard.message, OrderRefused | OrderUnknown):
        say(read_account(state))
    say(*differences, *decided(config, symbol, state, heard))
    say(*_given_back(symbol, state, heard))
    say(*applied(symbol, state))
    say(*changes(symbol, state))
    say(*Maker(config, symbol, tag, state).actions())
    say(*_unanswered(symbol, state, heard))
    now = standing(symbol, state)
    if now is not None:
        say(*_odd(symbol, state.told, now), now)
    return tuple(said)


def _odd(symbol: Symbol, before: Holding | None, now: Holding) -> tuple[Message, ...]:
    """A step that the table of phases lacks: flagged, and the truth is read."""
    if before is None or not is_odd(before.phase, now.phase):
        return ()
    text = f"{symbol}: no rule leads from {before.phase} to {now.phase}"
    return (
        Alert(severity="warning", text=text, symbol=symbol, because=now.because),
        Reconcile(symbols=(symbol,), reason=text, because=now.because),
    )


def _given_back(symbol: Symbol, state: OrderState, heard: Heard) -> tuple[Message, ...]:
    """An entry that was approved before the news of somebody else in the symbol is not sent."""
    message, entry, why = heard.message, state.entry, not_ours_alone(state)
    if not why or entry is None or entry.settled or entry.word != heard.word:
        return ()
    assert isinstance(message, Approval)
    return (_refused(symbol, entry.signal, why, heard),)


def _unanswered(symbol: Symbol, state: OrderState, heard: Heard) -> tuple[Message, ...]:
    """An approval that could not be taken up gives its reservation back at once."""
    message = heard.message
    if not isinstance(message, Approval) or message.intent not in ("open_long", "open_short"):
        return ()
    if state.entry is not None and state.entry.signal == message.signal:
        return ()
    return (_refused(symbol, message.signal, state.frozen or "the symbol is not flat", heard),)


def _refused(symbol: Symbol, signal: str, why: str, heard: Heard) -> EntrySettled:
    return EntrySettled(
        symbol=symbol, signal=signal, outcome="refused", note=why, because=(heard.word,)
    )
