"""Take-overs between real processes while orders work: killed, hung and promoted, stopped in order.

Daemons and standbys are forked from a warm parent without threads, as in `bin/bench kill`; the venue is a
process of its own that lives on. After the last take-over one more daemon runs to rest, and the books are
compared. The gap is from the signal that ends the active to READY of its successor.

    bin/bench takeover [--count 20] [--seed 1] [--standbys 2]
"""

import argparse
import contextlib
import io
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import kill

READY_SECONDS = 30.0
WAYS = ("SIGKILL", "SIGSTOP and promote", "SIGTERM", "promote")


class TakeOver(NamedTuple):
    """One change of hands."""

    way: str
    gap: float


class Outcome(NamedTuple):
    """What a series of take-overs came to."""

    rest: kill.Outcome
    take_overs: list[TakeOver]
    epochs: list[tuple[int, str]]
    """Number and kind of every epoch in the journal."""
    shadow_differences: int
    """What standbys would have decided otherwise: the same code, so nothing."""

    @property
    def lost(self) -> int:
        """Orders that nobody knows, and figures that do not tie out."""
        return len(self.rest.unknown_orders) + len(self.rest.differences)

    @property
    def clean(self) -> bool:
        """Nothing went wrong, and each take-over had one winner."""
        numbers = [number for number, _ in self.epochs]
        taken = sum(by == "take-over" for _, by in self.epochs)
        alone = numbers == list(range(1, len(numbers) + 1)) and taken == len(self.take_overs) + 1
        return self.rest.clean and alone and not self.shadow_differences


def live(state: Path, about: dict[str, Any]) -> None:
    """A standby's life: it waits, takes over, trades, and stops in order at SIGTERM."""
    from argo_actors.api.app import serving
    from argo_actors.bootstrap import Daemon, Lockstep, Settings
    from argo_actors.cli.demo import demo_secrets
    from argo_actors.cli.simulated import AdvanceLine, request
    from argo_actors.cli.standby import Standby
    from argo_actors.host import logs
    from argo_actors.host.state import StateDir

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    secrets, config = demo_secrets(about), kill._config(about)
    logs.configure(secrets, state / f"life-{os.getpid()}.log", quiet=True)
    taken = Standby(config, StateDir(state)).wait(ended)
    if taken is None:
        os._exit(0)
    now = int(request(about["url"], "GET", "/argo/state", None)["now"])
    lockstep = Lockstep(now, AdvanceLine(about["url"]), kill.SPEED)
    wanted = Settings(config, StateDir(state), secrets, "demo", lockstep, taken=taken)
    daemon = Daemon(wanted)
    signal.signal(signal.SIGTERM, lambda *_: daemon.ended.set())
    server = serving(daemon, next_free=True)
    daemon.start()
    server.start()
    daemon.ended.wait()
    server.stop()
    daemon.stop("asked to stop")
    os._exit(3 if daemon.failure else 0)


