"""The stream of trade updates: `/stream`, with binary frames that hold JSON as on paper accounts."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from . import trading_json as wire
from .connection import Connection
from .faults import Close, Cut, EventFault, Wrong
from .keys import Keys
from .line import End, Line
from .line import Event as Told
from .matching import Book, Event

PATH = "/stream"


class TradeStream:
    """Tells every listener what happened to the orders. There is no replay."""

    def __init__(self, keys: Keys, fault_of: Callable[[str, str, int], EventFault | None]) -> None:
        self._keys = keys
        self._line = Line(fault_of)
        self._listeners: set[Connection] = set()

    def tell(self, book: Book, events: Iterable[Event], show: Callable[[Any], Any]) -> None:
        """Tell events; `show` is what the venue does to every order that leaves it."""
        told = (
            Told(
                one.event,
                book.orders[one.order_id].symbol,
                one.at,
                show(wire.trade_update(book, one)),
            )
            for one in events
        )
        for item in self._line.passed(told, book.now):
            if isinstance(item, End):
                self._end(item)
                continue
            frame = msgspec.json.encode(item.body)
            for listener in self._listeners:
                listener.say(frame if item.whole else frame[: len(frame) // 2])

    def _end(self, item: End) -> None:
        listeners, self._listeners = self._listeners, set()
        for one in listeners:
            match item.how:
                case Close(code=code):
                    one.close(code)
                case Cut():
                    one.cut()
                case _:
                    one.mute()

    async def serve(self, connection: Connection, wrong: Wrong | None) -> None:
        """One client, until it leaves."""
        session = _Session(self._keys, connection, wrong)
        try:
            async for frame in connection.frames():
                if session.heard(frame):
                    self._listeners.add(connection)
                else:
                    self._listeners.discard(connection)
        finally:
            self._listeners.discard(connection)


class _Session:
    """What one client has said so far."""

    def __init__(self, keys: Keys, connection: Connection, wrong: Wrong | None) -> None:
        self._keys = keys
        self._connection = connection
        self._wrong = wrong
        self._authorised = False
        self._listens = False

    def heard(self, frame: bytes | str) -> bool:
        """Answer a frame; True while the client listens to trade updates."""
        try:
            said = msgspec.json.decode(frame, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._say("error", {"error": "invalid message"})
            return self._listens
        data = said.get("data")
        match said.get("action"), data if isinstance(data, dict) else {}:
            case ("authenticate" | "auth") as action, body:
                self._authenticate(str(action), said, body)
            case "listen", body:
                self._listen(body.get("streams"))
            case action, _:
                self._say("error", {"error": f"unknown action: {action}"})
        return self._listens

    def _authenticate(self, action: str, said: dict[str, Any], body: dict[str, Any]) -> None:
        keys = Keys(
            str(body.get("key_id") or said.get("key", "")),
            str(body.get("secret_key") or said.get("secret", "")),
        )
        self._authorised = keys == self._keys and self._wrong is None
        status = "authorized" if self._authorised else "unauthorized"
        self._say("authorization", {"status": status, "action": action})

    def _listen(self, streams: Any) -> None:
        if not self._authorised:
            self._say("listening", {"error": "unauthorized"})
            return
        known = (
            [one for one in streams if one == "trade_updates"] if isinstance(streams, list) else []
        )
        self._listens = bool(known)
        self._say("listening", {"streams": known})

    def _say(self, stream: str, data: Any) -> None:
        self._connection.say(msgspec.json.encode({"stream": stream, "data": data}))
