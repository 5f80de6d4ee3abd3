"""The daemon's API over its private socket."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from ..errors import ArgoError, DaemonError
from ..host.state import StateDir, state_dir

TIMEOUT_SECONDS = 10.0


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("argo", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Denied(ArgoError):
    """The daemon refused the request."""

    exit_code = 6


def find(account: str, state: Path | None) -> StateDir:
    """The state directory that a command is about."""
    return state_dir(account, state)


def get(state: StateDir, path: str) -> Any:
    """The JSON answer of the daemon. Raises DaemonError when it does not run."""
    return ask(state.socket, "GET", path, None)


def post(state: StateDir, path: str, body: dict[str, Any]) -> Any:
    """Ask the daemon to do something. Raises DaemonError or Denied."""
    return ask(state.socket, "POST", path, body)


def ask(
    socket: Path,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    seconds: float = TIMEOUT_SECONDS,
) -> Any:
    """The JSON answer from a socket. Raises DaemonError when nobody answers, Denied."""
    connection = _OverSocket(socket, seconds)
    try:
        headers = {"Content-Type": "application/json", "X-Argo": "cli", "Host": "argo"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
    except OSError as error:
        raise DaemonError(
            f"no daemon answers at {socket} ({error.strerror or error})",
            fix="start it with `argo run` or `argo demo`, or name its --state directory",
        ) from None
    finally:
        connection.close()
    answer = json.loads(text or b"null")
    if response.status >= 400:
        told = answer if isinstance(answer, dict) else {"detail": text.decode()}
        fix = str(told.get("fix") or "see `argo status`")
        raise Denied(f"the daemon refused: {told.get('detail', text.decode())}", fix=fix)
    return answer
