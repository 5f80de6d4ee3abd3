"""A small wild market: minutes that swing wide, so that stops, targets and bounces come in every run."""

import random

import numpy as np

from argo_actors.venue.assets import coin, stock
from argo_actors.venue.path import Columns
from argo_actors.venue.sessions import MINUTE
from argo_actors.venue.tape import BarMarket

STOCKS = ("AAPL", "MSFT")
COIN = "BTC/USD"
PRICES = {"AAPL": 180.0, "MSFT": 410.0, COIN: 64_000.0}
SWING = 0.0035
"""Standard deviation of a minute, as a share of the price."""
JUMP = 0.02
BEFORE, AFTER = 3, 12
"""Minutes of the market before and after the start."""
STILL_AFTER = 2
"""Minutes after which the price stands, so that a run comes to rest."""


def wild(seed: int, start: int, *, calm: bool = False) -> BarMarket:
    """The market around a time; `calm` hardly moves."""
    chance = random.Random(f"market {seed}")
    assets = {one: stock(one) for one in STOCKS} | {COIN: coin(COIN, PRICES[COIN])}
    first = start // MINUTE * MINUTE - BEFORE * MINUTE
    swing = SWING / 20 if calm else SWING
    minutes = {one: _minutes(chance, PRICES[one], first, swing) for one in assets}
    end = first + (BEFORE + AFTER) * MINUTE
    return BarMarket("simulated", assets, minutes, {}, first, end)


def _minutes(chance: random.Random, price: float, first: int, swing: float) -> Columns:
    rows = []
    for n in range(BEFORE + AFTER):
        if n == BEFORE + STILL_AFTER:
            swing = 0.0
        jumped = chance.random() < 0.15 and swing == SWING
        opened = price * (1 + chance.choice((-JUMP, JUMP)) * chance.random() if jumped else 1)
        closed = opened * (1 + chance.gauss(0, swing))
        high = max(opened, closed) * (1 + abs(chance.gauss(0, swing)))
        low = min(opened, closed) * (1 - abs(chance.gauss(0, swing)))
        rows.append((first + n * MINUTE, opened, high, low, closed, 1000.0))
        price = closed
    t, o, h, low_, c, v = zip(*rows, strict=True)
    return Columns(
        np.array(t, np.int64),
        *(np.array(one, np.float64) for one in (o, h, low_, c, v)),
    )
