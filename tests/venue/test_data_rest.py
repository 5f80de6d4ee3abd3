import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoSnapshotRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from argo_actors.venue.data_host import DataHost
from argo_actors.venue.data_rest import forbidden, handle_data
from argo_actors.venue.generated import Generated
from argo_actors.venue.keys import Keys
from argo_actors.venue.wire import Answer, Request
from tests.source.provider_stub import Asked, Reply, providing

NEW_YORK = ZoneInfo("America/New_York")
LOCAL = datetime(2026, 3, 4, 10, tzinfo=NEW_YORK)
START = int(LOCAL.timestamp()) * 10**9
NOW = START + 90_250_000_000
MARKET = Generated(7, START)
JSON = dict[str, Any]


def reply(asked: Asked) -> Reply:
    """What the handler answers."""
    request = Request(asked.method, asked.path, asked.query, asked.headers)
    status, headers, body = handle_data(MARKET, NOW, request) or (404, {}, b"")
    return Reply(status, body, tuple(headers.items()))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server on loopback that answers from the market."""
    with providing(reply) as one:
        yield one.url


@pytest.fixture
def stocks(url: str) -> Any:
    """Alpaca's own client; its answers are typed as one of two things, hence Any."""
    client = StockHistoricalDataClient("key", "secret", url_override=url)
    client._session.trust_env = False
    return client


@pytest.fixture
def coins(url: str) -> Any:
    """Alpaca's own client, without a key."""
    client = CryptoHistoricalDataClient(url_override=url)
    client._session.trust_env = False
    return client


def ask(path: str, query: dict[str, str], now: int = NOW, method: str = "GET") -> Answer:
    """A request straight to the handler."""
    found = handle_data(MARKET, now, Request(method, path, query, {}))
    assert found is not None
    return found


def get(path: str, **query: str) -> JSON:
    """The body of a request that succeeds."""
    status, _, body = ask(path, query)
    assert status == 200, body
    found: JSON = json.loads(body)
    return found


def test_the_client_reads_minute_bars(stocks: Any) -> None:
    bars = stocks.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols=["SPY", "AAPL"],
            timeframe=TimeFrame.Minute,
            start=LOCAL - timedelta(minutes=20),
            end=LOCAL + timedelta(minutes=20),
            feed=DataFeed.IEX,
            adjustment=Adjustment.SPLIT,
        )
    ).data
    assert set(bars) == {"AAPL", "SPY"}
    # The minute of 10:01 still runs at 10:01:30.
    assert [bar.timestamp for bar in bars["AAPL"]] == [
        LOCAL.astimezone(UTC) + timedelta(minutes=i) for i in range(-20, 1)
    ]


def test_the_client_reads_daily_bars_stamped_midnight_new_york(
    stocks: Any,
) -> None:
    bars = stocks.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols="AAPL", timeframe=TimeFrame.Day, start=LOCAL - timedelta(days=400)
        )
    ).data["AAPL"]
    assert len(bars) > 260
    assert all(bar.timestamp.astimezone(NEW_YORK).hour == 0 for bar in bars)
    # The running day is shown; whoever wants complete days drops it.
    assert bars[-1].timestamp.astimezone(NEW_YORK).date() == LOCAL.date()


def test_the_client_follows_pages(coins: Any) -> None:
    bars = coins.get_crypto_bars(
        CryptoBarsRequest(
            symbol_or_symbols=["BTC/USD", "ETH/USD"],
            timeframe=TimeFrame.Minute,
            start=LOCAL - timedelta(days=5),
            end=LOCAL,
        )
    ).data
    assert {symbol: len(rows) for symbol, rows in bars.items()} == {
        "BTC/USD": 7201,
        "ETH/USD": 7201,
    }


def test_the_client_reads_larger_bars(coins: Any) -> None:
    bars = coins.get_crypto_bars(
        CryptoBarsRequest(
            symbol_or_symbols="BTC/USD",
            timeframe=TimeFrame(15, TimeFrameUnit.Minute),
            start=LOCAL - timedelta(hours=1),
        )
    ).data["BTC/USD"]
    assert [bar.timestamp.minute for bar in bars] == [0, 15, 30, 45]


