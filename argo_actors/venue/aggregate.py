"""Larger bars out of minute bars: where each begins, when it is complete, what it holds.

Daily stock bars are stamped midnight New York and cover the regular session only; daily coin bars
run from 00:00 UTC. Intraday bars are counted from those same midnights and hold every minute bar
there is, before and after the session too.
"""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from .market import Timeframe
from .path import Columns, Ints
from .sessions import DAY, Sessions, new_york_date, new_york_midnight, utc, utc_midnight


class Aggregated(NamedTuple):
    """Bars of one timeframe, and when each is complete (ns UTC)."""

    bars: Columns
    done: Ints


def gather(bars: Columns, starts: Ints) -> Columns:
    """Join neighbouring bars that share a start."""
    if len(starts) == 0:
        return bars
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    last = np.append(first[1:], len(starts)) - 1
    return Columns(
        starts[first],
        bars.o[first],
        np.maximum.reduceat(bars.h, first),
        np.minimum.reduceat(bars.l, first),
        bars.c[last],
        np.add.reduceat(bars.v, first),
    )


def intraday(bars: Columns, timeframe: Timeframe, crypto: bool) -> Aggregated:
    """Minute bars gathered into bars of some minutes or hours."""
    length = timeframe.nanoseconds
    midnights = _midnights(bars.t, crypto)
    starts = midnights + (bars.t - midnights) // length * length
    gathered = gather(bars, starts)
    return Aggregated(gathered, gathered.t + length)


def daily(bars: Columns, crypto: bool, sessions: Sessions) -> Aggregated:
    """Minute bars gathered into days; of stocks only those of the regular session."""
    if crypto:
        gathered = gather(bars, bars.t // DAY * DAY)
        return Aggregated(gathered, gathered.t + DAY)
    days = sessions.calendar(*_dates(bars.t))
    opens = np.array([one.open for one in days], dtype=np.int64)
    closes = np.array([one.close for one in days], dtype=np.int64)
    midnights = np.array([new_york_midnight(one.day) for one in days], dtype=np.int64)
    index = np.searchsorted(opens, bars.t, side="right") - 1
    kept = np.flatnonzero(index >= 0)
    kept = kept[bars.t[kept] < closes[index[kept]]]
    chosen = bars.rows(kept)
    gathered = gather(chosen, midnights[index[kept]])
    return Aggregated(gathered, closes[np.searchsorted(midnights, gathered.t)])


def longer(days: Columns, timeframe: Timeframe, crypto: bool) -> Aggregated:
    """Daily bars gathered into weeks (stamped Monday) or months (stamped the first)."""
    # Noon of the local day is the same date in UTC, so whole days can be counted on it.
    dates = ((days.t + DAY // 2) // DAY).astype("datetime64[D]")
    if timeframe.unit == "Week":
        labels = dates - ((dates.astype(np.int64) + 3) % 7)
        following = labels + 7
    else:
        months = dates.astype("datetime64[M]").astype(np.int64)
        first = months // timeframe.amount * timeframe.amount
        labels = first.astype("datetime64[M]").astype("datetime64[D]")
        following = (first + timeframe.amount).astype("datetime64[M]").astype("datetime64[D]")
    gathered = gather(days, _starts(labels.tolist(), crypto))
    ends = _starts(following.tolist(), crypto)
    changes = np.flatnonzero(np.diff(labels.astype(np.int64), prepend=-1))
    return Aggregated(gathered, ends[changes])


def _starts(days: list[date], crypto: bool) -> Ints:
    midnight = utc_midnight if crypto else new_york_midnight
    known = {day: midnight(day) for day in set(days)}
    return np.array([known[day] for day in days], dtype=np.int64)


def _dates(t: Ints) -> tuple[date, date]:
    return new_york_date(int(t[0])), new_york_date(int(t[-1]))


def _midnights(t: Ints, crypto: bool) -> Ints:
    """For each time the beginning of its day."""
    if crypto or len(t) == 0:
        return t // DAY * DAY
    first, last = utc(int(t[0])).date() - timedelta(days=1), utc(int(t[-1])).date()
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    midnights = np.array([new_york_midnight(day) for day in days], dtype=np.int64)
    return midnights[np.searchsorted(midnights, t, side="right") - 1]
