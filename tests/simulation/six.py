"""Six real sources before the venue's vendors, in a whole daemon in virtual time.

The providers speak HTTP on loopback to the venue's own handler, which knows no time but the market's. What
a call takes is virtual: a little of its own for each source, and what a slow vendor adds.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from argo_actors.cli.demo import demo_secrets
from argo_actors.cli.trouble import PATHS, plan
from argo_actors.config import Config, decode
from argo_actors.errors import ProviderError
from argo_actors.journal.codec import Record
from argo_actors.messages.market import Decide, Tick
from argo_actors.messages.system import Started
from argo_actors.runtime.engine import EdgeSpec
from argo_actors.runtime.stepped import Stepped
from argo_actors.runtime.virtual import Virtual, VirtualWorkers
from argo_actors.source.provider import Provider, Reading
from argo_actors.source.roster import Roster
from argo_actors.units import SECOND, Symbol, UtcNanos
from argo_actors.venue import faults
from argo_actors.venue.generated import Generated
from argo_actors.venue.http_front import Request
from argo_actors.venue.options import DEMO_KEYS, Options
from argo_actors.venue.server import Venue
from argo_actors.venue.skill import skills

from ..source.provider_stub import Asked, Reply, providing
from ..source.source_bench import NOW
from .process import CLOCK, Process
from .wire import Ears, Wire

SYMBOLS = ("AAPL", "MSFT", "BTC-USD")
CYCLE_SECONDS = 10.0
DECIDE_SECONDS = 2.0
"""After the tick: a fixed time, so that only what is said counts, and not when."""
DEADLINE = 3.0
GRID = SECOND
KNOWING = "alpaca=perfect,massive=copy:alpaca,yfinance=perfect,alpha_vantage=copy:yfinance"
MODELS = ",xai_grok=perfect,sonar=copy:xai_grok"
PLANS: dict[str, dict[str, Any]] = {
    "alpaca": {"timeframe": "1Min"},
    "massive": {"timeframe": "1Min", "plan": "paid", "refresh_seconds": 60},
    "yfinance": {"timeframe": "1Min"},
    "alpha_vantage": {"timeframe": "1Min"},
    "xai_grok": {"refresh_seconds": 60},
    "sonar": {"refresh_seconds": 60},
}
VALID_SECONDS = 70
"""Everybody is asked once a minute, and whoever fails is soon missed."""


class Trouble(NamedTuple):
    """What is wrong with whom, from so many seconds after the start on."""

    source: str
    kind: str
    after: float


class Ran(NamedTuple):
    """What a run said, and how often its fault struck."""

    records: list[Record]
    hits: int


def configuration(url: str) -> Config:
    """Three symbols, six sources at this address, an account that trades on little."""
    shared: dict[str, Any] = {
        "timeout_seconds": DEADLINE,
        "valid_seconds": VALID_SECONDS,
        "calls_per_minute": 1000,
        "daily_budget_usd": 1000,
    }
    sources = {
        name: {**plans, **shared, "base_url": url + PATHS[name].removesuffix("/*")}
        for name, plans in PLANS.items()
    }
    text = {
        "account": "six",
        "symbols": SYMBOLS,
        "clock": {"cycle_seconds": CYCLE_SECONDS},
        "consensus": {"min_confidence": 60, "close_confidence": 60},
        "risk": {"warmup_seconds": 0},
        "sources": sources,
    }
    return decode(msgspec.json.encode(text).decode())


class OwnChance:
    """The driver with luck of its own: what one source does must not move another's turn."""

    def __init__(self, driver: Virtual, name: str) -> None:
        self._driver = driver
        self._chance = random.Random(name)

    def chance(self) -> float:
        return self._chance.random()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


class Timed:
    """A real provider whose calls take virtual time."""

    def __init__(self, inner: Provider, wait: Callable[[], None]) -> None:
        self._inner = inner
        self._wait = wait

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        return self._timed(lambda: self._inner.readings(symbols, now))

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        return self._timed(lambda: self._inner.prices(symbols, now))

    def _timed(self, call: Callable[[], list[Reading]]) -> list[Reading]:
        try:
            found: list[Reading] | ProviderError = call()
        except ProviderError as error:
            found = error
        self._wait()
        if isinstance(found, ProviderError):
            raise found
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class SixProcess(Process):
    """A daemon's process with its sources; mail is served first come, first served."""

    def __init__(self, config: Config, directory: Path, wire: Wire, world: "World") -> None:
        super().__init__(
            config, directory, wire, start=wire.venue.book.now, seed=1, watch=world.watch
        )
        self.driver.stepped = Stepped()
        self.driver.workers = self._workers
        secrets = demo_secrets(wire.venue.about())
        self.roster = Roster(config, secrets, directory)
        sources = [world.timed(self.driver, one) for one in self.roster.edges(self._park)]
        self.plan = self.plan._replace(edges=(*self.plan.edges, *sources))

    def _workers(self, count: int, name: str) -> VirtualWorkers:
        own: Any = OwnChance(self.driver, name)
        return VirtualWorkers(own, count, name)

    def _park(self, *words: str, probe: bool = True) -> None:
        self.running.supervisor.park(*words, probe=probe)

    def start(self) -> None:
        engine = self.running
        engine.start(Started(run=engine.run, mode="paper"))

    def tell_time(self) -> None:
        words = self.schedule.due(self.clock.now())
        if words:
            self.running.say(CLOCK, *words)
        if any(isinstance(word, Tick) for word in words):
            decide = Decide(n=self.schedule.n)
            self.driver.alarm.after(DECIDE_SECONDS, lambda: self.running.say(CLOCK, decide))


