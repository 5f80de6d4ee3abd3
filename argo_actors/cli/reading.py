"""What is so: status, positions, orders, trades, signals. Asked of the daemon, shown as text or JSON."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import DaemonError
from ..host.state import StateDir
from .client import ASKED, Asked, ask
from .output import counted, line, money, price, quantity, table

POSITION = ("symbol", "side", "qty", "avg", "mark", "P&L", "stop", "target", "phase")
ORDER = ("key", "symbol", "leg", "side", "qty", "type", "status", "price")
SIGNAL = ("at", "symbol", "action", "confidence", "regime", "decision")
PRICES = ("mark", "stop", "target", "price", "entry", "exit")


def status(*, standby: bool = False, asked: Asked = ASKED) -> int:
    """Is it safe, is it flat, and what is it waiting for?

    Parameters
    ----------
    standby: bool
        Of the standbys instead: how far behind they are, and what they would decide otherwise.
    """
    if standby:
        return asked.show(_waiting(asked.directory), _tell_standbys)

    def tell(found: dict[str, Any]) -> None:
        _tell(found)
        for _, one in standbys(asked.directory):
            _tell_standby(one)

    return asked.show(asked.get("/api/v1/status"), tell)


def standbys(state: StateDir) -> list[tuple[Path, dict[str, Any]]]:
    """Each living standby's socket and status."""
    found = []
    for socket in sorted(state.path.glob("standby-*.sock")):
        with suppress(DaemonError):
            found.append((socket, ask(socket, "GET", "/api/v1/status", None)))
    return found


def _waiting(state: StateDir) -> list[dict[str, Any]]:
    found = [one for _, one in standbys(state)]
    if not found:
        raise DaemonError(
            f"no standby waits in {state.path}", fix="start one with `argo run --standby`"
        )
    return found


def _tell_standbys(found: list[dict[str, Any]]) -> None:
    for one in found:
        _tell_standby(one)
        line(
            f"   at record {one['seq']} ({one['time'] or 'no journal yet'}), "
            f"{one['decisions']} decisions made again, port {one['port']}"
        )
        for other in one["first"]:
            line(f"   {other['seq']} {other['actor']} heard {other['heard']}")
            line(f"      recorded: {other['recorded']}")
            line(f"      here:     {other['now']}")


def _tell_standby(one: dict[str, Any]) -> None:
    behind = one["behind"]
    line(
        f"STANDBY process {one['pid']} of {one['active'] or 'nobody'}: "
        f"{counted(behind['records'], 'record')}, {behind['seconds']:.1f} s behind; "
        f"{counted(one['differences'], 'difference')}"
    )
    if one["trouble"]:
        line(f"   it cannot follow: {one['trouble']}")


def _tell(found: dict[str, Any]) -> None:
    ready = "READY" if found["ready"] else "not ready"
    line(f"{found['account']} ({found['mode']})  {ready}  {found['time']}  run {found['run']}")
    line(
        f"operator {found['operator']}  risk {found['level']}  "
        f"trade stream {'up' if found['stream_up'] else 'DOWN'}  "
        f"market {'open' if found['market_open'] else 'closed'}"
    )
    line(
        f"equity {money(found['equity'])}  cash {money(found['cash'])}  "
        f"buying power {money(found['buying_power'])}"
    )
    _tell_losses(found)
    line(
        f"{counted(found['positions'], 'position')}, {counted(found['trades'], 'round trip')}, "
        f"realised {money(found['realised'])}, fees {money(found['fees'])}"
    )
    for symbol in found["unprotected"]:
        line(f"UNPROTECTED: {symbol}")
    families = found["families"]
    missing = f" (without {', '.join(families['missing'])})" if families["missing"] else ""
    line(f"{families['configured']} of {families['all']} families configured{missing}")
    for name, source in found["sources"].items():
        line(f"source {name}: {source['state']}  {seen(source['opinions'])}  {source['reason']}")
        if source["remedy"]:
            line(f"   fix: {source['remedy']}")
    line(decision(found["decision"]))
    flat = [one for one in found["next"] if not one["held"]]
    if flat:
        line("flat symbols, nearest to a signal first:")
    for one in flat[:5]:
        line(f"   {one['symbol']:8} {one['reason']}")
    for one in found["notices"]:
        line(f"{one['at']} {one['text']}")


