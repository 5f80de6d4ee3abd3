"""Which request is sent next: priority, one money request a symbol, a worker kept for lookups (design §5)."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from ..messages.order import SubmitOrder
from ..units import UtcNanos


class Priority(IntEnum):
    """Smaller goes first."""

    CANCEL = 0
    PROTECTION = 1
    EXIT = 2
    LOOKUP = 3
    QUERY = 4
    ENTRY = 5


MONEY = frozenset({Priority.CANCEL, Priority.PROTECTION, Priority.EXIT, Priority.ENTRY})
EXITS = frozenset({Priority.CANCEL, Priority.PROTECTION, Priority.EXIT})
MOST_ENTRIES = 3
MOST_QUERIES = 3
SPARED = 2
"""Workers that lookups leave to cancels and exits."""


class Job(NamedTuple):
    """A request that waits for its turn."""

    priority: Priority
    number: int
    symbol: str
    work: Callable[[], Any]
    then: Callable[[Any, BaseException | None], None]
    urgent: bool = False
    """It may use the calls that are kept for exits and cancels."""
    order: SubmitOrder | None = None
    """Of a submission: what may have reached the broker once this is under way."""
    calls: int = 1
    """So many calls it needs at the least."""


class Schedule:
    """Jobs that wait and jobs under way."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._waiting: list[Job] = []
        self._under_way: list[Job] = []
        self._number = 0

    def add(
        self,
        priority: Priority,
        symbol: str,
        work: Callable[[], Any],
        then: Callable[[Any, BaseException | None], None],
        *,
        urgent: bool = False,
        order: SubmitOrder | None = None,
        calls: int = 1,
    ) -> Job:
        """Let a request wait for its turn."""
        self._number += 1
        urgent = urgent or priority in EXITS
        job = Job(priority, self._number, symbol, work, then, urgent, order, calls)
        self._waiting.append(job)
        self._waiting.sort(key=_turn)
        return job

    def next(self) -> Job | None:
        """The next request that may be sent now; it counts as under way from here on."""
        for job in self._waiting:
            if self._may_go(job):
                self._waiting.remove(job)
                self._under_way.append(job)
                return job
        return None

    def expired(self, now: UtcNanos) -> list[Job]:
        """Submissions that have waited for longer than their signal lives; they wait no more."""
        waiting, self._waiting = self._waiting, []
        late: list[Job] = []
        for job in waiting:
            over = job.order is not None and job.order.expires_at < now
            (late if over else self._waiting).append(job)
        return late

    def withdraw(self, order: str) -> None:
        """This submission does not wait any more."""
        self._waiting = [
            job for job in self._waiting if job.order is None or job.order.client_order_id != order
        ]

    def put_back(self, job: Job) -> None:
        """There was no budget for it after all."""
        self._under_way.remove(job)
        self._waiting.insert(0, job)
        self._waiting.sort(key=_turn)

    def done(self, job: Job) -> None:
        """Its outcome is known, or its deadline has passed."""
        self._under_way.remove(job)

    def waits(self, job: Job) -> bool:
        """Nothing of it has been sent yet."""
        return job in self._waiting

    def under_way(self, order: str) -> bool:
        """This submission may have reached the broker."""
        known = [job.order for job in self._under_way if job.order is not None]
        return any(one.client_order_id == order for one in known)

    def __len__(self) -> int:
        return len(self._waiting)

    def _may_go(self, job: Job) -> bool:
        busy = len(self._under_way)
        same = sum(1 for one in self._under_way if one.priority is job.priority)
        if job.priority is Priority.LOOKUP:
            return busy < self._workers and same < max(1, self._workers - SPARED)
        most = {Priority.ENTRY: MOST_ENTRIES, Priority.QUERY: MOST_QUERIES}
        if busy >= self._workers - 1 or same >= most.get(job.priority, busy + 1):
            return False
        return job.priority not in MONEY or not any(
            one.symbol == job.symbol and one.priority in MONEY for one in self._under_way
        )


def _turn(job: Job) -> tuple[Priority, bool, int]:
    """An urgent request does not wait behind one that has no calls left to it."""
    return job.priority, not job.urgent, job.number
