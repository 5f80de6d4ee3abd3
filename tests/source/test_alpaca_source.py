"""Alpaca's market data on the wire."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from argo_actors.config import Source
from argo_actors.errors import PermanentProviderError, SoftProviderError, TransientProviderError
from argo_actors.host.secrets import Pair
from argo_actors.source.alpaca import Alpaca, parse_time, wire
from argo_actors.units import DAY, MINUTE, SECOND
from tests.source.provider_stub import HTML, Asked, ProviderStub, Reply, Script, providing
from tests.source.source_bench import NOW, rising
from tests.source.vendors import alpaca_good, alpaca_rows, rfc3339


@contextmanager
def asking(script: Script | Reply, **settings: Any) -> Iterator[tuple[Alpaca, ProviderStub]]:
    with providing(script) as stub:
        source = Source(base_url=stub.url, **settings)
        with closing(Alpaca(source, Pair("PK1", "s3cr3t"))) as alpaca:
            yield alpaca, stub


def test_symbols_take_alpacas_form() -> None:
    assert [wire("BTC-USD"), wire("BRK.B")] == ["BTC/USD", "BRK.B"]


def test_times_are_read_to_the_nanosecond_and_only_with_a_zone() -> None:
    assert parse_time("2026-03-04T15:00:05Z") == NOW
    assert parse_time("2026-03-04T15:00:05.123456789Z") == NOW + 123_456_789
    assert parse_time("2026-03-04T10:00:05.5-05:00") == NOW + SECOND // 2
    for text in ("2026-03-04T15:00:05", "yesterday", ""):
        with pytest.raises(SoftProviderError):
            parse_time(text)


def test_all_stocks_are_one_call_and_all_coins_another() -> None:
    with asking(alpaca_good(NOW)) as (alpaca, stub):
        found = alpaca.readings(["AAPL", "BTC-USD", "ETH-USD", "MSFT"], NOW)
        assert {one.symbol for one in found} == {"AAPL", "BTC-USD", "ETH-USD", "MSFT"}
        assert stub.paths() == ["/v2/stocks/bars", "/v1beta3/crypto/us/bars"]
        stocks, coins = stub.asked
        assert stocks.query["symbols"] == "AAPL,MSFT"
        assert (stocks.query["feed"], stocks.query["adjustment"]) == ("iex", "split")
        assert coins.query["symbols"] == "BTC/USD,ETH/USD"
        assert "feed" not in coins.query
        assert stocks.headers["apca-api-key-id"] == "PK1"


def test_once_known_only_new_bars_are_asked_for_and_the_vote_has_all_of_them() -> None:
    with asking(alpaca_good(NOW)) as (alpaca, stub):
        alpaca.readings(["BTC-USD"], NOW)
        (again,) = alpaca.readings(["BTC-USD"], NOW + MINUTE)
        whole, short = (parse_time(one.query["start"]) for one in stub.asked)
        assert NOW - whole > 2 * 60 * MINUTE
        assert NOW - short < 10 * MINUTE
        assert len(again.bars) == 130


def test_bars_from_before_the_night_are_forgotten_because_of_splits() -> None:
    tomorrow = NOW + DAY
    with asking(alpaca_good(NOW)) as (alpaca, stub):
        alpaca.readings(["BTC-USD"], NOW)
        rows = alpaca_rows(rising(tomorrow, count=20))
        stub.script = lambda _: Reply(200, {"bars": {"BTC/USD": rows}, "next_page_token": None})
        (found,) = alpaca.readings(["BTC-USD"], tomorrow)
        assert len(found.bars) == 20
        assert parse_time(stub.asked[-1].query["start"]) > NOW


def test_pages_are_followed_to_the_last() -> None:
    rows = alpaca_rows(rising(NOW))

    def script(asked: Asked) -> Reply:
        first = int(asked.query.get("page_token", "0"))
        token = str(first + 50) if first + 50 < len(rows) else None
        bars = {"BTC/USD": rows[first : first + 50]}
        return Reply(200, {"bars": bars, "next_page_token": token})

    with asking(script) as (alpaca, stub):
        (found,) = alpaca.readings(["BTC-USD"], NOW)
        assert len(found.bars) == len(rows)
        assert len(stub.asked) == 3


def test_pages_without_an_end_end() -> None:
    endless = Reply(200, {"bars": {}, "next_page_token": "again"})
    with asking(endless) as (alpaca, _), pytest.raises(TransientProviderError, match="pages"):
        alpaca.readings(["AAPL"], NOW)


def test_coins_vote_although_stocks_are_refused() -> None:
    def script(asked: Asked) -> Reply:
        if "stocks" in asked.path:
            return Reply(400, {"message": "invalid symbol: QQQQQ"})
        return alpaca_good(NOW)(asked)

    with asking(script) as (alpaca, _):
        stock, coin = alpaca.readings(["QQQQQ", "BTC-USD"], NOW)
        assert "invalid symbol" in stock.nothing
        assert len(coin.bars) == 130


def test_one_bad_bar_silences_its_symbol_only() -> None:
    def script(asked: Asked) -> Reply:
        good = alpaca_rows(rising(NOW))
        bars = {"AAPL": [*good[:-1], good[-1] | {"h": 0.0}], "MSFT": good}
        return Reply(200, {"bars": bars, "next_page_token": None})

    with asking(script) as (alpaca, _):
        bad, good = alpaca.readings(["AAPL", "MSFT"], NOW)
        assert "a bar" in bad.nothing
        assert len(good.bars) == 130


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {"message": "unauthorized."}),
        Reply(403, {"message": "forbidden."}),
        Reply(403, b"<html>403 Forbidden</html>", HTML),
        Reply(401, {"code": 40110000, "message": "request is not authorized"}),
    ],
)
def test_every_form_of_a_bad_key_is_permanent(reply: Reply) -> None:
    with asking(reply) as (alpaca, stub):
        with pytest.raises(PermanentProviderError, match="HTTP 40") as found:
            alpaca.readings(["AAPL"], NOW)
        assert "APCA_" in found.value.fix
        assert len(stub.asked) == 1


def test_a_feed_without_a_plan_names_the_other_feed() -> None:
    text = "subscription does not permit querying recent SIP data"
    with asking(Reply(403, {"message": text}), feed="sip") as (alpaca, _):
        with pytest.raises(PermanentProviderError, match="SIP") as found:
            alpaca.readings(["AAPL"], NOW)
        assert "iex" in found.value.fix


def test_the_librarys_own_retries_are_off() -> None:
    with asking(Reply(429, {"message": "slow"}, (("X-RateLimit-Reset", "x"),))) as (alpaca, stub):
        with pytest.raises(TransientProviderError):
            alpaca.readings(["AAPL"], NOW)
        assert len(stub.asked) == 1


def test_a_delayed_feed_is_asked_as_sip_that_ends_in_the_past() -> None:
    with asking(alpaca_good(NOW), feed="delayed_sip") as (alpaca, stub):
        alpaca.readings(["AAPL"], NOW)
        (asked,) = stub.asked
        assert asked.query["feed"] == "sip"
        assert NOW - parse_time(asked.query["end"]) >= 15 * MINUTE


def test_a_coins_price_is_its_newer_quotes_middle_and_a_stocks_is_its_last_trade() -> None:
    with asking(alpaca_good(NOW)) as (alpaca, stub):
        stock, coin = alpaca.prices(["AAPL", "BTC-USD"], NOW)
        assert (stock.price, stock.price_at) == (126.0, NOW - 2 * SECOND)
        assert coin.price == pytest.approx(126.1)
        assert coin.price_at == NOW - SECOND
        assert stub.paths() == ["/v2/stocks/snapshots", "/v1beta3/crypto/us/snapshots"]


def test_a_snapshot_without_a_trade_is_no_price() -> None:
    with asking(Reply(200, {"AAPL": None, "MSFT": {"latestTrade": None}})) as (alpaca, _):
        found = alpaca.prices(["AAPL", "MSFT", "SPY"], NOW)
        assert [(one.price, one.nothing) for one in found] == [(None, "no last trade")] * 3


def test_quotes_are_found_by_their_own_symbol() -> None:
    quote = {"t": rfc3339(NOW), "bp": 10.0, "ap": 11.0}
    with asking(Reply(200, {"quotes": {"BTC/USD": quote}})) as (alpaca, _):
        found = alpaca.quotes(["BTC-USD", "ETH-USD"], 2.0)
        assert list(found) == ["BTC-USD"]
        assert (found["BTC-USD"].bid, found["BTC-USD"].ask) == (10.0, 11.0)
