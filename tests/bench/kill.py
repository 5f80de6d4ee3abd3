"""Real SIGKILLs of the daemon while orders work: nothing doubled, nothing lost, nothing unprotected.

Daemons are forked from a warm parent without threads; a few are started cold. The venue is a process of
its own that lives on; market time moves only while a daemon lives. After the last kill one more daemon
runs to rest, and the books are compared. A line every fifty cycles tells how far it is; Ctrl-C ends the
kills early, and what has been done is compared.

    bin/bench kill [--cycles 50] [--seed 1] [--cold 10]
"""

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
SPEED = 400.0
LIFE_SECONDS = 6.0
REST_SECONDS = 40.0
LOG = "kill.log"
TOLD_EVERY = 50
LAST_LINES = 20
NIGHTS = 5
MINUTE, HOUR = 60 * 10**9, 3600 * 10**9
BUSY = (
    "sources.massive.enabled=false",
    "sources.alpha_vantage.enabled=false",
    "sources.xai_grok.enabled=false",
    "sources.sonar.enabled=false",
    "risk.daily_loss_limit_pct=50",
    "risk.max_drawdown_pct=50",
    "risk.warmup_seconds=0",
    "risk.cooldown_stop_minutes=0",
    "risk.cooldown_target_minutes=0",
    "risk.cooldown_signal_minutes=0",
    "risk.entries_per_symbol_and_day=1000",
    "risk.losing_trades_symbol=1000",
    "risk.losing_trades_account=1000",
    "trading.stop_loss_pct=0.2",
    "trading.profit_target_pct=0.2",
)
"""Two sources that start quickly, and positions that are entered readily, end soon and are entered again:
so that there is an order to strike at."""


class Outcome(NamedTuple):
    """What a series of kills came to."""

    kills: int
    with_orders: int
    """Kills within moments of an order reaching the venue."""
    orders: int
    fills: int
    duplicates: list[str]
    unknown_orders: list[str]
    differences: dict[str, Any]
    unprotected: list[str]
    replay_differences: int

    @property
    def clean(self) -> bool:
        """Nothing went wrong."""
        return not (
            self.duplicates
            or self.unknown_orders
            or self.differences
            or self.unprotected
            or self.replay_differences
        )


def run_daemon(state: Path, about: dict[str, Any], wait_for_rest: bool) -> dict[str, Any] | None:
    """One daemon's life; it ends by SIGKILL, or at rest with its tie-out."""
    from argo_actors.bootstrap import Daemon, Lockstep, Settings
    from argo_actors.cli.demo import demo_secrets, tie_out
    from argo_actors.cli.simulated import AdvanceLine, request
    from argo_actors.host import logs
    from argo_actors.host.state import StateDir

    url = about["url"]
    now = int(request(url, "GET", "/argo/state", None)["now"])
    secrets = demo_secrets(about)
    logs.configure(secrets, state / LOG, quiet=True)
    lockstep = Lockstep(now, AdvanceLine(url), SPEED)
    daemon = Daemon(Settings(_config(about), StateDir(state), secrets, "demo", lockstep))
    daemon.start()
    if not wait_for_rest:
        daemon.ended.wait()
        os._exit(3)
    daemon.ended.wait(REST_SECONDS / 4)
    daemon.pacer.pause(20)
    found = tie_out(daemon, request(url, "GET", "/argo/books", None))
    found["holdings"] = {
        symbol: {"phase": one.phase, "qty": str(one.qty), "since": one.unprotected_since}
        for symbol, one in daemon.engine.deciders["tracker"].state.holdings
        if one.qty
    }
    daemon.stop()
    return found


def _config(about: dict[str, Any]) -> Any:
    from argo_actors import config as configuration
    from argo_actors.cli.demo import demo_config

    class World:
        url = about["url"]

    World.about = about
    return configuration.override(demo_config(World, None), BUSY)


def warm(now: int) -> None:
    """Have in memory what a daemon needs at that market time, without starting a thread."""
    import alpaca.trading.client  # noqa: F401
    import talib  # noqa: F401

    import argo_actors.bootstrap
    import argo_actors.cli.demo  # noqa: F401
    from argo_actors.clock.hours import Hours

    Hours(now)


