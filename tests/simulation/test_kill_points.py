"""Kills at each point of an order's way, with each outcome at the broker, and again during the recovery."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from argo_actors.journal.codec import Record
from argo_actors.messages.order import Fill, OrderReport, SubmitOrder
from argo_actors.messages.signal import Approval
from argo_actors.messages.system import Operator
from argo_actors.runtime.virtual import Killed
from argo_actors.units import SECOND
from argo_actors.venue.faults import Plan, RequestRule
from tests.simulation.scenario import REQUEST_FAULTS, scenario
from tests.simulation.wire import Sent
from tests.simulation.world import World

NOTHING, ALL = 0, 10_000
"""How much of what was not on disk yet a kill leaves."""
SEEDS = range(1, 9)


class Point(NamedTuple):
    """Where the process is killed, and how the broker answers meanwhile."""

    name: str
    install: Callable[[World], None]
    fault: str = ""
    arrives: bool = False
    """Bytes under way at the kill."""
    skip: int = 0
    """Submissions that the fault leaves alone: without an entry there is nothing to close."""


def on_request(point: str, method: str, *legs: str) -> Callable[[World], None]:
    """Killed when the first such request has come so far."""

    def install(world: World) -> None:
        def hook(where: str, sent: Sent) -> None:
            intent = world.view.intents.get(sent.client_order_id)
            leg = "" if intent is None else intent.order.leg
            if where == point and sent.method == method and (not legs or leg in legs):
                world.on_point.remove(hook)
                world.kill(point, ALL)

        world.on_point.append(hook)

    return install


def on_record(keep: int, meant: Callable[[Any], bool]) -> Callable[[World], None]:
    """Killed with the step that says the first such word."""

    def install(world: World) -> None:
        def hook(record: Record) -> None:
            if any(meant(word) for word in record.said):
                world.on_record.remove(hook)
                world.kill("record", keep)

        world.on_record.append(hook)

    return install


def on_fill(world: World) -> None:
    """Killed when the venue has filled the first entry."""

    def hook(_: Any) -> None:
        world.on_fill.remove(hook)
        world.kill("filled", ALL)

    world.on_fill.append(hook)


def on_snapshot(keep: int) -> Callable[[World], None]:
    """Killed with a snapshot that waits for the disk."""

    def install(world: World) -> None:
        def snapshot() -> None:
            if world.process is not None:
                world.process.running._keep_snapshot()
                world.kill("snapshot", keep)

        world.at(world.now + 20 * SECOND, snapshot)

    return install


def on_halt(*, before: bool) -> Callable[[World], None]:
    """Killed before or after the commit of an operator's halt."""

    def install(world: World) -> None:
        def committing(records: list[Record]) -> None:
            if any(isinstance(one, Operator) for record in records for one in record.said):
                world.on_committing.remove(committing)
                world.kill("halt", NOTHING)
                raise Killed

        if before:
            world.on_committing.append(committing)
        else:
            on_record(ALL, lambda word: isinstance(word, Operator))(world)
        world.at(world.now + 22 * SECOND, lambda: world._operate("halt"))

    return install


def is_approval(word: Any) -> bool:
    return isinstance(word, Approval) and word.intent.startswith("open")


def is_command(word: Any) -> bool:
    return isinstance(word, SubmitOrder) and word.leg == "entry"


def is_answer(word: Any) -> bool:
    return isinstance(word, OrderReport) and word.channel == "answer"


def is_filled(word: Any) -> bool:
    return isinstance(word, OrderReport) and word.channel == "stream" and word.filled_qty > 0


def is_fill(word: Any) -> bool:
    return isinstance(word, Fill) and word.leg == "entry"


