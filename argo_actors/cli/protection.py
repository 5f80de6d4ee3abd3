"""`argo protection`: which order protects what, and every interval without."""

from pathlib import Path
from typing import Any

from ..host.state import state_dir
from ..replay.protection import Interval
from ..replay.protection import history as intervals
from .client import find, get
from .output import emit_json, line, order_name, stamp, table

COLUMNS = ("symbol", "side", "qty", "stop", "since", "protected by")


def protection(
    *,
    history: bool = False,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Which order protects each position and since when; with --history every interval without.

    Parameters
    ----------
    history: bool
        Every interval without a stop, from the journal; the daemon need not run.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _past(account, state, json) if history else _now(account, state, json)


def _now(account: str, state: Path | None, json: bool) -> int:
    found: dict[str, Any] = get(find(account, state), "/api/v1/protection")
    if json:
        emit_json(found)
        return 0
    rows = [row for one in found["positions"] for row in _rows(one)]
    table(COLUMNS, rows, "flat: nothing to protect")
    for one in found["positions"]:
        if one["uncovered"] != "0":
            line(
                f"UNPROTECTED: {one['symbol']} {one['uncovered']} of {one['qty']} "
                f"for {one['seconds']:.1f} s: {one['cause']}"
            )
    gaps = found["gaps"]
    longest = max((one["seconds"] for one in gaps), default=0.0)
    if gaps:
        line(f"{len(gaps)} recent interval(s) without a stop, the longest {longest:.1f} s")
        line("see them with --history")
    return 0


def _rows(one: dict[str, Any]) -> list[dict[str, Any]]:
    shared = {"symbol": one["symbol"], "side": one["side"], "qty": one["qty"]}
    return [
        shared
        | {
            "stop": cover["stop"],
            "since": stamp(one["since"]),
            "protected by": order_name(cover["order"]),
        }
        for cover in one["covers"]
    ] or [shared | {"protected by": "NOTHING"}]


def _past(account: str, state: Path | None, json: bool) -> int:
    found = intervals(state_dir(account, state).journal)
    if json:
        emit_json([_document(one) for one in found])
        return 0
    for one in found:
        length = "lasts" if one.seconds is None else f"{one.seconds:.3f} s"
        line(f"{stamp(one.begin)}  {one.symbol:8} {one.qty:>14}  {length:>10}  {one.ended}")
        line(f"   {one.cause}")
    if not found:
        line("no interval without a stop")
    return 0


def _document(one: Interval) -> dict[str, Any]:
    return one._asdict() | {"seconds": one.seconds}
