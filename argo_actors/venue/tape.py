"""A market made of bars: prices, quotes, prints and larger bars out of minute bars.

Recorded and generated markets differ only in where their bars come from.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from . import aggregate
from .actions import SPLIT, Actions, Kinds
from .aggregate import Aggregated
from .market import Asset, Bar, Quote, Timeframe, Trade
from .path import Columns, Path, mix
from .sessions import MINUTE, SECOND, Sessions

STOCK_SPREAD = 0.0002
COIN_SPREAD = 0.0005
COIN_SIZE_USD = 20_000.0
PLACES = 4
"""Of a price in other shares."""


class BarMarket:
    """Implements `Market` on minute bars and, before those, daily ones."""

    def __init__(
        self,
        label: str,
        assets: Mapping[str, Asset],
        minutes: Mapping[str, Columns],
        days_before: Mapping[str, Aggregated],
        start: int,
        end: int,
    ) -> None:
        self.label = label
        self.assets = assets
        self.start = start
        self.end = end
        self.sessions = Sessions()
        self.actions = Actions(self._own_price)
        self._paths = {symbol: Path(bars) for symbol, bars in minutes.items()}
        self._days_before = days_before
        self._scatter = {
            symbol: int.from_bytes(symbol.encode()) & 0xFFFFFFFFFFFF for symbol in assets
        }
        self._gathered: dict[tuple[str, Timeframe], Aggregated] = {}

    def price(self, symbol: str, at: int) -> float | None:
        """The price at a time; None before the first bar or for an unknown symbol."""
        price = self._own_price(symbol, at)
        return None if price is None else price * self.actions.factor(symbol, at)

    def _own_price(self, symbol: str, at: int) -> float | None:
        path = self._paths.get(symbol)
        return None if path is None else path.price(at)

    def low_high(self, symbol: str, t0: int, t1: int) -> tuple[float, float] | None:
        """Lowest and highest price over a closed interval, in the shares of its end."""
        path = self._paths.get(symbol)
        found = None if path is None else path.low_high(max(t0, self.actions.since(symbol, t1)), t1)
        if found is None:
            return None
        factor = self.actions.factor(symbol, t1)
        return found[0] * factor, found[1] * factor

    def quote(self, symbol: str, at: int) -> Quote | None:
        """Bid and ask around the price, on the asset's price grid."""
        path, price = self._paths.get(symbol), self.price(symbol, at)
        changed = None if path is None else path.changed(at)
        if price is None or changed is None:
            return None
        asset = self.assets[symbol]
        tick = asset.tick(price)
        step = float(tick)
        spread = price * (COIN_SPREAD if asset.is_crypto else STOCK_SPREAD)
        wide = max(1, round(spread / step))
        bid = max(1, round((price - wide * step / 2) / step))
        bid_size, ask_size = self._sizes(symbol, asset, price, changed)
        return Quote(
            bid=Decimal(str(bid)) * tick,
            ask=Decimal(str(bid + wide)) * tick,
            bid_size=bid_size,
            ask_size=ask_size,
            at=changed,
        )

    def last_trade(self, symbol: str, at: int) -> Trade | None:
        """A print at the price, as old as its latest change."""
        path, price = self._paths.get(symbol), self.price(symbol, at)
        changed = None if path is None else path.changed(at)
        if price is None or changed is None:
            return None
        asset = self.assets[symbol]
        tick = asset.tick(price)
        number = mix(self._scatter[symbol] ^ changed)
        return Trade(
            price=Decimal(str(max(1, round(price / float(tick))))) * tick,
            size=self._sizes(symbol, asset, price, changed)[0],
            at=changed,
            id=number >> 12,
            buyer=bool(number & 1),
        )

    def minutes(self, symbol: str, start: int, end: int) -> Sequence[int]:
        """The beginnings of a symbol's minute bars in a closed interval."""
        path = self._paths.get(symbol)
        return () if path is None else path.starts(start, end)

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
        """Completed bars that start in a closed interval; with `running` the unfinished one too."""
        frame = Timeframe.parse(timeframe)
        if symbol not in self._paths:
            return []
        gathered = self._all(symbol, frame)
        done = int(np.searchsorted(gathered.done, now, side="right"))
        first = int(np.searchsorted(gathered.bars.t, start))
        last = int(np.searchsorted(gathered.bars.t, end, side="right"))
        found = _listed(gathered.bars.between(first, min(last, done)))
        if running and first <= done < last and gathered.bars.t[done] <= now:
            found += self._running(symbol, frame, int(gathered.bars.t[done]), now)
        if not self.actions.since(symbol, now):
            return found
        return [_times(one, *self.actions.adjusted(symbol, one.t, now, adjusted)) for one in found]

    def _running(self, symbol: str, frame: Timeframe, start: int, now: int) -> list[Bar]:
        """The bar that began at `start`, from the minutes completed by `now`."""
        path = self._paths[symbol]
        first, last = path.at_or_after(start), path.completed(now)
        minutes = path.columns.between(first, last)
        crypto = self.assets[symbol].is_crypto
        if not frame.is_daily:
            return _listed(aggregate.intraday(minutes, frame, crypto).bars.between(0, 1))
        days = minutes
        if len(minutes.t):
            days = aggregate.daily(minutes, crypto, self.sessions).bars
        if frame.unit == "Day":
            return _listed(days.between(0, 1))
        before = self._days_before.get(symbol)
        if before is not None:
            kept = int(np.searchsorted(before.bars.t, start))
            days = _joined(before.bars.between(kept, len(before.bars.t)), days)
        return _listed(aggregate.longer(days, frame, crypto).bars.between(0, 1))

    def _all(self, symbol: str, frame: Timeframe) -> Aggregated:
        """Every bar of a timeframe, the market's future included; made once."""
        known = self._gathered.get((symbol, frame))
        if known is None:
            known = self._gathered[symbol, frame] = self._gather(symbol, frame)
        return known

    def _gather(self, symbol: str, frame: Timeframe) -> Aggregated:
        minutes = self._paths[symbol].columns
        crypto = self.assets[symbol].is_crypto
        if frame == Timeframe(1, "Min"):
            return Aggregated(minutes, minutes.t + MINUTE)
        if not frame.is_daily:
            return aggregate.intraday(minutes, frame, crypto)
        if frame.unit != "Day":
            days = self._all(symbol, Timeframe(1, "Day")).bars
            return aggregate.longer(days, frame, crypto)
        recent = aggregate.daily(minutes, crypto, self.sessions)
        before = self._days_before.get(symbol)
        if before is None:
            return recent
        done = np.concatenate([before.done, recent.done])
        return Aggregated(_joined(before.bars, recent.bars), done)

    def _sizes(
        self, symbol: str, asset: Asset, price: float, changed: int
    ) -> tuple[Decimal, Decimal]:
        """Sizes on offer; new ones every second. Round lots of shares, or some coins."""
        number = mix(self._scatter[symbol] ^ (changed // SECOND))
        low, high = number & 0xFFFF, (number >> 16) & 0xFFFF
        if not asset.is_crypto:
            return Decimal(str(100 * (1 + low % 9))), Decimal(str(100 * (1 + high % 9)))
        return _coins(price, low / 0xFFFF), _coins(price, high / 0xFFFF)


def _coins(price: float, share: float) -> Decimal:
    """Coins worth between one and three times the usual size."""
    size = COIN_SIZE_USD * (1 + 2 * share) / price
    places = max(0, 4 - math.floor(math.log10(size)))
    return Decimal(f"{size:.{min(places, 9)}f}")


def _joined(first: Columns, second: Columns) -> Columns:
    return Columns(
        np.concatenate([first.t, second.t]),
        np.concatenate([first.o, second.o]),
        np.concatenate([first.h, second.h]),
        np.concatenate([first.l, second.l]),
        np.concatenate([first.c, second.c]),
        np.concatenate([first.v, second.v]),
    )


def _listed(bars: Columns) -> list[Bar]:
    return [Bar(*row) for row in zip(*(column.tolist() for column in bars), strict=True)]


def _times(bar: Bar, price: float, shares: float) -> Bar:
    """A bar in other shares."""
    o, h, low, c = (round(one * price, PLACES) for one in (bar.o, bar.h, bar.l, bar.c))
    return Bar(bar.t, o, h, low, c, bar.v * shares)
