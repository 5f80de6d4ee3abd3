"""Faults by seed: each is provoked at the real server and seen by a real client."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from argo_actors.cli.simulated import SimulatedWorld, request
from argo_actors.venue.faults import Plan, PlanError, read_plan
from argo_actors.venue.in_force import Faults, struck
from argo_actors.venue.server import main as venue_main

SECOND = 1_000_000_000


class World:
    """A venue in lockstep, alpaca-py's client, and faults on call."""

    def __init__(self, one: SimulatedWorld) -> None:
        self.url = one.url
        self.now = int(one.about["now"])
        self.keys = {
            "APCA-API-KEY-ID": one.about["key_id"],
            "APCA-API-SECRET-KEY": one.about["secret"],
        }
        self.client = TradingClient(one.about["key_id"], one.about["secret"], url_override=one.url)
        self.client._retry = 0
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

    def orders(self) -> int:
        return int(request(self.url, "GET", "/argo/books", None)["orders"])

    def clear(self) -> None:
        request(self.url, "DELETE", "/argo/faults", None)

    def close(self) -> None:
        self.session.close()
        self.client._session.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedWorld]:
    log = tmp_path_factory.mktemp("venue") / "venue.log"
    account = json.dumps({"calls_a_minute": 100_000})
    one = SimulatedWorld(["--seed", "7", "--lockstep", "--account", account], log)
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def world(served: SimulatedWorld) -> Iterator[World]:
    found = World(served)
    found.now = int(request(served.url, "GET", "/argo/state", None)["now"])
    try:
        yield found
    finally:
        found.clear()
        found.close()


def buy(client_order_id: str, symbol: str = "BTC/USD", qty: float = 0.01) -> MarketOrderRequest:
    return MarketOrderRequest(
        symbol=symbol,
        qty=qty,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.GTC,
        client_order_id=client_order_id,
    )


def resting(client_order_id: str) -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol="BTC/USD",
        qty=0.01,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.GTC,
        limit_price=10_000,
        client_order_id=client_order_id,
    )


# what is not answered, or with something else


@pytest.mark.parametrize("applied", [True, False])
def test_a_504_comes_after_the_order_was_taken_or_before(world: World, applied: bool) -> None:
    before = world.orders()
    world.fault({"kind": "answer", "status": 504, "applied": applied}, "/v2/orders", "POST")
    with pytest.raises(APIError) as caught:
        world.client.submit_order(buy(f"gateway-{applied}"))
    assert caught.value.status_code == 504
    assert world.orders() == before + applied


@pytest.mark.parametrize("applied", [True, False])
def test_the_connection_ends_without_an_answer(world: World, applied: bool) -> None:
    before = world.orders()
    world.fault({"kind": "drop", "applied": applied}, "/v2/orders", "POST")
    with pytest.raises(requests.exceptions.ConnectionError):
        world.client.submit_order(buy(f"dropped-{applied}"))
    assert world.orders() == before + applied
    if applied:
        found = world.client.get_order_by_client_id(f"dropped-{applied}")
        assert found.client_order_id == f"dropped-{applied}"


@pytest.mark.parametrize("applied", [True, False])
def test_an_answer_never_comes(world: World, applied: bool) -> None:
    before = world.orders()
    world.fault({"kind": "hang", "applied": applied}, "/v2/orders", "POST")
    body = {
        "symbol": "BTC/USD",
        "qty": "0.01",
        "side": "buy",
        "type": "market",
        "time_in_force": "gtc",
    }
    with pytest.raises(requests.exceptions.ReadTimeout):
        world.session.post(f"{world.url}/v2/orders", json=body, headers=world.keys, timeout=0.2)
    assert world.orders() == before + applied


def test_a_429_carries_the_headers_and_the_body_that_were_given(world: World) -> None:
    body = {"code": 42910000, "message": "rate limit exceeded"}
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772636460"}
    world.fault({"kind": "answer", "status": 429, "headers": headers, "body": body}, "/v2/account")
    answer = world.get("/v2/account")
    assert answer.status_code == 429
    assert answer.headers["X-RateLimit-Reset"] == "1772636460"
    assert answer.json() == body


