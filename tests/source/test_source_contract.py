"""What holds for every provider, whatever its vendor does."""

import gzip
import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from argo_actors.errors import (
    PermanentProviderError,
    ProviderError,
    TransientProviderError,
)
from argo_actors.source.http import MOST_BYTES
from argo_actors.source.opinion import TECHNICAL, from_bars
from argo_actors.source.provider import Provider, Reading
from tests.source.provider_stub import HTML, JSON, Asked, ProviderStub, Reply, providing
from tests.source.source_bench import NOW, rising
from tests.source.vendors import KEY, SECRET, VENDORS, Vendor

SYMBOLS = ["AAPL", "BTC-USD"]
DEADLINE = 0.5

every_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=[one.name for one in VENDORS])
every_vendor_of_bars = pytest.mark.parametrize(
    "vendor",
    [one for one in VENDORS if not one.scored],
    ids=[one.name for one in VENDORS if not one.scored],
)
every_model = pytest.mark.parametrize(
    "vendor",
    [one for one in VENDORS if one.scored],
    ids=[one.name for one in VENDORS if one.scored],
)


every_vendor_with_a_key = pytest.mark.parametrize(
    "vendor",
    [one for one in VENDORS if one.bad_key],
    ids=[one.name for one in VENDORS if one.bad_key],
)


def is_whole(vendor: Vendor, found: Any) -> bool:
    """Every symbol has all of its bars, or its score."""
    assert isinstance(found, list), found
    if vendor.scored:
        return [(one.symbol, one.score) for one in found] == [(s, 0.5) for s in SYMBOLS]
    return [(one.symbol, len(one.bars)) for one in found] == [(s, 130) for s in SYMBOLS]


def outcome(vendor: Vendor, reply: Any, seconds: float = 5.0) -> ProviderError | list[Reading]:
    """What asking for bars comes to against this reply."""
    with providing(reply) as stub:
        return asking(lambda provider: provider.readings(SYMBOLS, NOW), vendor, stub, seconds)


def asking(
    question: Callable[[Provider], list[Reading]],
    vendor: Vendor,
    stub: ProviderStub,
    seconds: float = 5.0,
) -> ProviderError | list[Reading]:
    with closing(vendor.make(stub.url, seconds)) as provider:
        try:
            return question(provider)
        except ProviderError as error:
            return error


@every_vendor_of_bars
def test_a_good_answer_is_the_vendors_bars_oldest_first(vendor: Vendor) -> None:
    found = outcome(vendor, vendor.good(NOW))
    assert isinstance(found, list)
    assert [one.symbol for one in found] == SYMBOLS
    for reading in found:
        assert reading.nothing == ""
        assert [one.t for one in reading.bars] == [one.t for one in rising(NOW)]
        assert reading.bars[-1].c == pytest.approx(rising(NOW)[-1].c)
        assert not isinstance(from_bars(reading.bars, "1Min", TECHNICAL), str)


@every_model
def test_a_models_good_answer_is_a_score_of_each_symbol_in_one_call(vendor: Vendor) -> None:
    with providing(vendor.good(NOW)) as stub:
        found = asking(lambda provider: provider.readings(SYMBOLS, NOW), vendor, stub)
        assert is_whole(vendor, found)
        (asked,) = stub.asked
        assert (asked.method, asked.headers["authorization"]) == ("POST", f"Bearer {KEY}")


@every_vendor
def test_an_answer_in_chunks_and_gzipped_is_read_to_its_end(vendor: Vendor) -> None:
    def squeezed(asked: Asked) -> Reply:
        body = gzip.compress(json.dumps(vendor.good(NOW)(asked).body).encode())
        return Reply(200, body, (*JSON, ("Content-Encoding", "gzip")), fault="chunked")

    assert is_whole(vendor, outcome(vendor, squeezed))


@every_vendor
def test_a_gzipped_answer_is_measured_unpacked(vendor: Vendor) -> None:
    bomb = gzip.compress(b'"' + b"a" * (8 * MOST_BYTES) + b'"')
    error = outcome(vendor, Reply(200, bomb, (*JSON, ("Content-Encoding", "gzip"))))
    assert isinstance(error, TransientProviderError)
    assert "more than" in str(error)


@every_vendor
def test_a_live_vendors_prices_carry_the_time_at_which_it_saw_them(vendor: Vendor) -> None:
    with providing(vendor.good(NOW)) as stub:
        found = asking(lambda provider: provider.prices(SYMBOLS, NOW), vendor, stub)
    assert isinstance(found, list)
    assert bool(found) == (vendor.name in ("alpaca", "massive"))
    for one in found:
        assert one.price == pytest.approx(126.0, abs=0.2)
        assert NOW - 6_000_000_000 < one.price_at < NOW


@every_vendor_with_a_key
def test_a_bad_key_is_permanent_and_says_what_to_do(vendor: Vendor) -> None:
    error = outcome(vendor, vendor.bad_key)
    assert isinstance(error, PermanentProviderError)
    assert "set a valid" in error.fix


