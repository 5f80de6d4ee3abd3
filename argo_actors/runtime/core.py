"""The live dispatcher of all deciders: one thread, many mailboxes, first come first served."""

import threading
from queue import SimpleQueue

from .cell import DeciderCell
from .clock import machine_seconds
from .mailbox import Mailbox

MOST_UNSEEN = 1.0
"""So many seconds between two looks at a step count; the watchdog looks twice a second."""


class Core:
    """Deciders do no I/O, so one thread serves them all; each keeps its mailbox, guard and policy."""

    def __init__(self) -> None:
        self._ready: SimpleQueue[Mailbox | None] = SimpleQueue()
        self._turns = 0
        self._watched = 0
        self._looked_at = 0.0
        self._stuck = 0.0
        self._thread = threading.Thread(target=self._run, name="core", daemon=True)

    def attach(self, cell: DeciderCell) -> None:
        """Serve this cell's mailbox from now on."""
        cell.mailbox.serve = cell.process
        cell.mailbox.bell = self._ready.put
        for _ in range(len(cell.mailbox)):
            self._ready.put(cell.mailbox)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Serve what is ready, for so long at the most, then end."""
        self._ready.put(None)
        self._thread.join(seconds)

    def stuck_seconds(self) -> float:
        """Machine seconds for which whoever asks has seen one and the same step run; 0 between steps.

        A pause of the whole process (a stopped machine, no turn on the processor) is none of the step's.
        """
        turns, now = self._turns, machine_seconds()
        since, self._looked_at = now - self._looked_at, now
        self._stuck = self._stuck + min(since, MOST_UNSEEN) if turns == self._watched else 0.0
        self._watched = turns
        return self._stuck if turns % 2 else 0.0

    def _run(self) -> None:
        next_ready = self._ready.get
        while (mailbox := next_ready()) is not None:
            item = mailbox.take()
            if item is not None:
                # Odd while a step runs: cheaper than a reading of the clock at each.
                self._turns += 1
                mailbox.serve(item)
                self._turns += 1
