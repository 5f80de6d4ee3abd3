"""What `bin/bench messaging` measures of ours; the same work by stock pykka's means is in `_stock`."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import msgspec

from argo_actors.config import Config
from argo_actors.consensus.decider import consensus
from argo_actors.journal.codec import GENESIS, Opening, Record, encode
from argo_actors.journal.writer import Journal
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import Decide, MarketHours, Quote, QuoteSeen, Tick
from argo_actors.messages.opinion import Opinion, SourceStatus
from argo_actors.messages.order import BrokerLink, BrokerReady
from argo_actors.order.decider import order
from argo_actors.risk.decider import risk
from argo_actors.runtime.cell import DeciderCell
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.core import Core
from argo_actors.runtime.decider import Decider
from argo_actors.runtime.mailbox import Mailbox, Word
from argo_actors.runtime.office import Office
from argo_actors.runtime.stepped import Stepped
from argo_actors.tracker.decider import tracker
from argo_actors.units import DAY, HOUR, SECOND
from tests.risk.worlds import account, asset

STAGES = 5
FAR_OFF = 10_000 * DAY
SYMBOLS = ("AAPL", "BTC-USD", "MSFT", "SPY")


class Nothing(msgspec.Struct, frozen=True, gc=False, tag=True):
    """No state."""

    n: int = 0


class Sink:
    """The far end of a mailbox."""

    def __init__(self, words: int) -> None:
        self.address = "sink"
        self.mailbox = Mailbox("sink")
        self.left = words
        self.done = threading.Event()

    def process(self, item: Any) -> None:
        self.left -= 1
        if not self.left:
            self.done.set()


def our_tell(words: int) -> float:
    """Our mailbox and core thread, without any record."""
    core, sink = Core(), Sink(words)
    core.attach(sink)  # type: ignore[arg-type]
    core.start()
    mail = [Word(WordId(n, 0), Tick(n=n)) for n in range(words)]
    post = sink.mailbox.post
    begun = time.perf_counter()
    for word in mail:
        post(word)
    sink.done.wait(60)
    took = time.perf_counter() - begun
    core.stop()
    return words / took


def our_recorded_tell(words: int) -> float:
    """Guard, step, fold and record of each word, with the journal's commits on disk."""
    with tempfile.TemporaryDirectory() as directory:
        begin = Opening(1, 0, 0, GENESIS, "", "", (), ())
        journal = Journal(Path(directory) / "2026-01-01.db", begin, failed=print)
        office = Office(journal, SetClock(0))
        cell = _cell(office, "consensus", Decider(Nothing(), lambda s, h: s, lambda s, h: ()))
        core = Core()
        core.attach(cell)
        core.start()
        mail = [Word(WordId(n, 0), Decide(n=n)) for n in range(words)]
        post, begin = cell.mailbox.post, office.activity.begin
        begun = time.perf_counter()
        for word in mail:
            begin()
            post(word)
        office.activity.wait_still(60)
        journal.wait_durable(journal.next_seq - 1, 60)
        took = time.perf_counter() - begun
        core.stop()
        journal.close()
    return words / took


class MemoryLog:
    """A journal that encodes every record and keeps nothing."""

    def __init__(self, encoding: bool) -> None:
        self.next_seq = 1
        self._encoding = encoding

    def append(
        self,
        at: int,
        actor: str,
        heard: WordId | None,
        outcome: str,
        said: tuple[Message, ...],
        state_hash: bytes | None = None,
    ) -> int:
        seq = self.next_seq
        if self._encoding:
            encode(Record(seq, at, actor, heard, outcome, said, state_hash))
        self.next_seq = seq + 1
        return seq


