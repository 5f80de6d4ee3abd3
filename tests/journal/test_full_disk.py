"""A disk that is full ends the engine's word: it is told, and nothing durable is claimed any more."""

from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from argo_actors.errors import JournalError
from argo_actors.journal.codec import FORMAT, GENESIS, Opening
from argo_actors.journal.reader import HEAD, day_files, last_chain, records
from argo_actors.journal.writer import Journal, new_file
from argo_actors.messages import Message
from argo_actors.messages.market import Decide
from argo_actors.messages.system import Alert, Configured
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.engine import Engine, Plan
from argo_actors.runtime.spec import ChildSpec, GroupSpec
from argo_actors.units import SECOND
from tests.waiting import until

NOON = 1_700_000_000 * SECOND
LARGE = Alert(severity="warning", text="x" * 50_000)


def fill(journal: Journal, spare: int = 0) -> None:
    """From now on the file may grow by so many pages only."""
    connection: apsw.Connection = journal._connection
    pages = int(connection.execute("PRAGMA page_count").get)
    connection.execute(f"PRAGMA max_page_count = {pages + spare}").fetchall()


@pytest.fixture
def failed() -> list[str]:
    return []


@pytest.fixture
def journal(tmp_path: Path, failed: list[str]) -> Journal:
    begin = Opening(FORMAT, 0, NOON, GENESIS, "", "", (), ())
    made = Journal(new_file(tmp_path, NOON), begin, failed=failed.append, commit_seconds=30)
    seq = made.append(NOON, "clock", None, "said", (Decide(n=1),))
    made.wait_durable(seq, 5)
    return made


def test_a_full_disk_is_told_once_and_the_record_is_not_claimed(
    journal: Journal, failed: list[str]
) -> None:
    fill(journal)
    seq = journal.append(NOON, "engine", None, "said", (LARGE,))
    with pytest.raises(JournalError, match="cannot be written: FullError"):
        journal.wait_durable(seq, 5)
    until(lambda: failed)
    assert len(failed) == 1
    assert "FullError" in failed[0]
    assert journal.durable == 1
    assert journal.backlog == 1


def test_after_it_nothing_more_is_claimed_even_if_it_would_fit(
    journal: Journal, failed: list[str]
) -> None:
    fill(journal)
    seq = journal.append(NOON, "engine", None, "said", (LARGE,))
    with pytest.raises(JournalError):
        journal.wait_durable(seq, 5)
    small = journal.append(NOON, "clock", None, "said", (Decide(n=2),))
    with pytest.raises(JournalError, match="cannot be written"):
        journal.wait_durable(small, 0.05)
    assert journal.durable == 1
    assert len(failed) == 1


def test_closing_a_dead_journal_says_that_it_could_not(journal: Journal) -> None:
    fill(journal)
    journal.append(NOON, "engine", None, "said", (LARGE,))
    with pytest.raises(JournalError, match="cannot be written"):
        journal.close()


def test_what_was_durable_before_is_whole_and_proved(journal: Journal) -> None:
    fill(journal)
    seq = journal.append(NOON, "engine", None, "said", (LARGE,))
    with pytest.raises(JournalError):
        journal.wait_durable(seq, 5)
    assert [record.seq for record in records(journal.path)] == [1]
    assert (journal.path.parent / HEAD).read_text().startswith("1 ")
    assert last_chain(journal.path)[0] == 1


class Count(msgspec.Struct, frozen=True):
    n: int = 0


def evolve(state: Count, heard: Heard) -> Count:
    return Count(state.n + 1) if isinstance(heard.message, Decide) else state


def mute(state: Count, heard: Heard) -> tuple[Message, ...]:
    return ()


def build(config: str, tag: str) -> dict[str, Decider[Any]]:
    return {"consensus": Decider(Count(), evolve, mute)}


def engine(directory: Path, failed: list[str]) -> Engine:
    group = GroupSpec("deciders", "one_for_one", (ChildSpec("consensus"),))
    configured = Configured(
        config="{}", config_hash="", code_hash="", version="1", account_tag="abcd"
    )
    return Engine(
        Plan(directory, configured, build, (group,), (), commit_seconds=30),
        SetClock(NOON),
        failed.append,
    )


def test_an_engine_with_a_full_disk_calls_fatal_and_restarts_from_what_was_durable(
    tmp_path: Path, failed: list[str]
) -> None:
    made = engine(tmp_path, failed)
    made.start()
    made.say_durably("clock", Decide(n=1))
    assert made.office.activity.wait_still(5)
    made.journal.wait_durable(made.journal.next_seq - 1, 5)
    fill(made.journal)
    with pytest.raises(JournalError):
        made.say_durably("engine", LARGE)
    until(lambda: failed)
    assert "FullError" in failed[0]
    made.stop()
    made.journal._connection.close()
    again: list[str] = []
    restarted = engine(tmp_path, again)
    assert restarted.deciders["consensus"].state == Count(1)
    restarted.start()
    restarted.say_durably("engine", LARGE)
    restarted.stop()
    assert again == []
    assert len(day_files(tmp_path)) == 1
