"""`argo reconcile`: the broker's truth beside the books, and what to do with what is not ours."""

import getpass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from ..errors import UsageError
from .client import find, get, post
from .output import emit_json, line, order_name, stamp

SHOWN = 12


def reconcile(
    action: Literal["show", "adopt", "ignore", "close"] = "show",
    item: str = "",
    *,
    reason: str = "",
    with_orders: Annotated[bool, Parameter(negative=())] = False,
    stop: str | None = None,
    target: str | None = None,
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Show what the broker's truth differed in and what is not ours; adopt, ignore or close an item.

    Parameters
    ----------
    action: str
        show; adopt an item (it becomes ours, protected and closed by the rules);
        ignore it (known and left alone); close it.
    item: str
        A symbol for its foreign position, or how the id of a foreign order begins.
    reason: str
        Why; it is journaled with your name. Needed for everything but show.
    with_orders: bool
        Take the foreign orders that would close the position along: its stop
        becomes its protection (adopt), or they are cancelled first (close).
    stop: str
        Stop price of an adopted position instead of the configured distance.
    target: str
        Target price of an adopted position.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    if action == "show":
        return _show(get(find(account, state), "/api/v1/reconcile"), json)
    if not item or not reason:
        raise UsageError(
            f"argo reconcile {action} needs an item and a reason",
            fix=f"argo reconcile {action} ITEM --reason TEXT (items: `argo reconcile`)",
        )
    body = {
        "item": item,
        "verdict": action,
        "who": getpass.getuser(),
        "why": reason,
        "with_orders": with_orders,
        "stop": stop,
        "target": target,
    }
    answer: dict[str, Any] = post(find(account, state), "/api/v1/reconcile", body)
    if json:
        emit_json(answer)
    else:
        line(f"{action} {answer['symbol']} {answer['item']}: done, record {answer['seq']}")
    return 0


def _show(found: dict[str, Any], json: bool) -> int:
    if json:
        emit_json(found)
        return 0
    readings = found["readings"]
    line("READY" if found["ready"] else "not ready: the broker's truth is not known yet")
    if readings:
        last = readings[-1]
        line(
            f"last read {stamp(last['at'])} ({last['reason']}): {last['orders']} orders, "
            f"{last['positions']} positions,"
        )
        line(f"   equal at reading {last['readings']}")
    line()
    line("differences, newest last:")
    for one in found["differences"][-SHOWN:]:
        _tell_difference(one)
    if not found["differences"]:
        line("   none")
    line()
    line("foreign items:" if found["foreign"] else "no foreign item in the configured symbols")
    for one in found["foreign"]:
        _tell(one)
    if found["elsewhere"]:
        line("in symbols that are not configured (counted, never touched):")
    for one in found["elsewhere"]:
        line(f"   {one['symbol']:8} {one['text']}")
    return 0


def _tell_difference(one: dict[str, Any]) -> None:
    kind, _, name = one["what"].rpartition(" ")
    what = f"{kind} {order_name(name)}" if "order" in kind else one["what"]
    line(f"   {stamp(one['at'])}  {one['symbol']:8} {what} ({one['reason']})")
    line(f"      before  {one['before']}")
    line(f"      after   {one['after']}")


def _tell(one: dict[str, Any]) -> None:
    name = one["symbol"] if one["item"] == "position" else one["item"][:8]
    noted = " (ignored)" if one["ignored"] else ""
    line(f"   {name:9} {one['symbol']:8} {one['text']}{noted}")
    if one.get("orders"):
        line(f"             adopt with its stop: argo reconcile adopt {name} --with-orders")
