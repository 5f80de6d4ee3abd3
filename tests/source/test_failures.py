"""Every known failure of every vendor, through the venue's emulation of it and the real edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.cli.trouble import PATHS
from argo_actors.config import FAMILY_OF
from argo_actors.messages.opinion import NoOpinion, Opinion, SourceStatus, VendorPrice
from argo_actors.source.actor import CLOCK_FIX, SourceEdge
from argo_actors.source.backoff import BREAKER_FAILURES
from argo_actors.source.judge import SKEWED
from argo_actors.source.kept import Kept
from argo_actors.units import SECOND
from tests.source.failures import CANNOT, DOWN, FAILURES, FIRST, HANGS, MOST, SYMBOLS, Failure
from tests.source.provider_stub import providing
from tests.source.source_bench import NOW, Bench, config, edge, hours
from tests.source.vendors import KEY, SECRET, VENDORS

DEADLINE = 1.0
PROBE_SECONDS = 600.0
START = "2026-03-04T15:00:05Z"
by_name = {one.name: one for one in VENDORS}
every_failure = pytest.mark.parametrize(
    "row", FAILURES, ids=[f"{one.source}: {one.what}, {one.name}" for one in FAILURES]
)


class Emulation:
    """The venue with its vendors; its time moves with the bench's."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    def now(self) -> int:
        return int(self._world.get("/argo/state")["now"])

    def url(self, source: str) -> str:
        return self._world.url + PATHS[source].removesuffix("/*")

    def spoil(self, source: str, fault: Any, path: str = "") -> None:
        """From now on its vendor does this."""
        given = fault(self.now()) if callable(fault) else fault
        rule = {"on": "request", "path": path or PATHS[source], "fault": given}
        found = request(self._world.url, "POST", "/argo/faults", {"rules": [rule]})
        assert "rules" in found, found

    def mend(self) -> None:
        """Nothing is wrong any more."""
        request(self._world.url, "DELETE", "/argo/faults", None)

    def hits(self) -> int:
        return int(self._world.get("/argo/faults")["total"])

    def wait(self, bench: Bench, seconds: float) -> None:
        """Let market time pass on both sides."""
        to = bench.clock.now() + int(seconds * SECOND)
        bench.clock.move_to(to)
        request(self._world.url, "POST", "/argo/advance", {"to": to})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulation]:
    log = tmp_path_factory.mktemp("venue") / "venue.log"
    world = SimulatedWorld(["--lockstep", "--start", START, "--rate-limit", "1000000"], log)
    yield Emulation(world)
    world.close()


@pytest.fixture
def venue(running: Emulation) -> Iterator[Emulation]:
    yield running
    running.mend()


@contextmanager
def asking(venue: Emulation, name: str, seconds: float = 5.0) -> Iterator[Bench]:
    """A source that has asked once."""
    restart = {"probe_seconds": PROBE_SECONDS}
    settings = {"timeout_seconds": 10, "refresh_seconds": 1, "restart": restart}
    made = config(symbols=SYMBOLS, sources={name: settings})

    def make(port: Any, bench: Bench) -> SourceEdge:
        return SourceEdge(
            port,
            name=name,
            config=made,
            make=lambda: by_name[name].make(venue.url(name), seconds),
            park=bench.park,
        )

    with edge(f"source/{name}", make, now=venue.now()) as bench:
        bench.hear(hours(bench.clock.now()))
        ask(bench, venue)
        yield bench


def ask(bench: Bench, venue: Emulation) -> None:
    """A tick, and the next symbol's turn where the vendor wants its calls apart."""
    bench.tick()
    behaviour: Any = bench.cell.behaviour
    if bench.said(SourceStatus)[-1].state == "running" and behaviour._provider.spacing_seconds:
        venue.wait(bench, 2)
        bench.tick()


def ended(bench: Bench) -> tuple[str, str]:
    """What came of it: its kind, and the text that an operator reads."""
    status = bench.said(SourceStatus)[-1]
    if status.state == "disabled":
        assert [one.state for one in bench.parked] == ["disabled"]
        assert status.reason
        return "permanent", status.remedy
    if status.state == "backoff":
        return "transient", status.reason
    refused = bench.said(NoOpinion)
    assert {one.symbol for one in refused} == set(SYMBOLS)
    return "soft", refused[-1].reason


