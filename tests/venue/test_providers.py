import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from argo_actors.venue.alpha_vantage import daily_quota_used
from argo_actors.venue.generated import Generated
from argo_actors.venue.massive import too_many_requests
from argo_actors.venue.options import OptionsError, options_of
from argo_actors.venue.providers import handle_provider
from argo_actors.venue.server import Venue
from argo_actors.venue.wire import Request

NEW_YORK = ZoneInfo("America/New_York")
MINUTE = 60 * 10**9
START = int(datetime(2026, 3, 4, 10, tzinfo=NEW_YORK).timestamp()) * 10**9
NOW = START + 90 * 10**9
MARKET = Generated(7, START)
JSON = dict[str, Any]
BEARER = {"authorization": "Bearer key"}


def massive(
    path: str, headers: dict[str, str] = BEARER, now: int = NOW, **query: str
) -> tuple[int, JSON]:
    """A request to Massive with a paid plan."""
    found = handle_provider(MARKET, now, Request("GET", f"/massive{path}", query, headers))
    assert found is not None
    return found[0], json.loads(found[2])


def vantage(function: str, **query: str) -> JSON:
    """A request to Alpha Vantage with a premium key; its status is always 200."""
    asked = {"function": function, "apikey": "key", **query}
    found = handle_provider(MARKET, NOW, Request("GET", "/alpha_vantage/query", asked, {}))
    assert found is not None
    assert found[0] == 200
    body: JSON = json.loads(found[2])
    return body


def free(path: str, **query: str) -> tuple[int, JSON]:
    """A request to either provider with its free plan."""
    plans = frozenset({"massive", "alpha_vantage"})
    asked = Request("GET", path, {"apikey": "key", **query}, BEARER)
    found = handle_provider(MARKET, NOW, asked, free_plans=plans)
    assert found is not None
    return found[0], json.loads(found[2])


def test_other_paths_are_not_answered() -> None:
    assert handle_provider(MARKET, NOW, Request("GET", "/v2/account", {}, {})) is None
    assert massive("/v9/nothing")[0] == 404


def test_massive_bars_by_day() -> None:
    status, body = massive("/v2/aggs/ticker/AAPL/range/1/day/2026-02-23/2026-03-04")
    assert (status, body["status"], body["ticker"], body["adjusted"]) == (200, "OK", "AAPL", True)
    assert body["resultsCount"] == len(body["results"]) == 8
    days = [datetime.fromtimestamp(bar["t"] / 1000, NEW_YORK) for bar in body["results"]]
    assert [(day.month, day.day, day.hour) for day in days][:2] == [(2, 23, 0), (2, 24, 0)]
    assert days[-1].day == 4
    assert set(body["results"][0]) == {"v", "vw", "o", "c", "h", "l", "t", "n"}


def test_massive_bars_by_minute_and_milliseconds() -> None:
    since, until = START // 10**6 - 600_000, START // 10**6
    _, body = massive(f"/v2/aggs/ticker/X:BTCUSD/range/1/minute/{since}/{until}", sort="desc")
    times = [bar["t"] for bar in body["results"]]
    assert times == [until - 60_000 * i for i in range(11)]


def test_massive_limit_counts_minutes_and_next_url_goes_on() -> None:
    path = "/v2/aggs/ticker/X:BTCUSD/range/1/hour/2026-03-01/2026-03-02"
    _, whole = massive(path)
    assert whole["resultsCount"] == 48
    seen, asked = [], {"limit": "600"}
    headers = {**BEARER, "host": "127.0.0.1:9"}
    while True:
        _, page = massive(path, headers, NOW, **asked)
        assert page["queryCount"] <= 600
        seen += page["results"]
        if "next_url" not in page:
            break
        url = urlsplit(page["next_url"])
        assert url.netloc == "127.0.0.1:9"
        path = url.path.removeprefix("/massive")
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert seen == whole["results"]


