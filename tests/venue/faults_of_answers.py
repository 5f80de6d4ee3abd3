"""Answers that are wrong or old, and cancels and replacements that hang: seen by alpaca-py's clients."""

from datetime import date
from typing import Any

import pytest
from alpaca.data.requests import CryptoLatestQuoteRequest, StockLatestQuoteRequest
from alpaca.trading.requests import (
    GetAssetsRequest,
    GetCalendarRequest,
    ReplaceOrderRequest,
)
from pydantic import ValidationError

from tests.venue.fault_table import case, request
from tests.venue.fault_world import World

QUOTES, COIN_QUOTES = "/v2/stocks/quotes/latest", "/v1beta3/crypto/us/latest/quotes"
CLOCK, CALENDAR, ASSETS = "/v2/clock", "/v2/calendar", "/v2/assets*"


def quote(world: World) -> Any:
    return world.stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))[
        "AAPL"
    ]


# values


@case(
    "An unknown state of an order",
    "ValidationError from alpaca-py; the order is taken",
    rules=[request("POST /v2/orders", "edit", set={"/status": "levitating"})],
)
def _(world: World) -> None:
    with pytest.raises(ValidationError):
        world.market("levitating")
    assert world.client.get_order_by_client_id(world.named("levitating"))


@case(
    "An unknown exchange of an asset",
    "ValidationError: one bad asset spoils the list",
    rules=[request(ASSETS, "edit", set={"/0/exchange": "MOON"})],
)
def _(world: World) -> None:
    with pytest.raises(ValidationError, match="exchange"):
        world.client.get_all_assets(GetAssetsRequest())


@case(
    "A field is missing in every row",
    "ValidationError that names the field",
    rules=[request(ASSETS, "edit", drop=["/*/symbol"])],
)
def _(world: World) -> None:
    with pytest.raises(ValidationError, match="symbol"):
        world.client.get_all_assets(GetAssetsRequest())


@case(
    "A field that nobody knows",
    "the field in a raw answer; alpaca-py drops it",
    rules=[request("/v2/account", "edit", count=2, set={"/mood": {"today": "good"}})],
)
def _(world: World) -> None:
    assert world.ask("/v2/account").json()["mood"] == {"today": "good"}
    assert not hasattr(world.client.get_account(), "mood")


@case(
    "Money that is no money",
    "alpaca-py hands the texts on as they are",
    rules=[
        request(
            "/v2/account",
            "edit",
            set={
                "/equity": "Infinity",
                "/cash": "-100",
                "/buying_power": "1e308",
                "/portfolio_value": "1,000.00",
                "/last_equity": "4e-324",
            },
        )
    ],
)
def _(world: World) -> None:
    found = world.client.get_account()
    assert (found.equity, found.cash, found.buying_power) == ("Infinity", "-100", "1e308")
    assert (found.portfolio_value, found.last_equity) == ("1,000.00", "4e-324")


@case(
    "A quote without an ask",
    "an ask price of 0",
    rules=[request(QUOTES, "edit", set={"/quotes/*/ap": 0, "/quotes/*/as": 0})],
)
def _(world: World) -> None:
    assert quote(world).ask_price == 0


@case(
    "A crossed quote",
    "the bid above the ask",
    rules=[request(QUOTES, "edit", set={"/quotes/*/bp": 1000000})],
)
def _(world: World) -> None:
    found = quote(world)
    assert found.bid_price > found.ask_price > 0


@case(
    "A locked quote",
    "the bid at the ask",
    rules=[request(QUOTES, "edit", set={"/quotes/*/bp": 250, "/quotes/*/ap": 250})],
)
def _(world: World) -> None:
    found = quote(world)
    assert found.bid_price == found.ask_price == 250


@case(
    "NaN for every price",
    "alpaca-py takes it without a word: a bid of nan",
    rules=[request(f"GET {QUOTES}", "garble", how="nan")],
)
def _(world: World) -> None:
    assert quote(world).bid_price != quote(world).bid_price


@case(
    "The data host is out of calls",
    "APIError 429 from the data client alone",
    rules=[request(QUOTES, "answer", status=429, body={"message": "too many requests."})],
)
def _(world: World) -> None:
    assert world.refused(lambda: quote(world)).status_code == 429
    assert world.client.get_account()


@case(
    "The broker's clock is wrong",
    "a timestamp 90 s ahead",
    rules=[request(CLOCK, "skew", seconds=90)],
)
def _(world: World) -> None:
    ahead = world.client.get_clock().timestamp
    assert (ahead - world.client.get_clock().timestamp).total_seconds() == 90


