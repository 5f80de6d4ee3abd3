"""Configuration, operators, supervision: what is said about the system itself."""

from typing import Literal

from ..units import Symbol, UtcNanos
from .base import Command, Fact, WordId

OperatorState = Literal["normal", "stop-entries", "halt", "flatten"]


class Configured(Fact, frozen=True, kw_only=True):
    """The configuration in force from here on, as JSON text, with its hash and the code's."""

    config: str
    config_hash: str
    code_hash: str
    version: str
    account_tag: str
    """First four hex digits of the SHA-256 of the account number: part of every order id."""


class Epoch(Fact, frozen=True, kw_only=True):
    """Who writes this journal and sends from here on; durable before it does. Older commands never leave."""

    number: int
    pid: int = 0
    by: Literal["start", "take-over"] = "start"
    who: str = ""
    """Who asked the standby to take over; empty when the active had ended by itself."""
    why: str = ""


class Started(Fact, frozen=True, kw_only=True):
    """The engine runs (again): an order actor takes stock of what was in the air."""

    run: int
    mode: Literal["paper", "live", "demo"]


class Stopping(Fact, frozen=True, kw_only=True):
    """Ordered shutdown: no new entries; what is in flight settles."""

    reason: str


class Operator(Command, frozen=True, kw_only=True):
    """A person sets what the engine may do; durable, with who and why."""

    state: OperatorState
    who: str
    why: str
    reset_peak: bool = False
    everything: bool = False


class SourceOrder(Command, frozen=True, kw_only=True):
    """A person takes a source out of use, or back into it, or asks it at once; durable, with who and why."""

    source: str
    action: Literal["enable", "disable", "probe"]
    who: str
    why: str
    new_key: bool = False
    """Another key was read with it; the key itself is nowhere."""


class Acknowledged(Fact, frozen=True, kw_only=True):
    """An operator's word took effect; `registered` are the entries that had left before it."""

    state: OperatorState
    registered: tuple[str, ...] = ()


class Crashed(Fact, frozen=True, kw_only=True):
    """An actor's behaviour died on a word; its address, its mail and its neighbours did not."""

    address: str
    error: str
    where: str
    heard: WordId | None
    restarts: int
    delay_ms: int


class Parked(Fact, frozen=True, kw_only=True):
    """An actor is out of work until somebody acts or the slow probe succeeds."""

    address: str
    state: Literal["failed", "disabled"]
    reason: str
    remedy: str


class Restarted(Fact, frozen=True, kw_only=True):
    """An actor's behaviour is back."""

    address: str
    restarts: int


class Redelivered(Fact, frozen=True, kw_only=True):
    """A word in flight when the process ended is about to be heard again; durable before it is."""

    address: str
    word: WordId


class Overload(Fact, frozen=True, kw_only=True):
    """A mailbox fills faster than it is served: no entries until it is under its mark again."""

    over: bool
    address: str = ""
    waiting: int = 0


class DeadLetter(Fact, frozen=True, kw_only=True):
    """A word that nobody could hear: kept, shown, counted."""

    address: str
    word: WordId
    kind: str
    reason: str


class RiskLevel(Fact, frozen=True, kw_only=True):
    """How near the loss limits are, said on every change of level or of suspicion."""

    level: Literal["NORMAL", "WARNING", "CRITICAL", "BREACH"]
    daily_loss_pct: str
    drawdown_pct: str
    note: str = ""
    because: tuple[WordId, ...] = ()
    suspected: bool = False
    """Our own marks or a first reading crossed a limit: no entry leaves until a second has told."""


class Alert(Fact, frozen=True, kw_only=True):
    """Something that a person should see."""

    severity: Literal["warning", "critical"]
    text: str
    symbol: Symbol = ""
    since: UtcNanos = 0
    because: tuple[WordId, ...] = ()
