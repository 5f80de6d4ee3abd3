"""Calls in turn: in the order of asking, one at a time, and none for ever behind one that hangs."""

import threading
from collections.abc import Callable
from typing import Any

from argo_actors.runtime import workers
from argo_actors.runtime.office import Activity
from argo_actors.runtime.workers import Job, Turns
from tests.waiting import until


class Asking:
    """Asks for calls, as an edge does: each is under way from its submission until its answer is heard."""

    def __init__(self, count: int = 4) -> None:
        self.activity = Activity()
        self.begun: list[int] = []
        self.heard: list[int] = []
        self.turns = Turns(count, "asking", self.activity.still_but_for)

    def call(self, n: int, work: Callable[[], Any] | None = None) -> Job:
        def begin() -> None:
            self.begun.append(n)
            if work is not None:
                work()

        def done(_: object, error: BaseException | None) -> None:
            assert error is None
            self.heard.append(n)
            self.activity.end()

        self.activity.begin()
        return self.turns.submit(begin, done)

    def abandon(self, job: Job) -> bool:
        self.activity.end()
        return self.turns.abandon(job)


def test_calls_begin_in_the_order_of_asking_each_after_the_last_was_heard() -> None:
    asking = Asking()
    under_way: list[int] = []
    most: list[int] = []

    def work() -> None:
        under_way.append(1)
        most.append(len(under_way))
        threading.Event().wait(0.001)
        under_way.pop()

    for n in range(50):
        asking.call(n, work)
    until(lambda: len(asking.heard) == 50)
    assert asking.begun == asking.heard == list(range(50))
    assert set(most) == {1}


def test_a_call_waits_while_anything_else_is_under_way(monkeypatch: Any) -> None:
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 60.0)
    asking = Asking()
    asked = threading.Event()
    still = asking.turns._still_but_for

    def counted(calls: int) -> bool:
        asked.set()
        return still(calls)

    asking.turns._still_but_for = counted
    asking.activity.begin()
    asking.call(1)
    assert asked.wait(10)
    assert asking.begun == []
    asking.activity.end()
    until(lambda: asking.heard == [1])


def test_a_call_that_hangs_keeps_the_others_from_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0.05)
    asking = Asking()
    let_go = threading.Event()
    asking.call(0, lambda: let_go.wait(60))
    for n in (1, 2, 3):
        asking.call(n)
    until(lambda: asking.heard == [1, 2, 3])
    let_go.set()
    until(lambda: asking.heard == [1, 2, 3, 0])


def test_an_abandoned_call_is_passed_over(monkeypatch: Any) -> None:
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 60.0)
    asking = Asking(count=1)
    let_go = threading.Event()
    asking.call(0, lambda: let_go.wait(60))
    until(lambda: asking.begun == [0])
    given_up = asking.call(1)
    asking.call(2)
    assert not asking.abandon(given_up), "it has not begun"
    let_go.set()
    until(lambda: asking.heard == [0, 2])
    assert asking.begun == [0, 2]
