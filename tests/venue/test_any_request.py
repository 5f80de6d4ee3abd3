"""Whatever the vendor's specification lets a client ask: the venue answers, and never with a 5xx."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from argo_actors.cli.simulated import SimulatedWorld
from tests.venue.vendor_spec import needs_specification, specification

EXAMPLES = 60 if os.environ.get("ARGO_TEST_LONG") else 12
ANSWER_SECONDS = 10.0
OPTIONS = ("--rate-limit", "10000000")


@needs_specification
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["trading-api.json", "market-data-api.json"])
def test_no_request_of_the_specification_breaks_the_venue(
    served: SimulatedWorld, name: str
) -> None:
    schemathesis: Any = pytest.importorskip("schemathesis")
    keys = {
        "APCA-API-KEY-ID": str(served.about["key_id"]),
        "APCA-API-SECRET-KEY": str(served.about["secret"]),
    }
    asked: set[str] = set()
    for found in schemathesis.openapi.from_dict(specification(name)).get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            # A client of the venue's has a time limit: an answer that never comes fails here.
            answer = case.call(base_url=served.url, headers=keys, timeout=ANSWER_SECONDS)
            assert answer.status_code < 500, f"{case.method} {case.path}: {answer.text[:300]}"
            asked.add(f"{case.method} {case.path}")

        ask()
    assert len(asked) > 40
