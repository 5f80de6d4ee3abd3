"""`argo signals`: the newest signals with their votes and what became of them, and how many there were."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from .client import find, get
from .output import emit_json, line, order_name, table

MOST = 50


def signals(
    *,
    latest: int = MOST,
    stats: Annotated[bool, Parameter(negative=())] = False,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """The newest signals with their votes and what became of them, or how many there were.

    Parameters
    ----------
    latest: int
        How many, at most 50; with up to 5 their votes are shown too.
    stats: bool
        Count them instead: by action, approved, denied and why.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    where = find(account, state)
    if stats:
        return _stats(get(where, "/api/signals/stats"), json)
    rows: list[dict[str, Any]] = get(where, f"/api/signals/latest?limit={latest}")
    if json:
        emit_json(rows)
        return 0
    for row in rows:
        row["time"] = row["at"][5:19].replace("T", " ")
        row["conf."] = row["confidence"]
        row["outcome"] = _outcome(row)
    columns = ("time", "symbol", "action", "conf.", "regime", "outcome")
    table(columns, rows, "no signal yet")
    for row in rows if latest <= 5 else ():
        _votes(row)
    return 0


def _outcome(row: dict[str, Any]) -> str:
    if row["order"] is None:
        return str(row["decision"] or "-")
    price = f" at {row['fill_price']}" if row["fill_price"] else ""
    return f"{row['status']}{price}, order {order_name(row['order'])}"


def _votes(row: dict[str, Any]) -> None:
    line()
    line(f"{row['symbol']} {row['action']} {row['confidence']:g} of {row['threshold']:g}:")
    for family in row["votes"]:
        members = ", ".join(f"{name} {vote:+.3f}" for name, vote in family["members"].items())
        vote = "-" if family["vote"] is None else f"{family['vote']:+.3f}"
        line(f"   {family['family']:12} {family['weight']:.2f} x {vote:7} {members or 'silent'}")
    line(f"   participation {row['participation']:g}, {row['regime']} x {row['multiplier']:g}")


def _stats(found: dict[str, Any], json: bool) -> int:
    if json:
        emit_json(found)
        return 0
    line(f"{found['signals']} signals: {found['buy']} BUY, {found['sell']} SELL")
    line(f"approved {found['approved']}, advice {found['advice']}")
    for code, n in sorted(found["denied"].items(), key=lambda pair: -pair[1]):
        line(f"denied {code}: {n}")
    line(f"{found['round_trips']} round trips, {found['won']} won")
    mean = found["mean_confidence_of_latest"]
    if mean is not None:
        line(f"mean confidence of the latest {found['latest']}: {mean}")
    return 0
