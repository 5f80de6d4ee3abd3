"""One daemon process: the real deciders, edges, gate, journal and supervisor, in virtual time."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from argo_actors.bootstrap import configured, deciders, groups, in_force, last_cycle
from argo_actors.broker.edge import BrokerEdge
from argo_actors.broker.gate import Gate
from argo_actors.broker.link import Link
from argo_actors.broker.stream import StreamEdge
from argo_actors.clock.hours import Hours
from argo_actors.clock.pacer import ADDRESS as CLOCK
from argo_actors.clock.pacer import Schedule
from argo_actors.config import Config, decode, encode
from argo_actors.errors import TransientProviderError
from argo_actors.host.secrets import Pair
from argo_actors.journal.codec import Opening, Record
from argo_actors.messages.market import Decide, Tick
from argo_actors.messages.opinion import SourceStatus
from argo_actors.messages.system import Configured, Operator, Started
from argo_actors.runtime.decider import Decider
from argo_actors.runtime.edge import EdgeCell, Port
from argo_actors.runtime.engine import EdgeSpec, Engine, Plan
from argo_actors.runtime.virtual import Virtual, VirtualClock, VirtualJournal
from argo_actors.source.alpaca import Sides
from argo_actors.source.provider import Reading
from argo_actors.source.quotes import QuotesEdge
from argo_actors.units import SECOND
from argo_actors.venue.server import Venue

from .wire import StreamLine, VenueAdapter, Wire

Build = Callable[[str, str], dict[str, Decider[Any]]]
QuoteFault = Callable[[str], str]


Watch = Callable[[str, list[Record]], None]
"""Told of records: when they are appended, about to be committed, and committed."""


class WatchedJournal(VirtualJournal):
    """Tells the checker, who sees what is on disk, and whoever kills at a point."""

    watch: Watch

    def append(self, *record: Any, **options: Any) -> int:
        seq = super().append(*record, **options)
        self.watch("appended", [self._waiting[-1]])  # type: ignore[list-item]
        return seq

    def _commit(self, batch: list[Record]) -> None:
        if batch:
            self.watch("committing", batch)
            super()._commit(batch)
            self.watch("committed", batch)


class WatchedDriver(Virtual):
    """Makes such journals."""

    def __init__(self, seed: int, watch: Watch) -> None:
        super().__init__(seed)
        self._watch = watch

    def journal(self, path: Path, begin: Opening, **settings: Any) -> VirtualJournal:
        journal = WatchedJournal(self, path, begin, **settings)
        journal.watch = self._watch
        return journal


@lru_cache(maxsize=64)
def _said(text: str, number: str) -> Configured:
    return configured(decode(text), number)


def _configured(config: Config, number: str) -> Configured:
    """The hash over the package's files is taken once."""
    return _said(encode(config).decode(), number)


class SteppedStream(StreamEdge):
    """The stream's edge, fed frame by frame instead of by a socket's thread."""

    def __init__(self, port: Port, *, connect: Callable[[Any], StreamLine], **shared: Any) -> None:
        super().__init__(port, **shared)
        self._line = connect(self)

    def start(self) -> None:
        self._line.connect()

    def stop(self) -> None:
        self._closing = True
        self._link.stream_up = False
        self._line.disconnect()


class VenueQuotes:
    """Market data as the daemon's source sees them: late, missing, stale or zero at times."""

    def __init__(self, driver: Virtual, venue: Venue, fault: QuoteFault) -> None:
        self._driver = driver
        self._venue = venue
        self._fault = fault

    def quotes(self, symbols: Sequence[str], seconds: float) -> dict[str, Sides]:
        """The venue's newest quotes."""
        self._driver.pause(0.005 + 0.1 * self._driver.chance())
        fault = self._fault("quotes")
        if fault == "quotes_hang":
            self._driver.hang()
        if fault == "quotes_fail":
            raise TransientProviderError("503 from the market data")
        found = {one: self._sides(one, fault) for one in symbols}
        return {one: sides for one, sides in found.items() if sides is not None}

    def _sides(self, symbol: str, fault: str) -> Sides | None:
        now = self._venue.book.now
        behind = 40 * SECOND if fault == "quotes_stale" else 0
        quote = self._venue.options.market.quote(symbol.replace("-", "/"), now - behind)
        if quote is None or fault == "quotes_missing":
            return None
        stamp = datetime.fromtimestamp((now - behind) / SECOND, UTC).isoformat()
        ask = 0.0 if fault == "quotes_zero" else float(quote.ask)
        return Sides(t=stamp, bid=float(quote.bid), ask=ask)

    def history(self, symbols: Sequence[str], *_: Any) -> list[Reading]:
        """No bars: the regime is CHOP and the volatility is not known."""
        return [Reading(one, nothing="no bars") for one in symbols]

    def close(self) -> None:
        """Nothing is open."""


