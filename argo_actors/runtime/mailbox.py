"""A named mailbox and its class rules; it outlives every behaviour behind it.

`post` never blocks and never raises. The dispatcher behind it (core thread, own thread, deterministic
driver) gives the bell that each accepted word rings once.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from pykka._envelope import Envelope

from ..messages import Message, WordId
from ..messages.routes import MailClass


class Word(msgspec.Struct, frozen=True, gc=False):
    """A message on its way, under the identity its record gave it."""

    id: WordId
    message: Message


class _Newest(NamedTuple):
    """The place in the queue that the newest word of a key holds."""

    key: str


Bell = Callable[["Mailbox"], None]
Serve = Callable[[Any], None]
"""Processes one item: what the dispatcher calls for the mailbox's cell."""

_KEPT = MailClass.KEPT
_LATEST = MailClass.LATEST


class Mailbox:
    """Mail of one address: control first, then in order, the newest of each `latest` key only."""

    __slots__ = (
        "_control",
        "_errands",
        "_lock",
        "_newest",
        "_queue",
        "address",
        "bell",
        "held",
        "serve",
        "superseded",
        "taken",
    )

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.bell: Bell = _no_bell
        self.serve: Serve = _not_served
        self.held = False
        self.superseded = 0
        self.taken: Any = None
        self._control: deque[Any] = deque()
        self._errands: deque[Any] = deque()
        self._queue: deque[Any] = deque()
        self._newest: dict[str, Any] = {}
        self._lock = threading.Lock()

    def post(self, item: Any, mail: MailClass = MailClass.KEPT, key: str = "") -> bool:
        """Take an item in. False when it replaced a waiting one of its key."""
        if mail is _KEPT:
            self._queue.append(item)
        elif mail is _LATEST:
            with self._lock:
                if key in self._newest:
                    self._newest[key] = item
                    self.superseded += 1
                    return False
                self._newest[key] = item
                self._queue.append(_Newest(key))
        else:
            self._control.append(item)
        self.bell(self)
        return True

    def take(self) -> Any:
        """The next item, None when there is none or the mailbox is held.

        It is noted as `taken` before it leaves the queue, so that a word is always in one or the other
        until its record is in the log.
        """
        if self._errands:
            return self._errands.popleft()
        queue = self._control or self._queue
        if not queue or self.held:
            return None
        self.taken = item = queue[0]
        if type(item) is _Newest:
            with self._lock:
                self.taken = item = self._newest.pop(item.key)
                queue.popleft()
            return item
        queue.popleft()
        return item

    def errand(self, item: Any) -> None:
        """Take in what is no mail (the order to begin anew): it goes first, even when mail is held."""
        self._errands.append(item)
        self.bell(self)

    def waiting(self) -> tuple[Word, ...]:
        """The words that wait, in the order in which they would be taken."""
        with self._lock:
            queued = list(self._queue)
            found = [
                *self._control,
                *(self._newest.get(i.key) if type(i) is _Newest else i for i in queued),
            ]
        return tuple(item for item in found if type(item) is Word)

    def __len__(self) -> int:
        return len(self._control) + len(self._queue)

    def put(self, envelope: "Envelope[Any]") -> None:
        """pykka's own door: asks and stops come in by it."""
        self._queue.append(envelope)
        self.bell(self)

    def empty(self) -> bool:
        """pykka asks it when an actor is torn down."""
        return not self._queue and not self._control

    def qsize(self) -> int:
        """pykka's name for the length."""
        return len(self)


def _no_bell(_: Mailbox) -> None:
    """Until a dispatcher takes the mailbox in, its words just wait."""


def _not_served(_: Any) -> None:
    """Until a dispatcher takes the mailbox in, nothing is handed out."""
