"""What a person may ask of the running engine, and how the answer is waited for.

A request is durable before it is acted on. Its answer is a fact that names the request in `because`; who
asked waits for it at the rim, never inside the engine.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from .. import keyed
from ..bootstrap import Daemon
from ..errors import ArgoError
from ..messages.signal import Action, Execute, ExecuteSignal
from ..messages.system import Operator
from ..messages.truth import Resolve, Resolved, Verdict
from ..order.foreign import POSITION
from ..risk import limits
from ..risk.requests import lives
from ..runtime.clock import machine_seconds, machine_sleep
from ..tracker.state import AnswerView
from ..units import Symbol, decimal_from
from .text import plain
from .view import View

ANSWER_SECONDS = 8.0
Found = TypeVar("Found")
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class OperatorRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What an operator wants, who it is, and why."""

    state: Literal["normal", "stop-entries", "halt", "flatten"]
    who: Who
    why: Why
    reset_peak: bool = False
    everything: bool = False
    """Of `flatten`: foreign orders and positions too."""
    confirm: str = ""
    """Of `everything`: the account's name, typed."""


class ResolveRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A decision on one foreign item: a symbol for its position, or how an order's id begins."""

    item: str
    verdict: Verdict
    who: Who
    why: Why
    with_orders: bool = False
    stop: str | None = None
    target: str | None = None


class ExecuteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An entry (or the close of the other side) that a person or a program asks for."""

    symbol: str
    action: Action
    confidence: Annotated[float, msgspec.Meta(ge=0, le=100)]
    entry_price: str | float
    stop_price: str | float | None = None
    target_price: str | float | None = None
    who: Who = "api"
    request: Annotated[str, msgspec.Meta(max_length=64, pattern="^[A-Za-z0-9_-]*$")] = ""
    """A name of the caller's own: the same name again gets the same answer, and no second order."""


class ExecuteSignalRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An advised signal that is to be carried out: how its id begins, or its symbol."""

    signal: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    who: Who


class SourceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be done with a source; `key_file` is a path on this host, never a key."""

    action: Literal["enable", "disable", "probe"]
    who: Who
    why: Why
    key_file: str | None = None


