"""What the one place for HTTP makes of statuses, times and texts."""

import logging
import threading
from contextlib import closing

import pytest

from argo_actors.config import Source
from argo_actors.errors import (
    PermanentProviderError,
    ProviderError,
    SoftProviderError,
    TransientProviderError,
)
from argo_actors.source.http import (
    MOST_RETRY_AFTER,
    Answer,
    Http,
    check_status,
    complaint,
    masked,
    retry_after,
    server_time,
)
from argo_actors.source.yfinance import Yahoo
from tests.source.provider_stub import Asked, Reply, providing
from tests.source.source_bench import NOW

SENT = "Wed, 04 Mar 2026 15:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, TransientProviderError),
        (400, SoftProviderError),
        (401, PermanentProviderError),
        (403, PermanentProviderError),
        (404, SoftProviderError),
        (408, TransientProviderError),
        (422, SoftProviderError),
        (429, TransientProviderError),
        (500, TransientProviderError),
        (504, TransientProviderError),
    ],
)
def test_each_status_has_one_meaning(status: int, kind: type[ProviderError]) -> None:
    with pytest.raises(kind) as found:
        check_status(Answer(status, {}, b'{"message": "no"}'), "SOME_KEY", ())
    assert str(found.value).startswith(f"HTTP {status}: no")
    assert found.value.fix or kind is TransientProviderError


def test_a_good_status_raises_nothing() -> None:
    check_status(Answer(200, {}, b""), "SOME_KEY", ())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "999999"}, MOST_RETRY_AFTER),
        ({"retry-after": "Wed, 04 Mar 2026 15:00:30 GMT", "date": SENT}, 30),
        ({"x-ratelimit-reset": "1772636412", "date": SENT}, 12),
        ({"x-ratelimit-reset": "1772636412"}, None),
        ({"retry-after": "soon", "date": "today"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "\u0665"}, None),
    ],
)
def test_the_wait_after_a_429_is_read_against_the_servers_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


def test_a_servers_clock_is_read_through_caches_too() -> None:
    assert server_time({"date": SENT}) == 1772636400
    assert server_time({"date": SENT, "age": "40"}) == 1772636440
    assert server_time({"date": "today"}) is None
    assert server_time({}) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "Unknown API Key"}', "Unknown API Key"),
        (b'{"message": "forbidden."}', "forbidden."),
        (b'{"error": {"message": "no money", "code": 401}}', "no money"),
        (b'{"error": {"message": 5}}', ""),
        (b'{"error": 5}', ""),
        (b"<html>403</html>", ""),
        (b"\xff", ""),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_what_a_vendor_says_is_found_in_its_usual_forms(body: bytes, said: str) -> None:
    assert complaint(body) == said


def test_a_secret_is_masked_as_it_is_and_as_it_stands_in_a_url() -> None:
    text = masked("a/b c and a%2Fb%20c\r\nand d", ["a/b c", "d", ""])
    assert text == "*** an*** *** an*** ***"


def test_no_log_of_the_client_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with providing(Reply(200, {})) as stub:
        http = Http(stub.url, key="TOPSECRET", key_name="A_KEY")
        http.ask("/query", {"apikey": "TOPSECRET"})
        http.close()
        assert stub.asked[0].query == {"apikey": "TOPSECRET"}
    assert "TOPSECRET" not in caplog.text


def test_a_base_url_keeps_its_own_path() -> None:
    with providing(Reply(200, {})) as stub:
        http = Http(stub.url + "/massive")
        http.ask("/v2/aggs", {})
        http.close()
        assert stub.paths() == ["/massive/v2/aggs"]


@pytest.mark.parametrize("url", ["not-an-address", "ftp://127.0.0.1"])
def test_an_impossible_address_is_permanent_with_its_remedy(url: str) -> None:
    http = Http(url)
    with pytest.raises(PermanentProviderError) as found:
        http.ask("/x", {})
    http.close()
    assert "base_url" in found.value.fix


def test_a_client_that_is_let_go_of_in_a_call_is_closed_when_the_call_has_ended() -> None:
    reached, go_on = threading.Event(), threading.Event()

    def script(_: Asked) -> Reply:
        reached.set()
        go_on.wait(10)
        return Reply(200, {})

    found: list[int] = []
    with providing(script) as stub:
        http = Http(stub.url)
        call = threading.Thread(target=lambda: found.append(http.ask("/", {}).status))
        call.start()
        assert reached.wait(10)
        http.close()
        assert not http._client.is_closed
        with pytest.raises(TransientProviderError):
            http.ask("/", {})
        go_on.set()
        call.join(10)
    assert found == [200]
    assert http._client.is_closed


def test_a_browsers_likeness_asks_for_no_upgrade_where_a_browser_would_not() -> None:
    with providing(Reply(404, {})) as stub, closing(Yahoo(Source(base_url=stub.url))) as yahoo:
        yahoo.readings(["AAPL"], NOW)
    assert stub.asked
    assert not any("upgrade" in one.headers for one in stub.asked)
