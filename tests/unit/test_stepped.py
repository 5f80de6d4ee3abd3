"""The deterministic driver: the same seed gives the same run."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_actors.journal.codec import encode
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import Decide, QuotesWanted
from argo_actors.messages.system import Operator
from argo_actors.runtime.cell import DeciderCell
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.runtime.office import Office
from argo_actors.runtime.stepped import Stepped


class Count(msgspec.Struct, frozen=True):
    n: int = 0
    heard: tuple[str, ...] = ()


class Listed:
    """A log in a list, as bytes."""

    def __init__(self) -> None:
        self.next_seq = 1
        self.trace: list[tuple[str, WordId | None, bytes]] = []

    def append(
        self,
        at: int,
        actor: str,
        heard: WordId | None,
        outcome: str,
        said: tuple[Message, ...],
        state_hash: bytes | None = None,
    ) -> int:
        self.trace.append((actor, heard, encode((at, outcome, said, state_hash))))
        self.next_seq += 1
        return self.next_seq - 1


def evolve(state: Count, heard: Heard) -> Count:
    return Count(state.n + 1, (*state.heard, type(heard.message).__name__)[-9:])


def mute(state: Count, heard: Heard) -> tuple[Message, ...]:
    return ()


def halt_each_cycle(state: Count, heard: Heard) -> tuple[Message, ...]:
    if isinstance(heard.message, Decide):
        return (Operator(state="halt", who=f"cycle {heard.message.n}", why="a test"),)
    return ()


def run(seed: int | None, cycles: int) -> tuple[Listed, dict[str, Any], int]:
    log = Listed()
    office = Office(log, SetClock(1_000))
    driver = Stepped(seed)
    cells: dict[str, Any] = {}
    for address, decide in (
        ("consensus", halt_each_cycle),
        ("risk", mute),
        ("tracker", mute),
        ("order/AAPL", mute),
    ):
        DeciderCell.start(office, address, Decider(Count(), evolve, decide), crash_is_a_mistake)
        cells[address] = office.cells[address]
        driver.attach(cells[address])
    for n in range(cycles):
        office.record("clock", (Decide(n=n),))
    steps = driver.run()
    for cell in cells.values():
        cell.actor_ref.stop(block=False)
    driver.run()
    return log, cells, steps


def crash_is_a_mistake(address: str, error: BaseException, heard: WordId | None) -> None:
    raise AssertionError(f"{address}: {error!r}")


@given(st.integers(0, 2**32), st.integers(0, 12))
@settings(max_examples=30)
def test_one_seed_gives_one_trace(seed: int, cycles: int) -> None:
    one, two = run(seed, cycles), run(seed, cycles)
    assert one[0].trace == two[0].trace
    assert one[2] == two[2] == cycles * 4


def test_seeds_differ_in_the_order_and_agree_on_the_outcome() -> None:
    runs = [run(seed, 8) for seed in range(10)]
    assert len({tuple(log.trace) for log, _, _ in runs}) > 1
    for _, cells, _ in runs:
        assert {address: cell.state.n for address, cell in cells.items()} == {
            "consensus": 16,  # its own words are heard by its state as well
            "risk": 8,
            "tracker": 8,
            "order/AAPL": 8,
        }


def test_without_a_seed_mail_is_served_first_come_first_served() -> None:
    log, _, _ = run(None, 3)
    heard = [record[1] for record in log.trace if record[1] is not None]
    assert heard == sorted(heard)


def test_each_actor_hears_its_mail_in_order_whatever_the_seed() -> None:
    for seed in range(10):
        log, _, _ = run(seed, 8)
        for actor in ("consensus", "risk", "tracker", "order/AAPL"):
            heard = [record[1] for record in log.trace if record[0] == actor]
            assert len(heard) == 8
            assert heard == sorted(heard, key=lambda word: word or WordId(0, 0))


def test_a_limit_ends_a_run_before_it_is_quiet() -> None:
    office = Office(Listed(), SetClock(1))
    driver = Stepped(1)
    DeciderCell.start(office, "consensus", Decider(Count(), evolve, mute), crash_is_a_mistake)
    cell: Any = office.cells["consensus"]
    driver.attach(cell)
    for n in range(5):
        office.record("clock", (Decide(n=n),))
    assert driver.run(2) == 2
    assert cell.state.n == 2
    assert driver.run() == 3
    assert not driver.step()
    assert office.activity.still
    cell.actor_ref.stop(block=False)
    driver.run()


def test_mail_that_came_before_the_driver_is_served() -> None:
    office = Office(Listed(), SetClock(1))
    DeciderCell.start(office, "consensus", Decider(Count(), evolve, mute), crash_is_a_mistake)
    cell: Any = office.cells["consensus"]
    office.record("clock", (Decide(n=1), QuotesWanted(request=1, symbols=()), Decide(n=2)))
    driver = Stepped()
    driver.attach(cell)
    assert driver.run() == 2
    cell.actor_ref.stop(block=False)
    driver.run()
