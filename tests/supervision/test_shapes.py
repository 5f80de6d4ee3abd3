"""Types that several threads decode first at the same moment do not end the process."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from argo_actors import bootstrap
from tests.acceptance.worlds import make, world
from tests.journal.test_recovery import ends

ROOT = Path(__file__).resolve().parents[2]
RACE = """
import sys, threading
import msgspec
import argo_actors.bootstrap
from argo_actors.config import FAMILY_OF
from argo_actors.runtime import shapes
from argo_actors.source.known import known

for name in FAMILY_OF:
    known(name)
kinds = [one for one in shapes._below(msgspec.Struct) if one.__module__.startswith("argo_actors.")]
if len(sys.argv) > 1:
    assert shapes.build_shapes() == len(set(kinds)) > 100
sys.setswitchinterval(1e-6)


def decode(kind, together):
    value = {name: 0 for name in kind.__struct_encode_fields__}
    together.wait()
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        pass


for kind in kinds:
    together = threading.Barrier(4)
    threads = [threading.Thread(target=decode, args=(kind, together)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
"""


def test_threads_that_decode_a_type_for_the_first_time_together_do_no_harm() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RACE, "built"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_daemon_builds_them_before_its_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    engine: Any = bootstrap.Engine

    def made(*given: Any) -> Any:
        done.append("engine")
        return engine(*given)

    monkeypatch.setattr(bootstrap, "build_shapes", lambda: done.append("shapes"))
    monkeypatch.setattr(bootstrap, "Engine", made)
    with world(tmp_path) as one:
        coming = make(one, tmp_path)
        ends(coming.engine)
        coming.release()
    assert done == ["shapes", "engine"]
