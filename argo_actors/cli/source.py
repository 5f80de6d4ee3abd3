"""`argo source`: how each source is, and an operator's word about one. The word is durable and journaled."""

from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..runtime.clock import machine_seconds, machine_sleep
from .client import ASKED, Asked
from .output import counted, line, span, table

OUTCOME_SECONDS = 15.0
POLL_SECONDS = 0.2
UNLIMITED = 1e6
"""Calls a day: the default, more than any plan."""


def show_all(*, asked: Asked = ASKED) -> int:
    """Every source: family, state, age of its last answer, opinions, calls today, next call."""
    return asked.show(asked.get("/api/v1/sources"), _tell_all)


def _tell_all(found: list[dict[str, Any]]) -> None:
    rows = [
        {
            "name": one["name"],
            "family": one["family"],
            "state": "breaker open" if one["breaker_open"] else one["state"],
            "answer": span(one["answer_age_seconds"]),
            "opinions": one["opinions"],
            "calls": _calls(one),
            "next call": _clock(one["next_call"]),
        }
        for one in found
    ]
    columns = ("name", "family", "state", "answer", "opinions", "calls", "next call")
    table(columns, rows, "no source is configured")
    for one in found:
        if one["reason"] and one["state"] not in ("running", "unused"):
            line(f"{one['name']}: {one['reason']}")
            line(f"   fix: {one['remedy']}" if one["remedy"] else "   it is tried again by itself")


def show(name: str, *, asked: Asked = ASKED) -> int:
    """One source in full: its waits, quota, spending, and why it had no opinion, counted.

    Parameters
    ----------
    name: str
        The source, as in the configuration.
    """
    return asked.show(_one(name, asked), _tell)


def _tell(one: dict[str, Any]) -> None:
    _tell_state(one)
    counts = "counts" if one["configured"] else "does not count"
    line(f"a source of the family {one['family']}, which {counts} there; asks {one['asks']}")
    age = one["answer_age_seconds"]
    line("no answer yet" if age is None else f"last answer {span(age)} ago")
    if one["waits_until"]:
        breaker = " (breaker open: one small question then)" if one["breaker_open"] else ""
        line(f"left alone until {_clock(one['waits_until'])}{breaker}")
    if one["retry_in_seconds"] is not None:
        line(f"tried again in {span(one['retry_in_seconds'])}")
    line(f"next call {_clock(one['next_call'])}; {counted(one['restarts'], 'restart')}")
    line(f"calls today {_calls(one)}, at most {one['calls_per_minute']:g} a minute")
    if one["spent_usd"] is not None:
        line(f"spent ${one['spent_usd']:.2f} of ${one['daily_budget_usd']:.2f} today (UTC)")
    line(counted(one["opinions"], "opinion"))
    for reason, n in sorted(one["no_opinion"].items(), key=lambda pair: -pair[1]):
        line(f"no opinion {n} times: {reason}")


def _tell_state(one: dict[str, Any]) -> None:
    """What it is; of one that does not run why, and what to do."""
    state, why = one["state"], one["reason"] if one["state"] != "running" else ""
    line(f"{one['name']}: {why if why.startswith(state) else f'{state}  {why}'.rstrip()}")
    if one["remedy"]:
        line(f"   fix: {one['remedy']}")


def enable(
    name: str,
    *,
    reason: str = "operator",
    key_file: Path | None = None,
    asked: Asked = ASKED,
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
    """
    return _order("enable", name, reason, key_file, asked)


def disable(
    name: str,
    *,
    reason: str = "operator",
    asked: Asked = ASKED,
) -> int:
    """Take a source out of use until `argo source enable`, restarts included; its family may go too.

    Parameters
    ----------
    name: str
        The source, as in the configuration.
    reason: str
        Why; it is journaled with your name.
    """
    return _order("disable", name, reason, None, asked)


def probe(
    name: str,
    *,
    reason: str = "operator",
    key_file: Path | None = None,
    asked: Asked = ASKED,
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
    """
    return _order("probe", name, reason, key_file, asked)


def _order(action: str, name: str, reason: str, key_file: Path | None, asked: Asked) -> int:
    before = _one(name, asked)
    file = None if key_file is None else str(key_file.absolute())
    answer = asked.post(f"/api/v1/sources/{name}", action=action, why=reason, key_file=file)
    answer["outcome"] = _outcome(action, before, asked)
    return asked.show(answer, lambda found: _tell_order(found, before))


def _tell_order(answer: dict[str, Any], before: dict[str, Any]) -> None:
    one = answer["outcome"]
    key = " with another key" if answer["new_key"] else ""
    line(f"{answer['action']} {one['name']}{key}: done; on disk as record {answer['seq']}")
    _tell_state(one)
    if one["calls"] == before["calls"] and one["state"] == "running":
        line(f"it has not been asked yet: next call {_clock(one['next_call'])}")


def _outcome(action: str, before: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """How the source is once it has been asked, or disabled; as it is when that takes too long."""
    until = machine_seconds() + OUTCOME_SECONDS
    while True:
        one = _one(before["name"], asked)
        done = one["state"] == "disabled" if action == "disable" else one["calls"] > before["calls"]
        if done or machine_seconds() > until:
            return one
        machine_sleep(POLL_SECONDS)


def _one(name: str, asked: Asked) -> dict[str, Any]:
    found: list[dict[str, Any]] = asked.get("/api/v1/sources")
    for one in found:
        if one["name"] == name:
            return one
    names = ", ".join(one["name"] for one in found)
    raise UsageError(f"no source {name!r} in this configuration", fix=f"one of {names}")


def _calls(one: dict[str, Any]) -> str:
    """Of today, and the plan's where it has such a limit."""
    most = one["calls_per_day"]
    return f"{one['calls_today']}" + (f" of {most:g}" if most < UNLIMITED else "")


def _clock(at: str | None) -> str:
    return "-" if at is None else at[5:16].replace("T", " ")
