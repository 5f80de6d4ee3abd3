"""The deterministic driver: the same cells on one thread, with virtual time and a seed.

The seed picks among the mailboxes that hold mail, so that one run can be had again exactly; without a
seed mail is served first come, first served (backtests).
"""

import random
from collections import deque
from typing import Any

from .mailbox import Mailbox


class Stepped:
    """One word at a time, in an order that the seed fixes."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = None if seed is None else random.Random(seed)  # noqa: S311 (an order, no secret)
        self._ready: deque[Mailbox] = deque()
        self._cells: dict[str, Any] = {}
        self.steps = 0

    def attach(self, cell: Any) -> None:
        """Serve this cell's mailbox: anything with `address`, `mailbox` and `process`."""
        self._cells[cell.address] = cell
        cell.mailbox.bell = self._ready.append
        self._ready.extend([cell.mailbox] * len(cell.mailbox))

    def step(self) -> bool:
        """Let one actor hear one word. False when no mailbox has any."""
        while self._ready:
            item = self._pick().take()
            if item is None:
                continue
            self.steps += 1
            self._cells[self._picked.address].process(item)
            return True
        return False

    def run(self, limit: int = 1_000_000) -> int:
        """Step until all is quiet, at most `limit` times. Returns the steps taken."""
        begun = self.steps
        while self.steps - begun < limit and self.step():
            pass
        return self.steps - begun

    def _pick(self) -> Mailbox:
        if self._random is not None:
            self._ready.rotate(-self._random.randrange(len(self._ready)))
        self._picked = self._ready.popleft()
        return self._picked
