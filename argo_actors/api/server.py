"""Where an app answers: the account's private socket, and loopback TCP behind a token."""

import threading
from pathlib import Path
from socket import create_server
from socket import socket as Bound  # noqa: N812 (a socket's path is called socket here)
from typing import Any

from ..errors import DaemonError
from .guard import App, Guard, token

START_SECONDS = 10.0
STOP_SECONDS = 3.0
MOST_PORTS = 20
"""So many ports from the wished one on are tried."""


class Server:
    """The app on its Unix socket (0600) and on loopback TCP, each on a thread of its own."""

    def __init__(
        self, app: App, socket: Path, token_file: Path, port: int, *, next_free: bool = False
    ) -> None:
        self.socket = socket
        self.socket.unlink(missing_ok=True)
        self._tcp = _next_free(port) if next_free else _bound(port)
        self.port: int = self._tcp.getsockname()[1]
        guarded = Guard(app, token(token_file), self.port)
        self._listeners = (
            _Listener(app, uds=str(self.socket)),
            _Listener(guarded, sockets=[self._tcp]),
        )

    @property
    def url(self) -> str:
        """Where it answers, to whoever has the token."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to answer."""
        for listener in self._listeners:
            listener.start()
        self.socket.chmod(0o600)

    def stop(self) -> None:
        """Answer no more."""
        for listener in self._listeners:
            listener.leave()
        for listener in self._listeners:
            listener.join()
        self._tcp.close()
        self.socket.unlink(missing_ok=True)


class _Listener:
    """One place where the app answers."""

    def __init__(self, app: Any, *, uds: str | None = None, sockets: Any = None) -> None:
        import uvicorn

        config = uvicorn.Config(
            app,
            uds=uds,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": sockets}, name="api", daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_SECONDS / 0.01)):
            if self._server.started:
                break
            waited.wait(0.01)

    def leave(self) -> None:
        self._server.should_exit = True

    def join(self) -> None:
        self._thread.join(STOP_SECONDS)


def _bound(port: int) -> Bound:
    """A loopback socket; port 0 is any free one. Raises DaemonError."""
    try:
        return create_server(("127.0.0.1", port))
    except OSError as error:
        raise DaemonError(
            f"port {port} of 127.0.0.1 cannot be had: {error.strerror}",
            fix="choose another one: --port or api.port (0 takes any free one)",
        ) from None


def _next_free(port: int) -> Bound:
    """The first of some ports that is free. Raises DaemonError."""
    for one in range(port, port + MOST_PORTS - 1):
        try:
            return _bound(one)
        except DaemonError:
            continue
    return _bound(port + MOST_PORTS - 1)
