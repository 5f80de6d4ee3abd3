"""Deliveries a second beside stock pykka: medians [min..max] of 9 interleaved runs, free and on one core.

A delivery is one word heard by one actor; journal appends do not count. Stock pykka is a
ThreadingActor with its own `tell`. Each figure of ours stands beside the stock run that was taken in
the same round, so that the ratio holds when the machine's speed drifts.

    bin/bench messaging [--rounds 9] [--words 20000]
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pykka

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from argo_actors.config import Config
from argo_actors.consensus.decider import consensus
from argo_actors.journal.codec import GENESIS, Opening, Record, encode
from argo_actors.journal.writer import Journal
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import (
    Asset,
    Decide,
    Quote,
    QuoteSeen,
    Tick,
)
from argo_actors.messages.opinion import Opinion, SourceStatus
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
from argo_actors.units import SECOND, Decimal

STAGES = 5


class Figure(NamedTuple):
    """A measurement of ours, its goal and its aim, as multiples of stock pykka."""

    name: str
    run: Callable[[int], float]
    stock: Callable[[int], float]
    goal: float
    aim: float


class Ball(msgspec.Struct, frozen=True, gc=False):
    """What stock actors pass on."""

    n: int


# stock pykka


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


# ours


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


def our_deciders(words: int) -> float:
    """The real deciders, with records and their encoding, on the deterministic driver.

    A cycle is: opinions of three sources on a stock, the decision, risk's question for quotes and its
    answer, quotes of what is held to risk, order and tracker. Deliveries are counted at the cells.
    """
    symbols = ("AAPL", "BTC-USD", "MSFT", "SPY")
    config = Config(account="bench", symbols=symbols)
    clock = SetClock(SECOND)
    office = Office(MemoryLog(encoding=True), clock)
    driver = Stepped()
    cells = [
        _cell(office, "consensus", consensus(config)),
        _cell(office, "risk", risk(config)),
        _cell(office, "tracker", tracker(config)),
        *(_cell(office, f"order/{one}", order(config, one, "0000")) for one in symbols),
    ]
    for cell in cells:
        driver.attach(cell)
    _prepare(office, symbols)
    driver.run()
    before = sum(cell.handled for cell in cells)
    begun = time.perf_counter()
    n = 0
    while (heard := sum(cell.handled for cell in cells) - before) < words:
        n += 1
        clock.move_to(n * 5 * SECOND)
        _cycle(office, driver, symbols, n, clock.now())
    return heard / (time.perf_counter() - begun)


def _prepare(office: Office, symbols: tuple[str, ...]) -> None:
    for name in ("alpaca", "massive", "alpha_vantage"):
        status = SourceStatus(source=name, state="running", configured=True, answered=True)
        office.record(f"source/{name}", (status,))
    for symbol in symbols:
        asset = Asset(
            symbol=symbol,
            asset_class="us_equity",
            tradable=True,
            shortable=True,
            easy_to_borrow=True,
            fractionable=True,
            min_order_size=Decimal(1),
            min_trade_increment=Decimal(1),
            price_increment=Decimal("0.01"),
        )
        office.record("broker", (asset,))


def _cycle(office: Office, driver: Stepped, symbols: tuple[str, ...], n: int, now: int) -> None:
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
            for symbol in symbols
        )
        office.record(f"source/{name}", words)
    seen = tuple(
        QuoteSeen(quote=Quote(symbol=one, bid=100.0, ask=100.02, at=now, received_at=now))
        for one in symbols
    )
    office.record("quotes", seen)
    office.record("clock", (Decide(n=n),))
    driver.run()


def _cell(office: Office, address: str, decider: Decider[Any]) -> DeciderCell:
    def crashed(where: str, error: BaseException, heard: WordId | None) -> None:
        raise error

    DeciderCell.start(office, address, decider, crashed)
    cell = office.cells[address]
    assert isinstance(cell, DeciderCell)
    return cell


FIGURES = (
    Figure("bare tell", our_tell, stock_tell, 5, 8),
    Figure("tell with records on disk", our_recorded_tell, stock_tell, 2.5, 5),
    Figure("five empty behaviours, deterministic driver", our_pipeline, stock_pipeline, 5, 10),
    Figure("real deciders, records, encoding", our_deciders, stock_pipeline, 2.5, 5),
)


def measure(figure: Figure, rounds: int, words: int) -> tuple[list[float], list[float]]:
    """Rates of ours and of stock pykka, in turn."""
    ours, stock = [], []
    for _ in range(rounds):
        ours.append(figure.run(words))
        stock.append(figure.stock(words))
    return ours, stock


def shown(values: list[float]) -> str:
    """Median [min..max] in thousands a second."""
    return (
        f"{statistics.median(values) / 1e3:7.0f}k "
        f"[{min(values) / 1e3:.0f}..{max(values) / 1e3:.0f}]"
    )


def main() -> int:
    """Print a row a figure; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--words", type=int, default=20_000)
    given = parser.parse_args()
    missed = 0
    cores = sorted(os.sched_getaffinity(0))
    for name, pinned in (("unpinned", cores), ("pinned to one core", cores[:1])):
        os.sched_setaffinity(0, pinned)
        print(name)
        for figure in FIGURES:
            ours, stock = measure(figure, given.rounds, given.words)
            ratio = statistics.median([a / b for a, b in zip(ours, stock, strict=True)])
            missed += ratio < figure.goal
            verdict = "ok" if ratio >= figure.goal else "BELOW"
            print(
                f"  {figure.name:44} {shown(ours):24} stock {shown(stock):20} "
                f"{ratio:5.1f}x  goal {figure.goal:g} aim {figure.aim:g}  {verdict}"
            )
        for ref in pykka.ActorRegistry.get_all():
            pykka.ActorRegistry.unregister(ref)
    os.sched_setaffinity(0, cores)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
