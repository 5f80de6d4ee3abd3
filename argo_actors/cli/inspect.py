"""`argo inspect`: the supervision tree, or one actor's state, without disturbing it."""

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from .client import ASKED, Asked
from .output import line


def inspect(address: str = "", *, asked: Asked = ASKED) -> int:
    """Show the supervision tree, or one actor with its whole state.

    Parameters
    ----------
    address: str
        An actor, such as risk, order/AAPL or source/massive; without it the tree.
    """
    if address:
        return asked.show(asked.get(f"/api/v1/actors/{quote(address)}"), _whole)
    return asked.show(asked.get("/api/v1/tree"), _tree)


def _whole(actor: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(actor)).decode() + "\n")


def _tree(groups: list[dict[str, Any]]) -> None:
    for group in groups:
        line(f"{group['group']}  {group['strategy']}")
        for child in group["children"]:
            _print(child)


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
