"""What live run, restart, verify and backtest all execute: a pure decider and its step."""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from ..messages import Message, WordId
from ..units import UtcNanos

State = TypeVar("State", bound=msgspec.Struct)


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A word as an actor hears it: its identity, the market time of the step, the message."""

    word: WordId
    at: UtcNanos
    message: Message


class Decider(NamedTuple, Generic[State]):
    """Rules without a world: total functions of a frozen state and a word (design §2)."""

    initial: State
    evolve: Callable[[State, Heard], State]
    """A new state from a word heard, or from one of its own words said; true for old journals."""
    decide: Callable[[State, Heard], tuple[Message, ...]]
    """What to say, in the state that has already learned what was heard."""
    wake: Callable[[State], UtcNanos | None] = lambda state: None
    """The next deadline, instead of timers."""


class Step(msgspec.Struct, Generic[State], frozen=True, gc=False):
    """A step that has not been recorded yet."""

    state: State
    said: tuple[Message, ...]


def step(decider: Decider[State], state: State, heard: Heard) -> Step[State]:
    """Learn what was heard, decide what to say. What was said is folded in once it has its record."""
    learned = decider.evolve(state, heard)
    return Step(learned, decider.decide(learned, heard))


def fold_said(
    decider: Decider[State], state: State, seq: int, at: UtcNanos, said: tuple[Message, ...]
) -> State:
    """The state after its own words, which now have their identities."""
    if not said:
        return state
    evolve = decider.evolve
    for n, message in enumerate(said):
        state = evolve(state, Heard(WordId(seq, n), at, message))
    return state
