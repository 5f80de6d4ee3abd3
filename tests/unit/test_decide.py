"""`argo decide`: the daemon's own deciders on a document, every figure shown."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from argo_actors.cli.main import run
from argo_actors.errors import ConfigError, UsageError
from argo_actors.replay.decide import decide
from argo_actors.replay.document import Decision
from argo_actors.units import Decimal

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "example-decision.json"


def document(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXAMPLE.read_text())
    return found | changes


def decided(**changes: Any) -> Decision:
    return decide(json.dumps(document(**changes)).encode())


def opinions(**directions: str) -> list[dict[str, Any]]:
    found = document()["opinions"]
    for one in found:
        one["direction"] = directions.get(one["source"], one["direction"])
    return list(found)


def test_the_worked_example_of_the_consensus() -> None:
    decision = decided()
    assert decision.raw_confidence == 80.95
    assert decision.confidence == 80.95
    assert decision.intent == "open_long"
    assert decision.denied is None


def test_one_family_against_the_others_leaves_no_signal() -> None:
    decision = decided(opinions=opinions(sonar="SHORT"))
    assert decision.raw_confidence == 57.55
    assert decision.intent == "none"
    assert "57.55 of 75" in decision.reasoning


def test_the_worked_example_of_the_size() -> None:
    request = {"action": "BUY", "confidence": 88.5, "entry_price": "449.975"}
    decision = decided(request=request)
    assert decision.denied is None
    assert decision.sizing is not None
    assert decision.sizing["pct"] == "15"
    assert decision.sizing["qty"] == "33"
    assert decision.stop == Decimal("436.5")
    assert decision.target == Decimal("472.5")


def test_checks_after_the_first_failure_are_shown_too() -> None:
    account = document()["account"] | {"operator_state": "halt", "trading_blocked": True}
    decision = decided(account=account)
    failed = [check.code for check in decision.checks if not check.passed]
    assert decision.denied == "HALTED"
    assert failed[:2] == ["HALTED", "ACCOUNT_BLOCKED"]
    assert len(decision.checks) == 30


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quote": None}, "QUOTE"),
        ({"regime": "CRISIS", "config": {"prop_firm": {"enabled": True}}}, None),
        (
            {"clock": document()["clock"] | {"is_open": False}},
            "MARKET_CLOSED",
        ),
        (
            {"asset": {"symbol": "AAPL", "class": "us_equity", "tradable": False}},
            "SYMBOL_HALTED",
        ),
        ({"atr_pct": 0.0}, "BAD_DATA"),
    ],
)
def test_what_stands_in_the_way_is_named(changes: dict[str, Any], code: str | None) -> None:
    assert decided(**changes).denied == code


def test_a_signal_against_a_position_closes_it() -> None:
    held = [{"symbol": "AAPL", "side": "short", "qty": "10", "price": "440", "stop": "455"}]
    decision = decided(positions=held)
    assert decision.intent == "close_short"
    assert decision.denied is None


def test_a_signal_with_a_position_is_skipped_and_a_foreign_one_left_alone() -> None:
    held = [{"symbol": "AAPL", "side": "long", "qty": "10", "price": "440", "stop": "425"}]
    assert decided(positions=held).denied == "DUPLICATE"
    assert decided(positions=[held[0] | {"own": False, "side": "short"}]).denied == "FOREIGN"


def test_a_loss_beyond_the_days_limit_denies() -> None:
    account = document()["account"] | {"equity": "94000", "peak_equity": "96000"}
    assert decided(account=account).denied == "DAILY_LOSS"


def test_invalid_opinions_are_dropped_with_their_reason() -> None:
    found = document()["opinions"]
    found[0]["confidence"] = 130
    found[1]["valid_until"] = "2026-03-04T15:00:00Z"
    decision = decided(opinions=found)
    reasons = {one.source: one.reason for one in decision.dropped}
    assert reasons == {"alpaca": "confidence outside 0 to 100", "yfinance": "stale"}


@pytest.mark.parametrize("symbols", [5, None, "AAPL", [["AAPL"]]])
def test_symbols_of_the_configuration_that_are_none_are_told(symbols: object) -> None:
    with pytest.raises(ConfigError, match="symbols"):
        decided(config={"symbols": symbols})


def test_a_document_that_is_wrong_names_the_field() -> None:
    with pytest.raises(UsageError) as caught:
        decide(b'{"symbol": 3}')
    assert "$.symbol" in caught.value.what or "now" in caught.value.what
    with pytest.raises(UsageError) as caught:
        decided(account=document()["account"] | {"equity": "1,000"})
    assert "account.equity" in caught.value.what


def test_the_command_prints_text_and_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["decide", str(EXAMPLE)]) == 0
    text = capsys.readouterr().out
    assert "open_long" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(EXAMPLE.read_bytes())))
    assert run(["decide", "-", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["checks"][0]["code"] == "NOT_READY"
    assert run(["decide", str(EXAMPLE.parent / "none.json")]) == 2
