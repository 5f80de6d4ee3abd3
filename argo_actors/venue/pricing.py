"""At which price an order fills in a step of time: pure, from the quote and the path's extremes.

A market order takes the far side of the quote, a limit order is never filled through its limit, a stop
is triggered by the path's extremes, so that nothing is jumped over.
"""

from decimal import Decimal
from typing import NamedTuple

from .market import Quote
from .orders import ZERO, Order

CHEAP = Decimal(50)
CHEAP_BAND, BAND = Decimal("1.04"), Decimal("1.025")


class Step(NamedTuple):
    """The quote at the end of a step, and the lowest and highest price in it."""

    quote: Quote
    low: Decimal
    high: Decimal

    def far(self, side: str) -> Decimal:
        """The side of the quote that an order takes."""
        return self.quote.ask if side == "buy" else self.quote.bid


def is_hit(order: Order, step: Step) -> bool:
    """Whether the path touches a stop that still sleeps."""
    assert order.stop_price is not None
    if order.side == "buy":
        return step.high >= order.stop_price
    return step.low <= order.stop_price


def trail(order: Order, step: Step, tick: Decimal) -> None:
    """A trailing stop follows the best price, and never goes back."""
    best = step.high if order.side == "sell" else step.low
    if order.hwm is not None:
        best = max(best, order.hwm) if order.side == "sell" else min(best, order.hwm)
    distance = order.trail_price
    if distance is None:
        distance = best * (order.trail_percent or ZERO) / 100
    order.hwm = best
    stop = best - distance if order.side == "sell" else best + distance
    order.stop_price = max((stop / tick).to_integral_value() * tick, tick)


def worst_of_stop(order: Order) -> Decimal | None:
    """Buy stops are routed as stop-limit orders, 4 % (from $50 on 2.5 %) above their stop; sells freely."""
    if order.side == "sell" or order.stop_price is None:
        return None
    return order.stop_price * (CHEAP_BAND if order.stop_price < CHEAP else BAND)


def fill_price(order: Order, step: Step, *, touched: bool) -> Decimal | None:
    """The price of a live order in this step, None when it does not fill.

    `touched`: its stop was triggered in this very step, so the fill is no better than the stop.
    """
    far = step.far(order.side)
    if order.type == "market":
        return far
    if order.type in ("stop", "trailing_stop"):
        worst = worst_of_stop(order)
        if worst is not None and far > worst:
            return None
        if not touched or order.stop_price is None:
            return far
        return max(far, order.stop_price) if order.side == "buy" else min(far, order.stop_price)
    return _limited(order, step)


def forced_price(order: Order, far: Decimal) -> Decimal:
    """The price of a fill that comes against all expectation: its limit, else the far side."""
    return far if order.limit_price is None else order.limit_price


def _limited(order: Order, step: Step) -> Decimal | None:
    limit = order.limit_price
    assert limit is not None
    if order.side == "buy":
        if step.quote.ask <= limit:
            return step.quote.ask
        return limit if order.rested and step.low < limit else None
    if step.quote.bid >= limit:
        return step.quote.bid
    return limit if order.rested and step.high > limit else None
