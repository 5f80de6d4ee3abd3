"""The venue's answers against the vendor's own specification, and where the two are known to differ."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading import requests as ask
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce

from argo_actors.cli.simulated import SimulatedWorld
from argo_actors.venue.data_host import HOST, DataHost
from argo_actors.venue.wire import Request
from tests.venue.desk import KEYS, Desk
from tests.venue.order_kinds import KINDS
from tests.venue.test_exchange import World
from tests.venue.vendor_spec import answer_schema, needs_specification, operation, specification

jsonschema_rs = pytest.importorskip("jsonschema_rs")
TRADING, DATA = "trading-api.json", "market-data-api.json"


class Known(NamedTuple):
    """A difference that is meant: where, what the validator says of it, and why."""

    operation: str
    place: str
    message: str
    why: str


KNOWN = (
    Known(
        ".*",
        "(.*/)?exchange",
        '"CRYPTO" is not one of .*',
        "the vendor added this exchange after the file of June 2026, and coins carry it",
    ),
    Known(
        "GET /v2/account/activities/{activity_type}",
        r"\*",
        ".* is valid under more than one of .*|.*activity_type.*",
        "the file says oneOf of two schemas without required fields: a fill fits both",
    ),
    Known(
        "DELETE /v2/positions",
        r"\*/body",
        ".* is a required property",
        "a close that is refused carries the refusal where the file knows only an order",
    ),
)
UNDESCRIBED = {
    ("GET /v2/positions/{symbol_or_asset_id}", 404): "no position",
    ("GET /v2/corporate_actions/announcements/{id}", 404): "no such announcement",
}
"""The vendor's own answers, for which the file has no entry."""
DATA_PATHS = (
    "/v2/stocks/bars?symbols=AAPL,SPY&timeframe=1Min&limit=20",
    "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2026-02-01",
    "/v2/stocks/bars/latest?symbols=AAPL,SPY",
    "/v2/stocks/quotes/latest?symbols=AAPL,SPY",
    "/v2/stocks/trades/latest?symbols=AAPL,SPY",
    "/v2/stocks/snapshots?symbols=AAPL,SPY",
    "/v2/stocks/quotes?symbols=AAPL,SPY&limit=20",
    "/v2/stocks/trades?symbols=AAPL,SPY&limit=20",
    "/v2/stocks/AAPL/bars?timeframe=1Min&limit=20",
    "/v2/stocks/AAPL/quotes?limit=20",
    "/v2/stocks/AAPL/trades?limit=20",
    "/v2/stocks/AAPL/bars/latest",
    "/v2/stocks/AAPL/quotes/latest",
    "/v2/stocks/AAPL/trades/latest",
    "/v2/stocks/AAPL/snapshot",
    "/v1beta3/crypto/us/bars?symbols=BTC%2FUSD&timeframe=1Min&limit=20",
    "/v1beta3/crypto/us/latest/bars?symbols=BTC%2FUSD",
    "/v1beta3/crypto/us/latest/quotes?symbols=BTC%2FUSD",
    "/v1beta3/crypto/us/latest/trades?symbols=BTC%2FUSD",
    "/v1beta3/crypto/us/snapshots?symbols=BTC%2FUSD",
    "/v1beta3/crypto/us/quotes?symbols=BTC%2FUSD&limit=20",
    "/v1beta3/crypto/us/trades?symbols=BTC%2FUSD&limit=20",
    "/v1beta3/crypto/us/latest/orderbooks?symbols=BTC%2FUSD",
    "/v1/corporate-actions?symbols=AAPL",
)

NOT_SERVED = {
    "/v1/locates.*": "locates are no part of paper accounts",
    "/v2beta1/events/activities": "the activities are asked for, there is no feed of them",
    "/v2/(perpetuals|wallets|tokenization)/?.*": "one account, of stocks and coins, without wallets",
    "/v2/assets/fixed_income/.*": "no bonds",
    "/v2/positions/.*/(do-not-)?exercise": "no options",
    "/v1beta1/.*": "no options, news, screener, currencies, bonds, indices, perpetuals, logos",
    "/v2/stocks/({symbol}/)?auctions": "an auction of this market is its opening or last print",
    "/v2/stocks/meta/.*": "names of conditions and exchanges never change",
}
"""Operations that the venue refuses with 404, by path."""


