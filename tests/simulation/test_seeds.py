"""The whole money path by seed: faults, kills, restarts, and every invariant after every step."""

import os

import pytest

from tests.simulation.world import run

SEEDS = 5000 if os.environ.get("ARGO_TEST_LONG") else 300
CHUNK = 25


@pytest.mark.parametrize("first", range(0, 20, 5))
def test_a_quiet_world_breaks_nothing(first: int) -> None:
    for seed in range(first, first + 5):
        found = run(seed, quiet=True)
        assert found.violations == ()
        assert found.figures["fills"] or found.figures["orders"] < 3


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    assert run(seed).trace == run(seed).trace


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_fault_and_no_kill_breaks_an_invariant(first: int) -> None:
    for seed in range(first, first + CHUNK):
        assert run(seed).violations == (), f"bin/bench simulate --seeds 1 --first-seed {seed}"
