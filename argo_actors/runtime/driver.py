"""Where cells run, calls are made and alarms ring: threads here, one thread and virtual time in `virtual`."""

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ..journal.codec import Opening
from ..journal.writer import Journal
from .alarm import Alarm, ThreadAlarm
from .cell import DeciderCell, ThreadedDeciderCell
from .clock import machine_seconds, machine_sleep
from .core import Core
from .edge import EdgeCell
from .workers import ThreadWorkers, Workers

WATCH_SECONDS = 0.5
POLL_SECONDS = 0.005


class Driver(Protocol):
    """What an engine runs on."""

    alarm: Alarm
    decider_kind: type[DeciderCell]
    edge_kind: type[EdgeCell]

    def journal(self, path: Path, begin: Opening, **settings: Any) -> Journal:
        """The journal's writer, with whatever lets it commit."""
        ...

    def attach(self, cell: Any) -> None:
        """Serve the mailbox of a decider's or an edge's cell."""
        ...

    def workers(self, count: int, name: str) -> Workers:
        """So many calls of one edge at a time."""
        ...

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Let work go on until the condition holds; False when it does not after so many seconds."""
        ...

    def start(self, watch: Callable[[], None]) -> None:
        """Begin to serve deciders, and call `watch` every half second."""
        ...

    def stop(self, seconds: float = 5.0) -> None:
        """Serve what is ready, for so long at the most, then end."""
        ...

    def stuck_seconds(self) -> float:
        """How long the running step of a decider has taken."""
        ...

    def chance(self) -> float:
        """In [0, 1): spreads restarts."""
        ...

    def apart(self, call: Callable[[], None]) -> None:
        """Make a call that may block, away from the cells."""
        ...

    def end_process(self) -> None:
        """After a grace, whatever still runs."""
        ...


class ThreadDriver:
    """Live: deciders on the core thread, or each on its own; edges and alarms on theirs."""

    def __init__(self, *, threads: bool, stuck_seconds: float) -> None:
        self.alarm = ThreadAlarm()
        self.core = Core()
        self.decider_kind: type[DeciderCell] = ThreadedDeciderCell if threads else DeciderCell
        self.edge_kind = EdgeCell
        self._threads = threads
        self._grace = stuck_seconds
        self._stopping = threading.Event()

    def journal(self, path: Path, begin: Opening, **settings: Any) -> Journal:
        return Journal(path, begin, **settings)

    def attach(self, cell: Any) -> None:
        """Edges and threaded deciders have begun on their own threads already."""
        if type(cell) is DeciderCell:
            self.core.attach(cell)

    def workers(self, count: int, name: str) -> Workers:
        return ThreadWorkers(count, name)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = machine_seconds() + seconds
        while not condition():
            if machine_seconds() >= end:
                return False
            machine_sleep(POLL_SECONDS)
        return True

    def start(self, watch: Callable[[], None]) -> None:
        if not self._threads:
            self.core.start()

        def watchdog() -> None:
            while not self._stopping.wait(WATCH_SECONDS):
                watch()

        threading.Thread(target=watchdog, name="watchdog", daemon=True).start()

    def stop(self, seconds: float = 5.0) -> None:
        self._stopping.set()
        if not self._threads:
            self.core.stop(seconds)
        self.alarm.close()

    def stuck_seconds(self) -> float:
        return self.core.stuck_seconds()

    def chance(self) -> float:
        return random.random()  # noqa: S311 (spreads restarts, no secret)

    def apart(self, call: Callable[[], None]) -> None:
        threading.Thread(target=call, daemon=True).start()

    def end_process(self) -> None:
        self._stopping.wait(self._grace)
        os._exit(1)
