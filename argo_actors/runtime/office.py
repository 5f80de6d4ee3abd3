"""Where records become mail: the one lock under which log, states and mailboxes move together.

A step's words are appended to the log, folded into its actor's state and posted in one move. So the
order of the log is the order of the mail, no word leaves before its record is in the log, and whoever
holds the lock sees every state and every mailbox as of one `seq`.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import msgspec

from ..messages import Message, WordId
from ..messages.routes import ROUTES, MailClass, Route, recipients, subject
from ..units import UtcNanos
from .clock import Clock
from .mailbox import Mailbox, Word

SAID = "said"
HASH_EVERY = 1000
"""Each so many records, the record carries the hash of its actor's state."""


class Log(Protocol):
    """The journal, as the engine sees it: a port, not an actor."""

    next_seq: int

    def append(
        self,
        at: UtcNanos,
        actor: str,
        heard: WordId | None,
        outcome: str,
        said: tuple[Message, ...],
        state_hash: bytes | None = None,
    ) -> int:
        """Join the log; never blocks. Returns the record's `seq`."""
        ...


def state_hash(state: msgspec.Struct) -> bytes:
    """Sixteen bytes that tell two states apart."""
    return hashlib.blake2b(_ENCODER.encode(state), digest_size=16).digest()


_ENCODER = msgspec.msgpack.Encoder()


def _key(route: Route, message: Message) -> str:
    """What a `latest` word replaces: a word of its own type about the same thing, and no other."""
    return "" if route.key is None else f"{type(message).__name__}|{route.key(message)}"


Fold = Callable[[int, UtcNanos, tuple[Message, ...]], msgspec.Struct]
"""Given the record's seq, time and words, folds these into the actor's state and returns that."""


class _Way(NamedTuple):
    """Where one type of message goes: its route, and the mailboxes found so far by subject."""

    route: Route
    addressed: bool
    """The recipients depend on what the message is about."""
    found: dict[str, tuple[Mailbox, ...]]


class Activity:
    """How many words and calls are under way; whoever waits for stillness waits here.

    A deque's `append`, `pop` and length are each one move under the interpreter's lock, so that the
    words need none of their own.
    """

    __slots__ = ("_changed", "_under_way", "_watched", "begin")

    def __init__(self) -> None:
        self._under_way: deque[None] = deque()
        self._watched = 0
        self._changed = threading.Condition()
        self.begin = partial(self._under_way.append, None)
        """One more is under way."""

    def end(self) -> None:
        """One is done. An actor held while it takes a word may end it twice: the second is nothing."""
        try:
            self._under_way.pop()
        except IndexError:
            return
        if self._watched and not self._under_way:
            with self._changed:
                self._changed.notify_all()

    @property
    def still(self) -> bool:
        """Nothing is under way."""
        return self.still_but_for(0)

    def still_but_for(self, count: int) -> bool:
        """No more than so many are under way."""
        return len(self._under_way) <= count

    def wait_still(self, seconds: float) -> bool:
        """Wait until nothing is under way; False after so many machine seconds."""
        with self._changed:
            self._watched += 1
            try:
                return self._changed.wait_for(lambda: self.still, seconds)
            finally:
                self._watched -= 1


class Office:
    """The directory of addresses, and the passage of every word."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.lock = threading.Lock()
        self.activity = Activity()
        self.cells: dict[str, Any] = {}
        self.wakes: dict[str, UtcNanos] = {}
        self._mailboxes: dict[str, Mailbox] = {}
        self._ways: dict[type[Message], _Way] = {}
        self._last_at: dict[str, UtcNanos] = {}

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address, in the order of registration."""
        return tuple(self._mailboxes)

    def register(self, address: str, mailbox: Mailbox, cell: Any) -> None:
        """Give a mailbox its address, for the life of the process."""
        with self.lock:
            mailbox.address = address
            self._mailboxes[address] = mailbox
            self.cells[address] = cell
            self._ways.clear()

    def mailbox(self, address: str) -> Mailbox:
        """The mailbox of an address."""
        return self._mailboxes[address]

    def time_for(self, actor: str) -> UtcNanos:
        """Market time of the actor's next step: now, and never before its last one."""
        now, last = self.clock.now(), self._last_at.get(actor, 0)
        return now if now > last else last  # noqa: FURB136 (max is a call, on every step)

    def record(
        self,
        actor: str,
        said: tuple[Message, ...],
        *,
        at: UtcNanos | None = None,
        heard: WordId | None = None,
        outcome: str = SAID,
        fold: Fold | None = None,
    ) -> int:
        """Append a step to the log, fold its words, post them. Returns the record's `seq`."""
        with self.lock:
            if at is None:
                at = self.time_for(actor)
            seq = self.log.next_seq
            proof = None
            if fold is not None:
                state = fold(seq, at, said)
                if seq % HASH_EVERY == 0:
                    proof = state_hash(state)
            self.log.append(at, actor, heard, outcome, said, proof)
            self._last_at[actor] = at
            if said:
                for n, message in enumerate(said):
                    self._post(Word(WordId(seq, n), message))
            return seq

    def deliver(self, address: str, word: Word) -> None:
        """Post a recorded word to one address again (mail in flight at a restart)."""
        route = ROUTES[type(word.message)]
        key = _key(route, word.message)
        with self.lock:
            self._drop_in(self._mailboxes[address], word, route.mail, key)

    def notify(self, address: str, notice: object, mail: MailClass = MailClass.KEPT) -> None:
        """Post an edge's own notice (an answer, an alarm): it is no word and is not recorded."""
        with self.lock:
            self._drop_in(self._mailboxes[address], notice, mail, "")

    def errand(self, address: str, item: object) -> None:
        """Hand an actor what is no mail: it goes first, even while the mail is held."""
        with self.lock:
            self.activity.begin()
            self._mailboxes[address].errand(item)

    def hold(self, address: str) -> None:
        """Keep this address's mail until `release`; what waits there is no activity."""
        with self.lock:
            mailbox = self._mailboxes[address]
            if not mailbox.held:
                mailbox.held = True
                for _ in range(len(mailbox)):
                    self.activity.end()

    def release(self, address: str) -> None:
        """Hand out again what waited."""
        with self.lock:
            mailbox = self._mailboxes[address]
            if mailbox.held:
                mailbox.held = False
                for _ in range(len(mailbox)):
                    self.activity.begin()
                    mailbox.bell(mailbox)

    def _post(self, word: Word) -> None:
        message = word.message
        way = self._ways.get(type(message)) or self._way(type(message))
        about = subject(message) if way.addressed else ""
        mailboxes = way.found.get(about)
        if mailboxes is None:
            mailboxes = tuple(self._mailboxes[one] for one in recipients(message, self._mailboxes))
            way.found[about] = mailboxes
        route = way.route
        key = "" if route.key is None else _key(route, message)
        for mailbox in mailboxes:
            self._drop_in(mailbox, word, route.mail, key)

    def _drop_in(self, mailbox: Mailbox, item: object, mail: MailClass, key: str) -> None:
        if mailbox.held:
            mailbox.post(item, mail, key)
            return
        self.activity.begin()
        if not mailbox.post(item, mail, key):
            self.activity.end()

    def _way(self, kind: type[Message]) -> _Way:
        route = ROUTES[kind]
        addressed = any("{" in pattern for pattern in route.to)
        self._ways[kind] = _Way(route, addressed, {})
        return self._ways[kind]
