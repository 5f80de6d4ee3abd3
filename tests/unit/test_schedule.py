"""Whose turn it is at the broker."""

from argo_actors.broker.schedule import Job, Priority, Schedule


def add(schedule: Schedule, priority: Priority, symbol: str = "AAPL") -> None:
    schedule.add(priority, symbol, lambda: None, lambda value, error: None)


def running(schedule: Schedule) -> list[Job]:
    found = []
    while (job := schedule.next()) is not None:
        found.append(job)
    return found


def test_they_go_by_priority_and_within_one_by_age() -> None:
    schedule = Schedule(16)
    for n, priority in enumerate(reversed(Priority)):
        add(schedule, priority, f"S{n}")
    assert [job.priority for job in running(schedule)] == sorted(Priority)


def test_a_symbol_has_one_money_request_in_flight() -> None:
    schedule = Schedule(6)
    add(schedule, Priority.ENTRY)
    add(schedule, Priority.EXIT)
    (first,) = running(schedule)
    assert first.priority is Priority.EXIT
    schedule.done(first)
    assert [job.priority for job in running(schedule)] == [Priority.ENTRY]


def test_a_lookup_overtakes_the_stuck_request_of_its_symbol() -> None:
    schedule = Schedule(6)
    add(schedule, Priority.EXIT)
    assert len(running(schedule)) == 1
    add(schedule, Priority.LOOKUP)
    assert [job.priority for job in running(schedule)] == [Priority.LOOKUP]


def test_entries_take_three_workers_at_most() -> None:
    schedule = Schedule(6)
    for n in range(6):
        add(schedule, Priority.ENTRY, f"S{n}")
    assert len(running(schedule)) == 3


def test_one_worker_is_always_free_for_a_lookup() -> None:
    schedule = Schedule(6)
    for n in range(9):
        add(schedule, Priority.EXIT, f"S{n}")
    assert len(running(schedule)) == 5
    add(schedule, Priority.LOOKUP)
    assert [job.priority for job in running(schedule)] == [Priority.LOOKUP]


def test_a_job_put_back_keeps_its_place() -> None:
    schedule = Schedule(6)
    add(schedule, Priority.QUERY, "A")
    add(schedule, Priority.QUERY, "B")
    first = schedule.next()
    assert first is not None
    schedule.put_back(first)
    assert [job.symbol for job in running(schedule)] == ["A", "B"]


def test_lookups_and_queries_leave_workers_to_cancels_and_exits() -> None:
    schedule = Schedule(6)
    for n in range(9):
        add(schedule, Priority.LOOKUP, f"S{n}")
    assert len(running(schedule)) == 4
    add(schedule, Priority.CANCEL, "X")
    assert [job.priority for job in running(schedule)] == [Priority.CANCEL]
    other = Schedule(6)
    for n in range(9):
        add(other, Priority.QUERY, f"S{n}")
    assert len(running(other)) == 3
    add(other, Priority.EXIT, "X")
    add(other, Priority.EXIT, "Y")
    assert len(running(other)) == 2


def test_the_reserve_is_for_cancels_protection_exits_and_what_they_wait_for() -> None:
    schedule = Schedule(16)
    for n, priority in enumerate(Priority):
        add(schedule, priority, f"S{n}")
    schedule.add(Priority.LOOKUP, "P", lambda: None, lambda value, error: None, urgent=True)
    urgent = {(job.priority, job.symbol) for job in running(schedule) if job.urgent}
    assert urgent == {
        (Priority.CANCEL, "S0"),
        (Priority.PROTECTION, "S1"),
        (Priority.EXIT, "S2"),
        (Priority.LOOKUP, "P"),
    }
