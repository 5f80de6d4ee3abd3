"""One daemon an account, and a standby beside it: own processes, real time, a venue of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from argo_actors.api.view import View
from argo_actors.cli.main import run
from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.host.lock import holder
from argo_actors.host.state import StateDir
from tests.acceptance.test_run import asked
from tests.acceptance.worlds import daemon, make, until, world
from tests.journal.test_recovery import ends

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("massive", "yfinance", "alpha_vantage", "xai_grok", "sonar")
NO_STREAM = {
    "rules": [
        {
            "name": "full",
            "on": "connect",
            "path": "/stream",
            "fault": {"kind": "refuse", "status": 429},
        }
    ]
}


class Host:
    """Daemons on one account, each a process as a person starts it."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self.state = StateDir(directory / "state")
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.world = SimulatedWorld(["--seed", "7", "--start", now], directory / "venue.log")
        self._stack = stack
        stack.callback(self.world.close)

    def argo(self, log: str, *words: str, state: Path | None = None) -> subprocess.Popen[bytes]:
        """`argo run` with these words."""
        url, about = self.world.url, self.world.about
        settings = {
            "broker.base_url": url,
            "broker.stream_url": url.replace("http", "ws", 1) + "/stream",
            "sources.alpaca.base_url": url,
            **{f"sources.{name}.enabled": "false" for name in QUIET},
        }
        changes = [part for pair in settings.items() for part in ("--set", "=".join(pair))]
        where = ["--state", str(state or self.state.path), "--port", "0"]
        command = [sys.executable, "-m", "argo_actors.cli", "run", *where, *words, *changes]
        keys = {"APCA_API_KEY_ID": about["key_id"], "APCA_API_SECRET_KEY": about["secret"]}
        with (self.directory / log).open("w") as file:
            started = subprocess.Popen(
                command, env=os.environ | keys, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT
            )
        self._stack.callback(started.wait, 10)
        self._stack.callback(started.kill)
        return started

    def refused(self, log: str, holding: int, state: Path | None = None) -> None:
        """A second daemon ends with the holder's name and a way out."""
        assert self.argo(log, state=state).wait(60) == 4
        said = " ".join((self.directory / log).read_text().split())  # its lines are wrapped
        assert f"held by process {holding}" in said
        assert "fix: " in said


Told = Callable[..., Any]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with ExitStack() as stack:
        yield Host(tmp_path, stack)


@pytest.fixture
def told(host: Host, capsys: pytest.CaptureFixture[str]) -> Told:
    """The JSON that a command prints, None while it fails."""

    def ask(*words: str) -> Any:
        code = run([*words, "--state", str(host.state.path), "--json"])
        said = capsys.readouterr().out
        return json.loads(said) if code == 0 else None

    return ask


def test_a_standby_takes_over_from_a_killed_and_from_a_hung_active(
    host: Host, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    def ready(epoch: int) -> Callable[[], Any]:
        return lambda: (
            ((one := told("status")) and one["ready"] and one["run"] == epoch and one) or None
        )

    def abreast() -> Any:
        (one,) = told("status", "--standby") or (None,)
        return one if one and one["seq"] and one["behind"]["records"] < 50 else None

    first = host.argo("first.log")
    until(ready(1), "a ready daemon")
    host.refused("same-state.log", first.pid)
    host.refused("other-state.log", first.pid, host.directory / "elsewhere")

    second = host.argo("second.log", "--standby")
    waiting = until(abreast, "a standby abreast of the active")
    assert (waiting["pid"], waiting["active"]) == (second.pid, first.pid)
    assert (waiting["ready"], waiting["differences"]) == (False, 0)
    assert asked(f"http://127.0.0.1:{waiting['port']}", "/api/v1/health/readiness") == 503
    assert run(["status", "--state", str(host.state.path)]) == 0
    shown = capsys.readouterr().out
    assert f"STANDBY process {second.pid} of {first.pid}" in shown
    assert told("status")["run"] == 1

    request(host.world.url, "POST", "/argo/faults", NO_STREAM)
    first.kill()
    taken = until(ready(2), "the standby's take-over")
    assert not taken["stream_up"]
    assert any("took over: epoch 2" in one["text"] for one in taken["notices"])
    request(host.world.url, "DELETE", "/argo/faults", None)
    until(lambda: told("status")["stream_up"], "the trade stream")

    third = host.argo("third.log", "--standby")
    until(abreast, "another standby")
    second.send_signal(signal.SIGSTOP)
    promoted = told("promote", "it hangs")
    assert promoted["how"].endswith("killed")
    assert (promoted["ended"], promoted["active"]) == (second.pid, third.pid)
    assert (promoted["ready"], promoted["run"]) == (True, 3)
    assert second.wait(10) == -signal.SIGKILL
    assert any("it hangs)" in one["text"] for one in told("status")["notices"])
    third.send_signal(signal.SIGTERM)
    assert third.wait(40) == 0
    assert holder(host.state.lock) is None
    assert run(["replay", str(host.state.journal)]) == 0


def test_before_a_run_begins_it_is_not_ready_whatever_the_last_one_was(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        with daemon(one, tmp_path) as last:
            until(lambda: View(last).ready, "a ready daemon")
        coming = make(one, tmp_path)
        view = View(coming)
        assert view.books.ready
        assert not view.ready
        ends(coming.engine)
        coming.release()


def test_promote_without_a_standby_ends_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["promote", "--state", str(tmp_path)]) == 4
    assert "fix: start one with `argo run --standby`" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_take_overs_under_orders_double_nothing_and_lose_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.takeover", "--count", "20", "--seed", "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "duplicates: 0\nlost: 0\n" in done.stdout
