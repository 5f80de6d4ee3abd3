"""Every known failure of every vendor, through the real edge: what it does, and what it says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from argo_actors.config import FAMILY_OF
from argo_actors.messages.opinion import NoOpinion, Opinion, SourceStatus
from argo_actors.source.actor import SourceEdge
from argo_actors.units import SECOND
from tests.source.failures import FAILURES, HANGS, SYMBOLS, Failure, yahoo
from tests.source.provider_stub import ProviderStub, Reply, Script, providing
from tests.source.source_bench import NOW, Bench, config, edge, hours
from tests.source.vendors import KEY, SECRET, VENDORS

DEADLINE = 0.3
by_name = {one.name: one for one in VENDORS}
every_failure = pytest.mark.parametrize(
    "row", FAILURES, ids=[f"{one.source}: {one.name}" for one in FAILURES]
)


@contextmanager
def asking(
    name: str, reply: Reply | Script, seconds: float
) -> Iterator[tuple[Bench, ProviderStub]]:
    """A source that has asked once."""
    made = config(symbols=SYMBOLS, sources={name: {"timeout_seconds": 10, "refresh_seconds": 1}})
    with providing(reply) as stub:

        def make(port: Any, bench: Bench) -> SourceEdge:
            return SourceEdge(
                port,
                name=name,
                config=made,
                make=lambda: by_name[name].make(stub.url, seconds),
                park=bench.park,
            )

        with edge(f"source/{name}", make) as bench:
            bench.hear(hours(NOW))
            ask(bench)
            yield bench, stub


def ask(bench: Bench) -> None:
    """A tick, and the next symbol's turn where the vendor wants its calls apart."""
    bench.tick()
    behaviour: Any = bench.cell.behaviour
    if bench.said(SourceStatus)[-1].state == "running" and behaviour._provider.spacing_seconds:
        bench.tick(2)


def ended(bench: Bench) -> tuple[str, str]:
    """What came of it: its kind, and the text that an operator reads."""
    status = bench.said(SourceStatus)[-1]
    if status.state == "disabled":
        assert [one.state for one in bench.parked] == ["disabled"]
        return "permanent", status.remedy
    if status.state == "backoff":
        return "transient", status.reason
    refused = bench.said(NoOpinion)
    assert {one.symbol for one in refused} == set(SYMBOLS)
    return "soft", refused[-1].reason


@every_failure
def test_a_failure_is_treated_as_its_row_says(row: Failure) -> None:
    hangs = row.reply == HANGS or row.name == "timeout"
    with asking(row.source, row.reply, DEADLINE if hangs else 5.0) as (bench, _):
        kind, text = ended(bench)
        assert (kind, row.holds in text) == (row.kind, True), text
        assert bench.said(Opinion) == []
        assert bench.crashed == []
        if kind == "transient":
            behaviour: Any = bench.cell.behaviour
            seconds = (behaviour._backoff.until - NOW) / SECOND
            assert row.wait[0] <= seconds <= row.wait[1]
        for said in (*bench.said(SourceStatus), *bench.said(NoOpinion)):
            assert KEY not in said.reason
            assert SECRET not in said.reason


@every_failure
def test_after_a_failure_a_revived_source_works(row: Failure) -> None:
    """A parked one by its slow probe, another by itself."""
    hangs = row.name == "timeout"
    with asking(row.source, row.reply, DEADLINE if hangs else 5.0) as (bench, stub):
        bench.clock.move_to(NOW + 4 * 3600 * SECOND)
        stub.script = by_name[row.source].good(bench.clock.now())
        if bench.parked:
            bench.begin()
        bench.hear(hours(bench.clock.now()))
        ask(bench)
        ask(bench)
        assert {one.symbol for one in bench.said(Opinion)} == set(SYMBOLS)
        assert bench.said(SourceStatus)[-1].state == "running"


def test_every_source_has_rows() -> None:
    assert {one.source for one in FAILURES} == set(FAMILY_OF) < set(by_name)


def test_yahoos_blocks_double_to_four_hours() -> None:
    waits = []
    with asking("yfinance", yahoo(Reply(429, b"Too Many Requests")), 5.0) as (bench, _):
        for _ in range(6):
            behaviour: Any = bench.cell.behaviour
            waits.append(int((behaviour._backoff.until - bench.clock.now()) / SECOND) // 10 * 10)
            bench.tick((behaviour._backoff.until - bench.clock.now()) / SECOND + 2)
    assert waits == [900, 1800, 3600, 7200, 14400, 14400]


def test_a_revived_source_knows_the_hours_and_what_its_plan_has_left() -> None:
    from argo_actors.source.kept import Kept

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
