"""Journals of released formats stay readable for ever: state is folded from them, whatever today's rules.

`format-1.db` is thirty cycles of the simulated market with two entries. Fields are only ever added,
with defaults; a change that breaks this test would orphan users' journals.
"""

from pathlib import Path

import pytest

from argo_actors.bootstrap import deciders
from argo_actors.journal.reader import opening, records
from argo_actors.runtime.folding import Folding
from argo_actors.tracker.state import TrackerState

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.db"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_journal_of_an_older_format_still_folds(path: Path) -> None:
    folding = Folding(opening(path), deciders)
    folding.apply_all(records(path))
    books = folding.states["tracker"]
    assert isinstance(books, TrackerState)
    assert books.cycle > 30
    assert {symbol: str(lot.qty) for symbol, lot in books.lots} == {"AMZN": "40", "XOM": "-62"}
