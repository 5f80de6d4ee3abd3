"""Six sources, each alone in its trouble; and what an operator may do with one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from argo_actors.api.app import serving
from argo_actors.api.sources import source
from argo_actors.api.view import View
from argo_actors.bootstrap import Daemon, deciders
from argo_actors.cli.main import run
from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.cli.trouble import PATHS, plan
from argo_actors.journal.reader import day_files, records
from argo_actors.messages.signal import Signal
from argo_actors.messages.system import SourceOrder
from argo_actors.replay.verify import verify
from tests.acceptance.worlds import daemon, until, world

SPEED = 100.0
"""Slow enough that the stocks' session holds the whole test."""
DEADLINE = 3.0
KINDS = ("bad-key", "slow", "down", "garbage")


def told(running: Daemon) -> dict[str, Any]:
    """How everybody is who is supervised: state and restarts."""
    return {
        child["address"]: (child["state"], child["restarts"])
        for group in View(running).tree()
        for child in group["children"]
    }


def states(running: Daemon) -> dict[str, str]:
    return {name: source(running, name)["state"] for name in PATHS}


def trouble(one: SimulatedWorld, kind: str, name: str) -> None:
    """The vendor of a source begins to misbehave."""
    rules = plan({kind: (name,)})
    for rule in rules["rules"]:
        if kind == "slow":
            rule["fault"]["seconds"] = DEADLINE + 1
    assert "rules" in request(one.url, "POST", "/argo/faults", rules)


def ask(running: Daemon, name: str, action: Any) -> int:
    """An operator wants the source to begin anew; returns how many calls it had made."""
    before = int(source(running, name)["calls"])
    running.order_source(running.roster.order(name, action, "test", "a test"))
    return before


def test_each_source_in_each_trouble_is_alone_in_it(tmp_path: Path) -> None:
    """Whatever a busy machine does to a call of somebody else passes; a coupling would stay."""
    deadlines = [f"sources.{name}.timeout_seconds={DEADLINE}" for name in PATHS]
    budgets = [f"sources.{name}.daily_budget_usd=100" for name in ("xai_grok", "sonar")]
    with (
        world(tmp_path) as one,
        daemon(one, tmp_path, *deadlines, *budgets, speed=SPEED) as running,
    ):
        healthy = dict.fromkeys(PATHS, "running")
        until(lambda: states(running) == healthy, "six running sources")
        others = {name: here for name, here in told(running).items() if "source/" not in name}
        for kind in KINDS:
            for name in PATHS:
                trouble(one, kind, name)
                cycle, before = View(running).books.cycle, ask(running, name, "probe")
                ill = "disabled" if kind == "bad-key" and name != "yfinance" else "backoff"
                # Seen in one look: useless answers come in turn with none, and so do the states.
                alone = healthy | {name: ill}
                until(lambda: states(running) == alone, f"{kind} at {name} and nowhere else")  # noqa: B023
                # On a busy machine a call that was under way may have failed before the one asked for.
                until(lambda: source(running, name)["calls"] > before, f"{name} to be asked")  # noqa: B023
                until(lambda: View(running).books.cycle > cycle + 1, "the cycles to go on")  # noqa: B023
                request(one.url, "DELETE", "/argo/faults", None)
                before = ask(running, name, "enable")
                until(lambda: source(running, name)["calls"] > before, f"{name} to be asked")  # noqa: B023
                until(lambda: states(running)[name] == "running", f"{name} to come back")  # noqa: B023
        assert others == {n: here for n, here in told(running).items() if "source/" not in n}
        assert not running.failure


@contextmanager
def served(one: SimulatedWorld, state: Path) -> Iterator[Daemon]:
    """A daemon whose socket answers the command line."""
    with daemon(one, state, speed=SPEED) as running:
        server = serving(running)
        server.start()
        try:
            yield running
        finally:
            server.stop()


