"""Records and openings as bytes. Structs are arrays; fields are only added, at the end, with defaults."""

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar, Union

import msgspec

from ..errors import JournalError
from ..messages import Message, WordId
from ..messages.routes import ROUTES
from ..units import UtcNanos

FORMAT = 1
DIGEST_SIZE = 32
GENESIS = bytes(DIGEST_SIZE)
Found = TypeVar("Found")

if TYPE_CHECKING:
    AnyMessage = Message
else:
    AnyMessage = Union[tuple(ROUTES)]  # noqa: UP007 (built from the table of all messages)


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One step of one actor."""

    seq: int
    """One per account for ever, without gaps."""
    at: UtcNanos
    """Market time; a decider's only clock."""
    actor: str
    heard: WordId | None
    """The word heard; None for an edge."""
    outcome: str
    """`said`, or `crashed:TYPE` and nothing said."""
    said: tuple[AnyMessage, ...]
    state_hash: bytes | None = None
    """Of the actor's state after the step, on every 1,000th record."""


class Mail(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A word that had not been heard when a file was opened."""

    address: str
    word: WordId
    message: AnyMessage
    attempts: int = 0
    """How often it has been delivered again at a start without being heard."""


class Opening(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a day file begins with, so that it replays alone."""

    format: int
    last_seq: int
    """Of the record before the first one in this file."""
    at: UtcNanos
    chain: bytes
    """The last chain value before this file."""
    config: str
    code_hash: str
    states: tuple[tuple[str, bytes], ...]
    """Each decider's state, encoded, by address."""
    mail: tuple[Mail, ...]
    run: int = 0
    account_tag: str = ""


_ENCODER = msgspec.msgpack.Encoder()
_RECORDS = msgspec.msgpack.Decoder(tuple[Record, ...])
_OPENING = msgspec.msgpack.Decoder(Opening)


def encode(value: Any) -> bytes:
    """Msgpack bytes, the same for equal values."""
    return _ENCODER.encode(value)


def encode_said(said: tuple[Message, ...]) -> bytes:
    """The bytes by which a step's words are compared."""
    return _ENCODER.encode(said)


def decode_records(block: bytes, where: str) -> tuple[Record, ...]:
    """The records of a block. Raises JournalError."""
    return _decoded(_RECORDS, block, f"{where}: a block")


def decode_opening(blob: bytes, where: str) -> Opening:
    """The opening of a day file. Raises JournalError."""
    return _decoded(_OPENING, blob, f"{where}: the opening")


def _decoded(decoder: msgspec.msgpack.Decoder[Found], blob: bytes, what: str) -> Found:
    try:
        return decoder.decode(blob)
    except (msgspec.DecodeError, ValueError) as error:
        raise JournalError(
            f"{what} cannot be read: {error}",
            fix="it was written by another version, or is damaged; restore the file from a backup",
        ) from None


def link(previous: bytes, first: int, last: int, block: bytes) -> bytes:
    """The chain value of a block: it rests on every block before it."""
    digest = hashlib.blake2b(previous, digest_size=DIGEST_SIZE)
    digest.update(first.to_bytes(8, "big") + last.to_bytes(8, "big"))
    digest.update(block)
    return digest.digest()
