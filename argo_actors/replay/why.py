"""Why an order was sent: the words it rests on, followed through `because` to the sources."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import UsageError
from ..journal.reader import day_files, records
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
    """Every word of an account's journal by its identity."""

    def __init__(self, directory: Path) -> None:
        self._words: dict[WordId, tuple[UtcNanos, str, Message]] = {}
        for path in day_files(directory):
            for record in records(path, check=False):
                for n, message in enumerate(record.said):
                    self._words[WordId(record.seq, n)] = (record.at, record.actor, message)

    def find_order(self, order: str) -> WordId:
        """The command that sent an order; the newest whose id or symbol fits. Raises UsageError."""
        found = [
            word
            for word, (_, _, message) in self._words.items()
            if isinstance(message, SubmitOrder)
            and (order in message.client_order_id or message.symbol == order)
        ]
        if not found:
            raise UsageError(f"no order {order!r} in the journal", fix="see `argo orders`")
        return found[-1]

    def reasons(self, word: WordId, depth: int = 0) -> Iterator[Reason]:
        """The word and, below it, what it rests on; each word once."""
        yield from self._reasons(WordId(*word), depth, set())

    def _reasons(self, word: WordId, depth: int, seen: set[WordId]) -> Iterator[Reason]:
        if word in seen or word not in self._words:
            return
        seen.add(word)
        at, actor, message = self._words[word]
        yield Reason(depth, word, at, actor, message)
        for below in getattr(message, "because", ()):
            yield from self._reasons(WordId(*below), depth + 1, seen)


def shown(message: Message) -> dict[str, Any]:
    """The message's fields, without its reasons and without what is empty."""
    fields: dict[str, Any] = msgspec.to_builtins(_fields(message))
    return {
        name: value
        for name, value in fields.items()
        if name != "because" and value not in (None, "", [], ())
    }


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__struct_fields__}
