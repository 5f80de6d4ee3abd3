"""The HTTP API over the account's private socket; the same app can be served elsewhere later."""

import threading
from pathlib import Path
from typing import Any

import msgspec

from ..bootstrap import Daemon
from ..messages.system import Operator
from .requests import OperatorRequest, Refused, ResolveRequest, resolve
from .view import View

START_SECONDS = 10.0


def application(daemon: Daemon) -> Any:
    """The Litestar app of a daemon."""
    from litestar import Litestar, Request, Response, get, post
    from litestar.exceptions import HTTPException

    view = View(daemon)
    readings = {
        "/api/v1/status": view.status,
        "/api/v1/positions": view.positions,
        "/api/v1/orders": view.orders,
        "/api/v1/trades": view.trades,
        "/api/v1/signals": view.signals,
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

    @get("/health", sync_to_thread=False)
    def health() -> dict[str, Any]:
        return {"status": "ok" if view.books.ready else "starting"}

    @get("/api/v1/actors/{address:path}", sync_to_thread=False)
    def actor(address: str) -> Any:
        found = view.actor(str(address).lstrip("/"))
        if found is None:
            raise HTTPException(status_code=404, detail=f"no actor {address}")
        return Response(msgspec.json.encode(found), media_type="application/json")

    @post("/api/v1/operator", sync_to_thread=True, status_code=200)
    def operate(data: OperatorRequest) -> dict[str, Any]:
        command = Operator(state=data.state, who=data.who, why=data.why, reset_peak=data.reset_peak)
        seq, registered = daemon.operate(command)
        return {"state": data.state, "seq": seq, "registered": list(registered)}

    @post("/api/v1/reconcile", sync_to_thread=True, status_code=200)
    def decide(data: ResolveRequest) -> dict[str, Any]:
        return resolve(daemon, view, data)

    def refused(request: Request[Any, Any, Any], error: Refused) -> Any:
        body = {"detail": error.what, "fix": error.fix}
        return Response(body, status_code=error.status)

    return Litestar(
        route_handlers=[read, health, actor, operate, decide],
        exception_handlers={Refused: refused},
        openapi_config=None,
        logging_config=None,
    )


class Server:
    """The app on its Unix socket (0600), on a thread of its own."""

    def __init__(self, daemon: Daemon, socket: Path) -> None:
        import uvicorn

        socket.unlink(missing_ok=True)
        config = uvicorn.Config(
            application(daemon),
            uds=str(socket),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._socket = socket
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="api", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_SECONDS / 0.01)):
            if self._server.started:
                break
            waited.wait(0.01)
        self._socket.chmod(0o600)

    def stop(self) -> None:
        """Answer no more."""
        self._server.should_exit = True
        self._thread.join(3)
        self._socket.unlink(missing_ok=True)
