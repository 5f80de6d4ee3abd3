"""A broker on loopback that answers from a script: a hostile network, a hostile server."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

HANG_SECONDS = 30.0
DRIP_SECONDS = 0.01


class Answer(NamedTuple):
    """One answer; `fault` is what goes wrong instead."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    fault: str = ""


class Request(NamedTuple):
    """A request as it reached the server."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


Script = Callable[[Request], Answer]


class StubBroker:
    """Answers by the script and remembers every request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def run(self) -> None:
        """Serve until closed."""
        self._server.serve_forever(0.02)

    def close(self) -> None:
        """Let hanging requests go and stop."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def count(self, method: str) -> int:
        """How many requests of a method have arrived."""
        return sum(1 for one in self.requests if one.method == method)


def _handler(stub: StubBroker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            split = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length) if length else b""
            query = {name: values[0] for name, values in parse_qs(split.query).items()}
            body = json.loads(raw) if raw else None
            request = Request(self.command, split.path, query, body)
            stub.requests.append(request)
            self._answer(stub.script(request))

        def _answer(self, answer: Answer) -> None:
            if answer.fault == "hang":
                stub.released.wait(HANG_SECONDS)
                self.close_connection = True
                return
            if answer.fault == "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
                return
            body = answer.body
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            claimed = len(data) + (1000 if answer.fault in ("truncate", "drip") else 0)
            self.send_header("Content-Length", str(claimed))
            self.end_headers()
            if answer.fault == "drip":
                self.wfile.write(data[:1])
                while not stub.released.wait(DRIP_SECONDS):
                    self.wfile.write(b" ")
            self.wfile.write(data)
            if answer.fault == "truncate":
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 (the names http.server calls)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def serving(script: Script) -> Iterator[StubBroker]:
    """A stub broker that runs for the length of the block."""
    stub = StubBroker(script)
    thread = threading.Thread(target=stub.run, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.close()
        thread.join(5)


def always(*answers: Answer) -> Script:
    """These answers in order; the last one for ever."""
    left = list(answers)

    def script(_: Request) -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return script
