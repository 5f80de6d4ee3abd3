"""An edge never blocks, never waits past a deadline, and its failures stay its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from argo_actors.errors import PermanentProviderError
from argo_actors.journal.reader import day_files, records
from argo_actors.messages import Message
from argo_actors.messages.market import ClockSet, Quotes, QuotesWanted, Tick
from argo_actors.messages.system import Configured, Crashed, DeadLetter, Parked, Restarted
from argo_actors.runtime.clock import SteadyClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.edge import Behaviour, EdgeCell, Overdue, Port
from argo_actors.runtime.engine import EdgeSpec, Engine, Plan
from argo_actors.runtime.mailbox import Word
from argo_actors.runtime.spec import ChildSpec, GroupSpec, Policy, Strategy
from tests.waiting import until

SOON = Policy(backoff_seconds=0.01)
CONFIGURED = Configured(config="{}", config_hash="", code_hash="", version="1", account_tag="abcd")
BAD = 13


class Shifts(msgspec.Struct, frozen=True):
    by: tuple[int, ...] = ()


def evolve(state: Shifts, heard: Heard) -> Shifts:
    return Shifts((*state.by, heard.message.by)) if type(heard.message) is ClockSet else state


def mute(state: Shifts, heard: Heard) -> tuple[Message, ...]:
    return ()


def build(config: str, tag: str) -> dict[str, Decider[Any]]:
    return {"tracker": Decider(Shifts(), evolve, mute)}


class Bench:
    """What the behaviours of a test leave behind."""

    def __init__(self) -> None:
        self.fatal: list[str] = []
        self.log: list[str] = []
        self.heard: dict[str, list[int]] = {}
        self.answers: list[tuple[Any, BaseException | None]] = []
        self.deaths: list[int] = []
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.late = threading.Event()
        self.engine: Engine

    def cell(self, address: str) -> EdgeCell:
        return self.engine.edges[address]

    def tick(self, *numbers: int) -> None:
        for n in numbers:
            self.engine.say("clock", Tick(n=n))


class Listener:
    """Hears ticks; the thirteenth kills it."""

    def __init__(self, port: Port, bench: Bench) -> None:
        self.port = port
        self.bench = bench
        self.heard = bench.heard.setdefault(port.address, [])

    def start(self) -> None:
        self.bench.log.append(f"start {self.port.address}")

    def stop(self) -> None:
        self.bench.log.append(f"stop {self.port.address}")

    def hear(self, word: Word) -> None:
        if isinstance(word.message, Tick):
            if word.message.n == BAD and self.port.address in ("quotes", "source/b"):
                raise RuntimeError("the vendor sent nonsense")
            self.heard.append(word.message.n)


class Caller(Listener):
    """Makes a call on every tick; odd ones hang until the test lets them go."""

    def hear(self, word: Word) -> None:
        super().hear(word)
        if isinstance(word.message, Tick):
            n = word.message.n
            seconds = 0.05 if n % 2 else 5.0
            self.port.call(lambda: self.work(n), seconds, self.answered)

    def work(self, n: int) -> int:
        if n % 2:
            self.bench.begun.set()
            self.bench.gate.wait(30)
            self.bench.late.set()
        if n == 4:
            raise PermanentProviderError("no such plan")
        return n

    def answered(self, value: Any, error: BaseException | None) -> None:
        self.bench.answers.append((value, error))
        if error is None:
            self.port.say(Quotes(request=value, quotes=()))


@contextmanager
def running(
    directory: Path,
    *addresses: str,
    make: Callable[[Port, Bench], Behaviour] = Listener,
    policy: Policy = SOON,
    strategy: Strategy = "one_for_one",
    escalates: bool = True,
) -> Iterator[Bench]:
    bench = Bench()

    def maker(port: Port) -> Behaviour:
        return make(port, bench)

    groups = (
        GroupSpec("deciders", "one_for_one", (ChildSpec("tracker"),)),
        GroupSpec("edges", strategy, tuple(ChildSpec(one, policy) for one in addresses), escalates),
    )
    edges = tuple(EdgeSpec(one, maker) for one in addresses)
    bench.engine = Engine(
        Plan(directory, CONFIGURED, build, groups, edges), SteadyClock(), bench.fatal.append
    )
    bench.engine.start()
    try:
        until(lambda: len(bench.log) == len(addresses))
        yield bench
    finally:
        bench.gate.set()
        bench.engine.stop()


def told(directory: Path, *kinds: type[Message]) -> list[Any]:
    return [
        message
        for path in day_files(directory)
        for record in records(path)
        for message in record.said
        if type(message) in kinds
    ]


def test_an_answer_comes_back_on_the_edges_own_thread(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", make=Caller) as bench:
        bench.tick(2)
        until(lambda: bench.answers == [(2, None)])
    assert [one.request for one in told(tmp_path, Quotes)] == [2]


def test_the_error_of_a_call_is_an_answer_and_no_crash(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", make=Caller) as bench:
        bench.tick(4)
        until(lambda: bench.answers)
        ((value, error),) = bench.answers
        assert value is None
        assert isinstance(error, PermanentProviderError)
        assert bench.cell("quotes").crashes == 0


def test_a_call_past_its_deadline_is_overdue(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", make=Caller) as bench:
        bench.tick(1)
        until(lambda: bench.answers)
        ((value, error),) = bench.answers
        assert value is None
        assert isinstance(error, Overdue)
        assert bench.cell("quotes").abandoned == 1
        assert bench.engine.office.activity.wait_still(5)


def test_while_a_call_hangs_the_edge_hears_on(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", "broker", make=Caller) as bench:
        bench.tick(1, 1, 1)
        until(lambda: bench.heard == {"quotes": [1, 1, 1], "broker": [1, 1, 1]})
        until(lambda: len(bench.answers) == 6)


def test_a_hung_worker_is_replaced_so_that_the_next_call_is_made(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", make=Caller) as bench:
        bench.tick(1)
        until(lambda: bench.cell("quotes").abandoned == 1)
        bench.tick(2)
        until(lambda: (2, None) in bench.answers)
        assert not bench.late.is_set()


def test_a_hung_worker_that_wakes_late_is_refused_and_counted(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", make=Caller) as bench:
        cell = bench.cell("quotes")
        bench.tick(1)
        until(lambda: cell.abandoned == 1)
        assert cell.refused_late == 0
        bench.gate.set()
        until(lambda: cell.refused_late == 1)
        assert len(bench.answers) == 1
        bench.tick(2)
        until(lambda: (2, None) in bench.answers)
        assert cell.quiet
        assert bench.engine.office.activity.wait_still(5)
    assert [one.request for one in told(tmp_path, Quotes)] == [2]


def test_an_answer_to_a_behaviour_that_died_is_refused(tmp_path: Path) -> None:
    class Dying(Caller):
        def hear(self, word: Word) -> None:
            if word.message == Tick(n=BAD):
                self.port.call(lambda: self.work(BAD), 5.0, self.answered)
                assert self.bench.begun.wait(30)
            super(Caller, self).hear(word)

    with running(tmp_path, "quotes", make=Dying) as bench:
        bench.tick(BAD)
        until(lambda: bench.engine.supervisor.children["quotes"].tally.total == 1)
        until(lambda: bench.engine.supervisor.children["quotes"].state == "running")
        bench.gate.set()
        until(lambda: bench.cell("quotes").refused_late == 1)
        assert bench.answers == []
        assert bench.engine.office.activity.wait_still(5)


def test_a_crash_is_followed_by_a_new_behaviour_that_hears_the_mail_that_waited(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "quotes") as bench:
        ref = bench.cell("quotes").actor_ref
        bench.tick(1, 2, BAD, 3, 4)
        until(lambda: bench.heard["quotes"] == [1, 2, 3, 4])
        assert bench.log[:3] == ["start quotes", "stop quotes", "start quotes"]
        assert bench.log[-1] == "start quotes"
        assert bench.cell("quotes").actor_ref is ref
        assert bench.fatal == []
        until(lambda: bench.engine.supervisor.children["quotes"].state == "running")
    crashed, restarted = told(tmp_path, Crashed, Restarted)
    assert (crashed.address, crashed.error) == ("quotes", "RuntimeError: the vendor sent nonsense")
    assert restarted == Restarted(address="quotes", restarts=1)


def test_one_restart_makes_one_new_behaviour(tmp_path: Path) -> None:
    with running(tmp_path, "quotes") as bench:
        bench.tick(BAD, 1)
        until(lambda: bench.heard["quotes"] == [1])
        assert bench.log == ["start quotes", "stop quotes", "start quotes"]


def test_the_siblings_of_a_crash_are_not_restarted_one_for_one(tmp_path: Path) -> None:
    with running(tmp_path, "source/a", "quotes", "source/c") as bench:
        bench.tick(1, BAD, 2)
        until(lambda: bench.heard["quotes"] == [1, 2])
        until(lambda: bench.heard["source/c"] == [1, BAD, 2])
        assert bench.heard["source/a"] == [1, BAD, 2]
        assert bench.log.count("start source/a") == bench.log.count("start source/c") == 1


def test_a_timer_of_a_behaviour_that_died_does_not_ring_for_its_successor(tmp_path: Path) -> None:
    rung: list[int] = []

    class Timed(Listener):
        def start(self) -> None:
            super().start()
            mine = self.bench.log.count("start quotes")
            self.port.after(0.2, lambda: rung.append(mine))

    with running(tmp_path, "quotes", make=Timed) as bench:
        bench.tick(BAD)
        until(lambda: rung)
        assert 1 not in rung


def test_a_source_that_fails_too_often_is_parked_and_nobody_else_notices(tmp_path: Path) -> None:
    policy = Policy(intensity=2, backoff_seconds=0.001)
    with running(tmp_path, "quotes", "source/a", policy=policy, escalates=False) as bench:
        bench.tick(BAD, BAD, BAD, 1)
        until(lambda: bench.engine.supervisor.children["quotes"].state == "failed")
        until(lambda: bench.heard["source/a"] == [BAD, BAD, BAD, 1])
        bench.tick(2)
        until(lambda: bench.heard["source/a"][-1] == 2)
        assert bench.heard["quotes"] == []
        assert bench.fatal == []
        assert bench.engine.supervisor.children["source/a"].state == "running"
        assert bench.engine.office.activity.wait_still(5)
        assert len(bench.cell("quotes").mailbox) == 0
    (parked,) = told(tmp_path, Parked)
    assert (parked.address, parked.state) == ("quotes", "failed")
    assert "too often" in parked.reason
    assert parked.remedy


def test_a_parked_source_is_tried_again_by_the_slow_probe(tmp_path: Path) -> None:
    policy = Policy(intensity=0, probe_seconds=0.05)
    with running(tmp_path, "quotes", policy=policy, escalates=False) as bench:
        bench.tick(BAD)
        until(lambda: bench.log == ["start quotes", "stop quotes", "start quotes"])
        bench.tick(1)
        until(lambda: bench.heard["quotes"] == [1])


def test_a_timer_of_a_parked_behaviour_does_not_ring(tmp_path: Path) -> None:
    rung: list[str] = []

    class Timed(Listener):
        def start(self) -> None:
            super().start()
            self.port.after(0.2, lambda: rung.append("dead"))

    with running(
        tmp_path, "quotes", make=Timed, policy=Policy(intensity=0), escalates=False
    ) as bench:
        bench.tick(BAD)
        until(lambda: bench.engine.supervisor.children["quotes"].state == "failed")
        passed = threading.Event()
        bench.engine.alarm.after(0.3, passed.set)
        assert passed.wait(5)
        assert bench.engine.office.activity.wait_still(5)
        assert rung == []


def test_a_group_that_escalates_calls_fatal_and_leaves_the_child_down(tmp_path: Path) -> None:
    with running(
        tmp_path, "quotes", "broker", policy=Policy(intensity=0, shutdown_seconds=0.1)
    ) as bench:
        bench.tick(BAD)
        until(lambda: bench.fatal)
        assert bench.fatal == [
            "quotes: it failed too often: RuntimeError: the vendor sent nonsense"
        ]
        bench.tick(1)
        until(lambda: bench.heard["broker"] == [BAD, 1])
        assert bench.heard["quotes"] == []
        assert bench.log.count("start quotes") == 1


def test_a_crash_of_nobodys_child_calls_fatal(tmp_path: Path) -> None:
    with running(tmp_path, "quotes") as bench:
        bench.engine._crashed("stranger", RuntimeError("lost"), None)
        until(lambda: bench.fatal)
        assert "stranger" in bench.fatal[0]


def test_a_behaviour_that_cannot_start_is_a_crash_like_any_other(tmp_path: Path) -> None:
    class Slow(Listener):
        def start(self) -> None:
            super().start()
            if self.bench.log.count("start quotes") == 2:
                raise OSError("no route")

    with running(tmp_path, "quotes", make=Slow) as bench:
        bench.engine.edges["quotes"].revive()
        until(lambda: bench.cell("quotes").crashes)
        bench.tick(1)
        until(lambda: bench.heard["quotes"] == [1])
        assert bench.fatal == []


def test_rest_for_one_starts_the_failed_one_and_those_after_it_in_order(tmp_path: Path) -> None:
    edges = ("source/a", "source/b", "source/c", "source/d")
    with running(tmp_path, *edges, strategy="rest_for_one") as bench:
        bench.log.clear()
        bench.tick(1, BAD, 2)
        until(lambda: all(bench.heard[one][-1:] == [2] for one in edges))
        until(lambda: all(f"start {one}" in bench.log for one in edges[1:]))
        assert not any("source/a" in line for line in bench.log)
        assert all(BAD in bench.heard[one] for one in ("source/a", "source/c", "source/d"))
        assert bench.engine.office.activity.wait_still(5)
    restarted = [one.address for one in told(tmp_path, Restarted)]
    assert restarted == ["source/b", "source/c", "source/d"]


def test_the_mail_of_a_group_waits_until_all_of_it_are_up(tmp_path: Path) -> None:
    class Slow(Listener):
        """`source/d` takes its time to begin anew, and fails at it once."""

        def start(self) -> None:
            super().start()
            if self.port.address == "source/d" and self.bench.log.count("start source/d") > 1:
                assert self.bench.gate.wait(5)
                if self.bench.log.count("start source/d") == 2:
                    raise OSError("no route")

        def hear(self, word: Word) -> None:
            super().hear(word)
            self.bench.log.append(f"heard {self.port.address}")

    edges = ("source/b", "source/c", "source/d")
    with running(tmp_path, *edges, make=Slow, strategy="rest_for_one") as bench:
        bench.tick(BAD)
        until(lambda: bench.log.count("start source/d") == 2)
        until(lambda: bench.log.count("start source/c") == 2)
        bench.tick(1)
        until(lambda: len(bench.cell("source/c").mailbox) >= 1)
        assert all(1 not in bench.heard[one] for one in edges)
        bench.gate.set()
        until(lambda: all(bench.heard[one][-1:] == [1] for one in edges))
        assert bench.log.count("start source/d") == 3
        last_start = max(n for n, what in enumerate(bench.log) if what == "start source/d")
        ones = [n for n, what in enumerate(bench.log) if what.startswith("heard")]
        assert sum(n > last_start for n in ones) >= len(edges)
        assert bench.engine.office.activity.wait_still(5)


def test_one_for_all_starts_every_child_anew(tmp_path: Path) -> None:
    with running(tmp_path, "source/a", "source/b", strategy="one_for_all") as bench:
        bench.tick(BAD)
        until(lambda: bench.log.count("start source/a") >= 2)
        until(lambda: bench.log.count("start source/b") >= 2)


def test_what_an_error_says_is_redacted_before_it_is_told(tmp_path: Path) -> None:
    with running(tmp_path, "quotes") as bench:
        bench.engine.supervisor._redact = lambda text: text.replace("nonsense", "[hidden]")
        bench.tick(BAD)
        until(lambda: bench.log.count("start quotes") >= 2)
    (crashed,) = told(tmp_path, Crashed)
    assert crashed.error == "RuntimeError: the vendor sent [hidden]"


def test_edges_are_stopped_when_the_engine_stops(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", "broker") as bench:
        pass
    assert sorted(bench.log[2:]) == ["stop broker", "stop quotes"]
    assert bench.fatal == []


def test_words_for_an_edge_are_heard_in_order_under_load(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", "source/a") as bench:
        bench.tick(*(n for n in range(500) if n != BAD))
        wanted = [n for n in range(500) if n != BAD]
        until(lambda: bench.heard == {"quotes": wanted, "source/a": wanted})
        bench.engine.say("risk", QuotesWanted(request=1, symbols=()))
        assert bench.engine.office.activity.wait_still(5)


class Deadly(Listener):
    """Dies on a command so many times, and then hears it."""

    def hear(self, word: Word) -> None:
        super().hear(word)
        if isinstance(word.message, QuotesWanted):
            if self.bench.deaths:
                self.bench.deaths.pop()
                raise RuntimeError("killed by a command")
            self.heard.append(-word.message.request)


def test_a_command_is_heard_again_by_the_next_behaviour_before_anything_else(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "quotes", make=Deadly) as bench:
        bench.deaths = [1, 2]
        bench.engine.say("risk", QuotesWanted(request=5, symbols=()), Tick(n=1))
        until(lambda: bench.heard["quotes"] == [-5, 1])
        assert bench.cell("quotes").crashes == 2
    assert not told(tmp_path, DeadLetter)


def test_a_command_that_kills_every_behaviour_is_a_dead_letter(tmp_path: Path) -> None:
    with running(tmp_path, "quotes", make=Deadly) as bench:
        bench.deaths = [1, 2, 3]
        bench.engine.say("risk", QuotesWanted(request=5, symbols=()), Tick(n=1))
        until(lambda: bench.heard["quotes"] == [1])
    (letter,) = told(tmp_path, DeadLetter)
    assert (letter.address, letter.kind) == ("quotes", "QuotesWanted")
