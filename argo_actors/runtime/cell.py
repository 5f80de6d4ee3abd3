"""A decider's cell: one pykka actor, one address for the life of the process.

The rules inside may die; the mail, the address and the state before the step do not. No exception
leaves `on_receive`, so pykka's own loop never sees one (pykka discards the inbox of an actor that
raises).
"""

import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pykka
from pykka import messages as pykka_messages

from ..messages import Message, WordId
from ..units import UtcNanos
from .decider import Decider, Heard, fold_said, step
from .mailbox import Mailbox, Word
from .office import Office

CrashNotice = Callable[[str, BaseException, WordId | None], None]
"""Tells the supervisor: address, error, the word heard."""


class Cell(pykka.Actor):
    """A pykka actor whose inbox is a mailbox of ours."""

    @property
    def mailbox(self) -> Mailbox:
        """pykka's inbox of this actor, which is ours."""
        inbox: Any = self.actor_inbox
        assert isinstance(inbox, Mailbox)
        return inbox

    @staticmethod
    def _create_actor_inbox() -> Any:
        return Mailbox()

    @staticmethod
    def _create_future() -> Any:
        return pykka.ThreadingFuture()


class DeciderCell(Cell):
    """Guard(step), then append, fold and post in one move."""

    def __init__(
        self, office: Office, address: str, decider: Decider[Any], crashed: CrashNotice
    ) -> None:
        super().__init__()
        self.address = address
        self.decider = decider
        self.state: msgspec.Struct = decider.initial
        self.handled = 0
        self.crashes = 0
        self._office = office
        self._crashed = crashed
        self._learned: msgspec.Struct = decider.initial
        office.register(address, self.mailbox, self)

    def _start_actor_loop(self) -> None:
        """A dispatcher attaches the cell (`core.Core`, `stepped.Stepped`)."""

    def restore(self, state: msgspec.Struct) -> None:
        """Take over a state folded from the journal."""
        self.state = state
        self._note_wake()

    def in_flight(self) -> tuple[Word, ...]:
        """The mail that has not been heard in a record yet; call it under the office's lock."""
        taken = self.mailbox.taken
        words = ((taken,) if type(taken) is Word else ()) + self.mailbox.waiting()
        return tuple({word.id: word for word in words}.values())

    def process(self, item: Any) -> None:
        """One item from the mailbox: a word, or an envelope of pykka's."""
        if type(item) is Word:
            self.on_receive(item)
        elif isinstance(item.message, pykka_messages._ActorStop):
            self._stop()
            if item.reply_to is not None:
                item.reply_to.set(None)

    def on_receive(self, message: Any) -> None:
        word: Word = message
        try:
            self._step(word)
        except BaseException as error:  # noqa: BLE001 (nothing may leave a cell: pykka drops its mail)
            self._crash(word, error)
        finally:
            self._office.activity.end()

    def _step(self, word: Word) -> None:
        at = self._office.time_for(self.address)
        done = step(self.decider, self.state, Heard(word.id, at, word.message))
        self._learned = done.state
        self._office.record(self.address, done.said, at=at, heard=word.id, fold=self._fold)

    def _fold(self, seq: int, at: UtcNanos, said: tuple[Message, ...]) -> msgspec.Struct:
        self.state = fold_said(self.decider, self._learned, seq, at, said)
        self.mailbox.taken = None
        self.handled += 1
        self._note_wake()
        return self.state

    def _crash(self, word: Word, error: BaseException) -> None:
        self.crashes += 1
        self._office.hold(self.address)
        outcome = f"crashed:{type(error).__name__}"
        self._office.record(self.address, (), heard=word.id, outcome=outcome, fold=self._unchanged)
        self._crashed(self.address, error, word.id)

    def _unchanged(self, seq: int, at: UtcNanos, said: tuple[Message, ...]) -> msgspec.Struct:
        self.mailbox.taken = None
        return self.state

    def _note_wake(self) -> None:
        due = self.decider.wake(self.state)
        if due is None:
            self._office.wakes.pop(self.address, None)
        else:
            self._office.wakes[self.address] = due


class ThreadedDeciderCell(DeciderCell):
    """The same cell with a thread of its own (`supervision.dispatcher: thread`)."""

    def _start_actor_loop(self) -> None:
        from .threaded import run_on_own_thread

        run_on_own_thread(
            self.mailbox, self.process, lambda: self.actor_stopped.is_set(), self.address
        )


def where(error: BaseException) -> str:
    """The innermost place of an error, as file:line function; never its values."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    last = frames[-1]
    return f"{last.filename.rpartition('argo_actors/')[2]}:{last.lineno} {last.name}"
