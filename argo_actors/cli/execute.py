"""`argo execute`: take an advice while its signal lives, or ask for an entry of one's own."""

import getpass
from pathlib import Path
from typing import Any, Literal

from ..errors import UsageError
from .client import find, post
from .output import emit_json, line


def execute(
    signal: str = "",
    *,
    symbol: str = "",
    action: Literal["BUY", "SELL"] | None = None,
    confidence: float | None = None,
    entry_price: str = "",
    stop_price: str | None = None,
    target_price: str | None = None,
    request: str = "",
    account: str = "paper",
    state: Path | None = None,
    json: bool = False,
) -> int:
    """Take an advised signal while it lives, or ask for an entry; every risk check is done again.

    Parameters
    ----------
    signal: str
        How the id of an advised signal begins, or its symbol (`argo signals`).
    symbol: str
        Without a signal: what to trade, with action, confidence and entry price.
    action: str
        BUY or SELL; the opposite of an open position closes it.
    confidence: float
        0 to 100; judged like a signal's.
    entry_price: str
        The price you saw; the order is refused when the market is too far from it.
    stop_price: str
        Instead of the configured distance.
    target_price: str
        Instead of the configured distance.
    request: str
        A name of your own: asked for again, it gets the same answer and no second
        order.
    account: str
        Name of the account.
    state: Path
        The account's state directory, when it is not the usual one.
    json: bool
        Answer as JSON.
    """
    where, who = find(account, state), getpass.getuser()
    if signal:
        answer = post(where, "/api/v1/signals/execute", {"signal": signal, "who": who})
    else:
        if not (symbol and action and confidence is not None and entry_price):
            raise UsageError(
                "argo execute needs a signal, or symbol, action, confidence and entry price",
                fix="argo execute SIGNAL_ID, or --symbol AAPL --action BUY --confidence 85 "
                "--entry-price 187.50",
            )
        body: dict[str, Any] = {
            "symbol": symbol,
            "action": action,
            "confidence": confidence,
            "entry_price": entry_price,
            "stop_price": stop_price,
            "target_price": target_price,
            "who": who,
            "request": request,
        }
        answer = post(where, "/api/v1/trading/execute", body)
    if json:
        emit_json(answer)
        return 0
    line(f"{answer['decision']} at {answer['price']} (record {answer['seq']})")
    if answer["stop"]:
        line(f"   stop {answer['stop']}, target {answer['target']}")
    return 0
