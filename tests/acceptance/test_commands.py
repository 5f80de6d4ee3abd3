"""The command line beside a running daemon: every text fits 80 columns, every error says what to do."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argo_actors.api.app import serving
from argo_actors.api.view import View
from argo_actors.cli.main import run
from tests.acceptance.worlds import daemon, until, world

Say = Callable[[str], tuple[int, str, str]]
READING = (
    *(
        "status",
        "positions",
        "orders",
        "trades",
        "signals",
        "signals --stats",
        "signals --latest 3",
    ),
    *("protection", "protection --history", "reconcile", "inspect", "source list"),
    *("source show sonar", "source show alpaca"),
)
WRONG = (
    ("inspect nobody", 6, "no actor 'nobody'"),
    ("signals --latest 0", 2, "--latest"),
    ("signals --latest many", 2, "--latest"),
    ("why zzz", 2, "no order 'zzz'"),
    ("why", 2, "requires an argument"),
    ("source show nope", 2, "no source 'nope'"),
    ("source enable alpaca --key-file /nowhere/at/all", 6, "cannot read the keys"),
    ("execute", 2, "needs a signal"),
    ("execute ZZZ", 6, "no advice 'ZZZ'"),
    ("execute --symbol ZZZ --action BUY --confidence 80 --entry-price 1", 6, "not configured"),
    ("execute --symbol AAPL --action BUY --confidence 800 --entry-price 1", 2, "--confidence"),
    ("execute --symbol AAPL --action BUY --confidence 80 --entry-price x", 6, "entry_price"),
    ("execute --symbol AAPL --action BUY --confidence 80 --entry-price 1", 6, "denied "),
    ("resume", 2, "--reason"),
    ("flatten --all --confirm somebody", 6, "account's name"),
    ("reconcile adopt", 2, "needs an item"),
    ("reconcile adopt ZZZ --reason test", 6, "no foreign item"),
    ("reconcile sell", 2, "Choose from"),
    ("promote", 4, "no standby"),
    ("status --standby", 4, "no standby"),
    ("halt --account", 2, "--account"),
    ("status --bogus", 2, "--bogus"),
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a daemon that holds positions."""
    path = tmp_path_factory.mktemp("commands")
    with world(path) as one, daemon(one, path) as running:
        server = serving(running, 0)
        server.start()
        try:
            until(lambda: len(View(running).positions()) > 2, "positions")
            yield path
        finally:
            server.stop()


@pytest.fixture
def say(state: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Speak to it: the exit code, what was written, and what was wrong."""

    def spoken(words: str) -> tuple[int, str, str]:
        code = run([*words.split(), "--state", str(state)])
        found = capsys.readouterr()
        assert (
            max(map(len, (found.out + found.err).splitlines()), default=0) <= 80 or "{" in found.out
        )
        return code, found.out, found.err

    return spoken


@pytest.mark.parametrize("command", READING)
def test_a_reading_command_fits_80_columns_and_has_json(say: Say, command: str) -> None:
    code, text, _ = say(command)
    assert (code, text.strip() != "") == (0, True)
    code, text, _ = say(f"{command} --json")
    assert code == 0
    json.loads(text)


@pytest.mark.parametrize(("command", "code", "what"), WRONG)
def test_an_error_says_what_and_what_to_do(say: Say, command: str, code: int, what: str) -> None:
    found, text, error = say(command)
    assert (found, text) == (code, "")
    assert error.startswith("error: ")
    assert what in " ".join(error.split())
    assert "\nfix: " in error
    assert "Traceback" not in error


@pytest.mark.parametrize("command", ["why X", "protection --history", "replay", "source scorecard"])
def test_where_nothing_has_been_recorded_a_command_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run([*command.split(), "--state", str(tmp_path)]) == 2
    assert " ".join(capsys.readouterr().err.split()).startswith("error: no journal in ")


def test_an_operators_word_is_acknowledged_with_what_was_before(say: Say) -> None:
    assert say("stop-entries lunch")[1].startswith("no entries are made")
    assert "(entries were stopped)" in say("halt trouble")[1]
    assert "(as before)" in " ".join(say("halt")[1].split())
    assert "(it was halted)" in say("resume --reason over")[1]
    code, text, _ = say("resume --reason again --json")
    answer = json.loads(text)
    assert (code, answer["before"], answer["working"]) == (0, "normal", [])


def test_a_source_is_taken_out_of_use_and_back(say: Say) -> None:
    assert "sonar: disabled by" in say("source disable sonar --reason test")[1]
    assert "argo source enable sonar" in say("source probe sonar")[2]
    assert "sonar: running" in say("source enable sonar")[1]


def test_an_order_and_an_actor_are_shown_whole(say: Say) -> None:
    held = json.loads(say("positions --json")[1])[0]["symbol"]
    assert say(f"why {held}")[1].startswith("SubmitOrder by order/")
    assert json.loads(say(f"inspect order/{held}")[1])["state_now"]["position"]


def test_a_daemon_of_another_version_is_told(monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.setattr("argo_actors.api.tree.tree", lambda _: [{"group": "one"}])
    code, _, error = say("inspect")
    assert code == 4
    assert "another version" in error


def test_a_demo_that_is_told_to_end_ties_out_and_leaves_no_process(tmp_path: Path) -> None:
    words = ("demo", "--headless", "--for", "600", "--state", str(tmp_path / "demo"))
    command = [sys.executable, "-m", "argo_actors.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        while "protected" not in demo.stdout.readline():
            assert demo.poll() is None
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        assert children
        demo.send_signal(signal.SIGTERM)
        rest = demo.stdout.read()
    assert demo.returncode == 0
    assert "the books tie out" in rest
    assert not any(Path(f"/proc/{one}").exists() for one in children)