def argo(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """The JSON answer of a command that went well."""
    capsys.readouterr()
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_source_taken_out_of_use_stays_out_over_a_restart_and_its_family_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--state", str(tmp_path))
    with world(tmp_path) as one:
        with served(one, tmp_path) as running:
            until(lambda: set(states(running).values()) == {"running"}, "six running sources")
            answer = argo(capsys, "source", "disable", "xai_grok", "--reason", "a quiet day", *here)
            assert answer["outcome"]["state"] == "disabled"
            assert "a quiet day" in answer["outcome"]["reason"]
            status = argo(capsys, "status", *here)
            assert status["families"] == {"configured": 3, "all": 4, "missing": ["sentiment"]}
            assert "argo source enable" in status["sources"]["xai_grok"]["remedy"]
            assert run(["source", "probe", "xai_grok", *here]) == 6
            assert "argo source enable xai_grok" in capsys.readouterr().err
            assert run(["source", "show", "nobody", *here]) == 2
        with served(one, tmp_path) as running:
            until(lambda: View(running).books.cycle > 30, "cycles of the second run")
            (found,) = [s for s in argo(capsys, "source", "list", *here) if s["name"] == "xai_grok"]
            assert (found["state"], found["configured"]) == ("disabled", False)
            assert (found["calls"], found["retry_in_seconds"]) == (0, None)
            until(lambda: argo(capsys, "signals", "--latest", "1", *here), "a signal")
            (signal,) = argo(capsys, "signals", "--latest", "1", *here)
            assert "3 of 4 families" in signal["reasoning"]
            assert "sentiment" not in [vote["family"] for vote in signal["votes"]]
            assert argo(capsys, "source", "enable", "xai_grok", *here)["outcome"]["calls"] == 1
            assert argo(capsys, "status", *here)["families"]["configured"] == 4
            assert run(["source", "list", *here]) == run(["source", "show", "sonar", *here]) == 0
            shown = capsys.readouterr().out
            assert max(map(len, shown.splitlines())) <= 80
            assert "spent $" in shown
            stats = argo(capsys, "signals", "--stats", *here)
            assert stats["signals"] == stats["buy"] + stats["sell"] > 0
    said = [
        word for path in day_files(tmp_path / "journal") for r in records(path) for word in r.said
    ]
    orders = [(one.action, one.source) for one in said if isinstance(one, SourceOrder)]
    assert orders == [("disable", "xai_grok"), ("enable", "xai_grok")]
    signals = [one for one in said if isinstance(one, Signal)]
    assert {one.reasoning.rpartition("; ")[2] for one in signals} <= {
        "4 of 4 families",
        "3 of 4 families",
    }
    assert verify(day_files(tmp_path / "journal"), deciders).differences == ()


def test_a_key_is_replaced_and_nothing_else_is_restarted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--state", str(tmp_path))
    file = tmp_path / "new-key"
    file.write_text("MASSIVE_API_KEY=another-massive-key\n")
    with world(tmp_path) as one:
        rules = plan({"bad-key": ("massive",)})
        rules["rules"][0]["key"] = "demo-massive-key"
        request(one.url, "POST", "/argo/faults", rules)
        with served(one, tmp_path) as running:
            until(lambda: states(running)["massive"] == "disabled", "the old key to be refused")
            others = {n: here for n, here in told(running).items() if n != "source/massive"}
            file.chmod(0o644)
            assert run(["source", "enable", "massive", "--key-file", str(file), *here]) == 6
            assert "chmod 600" in capsys.readouterr().err
            file.chmod(0o600)
            again = argo(capsys, "source", "enable", "massive", *here)
            assert (again["new_key"], again["outcome"]["state"]) == (False, "disabled")
            answer = argo(capsys, "source", "enable", "massive", "--key-file", str(file), *here)
            assert (answer["new_key"], answer["outcome"]["state"]) == (True, "running")
            assert source(running, "massive")["opinions"] > 0
            assert others == {n: here for n, here in told(running).items() if n != "source/massive"}
            assert running.settings.secrets.redact("demo-massive-key another-massive-key") == (
                "<MASSIVE_API_KEY> <MASSIVE_API_KEY>"
            )
    for path in (p for p in tmp_path.rglob("*") if p.is_file() and p != file):
        assert b"another-massive-key" not in path.read_bytes(), path
