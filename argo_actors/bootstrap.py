"""The composition root: the only file that names concrete classes.

Start: state lock, account read, account lock, journal folded, epoch, deciders, edges, clock. Stop: backwards.
"""

import hashlib
import threading
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from loguru import logger

from . import config as configuration
from .broker.edge import BrokerEdge
from .broker.gate import Gate
from .broker.link import Link
from .broker.stream import StreamEdge
from .clock.hours import Hours
from .clock.pacer import Lockstep, LockstepPacer, Pacer, Schedule, SteadyPacer
from .config import Config, RestartPolicy, Source
from .consensus.decider import ConsensusState, consensus
from .errors import AuthError, BrokerError, ConfigError, DaemonError, HeldError
from .host.lock import Lock, lock_account, lock_state
from .host.process import this_process
from .host.secrets import Secrets
from .host.state import StateDir
from .messages.market import Decide
from .messages.system import (
    Configured,
    Epoch,
    Operator,
    OperatorState,
    SourceOrder,
    Started,
    Stopping,
)
from .order.decider import order
from .risk.decider import risk
from .runtime.clock import SetClock, SteadyClock, machine_seconds, machine_sleep
from .runtime.decider import Decider
from .runtime.engine import EdgeSpec, Engine, Plan
from .runtime.shapes import build_shapes
from .runtime.spec import ChildSpec, GroupSpec, Policy
from .runtime.workers import Turns
from .source.alpaca import Alpaca
from .source.quotes import QuotesEdge
from .source.roster import Roster
from .tracker.decider import tracker
from .tracker.state import TrackerState
from .units import UtcNanos

VERSION = "0.1.0"
START_SECONDS = 30.0
TAKE_OVER_SECONDS = 5.0
STATES: tuple[OperatorState, ...] = ("normal", "stop-entries", "halt", "flatten")
"""Each stops more than the one before."""
SETTLE_SHARE = 0.5
"""Of `shutdown_seconds`: so long an ordered stop waits for orders between two states."""


def deciders(config_text: str, account_tag: str) -> dict[str, Decider[Any]]:
    """Every decider of an account by its address: what live run, restart and verification share."""
    config = configuration.decode(config_text, "the recorded configuration")
    found: dict[str, Decider[Any]] = {
        "consensus": consensus(config),
        "risk": risk(config),
        "tracker": tracker(config),
    }
    for symbol in config.symbols:
        found[f"order/{symbol}"] = order(config, symbol, account_tag)
    return found


class Taken(NamedTuple):
    """What a standby has when it takes over: the state's lock, and who asked for it (nobody, mostly)."""

    lock: Lock
    who: str = ""
    why: str = ""


class Settings(NamedTuple):
    """What a daemon is started with."""

    config: Config
    state: StateDir
    secrets: Secrets
    mode: str = "paper"
    lockstep: Lockstep | None = None
    start_clock: UtcNanos | None = None
    """Market time at start where it is not the wall clock's (a simulated market at real speed)."""
    taken: Taken | None = None
    """What a standby took over; None for a start of its own."""


