"""`argo demo`: a simulated market and broker, the real daemon, one command."""

import shlex
import signal
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from .. import config as configuration
from ..config import Config
from ..host import logs
from ..host.secrets import Secrets
from ..host.state import StateDir
from ..runtime.clock import machine_seconds
from ..units import ZERO
from . import trouble
from .output import emit_json, line, verbatim
from .simulated import AdvanceLine, SimulatedWorld, World, request, words

if TYPE_CHECKING:
    from ..tracker.state import TrackerState

HEADLESS_SECONDS = 60.0
BARS_START = "2013-10-10T14:00:00+00:00"
"""13:30 New York: two and a half hours of the stock session, then coins through the evening."""
SETTLE_SECONDS = 20.0
MONEY = ("cash", "fees", "realised", "unrealised")
HALF_A_CENT = Decimal("0.005")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wish(World):
    """How a demo runs."""

    for_: Annotated[float | None, Parameter(name="--for", validator=Number(gt=0))] = None
    """Seconds to run; headless without it: 60, else until Ctrl-C."""
    speed: Annotated[float, Parameter(validator=Number(gt=0, lte=10_000))] = 60.0
    """At most so many market seconds in a second."""
    start: str = ""
    """Market time at which it begins (RFC 3339); default 2026-03-04 15:00Z, with --bars 2013-10-10 14:00Z."""
    state: Path | None = None
    """Where journal and books are kept; default a fresh directory, which is printed."""
    headless: bool = False
    """Print events as lines instead of a live table."""
    json: bool = False
    """End with one JSON object on the last line."""

    @property
    def seconds(self) -> float | None:
        """How long it runs; None for until Ctrl-C."""
        return HEADLESS_SECONDS if self.for_ is None and self.headless else self.for_


WISH = Wish()
CALM = trouble.Troubles()


def demo(*, wish: Wish = WISH, troubles: trouble.Troubles = CALM) -> int:
    """Trade a simulated market through the real daemon: no keys, no network, no file."""
    plan = trouble.plan(troubles.by_kind())
    return Demo(wish, plan, troubles.settings()).run()


class Demo:
    """A venue process and a daemon in this one."""

    def __init__(self, wish: Wish, faults: dict[str, Any], settings: tuple[str, ...]) -> None:
        self.wish = wish
        self.faults = faults
        self.settings = settings
        self.begun = machine_seconds()

    def run(self) -> int:
        """Run it to its end, tie out, say so."""
        state = StateDir(self.wish.state or Path(tempfile.mkdtemp(prefix="argo-demo-")))
        state.create()
        for name in (signal.SIGTERM, signal.SIGHUP):  # an end like Ctrl-C: nothing is left running
            signal.signal(name, signal.default_int_handler)
        world = SimulatedWorld(self._venue_words(state), state.log.parent / "venue.log")
        with closing(world), closing(AdvanceLine(world.url)) as advance:
            return self._with_world(world, advance, state)

    def _venue_words(self, state: StateDir) -> list[str]:
        wish = self.wish
        options = {name: getattr(wish, name) for name in World.__dataclass_fields__}
        start = wish.start or (BARS_START if wish.bars is not None else "")
        return words(options | {"start": start, "lockstep": True, "state": state.path / "venue"})

    def _with_world(self, world: SimulatedWorld, advance: AdvanceLine, state: StateDir) -> int:
        from ..api.app import serving
        from ..bootstrap import Daemon, Settings
        from ..clock.pacer import Lockstep

        secrets = demo_secrets(world.about)
        logs.configure(secrets, state.log, quiet=True)
        config = configuration.override(demo_config(world, self.wish.bars), self.settings)
        request(world.url, "POST", "/argo/faults", self.faults)
        line(f"market: {world.about['label']}; state: {state.path}")
        if self.wish.bars is not None:
            line("recorded bars are too short for daily figures: 5Min bars, ATR-based stops")
        self.begun = machine_seconds()
        lockstep = Lockstep(world.about["now"], advance, self.wish.speed, in_turn=True)
        daemon = Daemon(Settings(config, state, secrets, "demo", lockstep))
        server = serving(daemon)
        line(f"api: {server.url} with the token in {state.token}")
        daemon.start()
        server.start()
        show = _display(self.wish, daemon, state)
        try:
            show.run(self._until(), daemon.ended)
            return self._end(daemon, world, show)
        finally:
            server.stop()
            daemon.stop("the demo ends")

    def _until(self) -> float | None:
        return None if self.wish.seconds is None else self.begun + self.wish.seconds

    def _end(self, daemon: Any, world: SimulatedWorld, show: Any) -> int:
        """Stop the clock, drain the mail, compare the books with the venue's to the cent."""
        if daemon.failure:
            line(f"the daemon failed: {daemon.failure}")
            return 1
        quiet = daemon.pacer.pause(SETTLE_SECONDS)
        show.poll()
        summary = tie_out(daemon, world.get("/argo/books"))
        summary |= show.summary() | {
            "overruns": daemon.pacer.overruns,
            "journal": str(daemon.settings.state.journal),
        }
        _tell(summary, show, quiet)
        if self.wish.json:
            emit_json(summary)
        return 0 if summary["tied"] else 1