def test_the_client_reads_the_latest_of_a_stock(stocks: Any) -> None:
    quote = stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"]
    trade = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"]
    bar = stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))["AAPL"]
    snapshot = stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert quote.bid_price < quote.ask_price
    assert quote.bid_price - 0.5 < trade.price < quote.ask_price + 0.5
    assert quote.timestamp == (LOCAL + timedelta(seconds=90.25)).astimezone(UTC)
    assert bar.timestamp == LOCAL.astimezone(UTC)
    assert snapshot.latest_quote == quote
    assert snapshot.minute_bar == bar
    assert snapshot.daily_bar is not None
    assert snapshot.previous_daily_bar is not None
    assert snapshot.previous_daily_bar.timestamp < snapshot.daily_bar.timestamp


def test_the_client_reads_the_latest_of_a_coin(coins: Any) -> None:
    pair = "BTC/USD"
    quote = coins.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols=pair))[pair]
    trade = coins.get_crypto_latest_trade(CryptoLatestTradeRequest(symbol_or_symbols=pair))[pair]
    bar = coins.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols=pair))[pair]
    snapshot = coins.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=pair))[pair]
    assert quote.bid_price <= trade.price <= quote.ask_price
    assert bar.timestamp == LOCAL.astimezone(UTC)
    assert snapshot.latest_trade == trade


def test_the_client_sees_a_refusal(coins: Any) -> None:
    with pytest.raises(APIError, match="invalid symbol: BTCUSD does not match") as caught:
        coins.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols="BTCUSD"))
    assert caught.value.status_code == 400


def test_the_wire_has_numbers_and_times_as_alpaca_writes_them() -> None:
    (bar,) = get("/v2/stocks/bars", symbols="AAPL", timeframe="1Min", limit="1")["bars"]["AAPL"]
    assert set(bar) == {"t", "o", "h", "l", "c", "v", "n", "vw"}
    assert bar["t"] == "2026-03-04T14:30:00Z"
    assert isinstance(bar["v"], int)
    assert isinstance(bar["o"], float)
    quote = get("/v2/stocks/quotes/latest", symbols="AAPL")["quotes"]["AAPL"]
    assert set(quote) == {"t", "bx", "bp", "bs", "ax", "ap", "as", "c", "z"}
    assert quote["t"] == "2026-03-04T15:01:30.25Z"
    trade = get("/v2/stocks/trades/latest", symbols="SPY")["trades"]["SPY"]
    assert set(trade) == {"t", "x", "p", "s", "c", "i", "z"}
    coin = get("/v1beta3/crypto/us/latest/trades", symbols="BTC/USD")["trades"]["BTC/USD"]
    assert set(coin) == {"t", "p", "s", "i", "tks"}
    assert "AAPL" in get("/v2/stocks/snapshots", symbols="AAPL")
    assert set(get("/v1beta3/crypto/us/snapshots", symbols="BTC/USD")) == {"snapshots"}


