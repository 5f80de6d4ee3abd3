"""The HTTP API of a standby: how far behind it is, and that it is not the one to ask."""

from collections.abc import Callable
from typing import Any

import msgspec

from ..host.process import ProcessId
from .requests import Who, Why


class PromoteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants the standby to take over from which process, and why."""

    who: Who
    why: Why
    active: ProcessId | None = None


Promoted = Callable[[PromoteRequest], None]


def application(status: Callable[[], dict[str, Any]], promoted: Promoted) -> Any:
    """The Litestar app of a standby."""
    from litestar import Litestar, Response, get, post
    from litestar.params import JSONBody

    @get("/api/v1/status", sync_to_thread=True)
    def read() -> Any:
        return Response(msgspec.json.encode(status()), media_type="application/json")

    @get(["/health", "/api/v1/health/liveness"], sync_to_thread=False)
    def health() -> dict[str, Any]:
        return {"status": "standby"}

    @get("/api/v1/health/readiness", sync_to_thread=False)
    def readiness() -> Any:
        return Response({"status": "standby"}, status_code=503)

    @post("/api/v1/promote", sync_to_thread=False, status_code=200)
    def promote(data: JSONBody[PromoteRequest]) -> dict[str, Any]:
        promoted(data)
        return status()

    return Litestar(
        route_handlers=[read, health, readiness, promote],
        openapi_config=None,
        logging_config=None,
    )
