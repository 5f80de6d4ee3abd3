"""Faults by seed: a typed plan of what goes wrong.

A plan is a list of rules. A rule says what it waits for (a request, an event of a stream, a stream that
connects, time), which fault it is, and how often. The first rule that hits wins. Whether it hits is a
keyed hash of the seed, the rule's name and how many it has seen: the same requests in the same order meet
the same faults. Waiting before an answer is machine time; everything else that waits is market time.
"""

from typing import Annotated, Any, Literal

import msgspec

from .actions import Action
from .modes import Modes
from .vendors import How

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Status = Annotated[int, msgspec.Meta(ge=200, le=599)]
CloseCode = Annotated[int, msgspec.Meta(ge=1000, le=4999)]
Pointer = Annotated[str, msgspec.Meta(pattern="^(/[^/]*)+$")]
"""A place in JSON as `/order/status`; `*` is every element."""


class _Kind(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    pass


class Answer(_Kind, frozen=True, kw_only=True, tag="answer"):
    """Another answer than the true one; with `applied` the request was carried out all the same."""

    status: Status
    headers: dict[str, str] = {}
    body: Any = ""
    """Text is sent as it is, anything else as JSON."""
    applied: bool = False


class Delay(_Kind, frozen=True, kw_only=True, tag="delay"):
    """The true answer, late; with `applied` the request was carried out at once."""

    seconds: Seconds
    applied: bool = False


class Drop(_Kind, frozen=True, kw_only=True, tag="drop"):
    """The connection ends without an answer, before or (`applied`) after the request was carried out."""

    applied: bool = False


class Hang(_Kind, frozen=True, kw_only=True, tag="hang"):
    """No answer ever comes; the connection stays."""

    applied: bool = False


class Drip(_Kind, frozen=True, kw_only=True, tag="drip"):
    """The true answer, so many bytes of its body at a time with so many seconds between them."""

    size: Annotated[int, msgspec.Meta(ge=1)] = 1
    seconds: Seconds = 1


class Garble(_Kind, frozen=True, kw_only=True, tag="garble"):
    """The request is carried out; what comes back cannot be used.

    html: a page with status 200; empty: no body; truncated: half of it, then the end; oversized: 8 MiB of
    blanks behind it; bomb: the same, packed; nan: numbers are NaN; duplicate: keys and rows come twice;
    plain: the true body, said to be text.
    """

    how: Literal["html", "empty", "truncated", "oversized", "bomb", "nan", "duplicate", "plain"]


class Edit(_Kind, frozen=True, kw_only=True, tag="edit"):
    """The true answer or event with values set and fields left out."""

    set: dict[Pointer, Any] = {}
    drop: tuple[Pointer, ...] = ()


class Vendor(_Kind, frozen=True, kw_only=True, tag="vendor"):
    """A data vendor's own answer to what is wrong, in its words; where it has none, the true answer."""

    how: How


class Skew(_Kind, frozen=True, kw_only=True, tag="skew"):
    """The clock of who answers is wrong by so many seconds: `Date`, `timestamp`, a data vendor's market."""

    seconds: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)]


class Stale(_Kind, frozen=True, kw_only=True, tag="stale"):
    """A GET is answered from the book, or the market, as it was so many seconds ago."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=600)]


class Stuck(_Kind, frozen=True, kw_only=True, tag="stuck"):
    """A cancel or a replacement is taken and not carried out for so long; the order may fill meanwhile."""

    seconds: Seconds = 86_400


class Lose(_Kind, frozen=True, kw_only=True, tag="lose"):
    """The event is never told."""


class Duplicate(_Kind, frozen=True, kw_only=True, tag="duplicate"):
    """The event is told so many times more."""

    times: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Late(_Kind, frozen=True, kw_only=True, tag="late"):
    """The event is told so many seconds later."""

    seconds: Seconds


class Reorder(_Kind, frozen=True, kw_only=True, tag="reorder"):
    """The event is told behind the next ones; when none come, `seconds` later."""

    behind: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    seconds: Seconds = 5


class Broken(_Kind, frozen=True, kw_only=True, tag="broken"):
    """Half a frame in place of the event."""


class Close(_Kind, frozen=True, kw_only=True, tag="close"):
    """The stream ends with a close code in place of the event (1011: internal error)."""

    code: CloseCode = 1011


class Cut(_Kind, frozen=True, kw_only=True, tag="cut"):
    """The stream's connection is gone in place of the event, without a word."""