def our_pipeline(words: int) -> float:
    """Five empty behaviours in a row on the deterministic driver."""
    driver = Stepped()
    stages: list[Stage] = []
    for n in range(STAGES):
        stages.append(Stage(f"s{n}", stages[-1] if stages else None))
        driver.attach(stages[-1])
    mail = [Word(WordId(n, 0), Tick(n=n)) for n in range(words)]
    begun = time.perf_counter()
    for word in mail:
        stages[-1].mailbox.post(word)
        driver.run()
    return words * STAGES / (time.perf_counter() - begun)


class Stage:
    """A cell with nothing in it."""

    def __init__(self, address: str, after: "Stage | None") -> None:
        self.address = address
        self.mailbox = Mailbox(address)
        self._after = after

    def process(self, item: Any) -> None:
        if self._after is not None:
            self._after.mailbox.post(item)


class Says(Protocol):
    """Where an edge's words go."""

    def __call__(self, actor: str, said: tuple[Message, ...]) -> object: ...


def real_deciders() -> dict[str, Decider[Any]]:
    """Consensus, risk, tracker and four order actors."""
    config = Config(account="bench", symbols=SYMBOLS)
    return {
        "consensus": consensus(config),
        "risk": risk(config),
        "tracker": tracker(config),
        **{f"order/{one}": order(config, one, "0000") for one in SYMBOLS},
    }


def our_deciders(words: int) -> float:
    """The real deciders, with records and their encoding, on the deterministic driver."""
    clock = SetClock(SECOND)
    office = Office(MemoryLog(encoding=True), clock)
    driver = Stepped()
    cells = [_cell(office, address, decider) for address, decider in real_deciders().items()]
    for cell in cells:
        driver.attach(cell)
    prepare(office.record)
    driver.run()
    before = sum(cell.handled for cell in cells)
    begun = time.perf_counter()
    n = 0
    while (heard := sum(cell.handled for cell in cells) - before) < words:
        n += 1
        clock.move_to(n * 5 * SECOND)
        cycle(office.record, n, clock.now())
        driver.run()
    return heard / (time.perf_counter() - begun)


def prepare(say: Says) -> None:
    """What is said once, before the cycles: a daemon that is ready, an open market."""
    for name in ("alpaca", "massive", "alpha_vantage"):
        status = SourceStatus(source=name, state="running", configured=True, answered=True)
        say(f"source/{name}", (status,))
    say("broker", tuple(asset(symbol) for symbol in SYMBOLS))
    say("broker", (BrokerReady(orders=0, positions=0), account()))
    say("broker", (BrokerLink(stream_up=True, last_answer_at=FAR_OFF),))
    hours = MarketHours(
        is_open=True,
        session_open=-HOUR,
        session_close=FAR_OFF,
        next_open=FAR_OFF,
        next_close=FAR_OFF,
        loss_day=1,
    )
    say("clock", (hours,))


def cycle(say: Says, n: int, now: int) -> None:
    """The edges' words of a cycle: opinions of three sources, quotes, the word to decide.

    Consensus answers with a signal a symbol, which risk checks as far as it can without a quote: while
    it warms up with denials, then each cycle with a question for quotes, which nobody answers.
    """
    for name in ("alpaca", "massive", "alpha_vantage"):
        words = tuple(
            Opinion(
                source=name,
                symbol=symbol,
                direction="LONG",
                confidence=80.0 + n % 10,
                price=100.0,
                as_of=now,
                valid_until=now + 90 * SECOND,
            )
            for symbol in SYMBOLS
        )
        say(f"source/{name}", words)
    seen = tuple(
        QuoteSeen(quote=Quote(symbol=one, bid=100.0, ask=100.02, at=now, received_at=now))
        for one in SYMBOLS
    )
    say("quotes", seen)
    say("clock", (Decide(n=n),))


def _cell(office: Office, address: str, decider: Decider[Any]) -> DeciderCell:
    def crashed(where: str, error: BaseException, heard: WordId | None) -> None:
        raise error

    DeciderCell.start(office, address, decider, crashed)
    cell = office.cells[address]
    assert isinstance(cell, DeciderCell)
    return cell
