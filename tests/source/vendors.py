"""Every provider behind one interface, with what a good answer and a bad key look like on its wire."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from argo_actors.config import Source, is_coin
from argo_actors.host.secrets import Pair, Secrets
from argo_actors.source.alpaca import Alpaca
from argo_actors.source.alpha_vantage import AlphaVantage
from argo_actors.source.bars import Bar
from argo_actors.source.budget import Budget
from argo_actors.source.massive import Massive
from argo_actors.source.provider import Provider
from argo_actors.source.schedule import NEW_YORK
from argo_actors.source.sonar import Sonar
from argo_actors.source.xai_grok import XaiGrok
from argo_actors.source.yfinance import Yahoo
from argo_actors.units import SECOND, UtcNanos
from tests.source.provider_stub import HTML, JSON, Asked, Reply
from tests.source.readme_source import NAME as EXAMPLE
from tests.source.readme_source import example
from tests.source.source_bench import rising

KEY = "K3Y/of+a vendor"
"""Spelled differently in a URL, as some keys are."""
SECRET = "S3CR3T-of-a-vendor"


EXAMPLE_SOURCE = example()


class Vendor(NamedTuple):
    """One provider under test."""

    name: str
    make: Callable[[str, float], Provider]
    """From a base URL and a deadline."""
    good: Callable[[UtcNanos], Callable[[Asked], Reply]]
    bad_key: Reply | None
    """None for a vendor without keys."""
    no_key_in_reply: Callable[[str], Reply] | None
    """An error in which the vendor repeats what it was given."""
    quota: Reply
    empty: Reply
    nothing: str = "no bars"
    """The reason to be given for an empty answer."""
    scored: bool = False
    quota_seconds: float | None = 60.0
    """The least wait after it; None: as after any other failure."""


def rfc3339(at: UtcNanos) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def alpaca_rows(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    return [
        {"t": rfc3339(b.t), "o": b.o, "h": b.h, "l": b.low, "c": b.c, "v": b.v, "n": 3, "vw": b.c}
        for b in bars
    ]


def alpaca_good(now: UtcNanos) -> Callable[[Asked], Reply]:
    def script(asked: Asked) -> Reply:
        names = asked.query["symbols"].split(",")
        if asked.path.endswith("/bars"):
            rows = alpaca_rows(rising(now))
            return Reply(200, {"bars": dict.fromkeys(names, rows), "next_page_token": None})
        one = {
            "latestTrade": {"t": rfc3339(now - 2 * SECOND), "p": 126.0, "s": 1},
            "latestQuote": {"t": rfc3339(now - SECOND), "bp": 125.9, "ap": 126.3},
        }
        found: dict[str, Any] = dict.fromkeys(names, one)
        return Reply(200, {"snapshots": found} if "crypto" in asked.path else found)

    return script


def massive_rows(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    return [
        {"t": b.t // 1_000_000, "o": b.o, "h": b.h, "l": b.low, "c": b.c, "v": 10.5, "vw": b.c}
        for b in reversed(bars)
    ]


def massive_good(now: UtcNanos) -> Callable[[Asked], Reply]:
    def script(asked: Asked) -> Reply:
        if "/snapshot/" in asked.path:
            names = asked.query["tickers"].split(",")
            trade = {"p": 126.0, "t": now - 2 * SECOND, "s": 1}
            tickers = [{"ticker": one, "lastTrade": trade, "day": {"c": 0}} for one in names]
            return Reply(200, {"status": "OK", "tickers": tickers})
        return Reply(
            200, {"status": "OK", "resultsCount": 130, "results": massive_rows(rising(now))}
        )

    return script


def vantage_rows(bars: Sequence[Bar], zone: Any) -> dict[str, dict[str, str]]:
    return {
        datetime.fromtimestamp(b.t // SECOND, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"): {
            "1. open": f"{b.o:.4f}",
            "2. high": f"{b.h:.4f}",
            "3. low": f"{b.low:.4f}",
            "4. close": f"{b.c:.4f}",
            "5. volume": "1000",
        }
        for b in reversed(bars)
    }


def vantage_good(now: UtcNanos) -> Callable[[Asked], Reply]:
    def script(asked: Asked) -> Reply:
        coin = is_coin(f"{asked.query['symbol']}-{asked.query.get('market', '')}")
        rows = vantage_rows(rising(now), UTC if coin else NEW_YORK)
        return Reply(200, {"Meta Data": {}, "Time Series (1min)": rows})

    return script


def source(url: str, seconds: float) -> Source:
    return Source(base_url=url, plan="paid", timeout_seconds=seconds)


def told(vendor: str, text: Any, **more: Any) -> Reply:
    """A language model's envelope around this text."""
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "role": "assistant", "content": [part]}
    if vendor == "xai_grok":
        usage: dict[str, Any] = {"cost_in_usd_ticks": 260_000_000}
        search = {"type": "custom_tool_call", "name": "x_keyword_search"}
    else:
        usage = {"cost": {"total_cost": 0.0043, "currency": "USD"}}
        search = {"type": "search_results", "results": [{"id": 1, "url": "https://example.com"}]}
    body = {"status": "completed", "output": [search, message], "usage": usage}
    return Reply(200, body | more)


def scores_text(symbols: Sequence[str], score: Any = 0.5) -> str:
    return json.dumps({"scores": [{"symbol": one, "score": score} for one in symbols]})


