"""How each vendor's failures look, and what is to come of them: one row for each, as data.

Each is provoked in the venue's emulation of the vendor, by a fault of its plan. `MATRIX` says of every
kind of failure and every source which rows show it, or why there can be none.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from argo_actors.cli.trouble import PATHS
from argo_actors.source.judge import SKEWED
from argo_actors.units import SECOND, UtcNanos
from tests.source.vendors import scores_text

Kind = Literal["permanent", "transient", "soft"]
Fault = dict[str, Any]
SYMBOLS = ["AAPL", "BTC-USD"]
ALPACA, MASSIVE, YAHOO, VANTAGE, XAI, SONAR = PATHS
BARS = (ALPACA, MASSIVE, YAHOO, VANTAGE)
MODELS = (XAI, SONAR)
FIRST = {ALPACA: 1.0, MASSIVE: 2.0, YAHOO: 5.0, VANTAGE: 30.0, XAI: 5.0, SONAR: 5.0}
"""Seconds before the second try at the most, where the vendor names none."""
MOST = {ALPACA: 60.0, MASSIVE: 120.0, YAHOO: 300.0, VANTAGE: 600.0, XAI: 120.0, SONAR: 120.0}
"""The longest wait."""
MINUTE = (60.0, 65.0)
HOUR = (3600.0, 3605.0)


class Failure(NamedTuple):
    """A row: permanent ones are parked, transient ones wait, soft ones are no opinion."""

    source: str
    what: str
    """The kind of failure."""
    name: str
    fault: Fault | Callable[[UtcNanos], Fault]
    """Of the venue's plan; some need the venue's time."""
    kind: Kind
    holds: str = ""
    """In the remedy of a permanent one, in the reason of any other."""
    wait: tuple[float, float] | None = None
    """Seconds, of a transient one; None: up to `FIRST`."""
    path: str = ""
    """Where it happens, if not at all of the vendor's paths."""


def vendor(how: str) -> Fault:
    """The vendor's own words."""
    return {"kind": "vendor", "how": how}


def edit(**values: Any) -> Fault:
    """The true answer with values set: `status="x"`, or a pointer."""
    return {"kind": "edit", "set": {f"/{name}": value for name, value in values.items()}}


def at(pointer: str, value: Any) -> Fault:
    """The true answer with one place set."""
    return {"kind": "edit", "set": {pointer: value}}


def garble(how: str) -> Fault:
    """An answer that cannot be used."""
    return {"kind": "garble", "how": how}


