"""Closed trades to the figures a trader asks for."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from ..units import ZERO, Usd, exact


class Metrics(NamedTuple):
    """Of closed trades, after fees."""

    trades: int
    wins: int
    win_rate: float | None
    pnl: Usd
    profit_factor: float | None
    """Dollars won for each dollar lost; None without a loss."""
    worst_drawdown: Usd
    """Deepest fall of the running sum of profits."""


def measure(profits: Sequence[Usd]) -> Metrics:
    """The figures of profits in the order of their trades."""
    won = sum((one for one in profits if one > 0), ZERO)
    lost = -sum((one for one in profits if one < 0), ZERO)
    wins = sum(1 for one in profits if one > 0)
    return Metrics(
        trades=len(profits),
        wins=wins,
        win_rate=wins / len(profits) if profits else None,
        pnl=exact(sum(profits, ZERO)),
        profit_factor=float(won / lost) if lost else None,
        worst_drawdown=worst_drawdown(profits),
    )


def worst_drawdown(profits: Sequence[Usd]) -> Usd:
    """The deepest fall below an earlier peak of the running sum."""
    running, peak, worst = ZERO, ZERO, Decimal(0)
    for one in profits:
        running += one
        peak = max(peak, running)
        worst = max(worst, peak - running)
    return exact(worst)
