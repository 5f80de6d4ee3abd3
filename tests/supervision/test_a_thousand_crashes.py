"""One source that crashes a thousand times in a row, in a whole engine in virtual time."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from argo_actors.bootstrap import configured, deciders, groups
from argo_actors.journal.codec import Record
from argo_actors.journal.reader import day_files, opening, records
from argo_actors.messages.market import Decide, Tick
from argo_actors.messages.opinion import Opinion, SourceCall
from argo_actors.messages.system import Crashed, Parked, Restarted, Started
from argo_actors.replay.verify import verify
from argo_actors.runtime.engine import EdgeSpec, Engine, Plan
from argo_actors.runtime.folding import Folding
from argo_actors.runtime.virtual import Virtual, VirtualClock
from argo_actors.source.actor import SourceEdge
from argo_actors.source.provider import Provider, Reading
from argo_actors.units import SECOND, Symbol, UtcNanos
from tests.source.source_bench import NOW, config, rising

CRASHES = 1000
TICK = 5 * SECOND
BAD = "source/massive"


class Bars(Provider):
    """It has bars, or nothing, or a bug."""

    def __init__(self, what: str) -> None:
        self._what = what

    @property
    def sent(self) -> int:
        return 0

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        if self._what == "bug":
            raise ZeroDivisionError("planted")
        nothing = self._what == "nothing"
        return [
            Reading(one, () if nothing else rising(now), nothing="nothing" * nothing)
            for one in symbols
        ]

    def close(self) -> None:
        """Nothing is open."""


class Ran(NamedTuple):
    """What a run left behind."""

    records: list[Record]
    ticks: int


def ran(directory: Path, what: str, ticks: int) -> Ran:
    """A good source beside one of this kind: at least so many ticks, and a thousand crashes if it has a bug."""
    restart = {"intensity": 3, "period_seconds": 60, "backoff_seconds": 1, "probe_seconds": 10}
    made = config(
        symbols=["BTC-USD"],
        sources={"alpaca": {}, "massive": {"calls_per_minute": 1000, "restart": restart}},
    )
    driver = Virtual(7)
    clock = VirtualClock(NOW, driver.alarm)

    def edge(name: str, kind: str) -> EdgeSpec:
        def behaviour(port: Any) -> SourceEdge:
            return SourceEdge(port, name=name, config=made, make=partial(Bars, kind), park=park)

        return EdgeSpec(f"source/{name}", behaviour)

    def park(*words: str, probe: bool = True) -> None:
        engine.supervisor.park(*words, probe=probe)

    plan = Plan(
        directory=directory,
        configured=configured(made, "1"),
        build=deciders,
        groups=groups(made),
        edges=(edge("alpaca", "bars"), edge("massive", what)),
        driver=driver,
    )
    failures: list[str] = []
    engine = Engine(plan, clock, failures.append)
    engine.start(Started(run=1, mode="demo"))
    n = 0
    while n < ticks or (what == "bug" and engine.edges[BAD].crashes < CRASHES):
        n += 1
        engine.say("clock", Tick(n=n))
        for step in (SECOND, TICK - SECOND):
            until = driver.alarm.now + step
            while driver.move(until):
                pass
            if step == SECOND:
                engine.say("clock", Decide(n=n))
    engine.stop()
    assert failures == []
    return Ran([one for path in day_files(directory) for one in records(path)], n)


def words(run: Ran, actor: str, until: UtcNanos) -> list[tuple[Any, ...]]:
    """What an actor said in which second; identities of words count the other's records too."""
    return [
        (
            record.at // SECOND,
            *(_bare(one) for one in record.said if not isinstance(one, SourceCall)),
        )
        for record in run.records
        if record.actor == actor and record.said and record.at < until
    ]


def _bare(message: Any) -> Any:
    return msgspec.structs.replace(message, because=()) if hasattr(message, "because") else message


def test_a_thousand_crashes_in_a_row_cost_no_word_of_anybody_else(tmp_path: Path) -> None:
    bad = ran(tmp_path / "bad", "bug", 1)
    told = [word for record in bad.records for word in record.said]
    crashes = [one for one in told if isinstance(one, Crashed)]
    assert len(crashes) == CRASHES
    assert {(one.address, one.error) for one in crashes} == {(BAD, "ZeroDivisionError: planted")}
    assert [record.outcome for record in bad.records if record.actor == BAD].count(
        "crashed:ZeroDivisionError"
    ) == CRASHES
    assert not any(isinstance(one, Opinion) and one.source == "massive" for one in told)
    # The intensity rule parks it, the slow probe tries it again, and it is parked again.
    parked = [one for one in told if isinstance(one, Parked)]
    assert {(one.address, one.state) for one in parked} == {(BAD, "failed")}
    assert len(parked) > 100
    assert len([one for one in told if isinstance(one, Restarted)]) > len(parked)
    assert crashes[-1].restarts == CRASHES
    assert "it failed too often: ZeroDivisionError: planted" in parked[-1].reason
    # Every word that was said was heard.
    (path,) = day_files(tmp_path / "bad")
    folding = Folding(opening(path), deciders)
    folding.apply_all(records(path))
    assert folding.mail() == ()
    assert verify([path], deciders).differences == ()
    # And what everybody else said is what they say beside a source that is silent.
    calm = ran(tmp_path / "calm", "nothing", bad.ticks)
    until = NOW + bad.ticks * TICK
    for actor in ("source/alpaca", "consensus", "risk", "order/BTC-USD"):
        assert words(bad, actor, until) == words(calm, actor, until), actor
    assert len(words(bad, "consensus", until)) == bad.ticks
    assert len(words(bad, "source/alpaca", until)) > bad.ticks / 20
