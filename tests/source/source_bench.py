"""A source's or the quotes' edge with real cells, threads and alarms, and made-up bars."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from argo_actors.config import Config, decode
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import MarketHours, Tick
from argo_actors.runtime.alarm import ThreadAlarm
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.edge import Behaviour, EdgeCell, Port
from argo_actors.runtime.office import Office
from argo_actors.runtime.workers import ThreadWorkers
from argo_actors.source.bars import TIMEFRAMES, Bar
from argo_actors.units import HOUR, MINUTE, SECOND, UtcNanos
from tests.waiting import WAIT_SECONDS
from tests.waiting import until as until

NOW = 1_772_636_400 * SECOND + 5 * SECOND
"""Wednesday 2026-03-04 15:00:05 UTC, 10:00:05 in New York: the market is open."""
Said = TypeVar("Said", bound=Message)


def rising(now: UtcNanos, timeframe: str = "1Min", count: int = 130) -> list[Bar]:
    """Completed bars of a trend with some noise, the newest ended last before `now`."""
    span = TIMEFRAMES[timeframe]
    last = now // span * span - span
    found = []
    for i in range(count):
        price = 100 + 0.2 * i + (0.3 if i % 3 else -0.3)
        t = last - (count - 1 - i) * span
        found.append(Bar(t, price - 0.1, price + 0.4, price - 0.4, price, 1000.0))
    return found


def hours(now: UtcNanos, *, is_open: bool = True) -> MarketHours:
    """A session around now, or one that begins twelve hours later."""
    opens = now - HOUR if is_open else now + 12 * HOUR
    return MarketHours(
        is_open=is_open,
        session_open=opens,
        session_close=opens + 6 * HOUR + 30 * MINUTE,
        next_open=opens + (24 * HOUR if is_open else 0),
        next_close=opens + 6 * HOUR,
        loss_day=now - 10 * HOUR,
    )


def config(**blocks: Any) -> Config:
    """A configuration of two symbols and these blocks."""
    return decode(json.dumps({"account": "t", "symbols": ["AAPL", "BTC-USD"]} | blocks))


class MemoryLog:
    """A journal in memory."""

    def __init__(self) -> None:
        self.next_seq = 1
        self.records: list[tuple[Message, ...]] = []
        self.crashes: list[str] = []

    def append(
        self,
        at: UtcNanos,
        actor: str,
        heard: WordId | None,
        outcome: str,
        said: tuple[Message, ...],
        state_hash: bytes | None = None,
    ) -> int:
        seq = self.next_seq
        self.next_seq = seq + 1
        if actor != "bench":
            self.records.append(said)
        if outcome != "said":
            self.crashes.append(outcome)
        return seq


class Parking(NamedTuple):
    """What a behaviour asked its supervisor for."""

    address: str
    state: str
    reason: str
    remedy: str


class Bench:
    """One edge and the means to speak to it; a crash revives it at once, as a supervisor would."""

    def __init__(
        self, address: str, make: Callable[[Port], Behaviour], workers: int, now: UtcNanos
    ) -> None:
        self.clock = SetClock(now)
        self.log = MemoryLog()
        self.parked: list[Parking] = []
        self.crashed: list[BaseException] = []
        self._alarm = ThreadAlarm()
        self.office = Office(self.log, self.clock)
        self._ref = EdgeCell.start(
            self.office,
            address,
            make,
            self._on_crash,
            self._alarm,
            ThreadWorkers(workers, address),
        )
        cell: Any = self.office.cells[address]
        self.cell: EdgeCell = cell
        self._ticks = 0

    def _on_crash(self, address: str, error: BaseException, heard: WordId | None) -> None:
        self.crashed.append(error)
        threading.Thread(target=self.cell.revive, daemon=True).start()

    def park(self, *words: str, probe: bool = True) -> None:
        self.parked.append(Parking(*words))

    def begin(self) -> None:
        self.cell.revive()
        self.still()

    def hear(self, *words: Message) -> None:
        """Say these words to the edge and wait until nothing moves any more."""
        self.office.record("bench", words)
        self.still()

    def tick(self, seconds: float = 0.0) -> None:
        """Let market time pass, then tick."""
        self.clock.move_to(self.clock.now() + int(seconds * SECOND))
        self._ticks += 1
        self.hear(Tick(n=self._ticks))

    def still(self) -> None:
        assert self.office.activity.wait_still(WAIT_SECONDS), "it never came to rest"

    def said(self, kind: type[Said]) -> list[Said]:
        return [word for record in self.log.records for word in record if type(word) is kind]

    def close(self) -> None:
        self._ref.stop()
        self._alarm.close()


@contextmanager
def edge(
    address: str,
    make: Callable[[Port, Bench], Behaviour],
    *,
    workers: int = 1,
    now: UtcNanos = NOW,
) -> Iterator[Bench]:
    """A running edge for the length of the block."""
    made: list[Bench] = []
    bench = Bench(address, lambda port: make(port, made[0]), workers, now)
    made.append(bench)
    try:
        bench.begin()
        yield bench
    finally:
        bench.close()
