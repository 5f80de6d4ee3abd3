"""Market time after the machine slept: it follows the wall clock, where the broker's clock agrees."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argo_actors.clock.hours import Hours
from argo_actors.clock.pacer import Schedule, SteadyPacer
from argo_actors.config import Config
from argo_actors.journal.reader import day_files, records
from argo_actors.messages import Message
from argo_actors.messages.market import ClockSet, Tick
from argo_actors.messages.system import Configured, Started
from argo_actors.runtime import clock as clocks
from argo_actors.runtime.clock import SteadyClock
from argo_actors.runtime.decider import Decider
from argo_actors.runtime.engine import Engine, Plan
from argo_actors.runtime.spec import ChildSpec, GroupSpec
from argo_actors.tracker.decider import tracker
from argo_actors.units import HOUR, SECOND
from tests.waiting import until

CONFIGURED = Configured(config="{}", config_hash="", code_hash="", version="", account_tag="0000")


def build(config: str, tag: str) -> dict[str, Decider[Any]]:
    return {"tracker": tracker(Config(account="test"))}


class Slept:
    """A wall clock that can go on while the process stood still."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.by = 0
        wall = clocks.utc_now
        patch.setattr(clocks, "utc_now", lambda: wall() + self.by)


@contextmanager
def running(directory: Path, ahead: Any) -> Iterator[Engine]:
    fatal: list[str] = []
    clock = SteadyClock()
    group = GroupSpec("deciders", "one_for_one", (ChildSpec("tracker"),))
    engine = Engine(Plan(directory, CONFIGURED, build, (group,), ()), clock, fatal.append)
    pacer = SteadyPacer(
        engine,
        Schedule(engine, Hours(clock.now()), 1.0),
        clock=clock,
        broker_ahead=ahead,
        decide_seconds=0.01,
        answered=lambda: True,
    )
    engine.start(Started(run=1, mode="paper"))
    pacer.start()
    try:
        yield engine
    finally:
        pacer.stop()
        engine.stop()
    assert fatal == []


def said(directory: Path, kind: type[Message]) -> list[tuple[int, Any]]:
    return [
        (record.at, message)
        for path in day_files(directory)
        for record in records(path)
        for message in record.said
        if type(message) is kind
    ]


def test_market_time_follows_when_wall_clock_and_broker_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = Slept(monkeypatch)
    with running(tmp_path, lambda: slept.by) as engine:
        before = engine.clock.now()
        slept.by = 2 * HOUR
        until(lambda: engine.clock.now() >= before + 2 * HOUR)
        books = engine.deciders["tracker"]
        until(lambda: "7200.0 s forward" in msgspec.json.encode(books.state).decode())
    ((at, word),) = said(tmp_path, ClockSet)
    assert abs(word.by - 2 * HOUR) < SECOND
    assert at >= before + 2 * HOUR
    ticks = [one.n for _, one in said(tmp_path, Tick)]
    assert ticks == list(range(1, len(ticks) + 1)), "one tick for all that was slept through"
    assert len(ticks) < 1000


@pytest.mark.parametrize("broker", [0, -2 * HOUR, HOUR])
def test_a_wall_clock_that_the_broker_does_not_confirm_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: int
) -> None:
    slept = Slept(monkeypatch)
    asked: list[int] = []

    def ahead() -> int:
        asked.append(1)
        return broker

    with running(tmp_path, ahead) as engine:
        slept.by = 2 * HOUR
        until(lambda: len(asked) > 3)
        assert engine.clock.now() < clocks.utc_now() - HOUR
    assert said(tmp_path, ClockSet) == []


def test_market_time_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = Slept(monkeypatch)
    clock = SteadyClock()
    slept.by = -HOUR
    assert clock.behind() < 0
    before = clock.now()
    clock.correct(clock.behind())
    assert clock.now() >= before
