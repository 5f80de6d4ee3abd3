"""The writer: appending never waits, durable means on disk, an overdue commit is told."""

import threading
from pathlib import Path

import apsw
import msgspec
import pytest

from argo_actors.errors import JournalError
from argo_actors.journal.codec import FORMAT, GENESIS, Opening
from argo_actors.journal.follower import Follower
from argo_actors.journal.reader import (
    HEAD,
    block_with,
    blocks,
    last_chain,
    mentions,
    opening,
    records,
)
from argo_actors.journal.writer import Journal, day_of, new_file
from argo_actors.messages.market import Figures, Tick
from argo_actors.messages.order import OrderAbsent
from argo_actors.units import DAY, SECOND
from tests.waiting import until

NOON = 1_700_000_000 * SECOND
EMPTY = Opening(FORMAT, 0, NOON, GENESIS, "", "", (), ())


class Bench:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.failed: list[str] = []
        self.path = new_file(directory, NOON)

    def journal(self, seconds: float = 0.01, most: int = 1000, begin: Opening = EMPTY) -> Journal:
        return Journal(
            self.path,
            begin,
            failed=self.failed.append,
            commit_seconds=seconds,
            commit_records=most,
        )


def append(journal: Journal, *numbers: int) -> int:
    for n in numbers:
        seq = journal.append(NOON + n, "clock", None, "said", (Tick(n=n),))
    return seq


