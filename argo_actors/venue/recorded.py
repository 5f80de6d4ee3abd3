"""A market of recorded minute bars: one CSV file a symbol, kept at its own timestamps.

Nothing is repaired: a file that says something impossible is refused, with the line.
"""

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import numpy as np

from .assets import asset_for, symbol_of
from .path import Columns
from .sessions import FIRST_YEAR, LAST_YEAR, MINUTE
from .tape import BarMarket

HEADER = ["timestamp", "open", "high", "low", "close", "volume"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BarFileError(ValueError):
    """A file of bars that cannot be used: where, what was found, and what to do (`fix`)."""

    def __init__(self, file: Path, line: int | None, found: str, fix: str) -> None:
        place = str(file) if line is None else f"{file}, line {line}"
        super().__init__(f"{place}: {found}\nfix: {fix}")
        self.file = file
        self.line = line
        self.found = found
        self.fix = fix


class Recorded(BarMarket):
    """The market of a directory of `SYMBOL.csv` (`AAPL.csv`, `BTC-USD.csv`).

    Playable from the first bar of any file to the end of the last.
    """

    def __init__(self, directory: Path) -> None:
        minutes: dict[str, Columns] = {}
        for file in _files(directory):
            minutes[_symbol(file)] = read_bars(file)
        super().__init__(
            label=f"recorded bars of {directory.resolve().name}",
            assets={
                symbol: asset_for(symbol, float(bars.c[0])) for symbol, bars in minutes.items()
            },
            minutes=minutes,
            days_before={},
            start=min(int(bars.t[0]) for bars in minutes.values()),
            end=max(int(bars.t[-1]) for bars in minutes.values()) + MINUTE,
        )


def read_bars(file: Path) -> Columns:
    """The minute bars of one file, checked."""
    times: list[int] = []
    rows: list[tuple[float, ...]] = []
    reader = _Reader(file)
    for line, cells in reader.rows():
        start = reader.start(line, cells[0])
        if times and start <= times[-1]:
            what = "a duplicate" if start == times[-1] else "an earlier"
            reader.refuse(
                line,
                f"timestamp {cells[0]} is {what} time after the line before",
                "sort the rows by time and keep one row a minute",
            )
        times.append(start)
        rows.append(reader.prices(line, cells))
    if not rows:
        reader.refuse(None, "no rows of bars", "record at least one bar, or remove the file")
    table = np.array(rows, dtype=np.float64).T.copy()
    return Columns(np.array(times, dtype=np.int64), *table)


class _Reader:
    """Rows of one file, each refused with its line number if it cannot be true."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def refuse(self, line: int | None, found: str, fix: str) -> NoReturn:
        raise BarFileError(self._file, line, found, fix)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number (from 1) and cells of every row below the header."""
        try:
            with self._file.open(newline="", encoding="utf-8-sig") as lines:
                reader = csv.reader(lines, strict=True)
                self._check_header(next(reader, []))
                for cells in reader:
                    if len(cells) != len(HEADER):
                        self.refuse(
                            reader.line_num,
                            f"{len(cells)} columns instead of {len(HEADER)}",
                            f"write each row as {','.join(HEADER)}",
                        )
                    yield reader.line_num, cells
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self.refuse(None, f"cannot be read: {error}", "give a readable UTF-8 CSV file")

    def _check_header(self, cells: list[str]) -> None:
        if cells != HEADER:
            self.refuse(
                1,
                f"the header is {','.join(cells)!r}",
                f"make the first line {','.join(HEADER)}",
            )

    def start(self, line: int, text: str) -> int:
        """The start of a bar in ns UTC."""
        fix = "label each one-minute bar with its start, as 2026-03-04T15:00:00Z"
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self.refuse(line, f"{text!r} is not a timestamp", fix)
        if at.tzinfo is None:
            self.refuse(line, f"timestamp {text} names no time zone", fix)
        if at.second or at.microsecond:
            self.refuse(line, f"timestamp {text} is not a whole minute", fix)
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            self.refuse(
                line,
                f"timestamp {text} is outside the known trading calendar",
                f"use bars of the years {FIRST_YEAR} to {LAST_YEAR}",
            )
        return (at - _EPOCH) // _MICROSECOND * 1000

    def prices(self, line: int, cells: list[str]) -> tuple[float, ...]:
        """Open, high, low, close and volume of a row, all of them possible."""
        o, h, l, c, v = (  # noqa: E741 (the wire's own letters)
            self._number(line, name, text) for name, text in zip(HEADER[1:], cells[1:], strict=True)
        )
        for name, price in zip(HEADER[1:5], (o, h, l, c), strict=True):
            if price <= 0:
                self.refuse(line, f"{name} is {price:g}", "prices are above zero: drop the row")
        if v < 0:
            self.refuse(line, f"volume is {v:g}", "volumes are zero or more: drop the row")
        if not l <= min(o, c) <= max(o, c) <= h:
            self.refuse(
                line,
                f"open {o:g}, high {h:g}, low {l:g}, close {c:g}: open and close must lie"
                " between low and high",
                "check the order of the columns, or drop the row",
            )
        return o, h, l, c, v

    def _number(self, line: int, name: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            self.refuse(line, f"{name} {text!r} is not a number", "write a decimal number")
        if not math.isfinite(value):
            self.refuse(line, f"{name} is {text}", "drop rows without a real number")
        return value


def _files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise BarFileError(directory, None, "no such directory", "name a directory of CSV files")
    files = sorted(directory.glob("*.csv"))
    if not files:
        raise BarFileError(
            directory, None, "holds no .csv file", "put one SYMBOL.csv there for each symbol"
        )
    return files


def _symbol(file: Path) -> str:
    symbol = symbol_of(file.stem)
    if symbol is None:
        raise BarFileError(
            file, None, f"{file.stem!r} is not a symbol", "name it as AAPL.csv or BTC-USD.csv"
        )
    return symbol
