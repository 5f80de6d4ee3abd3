"""What is shown of the sources: state, waits, plan, spending, what they came to."""

from typing import Any

from ..bootstrap import Daemon
from ..config import families
from ..consensus.decider import ConsensusState
from ..consensus.pooling import FAMILIES
from ..runtime.edge import EdgeCell
from ..source.actor import SourceEdge
from ..tracker.state import TrackerState
from ..units import SECOND
from .text import time

Document = dict[str, Any]


def sources(daemon: Daemon) -> list[Document]:
    """Every source of the configuration, the unused ones too, in the order in which members vote."""
    names = [name for name in families(daemon.config) if name in daemon.config.sources]
    return [source(daemon, name) for name in names]


def source(daemon: Daemon, name: str) -> Document:
    """One source: its settings, how it is, and its counts since the process began."""
    settings = daemon.config.sources[name]
    return {
        "name": name,
        "family": families(daemon.config)[name],
        "asks": settings.base_url or "the vendor",
        "calls_per_minute": settings.calls_per_minute,
        "calls_per_day": settings.calls_per_day,
        "daily_budget_usd": settings.daily_budget_usd,
        **state(daemon, name),
        **_about(daemon, name),
    }


def state(daemon: Daemon, name: str) -> Document:
    """Running, backoff, disabled, failed, or unused where the configuration leaves it out."""
    address = f"source/{name}"
    child = daemon.engine.supervisor.children.get(address)
    told = dict(_books(daemon).sources).get(name)
    found: Document = {
        "state": "unused" if child is None else "running",
        "configured": child is not None and (told is None or told.configured),
        "reason": "" if child is not None else "sources.NAME.enabled is false",
        "remedy": "",
        "restarts": 0 if child is None else child.tally.total,
        "retry_in_seconds": None,
    }
    if told is not None and child is not None:
        found |= {"state": told.state, "reason": told.reason, "remedy": told.remedy}
    if child is not None and child.state != "running":
        # A source that has crashed cannot tell it itself.
        found |= {"state": child.state, "reason": child.reason, "remedy": child.remedy}
        if child.retry_at is not None:
            left = child.retry_at - daemon.engine.alarm.seconds()
            found["retry_in_seconds"] = max(0, round(left))
    return found


def configured_families(daemon: Daemon) -> Document:
    """Which families count in participation, and which do not (decisions §2)."""
    known = daemon.engine.deciders["consensus"].state
    names = dict(known.configured) if isinstance(known, ConsensusState) else {}
    of = families(daemon.config)
    there = {
        of[name]
        for name, one in daemon.config.sources.items()
        if one.enabled and names.get(name, True)
    }
    return {
        "configured": len(there),
        "all": len(FAMILIES),
        "missing": [one for one in FAMILIES if one not in there],
    }


def _about(daemon: Daemon, name: str) -> Document:
    now = daemon.clock.now()
    counts = daemon.roster.counts(name, now)
    cell = daemon.engine.inspect(f"source/{name}")
    behaviour = cell.behaviour if isinstance(cell, EdgeCell) else None
    plans: Document = {
        "spent_usd": None,
        "breaker_open": False,
        "waits_until": None,
        "next_call": None,
    }
    if isinstance(behaviour, SourceEdge):
        plans = behaviour.plans()
    found = counts | plans
    for one in ("answered_at", "waits_until", "next_call"):
        found[one] = time(found[one]) if found[one] else None
    at = counts["answered_at"]
    return found | {"answer_age_seconds": round((now - at) / SECOND, 1) if at else None}


def _books(daemon: Daemon) -> TrackerState:
    state = daemon.engine.deciders["tracker"].state
    assert isinstance(state, TrackerState)
    return state
