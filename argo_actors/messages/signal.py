"""What the consensus believes, and what risk dares."""

from typing import Literal

from ..units import Decimal, Price, Quantity, Symbol, Usd, UtcNanos
from .base import Command, Fact, Value, WordId
from .market import Regime

Action = Literal["BUY", "SELL"]
Intent = Literal["open_long", "open_short", "close_long", "close_short", "cancel_entry"]


class MemberVote(Value, frozen=True, kw_only=True):
    """One source's vote in its family: x in [-1, 1], NEUTRAL 0."""

    source: str
    vote: float


class FamilyVote(Value, frozen=True, kw_only=True):
    """One family: its weight, its mean vote, None when it abstains or is silent."""

    name: str
    weight: float
    vote: float | None
    members: tuple[MemberVote, ...]


class Signal(Fact, frozen=True, kw_only=True):
    """The consensus on a symbol in one cycle, strong enough for an entry or at least for an exit."""

    cycle: int
    symbol: Symbol
    action: Action
    strength: float
    """S in [-1, 1], six places."""
    raw_confidence: float
    confidence: float
    """Entry confidence: raw times the regime's multiplier."""
    participation: float
    families: tuple[FamilyVote, ...]
    regime: Regime
    multiplier: float
    threshold: float
    entry: bool
    """The entry confidence reaches the threshold; otherwise the signal can only close."""
    price_conflict: bool
    reasoning: str
    expires_at: UtcNanos
    content: str
    """SHA-256 of the canonical content, in hex."""
    because: tuple[WordId, ...]
    price: float | None = None
    """A request's own entry price (`argo execute`); a cycle's signal takes the mid at the decision."""
    split_suspected: bool = False
    """The vendors' prices differ by the ratio of a usual split: the symbol is frozen."""


class Verdict(Value, frozen=True, kw_only=True):
    """What a cycle came to for one symbol, signal or not: how far off it was."""

    symbol: Symbol
    action: Action | None
    raw_confidence: float
    confidence: float
    participation: float
    signal: bool
    reason: str


class CycleClosed(Fact, frozen=True, kw_only=True):
    """Every symbol of cycle `n` has been judged; its signals were said before it, in the same record."""

    n: int
    verdicts: tuple[Verdict, ...]
    because: tuple[WordId, ...] = ()


class Check(Value, frozen=True, kw_only=True):
    """One risk check: what was found and what is allowed, as texts for people and programs."""

    code: str
    passed: bool
    value: str
    limit: str


class Sizing(Value, frozen=True, kw_only=True):
    """The arithmetic of an entry's size (decisions §5)."""

    base_amount: Usd
    pct: Decimal
    scale: Decimal
    ratio: Decimal
    notional: Usd
    price: Price
    qty: Quantity


class Approval(Fact, frozen=True, kw_only=True):
    """Risk agrees: the order actor may act on this intent until `expires_at`."""

    symbol: Symbol
    intent: Intent
    signal: str
    """The signal's content hash."""
    cycle: int
    qty: Quantity
    price: Price
    """The reference price: ask for a buy, bid for a sell."""
    limit_price: Price | None
    stop: Price | None
    target: Price | None
    reserved: Usd
    confidence: float
    expires_at: UtcNanos
    reasoning: str
    sizing: Sizing | None
    checks: tuple[Check, ...]
    because: tuple[WordId, ...]


class Denial(Fact, frozen=True, kw_only=True):
    """Risk refuses: the first failed check decides, all are shown."""

    symbol: Symbol
    intent: Intent
    signal: str
    cycle: int
    code: str
    value: str
    limit: str
    checks: tuple[Check, ...]
    because: tuple[WordId, ...]


class Advice(Fact, frozen=True, kw_only=True):
    """What would have been done: `auto_execute` is off."""

    symbol: Symbol
    intent: Intent
    signal: str
    qty: Quantity
    price: Price
    because: tuple[WordId, ...]


class Execute(Command, frozen=True, kw_only=True):
    """An operator's or a program's own request for an entry; judged like a signal, confidence included."""

    request: str
    symbol: Symbol
    action: Action
    confidence: float
    entry_price: Price
    stop_price: Price | None = None
    target_price: Price | None = None
    who: str = ""


class ExecuteSignal(Command, frozen=True, kw_only=True):
    """A person takes an advice: the signal is to be carried out while it lives, all checks done again."""

    signal: str
    """The content hash of the signal that was advised."""
    symbol: Symbol
    who: str = ""
