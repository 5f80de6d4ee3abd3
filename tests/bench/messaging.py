"""Deliveries a second beside stock pykka: medians [min..max] of 9 interleaved runs, free and on one core.

A delivery is one word heard by one actor; journal appends do not count. Each row of ours stands beside
stock pykka doing the same work (`_stock`), run in the same round, so that the ratio holds when the
machine's speed drifts. All words told are heard, and all records kept, before the clock is stopped. The
last column compares with a bare `tell` of stock pykka, whatever the row's own work is.

    bin/bench messaging [--rounds 9] [--words 20000]
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from typing import NamedTuple

import pykka

from . import _ours as ours
from . import _stock as stock

Run = Callable[[int], float]


class Figure(NamedTuple):
    """A measurement of ours, the same work by stock pykka, and the goal and aim as multiples of it."""

    name: str
    ours: Run
    stock: Run
    goal: float
    aim: float


FIGURES = (
    Figure("bare tell", ours.our_tell, stock.stock_tell, 5, 8),
    Figure("records on disk", ours.our_recorded_tell, stock.stock_recorded_tell, 2.5, 5),
    Figure("five empty behaviours", ours.our_pipeline, stock.stock_pipeline, 5, 10),
    Figure("real deciders, encoded", ours.our_deciders, stock.stock_deciders, 2.5, 5),
)


def measure(figure: Figure, rounds: int, words: int) -> tuple[list[float], ...]:
    """Rates of ours, of the same work by stock pykka, and of its bare tell, in turn."""
    runs = (figure.ours, figure.stock, stock.stock_tell)
    found: tuple[list[float], ...] = ([], [], [])
    for _ in range(rounds):
        for rates, run in zip(found, runs, strict=True):
            rates.append(run(words))
    return found


def shown(values: list[float]) -> str:
    """Median [min..max] in thousands a second."""
    return (
        f"{statistics.median(values) / 1e3:5.0f}k "
        f"[{min(values) / 1e3:.0f}..{max(values) / 1e3:.0f}]"
    )


def ratio(mine: list[float], theirs: list[float]) -> float:
    """Median of the rounds' own ratios."""
    return statistics.median([a / b for a, b in zip(mine, theirs, strict=True)])


def main() -> int:
    """Print a row a figure; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--words", type=int, default=20_000)
    given = parser.parse_args()
    missed = 0
    cores = sorted(os.sched_getaffinity(0))
    for name, pinned in (("unpinned", cores), ("pinned to one core", cores[:1])):
        os.sched_setaffinity(0, pinned)
        print(name, flush=True)
        for figure in FIGURES:
            mine, theirs, bare = measure(figure, given.rounds, given.words)
            times = ratio(mine, theirs)
            missed += times < figure.goal
            print(
                f"  {figure.name:23} {shown(mine):22} stock {shown(theirs):18} "
                f"{times:5.2f}x  goal {figure.goal:g} aim {figure.aim:g} "
                f"{'ok' if times >= figure.goal else 'BELOW'}, {ratio(mine, bare):.2f}x bare tell",
                flush=True,
            )
        for ref in pykka.ActorRegistry.get_all():
            pykka.ActorRegistry.unregister(ref)
    os.sched_setaffinity(0, cores)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
