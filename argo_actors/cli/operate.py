"""What an operator may say: halt, stop-entries, flatten, resume. Durable before it is acknowledged."""

import getpass
from pathlib import Path
from typing import Any

from .client import find, post
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
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Halt, cancel own orders and close own positions (stocks when their market is open).

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
    return _operate("flatten", reason, account, state, json)


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
    *,
    reset_peak: bool = False,
) -> int:
    answer: dict[str, Any] = post(
        find(account, state),
        "/api/v1/operator",
        {"state": wanted, "who": getpass.getuser(), "why": reason, "reset_peak": reset_peak},
    )
    if json:
        emit_json(answer)
        return 0
    line(f"{answer['state']}: durable as record {answer['seq']}")
    for order in answer["registered"]:
        line(f"an entry had left before: {order}")
    return 0
