"""Bad input: a clear error or a recovery, nothing lost, no duplicate order."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import apsw
import pytest

from argo_actors.api.view import View
from argo_actors.cli.demo import tie_out
from argo_actors.cli.main import run
from argo_actors.cli.simulated import SimulatedWorld
from argo_actors.errors import ChainError, DaemonError
from argo_actors.journal.reader import day_files
from tests.acceptance.worlds import daemon, make, until, world

ROOT = Path(__file__).resolve().parents[2]


def test_a_config_with_an_unknown_key_names_it_and_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.json"
    file.write_text('{"account": "x", "trading": {"max_retry_attemps": 3}}')
    assert run(["config", "check", str(file)]) == 3
    said = capsys.readouterr().err
    assert "trading.max_retry_attemps" in said
    assert "max_retry_attempts" in said
    assert "fix:" in said


def test_a_command_for_a_daemon_that_does_not_run_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", "--state", str(tmp_path)]) == 4
    assert "fix: start it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "what", "fix"),
    [
        (["00,1,1,NaN,1,5"], "line 2: low is NaN", "real number"),
        (["00,1,1,1,-1,5"], "line 2", "above zero"),
        (["00,1,1,1,1,5", "00,1,1,1,1,5"], "line 3", "one row a minute"),
        (["01,1,1,1,1,5", "00,1,1,1,1,5"], "line 3", "sort the rows"),
    ],
)
def test_a_demo_on_impossible_bars_names_file_line_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], what: str, fix: str
) -> None:
    text = ["timestamp,open,high,low,close,volume"]
    text += [f"2013-10-09T14:{row[:2]}:00Z{row[2:]}" for row in rows]
    (tmp_path / "SPY.csv").write_text("\n".join(text) + "\n")
    state = str(tmp_path / "state")
    code = run(["demo", "--bars", str(tmp_path), "--for", "3", "--headless", "--state", state])
    told = " ".join(capsys.readouterr().err.split())  # its lines are wrapped
    assert code != 0
    assert "SPY.csv" in told
    assert what in told
    assert fix in told


def test_a_journal_with_a_flipped_byte_stops_the_start(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        with daemon(one, tmp_path) as running:
            until(lambda: View(running).books.cycle > 5, "some cycles")
        path = day_files(tmp_path / "journal")[-1]
        connection = apsw.Connection(str(path))
        body = bytearray(connection.execute("SELECT body FROM block ORDER BY first LIMIT 1").get)
        body[len(body) // 2] ^= 1
        first = connection.execute("SELECT min(first) FROM block").get
        connection.execute("UPDATE block SET body = ? WHERE first = ?", (bytes(body), first))
        connection.close()
        with pytest.raises(ChainError) as caught:
            make(one, tmp_path)
        assert caught.value.fix
    assert run(["replay", str(tmp_path / "journal")]) == 1


def test_a_second_daemon_on_the_account_is_refused(tmp_path: Path) -> None:
    with world(tmp_path) as one, daemon(one, tmp_path / "first"):
        with pytest.raises(DaemonError) as caught:
            make(one, tmp_path / "second")
        assert "held by" in caught.value.what
        assert caught.value.fix
        with pytest.raises(DaemonError):
            make(one, tmp_path / "first")


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", b"<html>maintenance</html>"),
        (503, "text/html", b"<html>down</html>"),
        (200, "application/json", b""),
        (200, "application/json", b'{"results": [{"t": 1, "o": -1}]}'),
    ],
)
def test_a_source_that_answers_nonsense_costs_its_own_vote_only(
    tmp_path: Path, status: int, kind: str, body: bytes
) -> None:
    with (
        world(tmp_path) as one,
        nonsense(status, kind, body) as url,
        daemon(one, tmp_path, f"sources.massive.base_url={url}") as running,
    ):
        view = View(running)
        until(lambda: view.books.long_entries + view.books.short_entries, "an entry")
        restarts = {
            child["address"]: child["restarts"]
            for group in view.tree()
            for child in group["children"]
        }
        assert not any(restarts.values())


@contextmanager
def nonsense(status: int, kind: str, body: bytes) -> Iterator[str]:
    """A server with one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_venue_that_dies_and_comes_back_finds_the_daemon_waiting(tmp_path: Path) -> None:
    with world(tmp_path) as one, daemon(one, tmp_path) as running:
        view = View(running)
        until(lambda: view.books.long_entries + view.books.short_entries, "an entry")
        os.kill(one._process.pid, signal.SIGKILL)
        one._process.wait(10)
        cycle = view.books.cycle
        arguments = ["--seed", "7", "--lockstep", "--state", str(tmp_path / "venue")]
        again = SimulatedWorld(
            [*arguments, "--port", str(one.about["port"])], tmp_path / "venue-2.log"
        )
        try:
            until(lambda: view.books.cycle > cycle + 30, "the daemon to go on", 90)
            until(lambda: view.books.stream_up, "the stream")
            running.pacer.pause(20)  # type: ignore[attr-defined]
            assert tie_out(running, again.get("/argo/books"))["differences"] == {}
            assert view.status()["unprotected"] == []
            assert not running.failure
        finally:
            again.close()


def test_sigterm_ends_the_daemon_in_order_with_protection_standing(tmp_path: Path) -> None:
    with world(tmp_path, "--rate-limit", "100000") as one:
        code = (
            "import json,sys; from pathlib import Path; from tests.bench.kill import _config; "
            "import argo_actors.bootstrap as b; from argo_actors.cli.demo import demo_secrets; "
            "from argo_actors.cli.simulated import AdvanceLine; import signal; "
            "from argo_actors.host.state import StateDir; from argo_actors.cli.run import _stop_on_signals; "
            "about=json.loads(sys.argv[2]); d=b.Daemon(b.Settings(_config(about), "
            "StateDir(Path(sys.argv[1])), demo_secrets(about), 'demo', "
            "b.Lockstep(about['now'], AdvanceLine(about['url']), 500.0))); "
            "_stop_on_signals(d.ended); d.start(); print('running', flush=True); d.ended.wait(); d.stop()"
        )
        import json

        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), json.dumps(one.about)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
        )
        until(lambda: one.get("/argo/books")["fills"] >= 2, "two fills")
        process.terminate()
        assert process.wait(15) == 0
        with daemon(one, tmp_path) as running:
            view = View(running)
            until(lambda: view.books.ready and view.books.cycle > 20, "READY again")
            until(lambda: not view.status()["unprotected"], "every position protected")
            running.pacer.pause(20)  # type: ignore[attr-defined]
            assert tie_out(running, one.get("/argo/books"))["differences"] == {}
