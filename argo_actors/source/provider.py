"""What a provider's module must know: how to ask, and how to read the answer. All else is common.

A new source is one module here, named after it, with a class like `AlphaVantage` or `Sonar` and a `SOURCE`,
and a block in the configuration. When to ask, the plan's limits, deadlines, backoff, parking and the way
from bars to an opinion are the edge's affair (`actor.py`).
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ..config import Source, is_coin
from ..errors import SoftProviderError
from ..host.secrets import Secrets
from ..units import Symbol, UtcNanos
from .backoff import RANGE
from .bars import Bar
from .http import Http

NO_BARS = "no bars"


class Reading(NamedTuple):
    """What a provider said of a symbol: bars to vote on, or a live price, or why nothing."""

    symbol: Symbol
    bars: Sequence[Bar] = ()
    price: float | None = None
    """Dollars a share or coin, as it came; judged where it is used."""
    price_at: UtcNanos = 0
    score: float | None = None
    """A language model's, in [-1, 1]; judged where it is used."""
    nothing: str = ""
    """The reason why there is none of them."""
    unknown: bool = False
    """The vendor does not have the symbol: for hours it is not asked for again."""


class Provider(Protocol):
    """One vendor's wire format. Its methods block; they run on a worker, with a total deadline."""

    live: bool = False
    """Its prices are live: they take part in the comparison of vendors."""
    scored: bool = False
    """It is a language model: it gives scores by the clock, not bars as they end."""
    slot_seconds: float = 0.0
    """How often a language model is asked where the configuration does not say."""
    batch: int = 1
    """Most symbols in one question."""
    spacing_seconds: float = 0.0
    """Least time between two calls, where the vendor wants one."""
    backoff_seconds: tuple[float, float] = RANGE
    """How long it is left alone after a failure at first and at the most."""
    tries: int = 0
    """A question that failed is asked so often in all, because each try costs; 0: until it is answered."""

    @property
    def sent(self) -> int:
        """Requests sent so far: an answer of several pages, or a second try, uses the plan's calls too."""
        ...

    @property
    def server_time(self) -> float | None:
        """Epoch seconds by the vendor's clock at its newest answer, where it says so."""
        return None

    @property
    def paid_usd(self) -> float:
        """Dollars paid so far, where the vendor is paid by the call."""
        return 0.0

    @property
    def today_usd(self) -> float | None:
        """Dollars of the running UTC day, where it has a daily budget."""
        return None

    @property
    def note(self) -> str:
        """What its status says while it runs, such as the day's spending."""
        return ""

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        """Newest bars, unfinished ones allowed, or a score of each symbol. Raises ProviderError."""
        ...

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        """Live prices of these symbols; empty where the vendor gives none. Raises ProviderError."""
        return []

    def close(self) -> None:
        """Let go of its connections; a call still under way may end first, the next one fails."""
        ...


class OverHttp(Provider):
    """A vendor asked over our own HTTP client."""

    _http: Http

    @property
    def sent(self) -> int:
        return self._http.sent

    @property
    def server_time(self) -> float | None:
        return self._http.server_time

    def close(self) -> None:
        self._http.close()


class Known(NamedTuple):
    """What a provider's module declares as its `SOURCE`: how it is made, and which key it needs."""

    make: Callable[[Source, Secrets, Path], Provider]
    """From its settings, the keys, and a file of its own."""
    keys: tuple[tuple[str, ...], ...] = ()
    """The names of its key's parts, or of another key's that does as well; none where it needs none."""

    def missing(self, secrets: Secrets) -> str:
        """What to set, empty when its key is there and whole."""
        whole = any(all(map(secrets.get, parts)) for parts in self.keys)
        return "" if whole or not self.keys else " and ".join(self.keys[0])


def read_bars(symbol: Symbol, rows: Iterable[Bar]) -> Reading:
    """The bars as a reading; one that cannot be true spoils them all, with its reason."""
    try:
        found = list(rows)
    except SoftProviderError as error:
        return Reading(symbol, nothing=error.what)
    except (LookupError, ValueError, OverflowError) as error:
        return Reading(symbol, nothing=f"a malformed bar: {error}"[:120])
    return Reading(symbol, bars=found) if found else Reading(symbol, nothing=NO_BARS)


def by_class(symbols: Sequence[Symbol]) -> list[tuple[bool, list[Symbol]]]:
    """The symbols as stocks (False) and coins (True), which vendors serve apart; no empty group."""
    groups = [(coin, [one for one in symbols if is_coin(one) == coin]) for coin in (False, True)]
    return [(coin, group) for coin, group in groups if group]
