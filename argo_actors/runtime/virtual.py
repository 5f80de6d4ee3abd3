"""A whole engine on one thread with virtual time: the same cells, journal and recovery, and a seed.

Calls are made on threads of their own, but only one thing runs at any moment: a call hands the baton back
whenever it waits (for an answer, for the disk), and gets it again when virtual time has come so far. So a
run is the same run each time, and a call can be left hanging for ever, or be killed in the middle.
"""

import random
from _thread import LockType, allocate_lock
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from ..journal.codec import Opening
from ..journal.writer import Journal
from ..units import UtcNanos
from .alarm import VirtualAlarm
from .cell import DeciderCell
from .driver import WATCH_SECONDS
from .edge import EdgeCell
from .stepped import Stepped
from .workers import Done, Job, Work, carry_out

COMMIT_SECONDS = 0.002
"""What a commit takes."""
TURN_SECONDS = 0.0005
"""Until a free worker has begun a call, at most."""


class Killed(BaseException):
    """The process ends: a call that waits goes no further, and tells nobody."""


class VirtualClock:
    """Market time that goes with the driver's alarms."""

    def __init__(self, start: UtcNanos, alarm: VirtualAlarm) -> None:
        self.start = start
        self._alarm = alarm

    def now(self) -> UtcNanos:
        return self.start + self._alarm.now


class SteppedEdgeCell(EdgeCell):
    """An edge whose mailbox the driver serves."""

    def _start_actor_loop(self) -> None:
        """The driver attaches the cell."""


class Virtual:
    """The driver of an engine in virtual time."""

    def __init__(self, seed: int) -> None:
        self.alarm = VirtualAlarm()
        self.decider_kind = DeciderCell
        self.edge_kind = SteppedEdgeCell
        self.stepped = Stepped(seed)
        self.killed = False
        self._chance = random.Random(seed)  # noqa: S311 (a model's luck, no secret)
        self._calls: list[_Thread] = []
        self._running: _Thread | None = None
        self._back = allocate_lock()
        self._back.acquire()

    # what an engine needs

    def journal(self, path: Path, begin: Opening, **settings: Any) -> "VirtualJournal":
        return VirtualJournal(self, path, begin, **settings)

    def attach(self, cell: Any) -> None:
        self.stepped.attach(cell)

    def workers(self, count: int, name: str) -> "VirtualWorkers":
        return VirtualWorkers(self, count, name)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        self.stepped.run()
        return condition()

    def start(self, watch: Callable[[], None]) -> None:
        def again() -> None:
            watch()
            self.alarm.after(WATCH_SECONDS, again)

        again()

    def stop(self, seconds: float = 5.0) -> None:
        self.stepped.run()
        self.kill()

    def stuck_seconds(self) -> float:
        return 0.0

    def chance(self) -> float:
        return self._chance.random()

    def apart(self, call: Callable[[], None]) -> None:
        call()

    def end_process(self) -> None:
        self.kill()

    # time

    def move(self, until: int) -> bool:
        """Let the next thing happen: a word is heard, else an alarm rings, at `until` the latest.

        False when there is nothing left to do before then; virtual time is `until` in that case.
        """
        return self.stepped.step() or self.alarm.ring_next(until)

    # calls

    def pause(self, seconds: float) -> None:
        """In a call: let so much virtual time pass."""
        self.wait(lambda: False, seconds)

    def hang(self) -> None:
        """In a call: never come back."""
        thread = self._running
        assert thread is not None, "only a call can wait"
        thread.hand_over()

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """In a call: wait until the condition holds (somebody calls `nudge`), or the time is up."""
        thread = self._running
        assert thread is not None, "only a call can wait"
        return thread.wait(condition, seconds)

    @property
    def in_call(self) -> bool:
        """Whoever asks is a call, not the driver."""
        return self._running is not None

    def nudge(self) -> None:
        """Something has changed: calls whose condition holds now go on."""
        for thread in self._calls:
            if thread.condition is not None and thread.condition():
                thread.go_on()

    def kill(self) -> None:
        """End every call where it stands."""
        self.killed = True
        for thread in self._calls:
            thread.end()
        self._calls.clear()

    def run_call(self, thread: "_Thread") -> None:
        """Give a call's thread the baton, and wait until it hands it back."""
        before, self._running = self._running, thread
        thread.baton.release()
        self._back.acquire()
        self._running = before

    def hand_back(self) -> None:
        """On a call's thread: the driver goes on."""
        self._back.release()

    def keep(self, thread: "_Thread") -> None:
        """It is to be ended with the process."""
        self._calls.append(thread)