class Daemon:
    """One account's engine with its clock; `fatal` ends it from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = settings.config
        self.ended = threading.Event()
        self.failure = ""
        self.runs_before = 0  # in the journal when it was folded
        self._locks: list[Lock] = []
        check_environment(settings)
        settings.state.create()
        taken = settings.taken
        self._locks.append(lock_state(settings.state) if taken is None else taken.lock)
        try:
            self._build(settings)
        except BaseException:
            self.release()
            raise

    def _build(self, settings: Settings) -> None:
        self.clock = self._clock()
        self.link = Link()
        self.gate = self._gate()
        self.account = account_of(self.gate, settings)
        self._locks.append(self._lock_account())
        self.roster = Roster(settings.config, settings.secrets, settings.state.path)
        build_shapes()
        self.engine = Engine(self._plan(), self.clock, self.fatal)
        self.gate.attach(self.engine.journal, self._superseded)
        self._restore_operator()
        self.pacer = self._pacer()
        for warning in self.engine.warnings:
            logger.warning(warning)

    def _restore_operator(self) -> None:
        """What operators have said outlives the process."""
        in_force(self.engine, self.gate)
        books = self.engine.deciders["tracker"].state
        if isinstance(books, TrackerState):
            self.roster.restore(books.switched_off)
            self.runs_before = books.runs

    def _clock(self) -> SetClock | SteadyClock:
        lockstep = self.settings.lockstep
        if lockstep is not None:
            return SetClock(lockstep.start)
        return SteadyClock(self.settings.start_clock)

    def _gate(self) -> Gate:
        return Gate(self.config, self.settings.secrets.broker, self.clock.now)

    def _lock_account(self) -> Lock:
        """A process that is ending lets go of its two locks one after the other."""
        until = machine_seconds() + (0.0 if self.settings.taken is None else TAKE_OVER_SECONDS)
        while True:
            try:
                return lock_account(self._account_name())
            except HeldError:
                if machine_seconds() >= until:
                    raise
                machine_sleep(0.02)

    def _account_name(self) -> str:
        """The account's number; a simulated broker's also by its address, as all have the same one."""
        number, host = str(self.account["account_number"]), urlsplit(self.config.broker.base_url)
        return (
            number
            if (host.hostname or "").endswith("alpaca.markets")
            else f"{number}@{host.netloc}"
        )

    def _plan(self) -> Plan:
        config = self.config
        return Plan(
            directory=self.settings.state.journal,
            configured=configured(config, str(self.account["account_number"])),
            build=deciders,
            groups=groups(config),
            edges=self._edges(),
            threads=config.supervision.dispatcher == "thread",
            commit_seconds=config.journal.commit_ms / 1000,
            commit_records=config.journal.commit_records,
            redact=self.settings.secrets.redact,
            stuck_seconds=config.supervision.stuck_seconds,
            shutdown_seconds=config.clock.shutdown_seconds,
            durable_seconds=config.journal.durable_seconds,
            kept_mark=config.supervision.kept_mark,
            epoch=self._epoch(),
        )

    def _epoch(self) -> Epoch:
        taken, pid = self.settings.taken, this_process().pid
        if taken is None:
            return Epoch(number=0, pid=pid)
        return Epoch(number=0, pid=pid, by="take-over", who=taken.who, why=taken.why)

    def _edges(self) -> tuple[EdgeSpec, ...]:
        config, secrets = self.config, self.settings.secrets
        tag = account_tag(str(self.account["account_number"]))
        shared: dict[str, Any] = {"config": config, "link": self.link, "account_tag": tag}
        data = config.sources.get("alpaca", Source())
        if config.broker.data_url:
            data = msgspec.structs.replace(data, base_url=config.broker.data_url)
        edges = [
            EdgeSpec("stream", partial(StreamEdge, keys=secrets.broker, **shared)),
            EdgeSpec("broker", partial(BrokerEdge, gate=self.gate, **shared), self._callers()),
            EdgeSpec(
                "quotes",
                partial(QuotesEdge, config=config, make=partial(Alpaca, data, secrets.data)),
                4,
            ),
        ]
        return (*edges, *self.roster.edges(self._park))

    def _callers(self) -> int | Turns:
        """The broker's workers."""
        count, lockstep = self.config.broker.workers, self.settings.lockstep
        if lockstep is None or not lockstep.in_turn:
            return count
        return Turns(count, "broker", self._still_but_for)

    def _still_but_for(self, calls: int) -> bool:
        assert isinstance(self.pacer, LockstepPacer)
        return self.pacer.still_but_for(calls)

    def _park(
        self, address: str, state: str, reason: str, remedy: str, *, probe: bool = True
    ) -> None:
        self.engine.supervisor.park(address, state, reason, remedy, probe=probe)

    def _pacer(self) -> Pacer:
        schedule = Schedule(
            self.engine,
            Hours(self.clock.now(), *configuration.loss_day_start(self.config)),
            self.config.clock.cycle_seconds,
            last_cycle(self.engine),
        )
        clock, lockstep = self.clock, self.settings.lockstep
        if isinstance(clock, SteadyClock):
            return SteadyPacer(
                self.engine,
                schedule,
                clock=clock,
                broker_ahead=lambda: self.link.skew_ms * 1_000_000,
                decide_seconds=self.config.clock.decide_seconds,
                answered=self._answered,
            )
        assert lockstep is not None
        return LockstepPacer(
            self.engine,
            schedule,
            lockstep,
            clock=clock,
            heard_events=lambda: self.link.frames,
            restless=self._restless,
        )

    def _answered(self) -> bool:
        """Every source that cycles wait for has answered or declined."""
        return all(self.engine.edges[address].quiet for address in self.roster.awaited())

    def _restless(self) -> bool:
        """An order is between two states: market time moves in fine steps."""
        return any(getattr(cell.state, "restless", False) for cell in self.engine.deciders.values())

    def start(self) -> None:
        """Let it run."""
        mode: Any = self.settings.mode
        self.engine.start(Started(run=self.engine.run, mode=mode))
        self.pacer.start()

    def operate(self, command: Operator) -> tuple[int, tuple[str, ...]]:
        """An operator's word: the gate first, then durable. Returns its seq and what had left before."""
        registered = self.gate.operate(command.state)
        seq = self.engine.say_durably("operator", command)
        return seq, registered

    def order_source(self, order: SourceOrder) -> int:
        """An operator's word about a source: durable, then in force. Returns its seq."""
        seq = self.engine.say_durably("operator", order)
        self.roster.obey(order)
        self.engine.restart(f"source/{order.source}")
        return seq

    def fatal(self, what: str) -> None:
        """It cannot go on: protection stands at the broker; the process ends."""
        logger.critical(what)
        self.failure = self.failure or what
        self.ended.set()

    def stop(self, reason: str = "stopped") -> None:
        """No new entries, what is in flight settles, the journal is flushed; protection stays."""
        if not self.failure:
            self.engine.say("engine", Stopping(reason=reason))
        until = machine_seconds() + self.config.clock.shutdown_seconds
        if not self.failure:
            # The clock still runs: a close that is under way ends, or what is held is protected again.
            most = self.config.clock.shutdown_seconds * SETTLE_SHARE
            self.engine.driver.until(self._may_stop, most)
        self.pacer.stop()
        self.engine.stop(until - machine_seconds())
        self.release()

    def _may_stop(self) -> bool:
        """Nothing is between two states, or nothing would come of waiting."""
        return bool(self.failure) or self.engine.settled or not self.pacer.ticks

    def _superseded(self) -> str:
        """A lock of ours is another's now, because somebody removed its file: nothing may leave any more."""
        if not any(lock.superseded() for lock in self._locks):
            return ""
        self.fatal("another daemon has taken the account over (a lock's file was removed)")
        return self.failure

    def release(self) -> None:
        """Let go of the locks, the state's last: whoever waits for that one finds the account free."""
        for lock in reversed(self._locks):
            lock.release()


