"""HTTP as the venue speaks it: a request is read, answered, and the answer may meet a fault."""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from . import damage, faults
from .sessions import SECOND
from .vendors import failure, key_of
from .wire import Answer, Request

Handler = Callable[[Request], Answer]


class Front:
    """Answers requests; `shifted` (stale, skew) and `stuck` are the faults that need the book."""

    def __init__(
        self,
        answer: Handler,
        fault_of: Callable[[Request], faults.RequestFault | None],
        shifted: Callable[[Request, float], Answer],
        stuck: Callable[[Request, float], Answer],
        now: Callable[[], int],
    ) -> None:
        self._answer = answer
        self._fault_of = fault_of
        self._shifted = shifted
        self._stuck = stuck
        self._now = now

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI side."""

        async def dated(message: Any) -> None:
            """By the venue's clock, unless the answer says otherwise."""
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                date = [] if b"date" in known else [(b"date", http_date(self._now()).encode())]
                message = {**message, "headers": [*message["headers"], *date]}
            await send(message)

        await self._answered(scope, receive, dated)

    async def _answered(self, scope: Any, receive: Any, send: Any) -> None:
        request = await _read(scope, receive)
        if request is None:
            return
        fault = self._fault_of(request)
        match fault:
            case faults.Drop() | faults.Hang():
                if fault.applied:
                    self._answer(request)
                if isinstance(fault, faults.Drop):
                    scope["state"]["transport"].abort()
                await _gone(receive)
            case faults.Garble(how="truncated"):
                status, headers, body = self._answer(request)
                await _send(send, (status, headers, body[: len(body) // 2]), len(body))
                scope["state"]["transport"].close()
                await _gone(receive)
            case faults.Drip():
                await _drip(send, self._answer(request), fault)
            case faults.Delay(seconds=seconds, applied=True):
                late = self._answer(request)
                await asyncio.sleep(seconds)
                await _send(send, late)
            case faults.Delay(seconds=seconds):
                await asyncio.sleep(seconds)
                await _send(send, self._answer(request))
            case _:
                await _send(send, self._faulty(fault, request))

    def _faulty(self, fault: faults.RequestFault | None, request: Request) -> Answer:
        match fault:
            case faults.Answer():
                if fault.applied:
                    self._answer(request)
                return damage.given(fault)
            case faults.Vendor(how=how):
                key = key_of(request.query, request.headers)
                return failure(request.path, how, key) or self._answer(request)
            case faults.Garble(how=how):
                return damage.garbled(how, self._answer(request))
            case faults.Edit():
                return damage.on_json(
                    self._answer(request), lambda body: damage.edited(fault, body)
                )
            case faults.Skew(seconds=seconds):
                status, headers, body = self._shifted(request, seconds)
                date = http_date(self._now() + int(seconds * SECOND))
                told = status, {**headers, "Date": date}, body
                return damage.on_json(told, lambda body: damage.skewed(seconds, body))
            case faults.Stale(seconds=seconds):
                return self._shifted(request, -seconds)
            case faults.Stuck(seconds=seconds):
                return self._stuck(request, seconds)
        return self._answer(request)


async def _read(scope: Any, receive: Any) -> Request | None:
    """The whole request, its header names small; None when the client left."""
    body = b""
    while True:
        part = await receive()
        if part["type"] == "http.disconnect":
            return None
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin1").partition("?")[0],
        query=dict(parse_qsl(scope["query_string"].decode("latin1"), keep_blank_values=True)),
        headers=headers_of(scope),
        body=body,
    )


def http_date(at: int) -> str:
    """A time in ns UTC as a `Date` header has it."""
    return formatdate(at // SECOND, usegmt=True)


def headers_of(scope: Any) -> dict[str, str]:
    """Request headers by their small names."""
    return {
        name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]
    }


async def _send(send: Any, answer: Answer, length: int | None = None) -> None:
    status, headers, body = answer
    told = {**headers, "Content-Length": str(len(body) if length is None else length)}
    pairs = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send(
        {"type": "http.response.body", "body": body, "more_body": length not in (None, len(body))}
    )


async def _drip(send: Any, answer: Answer, fault: faults.Drip) -> None:
    status, headers, body = answer
    await _send(send, (status, headers, b""), len(body))
    for at in range(0, len(body), fault.size):
        await asyncio.sleep(fault.seconds)
        more = at + fault.size < len(body)
        part = body[at : at + fault.size]
        await send({"type": "http.response.body", "body": part, "more_body": more})


async def _gone(receive: Any) -> None:
    """Wait until the client has left, so that nothing more is said to it."""
    while (await receive())["type"] != "http.disconnect":
        pass