@lru_cache(maxsize=4)
def _hours(day: int, day_start: str) -> Hours:
    return Hours(day, day_start)


class Process:
    """From its start to its end or its kill."""

    def __init__(
        self,
        config: Config,
        directory: Path,
        wire: Wire,
        *,
        start: int,
        seed: int,
        build: Build = deciders,
        quote_fault: QuoteFault = lambda _: "",
        wrap_edge: Callable[[str, Any], Any] = lambda _, edge: edge,
        watch: Watch = lambda _, __: None,
    ) -> None:
        self.config = config
        self.driver = WatchedDriver(seed, watch)
        self.clock = VirtualClock(start, self.driver.alarm)
        self.wire = wire
        self.link = Link()
        self.ended = ""
        self._lines: list[StreamLine] = []
        keys = Pair(*wire.venue.options.keys)
        self.gate = Gate(
            config, keys, self.clock.now, adapter=lambda: VenueAdapter(self.driver, wire)
        )
        number = wire.venue.options.account_number
        said = _configured(config, number)
        shared: dict[str, Any] = {"config": config, "link": self.link}
        shared["account_tag"] = said.account_tag
        self.plan = Plan(
            directory=directory,
            configured=said,
            build=build,
            groups=groups(config),
            edges=(
                EdgeSpec("stream", partial(SteppedStream, keys=keys, connect=self._line, **shared)),
                EdgeSpec(
                    "broker",
                    lambda port: wrap_edge("broker", BrokerEdge(port, gate=self.gate, **shared)),
                    config.broker.workers,
                ),
                EdgeSpec("quotes", partial(QuotesEdge, config=config, make=self._quotes), 4),
            ),
            driver=self.driver,
        )
        self._quote_fault = quote_fault
        self.engine: Engine | None = None

    def _line(self, edge: Any) -> StreamLine:
        line = StreamLine(self.driver, self.wire, edge)
        self._lines.append(line)
        return line

    def _quotes(self) -> Any:
        return VenueQuotes(self.driver, self.wire.venue, self._quote_fault)

    def boot(self) -> None:
        """Recover, and begin: as the daemon does, in its order."""
        self.engine = engine = Engine(self.plan, self.clock, self.fatal)
        self.gate.attach(engine.journal, str)
        in_force(engine, self.gate)
        hours = _hours(self.clock.now(), self.config.risk.day_start)
        cycle_seconds = self.config.clock.cycle_seconds
        self.schedule = Schedule(engine, hours, cycle_seconds, last_cycle(engine))

    def start(self) -> None:
        """Let it run."""
        engine = self.running
        engine.start(Started(run=engine.run, mode="paper"))
        for name in self.config.sources:
            status = SourceStatus(source=name, state="running", configured=True, answered=True)
            engine.say(f"source/{name}", status)

    @property
    def running(self) -> Engine:
        """The engine, once it is there."""
        assert self.engine is not None
        return self.engine

    def fatal(self, what: str) -> None:
        """The process is to end."""
        self.ended = self.ended or what

    def operate(self, command: Operator) -> None:
        """An operator's word, as the daemon takes it."""
        self.gate.operate(command.state)
        self.running.say_durably("operator", command)

    def tell_time(self) -> None:
        """Say what is due by the clock."""
        words = self.schedule.due(self.clock.now())
        if words:
            self.running.say(CLOCK, *words)
        if any(isinstance(word, Tick) for word in words):
            n = self.schedule.n
            self.driver.alarm.after(
                0.3 * self.driver.chance(), lambda: self.running.say(CLOCK, Decide(n=n))
            )

    def move(self, until: int) -> bool:
        """Let the next thing happen, by `until` (market time) the latest; False when nothing is left."""
        if self.driver.stepped.step():
            return True
        now = self.clock.now()
        due = self.schedule.next(now)
        if due <= now:
            self.tell_time()
            return True
        return self.driver.alarm.ring_next(min(until, due) - self.clock.start) or due <= until

    def crash(self, keep: int) -> None:
        """The process is gone: of what was not on disk the first so many records were after all."""
        if self.engine is not None:
            self.engine.journal.crash(keep)  # type: ignore[attr-defined]
        self.driver.kill()
        for line in self._lines:
            line.disconnect()
        if self.engine is not None:
            for cell in self.engine.office.cells.values():
                cell._stop()

    def quiet(self) -> bool:
        """No mail waits."""
        cells = self.running.office.cells.values()
        return all(not len(cell.mailbox) for cell in cells)

    def calls(self) -> int:
        """Calls under way."""
        edges = self.running.edges.values()
        return sum(len(cell._calls) for cell in edges if isinstance(cell, EdgeCell))
