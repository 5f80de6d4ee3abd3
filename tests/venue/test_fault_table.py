"""Every fault and every mode is provoked at the real server and seen by a real client."""

import json
from collections.abc import Iterator
from inspect import get_annotations
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from argo_actors.cli.simulated import SimulatedWorld
from argo_actors.venue import faults
from argo_actors.venue.actions import Action
from argo_actors.venue.faults import read_plan
from argo_actors.venue.modes import Modes, Share
from argo_actors.venue.vendors import FAILURES
from tests.venue.desk import Desk
from tests.venue.fault_cases import CASES
from tests.venue.fault_world import World

PLANS = {name: read_plan(json.dumps(one.plan).encode()) for name, one in CASES.items()}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    log = tmp_path_factory.mktemp("venue") / "venue.log"
    account = json.dumps({"calls_a_minute": 100_000})
    one = SimulatedWorld(["--seed", "7", "--lockstep", "--account", account], log)
    world = World(one)
    try:
        yield world
    finally:
        world.close()
        one.close()


@pytest.fixture
def world(served: World) -> Iterator[World]:
    yield served
    served.clear()


@pytest.mark.parametrize("fault", CASES)
def test_a_fault_is_provoked_and_seen(world: World, fault: str) -> None:
    world.give(CASES[fault].plan)
    CASES[fault].seen(world)
    assert [one["name"] for one in world.faults()["rules"] if not one["hits"]] == []


# nothing is missing


def known_kinds() -> set[tuple[str, str]]:
    """Every kind of fault with what it waits for, as a plan has them."""
    found = set()
    for waits in get_args(faults.Rule):
        kinds = get_type_hints(waits)["fault"]
        for kind in get_args(kinds) or (kinds,):
            found.add((waits.__struct_config__.tag, kind.__struct_config__.tag))
    return found


def rules() -> list[Any]:
    return [rule for plan in PLANS.values() for rule in plan.rules]


def test_every_kind_of_fault_has_its_case() -> None:
    assert len(known_kinds()) > 25
    assert {tags(rule) for rule in rules()} == known_kinds()


def tags(rule: Any) -> tuple[str, str]:
    return rule.__struct_config__.tag, rule.fault.__struct_config__.tag


def test_every_field_of_a_fault_has_its_case() -> None:
    """What a rule or a fault may say beyond its defaults is said by some case."""
    said = {
        named(type(one), field.name)
        for rule in (*rules(), *(one for plan in PLANS.values() for one in plan.actions))
        for one in (rule, getattr(rule, "fault", rule))
        for field in msgspec.structs.fields(one)
        if getattr(one, field.name) != field.default
    }
    known = {named(one, field) for one in structs() for field in one.__struct_fields__}
    assert sorted(known - said) == []


def named(struct: Any, field: str) -> str:
    """What several take from one base is one thing."""
    owners = [one for one in struct.__mro__ if field in get_annotations(one)]
    return f"{owners[-1].__name__}.{field}"


def structs() -> set[Any]:
    """The rules, faults and corporate actions that a plan may have."""
    hints = [get_type_hints(waits)["fault"] for waits in get_args(faults.Rule)]
    kinds = {kind for one in hints for kind in get_args(one) or (one,)}
    return {*get_args(faults.Rule), *kinds, *get_args(Action)}


def test_every_garbled_answer_and_every_vendors_failure_has_its_case() -> None:
    said = {rule.fault.how for rule in rules() if isinstance(rule.fault, faults.Garble)}
    assert said == set(get_args(get_type_hints(faults.Garble)["how"]))
    vendors = {
        (rule.path.removesuffix("/*"), rule.fault.how)
        for rule in rules()
        if isinstance(rule.fault, faults.Vendor)
    }
    assert vendors == {(prefix, how) for prefix, known in FAILURES.items() for how in known}
    hows = get_args(get_type_hints(faults.Vendor)["how"])
    assert {how for _, how in vendors} == set(hows)


def test_every_mode_has_its_case() -> None:
    for field in msgspec.structs.fields(Modes):
        said = {json.dumps(one.plan["modes"].get(field.name)) for one in cases_of_modes()}
        wanted = {json.dumps(one) for one in get_args(field.type) if isinstance(one, str)}
        assert said - {"null"}, field.name
        assert wanted <= said, field.name


def cases_of_modes() -> list[Any]:
    return [one for one in CASES.values() if "modes" in one.plan]


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
