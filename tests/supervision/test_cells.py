"""A decider that crashes keeps its state, its mail and its address; its neighbours lose nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argo_actors.journal.reader import day_files, records
from argo_actors.messages import Message
from argo_actors.messages.market import ClockSet, Decide
from argo_actors.messages.system import Configured, Crashed, Restarted
from argo_actors.runtime.clock import SteadyClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.engine import Engine, Plan
from argo_actors.runtime.spec import ChildSpec, GroupSpec, Policy
from tests.waiting import until

BAD = 13
SOON = Policy(backoff_seconds=0.01)
CONFIGURED = Configured(config="{}", config_hash="", code_hash="", version="1", account_tag="abcd")


class Seen(msgspec.Struct, frozen=True):
    cycles: tuple[int, ...] = ()
    shifts: tuple[int, ...] = ()
    restarts: int = 0


def evolve(state: Seen, heard: Heard) -> Seen:
    match heard.message:
        case Decide(n=n):
            if n == BAD:
                raise ZeroDivisionError("the rules cannot take this")
            return msgspec.structs.replace(state, cycles=(*state.cycles, n))
        case ClockSet(by=by):
            return msgspec.structs.replace(state, shifts=(*state.shifts, by))
        case Restarted():
            return msgspec.structs.replace(state, restarts=state.restarts + 1)
    return state


def late(state: Seen, heard: Heard) -> tuple[Message, ...]:
    """After the state has learned: a crash here must not leave half of it behind."""
    if heard.message == Decide(n=BAD + 1):
        raise SystemExit("out of the rules")
    if isinstance(heard.message, Decide):
        return (ClockSet(by=heard.message.n),)
    return ()


def mute(state: Seen, heard: Heard) -> tuple[Message, ...]:
    return ()


def build(config: str, tag: str) -> dict[str, Decider[Any]]:
    return {
        "consensus": Decider(Seen(), evolve, late),
        "tracker": Decider(Seen(), evolve, mute),
    }


@contextmanager
def engine(
    directory: Path, *, threads: bool = False, policy: Policy = SOON
) -> Iterator[tuple[Engine, list[str]]]:
    fatal: list[str] = []
    group = GroupSpec(
        "deciders", "one_for_one", (ChildSpec("consensus", policy), ChildSpec("tracker", policy))
    )
    made = Engine(
        Plan(directory, CONFIGURED, build, (group,), (), threads=threads),
        SteadyClock(),
        fatal.append,
    )
    made.start()
    try:
        yield made, fatal
    finally:
        made.stop()


def told(directory: Path, kind: type[Message]) -> list[Any]:
    return [
        message
        for path in day_files(directory)
        for record in records(path)
        for message in record.said
        if type(message) is kind
    ]


@pytest.mark.parametrize("threads", [False, True])
@pytest.mark.parametrize("bad", [BAD, BAD + 1])
def test_a_crash_keeps_state_mail_and_ref(tmp_path: Path, threads: bool, bad: int) -> None:
    with engine(tmp_path, threads=threads) as (made, fatal):
        cell = made.deciders["consensus"]
        ref, mailbox = cell.actor_ref, cell.mailbox
        for n in (1, 2, bad, 3, 4, 5):
            made.say("clock", Decide(n=n))
        until(lambda: cell.state.cycles[-1:] == (5,))
        assert cell.state.cycles == (1, 2, 3, 4, 5)
        assert cell.crashes == 1
        assert cell.actor_ref is ref
        assert cell.mailbox is mailbox
        assert ref.is_alive()
        assert fatal == []
        assert made.office.activity.wait_still(5)
    (crashed,) = told(tmp_path, Crashed)
    assert (crashed.address, crashed.restarts) == ("consensus", 1)
    assert crashed.error.split(":")[0] in ("ZeroDivisionError", "SystemExit")
    assert "test_cells.py" in crashed.where


@pytest.mark.parametrize("threads", [False, True])
def test_the_neighbours_of_a_crash_lose_nothing(tmp_path: Path, threads: bool) -> None:
    with engine(tmp_path, threads=threads) as (made, _):
        for n in range(30):
            made.say("clock", Decide(n=n if n != 14 else 100))
            made.say("clock", ClockSet(by=1000 + n))
        neighbour = made.deciders["tracker"]
        until(lambda: len(neighbour.state.shifts) == 59)
        assert neighbour.crashes == 0
        mine = [by for by in neighbour.state.shifts if by >= 1000]
        assert mine == list(range(1000, 1030))
        assert neighbour.state.restarts == 1


def test_a_crashed_step_says_nothing_and_is_in_the_journal(tmp_path: Path) -> None:
    with engine(tmp_path) as (made, _):
        word = made.say("clock", Decide(n=BAD))
        until(lambda: made.supervisor.children["consensus"].tally.total == 1)
    outcomes = [
        (record.heard, record.outcome, record.said)
        for path in day_files(tmp_path)
        for record in records(path)
        if record.actor == "consensus" and record.heard and record.heard.seq == word
    ]
    assert outcomes == [((word, 0), "crashed:ZeroDivisionError", ())]


def test_the_word_that_crashed_it_is_not_heard_again(tmp_path: Path) -> None:
    with engine(tmp_path) as (made, _):
        made.say("clock", Decide(n=BAD))
        until(lambda: made.deciders["tracker"].state.restarts == 1)
        made.say("clock", Decide(n=1))
        until(lambda: made.deciders["consensus"].state.cycles == (1,))
        assert made.deciders["consensus"].crashes == 1


def test_while_it_backs_off_its_mail_waits_and_the_neighbours_work_on(tmp_path: Path) -> None:
    with engine(tmp_path, policy=Policy(backoff_seconds=30, shutdown_seconds=0.1)) as (made, _):
        made.say("clock", Decide(n=BAD))
        until(lambda: made.supervisor.children["consensus"].state == "backoff")
        cell = made.deciders["consensus"]
        for n in range(3):
            made.say("clock", Decide(n=n), ClockSet(by=n))
        until(lambda: made.deciders["tracker"].state.shifts == (0, 1, 2))
        assert cell.state == Seen()
        assert [word.message for word in cell.mailbox.waiting()][-3:] == [
            Decide(n=n) for n in range(3)
        ]
        assert made.office.activity.wait_still(5)


def test_mail_that_waited_for_a_crashed_cell_is_heard_after_a_restart_of_the_engine(
    tmp_path: Path,
) -> None:
    with engine(tmp_path, policy=Policy(backoff_seconds=30, shutdown_seconds=0.1)) as (made, _):
        made.say("clock", Decide(n=BAD))
        until(lambda: made.supervisor.children["consensus"].state == "backoff")
        for n in range(3):
            made.say("clock", Decide(n=n))
    with engine(tmp_path) as (made, _):
        until(lambda: made.deciders["consensus"].state.cycles == (0, 1, 2))
        assert made.deciders["consensus"].crashes == 0


def test_a_decider_that_crashes_too_often_ends_the_engine(tmp_path: Path) -> None:
    with engine(
        tmp_path, policy=Policy(intensity=2, backoff_seconds=0.001, shutdown_seconds=0.1)
    ) as (made, fatal):
        for _ in range(3):
            made.say("clock", Decide(n=BAD))
        until(lambda: fatal)
        assert "consensus: it failed too often" in fatal[0]
        assert made.deciders["consensus"].state == Seen()


def test_a_cell_that_gave_up_hears_no_more(tmp_path: Path) -> None:
    with engine(tmp_path, policy=Policy(intensity=0, shutdown_seconds=0.1)) as (made, fatal):
        made.say("clock", Decide(n=BAD))
        until(lambda: fatal)
        made.say("clock", Decide(n=1), ClockSet(by=1))
        until(lambda: made.deciders["tracker"].state.shifts == (1,))
        assert made.deciders["consensus"].state.cycles == ()


def test_the_state_after_crashes_is_the_one_the_journal_folds_to(tmp_path: Path) -> None:
    with engine(tmp_path, policy=Policy(intensity=9, backoff_seconds=0.001)) as (made, _):
        for n in (1, BAD, 2, BAD + 1, 3, BAD, 4):
            made.say("clock", Decide(n=n))
        until(lambda: made.deciders["consensus"].state.cycles == (1, 2, 3, 4))
        until(lambda: made.deciders["tracker"].state.restarts == 3)
        assert made.office.activity.wait_still(5)
        states = {address: cell.state for address, cell in made.deciders.items()}
    with engine(tmp_path) as (again, _):
        assert {address: cell.state for address, cell in again.deciders.items()} == states
