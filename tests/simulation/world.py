"""The simulated world: a venue, a daemon in it, faults and kills by seed, and a checker that watches.

`run(seed)` is one run: a safety phase with faults on, a liveness phase with faults off. The same seed is
the same run.
"""

import hashlib
import heapq
import itertools
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from argo_actors import bootstrap
from argo_actors.journal.codec import Record
from argo_actors.messages import Message
from argo_actors.messages.opinion import Direction, Opinion
from argo_actors.messages.system import Operator, Stopping
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.virtual import Killed
from argo_actors.units import SECOND
from argo_actors.venue.modes import Modes
from argo_actors.venue.options import DEMO_KEYS, Options
from argo_actors.venue.server import Venue

from .checker import Checker, Violation
from .market import wild
from .process import Process
from .scenario import Scenario, scenario
from .view import View
from .wire import Ears, Sent, Wire

GRID = SECOND // 4
"""The venue matches so often."""
MOST_STEPS = 400_000
STOP_SECONDS = 5
"""As long as the daemon's own ordered stop waits by default."""


class Outcome(NamedTuple):
    """What a run came to."""

    seed: int
    violations: tuple[Violation, ...]
    coverage: Counter[str]
    """Each fault with the state it met, and each kill point."""
    figures: Counter[str]
    trace: str
    """A hash of everything committed: the same for the same seed."""

    @property
    def faults(self) -> Counter[str]:
        """Injected faults by kind."""
        found: Counter[str] = Counter()
        for key, count in self.coverage.items():
            found[key.partition(" ")[0]] += count
        return found


class Stopped(NamedTuple):
    """An ordered stop: whether all was settled, what was held, what of it had no stop, what rested."""

    settled: bool
    held: tuple[str, ...]
    bare: tuple[str, ...]
    resting: tuple[str, ...]
    """Entries that wait for their price."""


def run(seed: int, **changes: Any) -> Outcome:
    """The run of a seed; `changes` replace parts of its scenario."""
    plan = scenario(seed, quiet=changes.pop("quiet", False))._replace(**changes)
    with World(plan) as world:
        return world.play()


