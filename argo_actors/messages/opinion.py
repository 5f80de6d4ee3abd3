"""What a source thinks, and how the source itself is."""

from typing import Literal

from ..units import Symbol, UtcNanos
from .base import Fact, Value

Direction = Literal["LONG", "SHORT", "NEUTRAL"]
Family = Literal["market_data", "technical", "sentiment", "analysis"]
SourceState = Literal["running", "backoff", "failed", "disabled"]


class Evidence(Value, frozen=True, kw_only=True):
    """One figure behind an opinion: its name and its value."""

    name: str
    value: float


class Opinion(Fact, frozen=True, kw_only=True):
    """What one source thinks of one symbol, until it goes stale."""

    source: str
    symbol: Symbol
    direction: Direction
    confidence: float
    """0 to 100; a NEUTRAL opinion abstains, which is not the same as silence."""
    price: float | None
    as_of: UtcNanos
    """When the provider saw the data, not when we asked."""
    valid_until: UtcNanos
    evidence: tuple[Evidence, ...] = ()
    live: bool = False
    """The price is a live one: it takes part in the comparison of vendors' prices."""


class VendorPrice(Fact, frozen=True, kw_only=True):
    """A live price without a vote (a batched snapshot), valid 15 s for the comparison of vendors."""

    source: str
    symbol: Symbol
    price: float
    as_of: UtcNanos
    valid_until: UtcNanos


class NoOpinion(Fact, frozen=True, kw_only=True):
    """A source had nothing to say of a symbol (too few bars, a gap), or its answer was refused."""

    source: str
    symbol: Symbol
    reason: str


class SourceStatus(Fact, frozen=True, kw_only=True):
    """How a source is: said on every change, so that everybody knows who is configured."""

    source: str
    state: SourceState
    configured: bool
    """It is enabled and holds its key (or needs none): its family counts in participation."""
    answered: bool
    """It has answered, or failed, at least once since the start."""
    reason: str = ""
    remedy: str = ""


class SourceCall(Fact, frozen=True, kw_only=True):
    """One question to a source came to its end: what the scorecard's availability and cost rest on."""

    source: str
    about: Literal["opinions", "prices"]
    asked: int
    """Symbols in the question."""
    answered: int
    """Of them, those with an opinion (said before or not) or a price; 0 where there was no answer."""
    seconds: float
    """From the question to the answer as the edge saw it (machine time)."""
    usd: float = 0.0
    """What the vendor took for it, where it is paid by the call."""
    failure: str = ""
    """The kind of error; empty where an answer came."""
