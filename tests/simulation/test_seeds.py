"""The whole money path by seed: faults, kills, restarts, and every invariant after every step."""

import pytest

from tests.simulation.world import run


@pytest.mark.parametrize("first", range(0, 20, 5))
def test_a_quiet_world_breaks_nothing(first: int) -> None:
    for seed in range(first, first + 5):
        found = run(seed, quiet=True)
        assert found.violations == ()
        assert found.figures["fills"] or found.figures["orders"] < 3


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    assert run(seed).trace == run(seed).trace
