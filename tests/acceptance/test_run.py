"""`argo run` as a person runs it: own processes, real time, stopped by SIGTERM."""

import http.client
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from argo_actors.cli.demo import demo_config
from argo_actors.cli.main import run
from argo_actors.cli.simulated import SimulatedWorld
from tests.acceptance.worlds import until


def api_of(log: Path, state: Path) -> tuple[str, str]:
    """Where the daemon said that it answers, and the token that it left for us."""
    (said,) = [line for line in log.read_text().splitlines() if line.startswith("api: ")]
    file = state / "token"
    assert file.stat().st_mode & 0o777 == 0o600
    return said.split()[1], file.read_text().strip()


def asked(url: str, path: str, **headers: str) -> int:
    """The status of an answer."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_daemon_in_real_time_gets_ready_and_leaves_a_journal_that_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    state = tmp_path / "state"
    one = SimulatedWorld(["--seed", "7", "--start", now], tmp_path / "venue.log")

    def told() -> dict[str, Any] | None:
        code = run(["status", "--state", str(state), "--json"])
        said = capsys.readouterr().out
        return json.loads(said) if code == 0 else None

    def runs(status: dict[str, Any]) -> bool:
        wanted = ("alpaca", "alpha_vantage")
        found = {name: one["state"] for name, one in status["sources"].items()}
        return all(found.get(name) == "running" for name in wanted)

    try:
        url, about = one.url, one.about
        settings = {
            "api.port": "0",
            "broker.base_url": url,
            "broker.stream_url": url.replace("http", "ws", 1) + "/stream",
            **{
                f"sources.{name}.base_url": source.base_url
                for name, source in demo_config(one, None).sources.items()
            },
        }
        keys = {
            "APCA_API_KEY_ID": about["key_id"],
            "APCA_API_SECRET_KEY": about["secret"],
            "ALPHA_VANTAGE_API_KEY": "any",
        }
        changes = [part for pair in settings.items() for part in ("--set", "=".join(pair))]
        command = [sys.executable, "-m", "argo_actors.cli", "run", "--state", str(state), *changes]
        with (tmp_path / "run.log").open("w") as log:
            daemon = subprocess.Popen(
                command, env=os.environ | keys, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            until(lambda: (found := told()) and found["ready"] and runs(found), "a ready daemon")
            url, token = api_of(tmp_path / "run.log", state)
            assert asked(url, "/health") == 200
            assert asked(url, "/api/v1/status") == 401
            assert asked(url, "/api/v1/status", Authorization=f"Bearer {token}x") == 401
            assert asked(url, "/api/v1/status", Authorization=f"Bearer {token}") == 200
            assert asked(url, "/health", Host="evil.example") == 421
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(40) == 0
        finally:
            daemon.kill()
            daemon.wait(10)
    finally:
        one.close()
    assert about["secret"] not in (tmp_path / "run.log").read_text()
    assert run(["replay", str(state / "journal")]) == 0
