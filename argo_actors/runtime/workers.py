"""Threads that make an edge's calls, so that its cell never blocks."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

Work = Callable[[], Any]
Done = Callable[[Any, BaseException | None], None]


class Job:
    """A call under way. Python cannot end a thread: an abandoned call's worker goes when it returns."""

    __slots__ = ("abandoned", "done", "work")

    def __init__(self, work: Work, done: Done) -> None:
        self.work = work
        self.done = done
        self.abandoned = False


class Workers(Protocol):
    """Carries out calls; `done` is told the value or the error, on whatever thread."""

    def submit(self, work: Work, done: Done) -> Job:
        """Begin the call when a worker is free."""
        ...

    def abandon(self, job: Job) -> None:
        """Its deadline has passed: another worker takes the place of the one that hangs in it."""
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

    def abandon(self, job: Job) -> None:
        job.abandoned = True
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._run, name=f"{self._name} worker", daemon=True).start()

    def _run(self) -> None:
        job = None
        while job is None or not job.abandoned:
            job = self._jobs.get()
            carry_out(job)


def carry_out(job: Job) -> None:
    """Make the call and tell its outcome; nothing escapes into the worker's loop."""
    try:
        value = job.work()
    except BaseException as error:  # noqa: BLE001 (the error is the answer)
        job.done(None, error)
    else:
        job.done(value, None)
