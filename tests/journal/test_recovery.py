"""A restart is a fold of the journal: equal states, mail in flight, no second thoughts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from argo_actors.errors import ChainError
from argo_actors.journal.reader import HEAD, blocks, day_files, last_chain, records
from argo_actors.messages import Message
from argo_actors.messages.market import ClockSet, Decide, Figures
from argo_actors.messages.system import Configured, DeadLetter, Redelivered
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.engine import Engine, Plan
from argo_actors.runtime.spec import ChildSpec, GroupSpec
from argo_actors.units import SECOND

NOON = 1_700_000_000 * SECOND


class Count(msgspec.Struct, frozen=True):
    cycles: tuple[int, ...] = ()
    shifts: tuple[int, ...] = ()
    symbols: tuple[str, ...] = ()


def evolve(state: Count, heard: Heard) -> Count:
    match heard.message:
        case Decide(n=n):
            return msgspec.structs.replace(state, cycles=(*state.cycles, n))
        case ClockSet(by=by):
            return msgspec.structs.replace(state, shifts=(*state.shifts, by))
        case Figures(symbol=symbol, bars=bars):
            return msgspec.structs.replace(state, symbols=(*state.symbols, f"{symbol} {bars}"))
    return state


def mute(state: Count, heard: Heard) -> tuple[Message, ...]:
    return ()


def build(config: str, tag: str) -> dict[str, Decider[Any]]:
    """The configuration is the factor by which a cycle is multiplied."""
    factor = int(config)

    def decide(state: Count, heard: Heard) -> tuple[Message, ...]:
        if isinstance(heard.message, Decide):
            return (ClockSet(by=heard.message.n * factor),)
        return ()

    return {
        "consensus": Decider(Count(), evolve, decide),
        "tracker": Decider(Count(), evolve, mute),
    }


def engine(directory: Path, config: str = "1", at: int = NOON) -> Engine:
    group = GroupSpec("deciders", "one_for_one", (ChildSpec("consensus"), ChildSpec("tracker")))
    configured = Configured(
        config=config, config_hash="", code_hash="", version="1", account_tag="abcd"
    )

    def fatal(what: str) -> None:
        raise AssertionError(what)

    return Engine(Plan(directory, configured, build, (group,), ()), SetClock(at), fatal)


@contextmanager
def running(directory: Path, config: str = "1", at: int = NOON) -> Iterator[Engine]:
    made = engine(directory, config, at)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def states(made: Engine) -> dict[str, Any]:
    return {address: cell.state for address, cell in made.deciders.items()}


def still(made: Engine) -> None:
    assert made.office.activity.wait_still(5)


def figures(symbol: str, bars: int) -> Figures:
    return Figures(symbol=symbol, regime="BULL", atr_pct=None, bars=bars, timeframe="1Day", as_of=1)


def ends(made: Engine) -> None:
    """A process that ends before anybody hears: no actor of it stays on pykka's list."""
    made.journal.close()
    made.driver.start(lambda: None)
    made.driver.stop()
    for cell in made.office.cells.values():
        cell._stop()


def left_in_flight(directory: Path, *words: Message) -> None:
    """A process that ended before its deciders had heard these."""
    made = engine(directory)
    made.say("engine", made.plan.configured)
    for word in words:
        made.say("clock", word)
    ends(made)


def test_a_first_start_restores_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as made:
        assert made.run == 1
        assert made.warnings == []


def test_a_restart_folds_to_equal_states(tmp_path: Path) -> None:
    with running(tmp_path) as made:
        for n in range(50):
            made.say("clock", Decide(n=n))
        still(made)
        before = states(made)
    assert before["tracker"].shifts == tuple(range(50))
    for run in (2, 3):
        with running(tmp_path) as again:
            assert again.run == run
            assert states(again) == before
            still(again)
            assert states(again) == before


