"""The whole money path by seed: faults, kills, restarts, and every invariant after every step."""

import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from loguru import logger

from tests.simulation.coverage import missing
from tests.simulation.world import run

SEEDS, AT_ONCE = 300, 50
MANY = 5_000
FOUND = {
    5: "an actor that was told twice of its own crash: its journal could not be folded again",
    15: "the same, in the tracker",
    46: "a protective stop that was lost with the broker's edge, and an exit that waited for it",
    63: "a leg filled late beside a close that went on working: it turned the position further",
    64: "an approval in flight at a kill led to an entry before READY",
    81: "a command that killed its edge was never heard again",
    219: "201 calls in a minute of the broker's 200: a question of several was counted as one",
    277: "a restarted edge paid for every call since the process began",
    327: "203 calls in a minute: questions of several calls were let go for the price of one",
    340: "an entry that had closed by the time it was learned was none of the day's",
    447: "a leg whose place another had taken was cancelled for ever, each second",
    529: "the cycle of a signal before a kill came again, and with it the id of its entry",
    553: "what was closed too much waited for an exit of unknown outcome, and was told as nothing",
    719: "lookups waited behind calls kept for exits: a stop's end was learned seconds late",
    928: "201 calls in a minute: a burst of thirty left too little room for lists of many pages",
    1057: "an entry that waited for its turn left ten seconds after a loss limit had tripped",
    1090: "a close was lost after refused stops: the next stop waited out their half minute",
    1192: "risk died on a halt and did not know of it; the next process's gate asked risk alone",
    1200: "a list lacked a bracket whose legs lived: their fill was nobody's",
    1498: "a coin that was sold twice was called somebody else's, and stayed short",
    2006: "a stale reading said flat, and the list that showed the position led to no new one",
    2053: "a stop that the lists did not show yet was called lost, and its position closed",
    2073: "the truth of one symbol, asked for every five seconds, left no call to the others",
    2250: "an answer heard by the next process counted as one of now: proof after 56 of 60 s",
    2905: "the truth was read seven times in one turn: a bare position waited 13 s for its own",
    3039: "an approved entry left the queue ten seconds after a loss limit seemed crossed",
    3260: "the cancel of a partly filled entry was asked for so seldom that its shares stayed bare",
    3600: "201 calls in a minute: a broker's edge that began anew had a new burst",
    3302: "slow answers each came to a question that had been asked anew: none counted",
    3706: "a leg that rested partly filled was looked up each second",
    4231: "an entry with new leg prices, after another's order in its symbol had been told of",
    4702: "a stop at 407.4100000000001 was called wider than one at 407.41, and cancelled",
    4762: "two orders of one instant filled a short page: the stop after them was not in the truth",
    4824: "the cancel of an entry that filled first was asked after for as long as it was held",
    7327: "a leg that closed was told with its entry's time: what had to rest after it rested too short",
    7747: "an entry of unknown outcome was looked up each ten seconds while its position was seen",
    8415: "a stop for what the broker held, less than the books, was replaced for ever",
}
"""Seeds that failed once, and what they found; the world has changed since, the seeds are kept."""


@pytest.fixture(autouse=True)
def quiet() -> None:
    logger.remove()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    found = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "seeds"
    found.mkdir(exist_ok=True)
    return found


@pytest.mark.parametrize("first", range(0, 20, 5))
def test_a_quiet_world_breaks_nothing(first: int) -> None:
    for seed in range(first, first + 5):
        found = run(seed, quiet=True)
        assert found.violations == ()
        assert found.figures["fills"] or found.figures["orders"] < 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    assert run(seed).trace == run(seed).trace


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_seed_breaks_an_invariant_and_each_fault_meets_each_state(
    first: int, shared: Path
) -> None:
    coverage = broken(range(first, first + AT_ONCE))
    (shared / f"{first}.json").write_bytes(msgspec.json.encode(coverage))
    written = list(shared.glob("*.json"))
    if len(written) * AT_ONCE == SEEDS:
        whole: Counter[str] = Counter()
        for one in written:
            whole.update(msgspec.json.decode(one.read_bytes()))
        assert missing(whole) == []


@pytest.mark.parametrize("seed", FOUND, ids=str)
def test_a_seed_that_failed_once_does_not_fail_again(seed: int) -> None:
    assert run(seed).violations == ()


@pytest.mark.long
@pytest.mark.parametrize("first", range(SEEDS, SEEDS + MANY, 100))
def test_nor_do_many_more(first: int) -> None:
    broken(range(first, first + 100))


def broken(seeds: range) -> Counter[str]:
    """Run them; what they covered. Fails with the lines that bring a violation back."""
    coverage: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in seeds:
        found = run(seed)
        coverage += found.coverage
        wrong += [f"seed {seed}: {one}" for one in found.violations]
    assert not wrong, "bin/bench simulate --seeds 1 --first-seed N\n" + "\n".join(wrong)
    return coverage
