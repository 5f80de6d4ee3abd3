"""A small sorted map as a tuple of pairs: what a frozen state holds instead of a dict.

Equal maps have equal bytes, whatever order they were filled in. A hundred entries is the limit: a
decider's state stays small, so that a snapshot is a hand-over.
"""

from typing import TypeVar

Value = TypeVar("Value")
Key = TypeVar("Key", str, int)
LIMIT = 100


def get(pairs: tuple[tuple[Key, Value], ...], key: Key) -> Value | None:
    """The value of a key, None when it has none."""
    for name, value in pairs:
        if name == key:
            return value
    return None


def put(
    pairs: tuple[tuple[Key, Value], ...], key: Key, value: Value
) -> tuple[tuple[Key, Value], ...]:
    """The map with this value for the key. Raises OverflowError at a hundred and first key."""
    pair: tuple[tuple[Key, Value], ...] = ((key, value),)
    for at, (name, _) in enumerate(pairs):
        if name == key:
            return pairs[:at] + pair + pairs[at + 1 :]
    if len(pairs) >= LIMIT:
        raise OverflowError(f"a state holds at most {LIMIT} entries by key")
    return tuple(sorted(pairs + pair, key=_key))


def _key(pair: tuple[Key, Value]) -> Key:
    return pair[0]


def drop(pairs: tuple[tuple[Key, Value], ...], key: Key) -> tuple[tuple[Key, Value], ...]:
    """The map without the key."""
    return tuple(pair for pair in pairs if pair[0] != key)
