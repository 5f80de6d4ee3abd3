"""Machine-time alarms: deadlines, backoff, slow probes. One thread rings them all."""

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Protocol

from ..units import SECOND
from .clock import machine_seconds


class Alarm(Protocol):
    """Rings a function after so many machine seconds."""

    def after(self, seconds: float, ring: Callable[[], None]) -> None:
        """`ring` must not block: it posts to a mailbox."""
        ...

    def seconds(self) -> float:
        """Machine time, as this alarm counts it."""
        ...


class ThreadAlarm:
    """Alarms on one daemon thread."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="alarm", daemon=True)
        self._thread.start()

    def after(self, seconds: float, ring: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._due, (machine_seconds() + seconds, next(self._number), ring))
            self._changed.notify()

    def seconds(self) -> float:
        return machine_seconds()

    def close(self) -> None:
        """No alarm rings any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                wait = self._due[0][0] - machine_seconds() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, ring = heapq.heappop(self._due)
            ring()


class VirtualAlarm:
    """Alarms of the deterministic driver and of tests: they ring when virtual time is moved past them."""

    def __init__(self) -> None:
        self.now = 0
        """Virtual nanoseconds since the start."""
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, ring: Callable[[], None]) -> None:
        due = self.now + round(seconds * SECOND)
        heapq.heappush(self._due, (due, next(self._number), ring))

    def seconds(self) -> float:
        return self.now / SECOND

    def ring_next(self, until: int) -> bool:
        """Move to the next alarm that is due by then, and ring it. False when there is none."""
        if not self._due or self._due[0][0] > until:
            self.now = max(self.now, until)
            return False
        self.now, _, ring = heapq.heappop(self._due)
        ring()
        return True
