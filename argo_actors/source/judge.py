"""Readings to words: opinions, prices, and counted reasons why there is none; nothing is said twice."""

import math
from collections import Counter
from collections.abc import Sequence

from ..config import FAMILY_OF, Source, is_coin
from ..messages.market import MarketHours
from ..messages.opinion import Evidence, NoOpinion, Opinion, VendorPrice
from ..units import SECOND, Symbol, UtcNanos
from .bars import TIMEFRAMES, completed
from .provider import Reading
from .schedule import valid_until

PRICE_VALID = 15 * SECOND
"""A live price is compared with other vendors' for so long."""
FUTURE = SECOND
"""A price may be ahead of us by so much."""
MOST_SKEW = 30 * SECOND
"""Between a vendor's clock and ours: whoever is wrong, nothing is fresh then."""
SKEWED = "the vendor's clock and ours differ by more than 30 s"
MOST_REASONS = 100


class Judge:
    """What one source has said of each symbol, and what its readings add to it."""

    def __init__(
        self, source: str, settings: Source, *, live: bool, refused: Counter[str] | None = None
    ) -> None:
        # TA-Lib takes a fifth of a second to load: a command that asks nobody does without it.
        from .opinion import MARKET_DATA, TECHNICAL

        self._source = source
        self._settings = settings
        self._live = live
        family = settings.family or FAMILY_OF[source]
        self._periods = MARKET_DATA if family == "market_data" else TECHNICAL
        self._said: dict[Symbol, tuple[object, ...]] = {}
        self._prices: dict[Symbol, VendorPrice] = {}
        self.newest: dict[Symbol, UtcNanos] = {}
        """End of the newest completed bar of each symbol."""
        self.silent: set[Symbol] = set()
        """Symbols whose last reading came to no opinion."""
        self.refused: Counter[str] = Counter() if refused is None else refused
        """How often there was nothing to say, by reason."""

    def opinion(
        self, reading: Reading, hours: MarketHours | None, now: UtcNanos
    ) -> Opinion | NoOpinion | None:
        """What a reading comes to; None when it is what was said before."""
        from .opinion import from_bars

        self.silent.discard(reading.symbol)
        if reading.score is not None:
            return self._scored(reading.symbol, reading.score, now)
        symbol, timeframe = reading.symbol, self._settings.timeframe
        if reading.bars and reading.bars[-1].t > now + MOST_SKEW:
            return self.nothing(symbol, SKEWED)
        bars = completed(reading.bars, timeframe, now)
        judged = reading.nothing or from_bars(bars, timeframe, self._periods)
        if bars:
            self.newest[symbol] = bars[-1].t + TIMEFRAMES[timeframe]
        if isinstance(judged, str):
            return self.nothing(symbol, judged)
        as_of = bars[-1].t + TIMEFRAMES[timeframe]
        until = valid_until(
            timeframe, is_coin(symbol), as_of, self._settings.valid_seconds, hours, now
        )
        if now > until:
            return self.nothing(symbol, "the newest bar is stale")
        if not self._is_new(symbol, (as_of, judged.direction, judged.confidence)):
            return None
        price = self._fresh_price(symbol, now)
        return Opinion(
            source=self._source,
            symbol=symbol,
            direction=judged.direction,
            confidence=judged.confidence,
            price=bars[-1].c if price is None else price,
            as_of=as_of,
            valid_until=until,
            evidence=judged.evidence,
            live=self._live and price is None and timeframe != "1Day",
        )

    def _scored(self, symbol: Symbol, score: float, now: UtcNanos) -> Opinion | NoOpinion | None:
        """A language model's opinion is of the time of its answer; its words are not kept."""
        from .opinion import from_score

        judged = from_score(score, (Evidence(name="score", value=score),))
        if isinstance(judged, str):
            return self.nothing(symbol, judged)
        self._said[symbol] = (now, judged.direction, judged.confidence)
        return Opinion(
            source=self._source,
            symbol=symbol,
            direction=judged.direction,
            confidence=judged.confidence,
            price=None,
            as_of=now,
            valid_until=now + int(self._settings.valid_seconds * SECOND),
            evidence=judged.evidence,
        )

    def prices(self, readings: Sequence[Reading], now: UtcNanos) -> list[VendorPrice]:
        """The live ones among these prices."""
        found = [
            VendorPrice(
                source=self._source,
                symbol=one.symbol,
                price=one.price,
                as_of=one.price_at,
                valid_until=one.price_at + PRICE_VALID,
            )
            for one in readings
            if one.price is not None
            and math.isfinite(one.price)
            and one.price > 0
            and now - PRICE_VALID <= one.price_at <= now + FUTURE
        ]
        self._prices |= {one.symbol: one for one in found}
        return found

    def nothing(self, symbol: Symbol, reason: str) -> NoOpinion | None:
        """Why there is no opinion, counted; None when that was said before."""
        self.silent.add(symbol)
        if reason in self.refused or len(self.refused) < MOST_REASONS:
            self.refused[reason] += 1
        if not self._is_new(symbol, (reason,)):
            return None
        return NoOpinion(source=self._source, symbol=symbol, reason=reason)

    def _is_new(self, symbol: Symbol, content: tuple[object, ...]) -> bool:
        before = self._said.get(symbol)
        self._said[symbol] = content
        return before != content

    def _fresh_price(self, symbol: Symbol, now: UtcNanos) -> float | None:
        price = self._prices.get(symbol)
        return None if price is None or now > price.valid_until else price.price
