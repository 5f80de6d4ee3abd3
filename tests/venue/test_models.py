"""The simulated xAI, Perplexity and Yahoo, each in its vendor's words."""

import json
from typing import Any

import pytest

from argo_actors.venue import perplexity, xai, yahoo
from argo_actors.venue.generated import Generated
from argo_actors.venue.providers import handle_provider
from argo_actors.venue.skill import HONEST, score
from argo_actors.venue.wire import Request
from tests.venue.test_providers import BEARER, JSON, MARKET, NOW

NAMES = ["AAPL", "BTC-USD"]
SCHEMA = {
    "properties": {"scores": {"items": {"properties": {"symbol": {"enum": [*NAMES, "NOBODY"]}}}}}
}
XAI_BODY = {
    "model": "grok-4.3",
    "input": [],
    "tools": [{"type": "x_search"}],
    "text": {"format": {"type": "json_schema", "schema": SCHEMA}},
}
AGENT_BODY = {
    "model": "perplexity/sonar",
    "input": "?",
    "tools": [{"type": "web_search"}],
    "tool_choice": {"type": "web_search"},
    "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
}


def post(
    path: str, body: Any, headers: dict[str, str] = BEARER, **options: Any
) -> tuple[int, JSON]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = handle_provider(MARKET, NOW, Request("POST", path, {}, headers, raw), **options)
    assert found is not None
    return found[0], json.loads(found[2])


def chart(symbol: str, **query: str) -> tuple[int, JSON]:
    path = f"/yahoo/v8/finance/chart/{symbol}"
    found = handle_provider(MARKET, NOW, Request("GET", path, query, {}))
    assert found is not None
    return found[0], json.loads(found[2])["chart"]


def rated(body: JSON) -> dict[str, float]:
    (message,) = [one for one in body["output"] if one["type"] == "message"]
    scores = json.loads(message["content"][0]["text"])["scores"]
    return {one["symbol"]: one["score"] for one in scores}


def test_xai_scores_every_symbol_it_knows_and_names_its_price() -> None:
    status, body = post("/xai/responses", XAI_BODY)
    assert (status, body["status"], body["model"]) == (200, "completed", "grok-4.3")
    assert list(rated(body)) == NAMES
    assert all(-1 <= one <= 1 for one in rated(body).values())
    assert body["usage"]["cost_in_usd_ticks"] == xai.TICKS
    assert body["output"][0]["type"] == "custom_tool_call"


@pytest.mark.parametrize(
    ("path", "body", "options", "status", "text"),
    [
        ("/xai/responses", XAI_BODY, {"headers": {}}, 401, "No API key"),
        ("/xai/responses", XAI_BODY | {"model": "grok-3"}, {}, 404, "grok-3"),
        ("/xai/responses", b"{", {}, 400, "deserialize"),
        ("/xai/chat/completions", {"search_parameters": {}}, {}, 410, "Live search is deprecated"),
        ("/xai/nothing", {}, {}, 404, "not found"),
    ],
)
def test_xais_errors_are_bare_sentences(
    path: str, body: Any, options: dict[str, Any], status: int, text: str
) -> None:
    found, answer = post(path, body, **options)
    assert found == status
    assert text in answer["error"]


def test_perplexity_searches_when_it_must_and_names_its_price() -> None:
    status, body = post("/perplexity/v1/agent", AGENT_BODY)
    assert (status, body["status"]) == (200, "completed")
    assert [one["type"] for one in body["output"]] == ["search_results", "message"]
    assert list(rated(body)) == NAMES
    assert body["usage"]["cost"]["total_cost"] == pytest.approx(0.0043)
    free = {name: value for name, value in AGENT_BODY.items() if name != "tool_choice"}
    assert [one["type"] for one in post("/perplexity/v1/agent", free)[1]["output"]] == ["message"]


@pytest.mark.parametrize(
    ("path", "body", "options", "status", "kind"),
    [
        ("/v1/agent", AGENT_BODY, {"headers": {}}, 401, "invalid_api_key"),
        ("/v1/agent", AGENT_BODY | {"text": {}}, {}, 400, "invalid_request"),
        ("/v1/agent", AGENT_BODY | {"model": "sonar"}, {}, 400, "invalid_request"),
        ("/v1/agent", b"[]", {}, 400, "invalid_request"),
        ("/chat/completions", AGENT_BODY, {}, 403, "chat_completions_not_available"),
        ("/nothing", AGENT_BODY, {}, 404, "not_found"),
    ],
)
def test_perplexitys_errors_are_objects_with_their_status(
    path: str, body: Any, options: dict[str, Any], status: int, kind: str
) -> None:
    found, answer = post(f"/perplexity{path}", body, **options)
    assert found == status
    assert (answer["error"]["type"], answer["error"]["code"]) == (kind, status)


def test_quotas_look_as_their_vendors_write_them() -> None:
    assert xai.too_many_requests()[0] == xai.credits_spent()[0] == 429
    assert b"spending limit" in xai.credits_spent()[2]
    status, headers, _ = perplexity.too_many_requests(7)
    assert (status, headers["Retry-After"]) == (429, "7")
    assert json.loads(perplexity.failed()[2])["status"] == "failed"
    assert yahoo.too_many_requests()[::2] == (429, b"Too Many Requests\r\n")


def test_yahoos_columns_are_the_markets_bars_with_the_running_day() -> None:
    status, found = chart("AAPL", interval="1d", range="1y")
    assert status == 200
    (result,) = found["result"]
    quote = result["indicators"]["quote"][0]
    assert len(result["timestamp"]) == len(quote["close"]) > 240
    bars = MARKET.bars("AAPL", "1Day", 0, NOW, NOW, running=True)
    assert quote["close"][-2:] == [one.c for one in bars[-2:]]
    # 09:30 in New York, half an hour before the market of this test begins.
    assert NOW // 10**9 - result["timestamp"][-1] == 1890


def test_yahoos_errors() -> None:
    assert chart("QQQQQ")[1]["error"]["code"] == "Not Found"
    assert chart("AAPL", interval="7m")[0] == 422
    crumb = handle_provider(MARKET, NOW, Request("GET", "/yahoo/v1/test/getcrumb", {}, {}))
    assert crumb is not None
    assert crumb[2] == yahoo.CRUMB.encode()


def test_the_default_model_takes_both_sides() -> None:
    market = Generated(7, NOW)
    found = [score(market, name, NOW, HONEST["sonar"]) for name in market.assets]
    assert min(found) < -0.5
    assert max(found) > 0.5
