"""What stands before the API on TCP: our own names only, and a token for everything but health.

The Unix socket needs neither: only the account's owner can open it.
"""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/health", "/api/v1/health/liveness", "/api/v1/health/readiness"})
"""Paths that tell nothing of the account."""
NAMES = ("127.0.0.1", "localhost", "[::1]")


class Refusal(NamedTuple):
    """An answer instead of the app's."""

    status: int
    detail: str


class Guard:
    """Lets a request through to the app, or answers it."""

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app = app
        self._bearer = f"Bearer {token}".encode()
        self._hosts = frozenset(f"{name}:{port}".encode() for name in NAMES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _answer(send, refusal)

    def _refusal(self, scope: Scope) -> Refusal | None:
        """A name that is not ours is another site's trick on a browser (DNS rebinding)."""
        headers = [(name.lower(), value) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return Refusal(421, "not the name of this service: use http://127.0.0.1:PORT")
        if scope["path"] in OPEN:
            return None
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or not hmac.compare_digest(given[0], self._bearer):
            return Refusal(
                401, "Authorization: Bearer TOKEN, with the text of the state's token file"
            )
        return None


async def _answer(send: Send, refusal: Refusal) -> None:
    body = json.dumps({"status_code": refusal.status, "detail": refusal.detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def token(path: Path) -> str:
    """The account's token, made once, in a file that only its owner can read."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32) + "\n")
    path.chmod(0o600)
    return path.read_text().strip()