class Mute(_Kind, frozen=True, kw_only=True, tag="mute"):
    """Half-open: from here on the stream says nothing and answers no ping; the connection stays."""


class Refuse(_Kind, frozen=True, kw_only=True, tag="refuse"):
    """The upgrade is answered with an HTTP status (429: a stale connection is still there)."""

    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 429
    headers: dict[str, str] = {}
    body: str = ""


class Unheard(_Kind, frozen=True, kw_only=True, tag="hang"):
    """The upgrade is never answered."""


class Wrong(_Kind, frozen=True, kw_only=True, tag="error"):
    """The keys are answered with an error (of market data: its code and message)."""

    code: Annotated[int, msgspec.Meta(ge=400, le=599)] = 402
    message: str = "auth failed"


class Short(_Kind, frozen=True, kw_only=True, tag="close"):
    """The stream is taken, and closed so many machine seconds later."""

    seconds: Seconds = 0
    code: CloseCode = 1011


class Stranger(_Kind, frozen=True, kw_only=True, tag="request"):
    """Somebody else (the owner, another program, the broker) makes this request with the account's keys."""

    method: Literal["GET", "POST", "PATCH", "DELETE"] = "POST"
    path: Annotated[str, msgspec.Meta(pattern="^/(v2/.+|argo/transfer)$")]
    """With its query."""
    body: dict[str, Any] | None = None


RequestFault = Vendor | Answer | Delay | Drip | Drop | Hang | Garble | Edit | Skew | Stale | Stuck
EventFault = Lose | Duplicate | Late | Reorder | Edit | Broken | Close | Cut | Mute
ConnectFault = Refuse | Unheard | Wrong | Short | Mute
TimeFault = Stranger


class _Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="on"):
    name: str = ""
    probability: Share = 1.0
    skip: Count = 0
    """So many that match are left alone first."""
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """It hits so many times at most."""
    from_seconds: Seconds = 0
    """Of market time, since the rule was given."""
    for_seconds: Seconds | None = None


class RequestRule(_Rule, frozen=True, kw_only=True, tag="request"):
    """Waits for HTTP requests. Patterns are shell patterns: `*` is any text."""

    method: str = "*"
    path: str = "*"
    key: str = "*"
    """The key that is shown to a data vendor."""
    fault: RequestFault


class EventRule(_Rule, frozen=True, kw_only=True, tag="event"):
    """Waits for events: trade updates by their event, market data by their letter (`q`, `t`, `b`)."""

    stream: Literal["trade_updates", "stocks", "crypto", "*"] = "*"
    event: str = "*"
    symbol: str = "*"
    fault: EventFault


class ConnectRule(_Rule, frozen=True, kw_only=True, tag="connect"):
    """Waits for streams that connect."""

    path: str = "*"
    fault: ConnectFault


class TimeRule(_Rule, frozen=True, kw_only=True, tag="time"):
    """Waits for market time: each whole second since the rule was given is a match."""

    count: Annotated[int, msgspec.Meta(ge=1)] | None = 1
    fault: TimeFault


Rule = RequestRule | EventRule | ConnectRule | TimeRule


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong in a run."""

    rules: tuple[Rule, ...] = ()
    seed: int | None = None
    """The venue's own seed when it is left out."""
    modes: Modes | None = None
    """How the venue behaves from now on; as before when it is left out."""
    actions: tuple[Action, ...] = ()
    """Corporate actions of the future. They stay when the plan is taken back: prices rest on them."""


class PlanError(ValueError):
    """A fault plan that cannot be read; `fix` says what is allowed."""

    fix = 'README.md, "Faults", has a plan for each fault'

    def __init__(self, what: str, fix: str = fix) -> None:
        super().__init__(what)
        self.fix = fix


def read_plan(text: bytes) -> Plan:
    """A plan from JSON. Raises PlanError with the place in it."""
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"the fault plan cannot be used: {error}") from None
    names = [name_of(rule, place) for place, rule in enumerate(plan.rules)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlanError(f"the fault plan has two rules named {twice[0]!r}")
    return plan


def name_of(rule: Rule, place: int) -> str:
    """A rule without a name has its place."""
    return rule.name or f"rule {place + 1}"
