"""SIGTERM at every moment of an order's way, and a kill while the next process takes the account over."""

from collections.abc import Callable

import pytest

from argo_actors.messages.system import Epoch
from tests.simulation.scenario import scenario
from tests.simulation.test_kill_points import ALL, EXIT, NOTHING, PROTECTION, on_record
from tests.simulation.wire import Sent
from tests.simulation.world import World

SEEDS = range(1, 9)
ENOUGH = 2
"""Seeds that reach a moment."""
MOMENTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an entry is under way": ("under_way", "POST", ("entry",)),
    "an entry is taken": ("answered", "POST", ("entry",)),
    "a stop is under way": ("under_way", "POST", PROTECTION),
    "a cancel is under way": ("under_way", "DELETE", ()),
    "a cancel is taken": ("answered", "DELETE", ()),
    "an exit is under way": ("under_way", "POST", EXIT),
}


def stopped_at(world: World, point: str, method: str, legs: tuple[str, ...]) -> None:
    """The daemon is asked to stop when the first such request has come so far."""

    def hook(where: str, sent: Sent) -> None:
        intent = world.view.intents.get(sent.client_order_id)
        leg = "" if intent is None else intent.order.leg
        if where == point and sent.method == method and (not legs or leg in legs):
            world.on_point.remove(hook)
            world.at(world.now, world.stop)

    world.on_point.append(hook)


def killed_in_the_take_over(keep: int) -> Callable[[World], None]:
    """The process after the stopped one is killed with the record of its epoch."""

    def install(world: World) -> None:
        def booting() -> None:
            if world.wire.run == 2:
                world.on_boot.remove(booting)
                on_record(keep, lambda word: isinstance(word, Epoch))(world)

        world.on_boot.append(booting)

    return install


def played(seed: int, moment: str, *more: Callable[[World], None]) -> World:
    """A calm world with one ordered stop in it."""
    with World(scenario(seed, quiet=True)._replace(safety_seconds=50.0)) as world:
        stopped_at(world, *MOMENTS[moment])
        for install in more:
            install(world)
        found = world.play()
        assert found.violations == (), seed
        return world


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_ordered_stop_leaves_nothing_that_is_held_without_its_stop(moment: str) -> None:
    reached = 0
    for seed in SEEDS:
        for one in played(seed, moment).stopped:
            assert one.settled
            assert one.bare == (), (seed, one)
            reached += 1
        if reached >= ENOUGH:
            return
    assert reached, "no seed comes to this moment"


@pytest.mark.parametrize("keep", [NOTHING, ALL], ids=["epoch lost", "epoch kept"])
def test_k16_a_kill_in_the_middle_of_a_take_over_costs_nothing(keep: int) -> None:
    world = played(1, "an entry is taken", killed_in_the_take_over(keep))
    assert world.stopped
    assert world.figures["kills"] == 2
