"""Nothing that the venue can do wrong is without its case, and so without its line in the README."""

import json
from inspect import get_annotations
from typing import Any, get_args, get_type_hints

import msgspec

from argo_actors.venue import faults
from argo_actors.venue.actions import Action
from argo_actors.venue.faults import read_plan
from argo_actors.venue.modes import Modes
from argo_actors.venue.vendors import FAILURES
from tests.venue.fault_cases import CASES

PLANS = {name: read_plan(json.dumps(one.plan).encode()) for name, one in CASES.items()}


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
