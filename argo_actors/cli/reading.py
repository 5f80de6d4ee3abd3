"""What is so: status, positions, orders, trades, signals. Asked of the daemon, shown as text or JSON."""

from pathlib import Path
from typing import Any

from .client import find, get
from .output import emit_json, line, table


def status(*, account: str = "paper", state: Path | None = None, json: bool = False) -> int:
    """Is it safe, is it flat, and what is it waiting for?

    Parameters
    ----------
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    found: dict[str, Any] = get(find(account, state), "/api/v1/status")
    if json:
        emit_json(found)
        return 0
    ready = "READY" if found["ready"] else "not ready"
    line(f"{found['account']} ({found['mode']})  {ready}  {found['time']}  run {found['run']}")
    line(
        f"operator {found['operator']}  risk {found['level']}  "
        f"trade stream {'up' if found['stream_up'] else 'DOWN'}  "
        f"market {'open' if found['market_open'] else 'closed'}"
    )
    line(f"equity {found['equity']}  cash {found['cash']}  buying power {found['buying_power']}")
    _tell_losses(found)
    line(
        f"{found['positions']} positions, {found['trades']} round trips, "
        f"realised {found['realised']}, fees {found['fees']}"
    )
    for symbol in found["unprotected"]:
        line(f"UNPROTECTED: {symbol}")
    for name, source in found["sources"].items():
        line(f"source {name}: {source['state']} {source['reason']}")
        if source["remedy"]:
            line(f"   fix: {source['remedy']}")
    line("next decision, nearest first:")
    for one in found["next"][:5]:
        line(f"   {one['symbol']:8} {one['reason']}")
    for one in found["notices"]:
        line(f"{one['at']} {one['text']}")
    return 0


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
    columns = (
        "symbol",
        "side",
        "qty",
        "avg_price",
        "mark",
        "unrealised",
        "stop",
        "target",
        "phase",
    )
    return _listed("positions", columns, account, state, json, "flat")


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
    columns = ("key", "symbol", "leg", "side", "qty", "type", "status", "price")
    return _listed("orders", columns, account, state, json, "no orders")


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


def signals(*, account: str = "paper", state: Path | None = None, json: bool = False) -> int:
    """The newest signals and what became of them.

    Parameters
    ----------
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    columns = ("at", "symbol", "action", "confidence", "regime", "decision")
    return _listed("signals", columns, account, state, json, "no signal yet")


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
    for row in rows:
        row["key"] = str(row.get("id", "")).split("-")[2] if name == "orders" else ""
        for stamp in ("at", "exit_at"):
            if stamp in row:
                row[stamp] = row[stamp][5:19].replace("T", " ")
    table(columns, rows, empty)
    return 0
