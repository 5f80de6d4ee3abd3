"""Indicators over bars by TA-Lib: the last value of each, finite or None."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import talib

from .bars import Bar

Array = Any


class Series:
    """A run of bars as arrays."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self.high: Array = np.array([one.h for one in bars], dtype=float)
        self.low: Array = np.array([one.low for one in bars], dtype=float)
        self.close: Array = np.array([one.c for one in bars], dtype=float)

    def ema(self, n: int) -> float | None:
        return _last(talib.EMA(self.close, n))

    def sma(self, n: int) -> float | None:
        return _last(talib.SMA(self.close, n))

    def deviation(self, n: int) -> float | None:
        return _last(talib.STDDEV(self.close, n))

    def atr(self, n: int = 14) -> float | None:
        return _last(talib.ATR(self.high, self.low, self.close, n))

    def atrs(self, n: int = 14) -> Array:
        return talib.ATR(self.high, self.low, self.close, n)

    def rsi(self, n: int = 14) -> float | None:
        """Closes that never moved are strong in neither direction; TA-Lib says 0 of them."""
        if len(self.close) > n and self.close.min() == self.close.max():
            return 50.0
        return _last(talib.RSI(self.close, n))

    def macd_hist(self) -> float | None:
        return _last(talib.MACD(self.close)[2])

    def adx(self, n: int = 14) -> float | None:
        return _last(talib.ADX(self.high, self.low, self.close, n))


def _last(values: Array) -> float | None:
    if not len(values):
        return None
    value = float(values[-1])
    return value if math.isfinite(value) else None


def percentile(values: Array, at: float) -> float:
    """The percentile of the finite values."""
    return float(np.percentile(values[np.isfinite(values)], at))


def finite_count(values: Array) -> int:
    """How many values are numbers."""
    return int(np.isfinite(values).sum())
