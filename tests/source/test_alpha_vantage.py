"""Alpha Vantage on the wire: failures come as sentences in a good answer."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from argo_actors.config import Source
from argo_actors.errors import (
    PermanentProviderError,
    ProviderError,
    TransientProviderError,
)
from argo_actors.source.alpha_vantage import AlphaVantage
from argo_actors.units import DAY, HOUR, SECOND
from tests.source.provider_stub import ProviderStub, Reply, Script, providing
from tests.source.source_bench import NOW

KEY = "AVKEY12345"
DETECTED = f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests "
PREMIUM = "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any"


@contextmanager
def asking(
    script: Script | Reply, timeframe: Any = "1Day"
) -> Iterator[tuple[AlphaVantage, ProviderStub]]:
    with providing(script) as stub:
        source = Source(base_url=stub.url + "/alpha_vantage", timeframe=timeframe)
        with closing(AlphaVantage(source, KEY)) as vantage:
            yield vantage, stub


def rows(*closes: float) -> dict[str, dict[str, str]]:
    return {
        f"2026-02-{i + 2:02}": {
            "1. open": f"{close}",
            "2. high": f"{close + 1}",
            "3. low": f"{close - 1}",
            "4. close": f"{close}",
            "5. volume": "100",
        }
        for i, close in reversed(list(enumerate(closes)))
    }


@pytest.mark.parametrize(
    ("name", "text", "kind", "wait"),
    [
        ("Information", DETECTED + "per day. See premium plans", TransientProviderError, 3600.0),
        (
            "Information",
            "more sparingly (1 request per second). premium",
            TransientProviderError,
            2,
        ),
        ("Information", "Burst pattern detected", TransientProviderError, 2),
        ("Note", "Our standard API call frequency is 5", TransientProviderError, 2),
        ("Information", PREMIUM, PermanentProviderError, None),
        (
            "Error Message",
            "the parameter apikey is invalid or missing.",
            PermanentProviderError,
            None,
        ),
        ("Information", "Something nobody has seen", TransientProviderError, None),
    ],
)
def test_a_sentence_is_matched_quota_first(
    name: str, text: str, kind: type[ProviderError], wait: float | None
) -> None:
    with asking(Reply(200, {name: text})) as (vantage, stub):
        with pytest.raises(kind) as found:
            vantage.readings(["AAPL"], NOW)
        assert getattr(found.value, "retry_after", None) == wait
        assert KEY not in str(found.value)
        assert len(stub.asked) == 1


def test_a_symbol_that_it_does_not_have_is_said_of_that_symbol() -> None:
    text = "Invalid API call. Please retry"
    with asking(Reply(200, {"Error Message": text})) as (vantage, _):
        (reading,) = vantage.readings(["AAPL"], NOW)
    assert (reading.unknown, reading.bars) == (True, ())
    assert reading.nothing == f"{text} (check the symbol)"


@pytest.mark.parametrize(
    ("timeframe", "symbol", "expected"),
    [
        ("1Day", "AAPL", {"function": "TIME_SERIES_DAILY", "symbol": "AAPL"}),
        (
            "1Day",
            "BTC-USD",
            {"function": "DIGITAL_CURRENCY_DAILY", "symbol": "BTC", "market": "USD"},
        ),
        ("5Min", "AAPL", {"function": "TIME_SERIES_INTRADAY", "interval": "5min"}),
        ("1Hour", "ETH-USD", {"function": "CRYPTO_INTRADAY", "symbol": "ETH", "interval": "60min"}),
    ],
)
def test_each_timeframe_and_class_has_its_function(
    timeframe: str, symbol: str, expected: dict[str, str]
) -> None:
    with asking(Reply(200, {"Time Series": rows(1.0)}), timeframe) as (vantage, stub):
        vantage.readings([symbol], NOW)
        (asked,) = stub.asked
        assert asked.path == "/alpha_vantage/query"
        assert expected.items() <= asked.query.items()
        assert asked.query["apikey"] == KEY


def test_stock_days_begin_at_new_yorks_midnight_and_coin_days_at_utcs() -> None:
    with asking(Reply(200, {"Time Series (Daily)": rows(10, 11, 12)})) as (vantage, _):
        (stock,) = vantage.readings(["AAPL"], NOW)
        (coin,) = vantage.readings(["BTC-USD"], NOW)
    assert [one.c for one in stock.bars] == [10, 11, 12]
    assert all(one.t % DAY == 0 for one in coin.bars)
    assert stock.bars[0].t - coin.bars[0].t == 5 * HOUR
    assert coin.bars[0].t == 1_769_990_400 * SECOND


def test_older_answers_name_the_currency_in_each_row() -> None:
    row = {
        "1a. open (USD)": "10",
        "2a. high (USD)": "12",
        "3a. low (USD)": "9",
        "4a. close (USD)": "11",
        "5. volume": "3",
    }
    with asking(Reply(200, {"Time Series (Digital Currency Daily)": {"2026-02-02": row}})) as (
        v,
        _,
    ):
        (found,) = v.readings(["BTC-USD"], NOW)
    assert (found.bars[0].o, found.bars[0].c) == (10, 11)


def test_a_split_that_the_bars_are_not_adjusted_for_is_no_opinion() -> None:
    with asking(Reply(200, {"Time Series (Daily)": rows(100, 101, 25.2, 25)})) as (vantage, _):
        (stock,) = vantage.readings(["AAPL"], NOW)
        (coin,) = vantage.readings(["BTC-USD"], NOW)
    assert "split" in stock.nothing
    assert coin.nothing == ""


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"1. open": "ten"},
        {"open": "10"},
        {"1. open": "NaN", "2. high": "NaN", "3. low": "NaN", "4. close": "NaN", "5. volume": "1"},
    ],
)
def test_a_malformed_row_is_no_opinion(row: dict[str, str]) -> None:
    with asking(Reply(200, {"Time Series (Daily)": {"2026-02-02": row}})) as (vantage, _):
        (found,) = vantage.readings(["AAPL"], NOW)
    assert found.nothing
    assert not found.bars
