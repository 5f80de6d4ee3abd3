"""The only reader of time.

Market time is int ns UTC and never goes backward; machine time is monotonic seconds, for deadlines and
backoff at the edges only (design §4).
"""

import threading
import time
from typing import Protocol

from ..units import UtcNanos


class Clock(Protocol):
    """Market time."""

    def now(self) -> UtcNanos:
        """Nanoseconds UTC."""
        ...


def utc_now() -> UtcNanos:
    """The wall clock, read once at start and for corrections."""
    return time.time_ns()


def machine_seconds() -> float:
    """Monotonic machine time."""
    return time.monotonic()


def machine_sleep(seconds: float) -> None:
    """Let machine time pass."""
    time.sleep(seconds)


class SteadyClock:
    """Live market time: UTC at the start, carried on by the monotonic clock."""

    def __init__(self, start: UtcNanos | None = None) -> None:
        wall = utc_now()
        self._start = wall if start is None else start
        self._offset = wall - self._start
        self._zero = time.monotonic_ns()

    def now(self) -> UtcNanos:
        return self._start + time.monotonic_ns() - self._zero

    def behind(self) -> int:
        """Nanoseconds that the wall clock has gone further: the machine slept, or its clock was set."""
        return utc_now() - self._offset - self.now()

    def correct(self, by: int) -> None:
        """Move market time forward (a `ClockSet` says so in the journal)."""
        self._start += max(by, 0)


class SetClock:
    """Market time that stands until it is moved: lockstep, the deterministic driver, tests."""

    def __init__(self, start: UtcNanos) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> UtcNanos:
        return self._now

    def move_to(self, at: UtcNanos) -> None:
        """Later only: market time never goes backward."""
        with self._lock:
            self._now = max(self._now, at)