class Refused(Exception):
    """The request cannot be carried out: the HTTP status, what is wrong, what to do."""

    def __init__(self, status: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.status, self.what, self.fix = status, what, fix


def awaited(find: Callable[[], Found | None], seconds: float = ANSWER_SECONDS) -> Found | None:
    """What `find` gives once it gives something; None when it does not in time."""
    until = machine_seconds() + seconds
    while machine_seconds() < until:
        found = find()
        if found is not None:
            return found
        machine_sleep(0.01)
    return None


def operator_word(daemon: Daemon, request: OperatorRequest) -> Operator:
    """The word for an operator's request. Raises Refused where it is not confirmed."""
    name = daemon.config.account
    if request.everything and (request.state != "flatten" or request.confirm != name):
        raise Refused(
            409,
            "closing what is not ours needs the account's name, typed",
            f"argo flatten --all --confirm {name}",
        )
    return Operator(
        state=request.state,
        who=request.who,
        why=request.why,
        reset_peak=request.reset_peak,
        everything=request.everything,
    )


def operate(daemon: Daemon, view: View, request: OperatorRequest) -> dict[str, Any]:
    """An operator's word, durable and in force; what was before, what had left, what is worth knowing."""
    before = view.risk
    seq, registered = daemon.operate(operator_word(daemon, request))
    answer: dict[str, Any] = {
        "state": request.state,
        "before": before.operator,
        "tripped": before.losses.tripped if request.state == "normal" else "",
        "seq": seq,
        "registered": list(registered),
        "working": [one for one in registered if view.may_fill(one)],
    }
    losses = view.risk.losses
    crossed = limits.crossing(daemon.config, losses, limits.current(losses))
    if request.state == "normal" and crossed and not request.reset_peak:
        again = "--reset-peak measures the drawdown anew" if crossed == "drawdown" else "tomorrow"
        answer["warning"] = f"the {crossed} limit is still crossed and trips again ({again})"
    return answer


def order_source(daemon: Daemon, name: str, request: SourceRequest) -> dict[str, Any]:
    """Make an operator's word about a source durable and in force. Raises Refused."""
    file = None if request.key_file is None else Path(request.key_file)
    try:
        order = daemon.roster.order(name, request.action, request.who, request.why, file)
    except ArgoError as error:
        raise Refused(409, error.what, error.fix) from None
    seq = daemon.order_source(order)
    return {"source": name, "action": request.action, "seq": seq, "new_key": order.new_key}


def resolve(daemon: Daemon, view: View, request: ResolveRequest) -> dict[str, Any]:
    """Make a decision durable and wait until it took effect. Raises Refused."""
    symbol, item = _item(view, request.item)
    command = Resolve(
        symbol=symbol,
        item=item,
        verdict=request.verdict,
        with_orders=request.with_orders,
        stop=_price(request.stop, "stop"),
        target=_price(request.target, "target"),
        who=request.who,
        why=request.why,
    )
    seq = daemon.engine.say_durably("operator", command)

    def answer() -> Resolved | None:
        told = (one for one in view.books.resolved if one.because[0][0] == seq)
        return next(told, None)

    found = awaited(answer)
    if found is None:
        raise Refused(504, "the decision is durable; its effect is not known yet", "argo reconcile")
    if not found.done:
        raise Refused(
            409, f"{request.verdict} {request.item}: {found.note}", "see `argo reconcile`"
        )
    return {"symbol": symbol, "item": item, "verdict": request.verdict, "seq": seq}


def _item(view: View, name: str) -> tuple[Symbol, str]:
    """The foreign item of a name. Raises Refused when none or several fit."""
    items = view.foreign()
    found = [
        one
        for one in items
        if (one["item"] == POSITION and one["symbol"] == name)
        or (one["item"] != POSITION and one["item"].startswith(name))
    ]
    if len(found) != 1:
        what = f"{len(found)} foreign items fit {name!r}" if found else f"no foreign item {name!r}"
        raise Refused(404, what, "name a symbol or the first digits of an order: `argo reconcile`")
    return found[0]["symbol"], found[0]["item"]


def execute(daemon: Daemon, view: View, request: ExecuteRequest) -> dict[str, Any]:
    """Put a request to risk, like a signal, and wait for its answer. Raises Refused when denied."""
    if request.symbol not in daemon.config.symbols:
        configured = ", ".join(daemon.config.symbols)
        raise Refused(404, f"{request.symbol} is not configured", f"one of {configured}")
    price = _price(request.entry_price, "entry_price")
    assert price is not None
    name = f"request-{request.request or token_hex(8)}"
    before = _answer(view, name, 0)
    if before is not None:
        return _answered(before)
    command = Execute(
        request=name,
        symbol=request.symbol,
        action=request.action,
        confidence=request.confidence,
        entry_price=price,
        stop_price=_price(request.stop_price, "stop_price"),
        target_price=_price(request.target_price, "target_price"),
        who=request.who,
    )
    seq = daemon.engine.say_durably("operator", command)
    return _answered(awaited(lambda: _answer(view, name, seq)))


def execute_signal(daemon: Daemon, view: View, request: ExecuteSignalRequest) -> dict[str, Any]:
    """Carry out an advised signal while it lives. Raises Refused when none does, or when denied."""
    symbol, signal = _advised(view, request.signal, daemon.clock.now())
    told = keyed.get(view.risk.advised, symbol)
    newest = signal if told is None else told.told.signal.content
    command = ExecuteSignal(signal=signal, symbol=symbol, who=request.who)
    seq = daemon.engine.say_durably("operator", command)
    return _answered(awaited(lambda: _answer(view, newest, seq)))


def _advised(view: View, name: str, now: int) -> tuple[Symbol, str]:
    found = [
        (symbol, content)
        for symbol, one in view.risk.advised
        for content, _ in reversed(one.names)
        if lives(one, content, now) and (symbol == name or content.startswith(name))
    ]
    if len({symbol for symbol, _ in found}) != 1:
        raise Refused(404, f"no advice {name!r} lives", "see `argo signals`; an advice lives 30 s")
    return found[0]


def _answer(view: View, signal: str, after: int) -> AnswerView | None:
    told = (one for one in view.books.answers if one.signal == signal and one.seq > after)
    return next(told, None)


def _answered(found: AnswerView | None) -> dict[str, Any]:
    if found is None:
        raise Refused(504, "risk has not answered; the request is durable", "see `argo signals`")
    if not found.approved:
        raise Refused(409, found.text, "`argo status` shows what it was judged against")
    return {
        "request": found.signal,
        "decision": found.text,
        "qty": _plain(found.qty),
        "price": _plain(found.price),
        "stop": _plain(found.stop),
        "target": _plain(found.target),
        "seq": found.seq,
    }


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _price(text: str | float | None, name: str) -> Decimal | None:
    if text is None:
        return None
    try:
        price = decimal_from(text if isinstance(text, str) else repr(text))
    except ValueError as error:
        raise Refused(422, f"{name}: {error}", "write a price such as 123.45") from None
    if price <= 0:
        raise Refused(422, f"{name}: {text} is not above 0", "write a price such as 123.45")
    return price
