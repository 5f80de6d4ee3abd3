"""A seeded market that does not exist: correlated stocks and coins with trends, calms and jumps.

Daily bars reach more than a year back; minute bars begin some days before `start` and are the
playable part. Every random number comes from a stream named by seed, symbol and day, so the same
seed and start give the same market in every process.

A day's return is an overnight gap, a drift (see `trends`), a walk whose steps share market and
group factors, bursts of momentum that build up and fade, and now and then a jump. Variances are
laid out so that the whole has the volatility listed for the symbol.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from . import intraday
from .aggregate import Aggregated
from .assets import coin, stock
from .path import Columns, Floats, Ints
from .sessions import (
    DAY,
    MINUTE,
    Sessions,
    new_york_date,
    new_york_midnight,
    utc,
    utc_midnight,
)
from .tape import BarMarket
from .trends import Phase, Trend, moods, trend

HISTORY_DAYS = 460
MINUTE_DAYS = 14
FUTURE_SESSIONS = 20

COARSE_STEPS = 30
"""Steps in a day that only has a daily bar."""

WEEKEND_CALM = 0.75
RETURN_HOME = 0.15
"""Share of its distance from the course of its trends that a price makes good in a day."""


class Listing(NamedTuple):
    """How a symbol behaves: USD near `start`, yearly volatility, and what moves it."""

    symbol: str
    price_usd: float
    volatility: float
    market: float
    """Share of its variance that is the whole market's."""
    group: float
    """Share of its variance that is its group's."""
    volume: float
    """Shares or coins a day."""
    sector: str


STOCKS = (
    Listing("AAPL", 262.0, 0.27, 0.28, 0.12, 46e6, "tech"),
    Listing("MSFT", 468.0, 0.25, 0.30, 0.15, 22e6, "tech"),
    Listing("NVDA", 186.0, 0.44, 0.25, 0.20, 180e6, "tech"),
    Listing("AMZN", 231.0, 0.31, 0.27, 0.13, 38e6, "tech"),
    Listing("GOOGL", 305.0, 0.30, 0.25, 0.12, 32e6, "tech"),
    Listing("META", 655.0, 0.34, 0.25, 0.15, 14e6, "tech"),
    Listing("TSLA", 428.0, 0.46, 0.20, 0.08, 82e6, "tech"),
    Listing("QQQ", 618.0, 0.22, 0.62, 0.25, 52e6, "tech"),
    Listing("SPY", 684.0, 0.19, 0.85, 0.00, 74e6, "index"),
    Listing("JPM", 306.0, 0.24, 0.28, 0.10, 9e6, "finance"),
    Listing("XOM", 118.0, 0.26, 0.12, 0.15, 15e6, "energy"),
)
COINS = (
    Listing("BTC/USD", 87_400.0, 0.55, 0.06, 0.50, 1_900.0, "coin"),
    Listing("ETH/USD", 2_960.0, 0.68, 0.06, 0.46, 21_000.0, "coin"),
    Listing("SOL/USD", 137.0, 0.72, 0.05, 0.40, 260_000.0, "coin"),
    Listing("LTC/USD", 84.0, 0.66, 0.04, 0.36, 95_000.0, "coin"),
)
STOCK_PHASES: tuple[Phase, ...] = ("up",) * 4 + ("down",) * 5 + ("calm",) * 2
COIN_PHASES: tuple[Phase, ...] = ("up",) * 3 + ("down",)


class Generated(BarMarket):
    """Eleven stocks and four coins around `start` (ns UTC), playable from there for weeks."""

    def __init__(self, seed: int, start: int) -> None:
        streams = _Streams(seed)
        sessions = Sessions()
        stock_days = _stock_days(sessions, start)
        coin_days = _coin_days(start, stock_days)
        minutes: dict[str, Columns] = {}
        before: dict[str, Aggregated] = {}
        for days, listings, phases in (
            (stock_days, STOCKS, STOCK_PHASES),
            (coin_days, COINS, COIN_PHASES),
        ):
            order = streams.named("phases", listings[0].symbol).permutation(len(listings))
            for listing, place in zip(listings, order.tolist(), strict=True):
                maker = _Maker(streams, days, listing, phases[place])
                minutes[listing.symbol], before[listing.symbol] = maker.bars(start)
        super().__init__(
            label=f"generated (seed {seed})",
            assets={
                **{one.symbol: stock(one.symbol) for one in STOCKS},
                **{one.symbol: coin(one.symbol, one.price_usd) for one in COINS},
            },
            minutes=minutes,
            days_before=before,
            start=start,
            end=int(stock_days.closes[-1]),
        )


class _Streams:
    """Independent random streams, each found again by its name."""

    def __init__(self, seed: int) -> None:
        self._seed = seed & 0xFFFFFFFFFFFFFFFF

    def named(self, purpose: str, of: str, day: int = 0) -> np.random.Generator:
        """The stream for a purpose, a symbol or group, and a day (days since 1970)."""
        words = [self._seed, *(int.from_bytes(one.encode()) for one in (purpose, of)), day]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