def test_a_429_makes_alpaca_py_send_the_order_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fault({"kind": "answer", "status": 429}, "/v2/orders", "POST", count=2)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    world.client._retry = 3
    assert world.client.submit_order(buy("sent-thrice")).client_order_id == "sent-thrice"
    assert world.faults()["rules"][0]["matched"] == 3


def test_a_401_or_a_503_is_a_page_of_html(world: World) -> None:
    page = "<html><body>Service Unavailable</body></html>"
    world.fault({"kind": "answer", "status": 503, "body": page}, "/v2/positions")
    with pytest.raises(APIError) as caught:
        world.client.get_all_positions()
    assert caught.value.status_code == 503
    with pytest.raises(json.JSONDecodeError):
        _ = caught.value.code


def test_an_answer_is_late(world: World) -> None:
    world.fault({"kind": "delay", "seconds": 0.5}, "/v2/clock")
    with pytest.raises(requests.exceptions.ReadTimeout):
        world.get("/v2/clock", timeout=0.1)
    assert world.get("/v2/clock").status_code == 200


def test_a_fill_comes_before_the_answer_to_its_order(world: World) -> None:
    """The order is taken at once, its answer waits until time has filled it."""
    world.fault({"kind": "delay", "seconds": 30, "applied": True}, "/v2/orders", "POST")
    with pytest.raises(requests.exceptions.ReadTimeout):
        world.session.post(
            f"{world.url}/v2/orders",
            json={
                "symbol": "ETH/USD",
                "qty": "0.1",
                "side": "buy",
                "type": "market",
                "time_in_force": "gtc",
                "client_order_id": "filled-early",
            },
            headers=world.keys,
            timeout=0.2,
        )
    world.pass_time(2)
    found = world.client.get_order_by_client_id("filled-early")
    assert float(found.filled_qty or 0) > 0


# what is answered, and cannot be used


def unreadable(world: World, how: str) -> Callable[[], Any]:
    world.fault({"kind": "garble", "how": how}, "/v2/account")
    return world.client.get_account


def test_a_page_of_html_with_status_200(world: World) -> None:
    with pytest.raises(requests.exceptions.JSONDecodeError):
        unreadable(world, "html")()


def test_an_empty_body_is_none_to_alpaca_py(world: World) -> None:
    with pytest.raises((ValidationError, TypeError)):
        unreadable(world, "empty")()


def test_a_truncated_answer(world: World) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        unreadable(world, "truncated")()


@pytest.mark.parametrize("how", ["oversized", "bomb"])
def test_an_answer_of_eight_mebibytes(world: World, how: str) -> None:
    world.fault({"kind": "garble", "how": how}, "/v2/account")
    answer = world.get("/v2/account")
    assert len(answer.content) > 8 * 1024 * 1024
    if how == "bomb":
        assert int(answer.headers["Content-Length"]) < 100_000


def test_numbers_are_nan(world: World) -> None:
    """Python's own JSON takes them without a word; alpaca-py's models refuse some."""
    with pytest.raises(ValidationError, match="nan"):
        unreadable(world, "nan")()
    assert _garbled(world, "nan", "/v2/account").json()["equity"] == "NaN"
    assert b"NaN" in _garbled(world, "nan", "/v2/stocks/quotes/latest?symbols=AAPL").content


def test_keys_and_rows_come_twice(world: World) -> None:
    answer = _garbled(world, "duplicate", "/v2/account")
    assert answer.content.count(b'"equity"') == 2
    known = len(world.get("/v2/assets").json())
    assert len(_garbled(world, "duplicate", "/v2/assets").json()) == 2 * known


def _garbled(world: World, how: str, path: str) -> requests.Response:
    world.fault({"kind": "garble", "how": how}, path.partition("?")[0])
    return world.get(path)


def test_an_unknown_status_is_refused_by_alpaca_py(world: World) -> None:
    world.fault({"kind": "edit", "set": {"/status": "levitating"}}, "/v2/orders", "POST")
    with pytest.raises(ValidationError):
        world.client.submit_order(buy("levitating"))


