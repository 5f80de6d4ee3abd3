"""`argo why`: the chain of reasons behind an order."""

from datetime import UTC, datetime
from typing import Any

from ..replay.why import Reason, Words, shown
from ..units import SECOND
from .client import ASKED, Asked
from .output import check, emit_json, line

CHECK = {"code", "passed", "value", "limit"}
TIMES = {
    *("expires_at", "as_of", "valid_until", "at", "received_at", "entry_at", "exit_at", "read_at"),
    *("last_answer_at", "session_open", "session_close", "next_open", "next_close", "loss_day"),
}
"""Fields in nanoseconds UTC."""


def why(order: str, *, asked: Asked = ASKED) -> int:
    """Explain an order: the approval, the signal, the opinions and the figures it rests on.

    Parameters
    ----------
    order: str
        A client order id (or how it begins), or a symbol for its newest order.
    """
    words = Words(asked.journal)
    reasons = list(words.reasons(words.find_order(order)))
    if asked.json:
        emit_json([_document(reason) for reason in reasons])
        return 0
    for reason in reasons:
        _print(reason)
    return 0


def _document(reason: Reason) -> dict[str, Any]:
    return {
        "depth": reason.depth,
        "word": list(reason.word),
        "at": _time(reason.at),
        "actor": reason.actor,
        "message": type(reason.message).__name__,
        **shown(reason.message),
    }


def _print(reason: Reason) -> None:
    indent = "  " * reason.depth
    name = type(reason.message).__name__
    line(
        f"{indent}{name} by {reason.actor} at {_time(reason.at)} ({reason.word.seq}.{reason.word.n})"
    )
    for field, value in shown(reason.message).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            line(f"{indent}    {field}:")
            for part in value:
                line(f"{indent}      {_flat(part)}")
        else:
            line(f"{indent}    {field}: {_shown(field, value)}")


def _flat(value: Any) -> str:
    """In one line; a risk check as people read it."""
    if isinstance(value, list):
        return ", ".join(_flat(one) for one in value) or "none"
    if not isinstance(value, dict):
        return "-" if value is None else str(value)
    if value.keys() == CHECK:
        return check(**value)
    return ", ".join(f"{name} {_shown(name, one)}" for name, one in value.items())


def _shown(field: str, value: Any) -> str:
    return _time(value) if field in TIMES and value else _flat(value)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
