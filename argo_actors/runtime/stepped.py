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
        self.steps = 0

    def attach(self, cell: Any) -> None:
        """Serve this cell's mailbox: anything with `address`, `mailbox` and `process`."""
        cell.mailbox.serve = cell.process
        cell.mailbox.bell = self._ready.append
        self._ready.extend([cell.mailbox] * len(cell.mailbox))

    def step(self) -> bool:
        """Let one actor hear one word. False when no mailbox has any."""
        return self.run(1) == 1

    def run(self, limit: int = 1_000_000) -> int:
        """Step until all is quiet, at most `limit` times. Returns the steps taken."""
        ready, chance, taken = self._ready, self._random, 0
        while ready and taken < limit:
            if chance is not None:
                ready.rotate(-chance.randrange(len(ready)))
            mailbox = ready.popleft()
            item = mailbox.take()
            if item is not None:
                taken += 1
                mailbox.serve(item)
        self.steps += taken
        return taken
