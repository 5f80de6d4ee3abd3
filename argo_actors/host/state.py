"""An account's directory."""

import os
from pathlib import Path

from ..errors import DaemonError


class StateDir:
    """Everything of one account, in one 0700 directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "journal"
        self.lock = path / "lock"
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
