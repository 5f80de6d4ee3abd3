"""SIGTERM at every moment of an order's way, and a kill while the next process takes the account over."""

from collections.abc import Callable

import pytest
from msgspec import structs

from argo_actors.messages.system import Epoch
from argo_actors.units import SECOND
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


def test_an_ordered_stop_leaves_no_limit_entry_to_fill_in_part_while_nobody_looks() -> None:
    """Half a minute into a world whose entries are limit orders that wait for their price."""
    waited = 0
    for seed in range(1, 6):
        plan = scenario(seed, quiet=True)
        trading = structs.replace(
            plan.config.trading, use_limit_orders=True, limit_order_offset_pct=0.0
        )
        plan = plan._replace(
            config=structs.replace(plan.config, trading=trading), safety_seconds=50.0
        )
        with World(plan) as world:
            stopped_when_one_rests(world)
            found = world.play()
            assert found.violations == (), seed
            for one in world.stopped:
                assert one.settled
                assert (one.bare, one.resting) == ((), ()), (seed, one)
                waited += 1
        if waited >= ENOUGH:
            return
    assert waited, "no entry ever rests"


def stopped_when_one_rests(world: World) -> None:
    """The daemon is asked to stop a second after an entry has not filled at once."""

    def look() -> None:
        waiting = [
            one
            for symbol in world.plan.config.symbols
            for one in world.view.live(symbol)
            if one.status == "new" and not one.leg and "-entry-" in one.client_order_id
        ]
        if any(world.now - one.submitted_at > SECOND for one in waiting):
            world.stop()
        else:
            world.at(world.now + SECOND // 2, look)

    world.at(world.now + SECOND, look)


@pytest.mark.parametrize("keep", [NOTHING, ALL], ids=["epoch lost", "epoch kept"])
def test_k16_a_kill_in_the_middle_of_a_take_over_costs_nothing(keep: int) -> None:
    world = played(1, "an entry is taken", killed_in_the_take_over(keep))
    assert world.stopped
    assert world.figures["kills"] == 2
