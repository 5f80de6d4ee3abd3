"""`argo signals`: the newest signals with their votes and what became of them, and how many there were."""

from typing import Annotated, Any

from cyclopts import Parameter, validators

from .client import ASKED, Asked
from .output import counted, line, order_name, table

MOST = 50
WITH_VOTES = 5


def signals(
    *,
    latest: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=MOST))] = MOST,
    stats: bool = False,
    asked: Asked = ASKED,
) -> int:
    """The newest signals with their votes and what became of them, or how many there were.

    An outcome `as before` is the symbol's last denial once more, which is not said again.

    Parameters
    ----------
    latest: int
        How many, at most 50; with up to 5 their votes are shown too.
    stats: bool
        Count them instead: by action, approved, denied and why.
    """
    if stats:
        return asked.show(asked.get("/api/signals/stats"), _stats)
    return asked.show(asked.get(f"/api/signals/latest?limit={latest}"), _tell)


def _tell(found: list[dict[str, Any]]) -> None:
    rows = [
        one
        | {
            "time": one["at"][5:19].replace("T", " "),
            "conf.": one["confidence"],
            "outcome": _outcome(one),
        }
        for one in found
    ]
    table(("time", "symbol", "action", "conf.", "regime", "outcome"), rows, "no signal yet")
    for one in found if len(found) <= WITH_VOTES else ():
        _votes(one)


def _outcome(row: dict[str, Any]) -> str:
    if row["order"] is None:
        return str(row["decision"] or "as before")
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


def _stats(found: dict[str, Any]) -> None:
    line(f"{counted(found['signals'], 'signal')}: {found['buy']} BUY, {found['sell']} SELL")
    line(f"approved {found['approved']}, advice {found['advice']}")
    for code, n in sorted(found["denied"].items(), key=lambda pair: -pair[1]):
        line(f"denied {code}: {n}")
    line(f"{counted(found['round_trips'], 'round trip')}, {found['won']} won")
    mean = found["mean_confidence_of_latest"]
    if mean is not None:
        line(f"mean confidence of the latest {found['latest']}: {mean}")
