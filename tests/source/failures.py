"""How each vendor's failures look, and what is to come of them: one row for each, as data."""

from typing import Any, Literal, NamedTuple

from argo_actors.source.bars import Bar
from argo_actors.units import DAY
from tests.source.provider_stub import HTML, JSON, Asked, Reply, Script
from tests.source.source_bench import NOW, rising
from tests.source.vendors import (
    KEY,
    alpaca_rows,
    massive_rows,
    scores_text,
    told,
    vantage_rows,
    yahoo_chart,
)

Kind = Literal["permanent", "transient", "soft"]
SYMBOLS = ["AAPL", "BTC-USD"]
DATED = (*JSON, ("Date", "Wed, 04 Mar 2026 15:00:05 GMT"))
ANY = (0.0, 300.0)
MINUTE = (60.0, 65.0)
HOUR = (3600.0, 3605.0)


class Failure(NamedTuple):
    """A row: permanent ones are parked, transient ones wait, soft ones are no opinion."""

    source: str
    name: str
    reply: Reply | Script
    kind: Kind
    holds: str = ""
    """In the remedy of a permanent one, in the reason of any other."""
    wait: tuple[float, float] = ANY
    """Seconds, of a transient one."""


def alpaca(bars: list[Bar]) -> Script:
    """The same bars of every symbol, and no snapshots."""

    def script(asked: Asked) -> Reply:
        if not asked.path.endswith("/bars"):
            return Reply(200, {"snapshots": {}})
        return Reply(
            200, {"bars": dict.fromkeys(asked.query["symbols"].split(","), alpaca_rows(bars))}
        )

    return script


def old_chart(asked: Asked) -> Reply:
    if "/chart/" not in asked.path:
        return Reply(200, b"crumb", (("Content-Type", "text/plain"),))
    return Reply(200, yahoo_chart(rising(NOW - 40 * DAY)))


def yahoo(reply: Reply) -> Script:
    """Cookie and crumb are given; the chart is not."""

    def script(asked: Asked) -> Reply:
        crumb = Reply(200, b"crumb", (("Content-Type", "text/plain"),))
        return reply if "/chart/" in asked.path else crumb

    return script


def nulls() -> dict[str, Any]:
    chart = yahoo_chart(rising(NOW))
    quote = chart["chart"]["result"][0]["indicators"]["quote"][0]
    quote["close"] = [None for _ in quote["close"]]
    return chart


def chart_error(code: str, text: str) -> dict[str, Any]:
    return {"chart": {"result": None, "error": {"code": code, "description": text}}}


def vantage(name: str, text: str) -> Reply:
    return Reply(200, {name: text})


def xai(status: int, text: str, code: str = "x") -> Reply:
    return Reply(status, {"code": code, "error": text})


def perplexity(status: int, kind: str, text: str, *headers: tuple[str, str]) -> Reply:
    body = {"error": {"message": text, "type": kind, "code": status}}
    return Reply(status, body, (*JSON, *headers))


OLD = rising(NOW - DAY)
DETECTED = f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests"
PREMIUM = "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe"
SPENT = "Your team has either used all available credits or reached its monthly spending limit."
NONE_YET = "Your newly created team doesn't have any credits or licenses yet."
CONSENT = b'<html><form><input name="csrfToken" value="x"></form></html>'
FAR_RESET = ("X-RateLimit-Reset", "1772636445")
DOWN = Reply(503, b"<html>down</html>", HTML)
HANGS = Reply(200, b"{", fault="hang")

