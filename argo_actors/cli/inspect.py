"""`argo inspect`: the supervision tree, or one actor's state, without disturbing it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from .client import find, get
from .output import emit_json, line


def inspect(
    address: str = "", *, account: str = "paper", state: Path | None = None, json: bool = False
) -> int:
    """Show the supervision tree, or one actor with its whole state.

    Parameters
    ----------
    address: str
        An actor, such as risk, order/AAPL or source/massive; without it the tree.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    where = find(account, state)
    if address:
        actor: dict[str, Any] = get(where, f"/api/v1/actors/{quote(address)}")
        if json:
            emit_json(actor)
        else:
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(actor)).decode() + "\n")
        return 0
    groups: list[dict[str, Any]] = get(where, "/api/v1/tree")
    if json:
        emit_json(groups)
        return 0
    for group in groups:
        line(f"{group['group']}  {group['strategy']}")
        for child in group["children"]:
            _print(child)
    return 0


def _print(child: dict[str, Any]) -> None:
    line(
        f"  {child['address']:20} {child['state']:8} handled {child['handled']:<9,} "
        f"waiting {child['waiting']:<4} restarts {child['restarts']:,}"
    )
    for text in _story(child):
        line(f"      {text}")


def _story(child: dict[str, Any]) -> Iterator[str]:
    """What is behind the counters: crashes, parkings, what is to be done."""
    crash, again = child["crash"], child["retry_in_seconds"]
    if crash is not None:
        yield f"crashed {_times(child['restarts'])}, last {crash['at']} in {crash['where']}:"
        yield f"  {crash['error']}"
    if child["parkings"]:
        yield f"parked {_times(child['parkings'])}, last {child['parked_at']}"
    if child["reason"] and (crash is None or child["reason"] != crash["error"]):
        yield child["reason"]
    if child["remedy"]:
        yield f"fix: {child['remedy']}"
    if again is not None:
        yield f"started again by itself in {again} s"
    if child["superseded"]:
        yield f"superseded {child['superseded']:,}"
    if child.get("abandoned"):
        yield f"abandoned calls {child['abandoned']:,}, late answers {child['late']:,}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n:,} times"
