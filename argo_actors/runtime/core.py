"""The live dispatcher of all deciders: one thread, many mailboxes, first come first served."""

import threading
from queue import SimpleQueue

from .cell import DeciderCell
from .clock import machine_seconds
from .mailbox import Mailbox


class Core:
    """Deciders do no I/O, so one thread serves them all; each keeps its mailbox, guard and policy."""

    def __init__(self) -> None:
        self._ready: SimpleQueue[Mailbox | None] = SimpleQueue()
        self._cells: dict[str, DeciderCell] = {}
        self._since: float | None = None
        self._thread = threading.Thread(target=self._run, name="core", daemon=True)

    def attach(self, cell: DeciderCell) -> None:
        """Serve this cell's mailbox from now on."""
        self._cells[cell.address] = cell
        cell.mailbox.bell = self._ready.put
        for _ in range(len(cell.mailbox)):
            self._ready.put(cell.mailbox)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Serve what is ready, then end."""
        self._ready.put(None)
        self._thread.join(5)

    def stuck_seconds(self) -> float:
        """Machine seconds that the running step has taken; 0 between steps."""
        since = self._since
        return 0.0 if since is None else machine_seconds() - since

    def _run(self) -> None:
        while (mailbox := self._ready.get()) is not None:
            item = mailbox.take()
            if item is not None:
                self._since = machine_seconds()
                self._cells[mailbox.address].process(item)
                self._since = None