def test_bars_default_to_the_beginning_of_the_day_and_a_thousand() -> None:
    page = get("/v2/stocks/bars", symbols="AAPL", timeframe="1Min")
    assert page["bars"]["AAPL"][0]["t"] == "2026-03-04T14:30:00Z"
    page = get("/v1beta3/crypto/us/bars", symbols="BTC/USD", timeframe="1Min")
    assert page["bars"]["BTC/USD"][0]["t"] == "2026-03-04T00:00:00Z"
    first = get("/v1beta3/crypto/us/bars", symbols="BTC/USD", timeframe="1Min", start="2026-03-01")
    assert len(first["bars"]["BTC/USD"]) == 1000
    assert first["next_page_token"]


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_go_by_symbol_and_then_time_and_join_to_the_whole(sort: str) -> None:
    asked = {"symbols": "MSFT,AAPL", "timeframe": "1Min", "sort": sort}
    whole = get("/v2/stocks/bars", **asked)["bars"]
    seen: list[tuple[str, str]] = []
    token: str | None = ""
    pages = 0
    while token is not None:
        more = {"page_token": token} if token else {}
        page = get("/v2/stocks/bars", **asked, limit="7", **more)
        seen += [(symbol, bar["t"]) for symbol, rows in page["bars"].items() for bar in rows]
        token, pages = page["next_page_token"], pages + 1
    assert seen == [(symbol, bar["t"]) for symbol in ("AAPL", "MSFT") for bar in whole[symbol]]
    assert pages == -(-len(seen) // 7)
    times = [t for symbol, t in seen if symbol == "AAPL"]
    assert times == sorted(times, reverse=sort == "desc")


def test_out_of_hours_bars_of_today_are_an_empty_map() -> None:
    status, _, body = ask(
        "/v2/stocks/bars", {"symbols": "AAPL", "timeframe": "1Min"}, now=START - 3 * 3600 * 10**9
    )
    assert (status, json.loads(body)) == (200, {"bars": {}, "next_page_token": None})


def test_unknown_symbols_are_left_out() -> None:
    assert get("/v2/stocks/quotes/latest", symbols="NOSUCH,BTCUSD") == {"quotes": {}}
    assert get("/v1beta3/crypto/us/bars", symbols="DOES/NOT", timeframe="1Day")["bars"] == {}
    assert get("/v2/stocks/snapshots", symbols="NOSUCH") == {}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"timeframe": "1Min"}, "symbols is required"),
        ({"symbols": "AAPL"}, "timeframe is required"),
        ({"symbols": "AAPL", "timeframe": "99Min"}, "invalid timeframe: 99Min"),
        ({"symbols": "aapl", "timeframe": "1Min"}, "invalid symbol: aapl"),
        ({"symbols": "BTC/USD", "timeframe": "1Min"}, "invalid symbol: BTC/USD"),
        ({"symbols": "AAPL", "timeframe": "1Min", "limit": "10001"}, "invalid limit"),
        ({"symbols": "AAPL", "timeframe": "1Min", "limit": "x"}, "invalid limit"),
        ({"symbols": "AAPL", "timeframe": "1Min", "sort": "up"}, "invalid sort"),
        ({"symbols": "AAPL", "timeframe": "1Min", "feed": "cboe"}, "invalid feed"),
        ({"symbols": "AAPL", "timeframe": "1Min", "adjustment": "x"}, "invalid adjustment"),
        ({"symbols": "AAPL", "timeframe": "1Min", "start": "soon"}, "invalid start: soon"),
        ({"symbols": "AAPL", "timeframe": "1Min", "page_token": "%%"}, "invalid page token"),
        (
            {"symbols": "AAPL", "timeframe": "1Min", "start": "2026-03-03", "end": "2026-03-02"},
            "end should not be before start",
        ),
    ],
)
def test_a_bad_request_is_said_so(query: dict[str, str], message: str) -> None:
    status, _, body = ask("/v2/stocks/bars", query)
    assert status == 400
    assert message in json.loads(body)["message"]


def test_other_paths_and_methods() -> None:
    assert handle_data(MARKET, NOW, Request("GET", "/v2/account", {}, {})) is None
    assert handle_data(MARKET, NOW, Request("GET", "/v2/stocks/nothing", {}, {})) is None
    assert ask("/v2/stocks/bars", {}, method="POST")[0] == 405


def test_a_bad_key_has_its_own_answer() -> None:
    status, _, body = forbidden()
    assert (status, json.loads(body)) == (403, {"message": "forbidden."})


def pages(path: str, **query: str) -> tuple[dict[str, list[JSON]], int]:
    """Every page of a question joined, and how many there were."""
    joined: dict[str, list[JSON]] = {}
    token: str | None = ""
    number = 0
    while token is not None:
        page = get(path, **query, **({"page_token": token} if token else {}))
        for symbol, rows in page[path.rpartition("/")[2]].items():
            joined.setdefault(symbol, []).extend(rows)
        token, number = page["next_page_token"], number + 1
    return joined, number


