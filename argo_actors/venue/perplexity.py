"""Perplexity's agent API over a market, in its own wire format: strict about every field."""

from typing import Any

from .market import Market
from .models import Ask, bearer, decoded
from .skill import HONEST, Skill
from .wire import Answer, Request, answer, rfc3339

PREFIX = "/perplexity"
MODELS = ("perplexity/sonar",)
COST = {"input_cost": 0.0006, "output_cost": 0.0012, "tool_calls_cost": 0.0025}
_FIELDS = {
    "model",
    "preset",
    "input",
    "instructions",
    "max_output_tokens",
    "tools",
    "tool_choice",
    "response_format",
    "store",
}
MIGRATE = "Agent API migration required."
MOVED = "Sonar is now the Agent API. Please migrate to POST /v1/agent."


def handle(market: Market, now: int, request: Request, *, skill: Skill = HONEST["sonar"]) -> Answer:
    """Answer a request below `/perplexity`."""
    if not bearer(request.headers):
        return _error(401, "invalid_api_key", "Invalid API key provided.")
    method, rest = request.method, request.path.removeprefix(PREFIX)
    if rest in ("/chat/completions", "/v1/sonar"):
        return _error(403, "chat_completions_not_available", MOVED)
    if method != "POST" or rest not in ("/v1/agent", "/v1/responses"):
        return _error(404, "not_found", "Not found.")
    asked = decoded(request.body)
    if asked is None:
        return _error(400, "invalid_request", "The body is not a JSON object.")
    for name in asked:
        if name not in _FIELDS:
            return _error(400, "invalid_request", f"Unknown field: {name}", param=name)
    if "preset" not in asked and asked.get("model") not in MODELS:
        text = f"Invalid model: {asked.get('model')}"
        return _error(400, "invalid_request", text, param="model")
    return answer(200, _response(Ask(market, now, asked, skill)))


def too_many_requests(seconds: int = 7) -> Answer:
    """What a key over its rate gets."""
    status, headers, body = _error(429, "request_rate_limit_exceeded", "Rate limit exceeded.")
    return status, {**headers, "Retry-After": str(seconds)}, body


def failed() -> Answer:
    """An error that comes with a good status."""
    error = {"type": "server_error", "message": "The response could not be generated."}
    return answer(200, {"object": "response", "status": "failed", "output": [], "error": error})


def _error(status: int, kind: str, text: str, **more: str) -> Answer:
    return answer(status, {"error": {"message": text, "type": kind, "code": status, **more}})


def _response(ask: Ask) -> dict[str, Any]:
    form = (ask.body.get("response_format") or {}).get("json_schema") or {}
    part = {"type": "output_text", "text": ask.text(form.get("schema")), "annotations": []}
    message = {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": f"resp_{ask.id}",
        "object": "response",
        "status": "completed",
        "model": ask.body.get("model", MODELS[0]),
        # Without a forced search the model answers from memory.
        "output": [_search(ask), message] if ask.body.get("tool_choice") else [message],
        "error": None,
        "incomplete_details": None,
        "usage": {
            "input_tokens": 2400,
            "output_tokens": 480,
            "tool_calls_details": {"search_web": {"invocation": 1}},
            "cost": {**COST, "total_cost": sum(COST.values()), "currency": "USD"},
        },
    }


def _search(ask: Ask) -> dict[str, Any]:
    found = {
        "id": 1,
        "url": "https://example.com/a-market-that-does-not-exist",
        "title": "A simulated market",
        "snippet": "Nothing here is real.",
        "date": rfc3339(ask.now)[:10],
        "last_updated": rfc3339(ask.now)[:10],
        "source": "web",
    }
    return {"type": "search_results", "queries": ["market today"], "results": [found]}
