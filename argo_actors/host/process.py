"""Which process it is: its id and when it began, because ids are given again."""

import os
import signal
from pathlib import Path

import msgspec

from ..errors import DaemonError


class ProcessId(msgspec.Struct, frozen=True):
    """One process, and no other one that gets its number later."""

    pid: int
    started: int
    """Clock ticks since the host's boot."""

    def __str__(self) -> str:
        return f"process {self.pid}"


def this_process() -> ProcessId:
    """The running process."""
    return ProcessId(os.getpid(), _started(os.getpid()) or 0)


def alive(process: ProcessId) -> bool:
    """Whether it still runs (one that has ended and is not yet taken in by its parent does not)."""
    return _started(process.pid) == process.started


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Send a signal to this process and no other. False when it has ended. Raises DaemonError."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(process):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise DaemonError(
            f"{process} belongs to another user", fix="run it as the user who runs that daemon"
        ) from None
    finally:
        os.close(handle)
    return True


def _started(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])
