"""One WebSocket connection: frames leave in order, and a client that does not read is let go."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

Frame = bytes | str
FAREWELL_SECONDS = 10.0
"""A client that did not read has so long to read why it is let go."""


class _End(NamedTuple):
    code: int


class Connection:
    """An accepted stream. `farewell` is the last frame to a client that reads too slowly."""

    def __init__(
        self, scope: Any, receive: Any, send: Any, slow_seconds: float, farewell: Frame | None
    ) -> None:
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._receive = receive
        self._send = send
        self._slow = slow_seconds
        self._farewell = farewell
        self._queue: asyncio.Queue[Frame | _End] = asyncio.Queue()
        self.over = asyncio.Event()
        """It says nothing any more: muted, closed or cut."""

    async def frames(self) -> AsyncIterator[Frame]:
        """What the client says, until it leaves; what is said meanwhile is sent."""
        await self._send({"type": "websocket.accept"})
        pouring = asyncio.create_task(self._pour())
        try:
            while (message := await self._receive())["type"] != "websocket.disconnect":
                if not self.over.is_set():
                    text = message.get("text")
                    yield message.get("bytes") or b"" if text is None else text
        finally:
            self.over.set()
            pouring.cancel()

    def say(self, frame: Frame) -> None:
        """Send a frame when its turn comes."""
        if not self.over.is_set():
            self._queue.put_nowait(frame)

    def close(self, code: int) -> None:
        """Say goodbye behind what was said."""
        if not self.over.is_set():
            self.over.set()
            self._queue.put_nowait(_End(code))

    def cut(self) -> None:
        """Be gone without a word."""
        self.over.set()
        self._transport.abort()

    def mute(self) -> None:
        """Half-open: nothing is said or heard any more, pings included."""
        self.over.set()
        self._transport.pause_reading()
        _empty(self._queue)

    async def _pour(self) -> None:
        while True:
            item = await self._queue.get()
            try:
                async with asyncio.timeout(self._slow):
                    await self._put(item)
            except TimeoutError:
                await self._let_go()
                return
            if isinstance(item, _End):
                return

    async def _put(self, item: Frame | _End) -> None:
        match item:
            case _End(code):
                await self._send({"type": "websocket.close", "code": code})
            case bytes():
                await self._send({"type": "websocket.send", "bytes": item})
            case str():
                await self._send({"type": "websocket.send", "text": item})

    async def _let_go(self) -> None:
        """A client that does not read: one last frame if it still takes it, then the end."""
        self.over.set()
        _empty(self._queue)
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                if self._farewell is not None:
                    await self._put(self._farewell)
                await self._put(_End(1008))
        except TimeoutError:
            self._transport.abort()


def _empty(queue: "asyncio.Queue[Frame | _End]") -> None:
    while not queue.empty():
        queue.get_nowait()
