"""Every fault of the venue: how it is asked for, what a client sees, and the test that sees it.

The README's table of faults is made of these cases, so what a reader copies is what the test gave.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.venue.fault_world import World


class Case(NamedTuple):
    """One row: `plan` is the whole document of `--faults FILE` or POST /argo/faults."""

    plan: dict[str, Any]
    sees: str
    seen: Callable[[World], None]


CASES: dict[str, Case] = {}


def case(
    fault: str, sees: str, **plan: Any
) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Enter the decorated test under the fault's name."""

    def enter(seen: Callable[[World], None]) -> Callable[[World], None]:
        assert fault not in CASES, fault
        CASES[fault] = Case(plan, sees, seen)
        return seen

    return enter


def rule(on: str, kind: str, where: dict[str, Any] | None = None, **fault: Any) -> dict[str, Any]:
    """A rule as JSON has it."""
    return {"on": on, **(where or {}), "fault": {"kind": kind, **fault}}


def request(where: str, kind: str, count: int | None = 1, **fault: Any) -> dict[str, Any]:
    """A rule for requests; `where` is `METHOD PATH`, or only a path."""
    method, _, path = where.rpartition(" ")
    place: dict[str, Any] = {"method": method} if method else {}
    place |= {"path": path} | ({"count": count} if count else {})
    return rule("request", kind, place, **fault)


def table() -> str:
    """The README's rows."""
    rows = ["| fault | how to ask for it | what a client sees |", "| --- | --- | --- |"]
    for fault, one in CASES.items():
        text = json.dumps(one.plan)
        assert not {"|", "`", "\n"} & {*text, *one.sees, *fault}, fault
        rows.append(f"| {fault} | `{text}` | {one.sees} |")
    return "\n".join(rows)
