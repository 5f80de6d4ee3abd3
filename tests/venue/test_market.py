from datetime import datetime
from decimal import Decimal
from pathlib import Path as File
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.venue.market import Timeframe, TimeframeError
from argo_actors.venue.path import Columns, Path
from argo_actors.venue.recorded import Recorded
from argo_actors.venue.sessions import MINUTE, SECOND

NEW_YORK = ZoneInfo("America/New_York")
HEADER = "timestamp,open,high,low,close,volume\n"


def at(text: str) -> int:
    """A New York wall time in ns UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * 10**9


def minutes(first: str, count: int, price: float = 100.0, zone: str = "-05:00") -> str:
    """CSV rows of rising minute bars."""
    start = datetime.fromisoformat(first + zone).timestamp()
    rows = []
    for i in range(count):
        stamp = datetime.fromtimestamp(start + 60 * i, ZoneInfo("UTC"))
        o = price + i * 0.01
        rows.append(f"{stamp:%Y-%m-%dT%H:%M:%SZ},{o:.2f},{o + 0.05:.2f},{o - 0.04:.2f},{o:.2f},10")
    return "\n".join(rows) + "\n"


def market(folder: File, **files: str) -> Recorded:
    """A recorded market of CSV rows by symbol."""
    for name, rows in files.items():
        (folder / f"{name.replace('_', '-')}.csv").write_text(HEADER + rows)
    return Recorded(folder)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [("1Min", 1, "Min"), ("59T", 59, "Min"), ("1Hour", 1, "Hour"), ("1D", 1, "Day")],
)
def test_timeframes_are_read(text: str, amount: int, unit: str) -> None:
    assert Timeframe.parse(text) == Timeframe(amount, unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "Min", "0Min", "60Min", "24Hour", "2Day", "5Month", "1min"])
def test_other_timeframes_are_refused(text: str) -> None:
    with pytest.raises(TimeframeError, match="invalid timeframe"):
        Timeframe.parse(text)


prices = st.floats(min_value=1, max_value=1000)


@st.composite
def paths(draw: st.DrawFn) -> Path:
    """Up to six bars, some of them after a gap."""
    count = draw(st.integers(1, 6))
    gaps = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    quads = [sorted(draw(st.tuples(prices, prices, prices, prices))) for _ in range(count)]
    rising = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    rows = [(q[1], q[3], q[0], q[2]) if up else (q[2], q[3], q[0], q[1])
            for q, up in zip(quads, rising, strict=True)]  # fmt: skip
    t = np.cumsum(np.array(gaps, dtype=np.int64)) * MINUTE
    o, h, l, c = np.array(rows).T.copy()  # noqa: E741
    return Path(Columns(t, o, h, l, c, np.ones(count)))


@given(paths(), st.data())
def test_low_high_holds_every_price_of_its_interval(path: Path, data: st.DataObject) -> None:
    known = path.columns.t
    times = st.integers(int(known[0]), int(known[-1]) + 2 * MINUTE)
    t0, t1 = sorted((data.draw(times), data.draw(times)))
    found = path.low_high(t0, t1)
    assert found is not None
    seen = [path.price(t) for t in range(t0, t1 + 1, max(1, (t1 - t0) // 200))]
    assert all(price is not None and found[0] <= price <= found[1] for price in seen)


@given(paths())
def test_a_minute_runs_from_its_open_through_both_extremes_to_its_close(path: Path) -> None:
    bars = path.columns
    for i, start in enumerate(bars.t.tolist()):
        assert path.price(start) == bars.o[i]
        assert path.low_high(start, start + MINUTE - 1) == (bars.l[i], bars.h[i])
        if start + MINUTE not in bars.t:
            assert path.price(start + MINUTE) == bars.c[i]


def test_the_path_is_continuous() -> None:
    one = np.array([100.0])
    path = Path(Columns(np.array([0], dtype=np.int64), one, one + 2, one - 3, one + 1, one))
    walked = [path.price(t) or 0.0 for t in range(0, MINUTE, SECOND // 4)]
    assert max(abs(np.diff(walked))) < 0.2


def test_an_interval_ending_before_it_begins_is_refused() -> None:
    one = np.array([100.0])
    path = Path(Columns(np.array([0], dtype=np.int64), one, one, one, one, one))
    with pytest.raises(ValueError, match="before it begins"):
        path.low_high(2, 1)


def test_nothing_is_known_before_the_first_bar(tmp_path: File) -> None:
    venue = market(tmp_path, AAPL=minutes("2026-03-04T09:30:00", 3))
    before = venue.start - 1
    assert venue.price("AAPL", before) is None
    assert venue.quote("AAPL", before) is None
    assert venue.last_trade("AAPL", before) is None
    assert venue.low_high("AAPL", before - 5, before) is None
    assert venue.price("MSFT", venue.start) is None


def test_a_quote_sits_on_the_price_grid_around_the_price(tmp_path: File) -> None:
    rows = minutes("2026-03-04T09:30:00", 3, price=250.0)
    venue = market(tmp_path, AAPL=rows, BTC_USD=rows)
    for symbol in ("AAPL", "BTC/USD"):
        for t in range(venue.start, venue.end, 777 * 10**6):
            quote, price = venue.quote(symbol, t), venue.price(symbol, t)
            assert quote is not None
            assert price is not None
            tick = venue.assets[symbol].tick(price)
            assert quote.bid % tick == 0 == quote.ask % tick
            assert quote.bid < quote.ask
            assert abs(float(quote.bid + quote.ask) / 2 - price) <= float(tick)
            assert quote.bid_size > 0 < quote.ask_size
            assert quote.at == t


def test_a_cheap_stock_has_at_least_one_tick_of_spread(tmp_path: File) -> None:
    venue = market(tmp_path, BAC=minutes("2026-03-04T09:30:00", 1, price=14.0))
    quote = venue.quote("BAC", venue.start)
    assert quote is not None
    assert quote.ask - quote.bid == Decimal("0.01")


def test_in_a_hole_the_quote_is_as_old_as_the_last_bar(tmp_path: File) -> None:
    rows = minutes("2026-03-04T09:30:00", 2) + minutes("2026-03-04T11:00:00", 1)
    venue = market(tmp_path, AAPL=rows)
    hole = at("2026-03-04T10:15")
    quote, trade = venue.quote("AAPL", hole), venue.last_trade("AAPL", hole)
    assert quote is not None
    assert trade is not None
    assert quote.at == trade.at == at("2026-03-04T09:32")
    assert venue.price("AAPL", hole) == 100.01
    assert venue.low_high("AAPL", hole, hole + MINUTE) == (100.01, 100.01)


def test_only_completed_bars_are_shown(tmp_path: File) -> None:
    venue = market(tmp_path, AAPL=minutes("2026-03-04T09:30:00", 30))
    now = at("2026-03-04T09:44") + 59 * SECOND
    assert len(venue.bars("AAPL", "1Min", venue.start, now, now)) == 14
    fives = venue.bars("AAPL", "5Min", venue.start, now, now)
    assert [bar.t for bar in fives] == [at("2026-03-04T09:30"), at("2026-03-04T09:35")]
    assert (fives[1].o, fives[1].h, fives[1].l, fives[1].c, fives[1].v) == (
        100.05,
        100.14,
        100.01,
        100.09,
        50,
    )
    assert venue.bars("AAPL", "1Day", 0, now, now) == []


def test_the_running_bar_is_made_of_completed_minutes(tmp_path: File) -> None:
    venue = market(tmp_path, AAPL=minutes("2026-03-04T09:30:00", 60))
    now = at("2026-03-04T09:44") + 59 * SECOND
    (day,) = venue.bars("AAPL", "1Day", 0, now, now, running=True)
    assert (day.t, day.o, day.c, day.v) == (at("2026-03-04T00:00"), 100.0, 100.13, 140)
    (hour,) = venue.bars("AAPL", "1Hour", 0, now, now, running=True)
    assert (hour.t, hour.v) == (at("2026-03-04T09:00"), 140)
    (week,) = venue.bars("AAPL", "1Week", 0, now, now, running=True)
    assert (week.t, week.v) == (at("2026-03-02T00:00"), 140)


def test_a_stock_day_is_the_regular_session_and_a_coin_day_starts_at_midnight_utc(
    tmp_path: File,
) -> None:
    rows = minutes("2026-03-03T19:00:00", 600) + minutes("2026-03-04T05:00:00", 900)
    venue = market(tmp_path, AAPL=rows, BTC_USD=rows)
    (stock,) = venue.bars("AAPL", "1Day", 0, venue.end, venue.end)
    assert (stock.t, stock.v, stock.o) == (at("2026-03-04T00:00"), 3900, 102.7)
    (coin,) = venue.bars("BTC/USD", "1Day", 0, venue.end + 2 * 86400 * SECOND, 2**62)[:1]
    assert (coin.t, coin.v) == (at("2026-03-03T19:00"), 14400)


def test_a_half_day_is_complete_at_one(tmp_path: File) -> None:
    venue = market(tmp_path, AAPL=minutes("2026-11-27T09:30:00", 211))
    assert venue.bars("AAPL", "1Day", 0, 2**62, at("2026-11-27T13:00") - 1) == []
    (day,) = venue.bars("AAPL", "1Day", 0, 2**62, at("2026-11-27T13:00"))
    assert day.v == 2100


def test_start_and_end_are_both_included(tmp_path: File) -> None:
    venue = market(tmp_path, AAPL=minutes("2026-03-04T09:30:00", 10))
    first, last = at("2026-03-04T09:32"), at("2026-03-04T09:35")
    assert [bar.t for bar in venue.bars("AAPL", "1Min", first, last, venue.end)] == [
        first + i * MINUTE for i in range(4)
    ]
