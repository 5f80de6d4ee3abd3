"""What goes wrong with a request: alpaca-py's TradingClient sees it, and bare HTTP what that cannot."""

import json
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pydantic import ValidationError

from argo_actors.venue.in_force import struck
from tests.venue.fault_table import case, request
from tests.venue.fault_world import World

SUBMIT, ORDERS, ACCOUNT = "POST /v2/orders", "GET /v2/orders*", "GET /v2/account"
PAGE = "<html>503 Service Unavailable</html>"
LIMITS = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772636460"}


def arrived(world: World, name: str) -> bool:
    """Whether the order of a client id is at the venue."""
    path = f"/v2/orders:by_client_order_id?client_order_id={world.named(name)}"
    answer = world.ask(path)
    assert answer.status_code in (200, 404)
    return answer.ok


def lost(world: World, error: type[Exception], *, taken: bool, patience: float = 10) -> None:
    """An order is sent and brings no answer."""
    world.patience = patience
    with pytest.raises(error):
        world.market("lost")
    world.patience = 10
    assert arrived(world, "lost") is taken


# no answer, or another one


@case(
    "504 after the order was taken",
    "APIError 504; the order is found by its client id",
    rules=[request(SUBMIT, "answer", status=504, applied=True)],
)
def _(world: World) -> None:
    assert world.refused(lambda: world.market("taken")).status_code == 504
    assert arrived(world, "taken")


@case(
    "504 before it was taken",
    "APIError 504; 404 for its client id",
    rules=[request(SUBMIT, "answer", status=504)],
)
def _(world: World) -> None:
    assert world.refused(lambda: world.market("not-taken")).status_code == 504
    assert not arrived(world, "not-taken")


@case(
    "The connection ends after the order was taken",
    "ConnectionError; the order stands",
    rules=[request(SUBMIT, "drop", applied=True)],
)
def _(world: World) -> None:
    lost(world, requests.exceptions.ConnectionError, taken=True)


@case(
    "The connection ends before it was taken",
    "ConnectionError; no order",
    rules=[request(SUBMIT, "drop")],
)
def _(world: World) -> None:
    lost(world, requests.exceptions.ConnectionError, taken=False)


@case(
    "No answer ever, the order was taken (one-way loss)",
    "nothing; alpaca-py without a timeout waits for ever; the order stands",
    rules=[request(SUBMIT, "hang", applied=True)],
)
def _(world: World) -> None:
    lost(world, requests.exceptions.ReadTimeout, taken=True, patience=0.3)


@case(
    "No answer ever, nothing was taken",
    "nothing; no order",
    rules=[request(SUBMIT, "hang")],
)
def _(world: World) -> None:
    lost(world, requests.exceptions.ReadTimeout, taken=False, patience=0.3)


@case(
    "A late answer, the order was taken at once",
    "a timeout; the order is filled before its answer comes",
    rules=[request(SUBMIT, "delay", seconds=30, applied=True)],
)
def _(world: World) -> None:
    lost(world, requests.exceptions.ReadTimeout, taken=True, patience=0.3)
    found = world.client.get_order_by_client_id(world.named("lost"))
    assert world.filled(found)


@case(
    "A slow host",
    "the true answer, so many seconds late",
    rules=[request("/v2/clock", "delay", seconds=0.5)],
)
def _(world: World) -> None:
    world.patience = 0.1
    with pytest.raises(requests.exceptions.ReadTimeout):
        world.client.get_clock()
    world.patience = 10
    assert world.client.get_clock()


@case(
    "A host that drips (slow loris)",
    "the true answer in pieces; a timeout for each read never strikes",
    rules=[request("/v2/clock", "drip", size=40, seconds=0.05)],
)
def _(world: World) -> None:
    line = HTTPConnection(urlsplit(world.url).netloc, timeout=10)
    line.request("GET", "/v2/clock", headers=world.headers)
    answer = line.getresponse()
    parts = []
    while part := answer.read1():
        parts.append(part)
    line.close()
    assert len(parts) > 1
    assert json.loads(b"".join(parts))["is_open"]


