import hashlib
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from argo_actors.venue.generated import COINS, STOCKS, Generated
from argo_actors.venue.market import Bar
from argo_actors.venue.sessions import DAY, MINUTE, SECOND

NEW_YORK = ZoneInfo("America/New_York")
START = int(datetime(2026, 3, 4, 10, tzinfo=NEW_YORK).timestamp()) * SECOND
SYMBOLS = [one.symbol for one in (*STOCKS, *COINS)]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def market() -> Generated:
    """The market of the demo."""
    return Generated(7, START)


def all_bars(market: Generated, symbol: str, timeframe: str) -> list[Bar]:
    """Every bar, the future included."""
    return market.bars(symbol, timeframe, 0, market.end, market.end)


def digest(market: Generated) -> str:
    """One number for everything in a market."""
    seen = hashlib.sha256()
    for symbol in SYMBOLS:
        for timeframe in ("1Min", "1Day"):
            seen.update(repr(all_bars(market, symbol, timeframe)).encode())
        seen.update(repr(market.quote(symbol, market.start + 12_345_678_901)).encode())
    return seen.hexdigest()


def test_the_same_seed_makes_the_same_market_in_any_process(market: Generated) -> None:
    program = (
        "import sys; sys.path[:0] = ['.', 'tests/venue'];"
        "import test_generated as t; print(t.digest(t.Generated(7, t.START)))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "99", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == digest(market)


def test_another_seed_makes_another_market(market: Generated) -> None:
    assert digest(Generated(8, START)) != digest(market)
    assert Generated(8, START).label == "generated (seed 8)"


def test_it_is_made_quickly() -> None:
    Generated(1, START)
    begun = time.process_time()
    Generated(2, START)
    assert time.process_time() - begun < 2


def test_there_is_history_and_a_playable_future(market: Generated) -> None:
    assert market.start == START
    assert market.end - START >= 14 * DAY
    for symbol in SYMBOLS:
        days = market.bars(symbol, "1Day", 0, START, START)
        assert len(days) >= 260
        assert START - days[0].t >= 420 * DAY
        minutes = all_bars(market, symbol, "1Min")
        assert START - minutes[0].t >= 8 * DAY
        assert minutes[-1].t + MINUTE >= market.end
        assert market.assets[symbol].tradable


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_minutes_fill_every_session_and_no_other_time(market: Generated, symbol: str) -> None:
    times = np.array([bar.t for bar in all_bars(market, symbol, "1Min")])
    if "/" in symbol:
        assert set(np.diff(times)) == {MINUTE}
        return
    inside = [market.sessions.is_open(int(t)) for t in times]
    assert all(inside)
    first = market.sessions.session(int(times[0]))
    assert times[0] == first[0]
    assert sum(first[0] <= t < first[1] for t in times) == 390


def test_a_half_day_is_short() -> None:
    november = int(datetime(2026, 11, 20, 10, tzinfo=NEW_YORK).timestamp()) * SECOND
    market = Generated(7, november)
    opens = int(datetime(2026, 11, 27, 9, 30, tzinfo=NEW_YORK).timestamp()) * SECOND
    bars = market.bars("SPY", "1Min", opens, opens + DAY // 2, market.end)
    assert len(bars) == 210


@pytest.mark.parametrize("seed", [1, 7, 19])
def test_volatility_lies_in_a_sane_band(seed: int) -> None:
    market = Generated(seed, START)
    for symbol in SYMBOLS:
        closes = np.array([bar.c for bar in all_bars(market, symbol, "1Day")])
        yearly = np.diff(np.log(closes)).std() * (365 if "/" in symbol else 252) ** 0.5
        low, high = (0.50, 0.90) if "/" in symbol else (0.15, 0.60)
        assert low <= yearly <= high, symbol


def test_the_market_as_a_whole_does_not_drift() -> None:
    gains = []
    for seed in range(1, 13):
        market = Generated(seed, START)
        for symbol in SYMBOLS:
            days = all_bars(market, symbol, "1Day")
            gains.append(np.log(days[-1].c / days[0].c))
    assert abs(np.mean(gains)) < 0.08


def test_stocks_move_together_and_so_do_coins(market: Generated) -> None:
    def returns(symbol: str) -> np.ndarray:
        return np.diff(np.log([bar.c for bar in all_bars(market, symbol, "1Day")]))

    assert np.corrcoef(returns("SPY"), returns("QQQ"))[0, 1] > 0.5
    assert np.corrcoef(returns("SPY"), returns("AAPL"))[0, 1] > 0.25
    assert np.corrcoef(returns("BTC/USD"), returns("ETH/USD"))[0, 1] > 0.3


def test_the_open_is_wilder_and_busier_than_noon(market: Generated) -> None:
    early, noon, traded_early, traded_noon = [], [], 0.0, 0.0
    for symbol in [one.symbol for one in STOCKS]:
        for bar in all_bars(market, symbol, "1Min"):
            opened, _ = market.sessions.last_session(bar.t)
            minute = (bar.t - opened) // MINUTE
            if minute < 15:
                early.append((bar.h - bar.l) / bar.o)
                traded_early += bar.v
            elif 180 <= minute < 195:
                noon.append((bar.h - bar.l) / bar.o)
                traded_noon += bar.v
    assert np.mean(early) > 1.4 * np.mean(noon)
    assert traded_early > 1.4 * traded_noon


def test_returns_cluster_and_have_fat_tails(market: Generated) -> None:
    closes = np.array([bar.c for bar in all_bars(market, "BTC/USD", "1Min")])
    moves = np.diff(np.log(closes))
    assert np.mean(moves**4) / np.mean(moves**2) ** 2 > 3.5
    size = np.abs(moves)
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.03


def test_symbols_are_in_different_trends(market: Generated) -> None:
    gains = []
    for symbol in [one.symbol for one in STOCKS]:
        days = market.bars(symbol, "1Day", 0, START, START)
        gains.append(days[-1].c / days[-22].c - 1)
    assert sum(gain > 0.03 for gain in gains) >= 2
    assert sum(gain < -0.03 for gain in gains) >= 2


def test_every_price_is_a_whole_number_of_ticks(market: Generated) -> None:
    for symbol in SYMBOLS:
        tick = float(market.assets[symbol].tick(100.0))
        for bar in all_bars(market, symbol, "1Min")[:500]:
            assert bar.l <= min(bar.o, bar.c) <= max(bar.o, bar.c) <= bar.h
            assert abs(bar.c / tick - round(bar.c / tick)) < 1e-6


def test_when_the_market_is_closed_quotes_are_the_last_sessions(market: Generated) -> None:
    night = START + 12 * 60 * MINUTE
    closed = market.sessions.last_session(night)[1]
    stock, coin = market.quote("AAPL", night), market.quote("BTC/USD", night)
    assert stock is not None
    assert coin is not None
    assert stock.at == closed
    assert coin.at == night


def test_questions_are_cheap_enough_for_small_steps(market: Generated) -> None:
    begun = time.process_time()
    for step in range(2000):
        now = START + step * SECOND // 4
        market.price("AAPL", now)
        market.low_high("AAPL", now, now + SECOND // 4)
        market.quote("AAPL", now)
    assert (time.process_time() - begun) / 2000 < 0.0005
