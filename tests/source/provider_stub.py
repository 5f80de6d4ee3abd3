"""A provider on loopback that answers from a script: what a hostile network and server do."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

HANG_SECONDS = 30.0
JSON = (("Content-Type", "application/json"),)
HTML = (("Content-Type", "text/html"),)


class Reply(NamedTuple):
    """One answer; `fault` is what goes wrong instead: hang, drop, trickle, truncate, chunked."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = JSON
    fault: str = ""


class Asked(NamedTuple):
    """A request as it reached the server."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    method: str = "GET"


Script = Callable[[Asked], Reply]


class ProviderStub:
    """Answers by the script, which a test may change, and remembers every request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def run(self) -> None:
        self._server.serve_forever(0.02)

    def close(self) -> None:
        """Let hanging requests go and stop."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]


def _handler(stub: ProviderStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            query = dict(parse_qsl(split.query))
            asked = Asked(unquote(split.path), query, headers, body, self.command)
            stub.asked.append(asked)
            try:
                self._answer(stub.script(asked))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_POST = do_GET  # noqa: N815 (the name is the library's)

        def _answer(self, reply: Reply) -> None:
            if reply.fault == "hang":
                stub.released.wait(HANG_SECONDS)
                self.close_connection = True
                return
            if reply.fault == "drop":
                self.close_connection = True
                return
            body = reply.body
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response_only(reply.status)  # no Date: it would be the wall clock's
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.fault == "chunked":
                self._send_chunked(data)
                return
            claimed = len(data) + (1000 if reply.fault else 0)
            self.send_header("Content-Length", str(claimed))
            self.end_headers()
            self.wfile.write(data)
            if reply.fault == "trickle":
                for _ in range(1000):
                    self.wfile.write(b" ")
                    if stub.released.wait(0.02):
                        break
            if reply.fault:
                self.close_connection = True

        def _send_chunked(self, data: bytes) -> None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(data), 700):
                piece = data[i : i + 700]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def providing(script: Script | Reply) -> Iterator[ProviderStub]:
    """A stub that runs for the length of the block; a Reply is given to every request."""
    stub = ProviderStub(script if callable(script) else lambda _: script)
    thread = threading.Thread(target=stub.run, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.close()
        thread.join(5)