def reset_soon(now: UtcNanos) -> Fault:
    """A quota that ends 45 s from now, by the vendor's clock."""
    headers = {"X-RateLimit-Reset": str(now // SECOND + 45)}
    return {"kind": "answer", "status": 429, "headers": headers, "body": {"message": "too many"}}


DOWN: Fault = {"kind": "answer", "status": 503, "body": "<html>down</html>"}
GATEWAY: Fault = {"kind": "answer", "status": 504, "body": {"message": "timeout"}}
HANGS: Fault = {"kind": "hang"}
STALE: Fault = {"kind": "stale", "seconds": 600}
AHEAD: Fault = {"kind": "skew", "seconds": 90}
BEHIND: Fault = {"kind": "skew", "seconds": -90}
CHART = "/yahoo/v8/*"
SERIES = ("Time Series (1min)", "Time Series Crypto (1min)")
TEXT = "/output/*/content/*/text"
CLOSES = "/chart/result/*/indicators/quote/*/close/*"


def _common(source: str) -> list[Failure]:
    """What every vendor's server and network can do."""
    chart = CHART if source == YAHOO else ""
    broken = ("html", "empty", "truncated", "oversized", "bomb")
    return [
        Failure(source, "5xx", "503", DOWN, "transient", "503", path=chart),
        Failure(source, "5xx", "504", GATEWAY, "transient", "504", path=chart),
        Failure(source, "timeout", "hangs", HANGS, "transient", path=chart),
        Failure(source, "no connection", "drops", {"kind": "drop"}, "transient", path=chart),
        *(
            Failure(source, "malformed", one, garble(one), "transient", path=chart)
            for one in broken
        ),
        Failure(source, "clock skew", "ahead", AHEAD, "soft", SKEWED),
        Failure(source, "clock skew", "behind", BEHIND, "soft", SKEWED),
    ]


FAILURES = [
    *(row for source in PATHS for row in _common(source)),
    *(Failure(one, "stale", "old bars", STALE, "soft", "stale") for one in BARS),
    Failure(ALPACA, "bad key", "401", vendor("unauthorized"), "permanent", "APCA_DATA"),
    Failure(ALPACA, "bad key", "403", vendor("bad_key"), "permanent", "APCA_DATA"),
    Failure(ALPACA, "bad key", "403 in HTML", vendor("forbidden"), "permanent", "APCA_DATA"),
    Failure(ALPACA, "no plan", "SIP", vendor("no_plan"), "permanent", 'feed to "iex"'),
    Failure(ALPACA, "quota", "429", vendor("quota"), "transient", "429", MINUTE),
    Failure(ALPACA, "quota", "429 with its end", reset_soon, "transient", "429", (45.0, 51.0)),
    Failure(ALPACA, "malformed", "no bars key", {"kind": "edit", "drop": ["/bars"]}, "transient"),
    Failure(ALPACA, "empty", "no bars", edit(bars={}), "soft", "no bars"),
    Failure(MASSIVE, "bad key", "401", vendor("bad_key"), "permanent", "MASSIVE_API_KEY"),
    Failure(MASSIVE, "no plan", "403", vendor("no_plan"), "soft", "a plan with this data"),
    Failure(MASSIVE, "quota", "429", vendor("quota"), "transient", "429", MINUTE),
    Failure(
        MASSIVE, "empty", "no results", {"kind": "edit", "drop": ["/results"]}, "soft", "no bars"
    ),
    Failure(MASSIVE, "delayed", "DELAYED", edit(status="DELAYED"), "soft", "delayed"),
    Failure(YAHOO, "quota", "429", vendor("quota"), "transient", "429", (900.0, 905.0), CHART),
    Failure(YAHOO, "crumb", "401", vendor("bad_key"), "transient", "crumb", path=CHART),
    Failure(YAHOO, "crumb", "a page of consent", vendor("consent"), "transient", "not"),
    Failure(YAHOO, "symbol", "404", vendor("symbol"), "soft", "does not know", path=CHART),
    Failure(YAHOO, "empty", "no frame", at("/chart/result", []), "soft", "no bars", path=CHART),
    Failure(YAHOO, "nulls", "closes", at(CLOSES, None), "soft", "no bars", path=CHART),
    Failure(VANTAGE, "bad key", "invalid", vendor("bad_key"), "permanent", "ALPHA_VANTAGE_API"),
    Failure(VANTAGE, "no plan", "premium", vendor("no_plan"), "permanent", "premium key"),
    Failure(VANTAGE, "quota", "of the day", vendor("quota"), "transient", "***", HOUR),
    Failure(VANTAGE, "burst", "Information", vendor("burst"), "transient", "sparingly", (2.0, 7.0)),
    Failure(VANTAGE, "burst", "Note", vendor("note"), "transient", "call frequency", (2.0, 7.0)),
    Failure(VANTAGE, "symbol", "invalid call", vendor("symbol"), "soft", "check the symbol"),
    Failure(
        VANTAGE,
        "malformed",
        "no series",
        {"kind": "edit", "drop": [f"/{one}" for one in SERIES]},
        "transient",
        "time series",
    ),
    Failure(
        VANTAGE,
        "empty",
        "no rows",
        {"kind": "edit", "set": {f"/{one}": {} for one in SERIES}},
        "soft",
        "no bars",
    ),
    Failure(XAI, "bad key", "400", vendor("bad_key"), "permanent", "XAI_API_KEY"),
    Failure(XAI, "bad key", "401", vendor("unauthorized"), "permanent", "XAI_API_KEY"),
    Failure(XAI, "no money", "none yet", vendor("no_money"), "permanent", "buy credits"),
    Failure(XAI, "no money", "spent, 429", vendor("spent"), "permanent", "buy credits"),
    Failure(XAI, "no money", "spent, 403", vendor("forbidden"), "permanent", "buy credits"),
    Failure(XAI, "quota", "429", vendor("quota"), "transient", "429"),
    Failure(XAI, "retired model", "404", vendor("model"), "permanent", "xai_grok.model"),
    Failure(XAI, "retired model", "400", vendor("unknown"), "permanent", "xai_grok.model"),
    Failure(XAI, "retired model", "another answers", edit(model="grok-4.9"), "permanent", ".model"),
    Failure(XAI, "wrong API", "410", vendor("moved"), "permanent", "update the program"),
    Failure(XAI, "useless", "cut off", edit(status="incomplete"), "soft", "cut off"),
    Failure(XAI, "useless", "not JSON", at(TEXT, "Buy!"), "soft", "not JSON"),
    Failure(XAI, "useless", "schema", at(TEXT, '{"score": 1}'), "soft", "schema"),
    Failure(XAI, "empty", "no message", edit(output=[]), "soft", "no message"),
    Failure(SONAR, "bad key", "401", vendor("bad_key"), "permanent", "PERPLEXITY_API_KEY"),
    Failure(SONAR, "bad key", "of another kind", vendor("forbidden"), "permanent", "PERPLEXITY"),
    Failure(SONAR, "no money", "401", vendor("no_money"), "permanent", "check its credits"),
    Failure(SONAR, "wrong API", "chat", vendor("moved"), "permanent", "update the program"),
    Failure(SONAR, "wrong API", "migration", vendor("retired"), "permanent", "update the program"),
    Failure(SONAR, "retired model", "400", vendor("model"), "permanent", "sonar.model"),
    Failure(SONAR, "quota", "429 with a time", vendor("quota"), "transient", "429", (7.0, 12.0)),
    Failure(SONAR, "quota", "429", vendor("no_wait"), "transient", "429"),
    Failure(SONAR, "5xx", "200 and failed", vendor("failed"), "transient", "not completed"),
    Failure(SONAR, "no sources", "none", at("/output/*/results", []), "soft", "without sources"),
    Failure(SONAR, "useless", "cut off", edit(status="incomplete"), "soft", "cut off"),
    Failure(SONAR, "useless", "not JSON", at(TEXT, scores_text(SYMBOLS)[:-1]), "soft", "not JSON"),
    Failure(SONAR, "useless", "schema", at(TEXT, '{"score": 1}'), "soft", "schema"),
    Failure(SONAR, "empty", "no message", edit(output=[]), "soft", "without sources"),
]

NO_BARS = "it answers scores, not bars"
NO_MODEL = "no language model answers"
ELSEWHERE = "it counts its calls by the minute only: see quota"
UNTOLD = "a symbol that it does not have is left out of the answer: see empty"
CANNOT: dict[str, dict[str, str]] = {
    "bad key": {YAHOO: "there are no keys: see crumb"},
    "no plan": {YAHOO: "there are no plans", XAI: "see no money", SONAR: "see no money"},
    "no money": dict.fromkeys(BARS, "nothing is paid by the call: see no plan"),
    "quota": {},
    "burst": dict.fromkeys((ALPACA, MASSIVE, YAHOO, *MODELS), ELSEWHERE),
    "5xx": {},
    "timeout": {},
    "no connection": {},
    "malformed": {},
    "useless": dict.fromkeys(BARS, NO_MODEL),
    "empty": {},
    "stale": dict.fromkeys(
        MODELS, "as of its answer; it ends with `valid_until` and then has no weight (consensus)"
    ),
    "delayed": dict.fromkeys((ALPACA, YAHOO, VANTAGE), "its answer does not say so: see stale")
    | dict.fromkeys(MODELS, NO_BARS),
    "symbol": dict.fromkeys((ALPACA, MASSIVE), UNTOLD)
    | dict.fromkeys(MODELS, "it answers the symbols of our schema"),
    "crumb": dict.fromkeys((ALPACA, MASSIVE, VANTAGE, *MODELS), "it has keys: see bad key"),
    "nulls": dict.fromkeys((ALPACA, MASSIVE, VANTAGE), "a bar without a trade is left out")
    | dict.fromkeys(MODELS, NO_BARS),
    "retired model": dict.fromkeys(BARS, NO_MODEL),
    "wrong API": dict.fromkeys(BARS, "its paths carry their version: see malformed"),
    "no sources": dict.fromkeys(BARS, NO_MODEL)
    | {XAI: "it searches by itself or not, and may find nothing"},
    "clock skew": {},
}
"""Every kind of failure, and for which sources there can be no row, and why."""
