"""What is shown of the supervision tree: groups, children, how each is."""

from typing import Any

import msgspec

from ..runtime.cell import DeciderCell
from ..runtime.edge import EdgeCell
from ..runtime.engine import Engine
from .text import time

Document = dict[str, Any]


def tree(engine: Engine) -> list[Document]:
    """The supervision tree: groups, children, how each is."""
    supervisor = engine.supervisor
    return [
        {
            "group": group.name,
            "strategy": group.strategy,
            "children": [_child(engine, spec.address) for spec in group.children],
        }
        for group in supervisor.groups
    ]


def actor(engine: Engine, address: str) -> Document | None:
    """One actor: its counters and, of a decider, its whole state."""
    cell = engine.inspect(address)
    if cell is None or address not in engine.supervisor.children:
        return None
    found = _child(engine, address)
    if isinstance(cell, DeciderCell):
        found["state_now"] = msgspec.to_builtins(cell.state, str_keys=True)
        wake = engine.office.wakes.get(address)
        found["wakes_at"] = None if wake is None else time(wake)
    return found


def _child(engine: Engine, address: str) -> Document:
    child = engine.supervisor.children[address]
    cell = engine.inspect(address)
    found: Document = {
        "address": address,
        "state": child.state,
        "restarts": child.tally.total,
        "handled": cell.handled,
        "waiting": len(cell.mailbox),
        "superseded": cell.mailbox.superseded,
        "reason": child.reason,
        "remedy": child.remedy,
        "retry_in_seconds": None,
        "crash": None,
        "parkings": child.parkings,
        "parked_at": time(child.parked_at) if child.parked_at else None,
    }
    if child.retry_at is not None:
        found["retry_in_seconds"] = max(0, round(child.retry_at - engine.alarm.seconds()))
    if child.died is not None:
        found["crash"] = child.died._asdict() | {"at": time(child.died.at)}
    if isinstance(cell, EdgeCell):
        found |= {"abandoned": cell.abandoned, "late": cell.refused_late}
    return found