@case(
    "A half day that nobody expected",
    "the clock and the calendar close at 13:00",
    rules=[
        request(CLOCK, "edit", set={"/next_close": "2026-03-04T13:00:00-05:00"}),
        request(CALENDAR, "edit", set={"/0/close": "13:00"}),
    ],
)
def _(world: World) -> None:
    today = date(2026, 3, 4)
    assert world.client.get_clock().next_close.hour == 13
    day = world.client.get_calendar(GetCalendarRequest(start=today, end=today))[0]
    assert (day.date, day.close.hour) == (today, 13)


@case(
    "A holiday that nobody expected",
    "no day in the calendar, and the market is closed",
    rules=[
        request(CALENDAR, "answer", status=200, body=[]),
        request(CLOCK, "edit", set={"/is_open": False}),
    ],
)
def _(world: World) -> None:
    today = date(2026, 3, 4)
    assert world.client.get_calendar(GetCalendarRequest(start=today, end=today)) == []
    assert not world.client.get_clock().is_open


# what was true a moment ago


@case(
    "A new order is not found for a while",
    "404 for its client id, and no row in the list, for three seconds",
    rules=[request("GET /v2/orders*", "stale", count=None, seconds=3)],
)
def _(world: World) -> None:
    one = world.limit("not-yet")
    world.pass_time(1)
    name = one.client_order_id
    assert world.refused(lambda: world.client.get_order_by_client_id(name)).status_code == 404
    assert one.id not in {row.id for row in world.client.get_orders()}
    world.pass_time(3)
    assert world.client.get_order_by_client_id(name).id == one.id


@case(
    "A position comes late after its fill",
    "the order is filled, the list of positions is of a minute ago",
    rules=[request("GET /v2/positions", "stale", count=None, seconds=60)],
)
def _(world: World) -> None:
    world.filled(world.market("late", "SOL/USD", 1))
    assert world.position("SOLUSD") == 0
    world.pass_time(60)
    assert world.position("SOLUSD") > 0


@case(
    "Quotes stand still",
    "the same quote, older and older",
    rules=[
        {
            "on": "request",
            "path": "/v1beta3/*",
            "for_seconds": 30,
            "fault": {"kind": "stale", "seconds": 30},
        }
    ],
)
def _(world: World) -> None:
    def at() -> Any:
        asked = CryptoLatestQuoteRequest(symbol_or_symbols="BTC/USD")
        return world.coins.get_crypto_latest_quote(asked)["BTC/USD"].timestamp

    world.pass_time(29)
    old = at()
    world.pass_time(1)
    assert (at() - old).total_seconds() > 25


# what goes on and on


@case(
    "A cancel hangs",
    "status pending_cancel for so long; a second cancel is refused (422)",
    rules=[request("DELETE /v2/orders/*", "stuck", seconds=5)],
)
def _(world: World) -> None:
    one = world.limit("stuck")
    world.pass_time(1)
    world.client.cancel_order_by_id(one.id)
    world.pass_time(4)
    assert world.status(one) == "pending_cancel"
    again = world.refused(lambda: world.client.cancel_order_by_id(one.id))
    assert (again.status_code, "pending cancel" in str(again)) == (422, True)
    world.pass_time(2)
    assert world.status(one) == "canceled"


@case(
    "A cancel of everything hangs",
    "207 with 200 for each order, which stay pending_cancel",
    rules=[request("DELETE /v2/orders", "stuck", seconds=5)],
)
def _(world: World) -> None:
    sent = [world.limit("one"), world.limit("two")]
    world.pass_time(1)
    assert [one.status for one in world.client.cancel_orders()] == [200, 200]
    world.pass_time(4)
    assert {world.status(one) for one in sent} == {"pending_cancel"}
    world.pass_time(2)
    assert {world.status(one) for one in sent} == {"canceled"}


@case(
    "A replacement hangs",
    "for so long the old order pending_replace and the new one pending_new",
    rules=[request("PATCH /v2/orders/*", "stuck", seconds=20)],
)
def _(world: World) -> None:
    one = world.limit("old")
    world.pass_time(1)
    new = world.client.replace_order_by_id(one.id, ReplaceOrderRequest(limit_price=9_000))
    world.pass_time(19)
    assert (world.status(one), world.status(new)) == ("pending_replace", "pending_new")
    world.pass_time(2)
    assert (world.status(one), world.status(new)) == ("replaced", "new")
