"""The table of a symbol's phases: from which to which it may go.

The phase follows from orders and position and is not stored (`state.phase`), so this table does not
move it: it is held against every step. A step that it lacks is kept, flagged and reconciled, not raised.
"""

from ..messages.order import Phase

ALL: frozenset[Phase] = frozenset(
    {"flat", "entering", "partly", "unprotected", "protected", "exiting", "recovering", "frozen"}
)
HELD: frozenset[Phase] = ALL - {"entering"}
"""What is held is closed, and told as closed, before anything is entered again."""
NEXT: dict[Phase, frozenset[Phase]] = {
    "flat": ALL,  # late fills, tombstones that rise and adopted positions begin here too
    "entering": ALL,
    "partly": HELD,
    "unprotected": HELD,
    "protected": HELD,
    "exiting": HELD,
    "recovering": ALL,  # evidence may be of anything
    "frozen": ALL,
}


def is_odd(before: Phase, after: Phase) -> bool:
    """No rule leads from the one to the other."""
    return after != before and after not in NEXT[before]