def test_massive_without_data_has_no_results_key() -> None:
    for path in (
        "/v2/aggs/ticker/AAPL/range/1/minute/2026-02-28/2026-03-01",
        "/v2/aggs/ticker/NOSUCH/range/1/day/2026-02-23/2026-03-04",
    ):
        status, body = massive(path)
        assert (status, body["resultsCount"]) == (200, 0)
        assert "results" not in body


@pytest.mark.parametrize(
    "path", ["AAPL/range/1/day/soon/2026-03-04", "AAPL/range/1/day/2026-03-04/2026-03-01",
             "AAPL/range/75/minute/2026-03-02/2026-03-04"],
)  # fmt: skip
def test_massive_refuses_what_it_cannot_read(path: str) -> None:
    status, body = massive(f"/v2/aggs/ticker/{path}")
    assert (status, body["status"]) == (400, "ERROR")


def test_massive_snapshots() -> None:
    path = "/v2/snapshot/locale/us/markets/stocks/tickers"
    _, body = massive(path, tickers="AAPL,SPY,NOSUCH")
    assert [one["ticker"] for one in body["tickers"]] == ["AAPL", "SPY"]
    apple = body["tickers"][0]
    assert apple["lastQuote"]["p"] < apple["lastQuote"]["P"]
    assert apple["lastTrade"]["t"] == NOW
    assert apple["min"]["t"] == START // 10**6
    assert apple["day"]["v"] == apple["min"]["av"] > 0
    change = apple["lastTrade"]["p"] - apple["prevDay"]["c"]
    assert apple["todaysChange"] == pytest.approx(change)
    assert massive(path)[1]["count"] == 11
    _, coins = massive("/v2/snapshot/locale/global/markets/crypto/tickers", tickers="X:BTCUSD")
    assert coins["tickers"][0]["ticker"] == "X:BTCUSD"
    assert coins["tickers"][0]["lastTrade"]["p"] > 0


def test_massive_shows_zeros_before_the_open() -> None:
    early = START - 5 * 60 * MINUTE
    _, body = massive("/v2/snapshot/locale/us/markets/stocks/tickers", now=early, tickers="AAPL")
    apple = body["tickers"][0]
    assert apple["day"]["c"] == apple["min"]["c"] == 0
    assert apple["prevDay"]["c"] > 0


@pytest.mark.parametrize(
    ("hours", "market", "early", "late"),
    [
        (0, "open", False, False),
        (-2, "extended-hours", True, False),
        (8, "extended-hours", False, True),
        (12, "closed", False, False),
        (74, "closed", False, False),
    ],
)
def test_massive_market_status(hours: int, market: str, early: bool, late: bool) -> None:
    _, body = massive("/v1/marketstatus/now", now=START + hours * 60 * MINUTE)
    assert (body["market"], body["earlyHours"], body["afterHours"]) == (market, early, late)
    assert body["currencies"]["crypto"] == "open"
    assert datetime.fromisoformat(body["serverTime"]).utcoffset() is not None


def test_massive_keys() -> None:
    path = "/v1/marketstatus/now"
    assert massive(path, {}, apiKey="key")[0] == 200
    status, body = massive(path, {})
    assert (status, body["error"]) == (401, "API Key was not provided")
    assert too_many_requests()[0] == 429


def test_massive_free_plan_sees_nothing_of_today() -> None:
    status, body = free("/massive/v2/aggs/ticker/AAPL/range/1/day/2026-02-23/2026-03-04")
    assert (status, body["status"]) == (403, "NOT_AUTHORIZED")
    assert "doesn't include this data timeframe" in body["message"]
    status, _ = free("/massive/v2/aggs/ticker/AAPL/range/1/day/2026-02-23/2026-03-03")
    assert status == 200
    status, body = free("/massive/v2/snapshot/locale/us/markets/stocks/tickers")
    assert (status, "not entitled" in body["message"]) == (403, True)


def test_alpha_vantage_daily() -> None:
    body = vantage("TIME_SERIES_DAILY", symbol="AAPL")
    rows = body["Time Series (Daily)"]
    assert len(rows) == 100
    assert list(rows) == sorted(rows, reverse=True)
    assert next(iter(rows)) == body["Meta Data"]["3. Last Refreshed"] == "2026-03-04"
    assert set(rows["2026-03-03"]) == {"1. open", "2. high", "3. low", "4. close", "5. volume"}
    assert all(isinstance(text, str) for text in rows["2026-03-03"].values())
    full = vantage("TIME_SERIES_DAILY", symbol="AAPL", outputsize="full")
    assert len(full["Time Series (Daily)"]) > 260


