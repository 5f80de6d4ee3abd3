"""The line between what a stream has to tell and its listeners: where events are lost, late or mixed up."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from . import faults
from .damage import edited

SECOND = 1_000_000_000


class Event(NamedTuple):
    """Something that happened; unless it is `whole`, half a frame of its body is told."""

    name: str
    symbol: str
    at: int
    body: Any
    whole: bool = True


class End(NamedTuple):
    """The listeners' connections end, in the way of the fault."""

    how: faults.Close | faults.Cut | faults.Mute


class _Held:
    def __init__(self, event: Event, due: int, behind: int | None) -> None:
        self.event, self.due, self.behind = event, due, behind


class Line:
    """Takes events in, gives out what the listeners get. Time is the caller's."""

    def __init__(self, fault_of: Callable[[str, str, int], faults.EventFault | None]) -> None:
        self._fault_of = fault_of
        self._held: list[_Held] = []

    def passed(self, events: Iterable[Event], now: int) -> list[Event | End]:
        """What is told now: events held back till now, then the new ones as their faults leave them."""
        told: list[Event | End] = self._due(now)
        for event in events:
            fault = self._fault_of(event.name, event.symbol, now)
            match fault:
                case faults.Late(seconds=seconds):
                    self._held.append(_Held(event, event.at + int(seconds * SECOND), None))
                case faults.Reorder(behind=behind, seconds=seconds):
                    self._held.append(_Held(event, event.at + int(seconds * SECOND), behind))
                case faults.Lose():
                    pass
                case faults.Close() | faults.Cut() | faults.Mute():
                    told.append(End(fault))
                case faults.Duplicate(times=times):
                    told += [event] * (1 + times)
                    told += self._overtaken()
                case faults.Edit():
                    told.append(event._replace(body=edited(fault, event.body)))
                    told += self._overtaken()
                case faults.Broken():
                    told.append(event._replace(whole=False))
                    told += self._overtaken()
                case None:
                    told.append(event)
                    told += self._overtaken()
        return told + self._due(now)

    def _due(self, now: int) -> list[Event | End]:
        due = sorted((one for one in self._held if one.due <= now), key=lambda one: one.due)
        self._held = [one for one in self._held if one.due > now]
        return [one.event for one in due]

    def _overtaken(self) -> list[Event]:
        """Reordered events that enough others have passed by now."""
        for one in self._held:
            if one.behind is not None:
                one.behind -= 1
        found = [one.event for one in self._held if one.behind == 0]
        self._held = [one for one in self._held if one.behind != 0]
        return found