class World:
    """One run."""

    def __init__(self, plan: Scenario) -> None:
        self.plan = plan
        self.chance = random.Random(f"world {plan.seed}")
        self.now = plan.start
        self.end = plan.start + round((plan.safety_seconds + plan.liveness_seconds) * SECOND)
        self.safe_until = plan.start + round(plan.safety_seconds * SECOND)
        self.coverage: Counter[str] = Counter()
        self.figures: Counter[str] = Counter()
        self.trace = hashlib.blake2b(digest_size=8)
        self.kill_wanted: tuple[str, int] | None = None
        """The point, and how many of the records that wait reach the disk."""
        self.process: Process | None = None
        self.directory = Path(tempfile.mkdtemp(prefix="argo-simulation-", dir=_memory()))
        market = wild(plan.seed, plan.start, calm=plan.calm)
        self.venue = Venue(
            Options(
                market=market,
                start=plan.start,
                seed=plan.seed,
                lockstep=True,
                keys=DEMO_KEYS,
                faults=plan.plan,
            )
        )
        ears = Ears(self._left, self._applied, self._at_point, self._faulted)
        self.wire = Wire(self.venue, random.Random(f"wire {plan.seed}"), ears, self._clock)
        tag = bootstrap.account_tag(self.venue.options.account_number)
        self.view = View(plan.config, self.venue.book, tag, frozenset(plan.modes))
        self.checker = Checker(self.view, plan.start)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._filled = 0
        self._happened = 0
        self._hits = 0
        self._mood: dict[str, Direction | None] = {}
        self._crash_words: list[str] = []
        self.on_record: list[Callable[[Record], None]] = []
        self.on_committing: list[Callable[[list[Record]], None]] = []
        self.on_boot: list[Callable[[], None]] = []
        self.on_fill: list[Callable[[Any], None]] = []
        self.orphans_arrive: bool | None = None
        """What was under way at a kill arrives, or not; None leaves it to chance."""
        self.on_point: list[Callable[[str, Sent], None]] = []
        self.stop_by = 0
        """Until when an ordered stop waits; 0 when none is under way."""
        self.stopped: list[Stopped] = []

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.crash(0)
        shutil.rmtree(self.directory, ignore_errors=True)

    # the run

    def play(self) -> Outcome:
        """Both phases."""
        self._prepare()
        self.coverage.update(f"{name} run" for name in self.plan.modes)
        self._boot()
        self._run_until(self.safe_until)
        self._calm_down()
        self._run_until(self.end)
        self._commit_rest()
        self.checker.end(self.now)
        self.figures["requests"] += len(self.view.sent)
        self.figures["fills"] += len(self.venue.book.activities)
        self.figures["orders"] += len(self.venue.book.orders)
        return Outcome(
            self.plan.seed,
            tuple(self.checker.violations),
            self.coverage,
            self.figures,
            self.trace.hexdigest(),
        )

    def _prepare(self) -> None:
        self.at(self.now + GRID, self._venue_grid)
        self.at(self.now + SECOND, self._opinions)
        chance, span = self.chance, self.safe_until - self.now
        for _ in range(self.plan.kills):
            self.at(self.now + int(chance.random() * span), self._kill_soon)
        for name in self.plan.world_faults:
            for _ in range(chance.randint(1, 3)):
                self.at(self.now + int(chance.uniform(0.1, 1.0) * span), self._event_of(name))

    def _run_until(self, end: int) -> None:
        while self.now < end:
            due = min(end, self._events[0][0])
            if self.process is None:
                self.now = max(self.now, due)
            else:
                self._let_it_run(self.process, due)
                if self.process is None or self.now < due:
                    continue
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()

    def _let_it_run(self, process: Process, due: int) -> None:
        steps = 0
        try:
            while process.move(due):
                self.now = process.clock.now()
                steps += 1
                self._stop_when_settled(process)
                if self.kill_wanted is not None or process.ended or steps > MOST_STEPS:
                    break
        except Killed:
            pass
        self.now = max(self.now, process.clock.now())
        self.figures["steps"] += steps
        if steps > MOST_STEPS:
            raise AssertionError("the daemon does not come to rest")
        if process.ended and self.kill_wanted is None:
            at = (self.now - self.plan.start) / SECOND
            ended = Violation("I23 liveness", "ended", at, f"the daemon ended: {process.ended}")
            self.checker.violations.append(ended)
            self.kill_wanted = ("fatal", 0)
        if self.kill_wanted is not None:
            self._kill(*self.kill_wanted)

    def stop(self) -> None:
        """Ask the daemon to end in order, as SIGTERM does."""
        if self.process is not None and not self.stop_by:
            self.stop_by = self.now + STOP_SECONDS * SECOND
            self.process.running.say("engine", Stopping(reason="a test"))

    def _stop_when_settled(self, process: Process) -> None:
        """It ends once nothing is between two states, or when it has waited for long enough."""
        settled = process.running.settled
        if not self.stop_by or not (settled or self.now >= self.stop_by):
            return
        self.stop_by = 0
        held = [one for one in self.plan.config.symbols if self.view.position(one)]
        bare = [
            one
            for one in held
            if self.view.protected(one) < abs(self.view.position(one))
            and not self.view.is_dust(one, self.view.position(one))
        ]
        live = [one for symbol in self.plan.config.symbols for one in self.view.live(symbol)]
        names = [one.client_order_id for one in live if one.type == "limit" and not one.leg]
        resting = [one for one in names if "-entry-" in one]
        self.stopped.append(Stopped(settled, tuple(held), tuple(bare), tuple(resting)))
        self.kill("stopped", MOST_STEPS)

    def at(self, when: int, then: Callable[[], None]) -> None:
        """Let the world do something at a time."""
        heapq.heappush(self._events, (when, next(self._number), then))

    def _clock(self) -> int:
        return self.now if self.process is None else self.process.clock.now()

    # processes

    def _boot(self) -> None:
        process = Process(
            self.plan.config,
            self.directory,
            self.wire,
            start=self.now,
            seed=self.chance.randrange(2**32),
            build=self._build,
            quote_fault=self._quote_fault,
            wrap_edge=self._wrap_edge,
            watch=self._watch,
        )
        self.process = process
        self.wire.run += 1
        for hook in tuple(self.on_boot):
            hook()
        try:
            process.boot()
            self.view.alive, self.view.alive_at = True, self.now
            process.start()
        except Killed:
            pass
        if self.kill_wanted is not None:
            self._kill(*self.kill_wanted)

    def kill(self, point: str, keep: int) -> None:
        """End the process with the running step."""
        if self.kill_wanted is None and self.process is not None:
            self.kill_wanted = (point, keep)

    def _kill_soon(self) -> None:
        """Not at a moment of the clock but at some step after it."""
        if self.process is None:
            return
        left = self.chance.randrange(300)

        def count(record: Record) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                self.on_record.remove(count)
                self.kill("kill", self.chance.randrange(0, 40))

        self.on_record.append(count)

    def _kill(self, point: str, keep: int) -> None:
        process, self.process = self.process, None
        assert process is not None
        self.kill_wanted = None
        self.view.alive = False
        self.view.disturbed_at = self.now
        self.coverage[f"{point} {self._state_of_all()}"] += 1
        self.wire.cut_off()
        process.crash(keep)
        self.figures["kills"] += 1
        late = int(self.chance.uniform(0, 0.2) * SECOND)
        self.at(self.now + late, lambda: self.wire.deliver_orphans(self.orphans_arrive))
        down = self.chance.choice((0.01, 0.5, 3.0, 8.0))
        self.at(self.now + int(down * SECOND), self._boot)

    def _build(self, config: str, tag: str) -> dict[str, Decider[Any]]:
        return {
            address: decider._replace(decide=self._fragile(address, decider.decide))
            for address, decider in _deciders(config, tag).items()
        }

    def _fragile(
        self, address: str, decide: Callable[[Any, Heard], tuple[Message, ...]]
    ) -> Callable[[Any, Heard], tuple[Message, ...]]:
        def guarded(state: Any, heard: Heard) -> tuple[Message, ...]:
            if self._crash_words and address in self._crash_words:
                self._crash_words.remove(address)
                self.coverage[f"crash_decider {address.partition('/')[0]}"] += 1
                self.view.disturbed_at = self.now
                raise ZeroDivisionError("a planted crash")
            return decide(state, heard)

        return guarded

    def _wrap_edge(self, address: str, edge: Any) -> Any:
        hear = edge.hear

        def fragile(word: Any) -> None:
            if address in self._crash_words:
                self._crash_words.remove(address)
                self.coverage[f"crash_edge {type(word.message).__name__}"] += 1
                self.view.disturbed_at = self.now
                raise ZeroDivisionError("a planted crash")
            hear(word)

        edge.hear = fragile
        return edge

    def _watch(self, moment: str, records: list[Record]) -> None:
        """The journal tells of records that are appended and committed."""
        if moment == "appended":
            for hook in tuple(self.on_record):
                hook(records[0])
        elif moment == "committing":
            for hook in tuple(self.on_committing):
                hook(records)
        else:
            self.trace.update(msgspec.msgpack.encode(records))
            self.figures["records"] += len(records)
            self.checker.committed(records, self._clock())

    def _commit_rest(self) -> None:
        if self.process is not None:
            self.process.running.journal._wait(lambda: True, 1.0)

    # the wire

    def _left(self, sent: Sent) -> None:
        self.checker.left(sent, self._clock())

    def _applied(self, sent: Sent) -> None:
        self._settle_venue()

    def _at_point(self, point: str, sent: Sent) -> None:
        for hook in tuple(self.on_point):
            hook(point, sent)
        if self.kill_wanted is not None and self.process is not None:
            self.process.driver.hang()

    def _faulted(self, name: str, sent: Sent) -> None:
        self.view.disturbed_at = self._clock()
        self._hits += 1
        self.coverage[f"{name} {self._met(sent)}"] += 1

    def _met(self, sent: Sent) -> str:
        """What state the order was in that the request was about."""
        intent = self.view.intents.get(sent.client_order_id)
        if sent.method == "POST" and intent is not None:
            return intent.order.leg
        if sent.method == "DELETE":
            order = self.venue.book.orders.get(sent.path.rpartition("/")[2])
            return "gone" if order is None else order.status
        return self._state_of_all()

    def _state_of_all(self) -> str:
        """The most unsettled state that an own order or position is in."""
        book = self.venue.book
        live = {one.status for one in book.live() if self.view.is_ours(one)}
        for status in ("partially_filled", "pending_cancel", "pending_new", "accepted"):
            if status in live:
                return status
        held = any(one.qty for one in book.positions.values())
        if held:
            return "protected" if "held" in live or "new" in live else "naked"
        return "new" if "new" in live else "flat"

    # the venue

    def _venue_grid(self) -> None:
        self.venue.advance(self.now)
        self._settle_venue()
        self.checker.time(self.now)
        self.at(self.now + GRID, self._venue_grid)

    def _settle_venue(self) -> None:
        book = self.venue.book
        self.view.time(self._clock())
        for fill in book.activities[self._filled :]:
            self._filled += 1
            self.checker.venue_changed(self.view.symbol(fill.symbol), self._clock())
            for hook in tuple(self.on_fill):
                hook(fill)
        for one in book.account.happened[self._happened :]:
            self._happened += 1
            self.checker.venue_changed(self.view.symbol(one.symbol), one.at)
        hits = self.venue.faults._total
        if hits > self._hits:
            for hit in self.venue.faults.about()["hits"][-(hits - self._hits) :]:
                self.coverage[f"{hit.rule} {hit.what.split(' ')[1]}"] += 1
            self._hits = hits
            self.view.disturbed_at = self._clock()

    def _quote_fault(self, _: str) -> str:
        if self.plan.quote_faults and self.now < self.safe_until and self.chance.random() < 0.1:
            name = self.chance.choice(self.plan.quote_faults)
            self.coverage[f"{name} {self._state_of_all()}"] += 1
            self.view.disturbed_at = self.now
            return name
        return ""

    # opinions

    def _opinions(self) -> None:
        """Two sources of two families agree, for a while, on each symbol."""
        if self.process is not None and self.now < self.safe_until:
            for symbol in self.plan.config.symbols:
                if symbol not in self._mood or self.chance.random() < 0.15:
                    self._mood[symbol] = self.chance.choice(("LONG", "LONG", "SHORT", None))
                self._say_opinions(symbol, self._mood[symbol])
        self.at(self.now + int(2.5 * SECOND), self._opinions)

    def _say_opinions(self, symbol: str, direction: Direction | None) -> None:
        assert self.process is not None
        for source in self.plan.config.sources:
            opinion = Opinion(
                source=source,
                symbol=symbol,
                direction=direction or "NEUTRAL",
                confidence=95.0,
                price=None,
                as_of=self.process.clock.now(),
                valid_until=self.now + 20 * SECOND,
            )
            self.process.running.say(f"source/{source}", opinion)

    # what else the world does

    def _event_of(self, name: str) -> Callable[[], None]:
        match name:
            case "refused":
                return self._refuse
            case "foreign_order" | "foreign_trade" | "other_daemon":
                return lambda: self._foreign(name)
            case "symbol_halted":
                return self._halt_symbol
            case "crash_decider":
                return lambda: self._crash_words.append(
                    self.chance.choice(("risk", "tracker", *self.order_addresses()))
                )
            case "crash_edge":
                return lambda: self._crash_words.append("broker")
            case "kill":
                return self._kill_soon
        return lambda: self._operate(name)

    def order_addresses(self) -> tuple[str, ...]:
        """Of the order actors."""
        return tuple(f"order/{symbol}" for symbol in self.plan.config.symbols)

    def _refuse(self) -> None:
        self.wire.refusing = True

        def mend() -> None:
            self.wire.refusing = False

        self.at(self.now + int(self.chance.uniform(0.5, 8) * SECOND), mend)

    def _foreign(self, name: str) -> None:
        """Somebody else trades the account."""
        symbol = self.chance.choice(self.plan.config.symbols)
        quote = self.venue.book.market.quote(self.view.venue_symbol(symbol), self.now)
        if quote is None:
            return
        far = quote.bid * (Decimal("0.9") if name != "foreign_trade" else Decimal("1.05"))
        asset = self.venue.book.market.assets[self.view.venue_symbol(symbol)]
        tick = asset.tick(float(far))
        number = self.chance.randrange(2**32)
        prefix = self.view.prefix if name == "other_daemon" else "somebody-"
        body: dict[str, Any] = {
            "symbol": self.view.venue_symbol(symbol),
            "qty": "2" if not asset.is_crypto else "0.01",
            "side": "buy",
            "type": "limit",
            "time_in_force": "gtc",
            "limit_price": str((far / tick).to_integral_value() * tick),
            "client_order_id": f"{prefix}{number:016x}-entry-1",
        }
        answer = self._ask_venue("POST", "/v2/orders", body)
        if answer[0] == 200:
            self.coverage[f"{name} {self._state_of_all()}"] += 1
            self.view.foreign.add(symbol)
            self.view.planted.add(body["client_order_id"])
            order_id = msgspec.json.decode(answer[2])["id"]
            wait = int(self.chance.uniform(2, 40) * SECOND)
            self.at(self.now + wait, lambda: self._ask_venue("DELETE", f"/v2/orders/{order_id}"))

    def _ask_venue(self, method: str, path: str, body: Any = None) -> Any:
        keys = self.venue.options.keys
        found = self.venue.exchange.handle(
            method,
            path,
            {},
            {"apca-api-key-id": keys.key_id, "apca-api-secret-key": keys.secret},
            b"" if body is None else msgspec.json.encode(body),
        )
        self.venue._settle()
        self._settle_venue()
        return found

    def _halt_symbol(self) -> None:
        """An asset cannot be traded for a while."""
        assets: Any = self.venue.book.market.assets
        symbol = self.chance.choice(sorted(assets))
        self.coverage[f"symbol_halted {self._state_of_all()}"] += 1
        assets[symbol] = msgspec.structs.replace(assets[symbol], tradable=False)

        def mend() -> None:
            assets[symbol] = msgspec.structs.replace(assets[symbol], tradable=True)
            self.view.disturbed_at = self.now

        self.view.disturbed_at = self.now
        self.at(self.now + int(self.chance.uniform(3, 15) * SECOND), mend)

    def _operate(self, name: str) -> None:
        if self.process is None:
            return
        state: Any = "normal" if name == "resume" else name
        self.coverage[f"{name} {self._state_of_all()}"] += 1
        try:
            self.process.operate(Operator(state=state, who="simulation", why="a test"))
        except Killed:
            self._kill(*(self.kill_wanted or ("kill", 0)))

    def _calm_down(self) -> None:
        """Faults end; what was planned to happen later does not."""
        self.venue.faults.clear()
        self.venue.book.modes = Modes()
        self._hits = 0
        self.wire.refusing = False
        self._crash_words.clear()
        self.on_record.clear()
        self.on_point.clear()
        self.plan = self.plan._replace(quote_faults=())


@lru_cache(maxsize=8)
def _deciders(config: str, tag: str) -> dict[str, Decider[Any]]:
    return bootstrap.deciders(config, tag)


def _memory() -> str | None:
    """A file system in memory, where there is one: a commit costs a tenth there."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