@case(
    "Nothing can be reached for half a minute",
    "ConnectionError for every request; new streams are refused",
    rules=[
        {"on": "request", "for_seconds": 30, "fault": {"kind": "drop"}},
        {"on": "connect", "for_seconds": 30, "fault": {"kind": "refuse", "status": 503}},
    ],
)
def _(world: World) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        world.client.get_clock()
    with pytest.raises(Exception, match="503"):
        world.updates()
    world.pass_time(31)
    assert world.client.get_clock()
    assert world.updates()


@case(
    "429 with the vendor's headers",
    "429 with X-RateLimit-Remaining and -Reset; alpaca-py reads neither",
    rules=[
        request(
            ACCOUNT,
            "answer",
            status=429,
            headers=LIMITS,
            body={"code": 42910000, "message": "rate limit exceeded"},
        )
    ],
)
def _(world: World) -> None:
    answer = world.ask("/v2/account")
    assert (answer.status_code, answer.json()["code"]) == (429, 42910000)
    assert answer.headers.items() >= LIMITS.items()


@case(
    "429 without headers",
    "429 and an empty body",
    rules=[request(ACCOUNT, "answer", status=429)],
)
def _(world: World) -> None:
    answer = world.ask("/v2/account")
    assert (answer.status_code, answer.content) == (429, b"")
    assert not [name for name in answer.headers if name.startswith("X-RateLimit")]


@case(
    "A 429 to an order, twice",
    "alpaca-py itself sends the order three times",
    rules=[request(SUBMIT, "answer", count=2, status=429)],
)
def _(world: World) -> None:
    world.client._retry = 3
    try:
        assert world.market("thrice").client_order_id == world.named("thrice")
    finally:
        world.client._retry = 0
    assert world.faults()["rules"][0]["matched"] == 3


@case(
    "One order in five gets no answer",
    "504 for some, the same ones for the same seed, rule name and order of requests",
    rules=[
        {
            "on": "request",
            "name": "lost",
            "method": "POST",
            "path": "/v2/orders",
            "probability": 0.2,
            "fault": {"kind": "answer", "status": 504},
        }
    ],
)
def _(world: World) -> None:
    body = {"symbol": "MOON", "side": "buy"}
    seen = [world.ask("/v2/orders", "POST", body).status_code for _ in range(40)]
    assert seen == [504 if struck(7, "lost", n + 1, 0.2) else 422 for n in range(40)]
    assert 2 < seen.count(504) < 15


@case(
    "A storm of 429 for a minute",
    "APIError 429 whatever it asks; then all is well",
    rules=[
        {
            "on": "request",
            "path": "/v2/*",
            "for_seconds": 60,
            "fault": {"kind": "answer", "status": 429},
        }
    ],
)
def _(world: World) -> None:
    for call in (world.client.get_account, world.client.get_orders, world.client.get_clock):
        assert world.refused(call).status_code == 429
    world.pass_time(61)
    assert world.client.get_account()


@case(
    "401 as a page of HTML",
    "APIError 401 whose code raises JSONDecodeError",
    rules=[request("/v2/clock", "answer", status=401, body="<html>401</html>")],
)
def _(world: World) -> None:
    error = world.refused(world.client.get_clock)
    assert error.status_code == 401
    with pytest.raises(json.JSONDecodeError):
        _ = error.code


@case(
    "503 as a page of HTML",
    "APIError 503 whose code raises JSONDecodeError",
    rules=[request("/v2/positions", "answer", status=503, body=PAGE)],
)
def _(world: World) -> None:
    error = world.refused(world.client.get_all_positions)
    assert error.status_code == 503
    with pytest.raises(json.JSONDecodeError):
        _ = error.message


