"""`argo run --standby`: a warm process that waits for the account, and knows what its holder knows."""

import os
import threading
from typing import Any

from ..api.server import Server
from ..api.standby import PromoteRequest, application
from ..api.text import time
from ..bootstrap import Taken, deciders
from ..clock.hours import Hours
from ..config import Config
from ..errors import HeldError
from ..host.lock import Lock, holder, lock_state
from ..host.process import ProcessId, this_process
from ..host.state import StateDir
from ..replay.shadow import Shadow
from ..runtime.clock import utc_now

POLL_SECONDS = 0.1


class Standby:
    """Follows the active of one state directory; it opens no stream and sends nothing."""

    def __init__(self, config: Config, state: StateDir, port: int | None = None) -> None:
        self.config = config
        self.state = state
        self.shadow = Shadow(state.journal, deciders)
        self.active: ProcessId | None = None
        self._asked: PromoteRequest | None = None
        self._socket = state.path / f"standby-{os.getpid()}.sock"
        wanted = config.api.port if port is None else port
        app = application(self.status, self._promoted)
        self.server = Server(app, self._socket, state.token, wanted, next_free=True)

    def wait(self, ended: threading.Event) -> Taken | None:
        """Follow until the account is free and ours, or until `ended` (None)."""
        warm()
        self.server.start()
        try:
            while not ended.is_set():
                lock = self._try()
                if lock is not None:
                    return self._taken(lock)
                self.shadow.poll()
                ended.wait(POLL_SECONDS)
            return None
        finally:
            self.server.stop()

    def _try(self) -> Lock | None:
        """The kernel gives a lock to one of those who ask."""
        try:
            return lock_state(self.state)
        except HeldError:
            self.active = holder(self.state.lock) or self.active
            return None

    def _taken(self, lock: Lock) -> Taken:
        asked = self._asked
        if asked is None or asked.active not in (None, self.active):
            return Taken(lock)
        return Taken(lock, asked.who, asked.why)

    def _promoted(self, request: PromoteRequest) -> None:
        self._asked = request

    def status(self) -> dict[str, Any]:
        """What `argo status --standby` shows."""
        shadow, active = self.shadow, self.active
        return {
            "account": self.config.account,
            "mode": "standby",
            "ready": False,
            "pid": this_process().pid,
            "port": self.server.port,
            "active": None if active is None else active.pid,
            "behind": shadow.behind(),
            "seq": shadow.seq,
            "time": time(shadow.at) if shadow.at else None,
            "records": shadow.records,
            "decisions": shadow.decisions,
            "differences": shadow.differences,
            "first": [one._asdict() for one in shadow.first],
            "trouble": shadow.trouble,
            "shutdown_seconds": self.config.clock.shutdown_seconds,
        }


def warm() -> None:
    """Load what a daemon needs, so that a take-over does not have to."""
    import talib  # noqa: F401

    from ..api import app  # noqa: F401

    Hours(utc_now())