def demo_secrets(about: dict[str, Any]) -> Secrets:
    """The simulated account's keys; data and broker keys are separate pairs of names."""
    return Secrets(
        {
            "APCA_API_KEY_ID": about["key_id"],
            "APCA_API_SECRET_KEY": about["secret"],
            "APCA_DATA_KEY_ID": about["data_key_id"],
            "APCA_DATA_SECRET_KEY": about["data_secret"],
            "MASSIVE_API_KEY": "demo-massive-key",
            "ALPHA_VANTAGE_API_KEY": "demo-alpha-vantage-key",
            "XAI_API_KEY": "demo-xai-key",
            "PERPLEXITY_API_KEY": "demo-perplexity-key",
        }
    )


def demo_config(world: SimulatedWorld, bars: Path | None) -> Config:
    """`config/demo.json` with the addresses of the simulated world."""
    file = (
        Path(__file__).parents[2] / "config" / ("demo.json" if bars is None else "demo-bars.json")
    )
    url = world.url
    settings = [
        f"broker.base_url={url}",
        f"broker.stream_url={url.replace('http', 'ws', 1)}/stream",
        f"broker.data_url={url}",
        f"sources.alpaca.base_url={url}/alpaca",
        f"sources.massive.base_url={url}/massive",
        f"sources.alpha_vantage.base_url={url}/alpha_vantage",
        f"sources.yfinance.base_url={url}/yahoo",
        f"sources.xai_grok.base_url={url}/xai",
        f"sources.sonar.base_url={url}/perplexity",
    ]
    if bars is not None:
        known = sorted(one.replace("/", "-") for one in world.about["symbols"])
        settings.append("symbols=" + str(known).replace("'", '"'))
    return configuration.override(configuration.read(file), tuple(settings))


def tie_out(daemon: Any, venue: dict[str, Any]) -> dict[str, Any]:
    """Our books beside the venue's: cash, fees, positions, realised and unrealised profit."""
    from ..api.view import View
    from ..tracker.ledger import total

    books = View(daemon).books
    whole = total(books.lots)
    pairs = _pairs(books, venue)
    differences = {
        name: {"ours": str(ours), "venue": str(theirs)}
        for name, (ours, theirs) in pairs.items()
        if (abs(ours - theirs) >= HALF_A_CENT if name in MONEY else ours != theirs)
    }
    return {
        "long_entries": books.long_entries,
        "short_entries": books.short_entries,
        "trades": books.trade_count,
        "pnl": str(_cents(whole.realised + pairs["unrealised"][0])),
        "venue_pnl": str(_cents(Decimal(venue["realised"]) + Decimal(venue["unrealised"]))),
        "tied": not differences,
        "differences": differences,
        "fees": str(_cents(whole.fees)),
        "cash": str(_cents(pairs["cash"][0])),
        "sources": {
            name: {"state": one.state, "reason": one.reason, "remedy": one.remedy}
            for name, one in books.sources
        },
    }


def _pairs(books: "TrackerState", venue: dict[str, Any]) -> dict[str, tuple[Decimal, Decimal]]:
    """What both know, by name: ours, then the venue's."""
    from ..tracker.ledger import total, unrealised

    whole = total(books.lots)
    held = {symbol: lot for symbol, lot in books.lots if lot.qty}
    theirs = {name.replace("/", "-"): one for name, one in venue["positions"].items()}
    open_profit = (
        unrealised(lot, Decimal(theirs[symbol]["mark"]))
        for symbol, lot in held.items()
        if symbol in theirs
    )
    paid_in = Decimal(venue["start_cash"]) + Decimal(venue["transferred"])
    ours = (paid_in + whole.cash, whole.fees, whole.realised, sum(open_profit, ZERO))
    found = {name: (one, Decimal(venue[name])) for name, one in zip(MONEY, ours, strict=True)}
    for symbol in sorted({*held, *theirs}):
        qty = Decimal(theirs[symbol]["qty"]) if symbol in theirs else ZERO
        found[f"position {symbol}"] = (held[symbol].qty if symbol in held else ZERO, qty)
    return found


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def _tell(summary: dict[str, Any], show: Any, quiet: bool) -> None:
    line()
    line(
        f"entries: {summary['long_entries']} long, {summary['short_entries']} short; "
        f"round trips: {summary['trades']}"
    )
    line(f"profit {summary['pnl']} by our books, {summary['venue_pnl']} by the venue's")
    if summary["tied"]:
        line("the books tie out: cash, fees, positions, realised and unrealised, to the cent")
    for name, pair in summary["differences"].items():
        line(f"DIFFERENCE in {name}: ours {pair['ours']}, the venue's {pair['venue']}")
    for name, source in summary["sources"].items():
        if source["state"] != "running":
            line(f"source {name}: {source['state']}  {source['reason']}")
            if source["remedy"]:
                line(f"   fix: {source['remedy']}")
    if not quiet:
        line("the mail was not drained in time")
    verbatim(f"verify every decision: {command('replay', '--state', str(show.state.path))}")


def command(*words: str) -> str:
    """How the user would type it."""
    program = "bin/argo" if Path("bin/argo").exists() else "argo"
    return shlex.join([program, *words])


def _display(wish: Wish, daemon: Any, state: StateDir) -> Any:
    from .live import Lines, Live

    shown = Lines if wish.headless or wish.json or not sys.stdout.isatty() else Live
    return shown(daemon, state)
