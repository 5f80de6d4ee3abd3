"""The actor that does what restart.py says, and tells it: crashes, restarts, parkings are words."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..messages import WordId
from ..messages.system import Crashed, Parked, Restarted
from ..units import UtcNanos
from .cell import DeciderCell, where
from .edge import EdgeCell, Port, Stuck
from .mailbox import Word
from .office import Office
from .restart import GivingUp, Tally, failed, group_of, to_restart
from .spec import ChildSpec, GroupSpec, Policy

Escalate = Callable[[str], None]
ADDRESS = "supervisor"


class Died(NamedTuple):
    """A child's newest crash."""

    at: UtcNanos
    error: str
    where: str


class ChildState(NamedTuple):
    """How a child is and what has become of it, for `argo inspect`."""

    state: str = "running"
    tally: Tally = Tally()
    reason: str = ""
    remedy: str = ""
    retry_at: float | None = None
    """When it is started again (machine seconds); None where nothing but a person does it."""
    died: Died | None = None
    parkings: int = 0
    parked_at: UtcNanos = 0


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
        self.given_up: set[str] = set()
        """Children whose failure ends the engine: they hear nothing any more."""
        self._starts: Counter[str] = Counter()
        self._down: set[str] = set()
        """Not up yet after a restart: whoever is restarted with them waits with its mail."""
        self._waiting: set[str] = set()

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
        died = Died(self._port.now(), text, where(error))
        self.children[address] = child._replace(
            state="backoff",
            tally=answer.tally,
            reason=text,
            remedy="",
            retry_at=now + delay,
            died=died,
        )
        self._port.say(
            Crashed(
                address=address,
                error=text,
                where=died.where,
                heard=heard,
                restarts=answer.tally.total,
                delay_ms=int(delay * 1000),
            )
        )
        if isinstance(answer, GivingUp):
            self._give_up(group, address, f"it failed too often: {text}")
            return
        if isinstance(error, Stuck) and not group.escalates:
            # A new behaviour cannot free threads: where the engine can do without, nothing more is asked.
            self._give_up(group, address, text)
            return
        members = to_restart(group.strategy, tuple(one.address for one in group.children), address)
        for member in reversed(members):
            self._office.hold(member)
        self._down.update(members)
        self._port.after(delay, lambda: self._start(members))

    def park(
        self, address: str, state: str, reason: str, remedy: str, *, probe: bool = True
    ) -> None:
        """A child asks to be parked until somebody acts or, with `probe`, it is tried again slowly."""
        group = group_of(self.groups, address)
        child = self.children.get(address)
        if group is None or child is None or child.state == state:
            return
        reason = self._redact(reason)[:300]
        seconds = self._policy(group, address).probe_seconds if probe else None
        retry_at = None if seconds is None else self._port.seconds() + seconds
        self.children[address] = child._replace(
            state=state,
            reason=reason,
            remedy=remedy,
            retry_at=retry_at,
            parkings=child.parkings + 1,
            parked_at=self._port.now(),
        )
        self._port.say(
            Parked(
                address=address,
                state="disabled" if state == "disabled" else "failed",
                reason=reason,
                remedy=remedy,
            )
        )
        if seconds is not None:
            self._probe_after(seconds, address)

    def restart(self, address: str) -> None:
        """A person wants a new behaviour now, in whatever state the child is."""
        self._start((address,))

    def _give_up(self, group: GroupSpec, address: str, reason: str) -> None:
        if group.escalates:
            self.given_up.add(address)
            self._escalate(f"{address}: {reason}")
            return
        cell: Any = self._office.cells[address]
        if isinstance(cell, EdgeCell):
            cell.sleep()
        kind, _, name = address.partition("/")
        # Only a group that does not escalate comes here, and its children are asked for by kind.
        remedy = f"report the error; `argo {kind} probe {name}` starts it at once"
        self.park(address, "failed", reason, remedy)

    def _probe_after(self, seconds: float, address: str) -> None:
        """Unless it was started in the meantime."""
        starts = self._starts[address]

        def probe() -> None:
            if self._starts[address] == starts:
                self._start((address,))

        self._port.after(seconds, probe)

    def _start(self, members: tuple[str, ...]) -> None:
        self._down.update(members)
        self._waiting.update(members)
        for address in members:
            self._starts[address] += 1
            cell: Any = self._office.cells[address]
            if isinstance(cell, EdgeCell):
                cell.revive(partial(self._port.soon, partial(self._up, address)))
            elif isinstance(cell, DeciderCell):
                self._up(address)

    def _up(self, address: str) -> None:
        """It has begun; mail is handed out once all that were restarted with it have."""
        self._down.discard(address)
        group = group_of(self.groups, address)
        assert group is not None
        alone = group.strategy == "one_for_one"
        together = (address,) if alone else tuple(one.address for one in group.children)
        if self._down.intersection(together):
            return
        for one in together:
            if one in self._waiting:
                self._waiting.discard(one)
                child = self.children[one]
                self.children[one] = child._replace(
                    state="running", reason="", remedy="", retry_at=None
                )
                self._office.release(one)
                self._port.say(Restarted(address=one, restarts=child.tally.total))

    def _policy(self, group: GroupSpec, address: str) -> Policy:
        children: dict[str, ChildSpec] = {child.address: child for child in group.children}
        return children[address].policy