def waits(bench: Bench) -> float:
    """Seconds until it may be asked again."""
    behaviour: Any = bench.cell.behaviour
    return float((behaviour._backoff.until - bench.clock.now()) / SECOND)


@every_failure
def test_a_failure_is_treated_as_its_row_says_and_the_source_comes_back(
    row: Failure, venue: Emulation
) -> None:
    """A parked one by its slow probe, another by itself when it has waited."""
    venue.spoil(row.source, row.fault, row.path)
    with asking(venue, row.source, DEADLINE if row.fault == HANGS else 5.0) as bench:
        kind, text = ended(bench)
        assert (kind, row.holds in text) == (row.kind, True), text
        assert venue.hits()
        assert bench.said(Opinion) == []
        assert bench.crashed == []
        for said in (*bench.said(SourceStatus), *bench.said(NoOpinion)):
            assert KEY not in said.reason
            assert SECRET not in said.reason
        least, most = row.wait or (1.0, FIRST[row.source])
        if kind == "transient":
            assert least <= waits(bench) <= most
        venue.mend()
        if kind == "permanent" or row.what == "symbol":
            bench.begin()
        # The market has only so many hours: what is parked begins anew at once.
        venue.wait(bench, waits(bench) + 1 if kind == "transient" else 65 * (kind == "soft"))
        bench.hear(hours(bench.clock.now()))
        ask(bench, venue)
        ask(bench, venue)
        assert {one.symbol for one in bench.said(Opinion)} == set(SYMBOLS)
        assert bench.said(SourceStatus)[-1].state == "running"


def test_every_kind_of_failure_is_shown_for_every_source_or_cannot_be() -> None:
    assert {one.source for one in FAILURES} == set(PATHS) == set(FAMILY_OF) < set(by_name)
    assert {one.what for one in FAILURES} <= set(CANNOT)
    shown = {(one.what, one.source) for one in FAILURES}
    excused = {(what, source) for what, reasons in CANNOT.items() for source in reasons}
    assert shown & excused == set()
    assert shown | excused == {(what, source) for what in CANNOT for source in PATHS}
    assert all(reason for reasons in CANNOT.values() for reason in reasons.values())


@pytest.mark.parametrize("name", PATHS)
def test_failures_in_a_row_wait_up_to_the_vendors_longest_time(name: str, venue: Emulation) -> None:
    """Where each try costs, the question is given up after two, and the next one begins anew."""
    venue.spoil(name, DOWN)
    with asking(venue, name) as bench:
        behaviour: Any = bench.cell.behaviour
        seen = [waits(bench)]
        while len(seen) < BREAKER_FAILURES + 1:
            # Two minutes: another bar or slot is due, even where this one was given up.
            bench.tick(max(waits(bench), 0) + 120)
            seen.append(waits(bench))
        assert all(1 <= wait <= MOST[name] for wait in seen)
        assert min(seen[-2:]) >= 0.9 * MOST[name]
        assert behaviour.plans()["breaker_open"]


