"""What is so: status, positions, orders, trades, signals. Asked of the daemon, shown as text or JSON."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import DaemonError
from ..host.state import StateDir
from .client import ask, find, get
from .output import emit_json, line, money, price, quantity, table

POSITION = ("symbol", "side", "qty", "avg", "mark", "P&L", "stop", "target", "phase")
ORDER = ("key", "symbol", "leg", "side", "qty", "type", "status", "price")
SIGNAL = ("at", "symbol", "action", "confidence", "regime", "decision")
PRICES = ("mark", "stop", "target", "price", "entry", "exit")


def status(
    *,
    account: str = "paper",
    state: Path | None = None,
    standby: bool = False,
    json: bool = False,
) -> int:
    """Is it safe, is it flat, and what is it waiting for?

    Parameters
    ----------
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    standby: bool
        Of the standbys instead: how far behind they are, and what they would decide otherwise.
    json: bool
        Answer as JSON.
    """
    where = find(account, state)
    if standby:
        return _standbys(where, json)
    found: dict[str, Any] = get(where, "/api/v1/status")
    if json:
        emit_json(found)
        return 0
    _tell(found)
    for _, one in standbys(where):
        _tell_standby(one)
    return 0


def standbys(state: StateDir) -> list[tuple[Path, dict[str, Any]]]:
    """Each living standby's socket and status."""
    found = []
    for socket in sorted(state.path.glob("standby-*.sock")):
        with suppress(DaemonError):
            found.append((socket, ask(socket, "GET", "/api/v1/status", None)))
    return found


def _standbys(state: StateDir, json: bool) -> int:
    found = [one for _, one in standbys(state)]
    if not found:
        raise DaemonError(
            f"no standby waits in {state.path}", fix="start one with `argo run --standby`"
        )
    if json:
        emit_json(found)
        return 0
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
    return 0


def _tell_standby(one: dict[str, Any]) -> None:
    behind = one["behind"]
    line(
        f"STANDBY process {one['pid']} of {one['active'] or 'nobody'}: {behind['records']} records, "
        f"{behind['seconds']:.1f} s behind; {one['differences']} difference(s)"
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
        f"{found['positions']} positions, {found['trades']} round trips, "
        f"realised {money(found['realised'])}, fees {money(found['fees'])}"
    )
    for symbol in found["unprotected"]:
        line(f"UNPROTECTED: {symbol}")
    families = found["families"]
    missing = f" (without {', '.join(families['missing'])})" if families["missing"] else ""
    line(f"{families['configured']} of {families['all']} families{missing}")
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
        f"${losses['daily_headroom']} left; drawdown {float(found['drawdown_pct']):.2f} "
        f"of {losses['drawdown_limit_pct']:g} %,"
    )
    line(f"   ${losses['drawdown_headroom']} left; ${losses['at_stops']} between entries and stops")
    if losses["tripped"]:
        line(f"   TRIPPED: {losses['tripped']}; fix: argo resume --reason TEXT")
    if losses["unsure"]:
        line("   a limit seems crossed: no entries until the broker confirms or denies it")
    if losses["note"]:
        line(f"   {losses['note']}: ${losses['day_start']}")
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
        line(f"{found['foreign']} foreign item(s): argo reconcile")


def positions(*, account: str = "paper", state: Path | None = None, json: bool = False) -> int:
    """What is held, and what protects it.

    Parameters
    ----------
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _listed("positions", POSITION, account, state, json, "flat")


def orders(*, account: str = "paper", state: Path | None = None, json: bool = False) -> int:
    """The newest orders, newest last; `argo why ID` explains one.

    Parameters
    ----------
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    return _listed("orders", ORDER, account, state, json, "no orders")


def trades(*, account: str = "paper", state: Path | None = None, json: bool = False) -> int:
    """Closed round trips, newest last, after fees.

    Parameters
    ----------
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    columns = ("exit_at", "symbol", "side", "qty", "entry", "exit", "reason", "pnl")
    return _listed("trades", columns, account, state, json, "no round trip yet")


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


def _listed(
    name: str,
    columns: tuple[str, ...],
    account: str,
    state: Path | None,
    json: bool,
    empty: str,
) -> int:
    rows: list[dict[str, Any]] = get(find(account, state), f"/api/v1/{name}")
    if json:
        emit_json(rows)
        return 0
    table(columns, [row | for_people(row) for row in rows], empty)
    return 0
