"""`argo promote`: the standby takes over now, from an active that is well as from one that hangs."""

import getpass
import signal
from typing import Any, NamedTuple

from ..errors import ArgoError, DaemonError
from ..host.lock import holder
from ..host.process import ProcessId, alive, send
from ..host.state import StateDir
from ..runtime.clock import machine_seconds, machine_sleep
from .client import ASKED, Asked, ask
from .output import line
from .reading import standbys

HEALTH_SECONDS = 2.0
API_SECONDS = 5.0
"""An ordered stop lets go of the API before its own time begins to count."""
KILL_SECONDS = 10.0
TAKE_OVER_SECONDS = 60.0


class Ended(NamedTuple):
    """What became of the process that was active."""

    active: ProcessId | None
    how: str


def promote(reason: str = "operator", *, asked: Asked = ASKED) -> int:
    """Let the standby take over: the active stops in order; one that hangs is killed.

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    """
    where = asked.directory
    waiting = standbys(where)
    if not waiting:
        raise DaemonError(
            f"no standby waits in {where.path}", fix="start one with `argo run --standby`"
        )
    active = holder(where.lock)
    request = {"who": getpass.getuser(), "why": reason, "active": _document(active)}
    for socket, _ in waiting:
        ask(socket, "POST", "/api/v1/promote", request)
    begun = machine_seconds()
    ended = _end(where, active, float(waiting[0][1]["shutdown_seconds"]))
    stopped = machine_seconds()
    successor = _successor(where, active)
    found = _awaited_ready(where)
    result = {
        "ended": None if ended.active is None else ended.active.pid,
        "how": ended.how,
        "active": successor.pid,
        "run": found["run"],
        "ready": found["ready"],
        "stream_up": found["stream_up"],
        "stop_seconds": round(stopped - begun, 2),
        "take_over_seconds": round(machine_seconds() - stopped, 2),
    }
    return asked.show(result, _tell)


def _tell(result: dict[str, Any]) -> None:
    before = "nobody was active" if result["ended"] is None else f"process {result['ended']}"
    line(f"{before}: {result['how']} ({result['stop_seconds']} s)")
    line(
        f"process {result['active']} took over as run {result['run']}: "
        f"{'READY' if result['ready'] else 'not ready yet'} after {result['take_over_seconds']} s"
    )
    if not result["stream_up"]:
        line("exits go by REST; entries wait until the trade stream is up")


def _end(state: StateDir, active: ProcessId | None, seconds: float) -> Ended:
    """End the active: in order when it answers, else at once. Never another process of its number."""
    if active is None or not alive(active):
        return Ended(None, "the account was free")
    how = "it did not answer and was killed"
    if _answers(state):
        send(active, signal.SIGTERM)
        if _gone(active, seconds + API_SECONDS):
            return Ended(active, "stopped in order")
        how = f"it had not stopped after {seconds + API_SECONDS:g} s and was killed"
    send(active, signal.SIGKILL)
    if not _gone(active, KILL_SECONDS):
        raise DaemonError(
            f"{active} does not end", fix="it waits for a disk or a debugger: look with `ps`"
        )
    return Ended(active, how)


def _answers(state: StateDir) -> bool:
    try:
        ask(state.socket, "GET", "/health", None, HEALTH_SECONDS)
    except ArgoError:
        return False
    return True


def _gone(process: ProcessId, seconds: float) -> bool:
    until = machine_seconds() + seconds
    while alive(process):
        if machine_seconds() >= until:
            return False
        machine_sleep(0.02)
    return True


def _successor(state: StateDir, before: ProcessId | None) -> ProcessId:
    until = machine_seconds() + TAKE_OVER_SECONDS
    while machine_seconds() < until:
        found = holder(state.lock)
        if found not in (None, before) and alive(found):
            return found
        machine_sleep(0.02)
    raise DaemonError("no standby has taken over", fix="see its log, or start `argo run`")


def _awaited_ready(state: StateDir) -> dict[str, Any]:
    """The successor's status, once it is READY or has had its time."""
    until = machine_seconds() + TAKE_OVER_SECONDS
    while True:
        late = machine_seconds() >= until
        try:
            found: dict[str, Any] = ask(state.socket, "GET", "/api/v1/status", None)
        except ArgoError:
            if late:
                raise
        else:
            if found["ready"] or late:
                return found
        machine_sleep(0.05)


def _document(process: ProcessId | None) -> dict[str, int] | None:
    return None if process is None else {"pid": process.pid, "started": process.started}