@pytest.mark.parametrize("name", ["alpha_vantage", "xai_grok", "sonar"])
def test_where_each_try_costs_a_question_is_asked_twice_at_the_most(
    name: str, venue: Emulation
) -> None:
    venue.spoil(name, DOWN)
    made = {"refresh_seconds": 1800} if name != "alpha_vantage" else {"timeframe": "1Day"}
    settings = config(symbols=["BTC-USD"], sources={name: {"timeout_seconds": 10} | made})

    def make(port: Any, bench: Bench) -> SourceEdge:
        return SourceEdge(
            port,
            name=name,
            config=settings,
            make=lambda: by_name[name].make(venue.url(name), 5.0),
            park=bench.park,
        )

    slot = 1800 * SECOND
    with edge(f"source/{name}", make, now=venue.now() // slot * slot) as bench:
        bench.hear(hours(bench.clock.now()))
        for _ in range(6):
            bench.tick(max(waits(bench), 0) + 30)
        behaviour: Any = bench.cell.behaviour
        assert behaviour._provider.sent == 2


def test_a_symbol_that_a_vendor_does_not_have_is_not_asked_for_until_the_next_probe(
    venue: Emulation,
) -> None:
    for name in ("yfinance", "alpha_vantage"):
        venue.spoil(name, {"kind": "vendor", "how": "symbol"}, "/*/v8/*" * (name == "yfinance"))
        with asking(venue, name) as bench:
            behaviour: Any = bench.cell.behaviour
            assert behaviour._kept.calls == len(SYMBOLS)
            for _ in range(3):
                venue.wait(bench, 65)
                ask(bench, venue)
            assert behaviour._kept.calls == len(SYMBOLS)
            venue.wait(bench, PROBE_SECONDS)
            ask(bench, venue)
            assert behaviour._kept.calls == 2 * len(SYMBOLS)
        venue.mend()


def test_alpha_vantages_bursts_wait_two_seconds_and_then_a_minute(venue: Emulation) -> None:
    venue.spoil("alpha_vantage", {"kind": "vendor", "how": "burst"})
    with asking(venue, "alpha_vantage") as bench:
        assert 2 <= waits(bench) <= 7
        venue.wait(bench, waits(bench) + 1)
        bench.tick()
        assert 60 <= waits(bench) <= 65


def test_yahoos_blocks_double_to_four_hours(venue: Emulation) -> None:
    venue.spoil("yfinance", {"kind": "vendor", "how": "quota"}, "/yahoo/v8/*")
    seen = []
    with asking(venue, "yfinance") as bench:
        for _ in range(6):
            seen.append(int(waits(bench)) // 10 * 10)
            bench.tick(waits(bench) + 2)
    assert seen == [900, 1800, 3600, 7200, 14400, 14400]


def test_while_clocks_differ_it_runs_with_a_warning_and_no_price_is_told(
    venue: Emulation,
) -> None:
    venue.spoil("massive", {"kind": "skew", "seconds": 40})
    with asking(venue, "massive") as bench:
        status = bench.said(SourceStatus)[-1]
        assert (status.state, status.reason, status.remedy) == ("running", SKEWED, CLOCK_FIX)
        assert bench.said(VendorPrice) == []
        venue.mend()
        venue.wait(bench, 65)
        ask(bench, venue)
        assert bench.said(SourceStatus)[-1].reason == ""
        assert bench.said(VendorPrice)


def test_zeros_before_the_open_are_no_price(venue: Emulation) -> None:
    zeros = {"/tickers/*/lastTrade/p": 0, "/tickers/*/min/c": 0}
    venue.spoil("massive", {"kind": "edit", "set": zeros}, "/massive/v2/snapshot/*")
    with asking(venue, "massive") as bench:
        assert {one.symbol for one in bench.said(Opinion)} == set(SYMBOLS)
        assert bench.said(VendorPrice) == []
        assert venue.hits()


def test_a_models_opinion_ends_with_its_life(venue: Emulation) -> None:
    for name in ("xai_grok", "sonar"):
        with asking(venue, name) as bench:
            behaviour: Any = bench.cell.behaviour
            lives = {one.valid_until - one.as_of for one in bench.said(Opinion)}
            assert lives == {int(behaviour._settings.valid_seconds * SECOND)}


def test_a_revived_source_knows_the_hours_and_what_its_plan_has_left() -> None:

    kept, vendor = Kept(), by_name["sonar"]
    made = config(symbols=SYMBOLS, sources={"sonar": {"calls_per_day": 2, "refresh_seconds": 1800}})
    with providing(vendor.good(NOW)) as stub:

        def make(port: Any, bench: Bench) -> SourceEdge:
            return SourceEdge(
                port,
                name="sonar",
                config=made,
                make=lambda: vendor.make(stub.url, 5.0),
                park=bench.park,
                kept=kept,
            )

        with edge("source/sonar", make) as bench:
            bench.hear(hours(NOW))
            for expected in (1, 2, 2):
                bench.begin()
                bench.tick()
                assert len(stub.asked) == expected
                assert b"AAPL" in stub.asked[-1].body