PROTECTION, EXIT = ("stop", "oco"), ("exit", "flat", "target")
ENTRY = on_request("answered", "POST", "entry")
POINTS = (
    Point("K0 signal decided, lost", on_record(NOTHING, is_approval)),
    Point("K0 signal decided, kept", on_record(ALL, is_approval)),
    Point("K1 before the intent is committed", on_record(NOTHING, is_command)),
    Point("K1 intent committed, broker has not heard", on_record(ALL, is_command)),
    Point("K2 before it is sent", on_request("before_send", "POST", "entry")),
    Point("K3 half sent, never arrives", on_request("under_way", "POST", "entry")),
    Point("K3 half sent, arrives", on_request("under_way", "POST", "entry"), arrives=True),
    Point("K4 accepted, answer unread", on_request("accepted", "POST", "entry")),
    Point("K4 accepted and filled", on_fill),
    Point("K5 answer read, not journaled", ENTRY),
    Point("K5 rejected", ENTRY, "post_rejected"),
    Point("K5 429", ENTRY, "post_429"),
    Point("K5 504 but accepted", ENTRY, "post_504_applied"),
    Point("K5 504 and not", ENTRY, "post_504"),
    Point("K6 answer journaled", on_record(ALL, is_answer)),
    Point("K7 fill seen, not journaled", on_record(NOTHING, is_filled)),
    Point("K8 fill journaled, stop not sent", on_record(ALL, is_fill)),
    Point("K9 stop committed, not sent", on_request("before_send", "POST", *PROTECTION)),
    Point("K9 stop under way, arrives", on_request("under_way", "POST", *PROTECTION), arrives=True),
    Point("K10 stop accepted, not journaled", on_request("accepted", "POST", *PROTECTION)),
    Point("K10 stop refused", on_request("answered", "POST", *PROTECTION), "post_stop_through"),
    Point("K11 cancel under way, lost", on_request("under_way", "DELETE")),
    Point("K11 cancel under way, arrives", on_request("under_way", "DELETE"), arrives=True),
    Point("K11 cancel taken", on_request("accepted", "DELETE")),
    Point("K12 close not sent", on_request("before_send", "POST", *EXIT)),
    Point("K13 close under way, arrives", on_request("under_way", "POST", *EXIT), arrives=True),
    Point("K13 close accepted, not journaled", on_request("accepted", "POST", *EXIT)),
    Point(
        "K13 close, 504 but accepted",
        on_request("answered", "POST", *EXIT),
        "post_504_applied",
        skip=4,
    ),
    Point("K13 close, 504 and not", on_request("answered", "POST", *EXIT), "post_504", skip=4),
    Point("K14 before a snapshot's commit", on_snapshot(NOTHING)),
    Point("K14 after a snapshot's commit", on_snapshot(ALL)),
    Point("K15 before a halt's commit", on_halt(before=True)),
    Point("K15 after a halt's commit", on_halt(before=False)),
)
AGAIN = (None, 0, 3, 12, 40, 90)
"""Records of the recovery after which the second kill comes."""


def killed_again(world: World, records: int) -> None:
    """The next process lives for so many records."""

    def booting() -> None:
        if world.wire.run != 2:
            return
        world.on_boot.remove(booting)
        left = records

        def count(_: Record) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                world.on_record.remove(count)
                world.kill("again", NOTHING if records % 2 else ALL)

        world.on_record.append(count)

    world.on_boot.append(booting)


def world_of(point: Point, seed: int) -> World:
    rules = ()
    if point.fault:
        fault = REQUEST_FAULTS[point.fault]
        rules = (RequestRule(name=point.fault, **fault, count=12, skip=point.skip),)
    quiet = scenario(seed, quiet=True)
    world = World(quiet._replace(plan=Plan(rules=rules, seed=seed), safety_seconds=50.0))
    world.orphans_arrive = point.arrives
    point.install(world)
    return world


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_kill_at_any_point_and_again_in_the_recovery_costs_nothing(point: Point) -> None:
    reached = 0
    for place, again in enumerate(AGAIN):
        for seed in (*SEEDS[place:], *SEEDS[:place]):
            with world_of(point, seed) as world:
                if again is not None:
                    killed_again(world, again)
                found = world.play()
            if found.figures["kills"] >= (1 if again is None else 2):
                reached += 1
                assert found.violations == (), (seed, again)
                break
    assert reached == len(AGAIN)


def test_a_halt_that_nobody_has_heard_before_the_kill_is_in_force_in_the_next_gate() -> None:
    with World(scenario(1, quiet=True)._replace(safety_seconds=40.0)) as world:
        on_halt(before=False)(world)
        assert world.play().figures["kills"] == 1
        assert world.process is not None
        assert world.process.gate._operator == "halt"