class _Days(NamedTuple):
    """The trading days of stocks or coins; the first `coarse` of them get a daily bar only."""

    crypto: bool
    dates: tuple[date, ...]
    stamps: Ints
    """Start of the daily bar."""
    opens: Ints
    closes: Ints
    coarse: int
    today: int
    """Index of the day in which the market starts, or of the next one."""


def _stock_days(sessions: Sessions, start: int) -> _Days:
    today = new_york_date(start)
    known = sessions.calendar(today - timedelta(days=HISTORY_DAYS), today + timedelta(days=60))
    index = next(i for i, one in enumerate(known) if one.close > start)
    known = known[: index + FUTURE_SESSIONS]
    first_minute = start - MINUTE_DAYS * DAY
    return _Days(
        crypto=False,
        dates=tuple(one.day for one in known),
        stamps=np.array([new_york_midnight(one.day) for one in known], dtype=np.int64),
        opens=np.array([one.open for one in known], dtype=np.int64),
        closes=np.array([one.close for one in known], dtype=np.int64),
        coarse=sum(one.open < first_minute for one in known),
        today=index,
    )


def _coin_days(start: int, stocks: _Days) -> _Days:
    today = utc(start).date()
    first = today - timedelta(days=HISTORY_DAYS)
    last = utc(int(stocks.closes[-1])).date()
    dates = tuple(first + timedelta(days=i) for i in range((last - first).days + 1))
    stamps = np.array([utc_midnight(day) for day in dates], dtype=np.int64)
    index = (today - first).days
    return _Days(True, dates, stamps, stamps, stamps + DAY, index - MINUTE_DAYS, index)


