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
    for i, (name, _) in enumerate(pairs):
        if name == key:
            return (*pairs[:i], (key, value), *pairs[i + 1 :])
        if name > key:
            return _bounded((*pairs[:i], (key, value), *pairs[i:]))
    return _bounded((*pairs, (key, value)))


def drop(pairs: tuple[tuple[Key, Value], ...], key: Key) -> tuple[tuple[Key, Value], ...]:
    """The map without the key."""
    return tuple(pair for pair in pairs if pair[0] != key)


def _bounded(pairs: tuple[tuple[Key, Value], ...]) -> tuple[tuple[Key, Value], ...]:
    if len(pairs) > LIMIT:
        raise OverflowError(f"a state holds at most {LIMIT} entries by key")
    return pairs
