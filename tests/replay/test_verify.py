"""The code must say again what it said: a live run verifies, a changed rule is found."""

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argo_actors.journal.reader import day_files, records
from argo_actors.messages import Message
from argo_actors.messages.market import ClockSet, Decide, QuotesWanted
from argo_actors.messages.system import Configured, Stopping
from argo_actors.replay.verify import Build, Difference, Report, verify
from argo_actors.runtime.clock import SetClock, SteadyClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.engine import Engine, Plan
from argo_actors.runtime.spec import ChildSpec, GroupSpec, Policy
from argo_actors.units import DAY, SECOND
from tests.waiting import until

BAD = 77


class Sum(msgspec.Struct, frozen=True):
    total: int = 0
    heard: int = 0
    last_at: int = 0


def rules(
    *, factor: int = 3, add: int = 1, bad: type[Exception] | None = ZeroDivisionError
) -> Build:
    def evolve(state: Sum, heard: Heard) -> Sum:
        match heard.message:
            case Decide(n=n):
                if n == BAD and bad is not None:
                    raise bad("a cycle that the rules cannot take")
                return Sum(state.total + n, state.heard + add, heard.at)
            case ClockSet(by=by):
                return Sum(state.total + by, state.heard + add, heard.at)
        return state

    def decide(state: Sum, heard: Heard) -> tuple[Message, ...]:
        if isinstance(heard.message, Decide):
            return (ClockSet(by=state.total % 7 * factor),)
        return ()

    def mute(state: Sum, heard: Heard) -> tuple[Message, ...]:
        if isinstance(heard.message, ClockSet) and state.total % 5 == 0:
            return (QuotesWanted(request=state.total, symbols=("AAPL",)),)
        return ()

    def build(config: str, tag: str) -> dict[str, Decider[Any]]:
        return {
            "consensus": Decider(Sum(), evolve, decide),
            "tracker": Decider(Sum(), evolve, mute),
        }

    return build


def engine(directory: Path, *, threads: bool, clock: SteadyClock | SetClock) -> Engine:
    policy = Policy(intensity=99, backoff_seconds=0.001)
    group = GroupSpec(
        "deciders", "one_for_one", (ChildSpec("consensus", policy), ChildSpec("tracker", policy))
    )
    configured = Configured(
        config="{}", config_hash="", code_hash="", version="1", account_tag="abcd"
    )

    def fatal(what: str) -> None:
        raise AssertionError(what)

    return Engine(Plan(directory, configured, rules(), (group,), (), threads), clock, fatal)


def live(directory: Path, *, threads: bool, each: int = 100) -> int:
    """Four threads speak at once, and one word crashes a decider. Returns the records written."""
    made = engine(directory, threads=threads, clock=SteadyClock())
    made.start()

    def speak(first: int) -> None:
        for n in range(first, first + each):
            made.say("clock", Decide(n=1000 + n))

    speakers = [threading.Thread(target=speak, args=(n * each,)) for n in range(4)]
    for speaker in speakers:
        speaker.start()
    made.say("clock", Decide(n=BAD))
    for speaker in speakers:
        speaker.join(10)
    until(lambda: made.supervisor.children["consensus"].tally.total == 1)
    until(lambda: made.supervisor.children["consensus"].state == "running")
    until(lambda: made.deciders["consensus"].handled >= 4 * each)
    assert made.office.activity.wait_still(10)
    made.stop()
    return sum(len(list(records(path))) for path in day_files(directory))


@pytest.mark.parametrize("threads", [False, True], ids=["core", "thread"])
def test_a_threaded_live_run_verifies(tmp_path: Path, threads: bool) -> None:
    written = live(tmp_path, threads=threads)
    report = verify(day_files(tmp_path), rules())
    assert report.differences == ()
    assert report.records == written
    assert report.decisions >= 800
    assert len(report.codes) == 1


@pytest.mark.parametrize("threads", [False, True], ids=["core", "thread"])
def test_a_patched_rule_is_found(tmp_path: Path, threads: bool) -> None:
    live(tmp_path, threads=threads, each=20)
    report = verify(day_files(tmp_path), rules(factor=4))
    assert report.differences
    assert {one.actor for one in report.differences} == {"consensus"}
    first = report.differences[0]
    assert isinstance(first, Difference)
    assert first.heard == "Decide"
    assert first.recorded.startswith("ClockSet")


def test_a_difference_does_not_cascade(tmp_path: Path) -> None:
    live(tmp_path, threads=False, each=20)
    report = verify(day_files(tmp_path), rules(factor=4))
    changed = 0
    for path in day_files(tmp_path):
        for record in records(path):
            if record.actor == "consensus" and record.said != (ClockSet(by=0),):
                changed += len(record.said)
    assert len(report.differences) == changed


def test_a_crash_that_would_not_happen_any_more_is_a_difference(tmp_path: Path) -> None:
    live(tmp_path, threads=False, each=5)
    (found,) = verify(day_files(tmp_path), rules(bad=None)).differences
    assert found.recorded == "crashed:ZeroDivisionError"
    assert found.now.startswith("ClockSet")


def test_a_crash_of_another_kind_is_a_difference(tmp_path: Path) -> None:
    live(tmp_path, threads=False, each=5)
    (found,) = verify(day_files(tmp_path), rules(bad=KeyError)).differences
    assert found.now == "crashed:KeyError"


def test_a_crash_that_is_new_is_a_difference(tmp_path: Path) -> None:
    live(tmp_path, threads=False, each=5)

    def build(config: str, tag: str) -> dict[str, Decider[Any]]:
        def crash(state: Sum, heard: Heard) -> tuple[Message, ...]:
            raise LookupError("new")

        before: Any = rules()(config, tag)
        return {**before, "tracker": before["tracker"]._replace(decide=crash)}

    report = verify(day_files(tmp_path), build)
    assert {one.now for one in report.differences} == {"crashed:LookupError"}
    assert {one.actor for one in report.differences} == {"tracker"}


def test_a_state_that_is_folded_otherwise_is_found_by_its_hash(tmp_path: Path) -> None:
    made = engine(tmp_path, threads=False, clock=SteadyClock())
    made.start()
    for n in range(340):  # three records each: the 1,000th is the tracker's
        made.say("clock", Decide(n=1000 + n))
        assert made.office.activity.wait_still(5)
    made.stop()
    report = verify(day_files(tmp_path), rules(add=2))
    assert report.differences
    assert {one.now for one in report.differences} == {"the state differs from the recorded hash"}
    assert all(one.seq % 1000 == 0 for one in report.differences)


def test_each_file_of_a_run_over_midnights_verifies_alone(tmp_path: Path) -> None:
    midnight = 19_700 * DAY
    clock = SetClock(midnight - SECOND)
    made = engine(tmp_path, threads=False, clock=clock)
    made.start()
    for day in range(3):
        for n in range(20):
            made.say("clock", Decide(n=day * 20 + n))
        assert made.office.activity.wait_still(5)
        until(lambda wanted=day + 1: len(day_files(tmp_path)) == wanted)
        clock.move_to(midnight + day * DAY)
    made.say("engine", Stopping(reason="a test"))
    assert made.office.activity.wait_still(5)
    made.stop()
    files = day_files(tmp_path)
    assert len(files) >= 3
    for path in files:
        assert verify([path], rules()).differences == ()
    assert verify(files, rules()).differences == ()


def test_a_run_over_restarts_verifies(tmp_path: Path) -> None:
    for _ in range(3):
        live(tmp_path, threads=False, each=5)
    report = verify(day_files(tmp_path), rules())
    assert isinstance(report, Report)
    assert report.differences == ()