@lru_cache(maxsize=1)
def market() -> Generated:
    """The same for all runs: it is only read."""
    return Generated(7, NOW)


class World:
    """A venue and one daemon before it."""

    def __init__(self, trouble: Trouble | None, plant: Callable[[SixProcess], None] | None) -> None:
        self.trouble = trouble
        self._plant = plant
        self._late = 0.0
        """What the vendor of the call under way adds to it."""
        self.records: list[Record] = []
        self._open = ExitStack()
        options = Options(
            market=market(),
            start=NOW,
            seed=7,
            lockstep=True,
            keys=DEMO_KEYS,
            skills=skills(KNOWING + MODELS),
        )
        self.venue = Venue(options)

    def watch(self, moment: str, records: list[Record]) -> None:
        """The journal tells of records."""
        if moment == "appended":
            self.records += records

    def timed(self, driver: Virtual, spec: EdgeSpec) -> EdgeSpec:
        """The edge with a provider whose calls take 40 ms and more, each source's its own."""
        name = spec.address.removeprefix("source/")
        own = 0.04 + 0.017 * list(PATHS).index(name)
        given: Any = spec.make
        make = given.keywords["make"]

        def timed() -> Timed:
            provider = make()
            self._open.callback(provider.close)
            return Timed(provider, wait)

        def wait() -> None:
            late, self._late = self._late, 0.0
            driver.pause(own + late)

        return spec._replace(make=partial(given, make=timed))

    def answer(self, asked: Asked) -> Reply:
        """What the vendor says; calls are made one at a time, so nobody else moves meanwhile."""
        request = Request(asked.method, asked.path, asked.query, asked.headers, asked.body)
        fault = self.venue._fault_of(request)
        match fault:
            case faults.Drop():
                return Reply(fault="drop")
            case faults.Delay(seconds=seconds):
                self._late += seconds
                fault = None
        status, headers, body = self.venue._front._faulty(fault, request)
        pairs = tuple((name, text) for name, text in headers.items())
        if isinstance(fault, faults.Garble) and fault.how == "truncated":
            return Reply(status, body[: len(body) // 2], pairs, fault="truncate")
        return Reply(status, body, pairs)

    def play(self, directory: Path, seconds: float) -> Ran:
        """From the start for so many seconds."""
        with providing(self.answer) as stub, self._open:
            ears = Ears(_nothing, _nothing, _nothing, _nothing)
            wire = Wire(self.venue, random.Random(1), ears, lambda: process.clock.now())
            process = SixProcess(configuration(stub.url), directory, wire, self)
            if self._plant is not None:
                self._plant(process)
            process.boot()
            process.start()
            if self.trouble is not None:
                process.driver.alarm.after(self.trouble.after, self._begin)
            try:
                for now in range(NOW + GRID, NOW + int(seconds * SECOND), GRID):
                    while process.move(now):
                        pass
                    self.venue.advance(now)
                assert not process.ended, process.ended
            finally:
                process.crash(0)
        hits = self.venue.faults.about()["total"]
        return Ran(self.records, hits)

    def _begin(self) -> None:
        assert self.trouble is not None
        found = plan({self.trouble.kind: (self.trouble.source,)})
        for rule in found["rules"]:
            if self.trouble.kind == "slow":
                rule["fault"]["seconds"] = DEADLINE + 1
        self.venue._give(faults.read_plan(msgspec.json.encode(found)))


def _nothing(*_: Any) -> None:
    """Nobody listens."""


def play(
    directory: Path,
    seconds: float,
    trouble: Trouble | None = None,
    plant: Callable[[SixProcess], None] | None = None,
) -> Ran:
    """One run; `plant` may spoil the daemon before it starts."""
    return World(trouble, plant).play(directory, seconds)
