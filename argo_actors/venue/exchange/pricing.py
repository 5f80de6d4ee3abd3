"""At what price an order fills in a step of time, and how much of it: pure functions of the path.

Alpaca's paper engine fills against the best bid and offer whatever their sizes, a limit only when it is
marketable, and one eligible fill in ten only in part. Where the path within a step leaves a choice,
the order gets the worse price.
"""

import hashlib
from decimal import Decimal
from typing import NamedTuple

from ..market import Quote
from .orders import ZERO, Order, floor

PARTIAL_OF = 10
"""One fill in so many is partial."""


class Prices(NamedTuple):
    """What one symbol did in one step: extremes of its path, and the quote at its end."""

    low: Decimal
    high: Decimal
    quote: Quote
    tick: Decimal

    @property
    def half_spread(self) -> Decimal:
        """From the path to either side of the quote, on the price grid, rounded up."""
        return ceiling((self.quote.ask - self.quote.bid) / 2, self.tick)


def is_triggered(order: Order, prices: Prices) -> bool:
    """True when the path has touched the stop price."""
    assert order.stop_price is not None
    if order.side == "buy":
        return prices.high >= order.stop_price
    return prices.low <= order.stop_price


def fill_price(
    order: Order, prices: Prices, *, rested: bool, just_triggered: bool
) -> Decimal | None:
    """The price of a fill in this step; None when it does not fill.

    `rested`: the order stood in the book before the step, so the path has come to it and it gets
    its limit. Otherwise it takes the far side of the quote at the end of the step.
    """
    buys = order.side == "buy"
    far = prices.quote.ask if buys else prices.quote.bid
    if just_triggered:
        far = _slipped(order, prices, far)
    limit = order.limit_price
    if limit is None:
        return far
    if rested:
        reached = prices.low + prices.half_spread if buys else prices.high - prices.half_spread
        return limit if (reached <= limit if buys else reached >= limit) else None
    return far if (far <= limit if buys else far >= limit) else None


def _slipped(order: Order, prices: Prices, far: Decimal) -> Decimal:
    """A stop has no better price than the quote had when the path touched it."""
    assert order.stop_price is not None
    if order.side == "buy":
        return max(far, order.stop_price + prices.half_spread)
    return max(min(far, order.stop_price - prices.half_spread), prices.tick)


def lot(seed: int, order: Order, left: Decimal, increment: Decimal) -> Decimal:
    """How much fills now: all that is left, or at an order's first fill perhaps a part.

    The draw depends on seed and order alone, not on when or in which company it arrives.
    """
    if order.fills or order.time_in_force == "fok":
        return left
    key = f"{seed}/{order.client_order_id}/{order.fills}".encode()
    drawn = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
    if drawn % PARTIAL_OF:
        return left
    share = Decimal(20 + drawn // PARTIAL_OF % 61) / 100
    part = floor(left * share, increment)
    return part if part > ZERO else left


def ceiling(value: Decimal, increment: Decimal) -> Decimal:
    """The smallest multiple of an increment that is not below the value."""
    return -(-value // increment) * increment
