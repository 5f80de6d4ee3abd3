"""How a frame of market data is written and read.

A frame is an array of maps. A client that asks for `Content-Type: application/msgpack` gets and sends
msgpack with times as its Timestamp extension; any other speaks JSON text.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from .connection import Frame
from .sessions import SECOND
from .wire import parse_nanoseconds

_TIMES = frozenset({"t"})


class Codec:
    """How a client's frames are written and read."""

    def __init__(self, *, packed: bool) -> None:
        self.packed = packed

    def encode(self, messages: Iterable[dict[str, Any]]) -> Frame:
        """Messages as one frame."""
        if not self.packed:
            return msgspec.json.encode(list(messages)).decode()
        return msgspec.msgpack.encode([_stamped(one) for one in messages])

    def decode(self, frame: Frame) -> dict[str, Any] | None:
        """What a client says; None for what is no map."""
        data = frame.encode() if isinstance(frame, str) else frame
        decode = msgspec.msgpack.decode if self.packed else msgspec.json.decode
        try:
            found = decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return found if isinstance(found, dict) else None

    def half(self, messages: Iterable[dict[str, Any]]) -> Frame:
        """A frame that ends too early."""
        frame = self.encode(messages)
        return frame[: len(frame) // 2]


def _stamped(message: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _timestamp(value) if name in _TIMES and isinstance(value, str) else value
        for name, value in message.items()
    }


def _timestamp(text: str) -> Any:
    """msgpack's Timestamp 64: 30 bits of nanoseconds before 34 of seconds."""
    try:
        at = parse_nanoseconds(text)
    except ValueError:
        return text  # a fault's invented time is told as it is
    seconds, rest = divmod(at, SECOND)
    return msgspec.msgpack.Ext(-1, (rest << 34 | seconds).to_bytes(8, "big"))
