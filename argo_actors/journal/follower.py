"""Follows a journal as it grows: what is outside the engine sees durable records, and only these."""

from pathlib import Path

from ..errors import JournalError
from .codec import Record, decode_records
from .reader import blocks, day_files, opening


class Follower:
    """A cursor over an account's day files, from a record of one of them on (without one: from the first)."""

    def __init__(self, directory: Path, after: int = 0, path: Path | None = None) -> None:
        self._directory = directory
        self.after = after
        self._day = None if path is None else _day(path)

    def poll(self) -> list[Record]:
        """The records that have become durable since the last poll, in order. Raises JournalError."""
        found: list[Record] = []
        for path in day_files(self._directory):
            if self._day is not None and _day(path) < self._day:
                continue
            try:
                self._read(path, found)
            except JournalError:
                if found:
                    break
                raise
        return found

    def _read(self, path: Path, found: list[Record]) -> None:
        if _day(path) != self._day:
            opening(path)  # a file that is only just being made has none
        for block in blocks(path, self.after):
            records = decode_records(block.body, str(path))
            found += [record for record in records if record.seq > self.after]
            self.after = block.last
        self._day = _day(path)


def _day(path: Path) -> str:
    """A day file's name, sealed or not: `2026-03-04`, `2026-03-04.02`."""
    return path.name.partition(".db")[0]
