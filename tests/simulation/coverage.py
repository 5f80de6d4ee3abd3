"""Which fault has met which state: the pairs that must come over a range of seeds, and those that cannot."""

from collections import Counter

from .scenario import (
    CONNECT_FAULTS,
    EVENT_FAULTS,
    MODES,
    QUOTE_FAULTS,
    REQUEST_FAULTS,
    WORLD_FAULTS,
)

POSTS = ("entry", "exit", "stop")
CANCELS = ("held", "new")
EVENTS = ("new", "fill", "canceled")
READS = ("flat", "protected")
INAPPLICABLE = {
    "cancel_504_applied new": "a target is cancelled by its stop's leg more often than itself",
    "cancel_lost_applied new": "the same",
    "cancel_429 new": "the same",
    "cancel_hang new": "the same",
    "get_nan flat": "only the account's figures are numbers that can be read while flat",
    "orders_unknown_status flat": "while flat there is no order whose status could be unknown",
    "positions_stale flat": "a stale answer of no position is a true one",
    "post_hang stop": "three calls that hang end the edge before a stop hangs too",
    "post_arrives_late stop": "an entry that arrives late has its stop later than the run's faults",
}
"""Pairs that need not come, and why."""


def kinds() -> tuple[str, ...]:
    """Every fault there is."""
    return (
        *REQUEST_FAULTS,
        *EVENT_FAULTS,
        *CONNECT_FAULTS,
        *QUOTE_FAULTS,
        *WORLD_FAULTS,
        *MODES,
    )


def pairs() -> list[str]:
    """Each fault with each state that it applies to."""
    found = []
    for name in REQUEST_FAULTS:
        states = (
            POSTS if name.startswith("post_") else CANCELS if name.startswith("cancel_") else READS
        )
        found += [f"{name} {state}" for state in states]
    found += [f"{name} {state}" for name in EVENT_FAULTS for state in EVENTS]
    found += [f"kill {state}" for state in ("flat", "protected", "naked")]
    return [one for one in found if one not in INAPPLICABLE]


def missing(coverage: Counter[str]) -> list[str]:
    """Faults that no run has met, and pairs that never came together."""
    met = {key.partition(" ")[0] for key in coverage}
    return [
        *(one for one in kinds() if one not in met),
        *(one for one in pairs() if not coverage[one]),
    ]
