"""Sealed day files: a day that is over is kept compressed, and read from memory.

The chain rests on the records, not on the file, so a sealed file verifies like an open one.
"""

import gzip
import os
import shutil
import zlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import apsw

SUFFIX = ".gz"


def sealed(path: Path) -> Path:
    """Where a day file lies once it is sealed."""
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)


def seal(*paths: Path) -> None:
    """Compress day files that nobody writes any more; what fails is tried again at the next start.

    The whole file stands under its new name before the old one goes, so a crash loses nothing.
    """
    for path in paths:
        part = path.with_name(path.name + ".part")
        try:
            _seal(path, part)
        except (OSError, apsw.Error):
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _seal(path: Path, part: Path) -> None:
    if not sealed(path).exists():
        _fold_wal(path)
        with path.open("rb") as plain, part.open("wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
                shutil.copyfileobj(plain, packed)
            raw.flush()
            os.fsync(raw.fileno())
        part.chmod(0o600)
        part.replace(sealed(path))
    path.unlink()


def open_sealed(path: Path) -> apsw.Connection:
    """A sealed file as a database in memory. Raises apsw.Error when it is damaged."""
    try:
        plain = _unpacked(path)
    except (OSError, EOFError, zlib.error) as error:
        raise apsw.CorruptError(f"cannot be unpacked: {error}") from None
    connection = apsw.Connection(":memory:")
    connection.deserialize("main", plain)
    return connection


@lru_cache(maxsize=1)
def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def _fold_wal(path: Path) -> None:
    """A database in memory has no write-ahead log: the last words of the day move into the file."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        if connection.pragma("journal_mode", "DELETE") != "delete":
            raise apsw.BusyError(f"{path}: somebody reads it")
    finally:
        connection.close()
