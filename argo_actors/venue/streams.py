"""The venue's WebSockets: which stream a path means, and how a connection may begin badly."""

import asyncio
from collections.abc import Callable
from typing import Any

from . import faults
from .connection import Connection, Frame
from .http_front import headers_of
from .in_force import Faults
from .market_codec import Codec
from .market_stream import ERRORS, MarketStream, Rules, feed_of
from .options import Options
from .trade_stream import PATH, TradeStream


class Streams:
    """All streams of a venue."""

    def __init__(self, options: Options, known: Faults, clock: Callable[[], int]) -> None:
        self._faults = known
        self._clock = clock
        self._slow = options.slow_seconds
        self.trades = TradeStream(options.keys, self._fault_of("trade_updates"))
        rules = Rules(options.basic_data, options.auth_seconds)
        self._market = {
            crypto: MarketStream(
                options.market,
                options.keys,
                rules,
                crypto=crypto,
                fault_of=self._fault_of("crypto" if crypto else "stocks"),
            )
            for crypto in (False, True)
        }

    def _fault_of(self, stream: str) -> Callable[[str, str, int], faults.EventFault | None]:
        return lambda event, symbol, now: self._faults.event(stream, event, symbol, now)

    def advance(self, now: int) -> None:
        """Tell what is new on the market."""
        for one in self._market.values():
            one.advance(now)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI side."""
        await receive()
        path = scope["path"]
        feed = feed_of(path)
        if path != PATH and feed is None:
            await send({"type": "websocket.close", "code": 1008})
            return
        fault = self._faults.connect(path, self._clock())
        match fault:
            case faults.Refuse():
                await _refuse(send, fault)
            case faults.Unheard():
                await _gone(receive)
            case _:
                await self._serve(scope, receive, send, feed, fault)

    async def _serve(
        self,
        scope: Any,
        receive: Any,
        send: Any,
        feed: str | None,
        fault: faults.Wrong | faults.Short | faults.Mute | None,
    ) -> None:
        codec = Codec(packed="msgpack" in headers_of(scope).get("content-type", ""))
        farewell: Frame | None = None
        if feed is not None:
            slow = {"T": "error", "code": 407, "msg": ERRORS[407]}
            farewell = codec.encode([slow])
        connection = Connection(scope, receive, send, self._slow, farewell)
        wrong = fault if isinstance(fault, faults.Wrong) else None
        if isinstance(fault, faults.Mute):
            connection.mute()
        if isinstance(fault, faults.Short):
            loop = asyncio.get_running_loop()
            loop.call_later(fault.seconds, connection.close, fault.code)
        if feed is None:
            await self.trades.serve(connection, wrong)
        else:
            await self._market[feed == "crypto"].serve(connection, codec, feed, wrong)


async def _refuse(send: Any, fault: faults.Refuse) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in fault.headers.items()]
    await send(
        {"type": "websocket.http.response.start", "status": fault.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": fault.body.encode()})


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass
