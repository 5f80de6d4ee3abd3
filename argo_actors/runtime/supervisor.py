"""The actor that does what restart.py says, and tells it: crashes, restarts, parkings are words."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..messages import WordId
from ..messages.system import Crashed, Parked, Restarted
from .cell import DeciderCell, where
from .edge import EdgeCell, Port
from .mailbox import Word
from .office import Office
from .restart import GivingUp, Tally, failed, group_of, to_restart
from .spec import ChildSpec, GroupSpec, Policy

Escalate = Callable[[str], None]
ADDRESS = "supervisor"


class ChildState(NamedTuple):
    """How a child is, for `argo inspect`."""

    state: str = "running"
    tally: Tally = Tally()
    reason: str = ""
    remedy: str = ""


class Supervisor:
    """Children, their groups and their tallies; one behaviour on its own edge cell."""

    def __init__(
        self,
        port: Port,
        office: Office,
        groups: tuple[GroupSpec, ...],
        escalate: Escalate,
        redact: Callable[[str], str],
        chance: Callable[[], float],
    ) -> None:
        self._port = port
        self._office = office
        self._escalate = escalate
        self._redact = redact
        self._chance = chance
        self.groups = groups
        self.children: dict[str, ChildState] = {
            child.address: ChildState() for group in groups for child in group.children
        }

    def start(self) -> None:
        """Children are started by the composition root, left to right."""

    def stop(self) -> None:
        """Nothing is open."""

    def hear(self, word: Word) -> None:
        """It hears no words; crashes come as notices."""

    def child_crashed(self, address: str, error: BaseException, heard: WordId | None) -> None:
        """A behaviour died on a word."""
        group = group_of(self.groups, address)
        text = self._redact(f"{type(error).__name__}: {error}")[:300]
        if group is None:
            self._escalate(f"{address} crashed and is nobody's child: {text}")
            return
        child = self.children[address]
        policy, now = self._policy(group, address), self._port.seconds()
        answer = failed(child.tally, policy, now, self._chance())
        delay = 0.0 if isinstance(answer, GivingUp) else answer.delay_seconds
        self.children[address] = ChildState("backoff", answer.tally, text)
        self._port.say(
            Crashed(
                address=address,
                error=text,
                where=where(error),
                heard=heard,
                restarts=answer.tally.total,
                delay_ms=int(delay * 1000),
            )
        )
        if isinstance(answer, GivingUp):
            self._give_up(group, address, text)
            return
        members = to_restart(group.strategy, tuple(one.address for one in group.children), address)
        for member in reversed(members):
            self._office.hold(member)
        self._port.after(delay, lambda: self._start(members))

    def park(self, address: str, state: str, reason: str, remedy: str) -> None:
        """A child asks to be parked: its failure is permanent until somebody acts."""
        group = group_of(self.groups, address)
        child = self.children.get(address)
        if group is None or child is None or child.state == state:
            return
        reason = self._redact(reason)[:300]
        self.children[address] = ChildState(state, child.tally, reason, remedy)
        self._port.say(
            Parked(
                address=address,
                state="disabled" if state == "disabled" else "failed",
                reason=reason,
                remedy=remedy,
            )
        )
        self._probe_later(group, address)

    def running(self, address: str) -> None:
        """A child works again (a parked one whose probe succeeded)."""
        child = self.children[address]
        if child.state != "running":
            self.children[address] = ChildState("running", child.tally)
            self._port.say(Restarted(address=address, restarts=child.tally.total))

    def _give_up(self, group: GroupSpec, address: str, text: str) -> None:
        if group.escalates:
            self._escalate(f"{address} failed too often: {text}")
            return
        cell: Any = self._office.cells[address]
        if isinstance(cell, EdgeCell):
            cell.sleep()
        self.park(address, "failed", f"it failed too often: {text}", "argo inspect " + address)

    def _probe_later(self, group: GroupSpec, address: str) -> None:
        seconds = self._policy(group, address).probe_seconds
        self._port.after(seconds, lambda: self._start((address,)))

    def _start(self, members: tuple[str, ...]) -> None:
        for address in members:
            child = self.children[address]
            cell: Any = self._office.cells[address]
            if isinstance(cell, EdgeCell):
                cell.revive()
            elif isinstance(cell, DeciderCell):
                self._office.release(address)
            self.children[address] = ChildState("running", child.tally)
            self._port.say(Restarted(address=address, restarts=child.tally.total))

    def _policy(self, group: GroupSpec, address: str) -> Policy:
        children: dict[str, ChildSpec] = {child.address: child for child in group.children}
        return children[address].policy
