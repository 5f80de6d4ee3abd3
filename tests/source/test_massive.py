"""Massive on the wire: plans, delays, zeros that mean nothing."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from argo_actors.config import Source
from argo_actors.errors import PermanentProviderError, SoftProviderError
from argo_actors.source.massive import Massive, wire
from argo_actors.units import MINUTE, SECOND
from tests.source.provider_stub import ProviderStub, Reply, Script, providing
from tests.source.source_bench import NOW
from tests.source.vendors import massive_good


@contextmanager
def asking(script: Script | Reply, plan: Any = "paid") -> Iterator[tuple[Massive, ProviderStub]]:
    with providing(script) as stub:
        source = Source(base_url=stub.url + "/massive", plan=plan)
        with closing(Massive(source, "MKEY")) as massive:
            yield massive, stub


def test_symbols_take_massives_form() -> None:
    assert [wire("BTC-USD"), wire("BRK.B")] == ["X:BTCUSD", "BRK.B"]


def test_a_coins_bars_are_asked_with_the_key_in_a_header_and_nowhere_else() -> None:
    with asking(massive_good(NOW)) as (massive, stub):
        massive.readings(["BTC-USD"], NOW)
        (asked,) = stub.asked
        assert asked.path.startswith("/massive/v2/aggs/ticker/X:BTCUSD/range/1/minute/")
        assert asked.headers["authorization"] == "Bearer MKEY"
        assert "MKEY" not in str(asked.query) + asked.path
        assert asked.query["sort"] == "desc"


def test_a_free_plan_votes_never_and_asks_nothing() -> None:
    with asking(massive_good(NOW), plan="free") as (massive, stub):
        with pytest.raises(SoftProviderError, match="free plan"):
            massive.readings(["AAPL"], NOW)
        assert massive.prices(["AAPL"], NOW) == []
        assert stub.asked == []


def test_a_plan_without_this_data_silences_the_question_and_not_the_source() -> None:
    text = "Your plan doesn't include this data timeframe."
    with asking(Reply(403, {"status": "NOT_AUTHORIZED", "message": text})) as (massive, _):
        with pytest.raises(SoftProviderError, match="timeframe") as found:
            massive.readings(["AAPL"], NOW)
        assert "plan" in found.value.fix


def test_an_unknown_key_is_permanent() -> None:
    with asking(Reply(401, {"status": "ERROR", "error": "Unknown API Key"})) as (massive, _):
        with pytest.raises(PermanentProviderError, match="Unknown API Key") as found:
            massive.readings(["AAPL"], NOW)
        assert found.value.fix == "set a valid MASSIVE_API_KEY"


def test_delayed_data_neither_votes_nor_counts_as_a_live_price() -> None:
    with asking(Reply(200, {"status": "DELAYED", "results": [], "tickers": []})) as (massive, _):
        (found,) = massive.readings(["AAPL"], NOW)
        assert "delayed" in found.nothing
        assert massive.prices(["AAPL"], NOW) == []


def test_zeros_before_the_open_are_no_price_and_unknown_tickers_are_left_out() -> None:
    ms = 1_000_000
    tickers = [
        {"ticker": "AAPL", "lastTrade": {"p": 0, "t": 0}, "min": {"c": 0, "t": 0}},
        {"ticker": "MSFT", "min": {"c": 5.5, "t": (NOW - 2 * MINUTE) // ms}},
        {"ticker": "SPY", "lastTrade": {"p": 6.5, "t": NOW - SECOND}, "min": {"c": 5, "t": 1}},
    ]
    with asking(Reply(200, {"status": "OK", "tickers": tickers})) as (massive, stub):
        found = {one.symbol: one for one in massive.prices(["AAPL", "MSFT", "SPY", "XOM"], NOW)}
        assert len(stub.asked) == 1
    assert set(found) == {"AAPL", "MSFT", "SPY"}
    assert found["AAPL"].price is None
    assert (found["MSFT"].price, found["MSFT"].price_at) == (5.5, NOW - MINUTE)
    assert (found["SPY"].price, found["SPY"].price_at) == (6.5, NOW - SECOND)