FAILURES = [
    Failure("alpaca", "bad key", Reply(401, {"message": "unauthorized."}), "permanent", "APCA"),
    Failure("alpaca", "bad key, 403", Reply(403, {"message": "forbidden."}), "permanent", "APCA"),
    Failure("alpaca", "bad key, HTML", Reply(403, b"<html>", HTML), "permanent", "APCA"),
    Failure(
        "alpaca",
        "no plan",
        Reply(403, {"message": "subscription does not permit querying recent SIP data"}),
        "permanent",
        'feed to "iex"',
    ),
    Failure("alpaca", "quota", Reply(429, {}), "transient", "429", MINUTE),
    Failure(
        "alpaca", "quota with its end", Reply(429, {}, (*DATED, FAR_RESET)), "transient", "429", ANY
    ),
    Failure("alpaca", "5xx", DOWN, "transient", "503"),
    Failure("alpaca", "timeout", HANGS, "transient"),
    Failure("alpaca", "malformed", Reply(200, b"", HTML), "transient"),
    Failure("alpaca", "no bars key", Reply(200, {}), "transient", "malformed"),
    Failure("alpaca", "empty", alpaca([]), "soft", "no bars"),
    Failure(
        "alpaca",
        "stale",
        alpaca(OLD),
        "soft",
        "stale",
    ),
    Failure("massive", "bad key", Reply(401, {"error": "Unknown API Key"}), "permanent", "MASSIVE"),
    Failure(
        "massive",
        "no plan",
        Reply(403, {"status": "NOT_AUTHORIZED", "message": "You are not entitled to this data."}),
        "soft",
        "a plan with this data",
    ),
    Failure("massive", "quota", Reply(429, {"error": "exceeded"}), "transient", "429", MINUTE),
    Failure("massive", "5xx", DOWN, "transient", "503"),
    Failure("massive", "timeout", HANGS, "transient"),
    Failure("massive", "none", Reply(200, {"status": "OK", "resultsCount": 0}), "soft", "no bars"),
    Failure(
        "massive",
        "delayed",
        Reply(200, {"status": "DELAYED", "results": massive_rows(rising(NOW))}),
        "soft",
        "delayed",
    ),
    Failure(
        "massive",
        "stale",
        Reply(200, {"status": "OK", "results": massive_rows(OLD)}),
        "soft",
        "stale",
    ),
    Failure(
        "yfinance",
        "quota",
        yahoo(Reply(429, b"Too Many Requests", HTML)),
        "transient",
        "429",
        (900.0, 905.0),
    ),
    Failure(
        "yfinance",
        "crumb",
        yahoo(Reply(401, chart_error("Unauthorized", "Invalid Crumb"))),
        "transient",
        "crumb",
    ),
    Failure(
        "yfinance",
        "symbol",
        yahoo(Reply(404, chart_error("Not Found", "No data found"))),
        "soft",
        "does not know",
    ),
    Failure("yfinance", "consent page", Reply(200, CONSENT, HTML), "transient", "not"),
    Failure("yfinance", "5xx", yahoo(DOWN), "transient", "503"),
    Failure("yfinance", "timeout", yahoo(HANGS), "transient"),
    Failure("yfinance", "HTML", yahoo(Reply(200, b"<html>", HTML)), "transient", "not JSON"),
    Failure("yfinance", "empty", yahoo(Reply(200, chart_error("", ""))), "soft", "no bars"),
    Failure("yfinance", "stale", old_chart, "soft", "stale"),
    Failure("yfinance", "nulls", yahoo(Reply(200, nulls())), "soft", "no bars"),
    Failure(
        "alpha_vantage",
        "bad key",
        vantage("Error Message", "the parameter apikey is invalid or missing."),
        "permanent",
        "ALPHA_VANTAGE_API_KEY",
    ),
    Failure("alpha_vantage", "no plan", vantage("Information", PREMIUM), "permanent", "premium"),
    Failure(
        "alpha_vantage",
        "daily quota",
        vantage("Information", f"{DETECTED} per day. See premium plans"),
        "transient",
        "***",
        HOUR,
    ),
    Failure(
        "alpha_vantage",
        "burst",
        vantage("Information", "more sparingly (1 request per second)"),
        "transient",
        "sparingly",
        MINUTE,
    ),
    Failure(
        "alpha_vantage",
        "symbol",
        vantage("Error Message", "Invalid API call. Please retry"),
        "soft",
        "check the symbol",
    ),
    Failure("alpha_vantage", "5xx", DOWN, "transient", "503"),
    Failure("alpha_vantage", "timeout", HANGS, "transient"),
    Failure("alpha_vantage", "malformed", Reply(200, {}), "transient", "time series"),
    Failure(
        "alpha_vantage",
        "stale",
        lambda asked: Reply(200, {"Time Series (1min)": vantage_rows(OLD, None)}),
        "soft",
        "stale",
    ),
    Failure("xai_grok", "bad key", xai(400, "Incorrect API key provided."), "permanent", "XAI"),
    Failure("xai_grok", "no key", xai(401, "No API key"), "permanent", "XAI_API_KEY"),
    Failure("xai_grok", "no money yet", xai(403, NONE_YET), "permanent", "buy credits"),
    Failure("xai_grok", "money spent", xai(429, SPENT), "permanent", "buy credits"),
    Failure("xai_grok", "money spent, 403", xai(403, SPENT), "permanent", "buy credits"),
    Failure("xai_grok", "quota", xai(429, "Too many requests"), "transient", "429", MINUTE),
    Failure("xai_grok", "retired model", xai(404, "The model grok-3 was"), "permanent", ".model"),
    Failure("xai_grok", "unknown model", xai(400, "no model grok-x"), "permanent", ".model"),
    Failure("xai_grok", "feature", xai(410, "Live search is deprecated."), "permanent", "update"),
    Failure("xai_grok", "5xx", DOWN, "transient", "503"),
    Failure("xai_grok", "timeout", HANGS, "transient"),
    Failure("xai_grok", "cut off", told("xai_grok", "{", status="incomplete"), "soft", "cut off"),
    Failure("xai_grok", "not JSON", told("xai_grok", "Buy!"), "soft", "not JSON"),
    Failure("xai_grok", "schema", told("xai_grok", '{"score": 1}'), "soft", "schema"),
    Failure("sonar", "bad key", perplexity(401, "invalid_api_key", "no"), "permanent", "PERPLEX"),
    Failure("sonar", "no credits", perplexity(401, "x", "no credits"), "permanent", "credits"),
    Failure(
        "sonar",
        "wrong API",
        perplexity(403, "chat_completions_not_available", "Sonar is now the Agent API."),
        "permanent",
        "update the program",
    ),
    Failure(
        "sonar", "wrong kind of key", perplexity(403, "forbidden", "no"), "permanent", "PERPLEX"
    ),
    Failure("sonar", "bad request", perplexity(400, "invalid_request", "?"), "permanent", "model"),
    Failure(
        "sonar",
        "quota",
        perplexity(429, "request_rate_limit_exceeded", "slow", ("Retry-After", "7")),
        "transient",
        "429",
        (7.0, 12.0),
    ),
    Failure("sonar", "quota without a time", perplexity(429, "x", "slow"), "transient", "", MINUTE),
    Failure("sonar", "5xx", DOWN, "transient", "503"),
    Failure("sonar", "timeout", HANGS, "transient"),
    Failure(
        "sonar", "failed", Reply(200, {"status": "failed", "output": []}), "transient", "completed"
    ),
    Failure(
        "sonar",
        "no sources",
        told("sonar", "", output=[{"type": "message", "content": []}]),
        "soft",
        "without sources",
    ),
    Failure("sonar", "not JSON", told("sonar", scores_text(SYMBOLS)[:-1]), "soft", "not JSON"),
]
