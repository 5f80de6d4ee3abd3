"""The HTTP API: over the account's private socket, and on loopback TCP behind a token."""

import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec

from ..bootstrap import Daemon
from ..errors import DaemonError
from ..host.state import StateDir
from ..tracker.decider import KEPT
from . import signals, sources
from .guard import Guard, token
from .requests import (
    ExecuteRequest,
    ExecuteSignalRequest,
    OperatorRequest,
    Refused,
    ResolveRequest,
    SourceRequest,
    execute,
    execute_signal,
    operate,
    order_source,
    resolve,
)
from .view import View

START_SECONDS = 10.0
STOP_SECONDS = 3.0


def application(daemon: Daemon) -> Any:
    """The Litestar app of a daemon."""
    from litestar import Litestar, Request, Response, get, post
    from litestar.exceptions import HTTPException
    from litestar.params import FromPath, JSONBody, QueryParameter

    view = View(daemon)
    readings: dict[str, Callable[[], Any]] = {
        "/api/v1/status": view.status,
        "/api/v1/positions": view.positions,
        "/api/v1/orders": view.orders,
        "/api/v1/trades": view.trades,
        "/api/v1/sources": partial(sources.sources, daemon),
        "/api/signals/stats": lambda: signals.stats(view.books),
        "/api/v1/tree": view.tree,
        "/api/v1/ledger": view.ledger,
        "/api/v1/protection": view.protection,
        "/api/v1/reconcile": view.reconcile,
    }

    @get(list(readings), sync_to_thread=False)
    def read(request: Request[Any, Any, Any]) -> Any:
        return Response(
            msgspec.json.encode(readings[request.url.path]()), media_type="application/json"
        )

    @get("/api/signals/latest", sync_to_thread=False)
    def latest(limit: Annotated[int, QueryParameter(ge=1, le=KEPT)] = KEPT) -> Any:
        found = signals.latest(view.books, limit)
        return Response(msgspec.json.encode(found), media_type="application/json")

    @get("/health", sync_to_thread=False)
    def health() -> dict[str, Any]:
        return {"status": "ok" if view.books.ready else "starting"}

    @get("/api/v1/actors/{address:path}", sync_to_thread=False)
    def actor(address: FromPath[str]) -> Any:
        found = view.actor(str(address).lstrip("/"))
        if found is None:
            unknown = f"no actor {str(address).lstrip('/')}; `argo inspect` lists them"
            raise HTTPException(status_code=404, detail=unknown)
        return Response(msgspec.json.encode(found), media_type="application/json")

    @post("/api/v1/operator", sync_to_thread=True, status_code=200)
    def command(data: JSONBody[OperatorRequest]) -> dict[str, Any]:
        return operate(daemon, view, data)

    @post("/api/v1/sources/{name:str}", sync_to_thread=True, status_code=200)
    def source(name: FromPath[str], data: JSONBody[SourceRequest]) -> dict[str, Any]:
        return order_source(daemon, name, data)

    @post("/api/v1/reconcile", sync_to_thread=True, status_code=200)
    def decide(data: JSONBody[ResolveRequest]) -> dict[str, Any]:
        return resolve(daemon, view, data)

    @post("/api/v1/trading/execute", sync_to_thread=True, status_code=200)
    def ask(data: JSONBody[ExecuteRequest]) -> dict[str, Any]:
        return execute(daemon, view, data)

    @post("/api/v1/signals/execute", sync_to_thread=True, status_code=200)
    def take(data: JSONBody[ExecuteSignalRequest]) -> dict[str, Any]:
        return execute_signal(daemon, view, data)

    def refused(request: Request[Any, Any, Any], error: Refused) -> Any:
        body = {"detail": error.what, "fix": error.fix}
        return Response(body, status_code=error.status)

    return Litestar(
        route_handlers=[read, latest, health, actor, command, source, decide, ask, take],
        exception_handlers={Refused: refused},
        openapi_config=None,
        logging_config=None,
    )


class Server:
    """The app on its Unix socket (0600) and on loopback TCP, each on a thread of its own."""

    def __init__(self, daemon: Daemon, state: StateDir) -> None:
        app = application(daemon)
        self.socket = state.socket
        self.socket.unlink(missing_ok=True)
        self._tcp = _bound(daemon.config.api.port)
        self.port: int = self._tcp.getsockname()[1]
        guarded = Guard(app, token(state.token), self.port)
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


def _bound(port: int) -> socket.socket:
    """A loopback socket; port 0 is any free one. Raises DaemonError."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise DaemonError(
            f"port {port} of 127.0.0.1 cannot be had: {error.strerror}",
            fix="set api.port to another one (--set api.port=0 takes any free one)",
        ) from None