def in_force(engine: Engine, gate: Gate) -> None:
    """A halt outlives the process: it is in the journal, and in force before anything is sent.

    Who died on the word does not know it, so the strictest that any decider knows counts.
    """
    known = {getattr(cell.state, "operator", STATES[0]) for cell in engine.deciders.values()}
    gate.operate(max(known, key=STATES.index))
    for unheard in (one for one in engine.in_flight if isinstance(one, Operator)):
        gate.operate(unheard.state)  # acknowledged, and the process ended before anybody heard it


def last_cycle(engine: Engine) -> int:
    """The highest number of a cycle that the journal knows, decided or about to be."""
    state = engine.deciders["consensus"].state
    decided = state.decided if isinstance(state, ConsensusState) else 0
    return max([decided, *(one.n for one in engine.in_flight if isinstance(one, Decide))])


def check_environment(settings: Settings) -> None:
    """Paper is the default; live is only with its own word and a live address (I20). Raises ConfigError."""
    config = settings.config
    live_url = config.broker.base_url.startswith("https://api.alpaca.markets")
    if live_url != (config.environment == "live"):
        raise ConfigError(
            f"environment is {config.environment!r} but broker.base_url is "
            f"{config.broker.base_url}",
            fix="make the two agree: paper-api.alpaca.markets for paper",
        )
    if config.environment == "live" and settings.mode != "live":
        raise ConfigError(
            "this configuration trades live money", fix="argo run --live ACCOUNT_NUMBER"
        )


def account_of(gate: Gate, settings: Settings) -> dict[str, Any]:
    """The account: its number is what is locked and what ids carry. Raises DaemonError."""
    until = machine_seconds() + START_SECONDS
    while True:
        try:
            return dict(gate.account())
        except AuthError as error:
            raise DaemonError(error.what, fix=error.fix) from None
        except BrokerError as error:
            if machine_seconds() >= until:
                raise DaemonError(
                    f"the broker at {settings.config.broker.base_url} does not answer: "
                    f"{settings.secrets.redact(error.what)}",
                    fix="check the network and broker.base_url",
                ) from None
            machine_sleep(0.5)


def configured(config: Config, account_number: str) -> Configured:
    """The word that says under which configuration and code everything after it happened."""
    return Configured(
        config=configuration.encode(config).decode(),
        config_hash=configuration.config_hash(config),
        code_hash=code_hash(),
        version=VERSION,
        account_tag=account_tag(account_number),
    )


def account_tag(account_number: str) -> str:
    """First four hex digits of the SHA-256 of the account number (orders' policy)."""
    return hashlib.sha256(account_number.encode()).hexdigest()[:4]


def code_hash() -> str:
    """SHA-256 over the package's own files."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _policy(settings: RestartPolicy) -> Policy:
    return Policy(**msgspec.structs.asdict(settings))


def groups(config: Config) -> tuple[GroupSpec, ...]:
    """Who is supervised together, and how."""
    deciding = _policy(config.supervision.deciders)
    edging = _policy(config.supervision.edges)
    rules = ("tracker", "risk", "consensus", *(f"order/{symbol}" for symbol in config.symbols))
    sources = tuple(
        ChildSpec(f"source/{name}", _policy(source.restart))
        for name, source in config.sources.items()
        if source.enabled
    )
    return (
        GroupSpec("deciders", "one_for_one", tuple(ChildSpec(one, deciding) for one in rules)),
        GroupSpec(
            "trading", "rest_for_one", (ChildSpec("stream", edging), ChildSpec("broker", edging))
        ),
        GroupSpec("market", "one_for_one", (ChildSpec("quotes", edging),)),
        GroupSpec("sources", "one_for_one", sources, escalates=False),
    )
