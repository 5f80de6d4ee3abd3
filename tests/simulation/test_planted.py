"""The planted bugs still fit the source, and the hunt for them still tells a bug from none."""

from tests.bench.planted import CONTROL, hunt
from tests.simulation.bugs import PLANTED, edited


def test_every_bug_still_fits_the_source_and_compiles() -> None:
    for bug in PLANTED:
        for file, text in edited(bug).items():
            compile(text, file, "exec")
    names = [bug.name for bug in PLANTED]
    assert len(names) == len(set(names)) >= 35


def test_a_bug_is_caught_and_none_is_not() -> None:
    bug = next(one for one in PLANTED if one.name.startswith("a submission leaves before its"))
    found = hunt(bug, range(5))
    assert found.seeds is not None
    assert "left before its command was durable" in found.what
    control = hunt(CONTROL, range(1))
    assert control.ended
    assert control.seeds is None
