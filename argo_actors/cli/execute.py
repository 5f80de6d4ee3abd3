"""`argo execute`: take an advice while its signal lives, or ask for an entry of one's own."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators

from ..errors import UsageError
from .client import ASKED, Asked
from .output import line


def execute(
    signal: str = "",
    *,
    symbol: str = "",
    action: Literal["BUY", "SELL"] | None = None,
    confidence: Annotated[
        float | None, Parameter(validator=validators.Number(gte=0, lte=100))
    ] = None,
    entry_price: str = "",
    stop_price: str | None = None,
    target_price: str | None = None,
    request: str = "",
    asked: Asked = ASKED,
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
        The price you saw; the order is denied when the market is too far from it.
    stop_price: str
        Instead of the configured distance.
    target_price: str
        Instead of the configured distance.
    request: str
        A name of your own: asked for again, it gets the same answer and no second
        order.
    """
    if signal:
        return asked.show(asked.post("/api/v1/signals/execute", signal=signal), _tell)
    if not (symbol and action and confidence is not None and entry_price):
        raise UsageError(
            "argo execute needs a signal, or a symbol with action, confidence and price",
            fix="argo execute SIGNAL_ID, or give --symbol, --action, --confidence and --entry-price",
        )
    answer = asked.post(
        "/api/v1/trading/execute",
        symbol=symbol,
        action=action,
        confidence=confidence,
        entry_price=entry_price,
        stop_price=stop_price,
        target_price=target_price,
        request=request,
    )
    return asked.show(answer, _tell)


def _tell(answer: dict[str, Any]) -> None:
    line(f"{answer['decision']} at {answer['price']} (record {answer['seq']})")
    if answer["stop"]:
        line(f"   stop {answer['stop']}, target {answer['target']}")
