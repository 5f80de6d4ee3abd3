"""How a test waits: for a condition, never for a time."""

import time
from collections.abc import Callable

WAIT_SECONDS = 30.0
"""On a busy machine what takes a moment takes seconds; a test that fails may take its time."""


def until(true: Callable[[], object], what: str = "it did not happen") -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.002)
