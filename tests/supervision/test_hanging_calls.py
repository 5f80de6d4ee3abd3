"""A call that is late is slow or hangs, and only the second is a fault of the edge: in virtual time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from argo_actors.messages.market import Tick
from argo_actors.runtime import core as runtime_core
from argo_actors.runtime.core import Core
from argo_actors.runtime.edge import HANG_SECONDS, MOST_HANGING, EdgeCell, Port
from argo_actors.runtime.engine import EdgeSpec, Engine, Plan
from argo_actors.runtime.mailbox import Word
from argo_actors.runtime.spec import ChildSpec, GroupSpec, Policy
from argo_actors.runtime.virtual import Virtual, VirtualClock
from argo_actors.runtime.workers import ThreadWorkers
from argo_actors.units import SECOND
from tests.supervision.test_edges import CONFIGURED, build

START = 1_772_640_000 * SECOND
DEADLINE = 2.0
PROBE = 3600.0
FOR_EVER = 0


class World:
    """An engine with one edge, whose every call takes as long as the tick that asks for it says."""

    def __init__(self, directory: Path, address: str, escalates: bool, workers: int) -> None:
        self.driver = Virtual(1)
        self.address = address
        self.fatal: list[str] = []
        self.made: list[int] = []
        self.answers: list[BaseException | None] = []
        child = ChildSpec(address, Policy(intensity=5, probe_seconds=PROBE))
        self.engine = Engine(
            Plan(
                directory,
                CONFIGURED,
                build,
                (
                    GroupSpec("deciders", "one_for_one", (ChildSpec("tracker"),)),
                    GroupSpec("edges", "one_for_one", (child,), escalates),
                ),
                (EdgeSpec(address, self._caller, workers),),
                driver=self.driver,
            ),
            VirtualClock(START, self.driver.alarm),
            self.fatal.append,
        )
        self.engine.start()
        self.run(0.0)

    def _caller(self, port: Port) -> "Caller":
        return Caller(port, self)

    @property
    def cell(self) -> EdgeCell:
        return self.engine.edges[self.address]

    @property
    def state(self) -> str:
        return self.engine.supervisor.children[self.address].state

    def call(self, *seconds: int) -> None:
        """Let it make calls that take so many seconds."""
        self.engine.say("clock", *(Tick(n=one) for one in seconds))

    def run(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        until = self.driver.alarm.now + round(seconds * SECOND)
        while self.driver.move(until):
            pass


class Caller:
    """Makes a call at every tick."""

    def __init__(self, port: Port, world: World) -> None:
        self.port = port
        self.world = world

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Nothing is open."""

    def hear(self, word: Word) -> None:
        if isinstance(word.message, Tick):
            n = word.message.n
            self.port.call(lambda: self.work(n), DEADLINE, self.answered)

    def work(self, seconds: int) -> None:
        self.world.made.append(seconds)
        if seconds == FOR_EVER:
            self.world.driver.hang()
        self.world.driver.pause(seconds)

    def answered(self, _: object, error: BaseException | None) -> None:
        self.world.answers.append(error)


@contextmanager
def world(
    directory: Path, address: str = "broker", *, escalates: bool = True, workers: int = 6
) -> Iterator[World]:
    found = World(directory, address, escalates, workers)
    try:
        yield found
    finally:
        found.engine.stop()


def test_a_broker_that_answers_everything_late_does_not_end_its_edge(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        for _ in range(20):
            one.call(*[25] * 6)
            one.run(10)
        one.run(30)
        assert one.cell.abandoned == one.cell.refused_late == 120
        assert (one.cell.crashes, one.fatal, one.state) == (0, [], "running")
        one.call(1)
        one.run(2)
        assert one.answers[-1] is None


def test_a_broker_whose_calls_hang_begins_anew_and_is_seen_to(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        one.call(*[FOR_EVER] * MOST_HANGING)
        one.run(10 * HANG_SECONDS)
        assert one.cell.crashes == 0
        one.call(FOR_EVER)
        one.run(DEADLINE + HANG_SECONDS + 2)
        child = one.engine.supervisor.children["broker"]
        assert (child.state, child.tally.total, one.cell.crashes) == ("running", 1, 1)
        assert child.died is not None
        assert "calls hang" in child.died.error


def test_calls_that_hung_before_a_restart_are_not_held_against_what_came_after(
    tmp_path: Path,
) -> None:
    with world(tmp_path) as one:
        one.call(*[FOR_EVER] * (MOST_HANGING + 1))
        one.run(DEADLINE + HANG_SECONDS + 2)
        one.call(*[FOR_EVER] * MOST_HANGING)
        one.run(10 * HANG_SECONDS)
        assert one.cell.crashes == 1


def test_a_broker_that_hangs_on_and_on_ends_no_daemon(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        for _ in range(40):
            one.call(FOR_EVER, FOR_EVER, 1)
            one.run(10)
        assert one.fatal == []
        assert one.cell.crashes > 5
        one.run(DEADLINE + HANG_SECONDS + 2)
        one.call(1)
        one.run(2)
        assert one.answers[-1] is None


def test_a_source_whose_calls_hang_is_parked_until_its_probe(tmp_path: Path) -> None:
    with world(tmp_path, "source/b", escalates=False) as one:
        one.call(*[FOR_EVER] * (MOST_HANGING + 1))
        one.run(DEADLINE + HANG_SECONDS + 1)
        assert one.state == "failed"
        assert "calls hang" in one.engine.supervisor.children["source/b"].reason
        one.call(1)
        one.run(PROBE - 10)
        assert one.made == [FOR_EVER] * (MOST_HANGING + 1)
        one.run(20)
        assert one.state == "running"


def test_a_call_whose_deadline_passes_before_its_turn_is_never_made_and_does_not_hang(
    tmp_path: Path,
) -> None:
    with world(tmp_path, workers=1) as one:
        one.call(FOR_EVER, *[7] * 6)
        one.run(10 * HANG_SECONDS)
        assert one.made == [FOR_EVER]
        assert (one.cell.abandoned, one.cell.crashes) == (7, 0)
        one.call(1)
        one.run(2)
        assert one.answers[-1] is None


def test_a_threads_worker_skips_what_was_abandoned_and_keeps_its_place() -> None:
    workers, gate, made = ThreadWorkers(1, "test"), threading.Event(), list[int]()
    ended = [threading.Event() for _ in range(3)]

    def job(n: int) -> Callable[[], None]:
        def work() -> None:
            gate.wait(30)
            made.append(n)

        return work

    jobs = [workers.submit(job(n), lambda *_, n=n: ended[n].set()) for n in range(3)]  # type: ignore[misc]
    assert not workers.abandon(jobs[1])
    gate.set()
    assert ended[0].wait(30)
    assert ended[2].wait(30)
    assert made == [0, 2]
    assert not workers.abandon(jobs[0])


def test_a_pause_of_the_whole_process_is_no_step_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(runtime_core, "machine_seconds", lambda: now[0])
    core = Core()
    core._turns = 1
    assert core.stuck_seconds() == 0
    now[0] += 600
    assert core.stuck_seconds() == 1
    for _ in range(10):
        now[0] += 0.5
        core.stuck_seconds()
    assert core.stuck_seconds() == 6
    core._turns = 2
    assert core.stuck_seconds() == 0