class _Maker:
    """Makes the bars of one symbol."""

    def __init__(self, streams: _Streams, days: _Days, listing: Listing, phase: Phase) -> None:
        self._streams = streams
        self._days = days
        self._listing = listing
        count = len(days.dates)
        slow = streams.named("daily", listing.symbol)
        self._trend: Trend = trend(slow, count, days.today, phase)
        shared = moods(streams.named("mood", listing.sector), count, 0.96, 0.18)
        mood = shared + moods(slow, count, 0.90, 0.14)
        loud = np.exp(mood)
        # A trend's drift adds to what a year's returns scatter: a twentieth is left to it.
        yearly = 0.95 * listing.volatility * loud / float(np.sqrt(np.mean(loud**2)))
        self._sigma: Floats = yearly / (365 if days.crypto else 252) ** 0.5 * self._calendar()
        self._slow = slow

    def bars(self, start: int) -> tuple[Columns, Aggregated]:
        """Minute bars around `start`, and the daily ones before them."""
        days, coarse = self._days, self._days.coarse
        logs, low, high, astray = self._coarse_days()
        times, opens, closes, lows, highs, volumes = self._minute_days(float(logs[-1, 1]), astray)
        base = np.log(self._listing.price_usd) + self._slow.normal(0.0, 0.04)
        anchor = int(np.searchsorted(times, start, side="right")) - 1
        shift = base - closes[max(anchor, 0)]
        minutes = self._rounded(times, (opens, highs, lows, closes), shift, volumes)
        volume = self._daily_volumes()
        history = self._rounded(
            days.stamps[:coarse], (logs[:, 0], high, low, logs[:, 1]), shift, volume
        )
        done = days.closes[:coarse]
        return minutes, Aggregated(history, done)

    def _calendar(self) -> Floats:
        """Coins are calmer at weekends, by their own clock."""
        if not self._days.crypto:
            return np.ones(len(self._days.dates))
        weekend = np.array([day.weekday() >= 5 for day in self._days.dates])
        calm = np.where(weekend, WEEKEND_CALM, 1.0)
        return calm / float(np.sqrt(np.mean(calm**2)))

    def _gap_share(self) -> float:
        return 0.0 if self._days.crypto else intraday.GAP_SHARE

    def _steps(self, purpose: str, day: int, count: int) -> Floats:
        """Standard normal steps of one stream set, part of them shared with market and group."""
        listing = self._listing
        own = self._streams.named(purpose, listing.symbol, day).standard_normal(count)
        market = self._streams.named(purpose, "market", day).standard_normal(count)
        group = self._streams.named(purpose, f"group {listing.sector}", day)
        alone = 1 - listing.market - listing.group
        steps: Floats = (
            listing.market**0.5 * market
            + listing.group**0.5 * group.standard_normal(count)
            + alone**0.5 * own
        )
        return steps

    def _gaps(self) -> Floats:
        """The overnight noise of every day; none for coins."""
        count = len(self._days.dates)
        if self._days.crypto:
            return np.zeros(count)
        gaps: Floats = self._sigma * intraday.GAP_SHARE**0.5 * self._steps("gap", 0, count)
        return gaps

    def _drift(self) -> Floats:
        """What the trends add to every day's log price."""
        drift: Floats = self._sigma * self._trend.drift
        return drift

    def _coarse_days(self) -> tuple[Floats, Floats, Floats, float]:
        """Log open and close (columns), low and high of the days without minutes.

        Also how far, at their end, the price has strayed from the course of its trends.
        """
        count = self._days.coarse
        sigma = self._sigma[:count, None] * ((1 - self._gap_share()) / COARSE_STEPS) ** 0.5
        noise = sigma * self._steps("coarse", 0, count * COARSE_STEPS).reshape(count, -1)
        gaps = self._gaps()[:count]
        home, astray = _returning(gaps + noise.sum(axis=1))
        moves = noise + ((self._drift()[:count] + home) / COARSE_STEPS)[:, None]
        closes = np.cumsum(gaps + moves.sum(axis=1))
        opens = closes - moves.sum(axis=1)
        ends = opens[:, None] + np.cumsum(moves, axis=1)
        begins = ends - moves
        drawn = self._slow.random((2, count, COARSE_STEPS))
        low, high = intraday.extremes(begins, ends, sigma**2, drawn)
        return np.column_stack([opens, closes]), low.min(axis=1), high.max(axis=1), astray

    def _minute_days(
        self, level: float, astray: float
    ) -> tuple[Ints, Floats, Floats, Floats, Floats, Floats]:
        """Times, log open, close, low, high and volume of every minute, from a log level on."""
        days = self._days
        gaps, drift = self._gaps(), self._drift()
        parts: list[tuple[Ints, Floats, Floats, Floats, Floats, Floats]] = []
        for i in range(days.coarse, len(days.dates)):
            expected = float(drift[i]) - RETURN_HOME * astray
            parts.append(self._minutes(i, level + float(gaps[i]), expected))
            closed = float(parts[-1][2][-1])
            astray += closed - level - float(drift[i])
            level = closed
        times, opens, closes, lows, highs, volumes = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        return times, opens, closes, lows, highs, volumes

    def _minutes(
        self, i: int, level: float, drift: float
    ) -> tuple[Ints, Floats, Floats, Floats, Floats, Floats]:
        """One day's minutes, opening at a log level and expected to gain `drift`."""
        days, listing = self._days, self._listing
        ordinal = int(days.stamps[i] // DAY)
        count = int((days.closes[i] - days.opens[i]) // MINUTE)
        rng = self._streams.named("minutes", listing.symbol, ordinal)
        times = days.opens[i] + np.arange(count, dtype=np.int64) * MINUTE
        shape = intraday.coin_shape(count) if days.crypto else intraday.session_shape(count)
        sigma = float(self._sigma[i])
        step = sigma * (intraday.noise_share(days.crypto) / count) ** 0.5
        scale = step * shape * intraday.cluster(rng, count)
        sign = float(self._trend.sign[i])
        bursts = intraday.bursts(rng, count, sign) * scale
        # Bursts lean with the trend; what they are expected to add comes off its drift.
        lean = intraday.lean(count, sign) * step
        moves = scale * self._steps("minute", ordinal, count)
        moves += bursts + (drift - lean) / count + intraday.jumps(rng, count, sigma)
        closes = level + np.cumsum(moves)
        opens = closes - moves
        lows, highs = intraday.extremes(opens, closes, scale**2, rng.random((2, count)))
        activity = np.exp(rng.normal(0.0, 0.35, count)) * (0.6 + 0.4 * np.abs(moves) / scale)
        share = shape**1.5 / float(np.sum(shape**1.5))
        volumes = listing.volume * sigma / float(self._sigma.mean()) * share * activity
        return times, opens, closes, lows, highs, volumes

    def _daily_volumes(self) -> Floats:
        sigma = self._sigma[: self._days.coarse]
        noise = np.exp(self._slow.normal(0.0, 0.2, len(sigma)))
        volumes: Floats = self._listing.volume * noise * sigma / float(self._sigma.mean())
        return volumes

    def _rounded(
        self, times: Ints, logs: Sequence[Floats], shift: float, volumes: Floats
    ) -> Columns:
        """Prices in whole ticks from logarithms; the order open, high, low, close."""
        places = _places(self._listing, self._days.crypto)
        o, h, l, c = (  # noqa: E741 (the wire's own letters)
            np.maximum(np.round(np.exp(one + shift), places), 10.0**-places) for one in logs
        )
        return Columns(times, o, h, l, c, np.round(volumes, 4 if self._days.crypto else 0))


def _places(listing: Listing, crypto: bool) -> int:
    """Decimal places of a symbol's price grid."""
    asset = coin(listing.symbol, listing.price_usd) if crypto else stock(listing.symbol)
    return -int(asset.tick(listing.price_usd).as_tuple().exponent)


def _returning(noise: Floats) -> tuple[Floats, float]:
    """For each day's noise the pull home of that day; and how far astray the last one ends."""
    pulls = np.empty(len(noise))
    astray = 0.0
    for day, moved in enumerate(noise.tolist()):
        pulls[day] = -RETURN_HOME * astray
        astray += pulls[day] + moved
    return pulls, astray
