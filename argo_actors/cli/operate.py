"""What an operator may say: halt, stop-entries, flatten, resume. Durable before it is acknowledged."""

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from ..errors import UsageError
from .client import ASKED, Asked
from .output import counted, line, order_name

DONE = {
    "normal": "entries are allowed",
    "stop-entries": "no entries are made; everything else goes on",
    "halt": "halted: no entries and no target swaps; protection, cancels and closes go on",
    "flatten": "halted; own orders are being cancelled and own positions closed",
}
BEFORE = {
    "normal": "",
    "stop-entries": " (entries were stopped)",
    "halt": " (it was halted)",
    "flatten": " (it was halted, and flattened)",
}


def halt(reason: str = "operator", *, asked: Asked = ASKED) -> int:
    """Stop all entries and target swaps at once; protection, cancels and closes go on.

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    """
    return _operate("halt", reason, asked)


def stop_entries(reason: str = "operator", *, asked: Asked = ASKED) -> int:
    """Make no new entries; everything else goes on.

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    """
    return _operate("stop-entries", reason, asked)


def flatten(
    reason: str = "operator",
    *,
    all_: Annotated[bool, Parameter(name="--all")] = False,
    confirm: str = "",
    asked: Asked = ASKED,
) -> int:
    """Halt, cancel own orders and close own positions (stocks when their market is open).

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    all_: bool
        Cancel and close foreign orders and positions of the configured symbols too.
    confirm: str
        With --all: the account's name, as `argo status` shows it. Asked for when left out.
    """
    if all_ and not confirm:
        confirm = _typed(asked)
    return _operate("flatten", reason, asked, everything=all_, confirm=confirm)


def _typed(asked: Asked) -> str:
    """The account's name, typed by a person who has seen what is not ours."""
    found: dict[str, Any] = asked.get("/api/v1/reconcile")
    for one in found["foreign"]:
        line(f"foreign: {one['symbol']:8} {one['text']}")
    for one in found["elsewhere"]:
        line(f"stays (not configured): {one['symbol']:8} {one['text']}")
    if not sys.stdin.isatty():
        raise UsageError(
            "--all closes what is not ours, too, and needs the account's name",
            fix="argo flatten --all --confirm ACCOUNT (its name: `argo status`)",
        )
    return input("type the account's name to close all of this: ").strip()


def resume(*, reason: str, reset_peak: bool = False, asked: Asked = ASKED) -> int:
    """Allow entries again after halt, stop-entries, flatten or a tripped loss limit.

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    reset_peak: bool
        Take today's equity as the new peak for the drawdown limit.
    """
    return _operate("normal", reason, asked, reset_peak=reset_peak)


def _operate(wanted: str, reason: str, asked: Asked, **more: Any) -> int:
    answer = asked.post("/api/v1/operator", state=wanted, why=reason, **more)
    return asked.show(answer, _tell)


def _tell(answer: dict[str, Any]) -> None:
    """What is in force now, what was before, and what may still come in of what left before."""
    before = BEFORE[answer["before"]] if answer["before"] != answer["state"] else " (as before)"
    line(f"{DONE[answer['state']]}{before}; on disk as record {answer['seq']}")
    if answer["tripped"]:
        line(f"   the {answer['tripped']} limit had tripped")
    if answer.get("warning"):
        line(f"   {answer['warning']}")
    for order in answer["working"]:
        line(f"   an entry had left before and may still fill: {order_name(order)}")
    if answer["registered"] and not answer["working"]:
        n = len(answer["registered"])
        line(f"   {counted(n, 'entry', 'entries')} had left before; none can fill any more")