def model_good(vendor: str) -> Callable[[UtcNanos], Callable[[Asked], Reply]]:
    def script(asked: Asked) -> Reply:
        body = json.loads(asked.body)
        form = body.get("response_format", {}).get("json_schema") or body["text"]["format"]
        rows = form["schema"]["properties"]["scores"]["items"]["properties"]
        return told(vendor, scores_text(rows["symbol"]["enum"]))

    return lambda now: script


def yahoo_chart(bars: Sequence[Bar]) -> dict[str, Any]:
    columns = {
        "open": [b.o for b in bars],
        "high": [b.h for b in bars],
        "low": [b.low for b in bars],
        "close": [b.c for b in bars],
        "volume": [1000 for _ in bars],
    }
    result = {
        "meta": {"currency": "USD"},
        "timestamp": [b.t // SECOND for b in bars],
        "indicators": {"quote": [columns]},
    }
    return {"chart": {"result": [result], "error": None}}


def yahoo_good(now: UtcNanos) -> Callable[[Asked], Reply]:
    def script(asked: Asked) -> Reply:
        if "/chart/" not in asked.path:
            return Reply(200, b"crumb", (("Content-Type", "text/plain"),))
        return Reply(200, yahoo_chart(rising(now)))

    return script


def twelve_good(now: UtcNanos) -> Callable[[Asked], Reply]:
    def script(asked: Asked) -> Reply:
        values = [
            {
                "datetime": datetime.fromtimestamp(b.t // SECOND, UTC).strftime(
                    "%Y-%m-%d %H:%M:%S"
                ),
                "open": str(b.o),
                "high": str(b.h),
                "low": str(b.low),
                "close": str(b.c),
            }
            for b in reversed(rising(now))
        ]
        return Reply(
            200, {"meta": {"symbol": asked.query["symbol"]}, "values": values, "status": "ok"}
        )

    return script


VENDORS = [
    Vendor(
        "alpaca",
        lambda url, seconds: Alpaca(source(url, seconds), Pair(KEY, SECRET)),
        alpaca_good,
        Reply(403, {"message": "forbidden."}),
        lambda key: Reply(403, {"message": f"the key {key} with {SECRET} is unknown"}),
        Reply(429, {"message": "too many requests."}),
        Reply(200, {"bars": {}, "next_page_token": None}),
    ),
    Vendor(
        "massive",
        lambda url, seconds: Massive(source(url, seconds), KEY),
        massive_good,
        Reply(401, {"status": "ERROR", "request_id": "1", "error": "Unknown API Key"}),
        lambda key: Reply(401, {"status": "ERROR", "error": f"Unknown API Key {key}"}),
        Reply(429, {"status": "ERROR", "error": "You've exceeded the maximum requests"}),
        Reply(200, {"status": "OK", "resultsCount": 0}),
    ),
    Vendor(
        "alpha_vantage",
        lambda url, seconds: AlphaVantage(source(url, seconds), KEY),
        vantage_good,
        Reply(200, {"Error Message": "the parameter apikey is invalid or missing. Please claim"}),
        lambda key: Reply(
            200,
            {
                "Information": f"We have detected your API key as {key} and our standard API rate "
                "limit is 25 requests per day. Please subscribe to any of the premium plans"
            },
        ),
        Reply(200, {"Note": "Our standard API call frequency is 5 calls per minute"}),
        Reply(200, {"Meta Data": {}, "Time Series (1min)": {}}),
        quota_seconds=2.0,
    ),
    Vendor(
        "xai_grok",
        lambda url, seconds: XaiGrok(source(url, seconds), KEY, Budget(1000.0)),
        model_good("xai_grok"),
        Reply(400, {"code": "invalid-argument", "error": "Incorrect API key provided. You can"}),
        lambda key: Reply(400, {"code": "x", "error": f"Incorrect API key provided: {key}."}),
        Reply(429, {"code": "resource-exhausted", "error": "Too many requests"}),
        Reply(200, {"status": "completed", "output": []}),
        "the model's answer has no message",
        scored=True,
        quota_seconds=None,
    ),
    Vendor(
        "sonar",
        lambda url, seconds: Sonar(source(url, seconds), KEY, Budget(1000.0)),
        model_good("sonar"),
        Reply(401, {"error": {"message": "Invalid API key", "type": "invalid_api_key"}}),
        lambda key: Reply(401, {"error": {"message": f"Invalid API key {key}", "code": 401}}),
        Reply(429, {"error": {"message": "Rate limit exceeded."}}, (*JSON, ("Retry-After", "70"))),
        Reply(200, {"status": "completed", "output": []}),
        "the model answered without sources",
        scored=True,
    ),
    Vendor(
        "yfinance",
        lambda url, seconds: Yahoo(source(url, seconds)),
        yahoo_good,
        None,
        None,
        Reply(429, b"Too Many Requests", HTML),
        Reply(200, {"chart": {"result": [], "error": None}}),
        quota_seconds=900.0,
    ),
    Vendor(
        EXAMPLE,
        lambda url, seconds: EXAMPLE_SOURCE.make(
            source(url, seconds), Secrets({"TWELVE_DATA_API_KEY": KEY}), Path()
        ),
        twelve_good,
        Reply(
            200, {"code": 401, "message": "**apikey** parameter is incorrect", "status": "error"}
        ),
        lambda key: Reply(401, {"code": 401, "message": f"{key} is incorrect", "status": "error"}),
        Reply(429, {"code": 429, "message": "You have run out of API credits", "status": "error"}),
        Reply(200, {"status": "ok"}),
    ),
]