def test_records_go_on_without_a_gap_in_the_same_file(tmp_path: Path) -> None:
    for _ in range(3):
        with running(tmp_path) as made:
            made.say("clock", Decide(n=1))
            still(made)
    (path,) = day_files(tmp_path)
    seqs = [record.seq for record in records(path)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_mail_in_flight_is_heard_again_in_order(tmp_path: Path) -> None:
    left_in_flight(tmp_path, *(Decide(n=n) for n in range(20)))
    (path,) = day_files(tmp_path)
    assert {record.actor for record in records(path)} >= {"engine", "clock"}
    with running(tmp_path) as made:
        still(made)
        assert states(made)["consensus"].cycles == tuple(range(20))
        assert states(made)["tracker"].shifts == tuple(range(20))
    with running(tmp_path) as again:
        still(again)
        assert states(again)["consensus"].cycles == tuple(range(20))


def said(directory: Path, kind: type[Message]) -> list[Any]:
    return [
        message
        for path in day_files(directory)
        for record in records(path)
        for message in record.said
        if type(message) is kind
    ]


def test_a_word_that_two_starts_did_not_live_to_hear_is_a_dead_letter(tmp_path: Path) -> None:
    left_in_flight(tmp_path, Decide(n=1))
    for attempt in (1, 2):
        made = engine(tmp_path)
        made._redeliver()  # and ends before anybody hears
        ends(made)
        assert len(said(tmp_path, Redelivered)) == attempt
    with running(tmp_path) as last:
        still(last)
        assert states(last)["consensus"].cycles == ()
    (letter,) = said(tmp_path, DeadLetter)
    assert (letter.address, letter.kind) == ("consensus", "Decide")
    with running(tmp_path) as again:
        still(again)
        assert states(again)["consensus"].cycles == ()
    assert len(said(tmp_path, DeadLetter)) == 1


def test_of_latest_words_in_flight_only_the_newest_is_heard_again(tmp_path: Path) -> None:
    left_in_flight(
        tmp_path, figures("AAPL", 1), figures("SPY", 2), figures("AAPL", 3), figures("AAPL", 4)
    )
    with running(tmp_path) as made:
        still(made)
        assert set(states(made)["consensus"].symbols) == {"SPY 2", "AAPL 4"}


def test_mail_in_flight_is_heard_before_what_is_said_later(tmp_path: Path) -> None:
    left_in_flight(tmp_path, Decide(n=1), Decide(n=2))
    made = engine(tmp_path)
    made.start(Decide(n=3))
    try:
        still(made)
        assert states(made)["consensus"].cycles == (1, 2, 3)
    finally:
        made.stop()


def test_mail_in_flight_goes_over_into_the_file_of_a_later_day(tmp_path: Path) -> None:
    left_in_flight(tmp_path, Decide(n=1), Decide(n=2))
    with running(tmp_path, at=NOON + 86_400 * SECOND) as made:
        still(made)
        assert states(made)["consensus"].cycles == (1, 2)
    assert len(day_files(tmp_path)) == 2
    list(records(day_files(tmp_path)[1]))
    with running(tmp_path, at=NOON + 86_400 * SECOND) as again:
        assert states(again)["consensus"].cycles == (1, 2)


def test_a_configuration_changed_at_a_restart_does_not_decide_the_past_anew(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "1") as made:
        made.say("clock", Decide(n=3))
        still(made)
    with running(tmp_path, "100") as made:
        assert states(made)["tracker"].shifts == (3,)
        made.say("clock", Decide(n=4))
        still(made)
        assert states(made)["tracker"].shifts == (3, 400)
    with running(tmp_path, "7") as made:
        assert states(made)["tracker"].shifts == (3, 400)


def test_market_time_that_went_back_over_a_restart_does_not_open_an_older_day(
    tmp_path: Path,
) -> None:
    with running(tmp_path, at=NOON) as made:
        made.say("clock", Decide(n=1))
        still(made)
    with running(tmp_path, at=NOON - 86_400 * SECOND) as made:
        made.say("clock", Decide(n=2))
        still(made)
    assert len(day_files(tmp_path)) == 1
    with running(tmp_path, at=NOON) as made:
        assert states(made)["consensus"].cycles == (1, 2)


def torn(directory: Path) -> tuple[int, int]:
    """Take the last block away, as a crash of the machine may."""
    (path,) = day_files(directory)
    last = list(blocks(path))[-1]
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM block WHERE first = ?", (last.first,))
    connection.close()
    return last.first, last.last


def test_a_last_block_that_is_not_the_one_written_stops_the_start(tmp_path: Path) -> None:
    with running(tmp_path) as made:
        made.say_durably("clock", Decide(n=1))
        still(made)
    seq, chain = last_chain(day_files(tmp_path)[-1])
    (tmp_path / HEAD).write_text(f"{seq} {bytes(len(chain)).hex()}\n")
    with pytest.raises(ChainError):
        engine(tmp_path)


def test_a_torn_tail_is_told_through_the_head_file(tmp_path: Path) -> None:
    with running(tmp_path) as made:
        made.say_durably("clock", Decide(n=1))
        still(made)
        made.say_durably("clock", Decide(n=2))
        still(made)
    first, last = torn(tmp_path)
    with running(tmp_path) as made:
        (warning,) = made.warnings
        assert f"records {first} to {last} were cut" in warning
        still(made)
        assert states(made)["consensus"].cycles[:1] == (1,)


def test_an_untorn_journal_gives_no_warning(tmp_path: Path) -> None:
    with running(tmp_path) as made:
        made.say("clock", Decide(n=1))
        still(made)
    seq, _ = last_chain(day_files(tmp_path)[0])
    assert (tmp_path / HEAD).read_text().startswith(f"{seq} ")
    with running(tmp_path) as made:
        assert made.warnings == []


@pytest.mark.parametrize("text", ["", "rubbish", "\n"])
def test_a_head_file_that_cannot_be_read_stops_nobody(tmp_path: Path, text: str) -> None:
    with running(tmp_path) as made:
        made.say("clock", Decide(n=1))
        still(made)
    (tmp_path / HEAD).write_text(text)
    with running(tmp_path) as made:
        assert made.warnings == []


def test_a_process_that_ends_at_any_block_restarts(tmp_path: Path) -> None:
    with running(tmp_path) as made:
        for n in range(8):
            made.say_durably("clock", Decide(n=n))
            still(made)
    (path,) = day_files(tmp_path)
    before: set[int] = set()
    while len(list(blocks(path))) > 1:
        torn(tmp_path)
        made = engine(tmp_path)
        before.add(len(states(made)["consensus"].cycles))
        ends(made)
    assert len(before) > 3
