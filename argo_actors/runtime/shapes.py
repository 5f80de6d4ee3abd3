"""What msgspec knows of our structs, built while one thread alone runs."""

from collections.abc import Iterator

import msgspec

PACKAGE = __name__.partition(".")[0]


def build_shapes() -> int:
    """Have the description of every struct that is loaded built. Returns how many there are.

    msgspec puts a description in its place before it is filled in: two threads that are the first to
    decode a type, at the same moment, can end the process by a segmentation fault (0.22).
    """
    ours = {kind for kind in _below(msgspec.Struct) if kind.__module__.startswith(f"{PACKAGE}.")}
    for kind in ours:
        msgspec.msgpack.Decoder(kind)
    return len(ours)


def _below(kind: type) -> Iterator[type]:
    below: list[type] = kind.__subclasses__()
    for one in below:
        yield one
        yield from _below(one)
