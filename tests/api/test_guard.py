"""The API's guard on TCP: which names and tokens get through, over real sockets."""

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from argo_actors.api.guard import Guard, Receive, Scope, Send, token
from argo_actors.api.server import _bound
from argo_actors.errors import DaemonError

TOKEN = "t" * 43


async def welcome(scope: Scope, receive: Receive, send: Send) -> None:
    """What is behind the guard."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    bound = socket.create_server(("127.0.0.1", 0))
    number = bound.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(Guard(welcome, TOKEN, number), log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    yield number
    server.should_exit = True
    thread.join(5)


def asked(port: int, path: str, *headers: tuple[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.putrequest("GET", path, skip_host=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def bearer(text: str = TOKEN) -> tuple[str, str]:
    return "Authorization", f"Bearer {text}"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_our_own_names_with_the_token_get_through(port: int, name: str) -> None:
    assert asked(port, "/api/v1/status", ("Host", f"{name}:{port}"), bearer()) == (200, b"in")


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1.nip.io:{port}",
        "localhost.:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "0.0.0.0:{port}",
        "",
    ],
)
def test_another_name_is_refused_whatever_the_token(port: int, name: str) -> None:
    host = ("Host", name.format(port=port))
    assert asked(port, "/api/v1/status", host, bearer())[0] == 421
    assert asked(port, "/health", host)[0] == 421


def test_two_names_are_refused(port: int) -> None:
    ours, theirs = ("Host", f"127.0.0.1:{port}"), ("Host", "evil.example")
    assert asked(port, "/health", ours, theirs)[0] in (400, 421)


def test_health_needs_no_token(port: int) -> None:
    assert asked(port, "/health", ("Host", f"127.0.0.1:{port}")) == (200, b"in")


@pytest.mark.parametrize(
    "header",
    [
        (),
        (bearer(""),),
        (bearer(TOKEN[:-1]),),
        (bearer(TOKEN + "t"),),
        (bearer(TOKEN.upper()),),
        (("Authorization", f"Basic {TOKEN}"),),
        (("Authorization", TOKEN),),
        (bearer(), bearer()),
    ],
)
def test_without_the_token_nothing_is_told(port: int, header: tuple[tuple[str, str], ...]) -> None:
    host = ("Host", f"127.0.0.1:{port}")
    for path in ("/api/v1/status", "/healthy", "/health/", "//health", "/"):
        status, body = asked(port, path, host, *header)
        assert status == 401
        assert TOKEN.encode() not in body


def test_a_token_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = token(tmp_path / "token")
    assert len(first) >= 43
    assert token(tmp_path / "token") == first
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert token(tmp_path / "another") != first


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(DaemonError) as caught:
            _bound(number)
    assert str(number) in caught.value.what
    assert "api.port" in caught.value.fix
