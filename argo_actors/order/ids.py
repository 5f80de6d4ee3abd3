"""Client order ids: minted once in the decider's word, never recomputed (design §6)."""

import hashlib

from ..messages.order import Leg
from ..units import OrderId, Symbol

PREFIX = "argo"
MOST = 48


def entry_key(tag: str, symbol: Symbol, cycle: int, signal: str) -> str:
    """Sixteen hex digits that name an intent to enter; they name the position it leads to as well."""
    return _hex(tag, symbol, str(cycle), signal)


def later_key(position_id: str, purpose: str, number: int) -> str:
    """Sixteen hex digits that name a protection or an exit of a position."""
    return _hex(position_id, purpose, str(number))


def order_id(tag: str, key: str, leg: Leg, attempt: int) -> OrderId:
    """The id under which an order is known to us and to the broker."""
    return f"{PREFIX}-{tag}-{key}-{leg}-{attempt}"


def is_ours(client_order_id: str, tag: str) -> bool:
    """It was minted for this account."""
    return client_order_id.startswith(f"{PREFIX}-{tag}-")


def _hex(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
