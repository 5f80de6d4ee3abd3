"""What every message is: an immutable, tagged array, with the identity of the word that carried it."""

from typing import NamedTuple

import msgspec


class WordId(NamedTuple):
    """A word's identity: the `seq` of the record that says it and its place `n` in that record."""

    seq: int
    n: int


class Message(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    array_like=True,
    gc=False,
    tag_field="_tag",
    tag=True,
    forbid_unknown_fields=True,
    omit_defaults=False,
):
    """One sentence an actor can say. Fields are only ever added, at the end, with a default."""


class Fact(Message, frozen=True, kw_only=True):
    """It happened. It may be unwelcome; it is never refused."""


class Command(Message, frozen=True, kw_only=True):
    """It is asked for; the answer is a fact."""


class Value(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A part of a message or of a state, immutable like it."""
