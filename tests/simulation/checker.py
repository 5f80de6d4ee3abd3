"""The independent checker: told of every step, it asks each invariant at its moment."""

from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from argo_actors.config import amount, loss_limits
from argo_actors.journal.codec import Record

from .invariants import CHECKS, Check
from .view import View
from .wire import Sent


class Violation(NamedTuple):
    """An invariant that did not hold."""

    name: str
    check: str
    at: float
    """Seconds since the start."""
    what: str

    def __str__(self) -> str:
        return f"{self.at:8.2f} s  {self.name} ({self.check}): {self.what}"


class Checker:
    """Sees the venue's log and the journal, never the daemon."""

    def __init__(self, view: View, start: int) -> None:
        self.view = view
        self.violations: list[Violation] = []
        self.asked: dict[str, int] = defaultdict(int)
        self._start = start
        self._told: set[tuple[str, str]] = set()
        self._by_moment: dict[str, list[Check]] = defaultdict(list)
        for check in CHECKS:
            self._by_moment[check.moment].append(check)

    def left(self, sent: Sent, now: int) -> None:
        """A request leaves a gate."""
        self.view.now = now
        self.view.left(sent)
        self._ask("left", sent)

    def committed(self, records: list[Record], now: int) -> None:
        """Records have reached the disk."""
        for record in records:
            self.view.now = now
            self.view.committed(record)
            self._ask("record", record)

    def venue_changed(self, symbol: str, now: int) -> None:
        """The venue filled something."""
        self.view.now = now
        self.view.filled_at_venue(symbol, now)
        self._ask("venue", symbol)

    def time(self, now: int) -> None:
        """Time has passed."""
        view = self.view
        view.time(now)
        view.crossed_since = (view.crossed_since or now) if self._crossed() else 0
        self._ask("time")

    def _crossed(self) -> bool:
        view = self.view
        if not view.first_equity:
            return False
        daily, drawdown = loss_limits(view.config)
        lost = (view.first_equity - view.book.equity()) * 100
        least = min(amount(daily), amount(drawdown)) + Decimal("0.02")
        return lost >= least * view.first_equity

    def end(self, now: int) -> None:
        """The run is over, and quiet."""
        self.view.time(now)
        self._ask("end")

    def _ask(self, moment: str, *about: object) -> None:
        for check in self._by_moment[moment]:
            self.asked[check.ask.__name__] += 1
            for what in check.ask(self.view, *about):
                self._found(check, what)

    def _found(self, check: Check, what: str) -> None:
        key = (check.ask.__name__, what.partition(" ")[0])
        if key in self._told:
            return  # it still does not hold
        self._told.add(key)
        at = (self.view.now - self._start) / 1e9
        self.violations.append(Violation(check.name, check.ask.__name__, at, what))
