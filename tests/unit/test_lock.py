"""One daemon per account and host: who holds a lock, for how long, and who is ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from argo_actors.errors import DaemonError, HeldError
from argo_actors.host import lock as locks
from argo_actors.host.lock import Lock, holder, lock_account, lock_state
from argo_actors.host.process import ProcessId, alive, send, this_process
from argo_actors.host.state import StateDir

HOLD = """
import subprocess, sys, time
from pathlib import Path
from argo_actors.host.lock import Lock
lock = Lock(Path(sys.argv[1]), "it")
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds a lock and has a child."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    yield process, child
    process.kill()
    process.wait(10)
    process.stdout.close()
    os.kill(child, signal.SIGKILL)


def test_a_second_one_is_refused_with_its_holder_and_a_way_out(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    first = lock_state(state)
    with pytest.raises(HeldError, match=f"process {os.getpid()}") as caught:
        lock_state(state)
    assert caught.value.fix
    assert holder(state.lock) == this_process()
    assert state.lock.stat().st_mode & 0o777 == 0o600
    first.release()
    assert holder(state.lock) is None
    lock_state(state).release()


def test_a_lock_ends_with_its_process_though_a_child_lives_on(
    tmp_path: Path, holding: tuple[subprocess.Popen[str], int]
) -> None:
    process, child = holding
    with pytest.raises(HeldError, match=f"process {process.pid}"):
        Lock(tmp_path / "lock", "it")
    process.kill()
    process.wait(10)
    os.kill(child, 0)
    Lock(tmp_path / "lock", "it").release()


def test_the_account_is_locked_in_one_directory_for_all_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARGO_LOCKS", "ARGO_STATE", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert locks.LOCKS.parent in (Path("/run/lock"), Path("/tmp"))
    monkeypatch.setattr(locks, "LOCKS", tmp_path / "locks")
    before = os.umask(0o077)
    try:
        held = lock_account("PA/1 ../x")
    finally:
        os.umask(before)
    assert held.path.parent == tmp_path / "locks"
    assert held.path.parent.stat().st_mode & 0o7777 == 0o1777
    assert held.path.stat().st_mode & 0o777 == 0o666
    with pytest.raises(HeldError):
        lock_account("PA/1 ../x")
    lock_account("PA2").release()
    held.release()


def test_a_link_in_the_place_of_a_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DaemonError):
        Lock(tmp_path / "lock", "it")
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_whose_file_is_made_anew_is_superseded_and_one_whose_file_is_gone_is_not(
    tmp_path: Path,
) -> None:
    first = Lock(tmp_path / "lock", "it")
    assert not first.superseded()
    (tmp_path / "lock").unlink()
    assert not first.superseded()
    second = Lock(tmp_path / "lock", "it")
    assert first.superseded()
    assert not second.superseded()
    first.release()
    second.release()


def test_a_process_that_got_the_number_of_another_is_never_ended(
    holding: tuple[subprocess.Popen[str], int],
) -> None:
    _, child = holding
    mine = this_process()
    assert alive(mine)
    assert not alive(ProcessId(mine.pid, mine.started - 1))
    recycled = ProcessId(child, mine.started - 1)
    assert not send(recycled, signal.SIGKILL)
    os.kill(child, 0)
    assert not send(ProcessId(2**22 + 1, 1), signal.SIGKILL)
