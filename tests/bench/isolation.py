"""Does trouble of one source cost the others anything? Blocks with and without it, alternating, live.

A venue at real speed and a daemon by the wall clock, once a second a cycle. Before each block the fault is
given or taken back and the source is told to ask anew; the first seconds are left out. Times are read off
the journal: a cycle lasts from its Tick to the last decision that names it (consensus, or risk's answer to
one of its signals).

    bin/bench isolation [--blocks 24] [--seconds 8] [--source NAME …] [--fault KIND …] [--json]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle as endless
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

from argo_actors import config as configuration
from argo_actors.bootstrap import Daemon, Settings
from argo_actors.cli.demo import demo_config, demo_secrets
from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.cli.trouble import PATHS, plan
from argo_actors.host import logs
from argo_actors.host.state import StateDir
from argo_actors.journal.reader import day_files, records
from argo_actors.messages.market import Decide, Tick
from argo_actors.messages.signal import Approval, CycleClosed, Denial
from argo_actors.units import SECOND

FAULTS = ("bad-key", "slow", "down", "garbage")
START = "2026-03-04T15:00:00Z"
DEADLINE = 1.5
"""Of every source's call; a slow vendor answers half a second later."""
SETTLE_SECONDS = 3.0
SLOWER = 0.10
SETTINGS = (
    "clock.cycle_seconds=1",
    *(f"sources.{name}.timeout_seconds={DEADLINE}" for name in PATHS),
    *(f"sources.{name}.calls_per_minute=6000" for name in PATHS),
    *(f"sources.{name}.daily_budget_usd=1000" for name in ("xai_grok", "sonar")),
    *(f"sources.{name}.refresh_seconds=5" for name in ("massive", "xai_grok", "sonar")),
)


class Trouble(NamedTuple):
    """What is wrong in a block."""

    source: str
    fault: str

    def __str__(self) -> str:
        return f"{self.source} {self.fault}"


class Block(NamedTuple):
    """A stretch of market time with one trouble, or without (None)."""

    trouble: Trouble | None
    begin: int
    end: int


class Cycle(NamedTuple):
    """One cycle's times, in milliseconds."""

    begun: int
    whole: float
    """From its Tick to its last decision."""
    deciding: float
    """From its Decide on: without the wait for the sources."""


class Found(NamedTuple):
    """A block and its cycles' times."""

    block: Block
    times: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        return p99(self.times)


def p99(times: Sequence[float]) -> float:
    """The time that one cycle in a hundred takes longer than."""
    return sorted(times)[min(len(times) - 1, int(0.99 * len(times)))]


@contextmanager
def running(state: Path) -> Iterator[tuple[SimulatedWorld, Daemon]]:
    """A market at its own speed, and a daemon in it that is ready to trade."""
    state.mkdir(parents=True, exist_ok=True)
    arguments = ["--start", START, "--state", str(state / "venue"), "--rate-limit", "1000000"]
    world = SimulatedWorld(arguments, state / "venue.log")
    try:
        secrets = demo_secrets(world.about)
        logs.configure(secrets, state / "daemon.log", quiet=True)
        config = configuration.override(demo_config(world, None), SETTINGS)
        now = int(world.get("/argo/state")["now"])
        daemon = Daemon(Settings(config, StateDir(state), secrets, "demo", start_clock=now))
        daemon.start()
        try:
            yield world, daemon
        finally:
            daemon.stop("measured")
    finally:
        world.close()


def blocks(
    world: SimulatedWorld, daemon: Daemon, troubles: Sequence[Trouble], count: int, seconds: float
) -> Iterator[Block]:
    """So many pairs of blocks, without and with."""
    time.sleep(3 * SETTLE_SECONDS)
    for trouble in islice(endless(troubles), count):
        for wrong in (None, trouble):
            request(world.url, "DELETE", "/argo/faults", None)
            if wrong is not None:
                request(world.url, "POST", "/argo/faults", _rules(wrong))
            # Without the trouble it is asked anew as well: both kinds of block have the same work.
            order = daemon.roster.order(trouble.source, "enable", "bench", str(trouble))
            daemon.order_source(order)
            time.sleep(SETTLE_SECONDS)
            begin = daemon.clock.now()
            time.sleep(seconds)
            yield Block(wrong, begin, daemon.clock.now())


def _rules(trouble: Trouble) -> dict[str, Any]:
    rules = plan({trouble.fault: (trouble.source,)})
    for rule in rules["rules"]:
        if trouble.fault == "slow":
            rule["fault"]["seconds"] = DEADLINE + 0.5
    return rules


