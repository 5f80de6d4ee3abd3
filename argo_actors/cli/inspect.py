"""`argo inspect`: the supervision tree, or one actor's state, without disturbing it."""

import sys
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
    extra = f"  superseded {child['superseded']}" if child["superseded"] else ""
    if child.get("abandoned"):
        extra += f"  abandoned {child['abandoned']}, late {child['late']}"
    line(
        f"  {child['address']:24} {child['state']:9} handled {child['handled']:<9,} "
        f"waiting {child['waiting']:<4} restarts {child['restarts']}{extra}"
    )
    if child["reason"]:
        line(f"      {child['reason']}")
    if child["remedy"]:
        line(f"      fix: {child['remedy']}")
