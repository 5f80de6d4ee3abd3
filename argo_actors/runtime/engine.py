"""The actor system of one account: journal, office, deciders, edges, supervisor."""

import faulthandler
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import ChainError, JournalError
from ..journal.codec import FORMAT, GENESIS, Mail, Opening, encode
from ..journal.reader import FIX, HEAD, day_files, last_chain, newest_state, records
from ..journal.writer import Journal, day_of, new_file
from ..messages import Message, WordId
from ..messages.system import Configured, DeadLetter, Epoch, Overload, Redelivered
from .alarm import Alarm
from .cell import DeciderCell
from .clock import Clock, machine_seconds
from .driver import Driver, ThreadDriver
from .edge import Behaviour, EdgeCell, Notice, Port
from .folding import Build, Folding
from .mailbox import Word
from .office import Office
from .spec import GroupSpec
from .supervisor import ADDRESS as SUPERVISOR
from .supervisor import Supervisor
from .workers import Workers

MOST_ATTEMPTS = 2
"""A word delivered again so often without a step is a dead letter (design §4)."""
SNAPSHOT_EVERY = 20_000
"""So many records are folded in a fraction of a second: a restart folds hardly more."""
STOP_SECONDS = 0.2
"""For an edge without work to let go of what is open."""
OVERFLOW = 100
"""At so many times the mark a mailbox ends the process (design §4)."""


class EdgeSpec(NamedTuple):
    """An edge: its address, what makes its behaviour, how many workers it has (or which)."""

    address: str
    make: Callable[[Port], Behaviour]
    workers: int | Workers = 1


class Plan(NamedTuple):
    """Everything an engine is made of."""

    directory: Path
    """Of the journal."""
    configured: Configured
    build: Build
    groups: tuple[GroupSpec, ...]
    edges: tuple[EdgeSpec, ...]
    threads: bool = False
    """A thread for each decider instead of the shared core."""
    commit_seconds: float = 0.05
    commit_records: int = 1000
    redact: Callable[[str], str] = str
    stuck_seconds: float = 5.0
    """A core step longer than this ends the process."""
    shutdown_seconds: float = 10.0
    """An ordered stop takes no longer."""
    durable_seconds: float = 2.0
    """A word that waits longer for the disk ends the process."""
    kept_mark: int = 1000
    """Beyond so many waiting words entries are denied."""
    driver: Driver | None = None
    """None: threads."""
    epoch: Epoch = Epoch(number=0)
    """Who runs it, and how it came to; the engine gives the number."""


