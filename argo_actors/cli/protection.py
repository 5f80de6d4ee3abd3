"""`argo protection`: which order protects what, and every interval without."""

from typing import Any

from ..replay.protection import history as intervals
from .client import ASKED, Asked
from .output import counted, line, order_name, price, quantity, stamp, table

COLUMNS = ("symbol", "side", "qty", "stop", "since", "protected by")


def protection(*, history: bool = False, asked: Asked = ASKED) -> int:
    """Which order protects each position and since when; with --history every interval without.

    Parameters
    ----------
    history: bool
        Every interval without a stop, from the journal; the daemon need not run.
    """
    if not history:
        return asked.show(asked.get("/api/v1/protection"), _now)
    found = intervals(asked.journal)
    return asked.show([one._asdict() | {"seconds": one.seconds} for one in found], _past)


def _now(found: dict[str, Any]) -> None:
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
        many = counted(len(gaps), "recent interval")
        line(f"{many} without a stop, the longest {longest:.1f} s: see --history")


def _rows(one: dict[str, Any]) -> list[dict[str, Any]]:
    shared = {"symbol": one["symbol"], "side": one["side"], "qty": quantity(one["qty"])}
    return [
        shared
        | {
            "stop": price(cover["stop"]),
            "since": stamp(one["since"]),
            "protected by": order_name(cover["order"]),
        }
        for cover in one["covers"]
    ] or [shared | {"protected by": "NOTHING"}]


def _past(found: list[dict[str, Any]]) -> None:
    for one in found:
        length = "lasts" if one["seconds"] is None else f"{one['seconds']:.3f} s"
        shown = f"{one['symbol']:8} {quantity(one['qty']):>14}  {length:>10}  {one['ended']}"
        line(f"{stamp(one['begin'])}  {shown}")
        line(f"   {one['cause']}")
    if not found:
        line("no interval without a stop")
