"""What an operator may say: halt, stop-entries, flatten, resume. Durable before it is acknowledged."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ..errors import UsageError
from ..host.state import StateDir
from .client import find, get, post
from .output import emit_json, line


def halt(
    reason: str = "operator",
    *,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Stop all entries and target swaps at once; protection, cancels and closes go on.

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _operate("halt", reason, account, state, json)


def stop_entries(
    reason: str = "operator",
    *,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Make no new entries; everything else goes on.

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _operate("stop-entries", reason, account, state, json)


def flatten(
    reason: str = "operator",
    *,
    all_: Annotated[bool, Parameter(name="--all", negative=())] = False,
    confirm: str = "",
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
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
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    if all_ and not confirm:
        confirm = _typed(find(account, state))
    return _operate("flatten", reason, account, state, json, everything=all_, confirm=confirm)


def _typed(state: StateDir) -> str:
    """The account's name, typed by a person who has seen what is not ours."""
    found: dict[str, Any] = get(state, "/api/v1/reconcile")
    for one in found["foreign"]:
        line(f"foreign: {one['symbol']:8} {one['text']}")
    for one in found["elsewhere"]:
        line(f"stays (not configured): {one['symbol']:8} {one['text']}")
    if not sys.stdin.isatty():
        raise UsageError("--all needs a confirmation", fix="--confirm ACCOUNT")
    return input("type the account's name to close all of this: ").strip()


def resume(
    *,
    reason: str,
    reset_peak: bool = False,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Allow entries again after halt, stop-entries, flatten or a tripped loss limit.

    Parameters
    ----------
    reason: str
        Why; it is journaled with your name.
    reset_peak: bool
        Take today's equity as the new peak for the drawdown limit.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _operate("normal", reason, account, state, json, reset_peak=reset_peak)


def _operate(
    wanted: str,
    reason: str,
    account: str,
    state: Path | None,
    json: bool,
    **more: Any,
) -> int:
    body = {"state": wanted, "who": getpass.getuser(), "why": reason, **more}
    answer: dict[str, Any] = post(find(account, state), "/api/v1/operator", body)
    if json:
        emit_json(answer)
        return 0
    line(f"{answer['state']}: durable as record {answer['seq']}")
    if answer.get("warning"):
        line(f"   {answer['warning']}")
    for order in answer["registered"]:
        line(f"an entry had left before: {order}")
    return 0
