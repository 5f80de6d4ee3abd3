"""An ordered stop: last started, first stopped; each child within its own `shutdown`."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argo_actors.messages.market import Quotes, Tick
from argo_actors.runtime.clock import SteadyClock
from argo_actors.runtime.engine import EdgeSpec, Engine, Plan
from argo_actors.runtime.mailbox import Word
from argo_actors.runtime.spec import ChildSpec, GroupSpec, Policy
from tests.supervision.test_edges import (
    BAD,
    CONFIGURED,
    Bench,
    Caller,
    Listener,
    build,
    running,
    told,
)
from tests.waiting import until


def started(directory: Path, make: Any, **shutdown: float) -> Bench:
    bench = Bench()
    children = tuple(
        ChildSpec(name, Policy(shutdown_seconds=seconds)) for name, seconds in shutdown.items()
    )
    groups = (
        GroupSpec("deciders", "one_for_one", (ChildSpec("tracker"),)),
        GroupSpec("edges", "one_for_one", children),
    )
    edges = tuple(EdgeSpec(name, lambda port: make(port, bench)) for name in shutdown)
    bench.engine = Engine(
        Plan(directory, CONFIGURED, build, groups, edges), SteadyClock(), bench.fatal.append
    )
    bench.engine.start()
    until(lambda: len(bench.log) == len(shutdown))
    return bench


class Answering(Caller):
    """Its call ends a moment after the stop began."""

    def work(self, n: int) -> int:
        assert self.bench.gate.wait(5)
        return n


def test_a_call_that_is_under_way_ends_and_its_answer_is_recorded(tmp_path: Path) -> None:
    bench = started(tmp_path, Answering, quotes=5.0)
    bench.tick(2)
    until(lambda: bench.heard["quotes"] == [2])
    threading.Timer(0.1, bench.gate.set).start()
    bench.engine.stop()
    assert [one.request for one in told(tmp_path, Quotes)] == [2]
    assert bench.log[-1] == "stop quotes"


def test_a_child_without_shutdown_time_is_not_waited_for(tmp_path: Path) -> None:
    bench = started(tmp_path, Answering, quotes=0.0)
    bench.tick(2)
    until(lambda: bench.heard["quotes"] == [2])
    bench.engine.stop()
    assert bench.answers == []
    assert bench.log[-1] == "stop quotes"
    assert bench.fatal == []
    bench.gate.set()


def test_children_stop_in_the_reverse_of_their_start(tmp_path: Path) -> None:
    bench = started(tmp_path, Listener, stream=1.0, broker=1.0, quotes=1.0)
    bench.engine.stop()
    assert bench.log[3:] == ["stop quotes", "stop broker", "stop stream"]


class Stubborn(Listener):
    """Hangs in its handler."""

    def hear(self, word: Word) -> None:
        super().hear(word)
        if isinstance(word.message, Tick) and self.port.address == "quotes":
            self.bench.gate.wait(30)


def test_one_that_hangs_is_left_behind_after_its_shutdown_and_the_others_still_stop(
    tmp_path: Path,
) -> None:
    bench = started(tmp_path, Stubborn, broker=1.0, quotes=0.3)
    bench.tick(1)
    until(lambda: bench.heard["quotes"] == [1] and bench.heard["broker"] == [1])
    begun = time.monotonic()
    bench.engine.stop()
    assert 0.3 <= time.monotonic() - begun < 5
    assert "stop broker" in bench.log
    assert "stop quotes" not in bench.log
    assert bench.engine.journal.backlog == 0
    bench.gate.set()
    until(lambda: not bench.cell("quotes").actor_ref.is_alive())


def test_what_was_given_up_with_mail_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[bool] = []
    policy = Policy(intensity=0, shutdown_seconds=30.0)
    with running(tmp_path, "quotes", "broker", policy=policy) as bench:
        bench.tick(BAD)
        until(lambda: bench.fatal)
        bench.tick(1)
        until(lambda: bench.heard["broker"] == [BAD, 1])
        assert len(bench.cell("quotes").mailbox)
        asked = bench.engine.driver.until

        def until_soon(condition: Callable[[], bool], seconds: float) -> bool:
            waited.append(asked(condition, min(seconds, 5.0)))
            return waited[-1]

        monkeypatch.setattr(bench.engine.driver, "until", until_soon)
    assert waited
    assert all(waited)
    assert bench.log[-1] == "stop broker"
