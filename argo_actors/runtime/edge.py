"""An edge's cell: the only kind of actor that does I/O, and it never blocks in it.

Each call goes to a worker under a ticket and a total deadline. Past the deadline the call is abandoned:
its ticket is void, so a late answer is refused and counted. A call that is not back long after that hangs;
an edge with more than three of them is stuck. What the edge learns enters the system as words it says.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from pykka import messages as pykka_messages
from pykka._envelope import Envelope

from ..messages import Command, Message
from ..messages.routes import MailClass
from ..messages.system import Crashed, DeadLetter
from ..units import UtcNanos
from .alarm import Alarm
from .cell import Cell, CrashNotice
from .mailbox import Word
from .office import Office
from .threaded import run_on_own_thread
from .workers import Job, Work, Workers

MOST_HANGING = 3
HANG_SECONDS = 30.0
"""So long after its deadline an abandoned call hangs. Before, it may only be slow: a broker in trouble or a
starved machine makes many calls late at once, and a new behaviour would not make them faster."""
MOST_RETRIES = 2
"""A command on which an edge dies is heard again so often: what it asks for has an identity of its own."""
Then = Callable[[Any, BaseException | None], None]
"""Told the value or the error of a call, on the edge's own thread."""


class Overdue(TimeoutError):
    """A call had no answer within its deadline; what it was about is of unknown outcome."""


class Stuck(RuntimeError):
    """Too many of an edge's calls hang: it begins anew, and these count no more."""


class Behaviour(Protocol):
    """What an edge does; disposable. It may raise: its cell is restarted by its policy."""

    def start(self) -> None:
        """Begin, on the edge's thread."""
        ...

    def hear(self, word: Word) -> None:
        """A word has come."""
        ...

    def stop(self) -> None:
        """Let go of what is open; a new behaviour may follow."""
        ...


class _Answer(NamedTuple):
    ticket: int
    value: Any
    error: BaseException | None


class _Overdue(NamedTuple):
    ticket: int


class _StillOut(NamedTuple):
    ticket: int


class _Ring(NamedTuple):
    incarnation: int
    then: Callable[[], None]


class Revive(NamedTuple):
    """Drop the behaviour, if any, and make a new one; `up` is told when it has begun."""

    up: Callable[[], None]


class Notice(NamedTuple):
    """Something from another thread of the edge's own (a stream's frame, a supervisor's errand)."""

    then: Callable[[], None]


def _nobody() -> None:
    """No one waits for the behaviour to have begun."""


class _Call(NamedTuple):
    then: Then
    workers: Workers
    job: Job


class Port:
    """What a behaviour may do: say words, make calls, set alarms. Bound to one incarnation."""

    def __init__(self, cell: "EdgeCell", incarnation: int) -> None:
        self._cell = cell
        self._incarnation = incarnation
        self.address = cell.address

    def now(self) -> UtcNanos:
        """Market time."""
        return self._cell.office.clock.now()

    def seconds(self) -> float:
        """Machine time."""
        return self._cell.alarm.seconds()

    def say(self, *messages: Message) -> int:
        """Record these words and post them. Returns the record's `seq`."""
        return self._cell.say(messages)

    def call(self, work: Work, seconds: float, then: Then, workers: Workers | None = None) -> None:
        """Make a call on a worker; `then` hears of it within so many machine seconds."""
        self._cell.call(work, seconds, then, workers)

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        """Run this on the edge's thread after so many machine seconds, unless it was restarted."""
        ring = _Ring(self._incarnation, then)
        self._cell.alarm.after(seconds, lambda: self._cell.notify(ring))

    def soon(self, then: Callable[[], None]) -> None:
        """Run this on the edge's thread (for calls from other threads)."""
        self._cell.notify(_Ring(self._incarnation, then))


