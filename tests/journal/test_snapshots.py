"""A snapshot spares a restart the folding of what came before it, and is never believed against the log."""

from pathlib import Path

import apsw
import pytest

from argo_actors.errors import ChainError
from argo_actors.journal.reader import day_files, newest_state, opening, records
from argo_actors.messages.market import Decide
from tests.journal.test_recovery import NOON, build, engine, running, states, still, torn

FIRST, SECOND_PART = 30, 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A day file with a snapshot in its middle."""
    with running(tmp_path) as made:
        for n in range(FIRST):
            made.say_durably("clock", Decide(n=n))
        still(made)
        made._keep_snapshot()
        for n in range(SECOND_PART):
            made.say_durably("clock", Decide(n=n))
        still(made)
    (found,) = day_files(tmp_path)
    return found


def change(path: Path, statement: str, *values: object) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement, values)
    connection.close()


def cycles(path: Path) -> tuple[int, ...]:
    with running(path.parent) as again:
        found: tuple[int, ...] = states(again)["consensus"].cycles
        return found


EXPECTED = (*range(FIRST), *range(SECOND_PART))


def test_it_is_what_folding_all_records_up_to_it_comes_to(path: Path) -> None:
    from argo_actors.runtime.folding import Folding

    kept = newest_state(path)
    assert kept.last_seq > FIRST
    folded = Folding(opening(path), build)
    for record in records(path):
        if record.seq <= kept.last_seq:
            folded.apply(record)
    assert Folding(kept, build).states == folded.states
    assert Folding(kept, build).mail() == folded.mail()
    assert Folding(kept, build).run == folded.run


def test_a_restart_comes_to_equal_states_and_folds_only_what_follows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argo_actors.runtime.folding import Folding

    seqs: list[int] = []
    apply = Folding.apply
    monkeypatch.setattr(
        Folding, "apply", lambda self, record: (seqs.append(record.seq), apply(self, record))[1]
    )
    assert cycles(path) == EXPECTED
    assert seqs[0] == newest_state(path).last_seq + 1


def test_the_blocks_before_it_are_still_proved(path: Path) -> None:
    change(path, "UPDATE block SET body = zeroblob(length(body)) WHERE first = 1")
    with pytest.raises(ChainError):
        engine(path.parent)


def test_a_changed_snapshot_is_passed_over(path: Path) -> None:
    change(path, "UPDATE snapshot SET body = CAST(body || x'00' AS BLOB)")
    assert newest_state(path) == opening(path)
    assert cycles(path) == EXPECTED


def test_a_snapshot_of_a_tail_that_was_lost_is_passed_over(path: Path) -> None:
    while newest_state(path) != opening(path):
        torn(path.parent)
    assert 0 < len(cycles(path)) < FIRST


def test_a_file_from_before_there_were_snapshots_is_folded_whole(path: Path) -> None:
    change(path, "DROP TABLE snapshot")
    assert newest_state(path) == opening(path)
    assert cycles(path) == EXPECTED


def test_it_is_kept_by_itself_once_enough_records_follow_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from argo_actors.runtime import driver as runtime_driver
    from argo_actors.runtime import engine as runtime_engine

    monkeypatch.setattr(runtime_engine, "SNAPSHOT_EVERY", 10)
    monkeypatch.setattr(runtime_driver, "WATCH_SECONDS", 0.01)
    with running(tmp_path, at=NOON) as made:
        for n in range(20):
            made.say_durably("clock", Decide(n=n))
        still(made)
        (found,) = day_files(tmp_path)
        until = time.monotonic() + 10
        while newest_state(found) == opening(found):
            assert time.monotonic() < until
            made.say_durably("clock", Decide(n=1))
