"""xAI's responses API over a market, in its own wire format: `error` is a bare sentence here."""

from typing import Any

from .market import Market
from .models import Ask, bearer, decoded
from .skill import HONEST, Skill
from .wire import Answer, Request, answer

PREFIX = "/xai"
MODELS = ("grok-4.7", "grok-4.6", "grok-4.5", "grok-4.3", "grok-4.20-0309-non-reasoning")
TICKS = 260_000_000
"""2.6 cents, the price of a call with three searches."""
BAD_KEY = "Incorrect API key provided. You can obtain an API key from https://console.x.ai."
NO_CREDITS = (
    "Your newly created team doesn't have any credits or licenses yet. You can purchase those on"
    " https://console.x.ai."
)
SPENT = (
    "Your team has either used all available credits or reached its monthly spending limit. To"
    " continue making API requests, please purchase more credits or raise your spending limit."
)


def handle(
    market: Market, now: int, request: Request, *, skill: Skill = HONEST["xai_grok"]
) -> Answer:
    """Answer a request below `/xai`."""
    if not bearer(request.headers):
        return _error(401, "unauthenticated", "No API key was provided.")
    method, rest = request.method, request.path.removeprefix(PREFIX)
    if method == "GET" and rest == "/models":
        return answer(200, {"object": "list", "data": [{"id": one} for one in MODELS]})
    asked = decoded(request.body)
    if method != "POST" or asked is None:
        return _error(400, "invalid-argument", "Failed to deserialize the JSON body.")
    if rest == "/chat/completions" and "search_parameters" in asked:
        text = "Live search is deprecated. Please switch to the Agent Tools API."
        return _error(410, "gone", text)
    if rest != "/responses":
        return _error(404, "not-found", "The requested resource was not found.")
    if asked.get("model") not in MODELS:
        text = f"The model {asked.get('model')} does not exist or your team has no access to it."
        return _error(404, "not-found", text)
    return answer(200, _response(Ask(market, now, asked, skill)))


def too_many_requests() -> Answer:
    """What a team over its rate gets."""
    return _error(429, "resource-exhausted", "Too many requests. Please slow down.")


def credits_spent() -> Answer:
    """What a team gets whose money is gone: the same status as a rate limit."""
    return _error(429, "resource-exhausted", SPENT)


def _error(status: int, code: str, text: str) -> Answer:
    return answer(status, {"code": code, "error": text})


def _response(ask: Ask) -> dict[str, Any]:
    form = ask.body.get("text") or {}
    schema = (form.get("format") or {}).get("schema")
    part = {"type": "output_text", "text": ask.text(schema), "annotations": []}
    search = {"type": "custom_tool_call", "name": "x_keyword_search", "status": "completed"}
    return {
        "id": ask.id,
        "object": "response",
        "status": "completed",
        "model": ask.body["model"],
        "output": [
            {**search, "id": f"ctc_{ask.id}", "input": "{}"},
            {"type": "message", "role": "assistant", "status": "completed", "content": [part]},
        ],
        "incomplete_details": None,
        "usage": {
            "input_tokens": 2400,
            "output_tokens": 300,
            "output_tokens_details": {"reasoning_tokens": 120},
            "num_sources_used": 0,
            "server_side_tool_usage_details": {"web_search_calls": 1, "x_search_calls": 2},
            "cost_in_usd_ticks": TICKS,
        },
    }
