"""Why an order was sent: the words it rests on, followed through `because` to the sources."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import UsageError
from ..journal.codec import Record, decode_records
from ..journal.reader import block_with, day_files, mentions, opening
from ..messages import Message, WordId
from ..messages.order import SubmitOrder
from ..units import UtcNanos


class Reason(NamedTuple):
    """A word, who said it when, and how deep it lies below the question."""

    depth: int
    word: WordId
    at: UtcNanos
    actor: str
    message: Message


class Words:
    """The words of an account's journal by their identities, found by the side index of each file."""

    def __init__(self, directory: Path) -> None:
        self._files = [(opening(path).last_seq, path) for path in reversed(day_files(directory))]
        self._blocks: dict[int, tuple[Record, ...]] = {}

    def find_order(self, order: str) -> WordId:
        """The command that sent an order; the newest whose id or symbol fits. Raises UsageError."""
        for _, path in self._files:
            for first in mentions(path, order):
                for record in reversed(self._block(path, first)):
                    for n, message in reversed(list(enumerate(record.said))):
                        if isinstance(message, SubmitOrder) and (
                            order in message.client_order_id or message.symbol == order
                        ):
                            return WordId(record.seq, n)
        raise UsageError(f"no order {order!r} in the journal", fix="see `argo orders`")

    def _block(self, path: Path, seq: int) -> tuple[Record, ...]:
        """The records committed together with one."""
        block = block_with(path, seq)
        if block is None:
            return ()
        if block.first not in self._blocks:
            self._blocks[block.first] = decode_records(block.body, str(path))
        return self._blocks[block.first]

    def _record(self, seq: int) -> Record | None:
        for before, path in self._files:
            if before < seq:
                found = (one for one in self._block(path, seq) if one.seq == seq)
                return next(found, None)
        return None

    def reasons(self, word: WordId, depth: int = 0) -> Iterator[Reason]:
        """The word and, below it, what it rests on; each word once."""
        yield from self._reasons(WordId(*word), depth, set())

    def _reasons(self, word: WordId, depth: int, seen: set[WordId]) -> Iterator[Reason]:
        record = None if word in seen else self._record(word.seq)
        if record is None or word.n >= len(record.said):
            return
        seen.add(word)
        message = record.said[word.n]
        yield Reason(depth, word, record.at, record.actor, message)
        for below in getattr(message, "because", ()):
            yield from self._reasons(WordId(*below), depth + 1, seen)


def shown(message: Message) -> dict[str, Any]:
    """The message's fields by their names, without its reasons and without what is empty."""
    fields: dict[str, Any] = msgspec.to_builtins(_named(message))
    return {
        name: value
        for name, value in fields.items()
        if name != "because" and value not in (None, "", [])
    }


def _named(value: Any) -> Any:
    """Structs by their fields' names, also within others: they are written as arrays otherwise."""
    if isinstance(value, msgspec.Struct):
        return {name: _named(getattr(value, name)) for name in value.__struct_fields__}
    return [_named(one) for one in value] if isinstance(value, tuple) else value
