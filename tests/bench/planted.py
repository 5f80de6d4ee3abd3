"""Planted bugs: how many seeds the simulation needs to catch each."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.simulation.bugs import PACKAGE, PLANTED, Bug

ROOT = PACKAGE.parent
CAUGHT = "caught "


class Hunt(NamedTuple):
    """What came of a bug: the seeds that were needed, or none when it was not caught."""

    bug: Bug
    seeds: int | None
    what: str


def plant(bug: Bug, place: Path) -> None:
    """A copy of package and tests with the bug in it."""
    ignored = shutil.ignore_patterns("*.html", "dashboard")
    for name in ("argo_actors", "tests"):
        shutil.copytree(ROOT / name, place / name, ignore=ignored)
    for edit in bug.edits:
        file = place / "argo_actors" / edit.file
        text = file.read_text()
        if text.count(edit.old) != 1:
            raise SystemExit(f"{bug.name}: {edit.file} does not hold {edit.old[:60]!r} once")
        file.write_text(text.replace(edit.old, edit.new))


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
        return Hunt(bug, None, f"the run ended: {done.stderr.strip()[-300:]}")
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


def hunts(bugs: Sequence[Bug], seeds: range, workers: int) -> Iterator[Hunt]:
    """All hunts, as they end in their order."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda one: hunt(one, seeds), bugs)


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
    chosen = [one for one in PLANTED if given.only in one.name]
    control = hunt(Bug("no bug at all", ()), seeds)
    if control.seeds is not None or control.what != "not caught":
        print(f"without any bug: {control.what} (seed {control.seeds}): mend that first")
        return 1
    caught = 0
    for found in hunts(chosen, seeds, given.workers):
        caught += found.seeds is not None
        needed = "-" if found.seeds is None else str(found.seeds)
        print(f"{needed:>5}  {found.bug.name}\n       {found.what}", flush=True)
    print(f"caught {caught}/{len(chosen)} within {given.seeds} seeds each")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
