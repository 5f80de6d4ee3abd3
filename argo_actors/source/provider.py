"""What a provider's module must know: how to ask, and how to read the answer. All else is common.

A new source is a module with a class like `AlphaVantage` and a row in `bootstrap.PROVIDERS`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..units import Symbol, UtcNanos
from .bars import Bar
from .opinion import Periods


class Reading(NamedTuple):
    """What a provider said of a symbol: bars to vote on, or a live price, or why nothing."""

    symbol: Symbol
    bars: Sequence[Bar] = ()
    price: float | None = None
    price_at: UtcNanos = 0
    nothing: str = ""


class Provider(Protocol):
    """One vendor's wire format. Its methods block; they run on a worker, with a total deadline."""

    periods: Periods
    """Averages of the vote."""
    live: bool
    """Its prices are live: they take part in the comparison of vendors."""
    one_by_one: bool
    """One call per symbol, so that the limiter plans them."""

    def bars(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        """Newest bars of these symbols. Raises ProviderError."""
        ...

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        """Live prices of these symbols; empty where the vendor gives none. Raises ProviderError."""
        ...
