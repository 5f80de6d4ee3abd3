"""Read-only access to the day files of an account: openings, records, the chain."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from ..errors import ChainError, JournalError
from .codec import Opening, Record, decode_opening, decode_records, link
from .schema import open_for_reading
from .sealed import SUFFIX, sealed

PAGE = 200
HEAD = "head"
"""A second file with the last committed seq and chain value: it shows a log that lost its tail."""


class Block(NamedTuple):
    """A commit: its records and its chain value."""

    first: int
    last: int
    body: bytes
    h: bytes


def day_files(directory: Path) -> list[Path]:
    """The day files of an account, sealed ones included, oldest first."""
    plain = {path for path in directory.glob("????-??-??*.db") if not sealed(path).exists()}
    found = plain | set(directory.glob("????-??-??*.db" + SUFFIX))
    return sorted(found, key=lambda path: path.name.partition(".db")[0])


def head_seq(directory: Path) -> int:
    """The last committed record by the head file; 0 where there is none."""
    try:
        noted = (directory / HEAD).read_text().split()
    except OSError:
        return 0
    return int(noted[0]) if noted and noted[0].isdigit() else 0


def opening(path: Path) -> Opening:
    """How the file begins. Raises JournalError."""
    try:
        connection = open_for_reading(path)
        try:
            row = connection.execute("SELECT body, h FROM opening").fetchone()
        finally:
            connection.close()
    except apsw.Error as error:
        raise JournalError(
            f"{path}: not a readable journal: {error}", fix="restore the file from a backup"
        ) from None
    if row is None:
        raise JournalError(f"{path}: it has no opening", fix="restore the file from a backup")
    found = decode_opening(row[0], str(path))
    if link(found.chain, 0, found.last_seq, row[0]) != row[1]:
        raise ChainError(f"{path}: its opening has been changed", fix="restore it from a backup")
    return found


def blocks(path: Path, after: int = 0) -> Iterator[Block]:
    """The blocks behind a seq, in order, page by page (each page is one short transaction)."""
    query = "SELECT first, last, body, h FROM block WHERE last > ? ORDER BY first LIMIT ?"
    while True:
        page = [Block(*row) for row in _rows(path, query, after, PAGE)]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].last


def block_with(path: Path, seq: int) -> Block | None:
    """The block that holds a record, None when the file has none that does."""
    found = _rows(path, "SELECT * FROM block WHERE first <= ? ORDER BY first DESC LIMIT 1", seq)
    block = Block(*found[0]) if found else None
    return block if block is not None and block.last >= seq else None


def mentions(path: Path, name: str) -> list[int]:
    """First records of the blocks that mention an order of a symbol, or whose id holds `name`, newest first.

    By the side index; of a file that has lost its index, every block.
    """
    if not _rows(path, "SELECT 1 FROM mention LIMIT 1"):
        return [first for (first,) in _rows(path, "SELECT first FROM block ORDER BY first DESC")]
    found = _rows(
        path,
        "WITH orders AS (SELECT subject, first FROM mention WHERE subject LIKE 'client_order_id:%') "
        "SELECT first FROM mention WHERE subject = 'symbol:' || ?1 "
        "AND first IN (SELECT first FROM orders) "
        "UNION SELECT first FROM orders WHERE instr(subject, ?1) ORDER BY first DESC",
        name,
    )
    return [first for (first,) in found]


def _rows(path: Path, query: str, *values: int | str) -> list[tuple[Any, ...]]:
    """The answer to a query, in a short transaction of its own. Raises JournalError."""
    try:
        if path.suffix == SUFFIX:
            return list(_unpacked(path).execute(query, values))
        connection = open_for_reading(path)
        try:
            return list(connection.execute(query, values))
        finally:
            connection.close()
    except apsw.Error as error:
        raise JournalError(f"{path}: cannot be read: {error}", fix=FIX) from None


@lru_cache(maxsize=1)
def _unpacked(path: Path) -> apsw.Connection:
    """A sealed file is kept open: unpacking it takes long, and it never changes."""
    return open_for_reading(path)


def newest_state(path: Path) -> Opening:
    """From where a restart folds: the file's snapshot, or its opening when it has none to be trusted."""
    connection = open_for_reading(path)
    try:
        row = connection.execute(
            "SELECT seq, snapshot.body, snapshot.h, block.h FROM snapshot JOIN block ON last = seq"
        ).fetchone()
    except apsw.SQLError:
        row = None  # written before there were snapshots
    except apsw.Error as error:
        raise JournalError(f"{path}: cannot be read: {error}", fix=FIX) from None
    finally:
        connection.close()
    if row is None or link(row[3], row[0], row[0], row[1]) != row[2]:
        return opening(path)
    return decode_opening(row[1], str(path))


def records(path: Path, *, check: bool = True, after: int = 0) -> Iterator[Record]:
    """The records of a file in order; with `check`, every block's chain value is proved first.

    The blocks up to record `after`, which ends a block, are proved like the others and not read.
    Raises ChainError where a block is missing, changed or misplaced.
    """
    begun = opening(path)
    chain = link(begun.chain, 0, begun.last_seq, _body(path))
    expected = begun.last_seq + 1
    for block in blocks(path, begun.last_seq):
        if check:
            chain = _proved(path, chain, expected, block)
        if block.last <= after:
            expected = block.last + 1
            continue
        for record in decode_records(block.body, str(path)):
            if record.seq != expected:
                raise ChainError(f"{path}: record {expected} is missing", fix=FIX)
            expected += 1
            yield record


FIX = (
    "the file was damaged or changed after it was written: restore it from a backup, "
    "or start with a fresh --state directory (positions are read from the broker)"
)


def _body(path: Path) -> bytes:
    connection = open_for_reading(path)
    try:
        return bytes(connection.execute("SELECT body FROM opening").get)
    finally:
        connection.close()


def _proved(path: Path, chain: bytes, expected: int, block: Block) -> bytes:
    if block.first != expected:
        raise ChainError(
            f"{path}: the block that begins with record {expected} is missing", fix=FIX
        )
    now = link(chain, block.first, block.last, block.body)
    if now != block.h:
        raise ChainError(
            f"{path}: the block of records {block.first}-{block.last} was changed", fix=FIX
        )
    return now


def last_chain(path: Path) -> tuple[int, bytes]:
    """The last seq of a file and its chain value."""
    begun = opening(path)
    connection = open_for_reading(path)
    try:
        row = connection.execute("SELECT last, h FROM block ORDER BY first DESC LIMIT 1").fetchone()
        head = bytes(connection.execute("SELECT h FROM opening").get)
    finally:
        connection.close()
    return (begun.last_seq, head) if row is None else (row[0], row[1])
