"""`argo execute`: take an advice while its signal lives, or ask for an entry of one's own."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ..errors import UsageError
from .client import ASKED, Asked
from .output import line


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of one's own, without a signal."""

    symbol: str = ""
    """Without a signal: what to trade, with action, confidence and entry price."""
    action: Literal["BUY", "SELL"] | None = None
    """BUY or SELL; the opposite of an open position closes it."""
    confidence: Annotated[float | None, Parameter(validator=Number(gte=0, lte=100))] = None
    """0 to 100; judged like a signal's."""
    entry_price: str = ""
    """The price you saw; the order is denied when the market is too far from it."""
    stop_price: str | None = None
    """Instead of the configured distance."""
    target_price: str | None = None
    """Instead of the configured distance."""
    request: str = ""
    """A name of your own: asked for again, it gets the same answer and no second order."""


NONE = Entry()


def execute(signal: str = "", *, entry: Entry = NONE, asked: Asked = ASKED) -> int:
    """Take an advised signal while it lives, or ask for an entry; every risk check is done again.

    Parameters
    ----------
    signal: str
        How the id of an advised signal begins, or its symbol (`argo signals`).
    """
    if signal:
        return asked.show(asked.post("/api/v1/signals/execute", signal=signal), _tell)
    if not (entry.symbol and entry.action and entry.confidence is not None and entry.entry_price):
        raise UsageError(
            "argo execute needs a signal, or a symbol with action, confidence and price",
            fix="argo execute SIGNAL_ID, or give --symbol, --action, --confidence and --entry-price",
        )
    return asked.show(asked.post("/api/v1/trading/execute", **vars(entry)), _tell)


def _tell(answer: dict[str, Any]) -> None:
    line(f"{answer['decision']} at {answer['price']} (record {answer['seq']})")
    if answer["stop"]:
        line(f"   stop {answer['stop']}, target {answer['target']}")
