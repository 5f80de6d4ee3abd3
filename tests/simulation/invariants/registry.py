"""The register of checks: each enters itself under the invariant it asks about."""

from bisect import insort
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

Moment = Literal["left", "record", "venue", "time", "end"]
Found = Iterator[str]


class Check(NamedTuple):
    """An invariant: its name, when it is asked, and how."""

    name: str
    moment: Moment
    ask: Callable[..., Found]

    @property
    def number(self) -> int:
        """Its number in the failure model: 12 of `I12 conservation`."""
        return int(self.name.partition(" ")[0].removeprefix("I"))


CHECKS: list[Check] = []
"""In the order of their numbers, whichever file is read first: so they are asked."""


def invariant(name: str, moment: Moment) -> Callable[[Any], Any]:
    """Enter a check under its name."""

    def enter(ask: Callable[..., Found]) -> Callable[..., Found]:
        insort(CHECKS, Check(name, moment, ask), key=lambda one: one.number)
        return ask

    return enter
