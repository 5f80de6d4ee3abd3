"""Every way an answer can go wrong becomes one of our errors, and a POST leaves exactly once."""

import gzip
import itertools
import socket
import time

import pytest

from argo_actors.broker import transport
from argo_actors.broker.transport import AuthError, RateLimitedError, Transport
from argo_actors.errors import NotSentError, RefusedError, UnknownOutcomeError
from tests.broker.stub_broker import Answer, Request, Script, StubBroker, always, serving

ORDER = {"symbol": "AAPL", "qty": "0.1234567891234567", "client_order_id": "argo-0000-a-entry-1"}
HTML = b"<html><body>Service Unavailable</body></html>"


def link(stub: StubBroker) -> Transport:
    return Transport(stub.url, "PK1", "secret")


def post_against(answer: Answer) -> tuple[BaseException | None, StubBroker]:
    with serving(always(answer)) as stub:
        try:
            link(stub).post("/orders", ORDER)
        except Exception as error:
            return error, stub
        return None, stub


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 0.3)


UNKNOWN = {
    "504": Answer(504, {"message": "gateway timeout"}),
    "503 in HTML": Answer(503, HTML, (("Content-Type", "text/html"),)),
    "500": Answer(500, {"code": 50010000, "message": "internal server error"}),
    "408": Answer(408, {"code": 1, "message": "request timeout"}),
    "422 in HTML": Answer(422, HTML),
    "200 in HTML": Answer(200, HTML),
    "200 with broken JSON": Answer(200, b'{"id": "x", "qty": '),
    "a redirect": Answer(302, b"", (("Location", "http://127.0.0.1:1/"),)),
    "a reset": Answer(fault="reset"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_answer_that_decides_nothing_is_an_unknown_outcome_and_is_not_sent_again(
    name: str,
) -> None:
    error, stub = post_against(UNKNOWN[name])
    assert isinstance(error, UnknownOutcomeError), repr(error)
    assert stub.count("POST") == 1


@pytest.mark.usefixtures("impatient")
def test_a_silent_broker_is_an_unknown_outcome_within_the_read_timeout() -> None:
    begun = time.monotonic()
    error, stub = post_against(Answer(fault="hang"))
    assert isinstance(error, UnknownOutcomeError)
    assert time.monotonic() - begun < 5
    assert stub.count("POST") == 1


def test_an_answer_that_comes_byte_by_byte_is_an_unknown_outcome_within_the_whole_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "WHOLE_SECONDS", 0.1)
    error, stub = post_against(Answer(200, {"id": "x"}, fault="drip"))
    assert isinstance(error, UnknownOutcomeError)
    assert "in time" in str(error)
    assert stub.count("POST") == 1


def test_an_answer_cut_off_in_its_body_is_an_unknown_outcome() -> None:
    error, stub = post_against(Answer(200, {"id": "x"}, fault="truncate"))
    assert stub.count("POST") == 1
    assert isinstance(error, UnknownOutcomeError), repr(error)


def test_a_body_that_is_no_gzip_is_an_unknown_outcome() -> None:
    error, _ = post_against(Answer(200, b"not gzip", (("Content-Encoding", "gzip"),)))
    assert isinstance(error, UnknownOutcomeError), repr(error)


def test_an_answer_of_more_than_four_mebibytes_once_decoded_is_refused() -> None:
    bomb = gzip.compress(b'"' + b"a" * (64 * 1024 * 1024) + b'"')
    error, stub = post_against(Answer(200, bomb, (("Content-Encoding", "gzip"),)))
    assert isinstance(error, UnknownOutcomeError), repr(error)
    assert stub.count("POST") == 1


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_decided_refusal_carries_status_code_and_body(status: int) -> None:
    body = {"code": 40310000, "message": "insufficient qty", "related_orders": ["abc"]}
    error, stub = post_against(Answer(status, body))
    assert isinstance(error, RefusedError)
    assert (error.status, error.code) == (status, 40310000)
    assert "related_orders" in error.body
    assert stub.count("POST") == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, {"message": "unauthorized."}),
        Answer(401, HTML, (("Content-Type", "text/html"),)),
        Answer(403, {"message": "forbidden."}),
        Answer(401, {"code": 40110000, "message": "request is not authorized"}),
    ],
)
def test_refused_keys_are_an_error_of_their_own_that_no_retry_cures(answer: Answer) -> None:
    error, stub = post_against(answer)
    assert isinstance(error, AuthError)
    assert "secret" not in str(error)
    assert stub.count("POST") == 1


