"""The daemon's API over its private socket, and what every command about an account takes."""

import getpass
import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from cyclopts import Parameter

from ..errors import ArgoError, DaemonError, UsageError
from ..host.state import StateDir, state_dir
from .output import emit_json

TIMEOUT_SECONDS = 10.0
Found = TypeVar("Found")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Account:
    """Which account a command is about."""

    account: str = "paper"
    """Name of the account."""
    state: Path | None = None
    """The account's state directory, when it is not the usual one."""

    @property
    def directory(self) -> StateDir:
        """Where its state lives."""
        return state_dir(self.account, self.state)

    @property
    def journal(self) -> Path:
        """Where its journal lies. Raises UsageError while nothing has been recorded there."""
        from ..journal.reader import day_files

        found = self.directory.journal
        if not day_files(found):
            raise UsageError(f"no journal in {found}", fix="name the account's --state directory")
        return found

    def get(self, path: str) -> Any:
        """The JSON answer of the daemon. Raises DaemonError when it does not run."""
        return ask(self.directory.socket, "GET", path, None)

    def post(self, path: str, **body: Any) -> Any:
        """Ask the daemon to do something, in your name. Raises DaemonError or Refused."""
        return ask(self.directory.socket, "POST", path, body | {"who": getpass.getuser()})


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Asked(Account):
    """Which account, and for whom the answer is."""

    json: bool = False
    """Answer as JSON."""

    def show(self, found: Found, tell: Callable[[Found], object]) -> int:
        """The answer as JSON, or told to people. Returns the exit code of success."""
        if self.json:
            emit_json(found)
        else:
            tell(found)
        return 0


ASKED = Asked()


class Refused(ArgoError):
    """The daemon did not do as it was asked."""

    exit_code = 6


class Answer(dict[str, Any]):
    """An object in the daemon's answer."""

    def __missing__(self, key: str) -> NoReturn:
        raise DaemonError(
            f"the daemon's answer has no {key!r}: it runs another version than this command",
            fix="use the `argo` that it was started with, or --json",
        )


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("argo", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(
    socket: Path,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    seconds: float = TIMEOUT_SECONDS,
) -> Any:
    """The JSON answer from a socket. Raises DaemonError when nobody answers, or Refused."""
    connection = _OverSocket(socket, seconds)
    try:
        headers = {"Content-Type": "application/json", "X-Argo": "cli", "Host": "argo"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        answer = json.loads(text or b"null", object_hook=Answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        what = getattr(error, "strerror", None) or error
        raise DaemonError(
            f"no daemon answers at {socket} ({what})",
            fix="start it with `argo run` or `argo demo`, or name its --state directory",
        ) from None
    finally:
        connection.close()
    if response.status >= 400:
        told = answer if isinstance(answer, dict) else {"detail": str(answer)}
        raise Refused(str(told.get("detail")), fix=str(told.get("fix") or "see `argo status`"))
    return answer
