"""`argo reconcile`: the broker's truth beside the books, and what to do with what is not ours."""

from dataclasses import dataclass
from typing import Any, Literal

from cyclopts import Parameter

from ..errors import UsageError
from .client import ASKED, Asked
from .output import counted, line, order_name, stamp

SHOWN = 12


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Terms:
    """How an item is adopted or closed."""

    with_orders: bool = False
    """Take the foreign orders that would close the position along: its stop becomes its protection
    (adopt), or they are cancelled first (close)."""
    stop: str | None = None
    """Stop price of an adopted position instead of the configured distance."""
    target: str | None = None
    """Target price of an adopted position."""


TERMS = Terms()


def reconcile(
    action: Literal["show", "adopt", "ignore", "close"] = "show",
    item: str = "",
    *,
    reason: str = "",
    terms: Terms = TERMS,
    asked: Asked = ASKED,
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
    """
    if action == "show":
        return asked.show(asked.get("/api/v1/reconcile"), _show)
    if not item or not reason:
        raise UsageError(
            f"argo reconcile {action} needs an item and a reason",
            fix=f"argo reconcile {action} ITEM --reason TEXT (items: `argo reconcile`)",
        )
    word = {"item": item, "verdict": action, "why": reason} | vars(terms)
    answer = asked.post("/api/v1/reconcile", **word)
    return asked.show(answer, _tell_done)


def _tell_done(answer: dict[str, Any]) -> None:
    what = f"{answer['verdict']} {answer['symbol']} {answer['item']}"
    line(f"{what}: done; on disk as record {answer['seq']}")


def _show(found: dict[str, Any]) -> None:
    readings = found["readings"]
    line("READY" if found["ready"] else "not ready: the broker's truth is not known yet")
    if readings:
        last = readings[-1]
        what = f"{counted(last['orders'], 'order')}, {counted(last['positions'], 'position')}"
        line(
            f"last read {stamp(last['at'])} ({last['reason']}): {what}, "
            f"in {last['readings']} readings until two were equal"
        )
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
