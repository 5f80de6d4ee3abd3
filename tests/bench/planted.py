"""Planted bugs: how many seeds the simulation needs to catch each."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.simulation.bugs import PACKAGE, PLANTED, Bug, edited

ROOT = PACKAGE.parent
CAUGHT = "caught "
CONTROL = Bug("no bug at all", ())


class Hunt(NamedTuple):
    """What came of a bug: the seeds that were needed, or none when it was not caught."""

    bug: Bug
    seeds: int | None
    what: str
    ended: bool = True
    """False when the run broke off: nothing is known then."""

    def __str__(self) -> str:
        needed = "-" if self.seeds is None else str(self.seeds)
        return f"{needed:>5}  {self.bug.name}\n       {self.what}"


def plant(bug: Bug, place: Path) -> None:
    """A copy of package and tests with the bug in it."""
    ignored = shutil.ignore_patterns("*.html", "dashboard")
    for name in ("argo_actors", "tests"):
        shutil.copytree(ROOT / name, place / name, ignore=ignored)
    for file, text in edited(bug).items():
        (place / "argo_actors" / file).write_text(text)


def hunt(bug: Bug, seeds: range) -> Hunt:
    """Run seeds against a bug until an invariant is violated."""
    with tempfile.TemporaryDirectory(prefix="argo-planted-") as place:
        plant(bug, Path(place))
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.bench.planted",
                "--until-caught",
                f"--seeds={len(seeds)}",
                f"--first-seed={seeds.start}",
            ],
            cwd=place,
            env={**os.environ, "PYTHONPATH": place, "PYTHONSAFEPATH": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    for line in done.stdout.splitlines():
        if line.startswith(CAUGHT):
            count, _, what = line.removeprefix(CAUGHT).partition(" ")
            return Hunt(bug, int(count), what)
    if done.returncode:
        return Hunt(bug, None, f"the run ended: {done.stderr.strip()[-300:]}", ended=False)
    return Hunt(bug, None, "not caught")


def until_caught(seeds: range) -> None:
    """In the copy: say after how many seeds the first violation was found."""
    from loguru import logger

    from tests.simulation.world import run

    logger.remove()
    for count, seed in enumerate(seeds, 1):
        violations = run(seed).violations
        if violations:
            print(f"{CAUGHT}{count} {str(violations[0])[:160]}")
            return


def hunts(bugs: Sequence[Bug], seeds: Sequence[range], workers: int) -> Iterator[Hunt]:
    """All hunts in their order, each as soon as it has ended."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(hunt, bugs, seeds)


def controlled(seeds: range, workers: int) -> bool:
    """The same seeds without a bug catch nothing; the run is shared by the workers."""
    share = -(-len(seeds) // workers)
    parts = [seeds[n : n + share] for n in range(0, len(seeds), share)]
    clean = True
    for part, found in zip(parts, hunts([CONTROL] * len(parts), parts, workers), strict=True):
        if found.seeds is not None or not found.ended:
            clean = False
            failed = "" if found.seeds is None else f" (seed {part[found.seeds - 1]})"
            print(f"without any bug: {found.what}{failed}: mend that first")
    return clean


def main() -> int:
    """Hunt, count, tell."""
    parser = argparse.ArgumentParser(prog="bin/bench planted", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="bugs whose name holds this text")
    parser.add_argument("--until-caught", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    if given.until_caught:
        until_caught(seeds)
        return 0
    begun = time.monotonic()
    chosen = [one for one in PLANTED if given.only in one.name]
    if not controlled(seeds, given.workers):
        return 1
    print(f"    0  of {len(seeds)} seeds: {CONTROL.name}, nothing caught", flush=True)
    caught, most = 0, 0
    for n, found in enumerate(hunts(chosen, [seeds] * len(chosen), given.workers), 1):
        caught += found.seeds is not None
        most = max(most, found.seeds or 0)
        print(f"{found}  [{n}/{len(chosen)}]", flush=True)
    seconds = time.monotonic() - begun
    print(
        f"caught {caught}/{len(chosen)} within {given.seeds} seeds each"
        f" (at most {most} needed, {seconds:.0f} s)"
    )
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