@pytest.fixture(scope="module")
def answers(served: SimulatedWorld) -> Iterator[list[Any]]:
    """Every answer of a day that uses the whole trading API, as (method, path, status, JSON)."""
    world = World(served)
    found: list[Any] = []

    def record(answer: Any, *_: Any, **__: Any) -> None:
        path = urlsplit(answer.url).path
        body = answer.json() if answer.content else None
        found.append((answer.request.method, path, answer.status_code, body))

    raw = TradingClient(
        served.about["key_id"], served.about["secret"], url_override=served.url, raw_data=True
    )
    raw._session.hooks["response"].append(record)
    world.client._session.hooks["response"].append(record)
    play(world, raw)
    yield found
    raw._session.close()
    world.close()


def play(world: World, raw: TradingClient) -> None:
    """A day's calls."""
    for kind in KINDS:
        world.client.submit_order(KINDS[kind])
        world.pass_time(1)
    resting = world.client.get_orders()
    for nested in ("True", "False"):
        raw.get("/orders", {"status": "all", "nested": nested})
    simple = next(
        one
        for one in resting
        if (one.order_type.value, one.order_class.value) == ("limit", "simple")
    )
    world.client.replace_order_by_id(simple.id, ask.ReplaceOrderRequest(limit_price=99))
    raw.get_order_by_client_id(simple.client_order_id)
    raw.get_order_by_id(simple.id)
    for path in ("/positions", "/positions/AAPL", "/positions/BTCUSD", "/positions/MSFT"):
        raw.get(path)
    raw.close_all_positions(cancel_orders=False)
    raw.cancel_order_by_id(world.client.submit_order(KINDS["limit"]).id)
    raw.cancel_orders()
    world.pass_time(1)
    raw.close_position("AAPL", ask.ClosePositionRequest(qty="1"))
    raw.close_all_positions(cancel_orders=True)
    world.pass_time(9 * 3600)
    for path in (
        "/account",
        "/account/configurations",
        "/account/activities",
        "/account/activities/FILL",
        "/account/activities/CFEE",
        "/clock",
        "/calendar",
        "/assets",
        "/assets/AAPL",
        "/assets/BTCUSD",
        "/options/contracts",
        "/watchlists",
    ):
        raw.get(path)
    for timeframe in ("1Min", "1H", "1D"):
        raw.get("/account/portfolio/history", {"period": "1D", "timeframe": timeframe})
    raw.get("/account/portfolio/history", {"cashflow_types": "ALL"})
    raw.patch("/account/configurations", {"trade_confirm_email": "all"})
    dates = {"ca_types": "split", "since": "2026-03-01", "until": "2026-03-31"}
    raw.get("/corporate_actions/announcements", dates)
    made = raw.create_watchlist(ask.CreateWatchlistRequest(name="one", symbols=["AAPL", "BTC/USD"]))
    raw.get_watchlists()
    raw.get_watchlist_by_id(made["id"])
    raw.get("/watchlists:by_name", {"name": "one"})
    raw.post("/watchlists:by_name?name=one", {"symbol": "SPY"})
    raw.put("/watchlists:by_name?name=one", {"name": "two"})
    raw.post("/watchlists", {"name": "short", "symbols": ["SPY"]})
    raw.delete("/watchlists:by_name?name=short")
    raw.update_watchlist_by_id(made["id"], ask.UpdateWatchlistRequest(name="three"))
    raw.add_asset_to_watchlist_by_id(made["id"], "MSFT")
    raw.remove_asset_from_watchlist_by_id(made["id"], "MSFT")
    raw.delete_watchlist_by_id(made["id"])
    keys = {"APCA-API-KEY-ID": raw._api_key, "APCA-API-SECRET-KEY": raw._secret_key}
    for path in (*DATA_PATHS, "/v3/clock?markets=NYSE,XNAS", "/v3/calendar/NYSE"):
        raw._session.get(f"{world.one.url}{path}", headers=keys)
    for call in (
        lambda: raw.get_asset("NOSUCH"),
        lambda: raw.get_open_position("NOSUCH"),
        lambda: raw.get_option_contract("NOSUCH"),
        lambda: raw.get("/corporate_actions/announcements/NOSUCH"),
        lambda: raw.submit_order(
            ask.MarketOrderRequest(
                symbol="NOSUCH", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY
            )
        ),
    ):
        with pytest.raises(APIError):
            call()