class _Thread:
    """A worker's thread, which runs only while it holds the baton."""

    def __init__(self, driver: Virtual, name: str, loop: Callable[["_Thread"], None]) -> None:
        self.baton: LockType = allocate_lock()
        self.baton.acquire()
        self.condition: Callable[[], bool] | None = None
        self._driver = driver
        self._turn = 0
        self._over = False
        self._loop = loop
        driver.keep(self)
        Thread(target=self._run, name=name, daemon=True).start()

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        self.condition = condition
        self._resume_after(seconds)
        self.hand_over()
        self.condition = None
        return condition()

    def go_on(self) -> None:
        """Its condition holds."""
        self.condition = None
        self._resume_after(0.0)

    def begin_after(self, seconds: float) -> None:
        """There is something to do for it."""
        self._resume_after(seconds)

    def _resume_after(self, seconds: float) -> None:
        self._turn += 1
        self._driver.alarm.after(seconds, partial(self._resume, self._turn))

    def _resume(self, turn: int) -> None:
        if turn == self._turn and not self._over:
            self._turn += 1
            self._driver.run_call(self)

    def hand_over(self) -> None:
        """On its own thread: wait for the baton. Raises Killed when the process has ended."""
        self._driver.hand_back()
        self.baton.acquire()
        if self._driver.killed:
            raise Killed

    def end(self) -> None:
        """It gets the baton a last time, to unwind."""
        if not self._over:
            self._driver.run_call(self)

    def _run(self) -> None:
        self.baton.acquire()
        try:
            if not self._driver.killed:
                self._loop(self)
        except Killed:
            pass
        finally:
            self._over = True
            self._driver.hand_back()


class VirtualWorkers:
    """So many calls at a time; an abandoned one's place is taken by another, just as live."""

    def __init__(self, driver: Virtual, count: int, name: str) -> None:
        self._driver = driver
        self._name = f"{name} worker"
        self._jobs: deque[Job] = deque()
        self._idle: list[_Thread] = []
        self._places = count

    def submit(self, work: Work, done: Done) -> Job:
        job = Job(work, done)
        self._jobs.append(job)
        self._serve()
        return job

    def abandon(self, job: Job) -> bool:
        under_way = job.abandon()
        if under_way:
            self._places += 1
            self._serve()
        return under_way

    def _serve(self) -> None:
        if self._idle:
            thread = self._idle.pop()
        elif self._places:
            self._places -= 1
            thread = _Thread(self._driver, self._name, self._loop)
        else:
            return
        thread.begin_after(self._driver.chance() * TURN_SECONDS)

    def _loop(self, thread: _Thread) -> None:
        wanted = True
        while wanted:
            while not self._jobs:
                self._idle.append(thread)
                thread.hand_over()
            wanted = carry_out(self._jobs.popleft(), (Killed,))


class VirtualJournal(Journal):
    """The journal's own code, committing when virtual time has come so far."""

    def __init__(self, driver: Virtual, path: Path, begin: Opening, **settings: Any) -> None:
        self._driver = driver
        self._scheduled = False
        self._urgent = False
        super().__init__(path, begin, **settings)

    def _start(self) -> None:
        """Commits are alarms of the driver's."""

    def append(self, *record: Any, **options: Any) -> int:
        seq = super().append(*record, **options)
        if not self._scheduled:
            self._scheduled = True
            self._driver.alarm.after(self._commit_seconds, self._commit_now)
        return seq

    def _wake(self, wanted: int = 0) -> None:
        if not self._urgent:
            self._urgent = True
            self._driver.alarm.after(COMMIT_SECONDS, self._commit_now)

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        if self._driver.in_call:
            return self._driver.wait(condition, seconds)
        self._commit_now()  # whoever is no call waits for the disk with everything standing still
        return condition()

    def _commit_now(self) -> None:
        self._scheduled = self._urgent = False
        if not self._driver.killed:
            self._commit_waiting(len(self._waiting))
            self._driver.nudge()

    def _finish(self) -> None:
        self._commit_waiting(len(self._waiting))
        self._connection.close()

    def crash(self, keep: int) -> None:
        """The process is gone: the first so many of what waits had reached the disk, the rest never."""
        self._commit_waiting(min(keep, len(self._waiting)))
        self._waiting.clear()
        self._connection.close()
