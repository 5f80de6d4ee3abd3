"""`argo source`: how each source is, and an operator's word about one. The word is durable and journaled."""

import getpass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..runtime.clock import machine_seconds, machine_sleep
from .client import find, get, post
from .output import emit_json, line, table

OUTCOME_SECONDS = 15.0
POLL_SECONDS = 0.2


def show_all(*, account: str = "paper", state: Path | None = None, json: bool = False) -> int:
    """Every source: family, state, age of its last answer, opinions, calls today, next call.

    Parameters
    ----------
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    found: list[dict[str, Any]] = get(find(account, state), "/api/v1/sources")
    if json:
        emit_json(found)
        return 0
    for one in found:
        age = one["answer_age_seconds"]
        one["answer"] = "-" if age is None else _seconds(age)
        one["state"] = "breaker open" if one["breaker_open"] else one["state"]
        one["calls"] = f"{one['calls_today']}/{one['calls_per_day']:g}"
        one["next"] = _clock(one["next_call"])
    columns = ("name", "family", "state", "answer", "opinions", "calls", "next")
    table(columns, found, "no source is configured")
    for one in found:
        if one["reason"] and one["state"] not in ("running", "unused"):
            line(f"{one['name']}: {one['reason']}")
            line(f"   fix: {one['remedy']}" if one["remedy"] else "   nothing to do")
    return 0


def show(
    name: str, *, account: str = "paper", state: Path | None = None, json: bool = False
) -> int:
    """One source in full: its waits, quota, spending, and why it had no opinion, counted.

    Parameters
    ----------
    name: str
        The source, as in the configuration.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    one = _one(name, account, state)
    if json:
        emit_json(one)
        return 0
    configured = "counts" if one["configured"] else "does not count"
    line(f"{name}: {one['state']} {one['reason']}")
    if one["remedy"]:
        line(f"   fix: {one['remedy']}")
    line(f"family {one['family']}, which {configured} in participation; asks {one['asks']}")
    age = one["answer_age_seconds"]
    line("no answer yet" if age is None else f"last answer {_seconds(age)} ago")
    if one["waits_until"]:
        breaker = " (breaker open: one small question then)" if one["breaker_open"] else ""
        line(f"left alone until {one['waits_until']}{breaker}")
    if one["retry_in_seconds"] is not None:
        line(f"tried again in {_seconds(one['retry_in_seconds'])}")
    line(f"next call {_clock(one['next_call'])}; restarts {one['restarts']}")
    line(
        f"{one['calls_today']} calls today of {one['calls_per_day']:g}, "
        f"at most {one['calls_per_minute']:g} a minute"
    )
    if one["spent_usd"] is not None:
        line(f"spent ${one['spent_usd']:.2f} of ${one['daily_budget_usd']:.2f} today (UTC)")
    line(f"{one['opinions']} opinions")
    for reason, n in sorted(one["no_opinion"].items(), key=lambda pair: -pair[1]):
        line(f"no opinion {n} times: {reason}")
    return 0


def enable(
    name: str,
    *,
    reason: str = "operator",
    key_file: Path | None = None,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Take a source back into use, with its key read anew; nothing else is restarted.

    Parameters
    ----------
    name: str
        The source, as in the configuration.
    reason: str
        Why; it is journaled with your name.
    key_file: Path
        A 0600 file of NAME=VALUE lines with its new key; without it the daemon reads
        its --keys file and systemd credentials again.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _order("enable", name, reason, key_file, (account, state), json)


def disable(
    name: str,
    *,
    reason: str = "operator",
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Take a source out of use until `argo source enable`, restarts included; its family may go too.

    Parameters
    ----------
    name: str
        The source, as in the configuration.
    reason: str
        Why; it is journaled with your name.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _order("disable", name, reason, None, (account, state), json)


def probe(
    name: str,
    *,
    reason: str = "operator",
    key_file: Path | None = None,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Ask a source now, whatever it waits for, and say what came of it.

    Parameters
    ----------
    name: str
        The source, as in the configuration.
    reason: str
        Why; it is journaled with your name.
    key_file: Path
        A 0600 file of NAME=VALUE lines with its new key.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _order("probe", name, reason, key_file, (account, state), json)


def _order(
    action: str,
    name: str,
    reason: str,
    key_file: Path | None,
    account: tuple[str, Path | None],
    json: bool,
) -> int:
    before = _one(name, *account)
    file = None if key_file is None else str(key_file.absolute())
    body = {"action": action, "who": getpass.getuser(), "why": reason, "key_file": file}
    answer: dict[str, Any] = post(find(*account), f"/api/v1/sources/{name}", body)
    answer["outcome"] = one = _outcome(action, before, account)
    if json:
        emit_json(answer)
        return 0
    key = ", with another key" if answer["new_key"] else ""
    line(f"{action} {name}: durable as record {answer['seq']}{key}")
    line(f"{name}: {one['state']} {one['reason']}")
    if one["remedy"]:
        line(f"   fix: {one['remedy']}")
    if action != "disable" and one["calls"] == before["calls"] and one["state"] == "running":
        line(f"it has not been asked yet: next call {_clock(one['next_call'])}")
    return 0


def _outcome(
    action: str, before: dict[str, Any], account: tuple[str, Path | None]
) -> dict[str, Any]:
    """How the source is once it has been asked, or disabled; as it is when that takes too long."""
    until = machine_seconds() + OUTCOME_SECONDS
    while True:
        one = _one(before["name"], *account)
        done = one["state"] == "disabled" if action == "disable" else one["calls"] > before["calls"]
        if done or machine_seconds() > until:
            return one
        machine_sleep(POLL_SECONDS)


def _one(name: str, account: str, state: Path | None) -> dict[str, Any]:
    found: list[dict[str, Any]] = get(find(account, state), "/api/v1/sources")
    for one in found:
        if one["name"] == name:
            return one
    names = ", ".join(one["name"] for one in found)
    raise UsageError(f"no source {name!r} in this configuration", fix=f"one of {names}")


def _seconds(value: float) -> str:
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def _clock(at: str | None) -> str:
    return "-" if at is None else at[5:19].replace("T", " ")
