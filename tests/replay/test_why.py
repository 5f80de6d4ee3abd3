"""Why an order was sent, from a journal and its side index."""

import re
import shutil
from pathlib import Path

import apsw
import pytest

from argo_actors.cli.main import run
from argo_actors.errors import UsageError
from argo_actors.journal.reader import records
from argo_actors.journal.sealed import seal
from argo_actors.messages import WordId
from argo_actors.messages.order import SubmitOrder
from argo_actors.replay.why import Words

GOLDEN = Path(__file__).parent / "golden" / "format-1.db"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    (tmp_path / "journal").mkdir()
    return Path(shutil.copy(GOLDEN, tmp_path / "journal" / "2026-03-04.db"))


def orders(path: Path) -> list[tuple[WordId, SubmitOrder]]:
    return [
        (WordId(record.seq, n), message)
        for record in records(path)
        for n, message in enumerate(record.said)
        if isinstance(message, SubmitOrder)
    ]


@pytest.mark.parametrize("indexed", [True, False])
def test_an_order_is_found_and_followed_to_what_it_rests_on(journal: Path, indexed: bool) -> None:
    if not indexed:
        hand = apsw.Connection(str(journal))
        hand.execute("DELETE FROM mention")
        hand.close()
    words = Words(journal.parent)
    for word, order in orders(journal):
        assert words.find_order(order.client_order_id) == word
    word, order = next(pair for pair in orders(journal) if pair[1].leg == "entry")
    reasons = list(words.reasons(word))
    assert reasons[0].message == order
    kinds = [type(one.message).__name__ for one in reasons]
    assert {"Approval", "Signal", "Opinion"} <= set(kinds)
    assert len({one.word for one in reasons}) == len(reasons)


def test_a_symbol_means_its_newest_order(journal: Path) -> None:
    word, order = orders(journal)[-1]
    assert Words(journal.parent).find_order(order.symbol) == word


def test_a_sealed_day_answers_like_an_open_one(journal: Path) -> None:
    (word, _), *_ = orders(journal)
    before = list(Words(journal.parent).reasons(word))
    seal(journal)
    assert not journal.exists()
    assert list(Words(journal.parent).reasons(word)) == before


def test_the_risk_checks_are_told_by_their_names(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (_, order), *_ = orders(journal)
    assert run(["why", order.client_order_id, "--state", str(journal.parent.parent)]) == 0
    said = capsys.readouterr().out
    assert "ok QUOTE " in said
    assert max(map(len, said.splitlines())) <= 80
    assert not re.search(r"\d{19}", said), "no time in nanoseconds"


def test_an_order_that_nobody_sent_is_told(journal: Path) -> None:
    with pytest.raises(UsageError, match="argo-none"):
        Words(journal.parent).find_order("argo-none")