def test_a_field_is_left_out_of_every_row(world: World) -> None:
    world.fault({"kind": "edit", "drop": ["/*/symbol"]}, "/v2/assets")
    with pytest.raises(ValidationError, match="symbol"):
        world.client.get_all_assets()


def test_a_quote_without_an_ask(world: World) -> None:
    path = "/v2/stocks/quotes/latest"
    world.fault({"kind": "edit", "set": {"/quotes/*/ap": 0}}, path)
    assert world.get(f"{path}?symbols=AAPL").json()["quotes"]["AAPL"]["ap"] == 0


def test_the_clock_is_wrong(world: World) -> None:
    right = world.client.get_clock()
    world.fault({"kind": "skew", "seconds": 90}, "/v2/clock")
    assert (world.client.get_clock().timestamp - right.timestamp).total_seconds() == 90


# what is true of another time


def test_a_new_order_is_not_found_for_a_while(world: World) -> None:
    world.fault({"kind": "stale", "seconds": 3}, "/v2/orders*", "GET", count=None)
    world.client.submit_order(buy("not-yet"))
    world.pass_time(1)
    with pytest.raises(APIError) as caught:
        world.client.get_order_by_client_id("not-yet")
    assert caught.value.status_code == 404
    world.pass_time(3)
    assert world.client.get_order_by_client_id("not-yet").client_order_id == "not-yet"


def test_a_position_is_as_it_was_before_the_fill(world: World) -> None:
    world.fault({"kind": "stale", "seconds": 60}, "/v2/positions", "GET", count=None)
    world.client.submit_order(buy("sol", "SOL/USD", 1))
    world.pass_time(5)
    assert "SOLUSD" not in {one["symbol"] for one in world.get("/v2/positions").json()}
    world.clear()
    assert "SOLUSD" in {one["symbol"] for one in world.get("/v2/positions").json()}


def test_a_quote_stands_still(world: World) -> None:
    path = "/v1beta3/crypto/us/latest/quotes?loc=us&symbols=BTC%2FUSD"
    before = world.get(path).json()
    world.fault({"kind": "stale", "seconds": 30}, "/v1beta3/*", "GET", count=None)
    world.pass_time(30)
    assert world.get(path).json() == before
    world.clear()
    assert world.get(path).json() != before


def test_a_cancel_is_taken_and_stays_pending(world: World) -> None:
    order = world.client.submit_order(resting("stuck"))
    world.pass_time(1)
    world.fault({"kind": "stuck", "seconds": 5}, "/v2/orders/*", "DELETE")
    world.client.cancel_order_by_id(order.id)
    world.pass_time(2)
    assert world.client.get_order_by_id(order.id).status.value == "pending_cancel"
    with pytest.raises(APIError, match="pending cancel"):
        world.client.cancel_order_by_id(order.id)
    stranger = world.session.delete(f"{world.url}/v2/orders/{order.id}", timeout=5)
    assert stranger.status_code == 401
    world.pass_time(4)
    assert world.client.get_order_by_id(order.id).status.value == "canceled"


# the plan


def test_a_plan_is_shown_with_what_it_did_and_can_be_taken_back(world: World) -> None:
    world.fault({"kind": "answer", "status": 500}, "/v2/account", name="broken", count=None)
    assert world.get("/v2/account").status_code == 500
    found = world.faults()
    assert [(one["name"], one["hits"]) for one in found["rules"]] == [("broken", 1)]
    assert found["hits"][0]["what"] == "GET /v2/account"
    world.clear()
    assert world.get("/v2/account").status_code == 200
    assert world.faults() == {"rules": [], "total": 0, "hits": []}


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


def test_a_plan_is_given_by_file(tmp_path: Path) -> None:
    plan = {
        "rules": [
            {"on": "request", "path": "/v2/clock", "fault": {"kind": "answer", "status": 502}}
        ]
    }
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(plan))
    one = SimulatedWorld(["--lockstep", "--faults", str(file)], tmp_path / "venue.log")
    try:
        assert requests.get(f"{one.url}/v2/clock", timeout=10).status_code == 502
    finally:
        one.close()


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
    assert told in error
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