def numbers(path: Path) -> list[int]:
    return [word.n for record in records(path) for word in record.said if isinstance(word, Tick)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_was_appended_is_read_in_order(bench: Bench) -> None:
    journal = bench.journal()
    assert [append(journal, n) for n in range(10)] == list(range(1, 11))
    journal.close()
    assert numbers(bench.path) == list(range(10))
    assert [record.seq for record in records(bench.path)] == list(range(1, 11))
    assert bench.failed == []


def test_appending_does_not_wait_for_the_disk(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    append(journal, 1, 2, 3)
    assert journal.durable == 0
    assert journal.backlog == 3
    assert numbers(bench.path) == []
    journal.close()
    assert journal.backlog == 0


def test_durable_is_claimed_for_what_another_connection_can_read(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    seq = append(journal, 1, 2, 3)
    journal.wait_durable(seq, 5)
    assert journal.durable >= seq
    assert numbers(bench.path) == [1, 2, 3]
    journal.close()


def test_a_durable_record_is_not_waited_for_again(bench: Bench) -> None:
    journal = bench.journal()
    seq = append(journal, 1)
    journal.wait_durable(seq, 5)
    commits = journal.commits
    journal.wait_durable(seq, 0)
    assert journal.commits == commits
    journal.close()


def test_it_commits_when_nobody_waits(bench: Bench) -> None:
    journal = bench.journal(seconds=0.01)
    append(journal, 1)
    until(lambda: journal.durable == 1)
    journal.close()


def test_it_commits_when_so_many_records_wait(bench: Bench) -> None:
    journal = bench.journal(seconds=30, most=5)
    append(journal, 1, 2, 3, 4, 5)
    until(lambda: journal.durable == 5)
    journal.close()


def test_records_are_grouped_into_few_commits(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    journal.wait_durable(append(journal, *range(500)), 5)
    assert journal.commits == 1
    journal.close()
    assert len(list(blocks(bench.path))) == 1


def test_a_commit_past_its_deadline_is_a_dead_journal_and_the_record_is_not_claimed(
    bench: Bench,
) -> None:
    journal = bench.journal(seconds=30)
    blocker = apsw.Connection(str(bench.path))
    blocker.execute("BEGIN IMMEDIATE")
    seq = append(journal, 1)
    with pytest.raises(JournalError, match="overdue"):
        journal.wait_durable(seq, 0.05)
    assert journal.durable == 0
    assert ["overdue" in one for one in bench.failed] == [True]
    with pytest.raises(JournalError, match="overdue"):
        journal.wait_durable(seq, 5)
    blocker.execute("ROLLBACK")
    blocker.close()
    with pytest.raises(JournalError, match="overdue"):
        journal.close()
    assert len(bench.failed) == 1


def test_a_lock_that_nobody_gives_back_is_told_as_a_dead_journal(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    blocker = apsw.Connection(str(bench.path))
    blocker.execute("BEGIN IMMEDIATE")
    seq = append(journal, 1)
    with pytest.raises(JournalError, match="cannot be written"):
        journal.wait_durable(seq, 10)
    until(lambda: len(bench.failed) == 1)
    assert journal.durable == 0
    blocker.execute("ROLLBACK")
    blocker.close()
    with pytest.raises(JournalError, match="cannot be written"):
        journal.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_record_that_cannot_be_encoded_is_told_as_a_dead_journal(bench: Bench) -> None:
    journal = bench.journal(seconds=0.01)
    append(journal, 2**70)
    journal._thread.join(5)
    assert bench.failed


def test_closing_commits_what_waits_and_can_be_opened_again(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    append(journal, 1, 2)
    journal.close()
    seq, chain = last_chain(bench.path)
    again = bench.journal(begin=Opening(FORMAT, seq, NOON, chain, "", "", (), ()))
    assert append(again, 3) == 3
    again.close()
    assert numbers(bench.path) == [1, 2, 3]
    assert opening(bench.path) == EMPTY


def test_the_head_names_the_last_commit(bench: Bench) -> None:
    journal = bench.journal()
    append(journal, *range(7))
    journal.close()
    seq, chain = last_chain(bench.path)
    assert (bench.directory / HEAD).read_text() == f"{seq} {chain.hex()}\n"
    assert seq == 7


def test_a_day_file_is_its_owners_alone(bench: Bench) -> None:
    bench.journal().close()
    assert bench.path.stat().st_mode & 0o777 == 0o600


def test_many_threads_leave_no_gap_when_the_caller_holds_the_lock(bench: Bench) -> None:
    journal = bench.journal(seconds=0.001, most=50)
    lock = threading.Lock()

    def write() -> None:
        for n in range(200):
            with lock:
                append(journal, n)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    journal.wait_durable(800, 5)
    journal.close()
    assert [record.seq for record in records(bench.path)] == list(range(1, 801))


def test_what_is_mentioned_leads_to_its_block(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    journal.wait_durable(append(journal, 1), 5)
    figures = Figures(symbol="AAPL", regime="BULL", atr_pct=None, bars=1, timeframe="1Day", as_of=1)
    journal.wait_durable(journal.append(NOON, "source/alpaca", None, "said", (figures,)), 5)
    journal.close()
    reading = apsw.Connection(str(bench.path), flags=apsw.SQLITE_OPEN_READONLY)
    found = reading.execute("SELECT subject, first FROM mention ORDER BY subject").fetchall()
    reading.close()
    assert found == [("clock", 1), ("source/alpaca", 2), ("symbol:AAPL", 2)]


def test_an_index_that_is_lost_is_made_anew_at_the_next_start(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    journal.wait_durable(append(journal, 1), 5)
    absent = OrderAbsent(client_order_id="argo-1", symbol="AAPL", listed=True, because=())
    journal.wait_durable(journal.append(NOON, "broker", None, "said", (absent,)), 5)
    figures = Figures(symbol="AAPL", regime="BULL", atr_pct=None, bars=1, timeframe="1Day", as_of=1)
    journal.wait_durable(journal.append(NOON, "quotes", None, "said", (figures,)), 5)
    journal.close()
    assert mentions(bench.path, "AAPL") == [2]
    hand = apsw.Connection(str(bench.path))
    hand.execute("DELETE FROM mention")
    hand.close()
    assert mentions(bench.path, "AAPL") == [3, 2, 1]
    assert len(list(records(bench.path))) == 3
    bench.journal(begin=msgspec.structs.replace(EMPTY, last_seq=3)).close()
    assert mentions(bench.path, "AAPL") == [2]


def test_a_record_is_found_with_its_block(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    append(journal, 1)
    journal.wait_durable(append(journal, 2), 5)
    journal.wait_durable(append(journal, 3), 5)
    journal.close()
    first, last = block_with(bench.path, 2), block_with(bench.path, 3)
    assert first is not None
    assert last is not None
    assert (first.first, first.last, last.first) == (1, 2, 3)
    assert block_with(bench.path, 4) is None
    assert block_with(bench.path, 0) is None


def test_a_roll_splits_the_log_at_its_record(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    append(journal, 1, 2)
    journal.roll(Opening(FORMAT, 2, NOON + DAY, GENESIS, "", "", (), ()))
    append(journal, 3, 4)
    journal.close()
    second = bench.directory / f"{day_of(NOON + DAY)}.db"
    assert (numbers(bench.path), numbers(second)) == ([1, 2], [3, 4])
    assert opening(second).chain == last_chain(bench.path)[1]


def test_a_follower_sees_durable_records_once_and_across_files(bench: Bench) -> None:
    journal = bench.journal(seconds=30)
    follower = Follower(bench.directory)
    append(journal, 1)
    assert follower.poll() == []
    journal.wait_durable(append(journal, 2), 5)
    assert [record.seq for record in follower.poll()] == [1, 2]
    assert follower.poll() == []
    journal.roll(Opening(FORMAT, 2, NOON + DAY, GENESIS, "", "", (), ()))
    journal.wait_durable(append(journal, 3), 5)
    assert [record.seq for record in follower.poll()] == [3]
    journal.close()
