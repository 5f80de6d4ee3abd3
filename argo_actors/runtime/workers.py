"""Threads that make an edge's calls, so that its cell never blocks."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

Work = Callable[[], Any]
Done = Callable[[Any, BaseException | None], None]


class Workers(Protocol):
    """Carries out calls; `done` is told the value or the error, on whatever thread."""

    def submit(self, work: Work, done: Done) -> None:
        """Begin the call when a worker is free."""
        ...

    def replace_lost(self) -> None:
        """A worker has been abandoned in a call: let another take its place."""
        ...


class ThreadWorkers:
    """A few daemon threads with one queue."""

    def __init__(self, count: int, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Work, Done]] = SimpleQueue()
        self._name = name
        self._lost = 0
        self._lock = threading.Lock()
        for _ in range(count):
            self._start()

    def submit(self, work: Work, done: Done) -> None:
        self._jobs.put((work, done))

    def replace_lost(self) -> None:
        with self._lock:
            self._lost += 1
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._run, name=f"{self._name} worker", daemon=True).start()

    def _run(self) -> None:
        while True:
            work, done = self._jobs.get()
            carry_out(work, done)
            if self._surplus():
                return

    def _surplus(self) -> bool:
        """A worker that comes back from an abandoned call goes, as another has its place."""
        with self._lock:
            if self._lost and getattr(_mine, "abandoned", False):
                self._lost -= 1
                return True
            return False


_mine = threading.local()


def abandoned_here() -> None:
    """Said on a worker's own thread: the call it has just ended had been abandoned."""
    _mine.abandoned = True


class InlineWorkers:
    """Calls made at once on the caller's thread: the deterministic driver."""

    def submit(self, work: Work, done: Done) -> None:
        carry_out(work, done)

    def replace_lost(self) -> None:
        """Nothing is ever abandoned."""


def carry_out(work: Work, done: Done) -> None:
    """Make the call and tell its outcome; nothing escapes into the worker's loop."""
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001 (the error is the answer)
        done(None, error)
    else:
        done(value, None)
