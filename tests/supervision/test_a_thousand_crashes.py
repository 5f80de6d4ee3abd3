"""One source that crashes a thousand times in a row, in a whole engine in virtual time."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest

from argo_actors.api.app import serving
from argo_actors.bootstrap import configured, deciders, groups
from argo_actors.cli.main import run
from argo_actors.host.state import StateDir
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


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory, where there is one: thousands of commits wait for no disk there."""
    shared = Path("/dev/shm")
    directory = Path(tempfile.mkdtemp(prefix="argo-", dir=shared if shared.is_dir() else None))
    yield directory
    shutil.rmtree(directory)


def nobody_looks(engine: Engine) -> None:
    """The run is not looked into."""


def ran(
    directory: Path, what: str, ticks: int, look: Callable[[Engine], None] = nobody_looks
) -> Ran:
    """A good source beside one of this kind: at least so many ticks, and a thousand crashes if it has a bug.

    `look` is called at the end, while everything still stands.
    """
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
        groups=tuple(one for one in groups(made) if one.name in ("deciders", "sources")),
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
    look(engine)
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


def inspect(engine: Engine, state: StateDir) -> None:
    """`argo inspect`, through the socket, of an engine without a daemon around it."""
    state.create()
    whole = SimpleNamespace(
        engine=engine, config=config(api={"port": 0}), settings=SimpleNamespace(state=state)
    )
    server = serving(whole)  # type: ignore[arg-type]
    server.start()
    try:
        assert run(["inspect", "--state", str(state.path)]) == 0
        assert run(["inspect", BAD, "--state", str(state.path)]) == 0
    finally:
        server.stop()


def test_a_thousand_crashes_in_a_row_cost_no_word_of_anybody_else(
    memory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = StateDir(memory / "state")
    bad = ran(memory / "bad", "bug", 1, lambda engine: inspect(engine, state))
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
    (path,) = day_files(memory / "bad")
    folding = Folding(opening(path), deciders)
    folding.apply_all(records(path))
    assert folding.mail() == ()
    assert verify([path], deciders).differences == ()
    # And what everybody else said is what they say beside a source that is silent.
    calm = ran(memory / "calm", "nothing", bad.ticks)
    until = NOW + bad.ticks * TICK
    for actor in ("source/alpaca", "consensus", "risk", "order/BTC-USD"):
        assert words(bad, actor, until) == words(calm, actor, until), actor
    assert len(words(bad, "consensus", until)) == bad.ticks
    assert len(words(bad, "source/alpaca", until)) > bad.ticks / 20
    tells_the_story(capsys.readouterr().out, len(parked))


def tells_the_story(shown: str, parkings: int) -> None:
    """Who crashed, on what, how often, since when it is parked, what to do: at 80 columns."""
    tree, _, actor = shown.partition("\n{")
    assert max(map(len, tree.splitlines())) <= 80
    neighbour, _, story = tree.partition("source/massive")
    assert "crashed" not in neighbour
    assert re.search(r"source/alpaca +running .* restarts 0$", neighbour, re.MULTILINE)
    told = " ".join(story.split())
    moment = r"2026-03-04T\d\d:\d\d:\d\dZ"
    assert re.match(r"failed handled [\d,]+ waiting 0 restarts 1,000 crashed 1,000 times", told)
    assert re.search(rf"last {moment} in \S+py:\d+ readings: ZeroDivisionError: planted", told)
    assert re.search(rf"parked {parkings} times, last {moment} it failed too often", told)
    assert "fix: report the error; `argo source probe massive` starts it at once" in told
    assert re.search(r"started again by itself in \d+ s", told)
    about = msgspec.json.decode("{" + actor)
    assert (about["restarts"], about["parkings"], about["state"]) == (1000, parkings, "failed")