def test_a_rate_limit_carries_the_brokers_reset_and_is_not_retried_by_the_library() -> None:
    answer = Answer(
        429,
        {"code": 42910000, "message": "rate limit exceeded"},
        (("X-RateLimit-Reset", "1790000000"),),
    )
    error, stub = post_against(answer)
    assert isinstance(error, RateLimitedError)
    assert error.reset_at == 1_790_000_000
    assert stub.count("POST") == 1


def test_a_rate_limit_without_headers_has_no_reset() -> None:
    error, _ = post_against(Answer(429, {"message": "too many requests."}))
    assert isinstance(error, RateLimitedError)
    assert error.reset_at == 0


def test_a_refused_connection_cannot_have_reached_the_broker() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotSentError):
        Transport(f"http://127.0.0.1:{port}", "PK1", "s").post("/orders", ORDER)


def test_an_unknown_host_cannot_have_been_reached() -> None:
    with pytest.raises(NotSentError):
        Transport("http://no-such-host.invalid", "PK1", "s").post("/orders", ORDER)


def test_the_librarys_own_retry_is_off_and_the_environment_is_not_trusted() -> None:
    with serving(always(Answer(200, {}))) as stub:
        client = link(stub)._client()
        assert client._retry == 0
        assert client._session.trust_env is False


def test_numbers_leave_as_the_text_that_they_are() -> None:
    with serving(always(Answer(200, {"id": "x"}))) as stub:
        link(stub).post("/orders", ORDER)
        assert stub.requests[0].body == ORDER


def test_a_list_is_read_through_to_its_end() -> None:
    rows = [{"id": f"o{n}", "submitted_at": _at(n)} for n in range(1203)]
    assert _ids_read(rows) == [one["id"] for one in rows]


def test_orders_of_the_same_instant_survive_a_page_boundary() -> None:
    rows = [{"id": f"o{n}", "submitted_at": _at(n // 7)} for n in range(1203)]
    assert _ids_read(rows) == [one["id"] for one in rows]


def test_a_broker_that_gives_fewer_at_once_than_asked_for_is_read_to_its_end_too() -> None:
    rows = [{"id": f"o{n}", "submitted_at": _at(n)} for n in range(120)]
    with serving(_listing(rows, most=50)) as stub:
        client = link(stub)
        assert len(client.pages("/orders", {})) == 120
        asked = len(stub.requests)
        rows[:] = rows[:20]
        assert len(client.pages("/orders", {})) == 20
        assert len(stub.requests) == asked + 1, "a page shorter than another one is the last"


def test_a_short_page_that_is_full_of_one_instant_does_not_end_the_list() -> None:
    rows = [{"id": f"o{n}", "submitted_at": _at(n // 2)} for n in range(7)]
    with serving(_listing(rows, most=2)) as stub:
        assert [one["id"] for one in link(stub).pages("/orders", {})] == [one["id"] for one in rows]


def test_a_list_of_one_order_is_asked_for_no_oftener_than_needed() -> None:
    with serving(_listing([{"id": "o", "submitted_at": _at(0)}])) as stub:
        assert len(link(stub).pages("/orders", {})) == 1
        assert len(stub.requests) == 2


def test_a_list_without_an_end_is_given_up() -> None:
    numbers = itertools.count()

    def script(request: Request) -> Answer:
        return Answer(200, [{"id": f"o{next(numbers)}", "submitted_at": _at(0)} for _ in range(2)])

    with serving(script) as stub, pytest.raises(UnknownOutcomeError, match="no end"):
        link(stub).pages("/orders", {})


def _at(second: int) -> str:
    return f"2026-09-21T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def _listing(rows: list[dict[str, str]], most: int = 500) -> Script:
    def script(request: Request) -> Answer:
        later = [one for one in rows if one["submitted_at"] > request.query.get("after", "")]
        return Answer(200, later[: min(most, int(request.query["limit"]))])

    return script


def _ids_read(rows: list[dict[str, str]]) -> list[str]:
    with serving(_listing(rows)) as stub:
        return [one["id"] for one in link(stub).pages("/orders", {"status": "all"})]
