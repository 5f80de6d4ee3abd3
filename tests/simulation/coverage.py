"""Which fault has met which state: the pairs that must come, and those that cannot."""

from collections import Counter

from .scenario import (
    CONNECT_FAULTS,
    EVENT_FAULTS,
    MODES,
    QUOTE_FAULTS,
    REQUEST_FAULTS,
    WORLD_FAULTS,
)

LEGS = ("entry", "stop", "oco", "exit")


def kinds() -> tuple[str, ...]:
    """Every fault there is."""
    return (*REQUEST_FAULTS, *EVENT_FAULTS, *CONNECT_FAULTS, *QUOTE_FAULTS, *WORLD_FAULTS, *MODES)


def missing(coverage: Counter[str]) -> list[str]:
    """Faults that no run has met."""
    met = {key.partition(" ")[0] for key in coverage}
    return [one for one in kinds() if one not in met]
