"""Threads that make an edge's calls, so that its cell never blocks."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

from .clock import machine_seconds, machine_sleep

PATIENCE_SECONDS = 0.5
"""So long a call waits for its turn: one that hangs keeps the others from nothing."""
POLL_SECONDS = 0.0005
Work = Callable[[], Any]
Done = Callable[[Any, BaseException | None], None]


class Job:
    """A call: it waits, it is under way, it has ended; or it was abandoned on the way."""

    __slots__ = ("_lock", "_state", "done", "work")

    def __init__(self, work: Work, done: Done) -> None:
        self.work = work
        self.done = done
        self._lock = threading.Lock()
        self._state = "waiting"

    def begin(self) -> bool:
        """False when it was abandoned before: what nobody waits for any more is not asked."""
        return self._pass("waiting", "under way")

    def end(self) -> bool:
        """False when it was abandoned meanwhile: another worker has its worker's place."""
        return self._pass("under way", "ended")

    def abandon(self) -> bool:
        """True when it is under way: Python cannot end a thread, so its worker goes when it returns."""
        with self._lock:
            before, self._state = self._state, "abandoned"
            return before == "under way"

    def _pass(self, before: str, after: str) -> bool:
        with self._lock:
            if self._state != before:
                return False
            self._state = after
            return True


class Workers(Protocol):
    """Carries out calls; `done` is told the value or the error, on whatever thread."""

    def submit(self, work: Work, done: Done) -> Job:
        """Begin the call when a worker is free."""
        ...

    def abandon(self, job: Job) -> bool:
        """Its deadline has passed: another worker takes the place of the one that is in it, if one is."""
        ...


class ThreadWorkers:
    """A few daemon threads with one queue."""

    def __init__(self, count: int, name: str) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._name = name
        for _ in range(count):
            self._start()

    def submit(self, work: Work, done: Done) -> Job:
        job = Job(work, done)
        self._jobs.put(job)
        return job

    def abandon(self, job: Job) -> bool:
        under_way = job.abandon()
        if under_way:
            self._start()
        return under_way

    def _start(self) -> None:
        threading.Thread(target=self._run, name=f"{self._name} worker", daemon=True).start()

    def _run(self) -> None:
        while carry_out(self._next()):
            pass

    def _next(self) -> Job:
        return self._jobs.get()


class Turns(ThreadWorkers):
    """Calls begin in the order of asking, each once nothing but the waiting ones is under way.

    Else the calls of one instant race, and the same market makes other trades each time. `still_but_for`
    is asked whether so many calls are all that is under way.
    """

    def __init__(self, count: int, name: str, still_but_for: Callable[[int], bool]) -> None:
        self._still_but_for = still_but_for
        self._turn = threading.Lock()
        super().__init__(count, name)

    def _next(self) -> Job:
        with self._turn:
            job = self._jobs.get()
            until = machine_seconds() + PATIENCE_SECONDS
            while not self._still_but_for(self._jobs.qsize() + 1) and machine_seconds() < until:
                machine_sleep(POLL_SECONDS)
            return job


def carry_out(job: Job, killed: tuple[type[BaseException], ...] = ()) -> bool:
    """Make the call and tell its outcome; nothing but `killed` escapes into the worker's loop.

    False when the worker is not needed any more.
    """
    if not job.begin():
        return True
    value, failure = None, None
    try:
        value = job.work()
    except killed:
        raise
    except BaseException as error:  # noqa: BLE001 (the error is the answer)
        failure = error
    wanted = job.end()
    job.done(value, failure)
    return wanted
