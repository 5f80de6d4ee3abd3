"""The book on disk, so that a killed venue comes back with everything it had answered."""

from collections.abc import Iterable
from pathlib import Path

import apsw
import msgspec

from .matching import Account, Book, Fill, Order, Position

_ENCODE = msgspec.msgpack.Encoder().encode


class Store:
    """One SQLite file of named rows; each change is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = apsw.Connection(str(path))
        self._connection.set_busy_timeout(2000)
        self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        self._connection.execute("PRAGMA synchronous=NORMAL").fetchall()
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS row (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT"
        ).fetchall()

    def load(self, book: Book) -> bool:
        """Fill a book from the file. False when there is nothing yet."""
        rows = dict(self._connection.execute("SELECT name, body FROM row ORDER BY rowid"))
        if "now" not in rows:
            return False
        book.now = msgspec.msgpack.decode(rows["now"])
        book.account = msgspec.msgpack.decode(rows["account"], type=Account)
        for name, body in rows.items():
            if name.startswith("order:"):
                book.restore(msgspec.msgpack.decode(body, type=Order))
            elif name.startswith("position:"):
                one = msgspec.msgpack.decode(body, type=Position)
                book.positions[one.symbol] = one
        fills = [(int(name[9:]), body) for name, body in rows.items() if name[:9] == "activity:"]
        book.activities = [msgspec.msgpack.decode(body, type=Fill) for _, body in sorted(fills)]
        book.know_actions()
        return True

    def save(self, book: Book) -> None:
        """Write what has changed since the last call."""
        changed, book.changed = book.changed, set()
        if not changed:
            return
        rows = [(name, _ENCODE(_row(book, name))) for name in sorted(changed | {"account"})]
        self._write([*rows, ("now", _ENCODE(book.now))])

    def save_time(self, book: Book) -> None:
        """Write how far time has come."""
        self._write([("now", _ENCODE(book.now))])

    def _write(self, rows: Iterable[tuple[str, bytes]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO row VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            rows,
        )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _row(book: Book, name: str) -> object:
    kind, _, key = name.partition(":")
    match kind:
        case "order":
            return book.orders[key]
        case "position":
            return book.positions[key]
        case "activity":
            return book.activities[int(key)]
        case _:
            return book.account
