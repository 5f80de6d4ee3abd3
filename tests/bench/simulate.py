"""The money path in virtual time: seeds run, faults injected, invariants that did not hold."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from typing import NamedTuple

from loguru import logger

from tests.simulation.coverage import missing
from tests.simulation.world import Outcome, run


class Failed(NamedTuple):
    """A seed whose run ended with an error."""

    seed: int
    error: str


def attempt(seed: int) -> Outcome | Failed:
    """A run, in a process of its own among others."""
    logger.remove()
    try:
        return run(seed)
    except Exception as error:
        return Failed(seed, f"{type(error).__name__}: {error}")


def outcomes(seeds: range, workers: int) -> Iterator[Outcome | Failed]:
    """The runs as they end."""
    if workers == 1:
        yield from map(attempt, seeds)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(attempt, seeds, chunksize=5)


def main() -> int:
    """Run, count, tell."""
    parser = argparse.ArgumentParser(prog="bin/bench simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    begun, coverage, figures = time.monotonic(), Counter[str](), Counter[str]()
    bad = 0
    for found in outcomes(range(given.first_seed, given.first_seed + given.seeds), given.workers):
        if isinstance(found, Failed):
            bad += 1
            print(f"seed {found.seed}: {found.error}")
            continue
        coverage += found.coverage
        figures += found.figures
        if found.violations:
            bad += 1
            print(f"seed {found.seed}:")
            for violation in found.violations[:5]:
                print(f"  {violation}")
            print(f"  again: bin/bench simulate --seeds 1 --first-seed {found.seed}")
    _tell(coverage, figures)
    seconds = time.monotonic() - begun
    print(f"seeds {given.seeds}, {seconds / given.seeds:.2f} s each, violated in {bad}")
    never = missing(coverage)
    print(f"faults {sum(coverage.values())}, never met: {', '.join(never) or 'none'}")
    return 1 if bad else 0


def _tell(coverage: Counter[str], figures: Counter[str]) -> None:
    kinds: Counter[str] = Counter()
    for key, count in coverage.items():
        kinds[key.partition(" ")[0]] += count
    for name, count in sorted(kinds.items()):
        print(f"{name:24} {count}")
    print(", ".join(f"{name} {count}" for name, count in sorted(figures.items())))


if __name__ == "__main__":
    sys.exit(main())
