"""Each known trap of pykka 4.5 that our cells can step into, and why the rest cannot be reached.

P3, P12: results are words, and nothing makes a proxy (the scan below), so that no future goes unread
and no proxy keeps a dead actor alive. P7, P9, P10, P17, P23: nobody asks (the scan below), so there is
no untimed wait, no late answer to an ask, no cycle of asks, no hooked future and no shared exception.
P15: nobody broadcasts (the scan below). P18: no cell overrides `on_failure` (the scan below). P19: a
cell's thread is not pykka's; a thread that cannot start raises out of the engine's constructor, before
anything was said. P20: all threads are daemons (a test below); signals belong to the process, not to
a cell. P22: nobody sets `actor_stopped` from outside; a hung call is abandoned by its deadline (see the
tests of the edges). P24: deciders make no busy loops; `Core.stuck_seconds` measures a step (a test below).
"""

import ast
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pykka
import pytest

import argo_actors
from argo_actors.messages import Message
from argo_actors.messages.market import Decide, Tick
from argo_actors.messages.system import Configured
from argo_actors.runtime.cell import DeciderCell
from argo_actors.runtime.clock import SteadyClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.edge import EdgeCell, Port
from argo_actors.runtime.engine import EdgeSpec, Engine, Plan
from argo_actors.runtime.mailbox import Mailbox, Word
from argo_actors.runtime.spec import ChildSpec, GroupSpec, Policy
from tests.waiting import until

PACKAGE = Path(argo_actors.__file__).parent
CONFIGURED = Configured(config="{}", config_hash="", code_hash="", version="1", account_tag="abcd")
RAISES, EXITS, WAITS = 13, 14, 15


class Seen(msgspec.Struct, frozen=True):
    cycles: tuple[int, ...] = ()


class Bench:
    """An engine with one decider and one edge, and what their behaviours were told."""

    def __init__(self) -> None:
        self.fatal: list[str] = []
        self.ticks: list[int] = []
        self.stops: list[str] = []
        self.first_start: Callable[[], None] = lambda: None
        self.gate = threading.Event()
        self.inside = threading.Event()
        self.engine: Engine

    @property
    def decider(self) -> DeciderCell:
        return self.engine.deciders["consensus"]

    @property
    def edge(self) -> EdgeCell:
        return self.engine.edges["quotes"]

    @property
    def cycles(self) -> tuple[int, ...]:
        state: Any = self.decider.state
        return tuple(state.cycles)

    def decide(self, *numbers: int) -> None:
        for n in numbers:
            self.engine.say("clock", Decide(n=n))

    def tick(self, *numbers: int) -> None:
        for n in numbers:
            self.engine.say("clock", Tick(n=n))

    def fail(self, n: int) -> None:
        if n == RAISES:
            raise RuntimeError("raised")
        if n == EXITS:
            raise SystemExit("left")
        if n == WAITS:
            self.inside.set()
            assert self.gate.wait(10)

    def build(self, config: str, tag: str) -> dict[str, Decider[Any]]:
        def evolve(state: Seen, heard: Heard) -> Seen:
            if isinstance(heard.message, Decide):
                self.fail(heard.message.n)
                return Seen((*state.cycles, heard.message.n))
            return state

        def decide(state: Seen, heard: Heard) -> tuple[Message, ...]:
            return ()

        return {"consensus": Decider(Seen(), evolve, decide)}


class Listener:
    """Fails on the ticks that the bench says."""

    def __init__(self, port: Port, bench: Bench) -> None:
        self.bench = bench

    def start(self) -> None:
        first, self.bench.first_start = self.bench.first_start, lambda: None
        first()

    def stop(self) -> None:
        self.bench.stops.append("quotes")

    def hear(self, word: Word) -> None:
        if isinstance(word.message, Tick):
            self.bench.fail(word.message.n)
            self.bench.ticks.append(word.message.n)


def leave() -> None:
    raise SystemExit("at the start")


def fall() -> None:
    raise OSError("at the start")