class Relay:
    """The active, its standbys, and the hand that ends them."""

    def __init__(self, state: Path, world: Any, standbys: int) -> None:
        from argo_actors.host.state import StateDir

        self.path, self.world, self.standbys = state, world, standbys
        self.state = StateDir(state)
        self.processes: set[int] = set()
        self.shadow_differences = 0

    def fill(self) -> None:
        """As many standbys as there should be, abreast of the active."""
        while len(self.processes) < self.standbys + 1:
            self.processes.add(self._fork())
        until(lambda: self._abreast(), "standbys abreast of the active")

    def _fork(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            live(self.path, self.world.about)
        except BaseException as error:
            (self.path / f"error-{os.getpid()}.txt").write_text(repr(error))
        os._exit(4)

    def _abreast(self) -> bool:
        from argo_actors.cli.reading import standbys

        found = [one for _, one in standbys(self.state)]
        self._check()
        return len(found) == self.standbys and all(
            one["seq"] and one["behind"]["records"] < 200 for one in found
        )

    def _check(self) -> None:
        for error in self.path.glob("error-*.txt"):
            raise RuntimeError(f"{error.name}: {error.read_text()}")

    def active(self) -> Any:
        from argo_actors.host.lock import holder

        return holder(self.state.lock)

    def status(self) -> dict[str, Any] | None:
        from argo_actors.cli.client import ask
        from argo_actors.errors import ArgoError

        try:
            found: dict[str, Any] = ask(self.state.socket, "GET", "/api/v1/status", None)
        except ArgoError:
            return None
        return found

    def ready(self, before: int = 0) -> bool:
        """Another one than before is READY."""
        self._check()
        found = self.active()
        told = self.status() if found is not None and found.pid != before else None
        return bool(told and told["ready"])

    def count_differences(self) -> None:
        from argo_actors.cli.reading import standbys

        self.shadow_differences += sum(one["differences"] for _, one in standbys(self.state))

    def take_over(self, way: str) -> TakeOver:
        """End the active in one way, and wait for its successor."""
        before = self.active().pid
        self.count_differences()
        begun = time.monotonic()
        if way in ("SIGKILL", "SIGTERM"):
            os.kill(before, getattr(signal, way))
        else:
            if way.startswith("SIGSTOP"):
                os.kill(before, signal.SIGSTOP)
            self._promote(before)
        until(lambda: self.ready(before), f"a successor after {way}")
        gap = time.monotonic() - begun
        os.waitpid(before, 0)
        self.processes.remove(before)
        return TakeOver(way, gap)

    def _promote(self, before: int) -> None:
        from argo_actors.cli.client import Asked
        from argo_actors.cli.promote import promote

        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            promote("the bench", asked=Asked(state=self.path, json=True))
        told = json.loads(said.getvalue())
        if told["ended"] != before:
            raise RuntimeError(f"promote ended another one: {told}")

    def end(self) -> None:
        """Standbys first, then the active, in order."""
        holder = self.active()
        active = holder.pid if holder is not None else 0
        for pid in sorted(self.processes, key=lambda one: one == active):
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        self.processes.clear()

    def abandon(self) -> None:
        """After a failure: nothing is left running."""
        for pid in self.processes:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def until(condition: Any, what: str) -> None:
    """Wait for it. Raises RuntimeError when it does not come."""
    end = time.monotonic() + READY_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {READY_SECONDS:g} s for {what}")
        time.sleep(0.01)


def take_overs(count: int, seed: int, standbys: int) -> Outcome:
    """So many take-overs, then one run to rest, then the comparison."""
    from argo_actors.cli.simulated import SimulatedWorld

    choice = random.Random(seed)
    state = Path(tempfile.mkdtemp(prefix="argo-takeover-"))
    arguments = ["--seed", str(seed), "--lockstep", "--state", str(state / "venue")]
    world = SimulatedWorld([*arguments, "--rate-limit", "1000000"], state / "venue.log")
    kill.warm(world.get("/argo/state")["now"])
    relay = Relay(state, world, standbys)
    done: list[TakeOver] = []
    struck = 0
    try:
        relay.fill()
        until(relay.ready, "the first daemon")
        for n in range(count):
            relay.fill()
            struck += kill._wait_for_orders(world, choice, relay.active().pid)
            done.append(relay.take_over(WAYS[n % len(WAYS)]))
        relay.end()
        rest = kill._compare(world, state, count, struck)
        return Outcome(rest, done, _epochs(state), relay.shadow_differences)
    finally:
        relay.abandon()
        world.close()


def _epochs(state: Path) -> list[tuple[int, str]]:
    from argo_actors.journal.reader import day_files, records
    from argo_actors.messages.system import Epoch

    return [
        (message.number, message.by)
        for path in day_files(state / "journal")
        for record in records(path)
        for message in record.said
        if isinstance(message, Epoch)
    ]


def main() -> int:
    """Print the outcome; exit 1 when it is not clean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--standbys", type=int, default=2)
    given = parser.parse_args()
    outcome = take_overs(given.count, given.seed, given.standbys)
    print(f"take-overs: {len(outcome.take_overs)}")
    print(f"under orders: {outcome.rest.with_orders}")
    print(f"orders: {outcome.rest.orders}")
    print(f"fills: {outcome.rest.fills}")
    print(f"duplicates: {len(outcome.rest.duplicates)}")
    print(f"lost: {outcome.lost}")
    print(f"unprotected without a flag: {len(outcome.rest.unprotected)}")
    print(f"replay differences: {outcome.rest.replay_differences}")
    print(f"shadow differences: {outcome.shadow_differences}")
    for way in WAYS:
        gaps = [one.gap for one in outcome.take_overs if one.way == way]
        if gaps:
            print(f"gap after {way}: median {statistics.median(gaps):.2f} s, max {max(gaps):.2f} s")
    if not outcome.clean:
        print(outcome)
    print("clean" if outcome.clean else "NOT CLEAN")
    return 0 if outcome.clean else 1


if __name__ == "__main__":
    sys.exit(main())
