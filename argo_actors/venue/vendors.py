"""What the data vendors themselves answer when something is wrong, by a short name (`kind: vendor`)."""

from collections.abc import Callable
from typing import Literal

from . import alpha_vantage, massive, perplexity, xai, yahoo
from .data_rest import forbidden
from .wire import Answer, Headers, Query, answer, header

ALPACA = "/alpaca"
"""Alpaca's market data once more, for a client that is to be told from others."""

How = Literal[
    "bad_key",
    "no_plan",
    "no_money",
    "spent",
    "quota",
    "burst",
    "symbol",
    "moved",
    "model",
    "failed",
    "consent",
    "unauthorized",
    "forbidden",
    "retired",
    "unknown",
    "note",
    "no_wait",
]
Reply = Callable[[str], Answer]
"""From the key that was shown."""


def failure(path: str, how: str, key: str) -> Answer | None:
    """The vendor's own words; None where the path is no vendor's, or it has no such failure."""
    for prefix, known in FAILURES.items():
        if path.startswith(f"{prefix}/"):
            reply = known.get(how)
            return None if reply is None else reply(key)
    return None


def key_of(query: Query, headers: Headers) -> str:
    """The key in a request, wherever its vendor wants it."""
    _, _, bearer = header(headers, "Authorization").partition(" ")
    return (
        bearer
        or header(headers, "APCA-API-KEY-ID")
        or query.get("apikey", "")
        or query.get("apiKey", "")
    )


def _told(status: int, body: object, **headers: str) -> Reply:
    code, given, text = answer(status, body)
    return lambda _: (code, {**given, **headers}, text)


def _massive(status: int, name: str, text: str) -> Reply:
    kind = "NOT_AUTHORIZED" if status == 403 else "ERROR"
    return _told(status, {"status": kind, "request_id": "simulated", name: text})


def _yahoo(status: int, code: str, text: str) -> Reply:
    return _told(status, {"chart": {"result": None, "error": {"code": code, "description": text}}})


def _xai(status: int, code: str, text: str) -> Reply:
    return _told(status, {"code": code, "error": text})


def _perplexity(status: int, kind: str, text: str) -> Reply:
    return _told(status, {"error": {"message": text, "type": kind, "code": status}})


_PAGE = b"<html><head><title>403 Forbidden</title></head><body>nginx</body></html>"
_CONSENT = b'<html><form><input name="csrfToken" value="x"></form></html>'

FAILURES: dict[str, dict[str, Reply]] = {
    ALPACA: {
        "bad_key": lambda _: forbidden(),
        "unauthorized": _told(401, {"message": "unauthorized."}),
        "forbidden": lambda _: (403, {"Content-Type": "text/html"}, _PAGE),
        "no_plan": _told(403, {"message": "subscription does not permit querying recent SIP data"}),
        "quota": _told(429, {"message": "too many requests."}, **{"X-RateLimit-Remaining": "0"}),
    },
    massive.PREFIX: {
        "bad_key": _massive(401, "error", "Unknown API Key"),
        "no_plan": _massive(403, "message", "You are not entitled to this data."),
        "quota": lambda _: massive.too_many_requests(),
    },
    yahoo.PREFIX: {
        "bad_key": _yahoo(401, "Unauthorized", "Invalid Crumb"),
        "quota": lambda _: yahoo.too_many_requests(),
        "symbol": _yahoo(404, "Not Found", "No data found, symbol may be delisted"),
        "consent": lambda _: (200, {"Content-Type": "text/html"}, _CONSENT),
    },
    alpha_vantage.PREFIX: {
        "bad_key": _told(200, {"Error Message": alpha_vantage.BAD_KEY}),
        "no_plan": _told(200, {"Information": alpha_vantage.PREMIUM}),
        "quota": alpha_vantage.daily_quota_used,
        "burst": _told(200, {"Information": alpha_vantage.BURST}),
        "note": _told(200, {"Note": alpha_vantage.FREQUENCY}),
        "symbol": _told(200, {"Error Message": "Invalid API call. Please retry or visit the docs"}),
    },
    xai.PREFIX: {
        "bad_key": _xai(400, "invalid-argument", xai.BAD_KEY),
        "unauthorized": _xai(401, "unauthenticated", "No API key was provided."),
        "forbidden": _xai(403, "permission-denied", xai.SPENT),
        "no_money": _xai(403, "permission-denied", xai.NO_CREDITS),
        "spent": lambda _: xai.credits_spent(),
        "quota": lambda _: xai.too_many_requests(),
        "model": _xai(404, "not-found", "The model does not exist or you have no access to it."),
        "unknown": _xai(400, "invalid-argument", "Model not found: grok-x"),
        "moved": _xai(
            410, "gone", "Live search is deprecated. Please switch to the Agent Tools API."
        ),
    },
    perplexity.PREFIX: {
        "bad_key": _perplexity(401, "invalid_api_key", "Invalid API key provided."),
        "no_money": _perplexity(401, "insufficient_credits", "You have run out of credits."),
        "forbidden": _perplexity(403, "forbidden", "This key may not be used here."),
        "moved": _perplexity(403, "chat_completions_not_available", perplexity.MOVED),
        "retired": _perplexity(403, "agent_api_migration_required", perplexity.MIGRATE),
        "model": _perplexity(400, "invalid_request", "Invalid model"),
        "quota": lambda _: perplexity.too_many_requests(),
        "no_wait": _perplexity(429, "request_rate_limit_exceeded", "Rate limit exceeded."),
        "failed": lambda _: perplexity.failed(),
    },
}
"""By the path below which each vendor answers."""
