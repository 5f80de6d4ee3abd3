"""The prices that a journal holds: quotes, vendors' live prices, and the closes that opinions were made of."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ..messages import Message
from ..messages.market import Quote, Quotes, QuoteSeen
from ..messages.opinion import Opinion, VendorPrice
from ..units import MINUTE, Symbol, UtcNanos

Kind = Literal["quote", "price", "close"]
KINDS: tuple[Kind, ...] = ("quote", "price", "close")
"""In order of trust: the mid of a quote, a vendor's live price, the close of a fresh bar."""
FRESH = 10 * MINUTE
"""An opinion that lives longer is made of bars whose close may be old when it is said."""
NEAR = MINUTE
"""Prices of all kinds that lie within it of a time are of that time: the most trusted one is taken."""


class Mark(NamedTuple):
    """A price of a symbol as it became known; `half` is half of a quote's spread, in dollars."""

    symbol: Symbol
    kind: Kind
    price: float
    half: float = 0.0


def marks(message: Message) -> Iterator[Mark]:
    """The prices in a recorded word."""
    match message:
        case QuoteSeen():
            yield _mid(message.quote)
        case Quotes():
            yield from map(_mid, message.quotes)
        case VendorPrice():
            yield Mark(message.symbol, "price", message.price)
        case Opinion(price=float(price)) if message.valid_until - message.as_of <= FRESH:
            yield Mark(message.symbol, "close", price)


def _mid(quote: Quote) -> Mark:
    return Mark(quote.symbol, "quote", (quote.bid + quote.ask) / 2, (quote.ask - quote.bid) / 2)


class Priced(NamedTuple):
    """A price and when it became known."""

    at: UtcNanos
    price: float


class _Series(NamedTuple):
    at: "array[int]"
    price: "array[float]"


class Prices:
    """Every recorded price by symbol and time; times ascend as the records do."""

    def __init__(self) -> None:
        self._series: dict[tuple[Symbol, Kind], _Series] = {}

    def learn(self, at: UtcNanos, message: Message) -> None:
        """Take in the prices of a word said at a time."""
        for one in marks(message):
            series = self._series.get((one.symbol, one.kind))
            if series is None:
                series = self._series[one.symbol, one.kind] = _Series(array("q"), array("d"))
            series.at.append(at if not series.at else max(at, series.at[-1]))
            series.price.append(one.price)

    def first(self, symbol: Symbol, since: UtcNanos, within: int) -> Priced | None:
        """The first price known at or after a time, at most `within` ns later; None without one."""
        found: list[Priced] = []
        for kind in KINDS:
            series = self._series.get((symbol, kind))
            i = 0 if series is None else bisect_left(series.at, since)
            if series is None or i == len(series.at) or series.at[i] > since + within:
                continue
            one = Priced(series.at[i], series.price[i])
            if one.at <= since + NEAR:
                return one
            found.append(one)
        return min(found, default=None)
