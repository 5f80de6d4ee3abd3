"""The same work as in `_ours`, by stock pykka's means: ThreadingActors and their own `tell`."""

import itertools
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pykka

from argo_actors.journal.codec import GENESIS, Record, encode, link
from argo_actors.journal.schema import open_for_writing
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import Decide
from argo_actors.messages.routes import recipients, subject
from argo_actors.runtime.decider import Decider, Heard, fold_said, step
from argo_actors.units import SECOND

from ._ours import STAGES, Nothing, cycle, prepare, real_deciders

COMMIT_RECORDS = 1000


class Ball(msgspec.Struct, frozen=True, gc=False):
    """What stock actors pass on."""

    n: int


def stock_tell(words: int) -> float:
    """One ThreadingActor, told so many messages."""
    done = threading.Event()

    class Sink(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> None:
            if message.n == words - 1:
                done.set()

    ref = Sink.start()
    balls = [Ball(n) for n in range(words)]
    begun = time.perf_counter()
    for ball in balls:
        ref.tell(ball)
    done.wait(60)
    took = time.perf_counter() - begun
    ref.stop()
    return words / took


def stock_pipeline(words: int) -> float:
    """Five ThreadingActors in a row; each passes every message on."""
    done = threading.Event()

    class Stage(pykka.ThreadingActor):
        def __init__(self, after: Any) -> None:
            super().__init__()
            self.after = after

        def on_receive(self, message: Any) -> None:
            if self.after is not None:
                self.after.tell(message)
            elif message.n == words - 1:
                done.set()

    refs: list[Any] = []
    for _ in range(STAGES):
        refs.append(Stage.start(refs[-1] if refs else None))
    balls = [Ball(n) for n in range(words)]
    begun = time.perf_counter()
    for ball in balls:
        refs[-1].tell(ball)
    done.wait(120)
    took = time.perf_counter() - begun
    for ref in refs:
        ref.stop()
    return words * STAGES / took


class Flush:
    """Asks the journal's actor to finish."""


class DiskJournal(pykka.ThreadingActor):
    """Records as our journal keeps them: chained blocks, each one commit on disk."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.done = threading.Event()
        self._path = path
        self._chain = GENESIS
        self._batch: list[Record] = []

    def on_start(self) -> None:
        self._connection = open_for_writing(self._path)

    def on_receive(self, message: Any) -> None:
        if type(message) is Flush:
            self._commit()
            self.done.set()
            return
        self._batch.append(message)
        if len(self._batch) == COMMIT_RECORDS:
            self._commit()

    def _commit(self) -> None:
        if not self._batch:
            return
        body = encode(self._batch)
        first, last = self._batch[0].seq, self._batch[-1].seq
        self._chain = link(self._chain, first, last, body)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(
            "INSERT INTO block VALUES (?, ?, ?, ?)", (first, last, body, self._chain)
        )
        self._connection.execute("COMMIT")
        self._batch = []


class MemoryJournal(pykka.ThreadingActor):
    """Encodes every record and keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()

    def on_receive(self, message: Any) -> None:
        if type(message) is Flush:
            self.done.set()
        else:
            encode(message)


class World:
    """Addresses, the next seq, and how many words are under way."""

    def __init__(self, journal: Any, deciders: dict[str, Decider[Any]]) -> None:
        self.seq = itertools.count(1)
        self.at = SECOND
        self.journal = journal
        self._count = 0
        self._lock = threading.Lock()
        self._still = threading.Event()
        self._resolved: dict[tuple[type[Message], str], tuple[Any, ...]] = {}
        self.refs = {one: Acting.start(one, rules, self) for one, rules in deciders.items()}

    def record(self, actor: str, heard: WordId | None, at: int, said: tuple[Message, ...]) -> int:
        """Tell the journal of a step. Returns its seq."""
        seq = next(self.seq)
        self.journal.tell(Record(seq, at, actor, heard, "said", said))
        return seq

    def post(self, seq: int, at: int, said: tuple[Message, ...]) -> None:
        """Tell each word to whom it is for."""
        for n, message in enumerate(said):
            key = (type(message), subject(message))
            to = self._resolved.get(key)
            if to is None:
                to = tuple(self.refs[one] for one in recipients(message, self.refs))
                self._resolved[key] = to
            heard = Heard(WordId(seq, n), at, message)
            for ref in to:
                self.begin()
                ref.tell(heard)

    def say(self, actor: str, said: tuple[Message, ...]) -> None:
        """An edge's words."""
        self.post(self.record(actor, None, self.at, said), self.at, said)

    def begin(self) -> None:
        with self._lock:
            self._count += 1

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if not self._count:
                self._still.set()

    def settle(self) -> None:
        """Wait until every word is heard; what was begun for the waiter ends here."""
        self.end()
        self._still.wait(60)
        self._still.clear()


class Acting(pykka.ThreadingActor):
    """A decider as a stock actor: step, record, fold, tell."""

    def __init__(self, address: str, decider: Decider[Any], world: World) -> None:
        super().__init__()
        self.handled = 0
        self._address = address
        self._decider = decider
        self._state = decider.initial
        self._world = world

    def on_receive(self, message: Any) -> None:
        heard: Heard = message
        done = step(self._decider, self._state, heard)
        seq = self._world.record(self._address, heard.word, heard.at, done.said)
        self._state = fold_said(self._decider, done.state, seq, heard.at, done.said)
        self._world.post(seq, heard.at, done.said)
        self.handled += 1
        self._world.end()


@contextmanager
def _world(journal: Any, deciders: dict[str, Decider[Any]]) -> Iterator[World]:
    world = World(journal, deciders)
    try:
        yield world
    finally:
        for ref in (*world.refs.values(), journal):
            ref.stop()


def _flush(journal: Any) -> None:
    actor = journal._actor_weakref()
    journal.tell(Flush())
    actor.done.wait(60)


def stock_recorded_tell(words: int) -> float:
    """One actor that tells a journal's actor of each step; that one commits chained blocks to disk."""
    with tempfile.TemporaryDirectory() as directory:
        journal = DiskJournal.start(Path(directory) / "2026-01-01.db")
        rules = Decider(Nothing(), lambda s, h: s, lambda s, h: ())
        with _world(journal, {"consensus": rules}) as world:
            mail = [Heard(WordId(n, 0), 0, Decide(n=n)) for n in range(words)]
            begin, tell = world.begin, world.refs["consensus"].tell
            begin()
            begun = time.perf_counter()
            for heard in mail:
                begin()
                tell(heard)
            world.settle()
            _flush(journal)
            return words / (time.perf_counter() - begun)


def stock_deciders(words: int) -> float:
    """The same deciders, each an actor; every step is told to a journal's actor that encodes it."""
    journal = MemoryJournal.start()
    with _world(journal, real_deciders()) as world:
        actors = [ref._actor_weakref() for ref in world.refs.values()]
        world.begin()
        prepare(world.say)
        world.settle()
        before = sum(actor.handled for actor in actors)
        begun = time.perf_counter()
        n = 0
        while (heard := sum(actor.handled for actor in actors) - before) < words:
            n += 1
            world.at = n * 5 * SECOND
            world.begin()
            cycle(world.say, n, world.at)
            world.settle()
        _flush(journal)
        return heard / (time.perf_counter() - begun)
