"""`argo why`: the chain of reasons behind an order."""

from datetime import UTC, datetime
from typing import Any

from ..replay.why import Reason, Words, shown
from ..units import SECOND
from .client import ASKED, Asked
from .output import emit_json, line


def why(order: str, *, asked: Asked = ASKED) -> int:
    """Explain an order: the approval, the signal, the opinions and the figures it rests on.

    Parameters
    ----------
    order: str
        A client order id (or how it begins), or a symbol for its newest order.
    """
    words = Words(asked.directory.journal)
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
        if field in ("checks", "families", "evidence", "sizing", "legs"):
            for part in value if isinstance(value, list) else [value]:
                line(f"{indent}    {field}: {_flat(part)}")
        else:
            line(f"{indent}    {field}: {_flat(value)}")


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_flat(one) for one in value)
    return str(value)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