def differences(spec_name: str, answers: list[Any]) -> tuple[set[Any], set[Any]]:
    """What the specification says otherwise, and the answers that it does not describe."""
    spec, validators = specification(spec_name), {}
    wrong, undescribed = set(), set()
    for method, path, status, body in answers:
        known = operation(spec, method, path)
        if known is None:
            undescribed.add((f"{method} {path}", status))
            continue
        template, described = known
        key = (method, template, status)
        if key not in validators:
            schema = answer_schema(spec, described, status)
            if schema is None and str(status) not in described["responses"]:
                undescribed.add((f"{method} {template}", status))
            validators[key] = schema and jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True
            )
        if validators[key]:
            for error in validators[key].iter_errors(body):
                place = "/".join(
                    "*" if isinstance(one, int) else one for one in error.instance_path
                )
                wrong.add((f"{method} {template}", place, error.message[:100]))
    return wrong, undescribed


def explained(wrong: set[Any]) -> tuple[list[Any], list[Known]]:
    """Differences that no row explains, and the rows that explain something."""
    used, left = [], []
    for one in sorted(wrong):
        rows = [row for row in KNOWN if all(map(_fits, row[:3], one))]
        used += rows
        if not rows:
            left.append(one)
    return left, used


def _fits(pattern: str, text: str) -> bool:
    return pattern == text or re.fullmatch(pattern, text) is not None


@needs_specification
def test_every_answer_of_the_trading_api_is_as_the_vendor_specifies(answers: list[Any]) -> None:
    wrong, undescribed = differences(TRADING, [one for one in answers if not is_data(one)])
    left, used = explained(wrong)
    assert left == []
    assert set(KNOWN) == set(used), "a known difference is no more: take its row out"
    assert undescribed == set(UNDESCRIBED)


@needs_specification
def test_every_answer_of_the_market_data_api_is_as_the_vendor_specifies(answers: list[Any]) -> None:
    asked = [one for one in answers if is_data(one)]
    assert {one[2] for one in asked} == {200}
    wrong, undescribed = differences(DATA, asked)
    assert (explained(wrong)[0], undescribed) == ([], set())


def operations() -> Iterator[tuple[str, str, str]]:
    """File, method and path of everything that the vendor specifies."""
    for name in (TRADING, DATA):
        for path, found in specification(name)["paths"].items():
            for method in {"get", "post", "put", "patch", "delete"} & set(found):
                yield name, method.upper(), path


def is_served(path: str) -> bool:
    return not any(re.fullmatch(one, path) for one in NOT_SERVED)


@needs_specification
def test_every_operation_is_part_of_the_day_or_named_as_not_served(answers: list[Any]) -> None:
    asked = {
        (name, method, found[0])
        for name in (TRADING, DATA)
        for method, path, _, _ in answers
        if (found := operation(specification(name), method, path))
    }
    left = {one for one in operations() if is_served(one[2])}
    assert left == asked & set(operations())
    used = {one for one in NOT_SERVED for _, _, path in operations() if re.fullmatch(one, path)}
    assert used == set(NOT_SERVED)


@needs_specification
def test_an_operation_that_is_not_served_is_refused_in_words() -> None:
    desk = Desk()
    host = DataHost(desk.market, desk.exchange.keys, basic=False)
    for _, method, path in operations():
        if is_served(path):
            continue
        place = re.sub(r"{\w+}", "AAPL", path)
        if place.startswith(HOST):
            status, _, body = host.handle(desk.book.now, Request(method, place, {}, KEYS))
        else:
            status, _, body = desk.exchange.handle(method, place, {}, KEYS, b"{}")
        assert (status, path) == (404, path)
        assert json.loads(body)["message"]


def is_data(answer: Any) -> bool:
    return answer[1].startswith(("/v1", "/v2/stocks"))
