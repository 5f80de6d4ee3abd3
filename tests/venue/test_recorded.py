from decimal import Decimal
from pathlib import Path

import pytest

from argo_actors.venue.recorded import BarFileError, Recorded
from argo_actors.venue.sessions import MINUTE

DEMO = Path(__file__).parents[3] / "shared/market/demo"
HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = "2026-03-04T15:00:00Z,10,11,9,10.5,100\n"
LATER = "2026-03-04T15:01:00Z,10,11,9,10.5,100\n"


def read(folder: Path, text: str, name: str = "AAPL.csv") -> Recorded:
    """The market of one file."""
    (folder / name).write_text(text)
    return Recorded(folder)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("", 1, "the header is"),
        ("time,open,high,low,close,volume\n" + GOOD, 1, "the header is"),
        (HEADER, None, "no rows"),
        (HEADER + GOOD.replace("10.5", "nan"), 2, "close is nan"),
        (HEADER + GOOD.replace(",11,", ",inf,"), 2, "high is inf"),
        (HEADER + GOOD.replace(",10,", ",-1,"), 2, "open is -1"),
        (HEADER + GOOD.replace(",9,", ",0,"), 2, "low is 0"),
        (HEADER + GOOD.replace(",9,", ",10.2,"), 2, "between low and high"),
        (HEADER + GOOD.replace(",9,", ",12,"), 2, "between low and high"),
        (HEADER + GOOD.replace(",11,", ",10.2,"), 2, "between low and high"),
        (HEADER + GOOD.replace("100\n", "-1\n"), 2, "volume is -1"),
        (HEADER + GOOD.replace("100\n", "nan\n"), 2, "volume is nan"),
        (HEADER + GOOD.replace("10.5", "ten"), 2, "not a number"),
        (HEADER + GOOD + GOOD, 3, "a duplicate"),
        (HEADER + LATER + GOOD, 3, "an earlier"),
        (HEADER + GOOD.replace("Z", ""), 2, "no time zone"),
        (HEADER + GOOD.replace("15:00:00", "15:00:30"), 2, "not a whole minute"),
        (HEADER + "yesterday,10,11,9,10.5,100\n", 2, "not a timestamp"),
        (HEADER + GOOD.replace("2026", "1999"), 2, "trading calendar"),
        (HEADER + "2026-03-04T15:00:00Z,10,11,9,10.5\n", 2, "5 columns"),
        (HEADER + GOOD + "\n", 3, "0 columns"),
    ],
)
def test_an_impossible_file_is_refused_with_its_place_and_a_fix(
    tmp_path: Path, text: str, line: int | None, found: str
) -> None:
    with pytest.raises(BarFileError) as caught:
        read(tmp_path, text)
    error = caught.value
    assert error.line == line
    assert error.file == tmp_path / "AAPL.csv"
    assert found in error.found
    assert error.fix
    assert str(error.file) in str(error)
    assert "\nfix: " in str(error)


@pytest.mark.parametrize("name", ["SPY_2020-12.csv", "aapl.csv", "BTC-USD-X.csv"])
def test_a_file_not_named_after_a_symbol_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BarFileError, match="is not a symbol"):
        read(tmp_path, HEADER + GOOD, name)


def test_a_directory_without_files_or_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BarFileError, match=r"no \.csv file"):
        Recorded(tmp_path)
    with pytest.raises(BarFileError, match="no such directory"):
        Recorded(tmp_path / "missing")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BarFileError, match="cannot be read"):
        Recorded(tmp_path)


def test_symbols_and_increments_come_from_the_files(tmp_path: Path) -> None:
    (tmp_path / "BTC-USD.csv").write_text(HEADER + GOOD)
    market = read(tmp_path, HEADER + GOOD + LATER)
    assert set(market.assets) == {"AAPL", "BTC/USD"}
    assert market.end - market.start == 2 * MINUTE
    assert market.label == f"recorded bars of {tmp_path.name}"
    coin = market.assets["BTC/USD"]
    assert coin.price_increment == Decimal("0.001")
    assert coin.min_order_size == Decimal("0.095238095")
    again = read(tmp_path, HEADER + GOOD)
    assert {one.id for one in again.assets.values()} == {one.id for one in market.assets.values()}


@pytest.mark.skipif(not DEMO.is_dir(), reason=f"the recorded demo bars are not at {DEMO}")
def test_real_bars_are_read_as_they_are() -> None:
    market = Recorded(DEMO)
    assert set(market.assets) == {"AIG", "BAC", "IBM", "SPY", "BTC/USD", "ETH/USD"}
    days = market.bars("SPY", "1Day", 0, market.end, market.end)
    assert len(days) == 6
    assert all(160 < bar.l <= bar.c <= bar.h < 175 for bar in days)
    minutes = market.bars("SPY", "1Min", 0, market.end, market.end)
    assert len(minutes) == 4839
    assert all(market.price("SPY", bar.t) == bar.o for bar in minutes)
    # The minutes of a session and no others are in its day.
    opens, closes = market.sessions.session(days[1].t)
    inside = [bar for bar in minutes if opens <= bar.t < closes]
    assert days[1].v == sum(bar.v for bar in inside)
    assert days[1].h == max(bar.h for bar in inside)
