"""Executions that the broker takes back or corrects: the daemon says so, reads the truth and goes on."""

from decimal import Decimal

import pytest
from loguru import logger

from argo_actors.messages.order import PositionClosed
from argo_actors.messages.system import Alert, Crashed, DeadLetter
from argo_actors.messages.truth import Corrected, Discrepancy
from argo_actors.units import SECOND
from argo_actors.venue.matching import Fill
from tests.simulation.scenario import NOON
from tests.simulation.test_overnight import SYMBOL, Night


@pytest.fixture(autouse=True)
def quiet() -> None:
    logger.remove()


class Session(Night):
    """A position in the middle of a session."""

    def __init__(self) -> None:
        super().__init__(start=NOON)
        self.open(NOON + 30 * SECOND)

    @property
    def entry(self) -> list[Fill]:
        return [one for one in self.venue.book.activities if one.symbol == SYMBOL]

    def settle(self) -> None:
        """What happened is told and read; nobody crashed, and nothing is left that could trade."""
        self.venue._settle()
        self.until(self.now + 30 * SECOND)
        self._commit_rest()
        assert self.said(Crashed) == []
        assert self.said(DeadLetter) == []

    def alerts(self, word: str) -> list[Alert]:
        return [one for one in self.said(Alert) if word in one.text]


def test_an_entry_that_is_taken_back_is_a_difference_and_its_legs_go() -> None:
    with Session() as session:
        for one in session.entry:
            session.venue.book.bust(one.id)
        session.settle()
        assert session.held == 0
        assert session.alerts("taken back")
        assert any(one.what == "position" for one in session.said(Discrepancy))
        (gone,) = session.said(Corrected)
        assert gone.qty == sum(one.qty for one in session.entry)
        assert session.said(PositionClosed)
        assert session.view.holdings[SYMBOL].phase == "flat"
        assert not session.view.live(SYMBOL), "a leg would open a short"


def test_a_corrected_price_is_told_and_changes_no_position() -> None:
    with Session() as session:
        held, stop = session.held, session.stop()
        for one in session.entry:
            session.venue.book.correct(one.id, one.price + Decimal("0.50"))
        session.settle()
        assert session.alerts("corrected")
        assert not session.said(Corrected)
        assert (session.held, session.stop()) == (held, stop)
        assert session.view.holdings[SYMBOL].phase == "protected"


def test_an_exit_that_is_taken_back_is_shown_as_not_ours() -> None:
    with Session() as session:
        held = session.held
        session._operate("flatten")
        session.until(session.now + 10 * SECOND)
        assert session.held == 0
        exits = [one for one in session.entry if one.side == "sell"]
        for one in exits:
            session.venue.book.bust(one.id)
        session.settle()
        assert session.held == held
        assert session.alerts("taken back")
        assert any(one.what == "foreign position" for one in session.said(Discrepancy))
        holding = session.view.holdings[SYMBOL]
        assert (holding.own, holding.qty) == (False, held)
