"""The HTTP API of a running daemon."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec

from ..bootstrap import Daemon
from ..tracker.state import KEPT
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
    from litestar import Litestar
    from litestar.exceptions import ValidationException

    view = View(daemon)
    return Litestar(
        route_handlers=[*_documents(daemon, view), *_health(view), *_commands(daemon, view)],
        exception_handlers={Refused: _refused, ValidationException: _invalid},
        openapi_config=None,
        logging_config=None,
    )


def _documents(daemon: Daemon, view: View) -> list[Any]:
    """What can be read."""
    from litestar import Request, get
    from litestar.params import FromPath, QueryParameter

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
        return _json(readings[request.url.path]())

    @get("/api/signals/latest", sync_to_thread=False)
    def latest(limit: Annotated[int, QueryParameter(ge=1, le=KEPT)] = KEPT) -> Any:
        return _json(signals.latest(view.books, limit))

    @get("/api/v1/actors/{address:path}", sync_to_thread=False)
    def actor(address: FromPath[str]) -> Any:
        name = str(address).lstrip("/")
        found = view.actor(name)
        if found is None:
            raise Refused(404, f"no actor {name!r}", "`argo inspect` lists them")
        return _json(found)

    return [read, latest, actor]


def _health(view: View) -> list[Any]:
    """For whoever watches the process."""
    from litestar import Response, get

    @get(["/health", "/api/v1/health/liveness"], sync_to_thread=False)
    def health() -> dict[str, Any]:
        return {"status": "ok" if view.ready else "starting"}

    @get("/api/v1/health/readiness", sync_to_thread=False)
    def readiness() -> Any:
        return Response(health.fn(), status_code=200 if view.ready else 503)

    return [health, readiness]


def _commands(daemon: Daemon, view: View) -> list[Any]:
    """What a person may ask for."""
    from litestar import post
    from litestar.params import FromPath, JSONBody

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

    return [command, source, decide, ask, take]


def _json(found: Any) -> Any:
    from litestar import Response

    return Response(msgspec.json.encode(found), media_type="application/json")


def _refused(_: Any, error: Refused) -> Any:
    from litestar import Response

    return Response({"detail": error.what, "fix": error.fix}, status_code=error.status)


def _invalid(_: Any, error: Any) -> Any:
    """A request that cannot be read: which field, what is wrong with it."""
    from litestar import Response

    found = error.extra if isinstance(error.extra, list) else []
    fields = [f"{one.get('key', 'the request')}: {one['message']}" for one in found]
    body = {"detail": "; ".join(fields) or error.detail, "fix": "send what the field allows"}
    return Response(body, status_code=error.status_code)


def serving(daemon: Daemon, port: int | None = None, *, next_free: bool = False) -> Server:
    """The daemon's server, bound and not yet started. Raises DaemonError where the port cannot be had."""
    state = daemon.settings.state
    wanted = daemon.config.api.port if port is None else port
    return Server(application(daemon), state.socket, state.token, wanted, next_free=next_free)
