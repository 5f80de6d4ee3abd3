"""What a standby does until it is needed: read the active's records, and decide them again with its own code.

It only reads, in short transactions, and only what is on disk.
"""

from collections import deque
from pathlib import Path
from typing import Any

from loguru import logger

from ..errors import JournalError
from ..journal.codec import Record
from ..journal.follower import Follower
from ..journal.reader import day_files, head_seq, newest_state
from ..runtime.clock import machine_seconds
from ..units import UtcNanos
from .verify import Build, Difference, Verifier

FEW = 5
"""So many differences are shown; all are counted."""
MOST_AT_ONCE = 2000
AGAIN_SECONDS = 5.0
"""After a journal that could not be followed."""


class Shadow:
    """The states of the active's deciders, as far as its records have been read."""

    def __init__(self, directory: Path, build: Build) -> None:
        self._directory = directory
        self._build = build
        self._follower: Follower | None = None
        self._verifier: Verifier | None = None
        self._waiting: deque[Record] = deque()
        self._again_at = 0.0
        self._abreast_at = machine_seconds()
        self.seq = 0
        self.at: UtcNanos = 0
        self.records = 0
        self.decisions = 0
        self.differences = 0
        self.first: list[Difference] = []
        self.trouble = ""

    def poll(self) -> None:
        """Read and fold what is new, at most so much that the caller stays responsive."""
        if machine_seconds() < self._again_at:
            return
        try:
            if self._follow():
                self._fold()
        except JournalError as error:
            self._failed(error.what)
        except Exception as error:  # noqa: BLE001 (this code may fail on words that other code has recorded)
            self._failed(f"record {self.seq + 1} cannot be folded: {type(error).__name__}: {error}")

    def behind(self) -> dict[str, Any]:
        """How far the active is ahead: durable records, and seconds since we were abreast."""
        records = max(0, head_seq(self._directory) - self.seq)
        seconds = machine_seconds() - self._abreast_at
        return {"records": records, "seconds": round(seconds, 2)}

    def _follow(self) -> bool:
        """Read on; begin with the newest snapshot. False while there is no journal."""
        if self._follower is None or self._verifier is None:
            files = day_files(self._directory)
            if not files:
                self._abreast_at = machine_seconds()
                return False
            begun = newest_state(files[-1])
            self._waiting.clear()
            self._verifier = Verifier(begun, self._build)
            self._follower = Follower(self._directory, begun.last_seq, files[-1])
            self.seq, self.at = begun.last_seq, begun.at
        if not self._waiting:
            self._waiting.extend(self._follower.poll())
        return True

    def _fold(self) -> None:
        assert self._verifier is not None
        before = self._verifier.decisions
        for _ in range(min(MOST_AT_ONCE, len(self._waiting))):
            record = self._waiting.popleft()
            found = self._verifier.take(record)
            self.seq, self.at = record.seq, record.at
            self.records += 1
            self.differences += len(found)
            self.first += found[: FEW - len(self.first)]
        self.decisions += self._verifier.decisions - before
        if not self._waiting:
            self._abreast_at = machine_seconds()
            self.trouble = ""

    def _failed(self, what: str) -> None:
        if what != self.trouble:
            logger.warning("the active's journal cannot be followed: {}", what)
        self.trouble = what
        self._follower = self._verifier = None
        self._again_at = machine_seconds() + AGAIN_SECONDS
