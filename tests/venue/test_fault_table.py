"""Every fault and every mode is provoked at the real server and seen by a real client."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from argo_actors.cli.simulated import SimulatedWorld
from argo_actors.venue.faults import read_plan
from argo_actors.venue.modes import Modes, Share
from tests.venue.desk import Desk
from tests.venue.fault_cases import CASES
from tests.venue.fault_world import World


@pytest.fixture(scope="module")
def whole(served: SimulatedWorld) -> Iterator[World]:
    with closing(World(served)) as one:
        yield one


@pytest.fixture
def world(whole: World) -> Iterator[World]:
    yield whole
    whole.clear()


@pytest.mark.parametrize("fault", CASES)
def test_a_fault_is_provoked_and_seen(world: World, fault: str) -> None:
    world.give(CASES[fault].plan)
    CASES[fault].seen(world)
    assert [one["name"] for one in world.faults()["rules"] if not one["hits"]] == []


# by file, and by seed


def test_every_plan_may_come_by_file(tmp_path: Path) -> None:
    """One file with all of them, spoken by nobody: each rule is in force as it was written."""
    plan = {
        "rules": [
            rule | {"name": f"{name} {n}"}
            for name, one in CASES.items()
            for n, rule in enumerate(one.plan.get("rules", []))
        ],
        "modes": {"trading_blocked": True},
    }
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(plan))
    one = SimulatedWorld(["--lockstep", "--faults", str(file)], tmp_path / "venue.log")
    try:
        known = {row["name"]: row["rule"] for row in one.get("/argo/faults")["rules"]}
    finally:
        one.close()
    written = read_plan(file.read_bytes()).rules
    assert known == {one.name: json.loads(msgspec.json.encode(one)) for one in written}


@pytest.mark.parametrize(
    "mode", [field.name for field in msgspec.structs.fields(Modes) if field.type == Share]
)
def test_whom_a_mode_strikes_is_a_matter_of_seed_and_order(mode: str) -> None:
    rows = [struck(seed, mode) for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]
    assert all(20 < sum(row) < 80 for row in rows)


def struck(seed: int, mode: str) -> list[bool]:
    desk = Desk(seed=seed)
    desk.book.modes = Modes(**{"partial_fills": 0, mode: 0.5})
    sent = [desk.order(limit_price="100", type="limit", client_order_id=f"{n}") for n in range(100)]
    if mode == "partial_fills":
        return [desk.book._lot(desk.book.orders[one["id"]]) < 10 for one in sent]
    return [desk.book._luck(mode, desk.book.orders[one["id"]]) for one in sent]


def test_when_an_order_appears_is_a_matter_of_seed_and_order() -> None:
    rows = [appeared(seed) for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]
    assert 0 < len(rows[0]) < 20


def appeared(seed: int) -> set[str]:
    desk = Desk(seed=seed)
    desk.book.modes = Modes(appear_seconds=30)
    for n in range(20):
        desk.order(limit_price="100", type="limit", client_order_id=f"{n}", qty="1")
    desk.seconds(10)
    return {one["client_order_id"] for one in desk.ask("GET", "/orders")[1]}


def test_an_order_that_fills_while_its_replacement_hangs_is_not_replaced() -> None:
    desk = Desk()
    old = desk.order(limit_price="240", type="limit")
    desk.seconds(1)
    new = desk.ask("PATCH", f"/orders/{old['id']}", {"limit_price": "230"})[1]
    desk.book.delay(desk.book.orders[old["id"]], 600)
    desk.seconds(60)
    assert desk.read(old)["status"] == "pending_replace"
    desk.move("AAPL", 239.0)
    desk.seconds(3)
    assert (desk.read(old)["status"], desk.read(new)["status"]) == ("filled", "rejected")
    assert ("order_replace_rejected", old["id"]) in desk.told()


def test_a_halted_symbol_fills_nothing_and_its_orders_can_be_cancelled() -> None:
    desk = Desk()
    one, other = desk.order(), desk.order()
    desk.book.modes = Modes(halted=("AAPL",))
    desk.seconds(60)
    assert desk.read(one)["status"] == "new"
    desk.ask("DELETE", f"/orders/{one['id']}")
    desk.seconds(1)
    assert desk.read(one)["status"] == "canceled"
    desk.book.modes = Modes()
    desk.seconds(3)
    assert desk.read(other)["status"] == "filled"
