"""Portfolio history: the account's equity over time, worked out from its executions and the market.

Nothing is recorded for it: what was held at a time follows from the executions until then, and the
market knows its quote at any time. So the last value of a running window is the account's equity.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from .activities import TYPES, cash_flows
from .matching import ZERO, Book
from .query import choice, flag, moment, refusal, words
from .refusals import Refusal
from .sessions import DAY, MINUTE, NEW_YORK, SECOND, new_york_date, new_york_midnight
from .wire import Query

_PERIOD = re.compile(r"([1-9][0-9]{0,3})(D|W|M|A)")
_DAYS = {"D": 1, "W": 7, "M": 30, "A": 365}
_STEPS = {"1Min": MINUTE, "5Min": 5 * MINUTE, "15Min": 15 * MINUTE, "1H": 60 * MINUTE, "1D": DAY}
_LONGEST_INTRADAY = 32 * DAY
"""Thirty days, and what start and end may lose by being rounded to a day."""
_EARLIEST = date(1970, 1, 1)


class _Window(NamedTuple):
    """A stretch of time, ns UTC, and the trading day it belongs to."""

    begin: int
    end: int
    day: date


class _Ledger:
    """Cash and holdings as they were, walked forward in time."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._fills = (one for one in book.activities if not one.busted)
        self._next = next(self._fills, None)
        self._cash = book.account.start_cash
        self._held: dict[str, Decimal] = {}
        self._shares = list(book.account.happened)

    def equity(self, at: int) -> Decimal:
        """Cash and holdings at the side one would close on. `at` never goes back."""
        while self._next is not None and self._next.at <= at:
            one = self._next
            sign = 1 if one.side == "buy" else -1
            self._cash -= sign * one.qty * one.price + one.fee_usd
            moved = sign * one.qty - one.fee_qty
            self._held[one.symbol] = self._held.get(one.symbol, ZERO) + moved
            self._next = next(self._fills, None)
        while self._shares and self._shares[0].at <= at:
            came = self._shares.pop(0)
            self._held[came.symbol] = self._held.get(came.symbol, ZERO) + came.qty
        account = self._book.account
        moved_in = sum((dollars for then, dollars in account.transfers if then <= at), ZERO)
        moved_in += sum((one.amount for one in account.happened if one.at <= at), ZERO)
        return (
            self._cash
            + moved_in
            + sum((self._value(one, qty, at) for one, qty in self._held.items()), ZERO)
        )

    def _value(self, symbol: str, qty: Decimal, at: int) -> Decimal:
        quote = self._book.market.quote(symbol, at) if qty else None
        return ZERO if quote is None else qty * (quote.bid if qty > 0 else quote.ask)