@contextmanager
def running(
    directory: Path, *, threads: bool = False, first_start: Callable[[], None] = lambda: None
) -> Iterator[Bench]:
    bench = Bench()
    bench.first_start = first_start
    policy = Policy(intensity=9, backoff_seconds=0.01)
    groups = (
        GroupSpec("deciders", "one_for_one", (ChildSpec("consensus", policy),)),
        GroupSpec("edges", "one_for_one", (ChildSpec("quotes", policy),)),
    )
    edges = (EdgeSpec("quotes", lambda port: Listener(port, bench)),)
    bench.engine = Engine(
        Plan(directory, CONFIGURED, bench.build, groups, edges, threads, shutdown_seconds=2.0),
        SteadyClock(),
        bench.fatal.append,
    )
    bench.engine.start()
    try:
        yield bench
    finally:
        bench.gate.set()
        bench.engine.stop()


@pytest.fixture(params=[False, True], ids=["core", "thread"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with running(tmp_path, threads=request.param) as found:
        yield found


def test_p1_a_raising_tell_loses_no_queued_mail(bench: Bench) -> None:
    bench.decide(RAISES, 1, 2, 3, 4, 5)
    bench.tick(RAISES, 1, 2, 3, 4, 5)
    until(lambda: bench.cycles == (1, 2, 3, 4, 5))
    until(lambda: bench.ticks == [1, 2, 3, 4, 5])
    assert bench.decider.actor_ref.is_alive()
    assert bench.edge.actor_ref.is_alive()


def test_p2_a_failed_step_leaves_no_half_changed_state(bench: Bench) -> None:
    bench.decide(1)
    until(lambda: bench.cycles == (1,))
    before = bench.decider.state
    bench.decide(RAISES)
    until(lambda: bench.decider.crashes == 1)
    assert bench.decider.state is before


def test_p2_a_failed_edge_is_dropped_whole(bench: Bench) -> None:
    bench.tick(1)
    until(lambda: bench.ticks == [1])
    before = bench.edge.behaviour
    bench.tick(RAISES, 2)
    until(lambda: bench.ticks == [1, 2])
    assert bench.edge.behaviour is not before
    assert bench.stops


def test_p4_a_behaviour_that_raises_at_its_start_loses_no_mail(tmp_path: Path) -> None:
    with running(tmp_path, first_start=fall) as bench:
        bench.tick(1, 2)
        until(lambda: bench.ticks == [1, 2])
        assert bench.edge.crashes == 1
        assert bench.engine.supervisor.children["quotes"].tally.total == 1


def test_p5_system_exit_at_the_start_is_a_crash_and_the_thread_lives(tmp_path: Path) -> None:
    with running(tmp_path, first_start=leave) as bench:
        bench.tick(1)
        until(lambda: bench.ticks == [1])
        assert bench.edge.crashes == 1
        assert bench.fatal == []


def test_p6_system_exit_in_a_handler_stops_nobody(bench: Bench) -> None:
    bench.decide(EXITS, 1)
    bench.tick(EXITS, 1)
    until(lambda: bench.cycles == (1,))
    until(lambda: bench.ticks == [1])
    assert all(cell.actor_ref.is_alive() for cell in bench.engine.office.cells.values())
    assert bench.fatal == []


def test_p8_mail_to_a_cell_that_has_stopped_is_in_the_journal_and_blocks_nobody(
    bench: Bench,
) -> None:
    bench.edge.actor_ref.stop(block=False)
    until(lambda: not bench.edge.actor_ref.is_alive())
    seq = bench.engine.say_durably("clock", Tick(n=1))
    assert bench.engine.journal.durable >= seq
    assert bench.ticks == []


def test_p11_a_restart_keeps_the_address_the_urn_and_the_ref(bench: Bench) -> None:
    before = [(one.actor_ref, one.actor_urn, one.mailbox) for one in (bench.decider, bench.edge)]
    bench.decide(RAISES, 1)
    bench.tick(RAISES, 1)
    until(lambda: bench.cycles == (1,) and bench.ticks == [1])
    after = [(one.actor_ref, one.actor_urn, one.mailbox) for one in (bench.decider, bench.edge)]
    assert after == before
    assert pykka.ActorRegistry.get_by_urn(bench.decider.actor_urn) is before[0][0]


def test_p13_control_does_not_wait_behind_other_mail(bench: Bench) -> None:
    first = bench.edge.behaviour
    bench.tick(WAITS)
    assert bench.inside.wait(5)
    bench.tick(*range(100, 110))
    heard_before: list[int] = []
    cell = bench.edge
    kept = cell._make

    def make(port: Port) -> Any:
        heard_before.append(len(bench.ticks))
        return kept(port)

    cell._make = make
    cell.revive()
    bench.gate.set()
    until(lambda: len(bench.ticks) == 11)
    assert heard_before == [1]
    assert cell.behaviour is not first


def test_p14_an_edge_that_hangs_does_not_keep_the_others_from_being_stopped(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as bench:
        bench.tick(WAITS)
        assert bench.inside.wait(5)
        bench.decide(1)
        until(lambda: bench.cycles == (1,))
        begun = time.monotonic()
        bench.engine.stop()
        assert time.monotonic() - begun < 8
        assert bench.engine.journal.backlog == 0
        bench.gate.set()
        until(lambda: not bench.edge.actor_ref.is_alive())


def test_p16_a_full_inbox_never_blocks_its_sender_and_its_depth_can_be_seen(bench: Bench) -> None:
    bench.tick(WAITS)
    assert bench.inside.wait(5)
    begun = time.monotonic()
    bench.tick(*range(100, 2100))
    assert time.monotonic() - begun < 5
    assert len(bench.edge.mailbox) == 2000
    bench.gate.set()
    until(lambda: len(bench.ticks) == 2001)


def test_p20_no_thread_of_an_engine_keeps_the_process_alive(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with running(tmp_path, threads=True):
        mine = set(threading.enumerate()) - before
        assert len(mine) >= 4
        assert all(thread.daemon for thread in mine)


def test_p21_only_words_of_the_closed_union_reach_the_rules(bench: Bench) -> None:
    from pykka.messages import ProxyCall

    with pytest.raises(KeyError):
        bench.engine.say("clock", ProxyCall(attr_path=("_stop",), args=(), kwargs={}))  # type: ignore[arg-type]
    bench.decider.actor_ref.tell(ProxyCall(attr_path=("_stop",), args=(), kwargs={}))
    bench.edge.actor_ref.tell(ProxyCall(attr_path=("_stop",), args=(), kwargs={}))
    bench.decide(1)
    bench.tick(1)
    until(lambda: bench.cycles == (1,) and bench.ticks == [1])
    assert bench.decider.actor_ref.is_alive()


def test_p24_a_step_that_takes_long_is_measured(tmp_path: Path) -> None:
    with running(tmp_path) as bench:
        assert bench.engine.driver.stuck_seconds() == 0
        bench.decide(WAITS)
        assert bench.inside.wait(5)
        until(lambda: bench.engine.driver.stuck_seconds() > 0.02)
        bench.gate.set()
        until(lambda: bench.engine.driver.stuck_seconds() == 0)


@cache
def modules() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple((path, ast.parse(path.read_text())) for path in sorted(PACKAGE.rglob("*.py")))


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for path, module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.func.attr, node


@pytest.mark.parametrize(
    "banned", ["ask", "proxy", "broadcast", "stop_all", "defer", "traversable"]
)
def test_p3_p7_p10_p12_p15_what_blocks_or_hides_failures_is_not_called(banned: str) -> None:
    found = [
        where
        for where, name, call in calls()
        if name == banned and ast.unparse(call.func) != "self._http.ask"  # a vendor is asked
    ]
    assert found == []


def test_p14_no_cell_is_stopped_with_a_wait() -> None:
    waits = [
        where
        for where, name, call in calls()
        if name == "stop"
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value).endswith("actor_ref")
        and [ast.unparse(word) for word in call.keywords] != ["block=False"]
    ]
    assert waits == []


def test_p18_no_cell_has_code_of_its_own_in_pykkas_hooks() -> None:
    hooks = {"on_start", "on_stop", "on_failure"}
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and node.name in hooks
    ]
    assert found == []


def test_p22_nobody_sets_actor_stopped_from_outside() -> None:
    found = [
        where
        for where, name, call in calls()
        if name in ("set", "clear") and "actor_stopped" in ast.unparse(call.func)
    ]
    assert found == []


def test_a_cells_inbox_is_ours_and_not_pykkas_queue(bench: Bench) -> None:
    assert type(bench.decider.actor_inbox) is Mailbox
    assert type(bench.edge.actor_inbox) is Mailbox