class Engine:
    """One running system. Deciders first, then edges, so that nobody speaks into an empty room."""

    def __init__(self, plan: Plan, clock: Clock, fatal: Callable[[str], None]) -> None:
        self.plan = plan
        self.clock = clock
        self.fatal = fatal
        self.warnings: list[str] = []
        self.driver = plan.driver or ThreadDriver(
            threads=plan.threads, stuck_seconds=plan.stuck_seconds
        )
        self._overloaded = False
        plan.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        folding, begun = self._recovered()
        self.run = folding.run + 1
        self.journal: Journal = self.driver.journal(
            self._path,
            begun,
            failed=fatal,
            commit_seconds=plan.commit_seconds,
            commit_records=plan.commit_records,
        )
        self.office = Office(self.journal, clock)
        self.alarm: Alarm = self.driver.alarm
        self._last_day = day_of(clock.now())
        self.deciders: dict[str, DeciderCell] = {}
        self.edges: dict[str, EdgeCell] = {}
        self._make_deciders(folding)
        self.supervisor_cell = self._make_supervisor()
        for spec in plan.edges:
            self._make_edge(spec)

    def _recovered(self) -> tuple[Folding, Opening]:
        files = day_files(self.plan.directory)
        if not files:
            self._path = new_file(self.plan.directory, self.clock.now())
            self._snapshot_seq = 0
            empty = Opening(FORMAT, 0, self.clock.now(), GENESIS, "", "", (), ())
            return Folding(empty, self.plan.build), empty
        last = files[-1]
        begun = newest_state(last)
        folding = Folding(begun, self.plan.build)
        folding.apply_all(records(last, after=begun.last_seq))
        self._snapshot_seq = begun.last_seq
        self._check_head(last)
        return folding, self._opening_after(folding, last)

    def _opening_after(self, folding: Folding, last: Path) -> Opening:
        """The newest file goes on when it is today's; otherwise a new one begins with these states."""
        seq, chain = last_chain(last)
        at = max(self.clock.now(), folding.last_at)
        self._path = last if last.name.startswith(day_of(at)) else new_file(last.parent, at)
        states = {address: encode(state) for address, state in folding.states.items()}
        return Opening(
            FORMAT,
            seq,
            at,
            chain,
            folding.config,
            self.plan.configured.code_hash,
            tuple(sorted(states.items())),
            folding.mail(),
            folding.run,
            folding.account_tag,
        )

    def _check_head(self, last: Path) -> None:
        head = self.plan.directory / HEAD
        if not head.exists():
            return
        noted = head.read_text().split()
        seq, chain = last_chain(last)
        if len(noted) != 2 or not noted[0].isdigit():
            return
        if int(noted[0]) == seq and noted[1] != chain.hex():
            raise ChainError(f"{last}: its last block is not the one that was written", fix=FIX)
        if int(noted[0]) > seq:
            self.warnings.append(
                f"the journal lost its tail: records {seq + 1} to {noted[0]} were cut by the crash; "
                "the broker's truth is read again"
            )

    def _make_deciders(self, folding: Folding) -> None:
        plan = self.plan
        kind = self.driver.decider_kind
        deciders = plan.build(plan.configured.config, plan.configured.account_tag)
        for address, decider in deciders.items():
            ref = kind.start(self.office, address, decider, self._crashed)
            cell: Any = self.office.cells[address]
            assert ref is not None
            if address in folding.states:
                cell.restore(folding.states[address])
            self.deciders[address] = cell
            self.driver.attach(cell)
        self._undelivered = folding.mail()

    def _make_supervisor(self) -> EdgeCell:
        def make(port: Port) -> Supervisor:
            return Supervisor(
                port,
                self.office,
                self.plan.groups,
                self.fatal,
                self.plan.redact,
                self.driver.chance,
            )

        return self._start_edge(EdgeSpec(SUPERVISOR, make))

    def _make_edge(self, spec: EdgeSpec) -> None:
        self.edges[spec.address] = self._start_edge(spec)

    def _start_edge(self, spec: EdgeSpec) -> EdgeCell:
        given = spec.workers
        workers = self.driver.workers(given, spec.address) if isinstance(given, int) else given
        kind = self.driver.edge_kind
        kind.start(self.office, spec.address, spec.make, self._crashed, self.alarm, workers)
        cell: Any = self.office.cells[spec.address]
        assert isinstance(cell, EdgeCell)
        self.driver.attach(cell)
        return cell

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor's behaviour (its children's states can be read from any thread)."""
        behaviour = self.supervisor_cell.behaviour
        assert isinstance(behaviour, Supervisor)
        return behaviour

    def start(self, *first: Message) -> None:
        """Begin an epoch, durably; deliver the mail in flight; say the first words; let the edges begin."""
        self.supervisor_cell.revive()
        self.driver.until(lambda: self.supervisor_cell.behaviour is not None, 5)
        self.driver.start(self._watch)
        epoch = msgspec.structs.replace(self.plan.epoch, number=self.run)
        self.say_durably("engine", self.plan.configured, epoch)
        self._redeliver()
        if first:
            self.say("engine", *first)
        for cell in self.edges.values():
            cell.revive()

    def _redeliver(self) -> None:
        """Deliver the mail in flight again: each try is durable before it is made."""
        kept: list[Mail] = []
        said: list[Message] = []
        for mail in self._undelivered:
            word = WordId(*mail.word)
            if mail.address not in self.deciders:
                continue
            if mail.attempts < MOST_ATTEMPTS:
                kept.append(mail)
                said.append(Redelivered(address=mail.address, word=word))
                continue
            said.append(
                DeadLetter(
                    address=mail.address,
                    word=word,
                    kind=type(mail.message).__name__,
                    reason=f"the process ended {mail.attempts} times before it was heard",
                )
            )
        if said:
            self.say_durably("engine", *said)
        for mail in kept:
            self.office.deliver(mail.address, Word(WordId(*mail.word), mail.message))

    def _watch(self) -> None:
        """What ends the process: a core step that takes too long, a mailbox that nobody empties."""
        cell = max(self.office.cells.values(), key=lambda one: len(one.mailbox))
        waiting, mark = len(cell.mailbox), self.plan.kept_mark
        if (waiting > mark) != self._overloaded:
            self._overloaded = over = waiting > mark
            self.say("engine", Overload(over=over, address=cell.address, waiting=waiting))
        if self.journal.next_seq - self._snapshot_seq > SNAPSHOT_EVERY:
            self._keep_snapshot()
        if waiting > OVERFLOW * mark:
            self.fatal(f"{waiting} words wait at {cell.address}: it cannot keep up")
        if self.driver.stuck_seconds() > self.plan.stuck_seconds:
            faulthandler.dump_traceback(all_threads=True)
            self.fatal(f"a step has taken more than {self.plan.stuck_seconds:g} s")
            self.driver.end_process()

    def say(self, actor: str, *words: Message) -> int:
        """Record and post words of an edge that has no mailbox (engine, clock, operator)."""
        seq = self.office.record(actor, words)
        self._roll_when_due()
        return seq

    def say_durably(self, actor: str, *words: Message) -> int:
        """The same, and return only when they are on disk. Raises JournalError."""
        seq = self.say(actor, *words)
        self.journal.wait_durable(seq, self.plan.durable_seconds)
        return seq

    def restart(self, address: str) -> None:
        """Give an edge a new behaviour, whatever became of the last one."""
        supervisor = self.supervisor
        self.supervisor_cell.notify(Notice(lambda: supervisor.restart(address)))

    @property
    def in_flight(self) -> tuple[Message, ...]:
        """What had been said and not heard when the process before ended."""
        return tuple(mail.message for mail in self._undelivered)

    def inspect(self, address: str) -> Any:
        """The live cell of an address, to be read only; None when there is none."""
        return self.office.cells.get(address)

    @property
    def settled(self) -> bool:
        """No decider has mail, or waits for an answer that it needs before the process may end."""
        cells = self.deciders.values()
        with self.office.lock:
            heard = not any(cell.in_flight() for cell in cells)
        return heard and not any(getattr(cell.state, "unsettled", False) for cell in cells)

    def stop(self, seconds: float | None = None) -> None:
        """Stop the edges, last first, each within its `shutdown`; then the deciders; flush the journal.

        It takes no longer than `seconds` (the plan's `shutdown_seconds` without it).
        """
        until = machine_seconds() + (self.plan.shutdown_seconds if seconds is None else seconds)

        def left(most: float) -> float:
            return max(0.0, min(most, until - machine_seconds()))

        shutdown = {
            child.address: child.policy.shutdown_seconds
            for group in self.plan.groups
            for child in group.children
        }
        for address, cell in reversed(self.edges.items()):
            self._stop_edge(cell, left(shutdown.get(address, 0.0)))
        deciding = left(max((shutdown.get(one, 0.0) for one in self.deciders), default=0.0))
        self.driver.until(self._decided, deciding)
        self.supervisor_cell.actor_ref.stop(block=False)
        self.driver.stop(deciding)
        for cell in self.office.cells.values():
            # A core that has ended hears no stop any more.
            if not cell.actor_stopped.is_set():
                cell._stop()
        try:
            self.journal.close()
        except JournalError as error:
            self.fatal(error.what)

    def _decided(self) -> bool:
        cells = self.deciders.items()
        return not any(len(cell.mailbox) and not self._given_up(one) for one, cell in cells)

    def _given_up(self, address: str) -> bool:
        """Nobody makes it a behaviour any more: its mail stays unheard."""
        behaviour = self.supervisor_cell.behaviour
        return isinstance(behaviour, Supervisor) and address in behaviour.given_up

    def _stop_edge(self, cell: EdgeCell, seconds: float) -> None:
        """Its mail and its calls may end; then it is told to stop. One that hangs is left behind."""
        if self._given_up(cell.address):
            return
        until = machine_seconds() + seconds
        self.driver.until(lambda: cell.quiet, seconds)
        cell.actor_ref.stop(block=False)
        self.driver.until(cell.actor_stopped.is_set, max(STOP_SECONDS, until - machine_seconds()))

    def _crashed(self, address: str, error: BaseException, heard: WordId | None) -> None:
        def tell() -> None:
            self.supervisor.child_crashed(address, error, heard)

        if address == SUPERVISOR:
            self.driver.apart(lambda: self.fatal(f"the supervisor crashed: {error!r}"))
            return
        self.supervisor_cell.notify(Notice(tell))

    def _roll_when_due(self) -> None:
        if day_of(self.clock.now()) == self._last_day:
            return
        with self.office.lock:
            day = day_of(self.clock.now())
            if day != self._last_day:
                self._last_day = day
                self.journal.roll(self._snapshot())

    def _keep_snapshot(self) -> None:
        with self.office.lock:
            self._snapshot_seq = self.journal.next_seq - 1
            self.journal.snapshot(self._snapshot())

    def _snapshot(self) -> Opening:
        """Every decider's state and the mail in flight, as of one seq (the office's lock is held)."""
        mail = tuple(
            Mail(address, word.id, word.message)
            for address, cell in self.deciders.items()
            for word in cell.in_flight()
        )
        states = {address: encode(cell.state) for address, cell in self.deciders.items()}
        configured = self.plan.configured
        return Opening(
            FORMAT,
            self.journal.next_seq - 1,
            self.clock.now(),
            GENESIS,
            configured.config,
            configured.code_hash,
            tuple(sorted(states.items())),
            mail,
            self.run,
            configured.account_tag,
        )
