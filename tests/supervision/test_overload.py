"""A mailbox that nobody empties is told past its mark, and ends the process far beyond it."""

import threading
from pathlib import Path
from typing import Any

import msgspec

from argo_actors.config import Config
from argo_actors.journal.reader import day_files, records
from argo_actors.messages import WordId
from argo_actors.messages.market import Decide
from argo_actors.messages.system import Configured, Overload
from argo_actors.risk.learn import learn
from argo_actors.risk.state import RiskState
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.engine import OVERFLOW, Engine, Plan
from argo_actors.runtime.spec import ChildSpec, GroupSpec
from argo_actors.units import SECOND
from tests.waiting import until

MARK = 3
CONFIGURED = Configured(config="{}", config_hash="", code_hash="", version="1", account_tag="abcd")


class Nothing(msgspec.Struct, frozen=True):
    pass


def build(config: str, tag: str) -> dict[str, Decider[Any]]:
    return {"consensus": Decider(Nothing(), lambda state, heard: state, lambda state, heard: ())}


def started(directory: Path, failed: list[str], ended: threading.Event) -> Engine:
    def fatal(what: str) -> None:
        failed.append(what)
        ended.set()

    group = GroupSpec("deciders", "one_for_one", (ChildSpec("consensus"),))
    plan = Plan(directory, CONFIGURED, build, (group,), (), kept_mark=MARK)
    engine = Engine(plan, SetClock(SECOND), fatal)
    engine.start()
    assert engine.office.activity.wait_still(5)
    return engine


def overloads(engine: Engine) -> list[Overload]:
    engine.journal.wait_durable(engine.journal.next_seq - 1, 5)
    return [
        message
        for path in day_files(engine.plan.directory)
        for record in records(path)
        for message in record.said
        if type(message) is Overload
    ]


def eventually(engine: Engine, count: int) -> list[Overload]:
    until(lambda: len(overloads(engine)) >= count, f"{count} words of overload were not said")
    return overloads(engine)


def test_it_is_said_when_a_mailbox_passes_its_mark_and_when_it_is_back(tmp_path: Path) -> None:
    failed: list[str] = []
    engine = started(tmp_path, failed, threading.Event())
    try:
        engine.office.hold("consensus")
        engine.say("clock", *(Decide(n=n) for n in range(MARK + 1)))
        (over,) = eventually(engine, 1)
        assert over == Overload(over=True, address="consensus", waiting=MARK + 1)
        engine.office.release("consensus")
        _, under = eventually(engine, 2)
        assert not under.over
        assert failed == []
    finally:
        engine.stop()


def test_a_mailbox_far_beyond_its_mark_ends_the_process(tmp_path: Path) -> None:
    failed: list[str] = []
    ended = threading.Event()
    engine = started(tmp_path, failed, ended)
    try:
        engine.office.hold("consensus")
        engine.say("clock", *(Decide(n=n) for n in range(OVERFLOW * MARK + 1)))
        assert ended.wait(30)
        assert "consensus" in failed[0]
    finally:
        engine.stop(0.1)


def test_no_entry_passes_while_a_mailbox_is_behind() -> None:
    def hear(state: RiskState, over: bool) -> RiskState:
        message = Overload(over=over, address="order/AAPL", waiting=2000)
        return learn(Config(account="a"), state, Heard(WordId(1, 0), SECOND, message))

    behind = hear(RiskState(), over=True)
    assert behind.overloaded == "order/AAPL"
    assert hear(behind, over=False).overloaded == ""
