"""The main job end to end: the daemon trades a simulated market, and every book agrees."""

import json
from pathlib import Path
from typing import Any

from argo_actors.api.view import View
from argo_actors.bootstrap import deciders
from argo_actors.cli.demo import tie_out
from argo_actors.cli.replay import replay
from argo_actors.cli.trouble import plan
from argo_actors.journal.codec import encode
from argo_actors.journal.reader import day_files, records
from argo_actors.messages.order import Fill
from argo_actors.messages.signal import Signal
from argo_actors.replay.rerun import rerun
from argo_actors.replay.verify import verify
from tests.acceptance.worlds import daemon, until, world

HOUR_AND_A_HALF = 5400 // 5
"""Cycles."""


def _trade(
    state: Path,
    cycles: int,
    *settings: str,
    arguments: tuple[str, ...] = (),
    in_turn: bool = False,
) -> dict[str, object]:
    with (
        world(state, *arguments) as one,
        daemon(one, state, *settings, in_turn=in_turn) as running,
    ):
        view = View(running)
        until(lambda: view.books.cycle >= cycles or running.failure, f"cycle {cycles}", 120)
        assert running.pacer.pause(20)  # type: ignore[attr-defined]
        assert not running.failure
        found = tie_out(running, one.get("/argo/books"))
        found["restarts"] = {
            child["address"]: child["restarts"]
            for group in view.tree()
            for child in group["children"]
        }
        found["unprotected"] = view.status()["unprotected"]
        found["overruns"] = running.pacer.overruns  # type: ignore[attr-defined]
        return found


def _refusing(directory: Path, *names: str) -> tuple[str, str]:
    """The venue's arguments by which these sources' keys are refused."""
    file = directory / "faults.json"
    file.write_text(json.dumps(plan({"bad-key": names})))
    return "--faults", str(file)


def _fills(state: Path, until_at: int) -> list[tuple[object, ...]]:
    """In the order of market time; orders of one instant race each other to the venue."""
    found = [
        (record.at, message.symbol, message.leg, message.side, message.qty, message.price)
        for path in day_files(state / "journal")
        for record in records(path)
        for message in record.said
        if isinstance(message, Fill) and record.at < until_at
    ]
    return sorted(found, key=str)


def _signals(state: Path) -> list[Signal]:
    return [
        message
        for path in day_files(state / "journal")
        for record in records(path)
        for message in record.said
        if isinstance(message, Signal)
    ]


def test_a_run_trades_both_ways_protects_everything_ties_out_and_verifies(tmp_path: Path) -> None:
    found = _trade(tmp_path, HOUR_AND_A_HALF)
    assert found["differences"] == {}
    assert found["long_entries"]
    assert found["short_entries"]
    assert found["unprotected"] == []
    assert found["overruns"] == 0
    assert not any(found["restarts"].values())  # type: ignore[attr-defined]
    assert verify(day_files(tmp_path / "journal"), deciders).differences == ()
    assert replay(str(tmp_path / "journal")) == 0


def test_the_same_seed_makes_the_same_trades(tmp_path: Path) -> None:
    ends = []
    for name in ("one", "two"):
        _trade(tmp_path / name, 400, in_turn=True)
        last = [record.at for record in records(day_files(tmp_path / name / "journal")[-1])]
        ends.append(max(last))
    first, second = (_fills(tmp_path / name, min(ends) - 10**10) for name in ("one", "two"))
    assert first
    assert first == second


def test_a_changed_rule_is_found_record_by_record(tmp_path: Path) -> None:
    _trade(tmp_path, 120)
    files = day_files(tmp_path / "journal")
    changed = verify(files, deciders, override=("consensus.min_confidence=80",))
    assert changed.differences
    assert {one.actor for one in changed.differences} <= {"consensus", "risk"}
    assert replay(str(tmp_path / "journal"), settings=("consensus.min_confidence=80",)) == 5


def test_a_patched_constant_of_the_code_is_found(tmp_path: Path, monkeypatch: object) -> None:
    import argo_actors.consensus.pooling as pooling

    _trade(tmp_path, 60)
    files = day_files(tmp_path / "journal")
    monkeypatch.setattr(pooling, "PRICE_FAMILIES", ("sentiment",))  # type: ignore[attr-defined]
    assert verify(files, deciders).differences


def test_a_refused_key_costs_one_source_and_nothing_else(tmp_path: Path) -> None:
    found = _trade(tmp_path, 300, arguments=_refusing(tmp_path, "massive"))
    sources = found["sources"]
    assert sources["massive"]["state"] == "disabled"  # type: ignore[index]
    assert "MASSIVE_API_KEY" in sources["massive"]["remedy"]  # type: ignore[index]
    assert not any(found["restarts"].values())  # type: ignore[attr-defined]
    assert found["long_entries"] or found["short_entries"]
    assert found["differences"] == {}


def test_without_the_second_family_nothing_is_entered_and_it_is_shown(tmp_path: Path) -> None:
    refused = ("alpha_vantage", "yfinance", "xai_grok", "sonar")
    with world(tmp_path, *_refusing(tmp_path, *refused)) as one, daemon(one, tmp_path) as running:
        view = View(running)
        until(lambda: view.books.cycle >= 120, "120 cycles")
        assert view.books.long_entries == view.books.short_entries == 0
        assert any("1 of 4 families" in one["reason"] for one in view.next_decision())
        sources = view.status()["sources"]
        assert {sources[name]["state"] for name in refused} == {"disabled", "backoff"}
        # Yahoo has no keys: what it refuses is a crumb, and that passes.
        assert sources["yfinance"]["state"] == "backoff"


def test_each_source_refused_alone_stops_no_other_and_no_trade(tmp_path: Path) -> None:
    for name, key in (("xai_grok", "XAI_API_KEY"), ("sonar", "PERPLEXITY_API_KEY")):
        found = _trade(tmp_path / name, 60, arguments=_refusing(tmp_path, name))
        sources: Any = found["sources"]
        assert sources[name]["state"] == "disabled"
        assert key in sources[name]["remedy"]
        assert {one["state"] for other, one in sources.items() if other != name} == {"running"}
        assert found["long_entries"] or found["short_entries"]
        assert found["differences"] == {}


def test_both_dispatchers_leave_journals_that_verify(tmp_path: Path) -> None:
    found = _trade(tmp_path, 150, "supervision.dispatcher=thread")
    assert found["differences"] == {}
    assert verify(day_files(tmp_path / "journal"), deciders).differences == ()
    again = rerun(day_files(tmp_path / "journal"), deciders)
    assert [encode(one) for one in again.signals] == [encode(one) for one in _signals(tmp_path)]
