"""A venue process of a module's own, in lockstep; what the module wants of it beyond that is its `OPTIONS`."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from argo_actors.cli.simulated import SimulatedWorld


@pytest.fixture(scope="module")
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimulatedWorld]:
    options = getattr(request.module, "OPTIONS", ())
    log = tmp_path_factory.mktemp("venue") / "venue.log"
    words = ["--seed", "7", "--lockstep", "--rate-limit", "100000", *options]
    with closing(SimulatedWorld(words, log)) as one:
        yield one