@every_vendor
def test_a_quota_is_transient_and_says_how_long_to_wait(vendor: Vendor) -> None:
    error = outcome(vendor, vendor.quota)
    assert isinstance(error, TransientProviderError)
    assert error.quota
    assert (error.retry_after is None) == (vendor.quota_seconds is None)
    assert (error.retry_after or 0) >= (vendor.quota_seconds or 0)


BROKEN = {
    "500": Reply(500, {"message": "internal"}),
    "503 in HTML": Reply(503, b"<html>unavailable</html>", HTML),
    "a redirect": Reply(302, b"", (("Location", "http://127.0.0.1:1/"),)),
    "200 in HTML": Reply(200, b"<html>welcome</html>", HTML),
    "HTML called JSON": Reply(200, b"<html>welcome</html>", JSON),
    "an empty body": Reply(200, b""),
    "a list": Reply(200, [1, 2]),
    "a number": Reply(200, 7),
    "NaN": Reply(200, b'{"bars": NaN, "results": NaN, "Time Series (1min)": NaN}'),
    "cut off in its JSON": Reply(200, b'{"bars": {"AAPL": [{"t":'),
    "cut off on the wire": Reply(200, {"bars": {}}, fault="truncate"),
    "not UTF-8": Reply(200, b'{"bars": "\xff\xfe"}'),
    "no gzip": Reply(200, b"not gzip", (*JSON, ("Content-Encoding", "gzip"))),
    "nested too deep": Reply(200, b"[" * 100_000),
    "too large": Reply(200, b'"' + b"a" * (MOST_BYTES + 10) + b'"'),
}


@every_vendor
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_transient(vendor: Vendor, name: str) -> None:
    assert isinstance(outcome(vendor, BROKEN[name]), TransientProviderError)


@every_vendor
@pytest.mark.parametrize("fault", ["hang", "trickle"])
def test_a_call_ends_soon_after_its_deadline_whatever_the_server_does(
    vendor: Vendor, fault: str
) -> None:
    begun = time.monotonic()
    error = outcome(vendor, Reply(200, b"{", fault=fault), DEADLINE)
    assert isinstance(error, TransientProviderError)
    assert time.monotonic() - begun < 4 * DEADLINE + 1.5


@every_vendor
def test_an_empty_answer_is_no_error_and_no_opinion(vendor: Vendor) -> None:
    found = outcome(vendor, vendor.empty)
    assert isinstance(found, list)
    assert [(one.symbol, one.nothing) for one in found] == [(s, vendor.nothing) for s in SYMBOLS]


@every_vendor_with_a_key
def test_a_vendor_that_repeats_its_key_does_not_make_us_repeat_it(vendor: Vendor) -> None:
    assert vendor.no_key_in_reply is not None
    error = outcome(vendor, vendor.no_key_in_reply(KEY))
    assert isinstance(error, ProviderError)
    for text in (str(error), repr(error), error.fix, repr(error.__cause__)):
        assert KEY not in text
        assert SECRET not in text
    assert "***" in str(error)


@every_vendor
def test_a_server_that_is_not_there_does_not_make_us_tell_the_key(vendor: Vendor) -> None:
    with providing(Reply()) as gone:
        pass
    error = asking(lambda provider: provider.readings(SYMBOLS, NOW), vendor, gone)
    assert isinstance(error, TransientProviderError)
    assert "K3Y" not in str(error)


@every_vendor
def test_after_a_failure_the_same_provider_answers_again(vendor: Vendor) -> None:
    with providing(Reply(500, {})) as stub, closing(vendor.make(stub.url, 5.0)) as provider:
        with pytest.raises(TransientProviderError):
            provider.readings(SYMBOLS, NOW)
        stub.script = vendor.good(NOW)
        assert is_whole(vendor, provider.readings(SYMBOLS, NOW))


@every_vendor
def test_the_environments_proxies_are_not_trusted(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert is_whole(vendor, outcome(vendor, vendor.good(NOW)))


@every_vendor_of_bars
@pytest.mark.parametrize("value", [0.0, -1.0, 1e308 * 10])
def test_bars_that_cannot_be_true_are_refused_with_their_reason(
    vendor: Vendor, value: float
) -> None:
    def spoiled(asked: Asked) -> Reply:
        reply = vendor.good(NOW)(asked)
        spelled = str(rising(NOW)[-1].c)
        text = json.dumps(reply.body)
        found = {"alpha_vantage": f"{rising(NOW)[-1].c:.4f}"}.get(vendor.name, spelled)
        replacement = "NaN" if value == float("inf") else str(value)
        return reply._replace(body=text.replace(found, replacement).encode())

    found = outcome(vendor, spoiled)
    if isinstance(found, ProviderError):
        assert isinstance(found, TransientProviderError)
    else:
        assert all(one.nothing and not one.bars for one in found)
