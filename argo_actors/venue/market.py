"""What a market is to the rest of the venue: assets, prices, quotes and bars at any time.

All times are integers, nanoseconds since 1970 UTC; a bar's time is its start.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from .actions import SPLIT, Actions, Kinds
from .sessions import DAY, MINUTE, Sessions

HOUR = 60 * MINUTE
CENT = Decimal("0.01")
SUB_DOLLAR_TICK = Decimal("0.0001")
_TIMEFRAME = re.compile(r"([1-9][0-9]?)(Min|Hour|Day|Week|Month|T|H|D|W|M)")
_MOST = {"Min": 59, "Hour": 23, "Day": 1, "Week": 1}
_LONG_NAME = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}

Unit = Literal["Min", "Hour", "Day", "Week", "Month"]


class Asset(msgspec.Struct, frozen=True):
    """One tradable thing, with the fields and words of Alpaca's asset."""

    id: str
    symbol: str
    name: str
    asset_class: str
    exchange: str
    tradable: bool
    marginable: bool
    shortable: bool
    borrow_status: str
    fractionable: bool
    min_order_size: Decimal | None = None
    min_trade_increment: Decimal | None = None
    price_increment: Decimal | None = None
    status: str = "active"

    @property
    def is_crypto(self) -> bool:
        """Coins trade around the clock; everything else keeps the stock market's sessions."""
        return self.asset_class == "crypto"

    def tick(self, price: float | Decimal) -> Decimal:
        """The price grid at a price, USD."""
        if self.price_increment is not None:
            return self.price_increment
        return CENT if price >= 1 else SUB_DOLLAR_TICK


class Quote(msgspec.Struct, frozen=True):
    """Best bid and ask; `at` is the time of the latest change known."""

    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal
    at: int


class Trade(msgspec.Struct, frozen=True):
    """The latest print. `buyer` says whether the buyer took the offer."""

    price: Decimal
    size: Decimal
    at: int
    id: int
    buyer: bool


class Bar(msgspec.Struct, frozen=True):
    """Open, high, low, close (USD) and volume (shares or coins) from `t` on."""

    t: int
    o: float
    h: float
    l: float  # noqa: E741 (the wire's own letter)
    c: float
    v: float


class Timeframe(msgspec.Struct, frozen=True):
    """How much time a bar covers."""

    amount: int
    unit: Unit

    @property
    def is_daily(self) -> bool:
        """A day or longer: built from daily bars."""
        return self.unit in ("Day", "Week", "Month")

    @property
    def nanoseconds(self) -> int:
        """The length of an intraday bar; of longer ones the longest it can be."""
        length = {"Min": MINUTE, "Hour": HOUR, "Day": DAY, "Week": 7 * DAY, "Month": 31 * DAY}
        return self.amount * length[self.unit]

    @staticmethod
    def parse(text: str) -> "Timeframe":
        """Read `1Min`, `15Min`, `1Hour`, `1Day`, `1Week`, `3Month`, or short forms as `1D`."""
        found = _TIMEFRAME.fullmatch(text)
        if found is None:
            raise TimeframeError(text)
        amount, name = int(found[1]), found[2]
        unit = _LONG_NAME.get(name, name)
        fits = amount in (1, 2, 3, 4, 6, 12) if unit == "Month" else amount <= _MOST[unit]
        if not fits:
            raise TimeframeError(text)
        return msgspec.convert({"amount": amount, "unit": unit}, Timeframe)


class TimeframeError(ValueError):
    """Not a timeframe of Alpaca's."""

    def __init__(self, text: str) -> None:
        super().__init__(f"invalid timeframe: {text}")


class Market(Protocol):
    """A market that can be asked about any time; the future is there, so callers pass `now`."""

    label: str
    start: int
    end: int
    assets: Mapping[str, Asset]
    sessions: Sessions
    actions: Actions
    """Those of its stocks: prices are of the shares of their time."""

    def price(self, symbol: str, at: int) -> float | None:
        """The price at a time; None before the first bar, the last close in a gap."""

    def low_high(self, symbol: str, t0: int, t1: int) -> tuple[float, float] | None:
        """Lowest and highest price from `t0` to `t1`, both included; None before the first bar."""

    def quote(self, symbol: str, at: int) -> Quote | None:
        """The quote at a time; None before the first bar."""

    def last_trade(self, symbol: str, at: int) -> Trade | None:
        """The latest print at a time; None before the first bar."""

    def minutes(self, symbol: str, start: int, end: int) -> Sequence[int]:
        """Beginnings of the minutes in which the price moves, both ends included, oldest first."""

    def bars(
        self,
        symbol: str,
        timeframe: str,
        start: int,
        end: int,
        now: int,
        running: bool = False,
        adjusted: Kinds = SPLIT,
    ) -> list[Bar]:
        """Bars that start from `start` to `end`, both included, oldest first.

        Only those completed by `now`; with `running` also the unfinished last one, made of the
        minutes completed by `now`. They are adjusted for the actions in effect by `now` of the
        `adjusted` kinds.
        """