def cycles(journal: Path) -> list[Cycle]:
    """Every cycle that was decided."""
    begun: dict[int, int] = {}
    decide: dict[int, int] = {}
    end: dict[int, int] = {}
    for path in day_files(journal):
        for record in records(path):
            for word in record.said:
                match word:
                    case Tick(n=n):
                        begun[n] = record.at
                    case Decide(n=n):
                        decide[n] = record.at
                    case CycleClosed(n=n) | Approval(cycle=n) | Denial(cycle=n):
                        end[n] = record.at
    per_ms = SECOND / 1000
    return [
        Cycle(begun[n], (at - begun[n]) / per_ms, (at - decide[n]) / per_ms)
        for n, at in sorted(end.items())
        if n in begun and n in decide
    ]


def found(measured: Sequence[Block], known: Sequence[Cycle], figure: str) -> list[Found]:
    """The blocks with one of the two times of the cycles that began in them."""
    return [
        Found(one, [getattr(c, figure) for c in known if one.begin <= c.begun < one.end])
        for one in measured
    ]


def verdict(measured: Sequence[Found]) -> dict[str, Any]:
    """The medians of all cycles without and with; and each fault's usual p99 beside the blocks without.

    A block's p99 is nearly its slowest cycle, and one slow cycle comes by chance on either side: so it is
    the median of a fault's blocks that must lie within the spread of the blocks without.
    """
    without = [one for one in measured if one.block.trouble is None]
    troubled = [(one.block.trouble.fault, one) for one in measured if one.block.trouble is not None]
    calm = statistics.median(t for one in without for t in one.times)
    with_it = statistics.median(t for _, one in troubled for t in one.times)
    usual = {
        fault: statistics.median(one.p99 for name, one in troubled if name == fault)
        for fault in dict.fromkeys(name for name, _ in troubled)
    }
    spread = (min(one.p99 for one in without), max(one.p99 for one in without))
    return {
        "cycles": sum(len(one.times) for one in measured),
        "median_without": round(calm, 2),
        "median_with": round(with_it, 2),
        "slower_pct": round(100 * (with_it / calm - 1), 1),
        "p99_with": {fault: round(one, 2) for fault, one in usual.items()},
        "p99_without": [round(one, 2) for one in spread],
        "alone": with_it <= calm * (1 + SLOWER) and max(usual.values()) <= spread[1],
    }


def _tell(measured: Sequence[Found]) -> None:
    print(f"{'block':26} {'cycles':>6} {'median ms':>10} {'p99 ms':>8}")
    for one in measured:
        name = "without" if one.block.trouble is None else str(one.block.trouble)
        print(f"{name:26} {len(one.times):6} {one.median:10.2f} {one.p99:8.2f}")


def _sum_up(name: str, figures: dict[str, Any]) -> None:
    low, high = figures["p99_without"]
    usual = ", ".join(f"{fault} {one}" for fault, one in figures["p99_with"].items())
    print(
        f"{name}: median {figures['median_without']} ms without, {figures['median_with']} ms with "
        f"({figures['slower_pct']:+.1f} %)"
    )
    print(f"  p99 of a block: {low} to {high} ms without; usual with: {usual} ms")


def main() -> int:
    """Measure, tell, exit 1 where the trouble was felt."""
    parser = argparse.ArgumentParser(prog="bin/bench isolation", description=__doc__)
    parser.add_argument("--blocks", type=int, default=24, help="pairs, without and with")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--source", action="append", choices=tuple(PATHS))
    parser.add_argument("--fault", action="append", choices=FAULTS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    pairs = product(given.fault or FAULTS, given.source or PATHS)
    troubles = [Trouble(source, fault) for fault, source in pairs]
    state = Path(tempfile.mkdtemp(prefix="argo-isolation-"))
    with running(state) as (world, daemon):
        measured = list(blocks(world, daemon, troubles, given.blocks, given.seconds))
    known = cycles(state / "journal")
    whole = found(measured, known, "whole")
    whole_verdict, deciding = verdict(whole), verdict(found(measured, known, "deciding"))
    alone = whole_verdict["alone"] and deciding["alone"]
    if given.json:
        rows = [
            {
                "trouble": one.block.trouble and str(one.block.trouble),
                "median": one.median,
                "p99": one.p99,
            }
            for one in whole
        ]
        print(json.dumps({"blocks": rows, "cycle": whole_verdict, "deciding": deciding}))
    else:
        _tell(whole)
        _sum_up("cycle (tick to last decision)", whole_verdict)
        _sum_up("deciding (without the wait for sources)", deciding)
        print("alone: the others do not feel it" if alone else "FELT: see above")
    return 0 if alone else 1


if __name__ == "__main__":
    sys.exit(main())
