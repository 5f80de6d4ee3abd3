"""A day file's tables and the settings of its connection."""

from pathlib import Path

import apsw

from .sealed import SUFFIX, open_sealed, sealed

SCHEMA = """
CREATE TABLE IF NOT EXISTS opening (
    id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL, h BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS block (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, body BLOB NOT NULL, h BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS mention (
    subject TEXT NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (subject, first)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshot (
    seq INTEGER PRIMARY KEY, body BLOB NOT NULL, h BLOB NOT NULL) STRICT;
"""
"""`mention` is the side index: actor, symbol or order id to block. It can be rebuilt and is not chained.
`snapshot` saves a restart the folding of what came before; it rests on the chain, and never the other way."""


def open_for_writing(path: Path) -> apsw.Connection:
    """The one writing connection of a day file: WAL, synchronous FULL."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(2000)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "cell_size_check=ON",
        "mmap_size=0",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(SCHEMA).fetchall()
    connection.execute("COMMIT")
    return connection


def open_for_reading(path: Path) -> apsw.Connection:
    """A read-only connection; keep its transactions short."""
    if not path.exists() or path.suffix == SUFFIX:
        return open_sealed(sealed(path))
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(2000)
    return connection
