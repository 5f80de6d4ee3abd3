"""An account's directory, and the locks that keep a second daemon away from the account."""

import fcntl
import os
import re
from pathlib import Path
from typing import IO

from ..errors import DaemonError


class StateDir:
    """Everything of one account, in one 0700 directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "journal"
        self.socket = path / "argo.sock"
        self.token = path / "token"
        self.log = path / "log" / "argo.log"

    def create(self) -> None:
        """Make it, closed to others. Raises DaemonError when that is impossible."""
        try:
            for directory in (self.path, self.journal, self.log.parent):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise DaemonError(
                f"cannot write to {self.path}: {error.strerror}",
                fix="name another --state directory",
            ) from None


def state_dir(account: str, given: Path | None = None) -> StateDir:
    """`--state`, else `$ARGO_STATE`, else `$XDG_STATE_HOME/argo/<account>`."""
    if given is not None:
        return StateDir(given)
    if os.environ.get("ARGO_STATE"):
        return StateDir(Path(os.environ["ARGO_STATE"]))
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return StateDir(home / "argo" / account)


def locks_dir() -> Path:
    """One fixed directory on this host, shared by all states: the account is what is locked."""
    return Path(os.environ.get("ARGO_LOCKS") or f"/tmp/argo-locks-{os.getuid()}")  # noqa: S108


class Lock:
    """A flock, held until the process ends (children are spawned, never forked, so none inherits it)."""

    def __init__(self, path: Path, what: str) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file: IO[str] = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise DaemonError(
                f"{what} is held by {holder}",
                fix="stop that daemon first (one daemon per account), or look with `argo status`",
            ) from None
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()}")
        self._file.flush()

    def release(self) -> None:
        """Let it go."""
        self._file.close()


def lock_state(state: StateDir) -> Lock:
    """One daemon per state directory. Raises DaemonError."""
    return Lock(state.path / "lock", f"the state in {state.path}")


def lock_account(account_number: str) -> Lock:
    """One daemon per brokerage account on this host. Raises DaemonError."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", account_number)
    return Lock(locks_dir() / f"{name}.lock", f"account {account_number}")
