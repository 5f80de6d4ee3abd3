"""The locks that keep a second daemon away: flocks, held until the process ends.

The kernel lets go of them whatever becomes of the process. Files are opened with close-on-exec, and children
are spawned, never forked, so that none inherits a lock.
"""

import fcntl
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from ..errors import DaemonError, HeldError
from .process import ProcessId, this_process
from .state import StateDir

LOCKS = Path("/run/lock/argo" if Path("/run/lock").is_dir() else "/tmp/argo-locks")  # noqa: S108
"""One directory on this host for all users and states: the account is what is locked."""
OURS, EVERYBODYS = 0o600, 0o666
ONE = "stop that daemon first (one daemon per account), or look with `argo status`"


class Lock:
    """A lock, or HeldError."""

    def __init__(self, path: Path, what: str, mode: int = OURS) -> None:
        self.path = path
        self._file = _locked(path, what, mode)
        text = msgspec.json.encode(this_process())
        os.pwrite(self._file, text, 0)
        os.ftruncate(self._file, len(text))

    def superseded(self) -> bool:
        """Its file was taken away, and another process has made a new one."""
        try:
            return not _same(self._file, self.path)
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let it go, and take its file away while it is still ours."""
        if self._file < 0:
            return
        with suppress(OSError):
            if _same(self._file, self.path):
                self.path.unlink()
        os.close(self._file)
        self._file = -1


def holder(path: Path) -> ProcessId | None:
    """Who wrote itself into a lock's file; whether it still lives is not looked at."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ProcessId)
    except (OSError, msgspec.DecodeError):
        return None


def lock_state(state: StateDir) -> Lock:
    """One daemon per state directory. Raises HeldError, DaemonError."""
    return Lock(state.lock, f"the state in {state.path}")


def lock_account(account_number: str) -> Lock:
    """One daemon per brokerage account on this host. Raises HeldError, DaemonError."""
    _make_shared(LOCKS)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", account_number)
    return Lock(LOCKS / f"{name}.lock", f"account {account_number}", EVERYBODYS)


def _locked(path: Path, what: str, mode: int) -> int:
    """The locked file. One that was taken away while we waited for it locks nothing: once more."""
    while True:
        file = _opened(path, mode)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same(file, path):
                return file
        except FileNotFoundError:
            pass
        except OSError:
            os.close(file)
            who = holder(path) or "another process"
            raise HeldError(f"{what} is held by {who}", fix=ONE) from None
        os.close(file)


def _opened(path: Path, mode: int) -> int:
    """Without O_CREAT first: the kernel refuses that for another user's file in a shared directory."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _unusable(path, error) from None
        try:
            file = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unusable(path, error) from None
        os.fchmod(file, mode)
        return file


def _same(file: int, path: Path) -> bool:
    mine, there = os.fstat(file), path.lstat()
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _make_shared(directory: Path) -> None:
    """Everybody may make a lock there, and nobody may take away another's."""
    try:
        directory.mkdir()
        directory.chmod(0o1777)
    except FileExistsError:
        if not stat.S_ISDIR(directory.lstat().st_mode):
            raise DaemonError(f"{directory} is no directory", fix=f"remove {directory}") from None
    except OSError as error:
        raise _unusable(directory, error) from None


def _unusable(path: Path, error: OSError) -> DaemonError:
    return DaemonError(
        f"cannot lock {path}: {error.strerror}",
        fix=f"let this user write there (under systemd: ReadWritePaths={path.parent})",
    )
