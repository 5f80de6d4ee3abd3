"""One budget for all calls, in market time."""

from argo_actors.broker.limiter import Limiter
from argo_actors.units import MINUTE, SECOND

START = 1_790_000_000 * SECOND


def drain(limiter: Limiter, now: int, *, urgent: bool) -> int:
    taken = 0
    while limiter.take(now, urgent=urgent):
        taken += 1
    return taken


def test_the_reserve_is_left_to_urgent_calls() -> None:
    limiter = Limiter(150, 50)
    assert drain(limiter, START, urgent=False) == 16
    assert drain(limiter, START, urgent=True) == 9


def test_a_turn_of_several_calls_waits_until_there_are_as_many() -> None:
    limiter = Limiter(150.0, 50.0)
    assert limiter.take(START, urgent=False, calls=10)
    assert not limiter.take(START, urgent=False, calls=10)
    assert limiter.take(START, urgent=True, calls=10)
    assert drain(limiter, START, urgent=True) == 5
    assert not limiter.take(START, urgent=True, calls=2)


def test_a_turn_that_made_fewer_calls_than_it_took_lends_them_to_the_next() -> None:
    limiter = Limiter(72.0, 0.0)
    limiter.take(START, urgent=True, calls=10)
    limiter.made(4, START)
    limiter.take(START, urgent=True, calls=1)
    limiter.made(11, START)
    assert drain(limiter, START, urgent=True) == 1


def test_it_refills_with_market_time_and_never_beyond_a_burst() -> None:
    limiter = Limiter(72, 0)
    assert drain(limiter, START, urgent=True) == 12
    assert drain(limiter, START + 2 * SECOND, urgent=True) == 2
    assert drain(limiter, START + 60 * MINUTE, urgent=True) == 12


def test_no_minute_sees_more_than_the_brokers_200() -> None:
    limiter = Limiter(150, 50)
    second_by_second = [drain(limiter, START + n * SECOND, urgent=True) for n in range(180)]
    assert max(sum(second_by_second[n : n + 60]) for n in range(120)) <= 200


def test_nothing_leaves_until_the_brokers_reset() -> None:
    limiter = Limiter(150, 50)
    limiter.close(START, 10)
    assert not limiter.take(START + 9 * SECOND, urgent=True)
    assert limiter.take(START + 10 * SECOND, urgent=True)


def test_time_that_stands_still_or_steps_back_gives_nothing() -> None:
    limiter = Limiter(30, 0)
    drain(limiter, START, urgent=True)
    assert not limiter.take(START, urgent=True)
    assert not limiter.take(START - MINUTE, urgent=True)


def test_a_turn_that_needed_several_calls_is_charged_for_all_of_them() -> None:
    limiter = Limiter(150, 50)
    limiter.take(START, urgent=False)
    limiter.made(4, START)
    assert limiter.left(START) == 21
    limiter.take(START, urgent=False)
    limiter.made(4, START)
    assert limiter.left(START) == 20
    limiter.made(5, START)
    assert limiter.left(START) == 20
