"""Plans of faults, and the command `argo venue`. The faults themselves: `test_fault_table.py`."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from alpaca.trading.client import TradingClient
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.venue.faults import Plan, PlanError, read_plan
from argo_actors.venue.in_force import Faults, struck
from argo_actors.venue.server import main as venue_main

SECOND = 1_000_000_000


class World:
    """A venue in lockstep, and faults on call."""

    def __init__(self, one: SimulatedWorld) -> None:
        self.url = one.url
        self.now = int(one.about["now"])
        self.keys = {
            "APCA-API-KEY-ID": one.about["key_id"],
            "APCA-API-SECRET-KEY": one.about["secret"],
        }
        self.session = requests.Session()
        self.session.trust_env = False

    def fault(self, fault: dict[str, Any], path: str = "*", method: str = "*", **more: Any) -> None:
        rule = {"on": "request", "method": method, "path": path, "fault": fault, "count": 1, **more}
        self.post_faults({"rules": [rule]})

    def post_faults(self, plan: dict[str, Any]) -> requests.Response:
        return self.session.post(f"{self.url}/argo/faults", data=json.dumps(plan), timeout=10)

    def faults(self) -> dict[str, Any]:
        found: dict[str, Any] = self.session.get(f"{self.url}/argo/faults", timeout=10).json()
        return found

    def get(self, path: str, timeout: float = 10) -> requests.Response:
        return self.session.get(self.url + path, headers=self.keys, timeout=timeout)

    def pass_time(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
        request(self.url, "POST", "/argo/advance", {"to": self.now})

    def clear(self) -> None:
        request(self.url, "DELETE", "/argo/faults", None)

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def world(served: SimulatedWorld) -> Iterator[World]:
    found = World(served)
    found.now = int(request(served.url, "GET", "/argo/state", None)["now"])
    try:
        yield found
    finally:
        found.clear()
        found.close()


# the plan


def test_a_plan_is_shown_with_what_it_did_and_can_be_taken_back(world: World) -> None:
    usual = world.faults()["modes"]
    world.post_faults({"modes": {"trading_blocked": True}})
    assert world.faults()["modes"] == {**usual, "trading_blocked": True}
    world.fault({"kind": "answer", "status": 500}, "/v2/account", name="broken", count=None)
    assert world.get("/v2/account").status_code == 500
    found = world.faults()
    assert [(one["name"], one["hits"]) for one in found["rules"]] == [("broken", 1)]
    assert found["hits"][0]["what"] == "GET /v2/account"
    world.clear()
    assert world.get("/v2/account").status_code == 200
    assert world.faults() == {"rules": [], "total": 0, "hits": [], "modes": usual}


def test_a_rule_skips_hits_so_often_and_only_in_its_window(world: World) -> None:
    world.fault(
        {"kind": "answer", "status": 500},
        "/v2/account",
        skip=1,
        count=2,
        from_seconds=1,
        for_seconds=9,
    )
    seen = [world.get("/v2/account").status_code]
    world.pass_time(2)
    seen += [world.get("/v2/account").status_code for _ in range(4)]
    assert seen == [200, 200, 500, 500, 200]
    world.fault({"kind": "answer", "status": 500}, "/v2/account", name="short", for_seconds=1)
    world.pass_time(2)
    assert world.get("/v2/account").status_code == 200


def test_a_bad_plan_is_refused_with_its_place(world: World) -> None:
    answer = world.post_faults({"rules": [{"on": "request", "fault": {"kind": "lose"}}]})
    assert answer.status_code == 400
    assert "$.rules[0].fault" in answer.json()["message"]
    assert answer.json()["fix"]
    assert world.faults()["rules"] == []


@pytest.mark.parametrize(
    "rule",
    [
        {"on": "request", "fault": {"kind": "drop"}, "probability": 1.5},
        {"on": "request", "fault": {"kind": "drop"}, "when": "now"},
        {"on": "event", "stream": "news", "fault": {"kind": "lose"}},
        {"on": "moon", "fault": {"kind": "lose"}},
        {"on": "request", "fault": {"kind": "edit", "set": {"status": 1}}},
    ],
)
def test_a_plan_is_read_strictly(rule: dict[str, Any]) -> None:
    with pytest.raises(PlanError):
        read_plan(json.dumps({"rules": [rule]}).encode())


def test_two_rules_of_one_name_are_refused() -> None:
    rule = {"on": "request", "name": "a", "fault": {"kind": "drop"}}
    with pytest.raises(PlanError, match="two rules"):
        read_plan(json.dumps({"rules": [rule, rule]}).encode())


@given(seed=st.integers(0, 2**63), name=st.text(max_size=20), n=st.integers(1, 10**6))
def test_a_hit_is_a_matter_of_seed_name_and_number(seed: int, name: str, n: int) -> None:
    hit = struck(seed, name, n, 0.5)
    assert struck(seed, name, n, 0.5) == hit
    assert struck(seed, name, n, 1.0)
    assert not struck(seed, name, n, 0.0)
    assert struck(seed, name, n, 0.75) or not hit


def test_hits_are_as_many_as_the_probability_says_and_differ_by_seed() -> None:
    plan = read_plan(b'{"rules":[{"on":"request","probability":0.1,"fault":{"kind":"drop"}}]}')
    rows = [_pattern(seed, plan) for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]
    assert all(320 < sum(row) < 480 for row in rows)


def _pattern(seed: int, plan: Plan) -> list[bool]:
    known = Faults(seed)
    known.give(plan, 0)
    return [known.request("GET", "/v2/account", 0) is not None for _ in range(4000)]


def test_a_plan_says_how_the_venue_behaves_until_it_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"modes": {"trading_blocked": True, "easy_to_borrow": False}}))
    one = SimulatedWorld(["--lockstep", "--faults", str(file)], tmp_path / "venue.log")
    keys = {
        "APCA-API-KEY-ID": str(one.about["key_id"]),
        "APCA-API-SECRET-KEY": str(one.about["secret"]),
    }

    def read(path: str) -> Any:
        return requests.get(f"{one.url}{path}", headers=keys, timeout=10).json()

    try:
        assert read("/v2/account")["trading_blocked"] is True
        assert "easy_to_borrow" not in read("/v2/assets/AAPL")
        requests.delete(f"{one.url}/argo/faults", timeout=10)
        assert read("/v2/account")["trading_blocked"] is False
        assert "easy_to_borrow" in read("/v2/assets/AAPL")
    finally:
        one.close()


# the command


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "70000"],
        ["--port", "web"],
        ["--speed", "0"],
        ["--speed", "nan"],
        ["--seed", "lucky"],
        ["--start", "yesterday"],
        ["--bars", "/nowhere"],
        ["--faults", "/nowhere.json"],
        ["--account", '{"cash": "much"}'],
        ["--account", '{"cash": -5}'],
        ["--account", '{"cash": "NaN"}'],
        ["--account", '{"wealth": 5}'],
        ["--account", "{"],
        ["--unknown"],
    ],
)
def test_a_venue_that_cannot_be_says_what_to_do(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert venue_main(arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "\nfix: " in told


def test_a_port_that_is_taken_is_told(
    served: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert venue_main(["--lockstep", "--port", str(served.about["port"])]) == 1
    told = capsys.readouterr().err
    assert str(served.about["port"]) in told
    assert "\nfix: " in told


def test_a_bad_plan_in_a_file_is_told_with_file_and_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "faults.json"
    file.write_text('{"rules": [{"on": "request"}]}')
    assert venue_main(["--faults", str(file)]) == 2
    told = capsys.readouterr().err
    assert str(file) in told
    assert "$.rules[0]" in told
    assert "\nfix: " in told


def test_it_begins_now_and_runs_by_the_wall_clock_with_the_account_that_is_wished(
    tmp_path: Path,
) -> None:
    account = {"cash": "2500.50", "number": "PA1", "key_id": "PKMINE", "secret": "mine"}
    arguments = ["--account", json.dumps(account), "--state", str(tmp_path / "state")]
    begun = time.time_ns()
    one = SimulatedWorld(arguments, tmp_path / "venue.log")
    try:
        client = TradingClient("PKMINE", "mine", url_override=one.url)
        found = client.get_account()
        assert (found.cash, found.account_number) == ("2500.5", "PA1")
        assert begun - SECOND <= client.get_clock().timestamp.timestamp() * 1e9 <= time.time_ns()
        first = one.about["start"]
        client._session.close()
    finally:
        one.close()
    again = SimulatedWorld(arguments, tmp_path / "again.log")
    try:
        assert again.about["start"] == first
    finally:
        again.close()


@pytest.mark.parametrize(("kept", "told"), [("0", "is over"), ("soon", "holds no time")])
def test_a_state_that_cannot_go_on_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: str, told: str
) -> None:
    (tmp_path / "begun").write_text(kept.replace("0", "1700000000000000000"))
    assert venue_main(["--state", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert told in " ".join(error.split())
    assert "\nfix: " in error


def test_a_market_that_was_away_catches_up_with_the_wall_clock(tmp_path: Path) -> None:
    wall = time.time_ns()
    (tmp_path / "begun").write_text(str(wall - 600 * SECOND))
    one = SimulatedWorld(["--state", str(tmp_path)], tmp_path / "venue.log")
    try:
        assert one.about["now"] < wall - 500 * SECOND
        deadline = time.monotonic() + 30
        while one.get("/argo/state")["now"] < wall:
            assert time.monotonic() < deadline
    finally:
        one.close()


def test_time_runs_as_fast_as_wished(tmp_path: Path) -> None:
    one = SimulatedWorld(["--speed", "600"], tmp_path / "venue.log")
    try:
        first = one.about["now"]
        deadline = time.monotonic() + 30
        while one.get("/argo/state")["now"] < first + 300 * SECOND:
            assert time.monotonic() < deadline
    finally:
        one.close()
