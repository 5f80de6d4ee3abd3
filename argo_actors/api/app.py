"""The HTTP API of a running daemon."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec

from ..bootstrap import Daemon
from ..tracker.decider import KEPT
from . import signals, sources
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
from .server import Server
from .view import View


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

    @get(["/health", "/api/v1/health/liveness"], sync_to_thread=False)
    def health() -> dict[str, Any]:
        return {"status": "ok" if view.ready else "starting"}

    @get("/api/v1/health/readiness", sync_to_thread=False)
    def readiness() -> Any:
        return Response(health.fn(), status_code=200 if view.ready else 503)

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
        route_handlers=[read, latest, health, readiness, actor, command, source, decide, ask, take],
        exception_handlers={Refused: refused},
        openapi_config=None,
        logging_config=None,
    )


def serving(daemon: Daemon, port: int | None = None, *, next_free: bool = False) -> Server:
    """The daemon's server, bound and not yet started. Raises DaemonError where the port cannot be had."""
    state = daemon.settings.state
    wanted = daemon.config.api.port if port is None else port
    return Server(application(daemon), state.socket, state.token, wanted, next_free=next_free)