@case(
    "The key is revoked while it runs",
    "APIError 401 without a code, from every call until the plan is taken back",
    rules=[
        request("/v2/*", "answer", count=None, status=401, body={"message": "unauthorized."}),
        {"on": "connect", "fault": {"kind": "error"}},
    ],
)
def _(world: World) -> None:
    for call in (world.client.get_account, world.client.get_all_positions):
        error = world.refused(call)
        assert error.status_code == 401
        with pytest.raises(KeyError):
            _ = error.code
    with pytest.raises(ValueError, match="failed to authenticate"):
        world.updates()


@case(
    "A live key on the paper host",
    "APIError 403 forbidden",
    rules=[request(ACCOUNT, "answer", status=403, body={"message": "forbidden."})],
)
def _(world: World) -> None:
    error = world.refused(world.client.get_account)
    assert (error.status_code, "forbidden" in str(error)) == (403, True)


def refusal(code: int, message: str, status: int = 403) -> dict[str, Any]:
    return {"status": status, "body": {"code": code, "message": message}}


@case(
    "An order is refused for want of buying power",
    "APIError 403 with code 40310000; no order",
    rules=[request(SUBMIT, "answer", **refusal(40310000, "insufficient buying power"))],
)
def _(world: World) -> None:
    error = world.refused(lambda: world.market("poor"))
    assert (error.status_code, error.code) == (403, 40310000)
    assert not arrived(world, "poor")


@case(
    "The second order (a stop, say) is refused as a wash trade",
    "the first is taken; APIError 403 with code 40310000 for the next",
    rules=[
        {
            "on": "request",
            "method": "POST",
            "path": "/v2/orders",
            "skip": 1,
            "count": 1,
            "fault": {"kind": "answer", **refusal(40310000, "potential wash trade detected.")},
        }
    ],
)
def _(world: World) -> None:
    world.limit("first")
    assert world.refused(lambda: world.limit("second")).code == 40310000


@case(
    "A stop is refused because the price is through it",
    "APIError 422 with code 42210000",
    rules=[
        request(
            SUBMIT,
            "answer",
            **refusal(42210000, "stop price must be less than current price", 422),
        )
    ],
)
def _(world: World) -> None:
    error = world.refused(lambda: world.limit("through"))
    assert (error.status_code, error.code) == (422, 42210000)


# answers that cannot be used


def unusable(how: str, fault: str, sees: str, path: str = "/v2/account") -> Callable[..., Any]:
    """The answer to one request is garbled."""
    return case(fault, sees, rules=[request(f"GET {path}", "garble", how=how)])


@unusable("html", "A page of HTML with status 200", "JSONDecodeError")
def _(world: World) -> None:
    with pytest.raises(requests.exceptions.JSONDecodeError):
        world.client.get_account()


@unusable("empty", "An empty body", "alpaca-py makes None of it and raises TypeError")
def _(world: World) -> None:
    with pytest.raises((ValidationError, TypeError)):
        world.client.get_account()


@unusable("truncated", "Half a body", "ChunkedEncodingError")
def _(world: World) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        world.client.get_account()


@unusable("oversized", "A huge body", "8 MiB of blanks behind the true body")
def _(world: World) -> None:
    assert len(world.ask("/v2/account").content) > 8 * 2**20


@unusable("bomb", "A huge body, packed", "the same from a few kilobytes of gzip")
def _(world: World) -> None:
    answer = world.ask("/v2/account")
    assert len(answer.content) > 8 * 2**20
    assert int(answer.headers["Content-Length"]) < 100_000


@unusable("nan", "Numbers are NaN", "ValidationError, or NaN in the texts that alpaca-py hands on")
def _(world: World) -> None:
    with pytest.raises(ValidationError, match="nan"):
        world.client.get_account()


@unusable("duplicate", "Keys and rows come twice", "every row of a list twice", "/v2/assets")
def _(world: World) -> None:
    twice = world.client.get_all_assets()
    assert len(twice) == 2 * len(world.client.get_all_assets())


@unusable("plain", "The wrong content type", "the true body as text/plain; alpaca-py does not mind")
def _(world: World) -> None:
    answer = world.ask("/v2/account")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.json()["status"] == "ACTIVE"