def seen(opinions: dict[str, int]) -> str:
    """A source's opinions, counted."""
    said = [f"{count} {word}" for word, count in opinions.items() if count]
    return ", ".join(said) or "no opinion"


def decision(found: dict[str, Any]) -> str:
    """When the next decision is due, and what entries wait for."""
    what = "; ".join(found["awaited"]) or "a strong enough signal"
    return f"next decision in {found['seconds']:.0f} s (cycle {found['cycle']}), waiting for {what}"


def _tell_losses(found: dict[str, Any]) -> None:
    losses, prop = found["losses"], found["prop"]
    line(
        f"day's loss {float(found['daily_loss_pct']):.2f} of {losses['daily_limit_pct']:g} %, "
        f"{money(losses['daily_headroom'])} left"
    )
    line(
        f"drawdown {float(found['drawdown_pct']):.2f} of {losses['drawdown_limit_pct']:g} %, "
        f"{money(losses['drawdown_headroom'])} left; "
        f"{money(losses['at_stops'])} between entries and stops"
    )
    if losses["tripped"]:
        line(f"   TRIPPED: {losses['tripped']}; fix: argo resume --reason TEXT")
    if losses["unsure"]:
        line("   a limit seems crossed: no entries until the broker confirms or denies it")
    if losses["note"]:
        line(f"   {losses['note']}: {money(losses['day_start'])}")
    if prop:
        dated = f", rules of {prop['dated']}" if prop["dated"] else ", undated rules"
        line(
            f"prop {prop['account']}: {prop['drawdown']} drawdown, day from {prop['daily_base']} "
            f"at {prop['reset']}{dated}"
        )
    ramp = found["ramp"]
    if ramp:
        line(f"live ramp: {ramp['filled']} of {ramp['of']} small entries filled")
    if found["foreign"]:
        line(f"{counted(found['foreign'], 'foreign item')}: argo reconcile")


def positions(*, asked: Asked = ASKED) -> int:
    """What is held, and what protects it."""
    return _listed("positions", POSITION, asked, "flat")


def orders(*, asked: Asked = ASKED) -> int:
    """The newest orders, newest last; `argo why ID` explains one."""
    return _listed("orders", ORDER, asked, "no orders")


def trades(*, asked: Asked = ASKED) -> int:
    """Closed round trips, newest last, after fees."""
    columns = ("exit_at", "symbol", "side", "qty", "entry", "exit", "reason", "pnl")
    return _listed("trades", columns, asked, "no round trip yet")


def for_people(row: dict[str, Any]) -> dict[str, str]:
    """The columns that are shown shorter than they are."""
    found = {name: price(row[name]) for name in PRICES if name in row}
    found |= {name: money(row[name]) for name in ("pnl", "fees") if name in row}
    if "qty" in row:
        found["qty"] = quantity(row["qty"])
    if "avg_price" in row:
        found |= {"avg": price(row["avg_price"]), "P&L": money(row["unrealised"])}
    for stamp in ("at", "exit_at"):
        if stamp in row:
            found[stamp] = row[stamp][5:19].replace("T", " ")
    if "decision" in row:
        found["decision"] = row["decision"] or "-"
    if "leg" in row:
        found["key"] = str(row["id"]).split("-")[2][:8]
    return found


def _listed(name: str, columns: tuple[str, ...], asked: Asked, empty: str) -> int:
    def tell(rows: list[dict[str, Any]]) -> None:
        table(columns, [row | for_people(row) for row in rows], empty)

    return asked.show(asked.get(f"/api/v1/{name}"), tell)
