"""The journal as a port: `append` joins a list and never blocks; one thread commits."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import JournalError
from ..messages import Message, WordId
from ..units import SECOND, UtcNanos
from .codec import Opening, Record, decode_records, encode, link
from .reader import HEAD
from .schema import open_for_writing
from .sealed import seal, sealed

CLOSE_SECONDS = 10.0


def day_of(at: UtcNanos) -> str:
    """The UTC date that a market time belongs to."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d")


class _Snapshot(NamedTuple):
    """An opening among the records that begins no file: from here a restart may fold."""

    state: Opening


class Journal:
    """The one writer of an account's day files.

    A commit that fails or is overdue is told to `failed` once: the process must end, because a refused
    commit may still be there after a restart, and nothing may be sent with a dead journal.
    """

    def __init__(
        self,
        path: Path,
        begin: Opening,
        *,
        failed: Callable[[str], None],
        commit_seconds: float = 0.05,
        commit_records: int = 1000,
    ) -> None:
        self.path = path
        self.next_seq = begin.last_seq + 1
        self.epoch = self.next_seq
        """The first record of this process: what was said before it is of an older epoch."""
        self.durable = begin.last_seq
        self.commits = 0
        self._failed = failed
        self._commit_seconds = commit_seconds
        self._commit_records = commit_records
        self._waiting: deque[Record | Opening | _Snapshot] = deque()
        """Appended at one end and committed from the other: each move is whole without a lock.
        An opening among the records is where a new file begins."""
        self._wanted = begin.last_seq
        self._closing = False
        self._dead = ""
        self._changed = threading.Condition()
        self._committed = threading.Condition()
        self._head = path.parent / HEAD
        self._sealing: threading.Thread | None = None
        self._open(begin)
        self._head.touch(mode=0o600)
        self._note_head(begin.last_seq)
        self._seal_others()
        self._start()

    def _start(self) -> None:
        """Let somebody commit: here a thread of the journal's own."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def _wake(self, wanted: int = 0) -> None:
        """There is something to commit now, up to this record at least."""
        with self._changed:
            self._wanted = max(self._wanted, wanted)
            self._changed.notify()

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Let the committer work until the condition holds; False when it does not in time."""
        with self._committed:
            return self._committed.wait_for(condition, seconds)

    def _finish(self) -> None:
        """Wait for the last commit."""
        self._thread.join(0 if self._dead else CLOSE_SECONDS)

    def append(
        self,
        at: UtcNanos,
        actor: str,
        heard: WordId | None,
        outcome: str,
        said: tuple[Message, ...],
        state_hash: bytes | None = None,
    ) -> int:
        """Join the log under the caller's lock (the office's), so that `seq` has no gaps."""
        seq = self.next_seq
        self._waiting.append(Record(seq, at, actor, heard, outcome, said, state_hash))
        self.next_seq = seq + 1
        if len(self._waiting) == self._commit_records:
            self._wake()
        return seq

    def wait_durable(self, seq: int, seconds: float) -> None:
        """Return once the record is on disk. Raises JournalError when it is not in time.

        A disk that is too slow to wait for is a dead one: the process ends.
        """
        if self.durable >= seq and not self._dead:
            return
        self._wake(seq)
        done = self._wait(lambda: self.durable >= seq or bool(self._dead), seconds)
        if not done and not self._dead:
            self._die(f"the journal is overdue: record {seq} is not on disk after {seconds:g} s")
        if self._dead:
            raise JournalError(f"record {seq} is not durable: {self._dead}")

    def roll(self, begin: Opening) -> None:
        """From the next record on, write into a new day file. Called under the office's lock."""
        self._waiting.append(begin)
        self._wake(begin.last_seq)

    def snapshot(self, state: Opening) -> None:
        """Keep the states as of `state.last_seq` beside the records. Called under the office's lock."""
        self._waiting.append(_Snapshot(state))

    def close(self) -> None:
        """Commit what waits and let go of the file. Raises JournalError when it cannot."""
        self._closing = True
        self._wake()
        self._finish()
        if self._sealing is not None:
            self._sealing.join(CLOSE_SECONDS)
        if self._dead:
            raise JournalError(self._dead)

    @property
    def backlog(self) -> int:
        """Records that are not on disk yet."""
        return self.next_seq - 1 - self.durable

    def _open(self, begin: Opening) -> None:
        self._connection = open_for_writing(self.path)
        self.path.chmod(0o600)
        row = self._connection.execute("SELECT h FROM opening").fetchone()
        if row is None:
            body = encode(begin)
            self._chain = link(begin.chain, 0, begin.last_seq, body)
            self._connection.execute("INSERT INTO opening VALUES (1, ?, ?)", (body, self._chain))
            return
        last = self._connection.execute(
            "SELECT h FROM block ORDER BY first DESC LIMIT 1"
        ).fetchone()
        self._chain = bytes((last or row)[0])
        if last and not self._connection.execute("SELECT 1 FROM mention LIMIT 1").fetchone():
            self._index_anew()

    def _index_anew(self) -> None:
        """The side index is lost: what the blocks mention is noted again."""
        blocks: list[tuple[Any, ...]] = self._connection.execute(
            "SELECT first, body FROM block"
        ).fetchall()
        self._connection.execute("BEGIN IMMEDIATE")
        for first, body in blocks:
            self._note_mentions(first, list(decode_records(body, str(self.path))))
        self._connection.execute("COMMIT")

    def _note_mentions(self, first: int, batch: list[Record]) -> None:
        self._connection.executemany(
            "INSERT OR IGNORE INTO mention VALUES (?, ?)",
            [(subject, first) for subject in sorted(_subjects(batch))],
        )

    def _seal_others(self) -> None:
        """Compress the days that are over, beside the work."""
        over = [one for one in self.path.parent.glob("????-??-??*.db") if one != self.path]
        if over:
            self._sealing = threading.Thread(
                target=seal, args=sorted(over), name="seal", daemon=True
            )
            self._sealing.start()

    def _run(self) -> None:
        try:
            while self._turn():
                pass
            self._connection.close()
        except Exception as error:  # noqa: BLE001 (whatever it is, nothing can be proved any more)
            self._die(f"the journal cannot be written: {type(error).__name__}: {error}")

    def _turn(self) -> bool:
        with self._changed:
            self._changed.wait_for(self._is_due, self._commit_seconds)
            closing = self._closing
        self._commit_waiting(len(self._waiting))
        return not (closing and not self._waiting)

    def _commit_waiting(self, count: int) -> None:
        """Commit the first so many of what waits."""
        batch: list[Record] = []
        for _ in range(count):
            one = self._waiting.popleft()
            if isinstance(one, Record):
                batch.append(one)
                continue
            self._commit(batch)
            batch = []
            if isinstance(one, _Snapshot):
                self._keep(one.state)
            else:
                self._begin_file(one)
        self._commit(batch)

    def _begin_file(self, begin: Opening) -> None:
        self._connection.close()
        self.path = new_file(self.path.parent, begin.at)
        self._open(msgspec.structs.replace(begin, chain=self._chain))
        self._seal_others()

    def _is_due(self) -> bool:
        return (
            self._wanted > self.durable
            or len(self._waiting) >= self._commit_records
            or self._closing
        )

    def _commit(self, batch: list[Record]) -> None:
        if not batch:
            return
        body = encode(batch)
        first, last = batch[0].seq, batch[-1].seq
        chain = link(self._chain, first, last, body)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(
            "INSERT INTO block VALUES (?, ?, ?, ?)", (first, last, body, chain)
        )
        self._note_mentions(first, batch)
        self._connection.execute("COMMIT")
        self._chain = chain
        self.commits += 1
        self._note_head(last)
        with self._committed:
            self.durable = last
            self._committed.notify_all()

    def _keep(self, state: Opening) -> None:
        """The newest snapshot takes the place of the one before it."""
        seq, body = state.last_seq, encode(state)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("DELETE FROM snapshot")
        self._connection.execute(
            "INSERT INTO snapshot VALUES (?, ?, ?)", (seq, body, link(self._chain, seq, seq, body))
        )
        self._connection.execute("COMMIT")

    def _note_head(self, last: int) -> None:
        self._head.write_text(f"{last} {self._chain.hex()}\n")

    def _die(self, what: str) -> None:
        with self._committed:
            if self._dead:
                return
            self._dead = what
            self._committed.notify_all()
        self._failed(what)


def new_file(directory: Path, at: UtcNanos) -> Path:
    """The path of a day file that does not exist yet."""
    day = day_of(at)
    path = directory / f"{day}.db"
    number = 1
    while path.exists() or sealed(path).exists():
        number += 1
        path = directory / f"{day}.{number:02}.db"
    return path


def _subjects(batch: list[Record]) -> set[str]:
    found = {record.actor for record in batch}
    for record in batch:
        for message in record.said:
            for name in _naming(type(message)):
                value = getattr(message, name)
                if value:
                    found.add(f"{name}:{value}")
    return found


@cache
def _naming(kind: type[Message]) -> tuple[str, ...]:
    """The fields by which a message is found again."""
    return tuple(one for one in ("symbol", "client_order_id") if one in kind.__struct_fields__)
