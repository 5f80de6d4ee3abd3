"""Follows a journal as it grows: what is outside the engine sees durable records, and only these."""

from pathlib import Path

from .codec import Record, decode_records
from .reader import blocks, day_files, opening


class Follower:
    """A cursor over an account's day files."""

    def __init__(self, directory: Path, after: int = 0) -> None:
        self._directory = directory
        self.after = after
        self._path: Path | None = None

    def poll(self) -> list[Record]:
        """The records that have become durable since the last poll, in order."""
        found: list[Record] = []
        for path in self._open_files():
            for block in blocks(path, self.after):
                records = decode_records(block.body, str(path))
                found += [record for record in records if record.seq > self.after]
                self.after = block.last
            self._path = path
        return found

    def _open_files(self) -> list[Path]:
        files = day_files(self._directory)
        if self._path in files:
            return files[files.index(self._path) :]
        return [path for path in files if opening(path).format]