def test_alpha_vantage_intraday_is_in_eastern_wall_time() -> None:
    body = vantage("TIME_SERIES_INTRADAY", symbol="AAPL", interval="5min")
    rows = body["Time Series (5min)"]
    assert len(rows) == 100
    assert body["Meta Data"]["6. Time Zone"] == "US/Eastern"
    assert next(iter(rows)) == "2026-03-04 10:00:00"
    assert "2026-03-04 09:30:00" in rows


def test_alpha_vantage_coins() -> None:
    daily = vantage("DIGITAL_CURRENCY_DAILY", symbol="BTC", market="USD")
    assert next(iter(daily["Time Series (Digital Currency Daily)"])) == "2026-03-04"
    intraday = vantage("CRYPTO_INTRADAY", symbol="BTC", market="USD", interval="1min")
    assert len(intraday["Time Series Crypto (1min)"]) == 100
    assert next(iter(intraday["Time Series Crypto (1min)"])) == "2026-03-04 15:00:00"
    rate = vantage("CURRENCY_EXCHANGE_RATE", from_currency="BTC", to_currency="USD")
    assert float(rate["Realtime Currency Exchange Rate"]["5. Exchange Rate"]) > 0


def test_alpha_vantage_latest() -> None:
    quote = vantage("GLOBAL_QUOTE", symbol="AAPL")["Global Quote"]
    assert quote["07. latest trading day"] == "2026-03-04"
    change = float(quote["05. price"]) - float(quote["08. previous close"])
    assert float(quote["09. change"]) == pytest.approx(change, abs=1e-3)
    assert quote["10. change percent"].endswith("%")
    assert vantage("GLOBAL_QUOTE", symbol="NOSUCH") == {"Global Quote": {}}


@pytest.mark.parametrize(
    "query",
    [
        {"function": "TIME_SERIES_DAILY", "symbol": "NOSUCH"},
        {"function": "TIME_SERIES_INTRADAY", "symbol": "AAPL", "interval": "7min"},
        {"function": "CURRENCY_EXCHANGE_RATE", "from_currency": "BTC", "to_currency": "CHF"},
        {"function": "NOTHING"},
    ],
)
def test_alpha_vantage_says_invalid_call_with_status_200(query: dict[str, str]) -> None:
    assert vantage(**query)["Error Message"].startswith("Invalid API call")


def test_alpha_vantage_keys() -> None:
    body = vantage("GLOBAL_QUOTE", symbol="AAPL", apikey="")
    assert "apikey is invalid or missing" in body["Error Message"]
    status, _, text = daily_quota_used("SECRET")
    assert (status, b"API key as SECRET" in text) == (200, True)


def test_alpha_vantage_free_plan() -> None:
    path = "/alpha_vantage/query"
    for query in (
        {"function": "TIME_SERIES_INTRADAY", "symbol": "AAPL", "interval": "5min"},
        {"function": "TIME_SERIES_DAILY", "symbol": "AAPL", "outputsize": "full"},
    ):
        assert "premium endpoint" in free(path, **query)[1]["Information"]
    quote = free(path, function="GLOBAL_QUOTE", symbol="AAPL")[1]["Global Quote"]
    assert quote["07. latest trading day"] == "2026-03-03"


def test_a_venue_is_told_which_vendors_answer_as_to_a_free_key() -> None:
    path = "/massive/v2/snapshot/locale/us/markets/stocks/tickers"
    venue = Venue(options_of(["--lockstep", "--free-plan", "massive"], NOW))
    assert venue.answer(Request("GET", path, {}, BEARER))[0] == 403
    with pytest.raises(OptionsError, match="fix: one of massive, alpha_vantage"):
        options_of(["--free-plan", "sonar"], NOW)
