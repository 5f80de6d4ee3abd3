"""A day file begins with everything it needs: each one replays alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argo_actors.journal.codec import GENESIS
from argo_actors.journal.reader import day_files, last_chain, opening, records
from argo_actors.messages import Message
from argo_actors.messages.market import ClockSet, Decide
from argo_actors.messages.system import Configured
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.engine import Engine, Plan
from argo_actors.runtime.folding import Folding
from argo_actors.runtime.spec import ChildSpec, GroupSpec
from argo_actors.units import DAY, SECOND
from tests.waiting import until

MIDNIGHT = 19_700 * DAY
CONFIGURED = Configured(config="{}", config_hash="", code_hash="", version="1", account_tag="abcd")


class Count(msgspec.Struct, frozen=True):
    cycles: tuple[int, ...] = ()
    shifts: int = 0


def evolve(state: Count, heard: Heard) -> Count:
    match heard.message:
        case Decide(n=n):
            return Count((*state.cycles, n), state.shifts)
        case ClockSet():
            return Count(state.cycles, state.shifts + 1)
    return state


def decide(state: Count, heard: Heard) -> tuple[Message, ...]:
    return (ClockSet(by=heard.message.n),) if isinstance(heard.message, Decide) else ()


def mute(state: Count, heard: Heard) -> tuple[Message, ...]:
    return ()


def build(config: str, tag: str) -> dict[str, Decider[Any]]:
    return {
        "consensus": Decider(Count(), evolve, decide),
        "tracker": Decider(Count(), evolve, mute),
    }


def engine(directory: Path, clock: SetClock, *, threads: bool = False) -> Engine:
    group = GroupSpec("deciders", "one_for_one", (ChildSpec("consensus"), ChildSpec("tracker")))

    def fatal(what: str) -> None:
        raise AssertionError(what)

    return Engine(Plan(directory, CONFIGURED, build, (group,), (), threads), clock, fatal)


@contextmanager
def running(directory: Path, clock: SetClock, *, threads: bool = False) -> Iterator[Engine]:
    made = engine(directory, clock, threads=threads)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def folded(path: Path) -> Folding:
    folding = Folding(opening(path), build)
    folding.apply_all(records(path))
    return folding


def states(made: Engine) -> dict[str, Any]:
    return {address: cell.state for address, cell in made.deciders.items()}


def test_a_live_engine_rolls_at_utc_midnight(tmp_path: Path) -> None:
    clock = SetClock(MIDNIGHT - SECOND)
    with running(tmp_path, clock) as made:
        made.say("clock", Decide(n=1))
        assert made.office.activity.wait_still(5)
        clock.move_to(MIDNIGHT)
        made.say("clock", Decide(n=2))
        assert made.office.activity.wait_still(5)
        until(lambda: len(day_files(tmp_path)) == 2)
    names = [path.name for path in day_files(tmp_path)]
    assert names == ["2023-12-08.db.gz", "2023-12-09.db"]


def test_a_nanosecond_before_midnight_it_does_not_roll(tmp_path: Path) -> None:
    clock = SetClock(MIDNIGHT - SECOND)
    with running(tmp_path, clock) as made:
        clock.move_to(MIDNIGHT - 1)
        made.say_durably("clock", Decide(n=1))
    assert len(day_files(tmp_path)) == 1


@pytest.mark.parametrize("threads", [False, True])
def test_each_file_replays_alone(tmp_path: Path, threads: bool) -> None:
    clock = SetClock(MIDNIGHT - SECOND)
    with running(tmp_path, clock, threads=threads) as made:
        for day in range(4):
            for n in range(10):
                made.say("clock", Decide(n=day * 10 + n))
            assert made.office.activity.wait_still(5)
            until(lambda wanted=day + 1: len(day_files(tmp_path)) == wanted)
            clock.move_to(MIDNIGHT + day * DAY)
        made.say_durably("clock", Decide(n=99))
        assert made.office.activity.wait_still(5)
        live = states(made)
    files = day_files(tmp_path)
    assert len(files) == 5
    assert folded(files[-1]).states == live
    for path, following in pairwise(files):
        end, begun = folded(path), opening(following)
        assert begun.last_seq == end.last_seq == last_chain(path)[0]
        assert begun.mail == end.mail()
        assert Folding(begun, build).states == end.states
        assert begun.run == end.run == 1


def test_the_chain_goes_through_all_files(tmp_path: Path) -> None:
    clock = SetClock(MIDNIGHT - SECOND)
    with running(tmp_path, clock) as made:
        for day in range(3):
            made.say_durably("clock", Decide(n=day))
            clock.move_to(MIDNIGHT + day * DAY)
        made.say_durably("clock", Decide(n=9))
    files = day_files(tmp_path)
    assert opening(files[0]).chain == GENESIS
    for path, following in pairwise(files):
        assert opening(following).chain == last_chain(path)[1]


def test_a_roll_while_mail_is_in_flight_hands_it_over(tmp_path: Path) -> None:
    clock = SetClock(MIDNIGHT - SECOND)
    made = engine(tmp_path, clock)
    made.say("engine", CONFIGURED)
    for n in range(5):
        made.say("clock", Decide(n=n))
    clock.move_to(MIDNIGHT)
    made.say_durably("clock", Decide(n=5))
    made.start()
    assert made.office.activity.wait_still(5)
    live = states(made)
    made.stop()
    first, second = day_files(tmp_path)
    assert [mail.message for mail in opening(second).mail] == [Decide(n=n) for n in range(6)]
    assert folded(first).mail() == opening(second).mail
    assert folded(second).states == live
    assert folded(second).mail() == ()


def test_a_roll_between_taking_a_word_and_its_step_leaves_no_word_out(tmp_path: Path) -> None:
    clock = SetClock(MIDNIGHT - SECOND)
    made = engine(tmp_path, clock)
    made.say("engine", CONFIGURED)
    made.say("clock", Decide(n=1))
    cell = made.deciders["consensus"]
    taken = cell.mailbox.take()  # the dispatcher stands here when the other thread rolls
    clock.move_to(MIDNIGHT)
    made.say_durably("clock", Decide(n=2))
    cell.process(taken)
    made.start()
    until(lambda: cell.state == Count((1, 2), 2))
    made.stop()
    assert folded(day_files(tmp_path)[-1]).states["consensus"] == Count((1, 2), 2)


def test_rolling_under_load_leaves_every_file_readable(tmp_path: Path) -> None:
    clock = SetClock(MIDNIGHT - SECOND)
    with running(tmp_path, clock) as made:
        for n in range(300):
            made.say("clock", Decide(n=n))
            if n % 100 == 50:
                assert made.office.activity.wait_still(5)
                clock.move_to(MIDNIGHT + n * DAY)
        assert made.office.activity.wait_still(5)
        made.say_durably("clock", Decide(n=300))
        assert made.office.activity.wait_still(5)
        live = states(made)
    assert live["consensus"].cycles == tuple(range(301))
    total = 0
    for path in day_files(tmp_path):
        total += len(list(records(path)))
    assert folded(day_files(tmp_path)[-1]).states == live
    assert total == 2 + 301 * 3


def test_a_restart_on_a_later_day_begins_a_new_file(tmp_path: Path) -> None:
    with running(tmp_path, SetClock(MIDNIGHT - SECOND)) as made:
        made.say("clock", Decide(n=1))
        assert made.office.activity.wait_still(5)
        live = states(made)
    with running(tmp_path, SetClock(MIDNIGHT + SECOND)) as made:
        assert states(made) == live
        made.say_durably("clock", Decide(n=2))
    assert len(day_files(tmp_path)) == 2
    assert Folding(opening(day_files(tmp_path)[1]), build).states == live
