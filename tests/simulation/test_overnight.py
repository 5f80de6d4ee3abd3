"""A night in which a stock splits: the daemon's books, orders and protection in the morning."""

from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest
from loguru import logger

from argo_actors.messages import Message
from argo_actors.messages.opinion import Direction
from argo_actors.messages.order import PositionClosed, Protected, SplitApplied
from argo_actors.messages.system import Alert
from argo_actors.messages.truth import Corrected
from argo_actors.units import HOUR, MINUTE, SECOND
from argo_actors.venue.actions import Split
from argo_actors.venue.modes import Modes
from argo_actors.venue.sessions import new_york_date
from tests.simulation.scenario import CLOSING, scenario
from tests.simulation.world import GRID, World

CLOSE = CLOSING + 90 * SECOND
MIDNIGHT = CLOSE + 8 * HOUR
OPEN = CLOSE + 17 * HOUR + 30 * MINUTE
SYMBOL = "AAPL"
ALL = 10_000
"""Records that a kill leaves."""
Said = TypeVar("Said", bound=Message)
replace = msgspec.structs.replace


@pytest.fixture(autouse=True)
def quiet() -> None:
    logger.remove()


class Night(World):
    """A world whose daemon is there in some hours only; between them the venue goes on alone."""

    def __init__(self, direction: Direction = "LONG", start: int = CLOSING, seed: int = 1) -> None:
        plan = scenario(1, quiet=True)._replace(seed=seed)
        trading = replace(plan.config.trading, use_limit_orders=False, on_unprotected="exit")
        config = replace(plan.config, trading=trading)
        super().__init__(plan._replace(start=start, calm=True, config=config))
        self._direction: Direction | None = direction

    def open(self, until: int = CLOSE - 30 * SECOND) -> Decimal:
        """A position is opened and protected; after that nobody has an opinion. How much is held."""
        self._prepare()
        self._boot()
        self._run_until(until)
        self._direction = None
        assert self.said(Protected)
        return self.held

    def _boot(self) -> None:
        if self.process is None:
            super()._boot()

    def _opinions(self) -> None:
        if self.process is not None and self._direction is not None:
            self._say_opinions(SYMBOL, self._direction)
        self.at(self.now + int(2.5 * SECOND), self._opinions)

    def until(self, at: int) -> None:
        """The daemon lives till then."""
        self._run_until(at)

    def hold(self) -> None:
        """No invariant was broken."""
        self._commit_rest()
        self.checker.end(self.now)
        assert self.checker.violations == []

    def away_until(self, at: int) -> None:
        """The daemon is killed, and back then; the venue goes on in large steps."""
        self._kill("night", ALL)
        self._events.clear()
        while self.now < at - MINUTE:
            self.now = min(self.now + 15 * MINUTE, at - MINUTE)
            self.venue.book.advance(self.now)
            self._settle_venue()
        self.at(self.now + GRID, self._venue_grid)
        self.at(self.now + SECOND, self._opinions)
        self.at(at, self._boot)
        self._run_until(at)

    def splits(self, new: int, old: int, **more: Any) -> None:
        day = new_york_date(OPEN)
        self.venue.book.announce(
            Split(symbol=SYMBOL, ex_date=day, new_rate=new, old_rate=old, **more)
        )

    def said(self, kind: type[Said]) -> list[Said]:
        return [one for one in self.view.words.values() if isinstance(one, kind)]

    @property
    def held(self) -> Decimal:
        return self.view.position(SYMBOL)

    def stop(self) -> tuple[Decimal, Decimal | None]:
        """Quantity and price of the one stop that rests."""
        (found,) = [one for one in self.view.live(SYMBOL) if one.type == "stop"]
        return found.left, found.stop_price


def in_the_morning(night: Night) -> None:
    """The daemon is back two minutes before the open, and sees some minutes of the session."""
    night.away_until(OPEN - 2 * MINUTE)
    night.until(OPEN + 2 * MINUTE)


@pytest.mark.parametrize(
    ("direction", "new", "old"), [("LONG", 10, 1), ("SHORT", 4, 1), ("LONG", 3, 2), ("LONG", 1, 4)]
)
def test_an_announced_split_is_followed_and_the_new_shares_are_protected(
    direction: Direction, new: int, old: int
) -> None:
    with Night(direction) as night:
        night.splits(new, old)
        held = night.open()
        _, stop = night.stop()
        night.until(CLOSE + MINUTE)
        assert not night.view.live(SYMBOL), "nothing of before the split is left after the close"
        night.away_until(MIDNIGHT + MINUTE)
        night.until(MIDNIGHT + 2 * MINUTE)
        in_the_morning(night)
        assert night.held == held * new / old
        covered, price = night.stop()
        assert covered == abs(night.held)
        assert abs(price - stop * old / new) <= Decimal("0.01")
        (done,) = night.said(SplitApplied)
        assert (done.before, done.after) == (abs(held), abs(night.held))
        assert not night.said(PositionClosed)
        assert not night.said(Corrected)
        night.hold()


def test_a_split_that_nobody_announced_is_known_by_its_cost() -> None:
    """The daemon was killed before the close: the bracket of before the split still stands."""
    with Night() as night:
        night.splits(10, 1, announced=False)
        held = night.open()
        in_the_morning(night)
        assert night.held == held * 10
        assert night.stop()[0] == night.held
        assert not night.said(PositionClosed)
        assert not night.said(Corrected)
        night.hold()


def test_a_daemon_that_was_away_all_night_is_in_time_before_the_open() -> None:
    with Night() as night:
        night.splits(1, 2)
        held = night.open()
        in_the_morning(night)
        assert night.stop()[0] == night.held == held / 2
        night.hold()


def test_a_fraction_of_a_share_cannot_be_protected_and_all_is_closed_at_the_open() -> None:
    with Night() as night:
        night.splits(1, 10)
        held = night.open()
        assert held % 10
        in_the_morning(night)
        assert night.held == 0
        (closed,) = night.said(PositionClosed)
        assert closed.reason == "unprotected"
        assert abs(closed.pnl) < 20, "the dollars are counted right"
        night.hold()


def test_nothing_is_sold_while_the_price_has_split_and_the_shares_have_not() -> None:
    with Night() as night:
        late = 10 * 3600 - 1800 + 60
        night.splits(10, 1, late_seconds=late)
        held = night.open()
        night.until(CLOSE + MINUTE)
        night.away_until(OPEN - 2 * MINUTE)
        night.until(OPEN + 30 * SECOND)
        assert night.held == held, "a tenth of the dollars would be there for it"
        assert any("not yet" in one.text for one in night.said(Alert))
        night.until(OPEN + 3 * MINUTE)
        assert night.held == held * 10
        assert night.stop()[0] == night.held
        assert not night.said(PositionClosed)
        night.hold()


@pytest.mark.parametrize("seed", range(1, 4))
def test_whatever_splits_by_seed_is_whole_and_protected_or_closed_in_the_morning(seed: int) -> None:
    with Night(seed=seed) as night:
        night.venue.book.modes = Modes(splits_overnight=1)
        held = night.open()
        night.until(CLOSE + 2 * SECOND)
        (known,) = night.venue.book.account.actions
        night.away_until(CLOSE + 6 * HOUR)
        night.until(CLOSE + 6 * HOUR + MINUTE)
        assert not night.view.live(SYMBOL)
        in_the_morning(night)
        (split,) = night.said(SplitApplied)
        assert (split.before, split.ratio) == (held, known.action.ratio)
        if split.after % 1:
            assert night.held == 0
        else:
            assert night.stop()[0] == night.held == split.after
        night.hold()
