"""What is shown of one symbol's order actor: what protects its position, and what is not ours."""

from typing import Any

from ..order.foreign import POSITION, closing
from ..order.protection import cause, covers
from ..order.reconcile import foreign_text
from ..order.state import OrderState
from ..units import SECOND, ZERO, Symbol, UtcNanos
from .text import plain

Document = dict[str, Any]


def protected(symbol: Symbol, state: OrderState, now: UtcNanos) -> Document | None:
    """Which orders protect its position and since when, None without one; times in ns UTC."""
    position = state.position
    if position is None or position.qty == 0:
        return None
    stops, gap = covers(state), position.gap
    left = max(position.qty - sum((one.qty for one in stops), ZERO), ZERO)
    return {
        "symbol": symbol,
        "side": "long" if position.side == "buy" else "short",
        "qty": plain(position.qty),
        "covers": [one._asdict() | {"qty": plain(one.qty)} for one in stops],
        "since": state.protected_since if gap is None else None,
        "uncovered": plain(left),
        "seconds": None if gap is None else (now - gap.begin) / SECOND,
        "cause": None if gap is None else cause(state, gap),
    }


def foreign(symbol: Symbol, state: OrderState) -> list[Document]:
    """What is not ours in it, item by item."""
    found: list[Document] = []
    would_close = {one.order_id for one in closing(state)}
    if state.foreign:
        side = "long" if state.foreign > 0 else "short"
        price = "" if state.foreign_price is None else f" at {plain(state.foreign_price)}"
        found.append(
            {
                "symbol": symbol,
                "item": POSITION,
                "text": f"{side} {plain(abs(state.foreign))}{price}",
                "ignored": POSITION in state.ignored,
                "orders": sorted(would_close),
            }
        )
    found += [
        {
            "symbol": symbol,
            "item": one.order_id,
            "text": foreign_text(one),
            "ignored": one.order_id in state.ignored,
            "protects": one.order_id in would_close and one.stop_price is not None,
        }
        for one in state.foreign_list
    ]
    return found