@pytest.mark.parametrize("kind", ["quotes", "trades"])
def test_history_has_a_quote_and_a_print_each_second_until_now(kind: str) -> None:
    rows = get(f"/v2/stocks/{kind}", symbols="AAPL", start="2026-03-04T15:01:00Z")[kind]["AAPL"]
    assert [one["t"] for one in rows] == [f"2026-03-04T15:01:{n:02d}Z" for n in range(31)]
    then = START + 75 * 10**9
    status, _, body = ask(f"/v2/stocks/{kind}/latest", {"symbols": "AAPL"}, now=then)
    assert status == 200
    assert rows[15] == json.loads(body)[kind]["AAPL"]


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("kind", ["quotes", "trades"])
def test_pages_of_quotes_and_prints_join_to_the_whole(kind: str, sort: str) -> None:
    path = f"/v1beta3/crypto/us/{kind}"
    asked = {"symbols": "ETH/USD,BTC/USD", "start": "2026-03-04T14:59:50Z", "sort": sort}
    whole = get(path, **asked)[kind]
    joined, number = pages(path, **asked, limit="7")
    assert joined == whole
    assert number == -(-sum(map(len, whole.values())) // 7)
    times = [one["t"] for one in whole["BTC/USD"]]
    assert times == sorted(times, reverse=sort == "desc")
    assert len(times) == len(set(times)) == 101


def test_a_night_has_no_quotes() -> None:
    asked = {"symbols": "AAPL", "start": "2026-03-03T20:59:58Z", "end": "2026-03-04T14:30:01Z"}
    rows = get("/v2/stocks/quotes", **asked)["quotes"]["AAPL"]
    assert [one["t"][11:] for one in rows] == ["20:59:58Z", "20:59:59Z", "14:30:00Z", "14:30:01Z"]


def test_the_order_book_is_the_quote() -> None:
    pair = {"symbols": "BTC/USD"}
    book = get("/v1beta3/crypto/us/latest/orderbooks", **pair)["orderbooks"]["BTC/USD"]
    quote = get("/v1beta3/crypto/us/latest/quotes", **pair)["quotes"]["BTC/USD"]
    assert book == {
        "t": quote["t"],
        "b": [{"p": quote["bp"], "s": quote["bs"]}],
        "a": [{"p": quote["ap"], "s": quote["as"]}],
    }


@pytest.mark.parametrize("kind", ["bars", "quotes", "trades"])
def test_one_stock_may_be_asked_for_in_the_path(kind: str) -> None:
    asked = {"limit": "3"} | ({"timeframe": "1Min"} if kind == "bars" else {})
    one, many = (
        get(f"/v2/stocks/AAPL/{kind}", **asked),
        get(f"/v2/stocks/{kind}", symbols="AAPL", **asked),
    )
    assert one == many | {"symbol": "AAPL", kind: many[kind]["AAPL"]}
    latest = get(f"/v2/stocks/AAPL/{kind}/latest")
    assert latest == {
        "symbol": "AAPL",
        kind[:-1]: get(f"/v2/stocks/{kind}/latest", symbols="AAPL")[kind]["AAPL"],
    }
    assert get("/v2/stocks/AAPL/snapshot")["latestQuote"]["bp"] > 0
    assert ask(f"/v2/stocks/NOSUCH/{kind}/latest", {})[0] == 404
    assert get(f"/v2/stocks/NOSUCH/{kind}", **asked)[kind] == []


FREE = [
    ("bars", {"end": "2026-03-04T15:01:00Z"}, 403),
    ("bars", {"end": "2026-03-04T14:46:30Z"}, 200),
    ("bars", {"end": "2026-03-04T15:01:00Z", "feed": "iex"}, 200),
    ("bars", {}, 200),
    ("quotes", {"feed": "sip", "end": "2026-03-05"}, 403),
    ("trades", {"feed": "sip", "end": "2026-03-04T14:46:31Z"}, 403),
    ("quotes/latest", {"feed": "sip"}, 403),
    ("quotes/latest", {}, 200),
    ("trades/latest", {"feed": "delayed_sip"}, 200),
    ("snapshots", {"feed": "sip"}, 403),
]


@pytest.mark.parametrize(("path", "query", "status"), FREE)
def test_the_free_plan_sees_sip_a_quarter_of_an_hour_late(
    path: str, query: dict[str, str], status: int
) -> None:
    asked = Request(
        "GET", f"/v2/stocks/{path}", {"symbols": "AAPL", "timeframe": "1Min"} | query, {}
    )
    found = handle_data(MARKET, NOW, asked, basic=True)
    assert found is not None
    assert found[0] == status
    if status == 403:
        message = "subscription does not permit querying recent SIP data"
        assert json.loads(found[2]) == {"code": 42210000, "message": message}
    paid = handle_data(MARKET, NOW, asked)
    assert paid is not None
    assert paid[0] == 200


def test_without_an_end_the_free_plan_sees_what_it_may() -> None:
    asked = {"symbols": "AAPL", "timeframe": "1Min"}
    ends = []
    for query in (asked, asked | {"feed": "iex"}):
        bars = Request("GET", "/v2/stocks/bars", query, {})
        found = handle_data(MARKET, NOW, bars, basic=True)
        assert found is not None
        ends.append(json.loads(found[2])["bars"]["AAPL"][-1]["t"])
    assert ends == ["2026-03-04T14:46:00Z", "2026-03-04T15:00:00Z"]


def test_delayed_quotes_are_a_quarter_of_an_hour_old_and_no_history() -> None:
    found = get("/v2/stocks/quotes/latest", symbols="AAPL", feed="delayed_sip")
    assert found["quotes"]["AAPL"]["t"] == "2026-03-04T14:46:30.25Z"
    status, _, body = ask("/v2/stocks/quotes", {"symbols": "AAPL", "feed": "delayed_sip"})
    assert (status, json.loads(body)) == (400, {"message": "invalid feed: delayed_sip"})


KEYS = Keys("K", "S")
SHOWN = {"apca-api-key-id": "K", "apca-api-secret-key": "S"}
WRONG = SHOWN | {"apca-api-secret-key": "other"}
STOCK_QUOTE, COIN_QUOTE = "/v2/stocks/quotes/latest", "/v1beta3/crypto/us/latest/quotes"
QUOTE = Request("GET", STOCK_QUOTE, {"symbols": "AAPL"}, SHOWN)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (STOCK_QUOTE, SHOWN, 200),
        (STOCK_QUOTE, {"authorization": "Basic Szo="}, 401),
        (STOCK_QUOTE, {"authorization": "Basic SzpT"}, 200),
        (STOCK_QUOTE, {"apca-api-key-id": "DATAK", "apca-api-secret-key": "data-S"}, 200),
        (STOCK_QUOTE, WRONG, 401),
        (STOCK_QUOTE, {}, 401),
        (COIN_QUOTE, SHOWN, 200),
        (COIN_QUOTE, {}, 200),
        (COIN_QUOTE, WRONG, 401),
        ("/v1beta1/news", {}, 401),
        ("/v1beta1/news", SHOWN, 404),
    ],
)
def test_stocks_want_keys_and_coins_no_wrong_ones(
    path: str, headers: dict[str, str], status: int
) -> None:
    host = DataHost(MARKET, KEYS, basic=False)
    symbol = "BTC/USD" if path == COIN_QUOTE else "AAPL"
    found = host.handle(NOW, Request("GET", path, {"symbols": symbol}, headers))
    assert found[0] == status
    told = {401: {"message": "unauthorized."}, 404: {"message": "endpoint not found."}}
    assert status == 200 or json.loads(found[2]) == told[status]


@pytest.mark.parametrize(("basic", "calls"), [(True, 200), (False, 10_000)])
def test_a_plan_has_its_calls_a_minute(basic: bool, calls: int) -> None:
    host = DataHost(MARKET, KEYS, basic=basic)
    for left in range(calls - 1, -1, -1):
        status, headers, _ = host.handle(NOW, Request("GET", "/v2/stocks/none", {}, SHOWN))
        assert (status, headers["X-RateLimit-Remaining"]) == (404, str(left))
    status, headers, body = host.handle(NOW, QUOTE)
    assert (status, json.loads(body)) == (429, {"message": "too many requests."})
    assert headers["X-RateLimit-Limit"] == str(calls)
    later = int(headers["X-RateLimit-Reset"]) * 10**9
    assert host.handle(later, QUOTE)[0] == 200
