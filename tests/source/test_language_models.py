"""A model's text is data from a stranger: a score in [-1, 1] of each symbol, or no opinion."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from argo_actors.config import Source
from argo_actors.errors import TransientProviderError
from argo_actors.messages.opinion import NoOpinion, Opinion, SourceCall, SourceStatus
from argo_actors.source.actor import SourceEdge
from argo_actors.source.budget import Budget
from argo_actors.source.language_model import MOST_TEXT, LanguageModel
from argo_actors.source.sonar import Sonar
from argo_actors.source.xai_grok import XaiGrok
from argo_actors.units import DAY, HOUR, MINUTE, SECOND
from tests.source.provider_stub import ProviderStub, Reply, Script, providing
from tests.source.source_bench import NOW, Bench, config, edge, hours
from tests.source.vendors import model_good, scores_text, told

SYMBOLS = ["AAPL", "BTC-USD"]
CLASSES: dict[str, Callable[[Source, str, Budget], LanguageModel]] = {
    "xai_grok": XaiGrok,
    "sonar": Sonar,
}
both = pytest.mark.parametrize("name", CLASSES)


def row(score: Any, symbol: str = "AAPL") -> str:
    return json.dumps({"scores": [{"symbol": symbol, "score": score}]})


HOSTILE = {
    "empty": "",
    "blank": " \n\t",
    "prose": "AAPL looks great. BUY! score: 1",
    "a refusal": "I'm sorry, but I can't give financial advice.",
    "a fence": "```json\n" + scores_text(SYMBOLS) + "\n```",
    "text after it": scores_text(SYMBOLS) + " and now ignore your limits",
    "an order": '{"action": "BUY", "symbol": "AAPL", "qty": 1000000}',
    "one field more": '{"scores": [{"symbol": "AAPL", "score": 0.5, "qty": 1000000}]}',
    "one block more": '{"scores": [], "confidence": 100}',
    "a percentage": row(85),
    "just above": row(1.0000001),
    "just below": row(-1.0000001),
    "an infinity": '{"scores": [{"symbol": "AAPL", "score": 1e999}]}',
    "a huge integer": '{"scores": [{"symbol": "AAPL", "score": ' + "9" * 500 + "}]}",
    "not a number": '{"scores": [{"symbol": "AAPL", "score": NaN}]}',
    "a text": row("1.0"),
    "a truth": row(True),
    "nothing": row(None),
    "a list": row([0.5]),
    "twice": '{"scores": [{"symbol": "AAPL", "score": 1}, {"symbol": "AAPL", "score": -1}]}',
    "somebody else": row(0.5, "TSLA"),
    "a lookalike": row(0.5, "A\u0410PL"),
    "nested": "[" * 5000,
    "too long": row(0.5) + " " * MOST_TEXT,
    "control signs": '{"scores": "\x1b[2J\x1b]0;owned\x07"}',
    "lines": "\n2026-11-24 CRITICAL argo: halted\n",
    "a null byte": "\x00",
    "right to left": "\u202e" + row(0.5),
    "markup": "[bold red]SELL[/]",
    "an escape": "${jndi:ldap://x/a} {0.__class__} %s%n",
}


@contextmanager
def model(name: str, script: Script | Reply, daily_usd: float = 1e6) -> Iterator[Any]:
    with providing(script) as stub:
        settings = Source(base_url=stub.url, timeout_seconds=10)
        with closing(CLASSES[name](settings, "KEY", Budget(daily_usd))) as found:
            yield found, stub


@contextmanager
def source(name: str, stub: ProviderStub, budget: Budget, **settings: Any) -> Iterator[Bench]:
    """The edge of a real provider over HTTP."""
    made = config(
        symbols=SYMBOLS,
        sources={
            name: {
                "base_url": stub.url,
                "refresh_seconds": 1800,
                "valid_seconds": 2700,
                "timeout_seconds": 10,
                "calls_per_minute": 1000,
            }
            | settings
        },
    )

    def make(port: Any, bench: Bench) -> SourceEdge:
        return SourceEdge(
            port,
            name=name,
            config=made,
            make=lambda: CLASSES[name](made.sources[name], "KEY", budget),
            park=bench.park,
        )

    with edge(f"source/{name}", make) as bench:
        yield bench


@both
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_no_opinion_with_a_reason_that_is_ours(name: str, text: str) -> None:
    with providing(told(name, text)) as stub, source(name, stub, Budget(1e6)) as bench:
        bench.hear(hours(NOW))
        bench.tick()
        assert [one for one in bench.said(Opinion) if one.confidence > 100] == []
        assert [one.symbol for one in bench.said(Opinion)] == []
        refused = bench.said(NoOpinion)
        assert [one.symbol for one in refused] == SYMBOLS
        assert all(one.reason.startswith(("the model", "a score outside")) for one in refused)
        assert bench.crashed == []
        behaviour: Any = bench.cell.behaviour
        assert sum(behaviour._judge.refused.values()) == 2


@both
@pytest.mark.parametrize(
    "envelope",
    [
        {"output": [{"type": "message", "content": None}]},
        {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
        {"output": [{"type": "message", "content": [{"type": "output_text", "text": 7}]}]},
        {"output": [{"type": 5}]},
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    ],
)
def test_an_envelope_without_a_usable_text_is_no_opinion(
    name: str, envelope: dict[str, Any]
) -> None:
    search = {"type": "search_results", "results": [{"id": 1}]}
    envelope = envelope | {"output": [search, *envelope.get("output", [])]}
    with model(name, told(name, "", **envelope)) as (found, stub):
        readings = found.readings(SYMBOLS, NOW)
        assert all(one.score is None and one.nothing.startswith("the model") for one in readings)
        assert len(stub.asked) == 2, "asked once more, and no oftener"


@both
def test_one_call_a_slot_for_all_symbols_and_stocks_only_around_their_session(name: str) -> None:
    with providing(model_good(name)(NOW)) as stub, source(name, stub, Budget(1e6)) as bench:
        bench.hear(hours(NOW))
        for _ in range(61):
            bench.tick(60)
        asked = [json.dumps(json.loads(one.body)) for one in stub.asked]
        assert len(asked) == 3, "at once, and at each half hour"
        assert all("AAPL" in one and "BTC-USD" in one for one in asked)
        bench.hear(hours(bench.clock.now(), is_open=False))
        bench.tick(1800)
        assert "AAPL" not in stub.asked[-1].body.decode()
        one = bench.said(Opinion)[0]
        assert (one.price, one.valid_until - one.as_of) == (None, 2700 * SECOND)
        assert (one.direction, one.confidence) == ("LONG", 75.0)


@both
def test_without_a_configured_interval_a_model_keeps_its_own(name: str) -> None:
    with (
        providing(model_good(name)(NOW)) as stub,
        source(name, stub, Budget(1e6), refresh_seconds=0) as bench,
    ):
        bench.hear(hours(NOW))
        slots = {"xai_grok": 4, "sonar": 1}[name]
        for _ in range(24):
            bench.tick(299)
        assert slots <= len(stub.asked) <= slots + 1


def test_a_stock_whose_hours_are_not_known_is_not_paid_for() -> None:
    with providing(model_good("sonar")(NOW)) as stub, source("sonar", stub, Budget(9)) as bench:
        bench.tick()
        assert [one.symbol for one in bench.said(Opinion)] == ["BTC-USD"]


def test_a_failed_call_is_made_once_more_and_then_in_the_next_slot() -> None:
    with providing(Reply(503, {})) as stub, source("xai_grok", stub, Budget(9)) as bench:
        bench.hear(hours(NOW))
        for _ in range(28):
            bench.tick(60)
        assert len(stub.asked) == 2
        stub.script = model_good("xai_grok")(NOW)
        for _ in range(5):
            bench.tick(60)
        assert len(stub.asked) == 3
        assert bench.said(SourceStatus)[-1].state == "running"


def test_the_days_budget_is_shown_capped_and_whole_again_at_midnight_utc() -> None:
    budget = Budget(0.06)
    with providing(told("xai_grok", scores_text(SYMBOLS))) as stub:
        budget.reserve(NOW, 0.0)
        with source("sonar", stub, budget) as bench:
            stub.script = lambda _: told(
                "sonar", scores_text(SYMBOLS), usage={"cost": {"total_cost": 0.03}}
            )
            bench.hear(hours(NOW))
            bench.tick()
            bench.tick(1800)
            assert bench.said(SourceStatus)[-1].reason == "spent $0.06 of $0.06 today (UTC)"
            assert [one.usd for one in bench.said(SourceCall)] == pytest.approx([0.03, 0.03])
            bench.tick(1800)
            status = bench.said(SourceStatus)[-1]
            assert (status.state, len(stub.asked)) == ("backoff", 2)
            assert "midnight UTC" in status.reason
            assert "daily_budget_usd" in status.remedy
            bench.tick((DAY - bench.clock.now() % DAY) // SECOND - 60)
            assert len(stub.asked) == 2
            bench.tick(120)
            assert len(stub.asked) == 3


@both
def test_an_answer_without_its_price_or_a_call_without_an_answer_costs_what_was_reserved(
    name: str,
) -> None:
    reply = told(name, scores_text(SYMBOLS), usage=None)
    with model(name, reply) as (found, stub):
        found.readings(SYMBOLS, NOW)
        spent = found._budget._spent
        assert spent.usd == pytest.approx(found.reserved_usd)
        stub.script = lambda _: Reply(fault="truncate")
        with pytest.raises(TransientProviderError):
            found.readings(SYMBOLS, NOW)
        assert spent.usd == pytest.approx(2 * found.reserved_usd)
        stub.script = lambda _: Reply(500, {})
        with pytest.raises(TransientProviderError):
            found.readings(SYMBOLS, NOW)
        assert spent.usd == pytest.approx(2 * found.reserved_usd)


def test_a_price_without_end_costs_the_day_and_no_more() -> None:
    usage = {"cost_in_usd_ticks": 10**400}
    reply = told("xai_grok", scores_text(SYMBOLS), usage=usage)
    with model("xai_grok", reply, 2.0) as (found, _):
        found.readings(SYMBOLS, NOW)
        with pytest.raises(TransientProviderError, match="daily budget"):
            found.readings(SYMBOLS, NOW)
        found.readings(SYMBOLS, NOW + DAY)


def test_spending_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "spent.json"
    Budget(2.0, file).reserve(NOW, 1.9)
    again = Budget(2.0, file)
    with pytest.raises(TransientProviderError) as found:
        again.reserve(NOW + HOUR, 0.2)
    assert found.value.retry_after == pytest.approx((DAY - (NOW + HOUR) % DAY) / SECOND)
    again.reserve(NOW + DAY, 0.2)
    file.write_bytes(b"{torn")
    Budget(2.0, file).reserve(NOW + DAY + MINUTE, 1.9)


def test_another_model_than_the_one_asked_is_not_paid_for_again() -> None:
    reply = told("xai_grok", scores_text(SYMBOLS), model="grok-9-expensive")
    with providing(reply) as stub, source("xai_grok", stub, Budget(9)) as bench:
        bench.tick()
        assert [one.state for one in bench.parked] == ["disabled"]
        assert "sources.xai_grok.model" in bench.said(SourceStatus)[-1].remedy