def start(state: Path, about: dict[str, Any], cold: bool) -> int:
    """A daemon process: forked from this warm one, or started cold. Returns its process id."""
    if cold:
        code = (
            "import json,sys; from pathlib import Path; from tests.bench.kill import run_daemon; "
            "run_daemon(Path(sys.argv[1]), json.loads(sys.argv[2]), False)"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-c", code, str(state), json.dumps(about)],
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        ).pid
    pid = os.fork()
    if pid:
        return pid
    try:
        run_daemon(state, about, False)
    except BaseException:
        (state / LOG).open("a").write(traceback.format_exc())
    os._exit(4)


def kill(pid: int) -> None:
    """SIGKILL, and take the process in."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def kills(cycles: int, seed: int, cold: int, start_at: str = "") -> Outcome:
    """So many kills, then one run to rest, then the comparison."""
    from argo_actors.cli.simulated import SimulatedWorld

    choice = random.Random(seed)
    state = Path(tempfile.mkdtemp(prefix="argo-kill-"))
    arguments = ["--seed", str(seed), "--lockstep", "--state", str(state / "venue")]
    # Market time stands still while no daemon lives: a start costs calls of the same minute.
    arguments += ["--rate-limit", "1000000"]
    world = SimulatedWorld(
        arguments + (["--start", start_at] if start_at else []), state / "venue.log"
    )
    stopped = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    struck = nights = done = 0
    told_at = time.monotonic()
    try:
        while done < cycles and not stopped.is_set():
            nights = _skip_night(world, nights)
            pid = start(state, world.about, cold > 0 and done % max(1, cycles // cold) == 0)
            try:
                struck += _wait_for_orders(world, choice, pid)
            except Ended as ended:
                raise RuntimeError(f"cycle {done}: {ended}\n{_last_lines(state)}") from None
            kill(pid)
            done += 1
            if done % TOLD_EVERY == 0:
                _tell(done, struck, state, (time.monotonic() - told_at) / TOLD_EVERY)
                _seal(state)
                told_at = time.monotonic()
        return _compare(world, state, done, struck)
    finally:
        world.close()


def _skip_night(world: Any, nights: int) -> int:
    """A few daemons of a row meet a closed market; then none lives until it opens. Returns how many did."""
    from argo_actors.cli.simulated import AdvanceLine
    from argo_actors.clock.hours import Hours

    now = int(world.get("/argo/state")["now"])
    warm(now)
    hours = Hours(now).at(now)
    if hours.is_open or nights < NIGHTS:
        return 0 if hours.is_open else nights + 1
    line = AdvanceLine(world.url)
    until = hours.next_open + 6 * MINUTE
    while now < until:
        now = min(now + HOUR, until)
        line(now)
    line.close()
    return 0


def _tell(cycle: int, struck: int, state: Path, seconds: float) -> None:
    size = sum(one.stat().st_size for one in (state / "journal").iterdir()) / 1e6
    print(
        f"cycle {cycle}: {seconds:.2f} s each, {struck} with orders, journal {size:.0f} MB",
        flush=True,
    )


def _seal(state: Path) -> None:
    """End what no daemon has lived long enough for: else each one compresses the same day from its start."""
    from argo_actors.journal.sealed import seal

    seal(*sorted((state / "journal").glob("*.db"))[:-1])


def _last_lines(state: Path) -> str:
    """What the daemon itself said of its end."""
    lines = (state / LOG).read_text().splitlines()[-LAST_LINES:]
    return "\n".join(lines or ["it has written nothing"]) + f"\n(its state: {state})"


class Ended(Exception):
    """A daemon ended by itself."""


def _wait_for_orders(world: Any, choice: random.Random, pid: int) -> bool:
    """Until the venue has a new order or fill (plus a moment), or this life is long enough."""
    parts = urlsplit(world.url)
    line = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        before = _count(line)
        until = time.monotonic() + LIFE_SECONDS
        while time.monotonic() < until:
            if _count(line) != before:
                time.sleep(choice.choice((0.0, 0.001, 0.005, 0.02, 0.05, 0.2)))
                return True
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                raise Ended(f"the daemon ended by itself, exit {code}")
            time.sleep(0.002)
        return False
    finally:
        line.close()


def _count(line: http.client.HTTPConnection) -> tuple[int, int]:
    line.request("GET", "/argo/books")
    books = json.loads(line.getresponse().read())
    return books["orders"], books["fills"]


def _compare(world: Any, state: Path, cycles: int, struck: int) -> Outcome:
    code = (
        "import json,sys; from pathlib import Path; from tests.bench.kill import run_daemon; "
        "print(json.dumps(run_daemon(Path(sys.argv[1]), json.loads(sys.argv[2]), True), default=str))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(state), json.dumps(world.about)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=REST_SECONDS + 60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    rest = json.loads(done.stdout.strip().splitlines()[-1])
    orders = _venue_orders(world)
    known = _known_orders(state)
    own = [one for one in orders if one["client_order_id"].startswith("argo-")]
    counts = Counter(one["client_order_id"] for one in own)
    entries = Counter(
        (one["symbol"], one["client_order_id"].split("-")[2])
        for one in own
        if "-entry-" in one["client_order_id"]
    )
    return Outcome(
        kills=cycles,
        with_orders=struck,
        orders=len(own),
        fills=world.get("/argo/books")["fills"],
        duplicates=[one for one, n in counts.items() if n > 1]
        + [f"{symbol} {key}" for (symbol, key), n in entries.items() if n > 1],
        unknown_orders=[one for one in counts if one not in known],
        differences=rest["differences"],
        unprotected=_unprotected(world, orders, rest["holdings"]),
        replay_differences=_replayed(state),
    )


def _venue_orders(world: Any) -> list[dict[str, Any]]:
    about = world.about
    found: dict[str, dict[str, Any]] = {}
    after = ""
    while True:
        parts = urlsplit(about["url"])
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        path = "/v2/orders?status=all&nested=true&limit=500&direction=asc" + after
        connection.request(
            "GET",
            path,
            headers={"APCA-API-KEY-ID": about["key_id"], "APCA-API-SECRET-KEY": about["secret"]},
        )
        page = json.loads(connection.getresponse().read())
        connection.close()
        new = [one for one in page if one["id"] not in found]
        found |= {one["id"]: one for one in new}
        if len(page) < 500 or not new:
            return list(found.values())
        after = "&after=" + page[-1]["submitted_at"]


def _known_orders(state: Path) -> set[str]:
    from argo_actors.journal.reader import day_files, records
    from argo_actors.messages.order import SubmitOrder

    return {
        message.client_order_id
        for path in day_files(state / "journal")
        for record in records(path)
        for message in record.said
        if isinstance(message, SubmitOrder)
    }


def _unprotected(world: Any, orders: list[Any], holdings: dict[str, Any]) -> list[str]:
    """Positions at the venue without live stops for the whole quantity, and without a flag of ours."""
    live = {"new", "held", "accepted", "pending_new", "partially_filled"}
    covered: Counter[str] = Counter()
    for one in orders:
        for part in (one, *(one["legs"] or ())):
            awake = part is one or one["status"] == "filled" or one["order_class"] == "oco"
            if awake and part["type"] in ("stop", "stop_limit") and part["status"] in live:
                covered[one["symbol"]] += Decimal(part["qty"]) - Decimal(part["filled_qty"])
    found = []
    for symbol, one in world.get("/argo/books")["positions"].items():
        mine = holdings.get(symbol.replace("/", "-"), {})
        short = abs(Decimal(one["qty"])) - covered[symbol]
        if short > Decimal("0.000001") and not mine.get("since") and mine.get("phase") != "exiting":
            found.append(f"{symbol}: {short} of {one['qty']} without a stop ({mine or 'unknown'})")
    return found


def _replayed(state: Path) -> int:
    from argo_actors.bootstrap import deciders
    from argo_actors.journal.reader import day_files
    from argo_actors.replay.verify import verify

    return len(verify(day_files(state / "journal"), deciders).differences)


def main() -> int:
    """Print the outcome; exit 1 when it is not clean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cold", type=int, help="so many daemons start cold; 4, or 1 in 100")
    given = parser.parse_args()
    cold = max(4, given.cycles // 100) if given.cold is None else given.cold
    outcome = kills(given.cycles, given.seed, cold)
    for name, value in outcome._asdict().items():
        print(f"{name}: {value}")
    print("clean" if outcome.clean else "NOT CLEAN")
    return 0 if outcome.clean else 1


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