class EdgeCell(Cell):
    """Guard(behaviour); a call's answer comes back as mail."""

    def __init__(
        self,
        office: Office,
        address: str,
        make: Callable[[Port], Behaviour],
        crashed: CrashNotice,
        alarm: Alarm,
        workers: Workers,
    ) -> None:
        super().__init__()
        self.address = address
        self.office = office
        self.alarm = alarm
        self.workers = workers
        self.behaviour: Behaviour | None = None
        self.handled = 0
        self.crashes = 0
        self.refused_late = 0
        self.abandoned = 0
        self._make = make
        self._crashed = crashed
        self._calls: dict[int, _Call] = {}
        self._out: dict[int, bool] = {}
        """Abandoned calls of this behaviour that are not back, and whether they hang."""
        self._tickets = 0
        self._incarnation = 0
        self._busy = False
        self._hearing: Word | None = None
        self._again: Word | None = None
        """A command to be heard by the next behaviour before anything else."""
        self._retries = 0
        self.dormant = False
        office.register(address, self.mailbox, self)

    @property
    def quiet(self) -> bool:
        """No mail waits and no call is under way."""
        return not self._calls and not len(self.mailbox) and not self._busy

    def _start_actor_loop(self) -> None:
        run_on_own_thread(
            self.mailbox, self.process, lambda: self.actor_stopped.is_set(), self.address
        )

    def notify(self, item: object, mail: MailClass = MailClass.KEPT) -> None:
        """Post an item that is no word."""
        self.office.notify(self.address, item, mail)

    def revive(self, up: Callable[[], None] | None = None) -> None:
        """Make a new behaviour; mail that waited is heard by it, once whoever is told `up` releases it."""
        self.dormant = False
        self.office.errand(self.address, Revive(up or _nobody))
        if up is None:
            self.office.release(self.address)

    def sleep(self) -> None:
        """Out of work: words are dropped, until `revive`."""
        self.dormant = True
        self.office.release(self.address)

    def say(self, messages: tuple[Message, ...]) -> int:
        """Record and post."""
        return self.office.record(self.address, messages)

    def call(self, work: Work, seconds: float, then: Then, workers: Workers | None) -> None:
        """Begin a call under a new ticket."""
        self._tickets += 1
        ticket = self._tickets
        using = workers or self.workers
        self.office.activity.begin()
        self.alarm.after(seconds, lambda: self.notify(_Overdue(ticket)))
        job = using.submit(work, lambda value, error: self.notify(_Answer(ticket, value, error)))
        self._calls[ticket] = _Call(then, using, job)

    def process(self, item: Any) -> None:
        """One item of mail, guarded."""
        self._busy = True
        try:
            self._handle(item)
        except BaseException as error:  # noqa: BLE001 (nothing may leave a cell: pykka drops its mail)
            self._crash(item, error)
        finally:
            self._busy = False
            if type(item) is not Envelope:
                self.office.activity.end()

    def _handle(self, item: Any) -> None:
        if type(item) is Word:
            # An edge's own crash is told to it like to a decider, and must not wake a new behaviour.
            if not self.dormant and type(item.message) is not Crashed:
                self._retries = 0
                self._hear(item)
        elif type(item) is _Answer:
            self._answered(item)
        elif type(item) is _Overdue:
            self._overdue(item)
        elif type(item) is _StillOut:
            self._still_out(item.ticket)
        elif type(item) is _Ring:
            if item.incarnation == self._incarnation:
                item.then()
        elif type(item) is Notice:
            item.then()
        elif type(item) is Revive:
            self._drop()
            self._alive()
            again, self._again = self._again, None
            if again is not None:
                self._hear(again)
            item.up()
        elif isinstance(item.message, pykka_messages._ActorStop):
            self._drop()
            self._stop()
            if item.reply_to is not None:
                item.reply_to.set(None)

    def _hear(self, word: Word) -> None:
        self._hearing = word
        self.handled += 1
        self._alive().hear(word)
        self._hearing = None

    def _alive(self) -> Behaviour:
        if self.behaviour is None:
            self._incarnation += 1
            self.behaviour = self._make(Port(self, self._incarnation))
            self.behaviour.start()
        return self.behaviour

    def _answered(self, answer: _Answer) -> None:
        call = self._calls.pop(answer.ticket, None)
        if call is None:
            self.refused_late += 1
            self._out.pop(answer.ticket, None)
            return
        self.office.activity.end()
        call.then(answer.value, answer.error)

    def _overdue(self, overdue: _Overdue) -> None:
        call = self._calls.pop(overdue.ticket, None)
        if call is None:
            return
        self.office.activity.end()
        self.abandoned += 1
        if call.workers.abandon(call.job):
            self._out[overdue.ticket] = False
            self.alarm.after(HANG_SECONDS, lambda: self.notify(_StillOut(overdue.ticket)))
        call.then(None, Overdue(f"{self.address}: no answer within the deadline"))

    def _still_out(self, ticket: int) -> None:
        if ticket in self._out:
            self._out[ticket] = True
            if sum(self._out.values()) > MOST_HANGING:
                raise Stuck(f"{self.address}: more than {MOST_HANGING} calls hang")

    def _drop(self) -> None:
        for call in self._calls.values():
            self.office.activity.end()
            call.workers.abandon(call.job)
            self.abandoned += 1
        self._calls.clear()
        self._out.clear()
        self._incarnation += 1
        behaviour, self.behaviour = self.behaviour, None
        if behaviour is not None:
            behaviour.stop()

    def _crash(self, item: Any, error: BaseException) -> None:
        self.crashes += 1
        self.office.hold(self.address)
        try:
            self._drop()
        except Exception as second:  # noqa: BLE001 (the first error is the one that counts)
            error.add_note(f"and in letting go: {type(second).__name__}")
            self.behaviour = None
        word, self._hearing = self._hearing, None
        self.office.record(self.address, (), heard=None, outcome=f"crashed:{type(error).__name__}")
        if word is not None and isinstance(word.message, Command):
            self._hear_again(word)
        self._crashed(self.address, error, None if word is None else word.id)

    def _hear_again(self, word: Word) -> None:
        """A command is not lost with the behaviour that died on it, unless it kills every one."""
        self._retries += 1
        if self._retries <= MOST_RETRIES:
            self._again = word
            return
        reason = f"the edge died on it {self._retries} times"
        kind = type(word.message).__name__
        self.say((DeadLetter(address=self.address, word=word.id, kind=kind, reason=reason),))
