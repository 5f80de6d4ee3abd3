"""Whatever is changed, moved or taken out of a day file is found."""

from pathlib import Path

import apsw
import pytest

from argo_actors.errors import ChainError, JournalError
from argo_actors.journal.codec import FORMAT, GENESIS, Opening
from argo_actors.journal.reader import blocks, day_files, opening, records
from argo_actors.journal.writer import Journal, new_file
from argo_actors.messages.market import Tick
from argo_actors.units import SECOND

NOON = 1_700_000_000 * SECOND


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Five blocks of two records."""
    found = new_file(tmp_path, NOON)
    failed: list[str] = []
    begin = Opening(FORMAT, 0, NOON, GENESIS, "{}", "code", (("risk", b"\x80"),), ())
    journal = Journal(found, begin, failed=failed.append, commit_seconds=30)
    for n in range(1, 11):
        seq = journal.append(NOON + n, "clock", None, "said", (Tick(n=n),))
        if n % 2 == 0:
            journal.wait_durable(seq, 5)
    journal.close()
    assert failed == []
    assert len(list(blocks(found))) == 5
    return found


def change(path: Path, statement: str, *values: object) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement, values)
    connection.close()


def flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def test_an_untouched_file_is_proved(path: Path) -> None:
    assert [record.seq for record in records(path)] == list(range(1, 11))


@pytest.mark.parametrize("first", [1, 5, 9])
def test_a_flipped_byte_in_a_block_is_found(path: Path, first: int) -> None:
    block = next(one for one in blocks(path) if one.first == first)
    for at in (0, len(block.body) // 2, len(block.body) - 1):
        change(path, "UPDATE block SET body = ? WHERE first = ?", flipped(block.body, at), first)
        with pytest.raises(ChainError, match=f"records {first}-{first + 1} was changed"):
            list(records(path))


def test_the_records_before_the_change_can_still_be_read(path: Path) -> None:
    body = list(blocks(path))[2].body
    change(path, "UPDATE block SET body = ? WHERE first = 5", flipped(body, 4))
    reading = records(path)
    assert [next(reading).seq for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(ChainError):
        next(reading)


def test_a_flipped_byte_in_the_opening_is_found(path: Path) -> None:
    connection = apsw.Connection(str(path))
    body = bytes(connection.execute("SELECT body FROM opening").get)
    connection.close()
    for at in range(len(body)):
        change(path, "UPDATE opening SET body = ?", flipped(body, at))
        with pytest.raises(JournalError):
            opening(path)


def test_a_changed_opening_that_can_be_read_is_a_broken_chain(path: Path) -> None:
    connection = apsw.Connection(str(path))
    body = bytes(connection.execute("SELECT body FROM opening").get)
    connection.close()
    change(path, "UPDATE opening SET body = ?", body.replace(b"code", b"bode"))
    with pytest.raises(ChainError, match="opening has been changed"):
        list(records(path))


@pytest.mark.parametrize("first", [1, 3, 7])
def test_a_missing_block_is_found(path: Path, first: int) -> None:
    change(path, "DELETE FROM block WHERE first = ?", first)
    with pytest.raises(ChainError, match=f"begins with record {first} is missing"):
        list(records(path))


def test_blocks_that_changed_places_are_found(path: Path) -> None:
    one, two = list(blocks(path))[1:3]
    change(path, "UPDATE block SET body = ?, h = ? WHERE first = 3", two.body, two.h)
    change(path, "UPDATE block SET body = ?, h = ? WHERE first = 5", one.body, one.h)
    with pytest.raises(ChainError):
        list(records(path))


def test_a_chain_value_that_was_changed_is_found(path: Path) -> None:
    h = next(iter(blocks(path))).h
    change(path, "UPDATE block SET h = ? WHERE first = 1", flipped(h, 0))
    with pytest.raises(ChainError):
        list(records(path))


def test_without_the_check_a_gap_is_still_found(path: Path) -> None:
    change(path, "DELETE FROM block WHERE first = 3")
    with pytest.raises(ChainError, match="record 3 is missing"):
        list(records(path, check=False))


def test_a_file_without_an_opening_is_refused(path: Path) -> None:
    change(path, "DELETE FROM opening")
    with pytest.raises(JournalError, match="no opening"):
        opening(path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "2026-01-01.db"
    bad.write_bytes(b"not a database" * 500)
    assert day_files(tmp_path) == [bad]
    with pytest.raises(JournalError) as refused:
        opening(bad)
    assert refused.value.fix
