"""A standby reads along: over the day's end too, and tells what it would decide otherwise."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argo_actors.journal.reader import day_files
from argo_actors.messages.market import Decide
from argo_actors.replay import shadow as shadows
from argo_actors.replay.shadow import FEW, Shadow
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.decider import Decider
from argo_actors.runtime.engine import Engine
from argo_actors.units import DAY
from tests.replay.test_verify import engine, rules
from tests.waiting import until

NOON = 19_700 * DAY + DAY // 2


@pytest.fixture
def active(tmp_path: Path) -> Iterator[Engine]:
    made = engine(tmp_path, threads=False, clock=SetClock(NOON))
    made.start()
    yield made
    made.stop()


def decide(active: Engine, *numbers: int) -> None:
    """Let the active make these decisions; all of it is on disk afterwards."""
    for n in numbers:
        active.say("clock", Decide(n=n))
    assert active.office.activity.wait_still(5)
    active.journal.wait_durable(active.journal.next_seq - 1, 5)


def states(active: Engine) -> dict[str, Any]:
    return {address: cell.state for address, cell in active.deciders.items()}


def folded(shadow: Shadow) -> dict[str, Any]:
    assert shadow._verifier is not None
    return dict(shadow._verifier.folding.states)


def test_it_is_abreast_of_the_active_over_days_that_end_and_are_sealed(
    active: Engine, tmp_path: Path
) -> None:
    shadow = Shadow(tmp_path, rules())
    for day in range(4):
        decide(active, *range(1, 40))
        assert shadow.behind()["records"] > 0
        shadow.poll()
        assert shadow.behind()["records"] == 0
        assert folded(shadow) == states(active)
        if day == 3:  # a day that is still read when it ends is sealed with the next one
            until(lambda: sum(path.suffix == ".gz" for path in day_files(tmp_path)) >= 2)
        active.clock.move_to(NOON + (day + 1) * DAY)  # type: ignore[attr-defined]
    assert (shadow.differences, shadow.first, shadow.trouble) == (0, [], "")
    assert shadow.decisions >= 4 * 2 * 39
    assert len(day_files(tmp_path)) == 4


def test_what_other_code_would_say_is_counted_and_the_first_is_shown(
    active: Engine, tmp_path: Path
) -> None:
    shadow = Shadow(tmp_path, rules(factor=4))
    decide(active, 7, *range(1, 60))
    shadow.poll()
    assert shadow.differences > FEW == len(shadow.first)
    assert {one.actor for one in shadow.first} == {"consensus"}
    assert folded(shadow) == states(active)


def test_it_begins_where_the_newest_day_begins(active: Engine, tmp_path: Path) -> None:
    decide(active, *range(1, 40))
    active.clock.move_to(NOON + DAY)  # type: ignore[attr-defined]
    decide(active, 1, 2, 3)
    shadow = Shadow(tmp_path, rules())
    shadow.poll()
    assert shadow.records < 20
    assert folded(shadow) == states(active)


def test_a_file_that_is_only_just_being_made_is_waited_for(
    active: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "AGAIN_SECONDS", 0.0)
    shadow = Shadow(tmp_path, rules())
    decide(active, 1)
    shadow.poll()
    decide(active, 2)
    coming = tmp_path / "2123-01-01.db"
    coming.touch()
    shadow.poll()
    assert folded(shadow) == states(active)
    shadow.poll()
    assert "2123-01-01" in shadow.trouble
    coming.unlink()
    decide(active, 3)
    shadow.poll()
    assert (shadow.trouble, shadow.behind()["records"]) == ("", 0)
    assert folded(shadow) == states(active)


def test_code_that_cannot_fold_the_records_is_told_and_harms_nobody(
    active: Engine, tmp_path: Path
) -> None:
    def broken(config: str, tag: str) -> dict[str, Decider[Any]]:
        def evolve(state: Any, heard: Any) -> Any:
            if isinstance(heard.message, Decide) and heard.message.n == 2:
                raise KeyError("new code")
            return state

        return {name: one._replace(evolve=evolve) for name, one in rules()(config, tag).items()}

    shadow = Shadow(tmp_path, broken)
    decide(active, 1, 2)
    shadow.poll()
    assert "KeyError" in shadow.trouble
    assert shadow.behind()["records"] > 0


def test_without_a_journal_there_is_nothing_to_follow(tmp_path: Path) -> None:
    shadow = Shadow(tmp_path / "journal", rules())
    shadow.poll()
    assert (shadow.trouble, shadow.behind()["records"], shadow.records) == ("", 0, 0)
