"""A simulated world and a daemon in it, for tests that want the real thing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argo_actors import config as configuration
from argo_actors.bootstrap import Daemon, Settings
from argo_actors.cli.demo import demo_config, demo_secrets
from argo_actors.cli.simulated import AdvanceLine, SimulatedWorld, request
from argo_actors.clock.pacer import Lockstep
from argo_actors.host import logs
from argo_actors.host.state import StateDir

SPEED = 2000.0


@contextmanager
def world(state: Path, *arguments: str, seed: int = 7) -> Iterator[SimulatedWorld]:
    """A venue process whose market time only a daemon moves."""
    state.mkdir(parents=True, exist_ok=True)
    one = SimulatedWorld(
        ["--seed", str(seed), "--lockstep", "--state", str(state / "venue"), *arguments],
        state / "venue.log",
    )
    try:
        yield one
    finally:
        one.close()


@contextmanager
def daemon(
    one: SimulatedWorld,
    state: Path,
    *settings: str,
    speed: float = SPEED,
    in_turn: bool = False,
) -> Iterator[Daemon]:
    """A running daemon in that world; stopped in order at the end."""
    line = AdvanceLine(one.url)
    made = make(one, state, *settings, speed=speed, line=line, in_turn=in_turn)
    made.start()
    try:
        yield made
    finally:
        made.stop("the test ends")
        line.close()


def make(
    one: SimulatedWorld,
    state: Path,
    *settings: str,
    speed: float = SPEED,
    line: AdvanceLine | None = None,
    in_turn: bool = False,
) -> Daemon:
    """A daemon that has not been started."""
    secrets = demo_secrets(one.about)
    logs.configure(secrets, state / "daemon.log", quiet=True)
    config = configuration.override(demo_config(one, None), settings)
    now = int(request(one.url, "GET", "/argo/state", None)["now"])
    lockstep = Lockstep(now, line or AdvanceLine(one.url), speed, in_turn)
    return Daemon(Settings(config, StateDir(state), secrets, "demo", lockstep))


def until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Wait for a condition; fail with its name when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds:g} s for {what}")