def portfolio_history(book: Book, query: Query) -> dict[str, Any]:
    """Equity and profit per window, labelled by its beginning. Raises Refusal."""
    timeframe, windows = _windows(book, query)
    per_day = choice(query, "pnl_reset", ("per_day", "no_reset")) == "per_day"
    ledger = _Ledger(book)
    before = None if not windows else _close_before(book, windows[0].day)
    as_of = None if before is None else new_york_date(before)
    base = None if before is None else ledger.equity(before)
    equity = [ledger.equity(one.end) for one in windows]
    if base is None:
        base = equity[0] if equity else book.account.start_cash
    bases = [base] * len(windows)
    if per_day and timeframe != "1D":
        for i in range(1, len(windows)):
            new_day = windows[i].day != windows[i - 1].day
            bases[i] = equity[i - 1] if new_day else bases[i - 1]
    profit = [one - start for one, start in zip(equity, bases, strict=True)]
    found: dict[str, Any] = {
        "timestamp": [one.begin // SECOND for one in windows],
        "equity": [_dollars(one) for one in equity],
        "profit_loss": [_dollars(one) for one in profit],
        "profit_loss_pct": [
            round(float(one / start), 6) if start else 0.0
            for one, start in zip(profit, bases, strict=True)
        ],
        "base_value": _dollars(base),
        "timeframe": timeframe,
        "cashflow": _cashflow(book, query, windows),
    }
    return found if as_of is None else found | {"base_value_asof": as_of.isoformat()}


def _dollars(value: Decimal) -> float:
    return float(round(value, 2))


def _close_before(book: Book, day: date) -> int | None:
    """The last regular close before a day in the account's life."""
    days = book.market.sessions.calendar(day - timedelta(10), day - timedelta(1))
    found = [one.close for one in days if book.account.created_at <= one.close <= book.now]
    return found[-1] if found else None


def _windows(book: Book, query: Query) -> tuple[str, list[_Window]]:
    start, end, days = _range(book, query)
    timeframe = query.get("timeframe", "")
    if not timeframe:
        timeframe = "1Min" if days < 7 else "15Min" if days < 30 else "1D"
    if timeframe not in _STEPS:
        raise refusal("timeframe")
    hours = choice(query, "intraday_reporting", ("market_hours", "extended_hours", "continuous"))
    if flag(query, "extended_hours") and "intraday_reporting" not in query:
        hours = "extended_hours"
    if timeframe != "1D" and end - start > _LONGEST_INTRADAY:
        raise Refusal(422, 40010001, "intraday timeframes reach no further than 30 days")
    start = max(start, book.account.created_at)
    stretches = _stretches(book, start, end, "market_hours" if timeframe == "1D" else hours)
    found = []
    for one in stretches:
        step = one.end - one.begin if timeframe == "1D" else _STEPS[timeframe]
        for begin in range(one.begin, one.end, step):
            until = min(begin + step, one.end, book.now)
            if start < until and begin < until and begin <= end:
                found.append(_Window(begin, until, one.day))
    return timeframe, found


def _range(book: Book, query: Query) -> tuple[int, int, float]:
    """From and to, ns UTC, and how many days that is."""
    begin, end, period = moment(query, "start"), moment(query, "end"), query.get("period", "")
    if begin is not None and end is not None and period:
        raise Refusal(422, 40010001, "only two of start, end and period are accepted")
    match = _PERIOD.fullmatch(period or "1M")
    if match is None:
        raise refusal("period")
    number, unit = int(match[1]), match[2]
    days = number * _DAYS[unit]
    if begin is not None and end is None and period:
        end = begin + days * DAY
    end = book.now if end is None else min(end, book.now)
    if begin is not None:
        return begin, end, (end - begin) / DAY
    if unit == "D":
        return _trading_days_ago(book, end, number), end, days
    return max(end - days * DAY, 0), end, days


def _trading_days_ago(book: Book, end: int, number: int) -> int:
    """The midnight in New York that begins the last so many trading days."""
    last = new_york_date(end)
    first = max(last - timedelta(2 * number + 10), _EARLIEST)
    days = book.market.sessions.calendar(first, last)
    return new_york_midnight(days[-min(number, len(days))].day) if days else end


def _stretches(book: Book, start: int, end: int, hours: str) -> Iterator[_Window]:
    """What is reported, day by day: sessions, long sessions, or all of the time."""
    if end < start:
        return
    first, last = new_york_date(start), new_york_date(end)
    if hours == "continuous":
        for number in range((last - first).days + 1):
            day = first + timedelta(number)
            yield _Window(new_york_midnight(day), new_york_midnight(day + timedelta(1)), day)
        return
    for one in book.market.sessions.calendar(first, last):
        if hours == "market_hours":
            yield _Window(one.open, one.close, one.day)
        else:
            yield _Window(_at(one.day, 4), _at(one.day, 20), one.day)


def _at(day: date, hour: int) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK).timestamp()) * SECOND


def _cashflow(book: Book, query: Query, windows: list[_Window]) -> dict[str, list[float]]:
    """Money that came or went without a trade, by type, added up to the end of each window."""
    asked = set(words(query, "cashflow_types")) - {"NONE"}
    if not TYPES.issuperset(asked - {"ALL"}):
        raise refusal("cashflow_types")
    if not asked or not windows:
        return {}
    flows: dict[str, list[Decimal]] = {}
    ends = [one.end for one in windows]
    for at, row in cash_flows(book):
        kind = row["activity_type"]
        if "ALL" not in asked and kind not in asked:
            continue
        place = bisect_left(ends, at)
        if place < len(ends):
            flows.setdefault(kind, [ZERO] * len(windows))[place] += Decimal(row["net_amount"])
    return {kind: [_dollars(one) for one in accumulate(each)] for kind, each in flows.items()}
