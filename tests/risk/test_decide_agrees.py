"""`argo decide` says what the deciders themselves say of the same facts (decisions §8)."""

import json
from pathlib import Path
from typing import Any

import pytest

from argo_actors.messages.signal import Approval, Denial
from argo_actors.replay.decide import decide
from argo_actors.units import Decimal
from tests.consensus.votes import EXAMPLE, Votes, cycle, opinions, regime
from tests.consensus.votes import config_of as believing
from tests.risk.worlds import NOW, PROP, World, account, figures, held, hours, world

DOCUMENT = Path(__file__).resolve().parents[2] / "config" / "example-decision.json"
SOURCES = json.loads(DOCUMENT.read_text())["config"]["sources"]
STRONG: Votes = dict.fromkeys(EXAMPLE, ("LONG", 95.0))
AGAINST: Votes = dict.fromkeys(EXAMPLE, ("SHORT", 90.0))


def document(votes: Votes, name: str, config: dict[str, Any], **changes: Any) -> bytes:
    """The example with these votes, at a price of 99.9 to 100 and an ATR of 2 %."""
    found = json.loads(DOCUMENT.read_text())
    for one in found["opinions"]:
        one["direction"], one["confidence"] = votes[one["source"]]
    found["quote"] |= {"bid": 99.9, "ask": 100.0}
    found |= {"regime": name, "atr_pct": 2.0, "config": {"sources": SOURCES} | config}
    found["account"] |= changes.pop("account", {})
    return json.dumps(found | changes).encode()


HELD = {"symbol": "AAPL", "side": "long", "qty": "10", "price": "90", "stop": "87"}
CLOSED = json.loads(DOCUMENT.read_text())["clock"] | {"is_open": False}


@pytest.mark.parametrize(
    ("votes", "name", "config", "changes", "words"),
    [
        (EXAMPLE, "BULL", {}, {}, []),
        (EXAMPLE, "CHOP", {}, {}, []),
        (EXAMPLE, "CRISIS", {}, {}, []),
        (EXAMPLE, "BULL", PROP, {}, []),
        (STRONG, "BULL", PROP, {}, []),
        (STRONG, "CHOP", {}, {"account": {"buying_power": "5263"}}, [account(buying_power=Decimal(5263))]),
        (STRONG, "BULL", {}, {"atr_pct": 0.0}, [figures(atr=0.0)]),
        (STRONG, "BULL", {}, {"clock": CLOSED}, [hours(is_open=False)]),
        (AGAINST, "BEAR", {}, {}, []),
        (AGAINST, "BEAR", {"allow_shorts": False}, {}, []),
        (AGAINST, "BULL", {}, {"positions": [HELD]}, [held("AAPL", 10, 90, stop=Decimal(87))]),
        (EXAMPLE, "BULL", {}, {"positions": [HELD]}, [held("AAPL", 10, 90, stop=Decimal(87))]),
    ],
)  # fmt: skip
def test_the_document_and_the_deciders_agree(
    votes: Votes, name: str, config: dict[str, Any], changes: dict[str, Any], words: list[Any]
) -> None:
    decision = decide(document(votes, name, config, **changes))
    believes = believing(**config)
    verdict, signal = cycle(believes, *opinions(votes), *regime(name), at=NOW)
    assert (decision.action, decision.raw_confidence) == (verdict.action, verdict.raw_confidence)
    assert decision.confidence == verdict.confidence
    assert decision.reasoning == verdict.reason
    if signal is None:
        assert (decision.intent, decision.checks, decision.denied) == ("none", [], None)
        return
    dared = world(*words, config=config)
    answer = World(dared.config, dared.state, signal, dared.quote).answer()
    if answer is None:
        assert decision.intent == "none"
        return
    denied = answer.code if isinstance(answer, Denial) else None
    assert decision.denied == denied
    assert decision.intent == ("skip" if denied == "DUPLICATE" else answer.intent)
    if isinstance(answer, Approval) and answer.sizing is not None:
        assert decision.sizing is not None
        assert decision.sizing["qty"] == str(answer.qty)
        assert (decision.stop, decision.target) == (answer.stop, answer.target)
        passed = [(one.code, one.passed) for one in answer.checks]
        assert [(one.code, one.passed) for one in decision.checks] == passed
