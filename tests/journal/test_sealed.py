"""A day that is over is kept compressed, and nothing of it is lost on the way."""

from pathlib import Path

import pytest

from argo_actors.errors import JournalError
from argo_actors.journal.codec import GENESIS, Opening, Record
from argo_actors.journal.follower import Follower
from argo_actors.journal.reader import day_files, last_chain, opening, records
from argo_actors.journal.sealed import seal, sealed
from argo_actors.journal.writer import Journal
from argo_actors.messages.market import Decide

DAY = Opening(1, 0, 0, GENESIS, "", "", (), ())


@pytest.fixture
def day(tmp_path: Path) -> Path:
    path = tmp_path / "2026-01-01.db"
    journal = Journal(path, DAY, failed=print)
    for n in range(1000):
        journal.append(n, "clock", None, "said", (Decide(n=n),))
    journal.close()
    return path


def all_of(path: Path) -> list[Record]:
    return list(records(path))


def test_a_sealed_day_is_smaller_and_reads_the_same(day: Path) -> None:
    before, size = (opening(day), all_of(day), last_chain(day)), day.stat().st_size
    seal(day)
    (path,) = day_files(day.parent)
    assert path == sealed(day)
    assert path.stat().st_size < size / 3
    assert path.stat().st_mode & 0o777 == 0o600
    assert (opening(path), all_of(path), last_chain(path)) == before


def test_a_path_taken_before_the_seal_still_reads(day: Path) -> None:
    before = all_of(day)
    seal(day)
    assert all_of(day) == before


def test_a_follower_goes_on_over_the_seal(day: Path) -> None:
    follower = Follower(day.parent)
    assert len(follower.poll()) == 1000
    seal(day)
    assert follower.poll() == []


def test_a_crash_between_the_two_names_leaves_one_day(day: Path) -> None:
    plain, before = day.read_bytes(), all_of(day)
    seal(day)
    day.write_bytes(plain)
    assert day_files(day.parent) == [sealed(day)]
    seal(day)
    assert not day.exists()
    assert all_of(sealed(day)) == before


def test_a_seal_that_fails_leaves_the_day_as_it_was(day: Path) -> None:
    before = all_of(day)
    (day.parent / (day.name + ".part")).mkdir()
    seal(day)
    assert day_files(day.parent) == [day]
    assert all_of(day) == before


def test_the_start_of_a_journal_seals_the_days_before(day: Path) -> None:
    seq, chain = last_chain(day)
    after = Opening(1, seq, 0, chain, "", "", (), ())
    Journal(day.with_name("2026-01-02.db"), after, failed=print).close()
    assert [path.name for path in day_files(day.parent)] == ["2026-01-01.db.gz", "2026-01-02.db"]


@pytest.mark.parametrize("at", [0, 2000, -4])
def test_a_damaged_seal_is_said(day: Path, at: int) -> None:
    seal(day)
    path = sealed(day)
    body = bytearray(path.read_bytes())
    body[at] ^= 0x40
    path.write_bytes(body)
    with pytest.raises(JournalError):
        all_of(path)
