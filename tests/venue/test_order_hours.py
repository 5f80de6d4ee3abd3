"""When orders are taken, may trade and end: sessions, auctions, extended hours, days and months."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from argo_actors.venue.modes import Modes
from tests.venue.desk import HOUR, KEYS, Desk

SECOND = 1_000_000_000


def at(text: str) -> int:
    """A UTC time; New York is five hours behind it until 8 March 2026, then four."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


NIGHT, SATURDAY = at("2026-03-05T03:00"), at("2026-03-07T16:00")
PRE, POST = at("2026-03-05T13:00"), at("2026-03-04T22:00")
NEXT_OPEN = at("2026-03-05T14:30")
CLOSE = at("2026-03-04T21:00")
EXTENDED: dict[str, Any] = {
    "type": "limit",
    "limit_price": "251",
    "time_in_force": "day",
    "extended_hours": True,
}


@pytest.mark.parametrize(("now", "opens"), [(NIGHT, NEXT_OPEN), (SATURDAY, at("2026-03-09T13:30"))])
def test_an_order_outside_the_session_waits_for_the_open(now: int, opens: int) -> None:
    desk = Desk(start=now)
    order = desk.order(time_in_force="day")
    assert order["status"] == "accepted"
    assert desk.told()[0] == ("accepted", order["id"])
    desk.until(opens - SECOND)
    assert desk.read(order)["status"] == "accepted"
    desk.until(opens + 5 * SECOND)
    assert desk.read(order)["status"] == "filled"


def test_a_coin_trades_at_any_hour() -> None:
    desk = Desk(start=SATURDAY)
    assert desk.order(symbol="BTC/USD", qty="0.1")["status"] == "pending_new"
    desk.seconds(5)
    assert desk.position("BTC/USD") > 0


def test_a_day_order_expires_at_the_close_with_what_it_has() -> None:
    desk = Desk()
    desk.book.modes = Modes(partial_fills=1)
    order = desk.order(time_in_force="day", type="limit", limit_price="251", qty="8")
    desk.seconds(1)
    desk.market.write("AAPL", desk.book.now // (HOUR // 60) * (HOUR // 60), 252.0)
    desk.until(CLOSE + SECOND)
    found = desk.read(order)
    assert (found["status"], found["expires_at"][:19]) == ("expired", "2026-03-04T21:00:00")
    assert found["expired_at"] is not None
    assert 0 < Decimal(found["filled_qty"]) == desk.position() < 8


def test_a_half_day_ends_its_orders_at_one() -> None:
    desk = Desk(start=at("2026-11-27T16:00"))
    order = desk.order(time_in_force="day", type="limit", limit_price="200")
    desk.until(at("2026-11-27T18:00") + SECOND)
    assert desk.read(order)["status"] == "expired"


def test_a_gtc_order_is_cancelled_a_quarter_of_an_hour_after_the_close_of_its_ninetieth_day() -> (
    None
):
    desk = Desk()
    order = desk.order(type="limit", limit_price="100")
    assert order["expires_at"][:19] == "2026-06-02T20:00:00"
    desk.seconds(1)
    desk.book.advance(at("2026-06-02T20:14"))
    assert desk.read(order)["status"] == "new"
    desk.book.advance(at("2026-06-02T20:15"))
    assert desk.read(order)["status"] == "canceled"


@pytest.mark.parametrize("now", [PRE, POST])
def test_only_extended_orders_trade_before_and_after_the_session(now: int) -> None:
    desk = Desk(start=now)
    plain = desk.order(symbol="MSFT", type="limit", limit_price="401", time_in_force="day")
    order = desk.order(**EXTENDED)
    assert (plain["status"], order["status"]) == ("accepted", "pending_new")
    desk.seconds(5)
    assert desk.read(order)["status"] == "filled"
    assert desk.read(plain)["status"] == "accepted"


def test_an_extended_day_order_ends_at_eight_and_waits_out_the_night() -> None:
    desk = Desk(start=POST)
    order = desk.order(**EXTENDED | {"limit_price": "240"})
    assert order["expires_at"][:19] == "2026-03-05T01:00:00"
    desk.until(at("2026-03-05T01:00") + SECOND)
    assert desk.read(order)["status"] == "expired"
    desk.until(NIGHT)
    order = desk.order(**EXTENDED)
    assert order["status"] == "accepted"
    desk.until(at("2026-03-05T09:00") + 5 * SECOND)
    assert desk.read(order)["status"] == "filled"


def test_stops_are_triggered_in_the_session_alone() -> None:
    desk = Desk(start=POST)
    order = desk.order(type="stop", stop_price="260")
    desk.move("AAPL", 265.0)
    assert desk.read(order)["status"] == "accepted"
    desk.until(NEXT_OPEN + 10 * SECOND)
    assert desk.read(order)["status"] == "filled"


@pytest.mark.parametrize(
    ("tif", "now", "taken"),
    [
        ("opg", "2026-03-04T14:27", True),
        ("opg", "2026-03-04T14:28", False),
        ("opg", "2026-03-04T23:59", False),
        ("opg", "2026-03-05T00:00", True),
        ("opg", "2026-03-07T16:00", True),
        ("cls", "2026-03-04T20:49", True),
        ("cls", "2026-03-04T20:50", False),
        ("cls", "2026-03-04T23:59", False),
        ("cls", "2026-03-05T00:00", True),
        ("cls", "2026-11-27T17:49", True),
        ("cls", "2026-11-27T17:50", False),
    ],
)
def test_auctions_take_orders_at_their_hours(tif: str, now: str, taken: bool) -> None:
    desk = Desk(start=at(now))
    answer = desk.order(time_in_force=tif)
    if taken:
        assert answer["status"] == "accepted"
        return
    until = {"opg": "9:28am", "cls": "3:50pm"}[tif]
    message = f"{tif} orders must be submitted after 7:00pm and before {until}"
    assert answer == {"code": 40310000, "message": message}


@pytest.mark.parametrize(
    ("tif", "start", "auction"),
    [("opg", "2026-03-04T14:20", "2026-03-04T14:30"), ("cls", "2026-03-04T20:40", CLOSE)],
)
def test_an_order_for_an_auction_fills_in_it_or_is_cancelled(
    tif: str, start: str, auction: Any
) -> None:
    desk = Desk(start=at(start))
    auction = at(auction) if isinstance(auction, str) else auction
    market = desk.order(time_in_force=tif)
    limit = desk.order(symbol="MSFT", type="limit", limit_price="390", time_in_force=tif)
    desk.until(auction - SECOND)
    assert {desk.read(one)["status"] for one in (market, limit)} == {"accepted"}
    desk.until(auction + SECOND)
    assert desk.read(market)["status"] == "filled"
    assert desk.read(limit)["status"] == "canceled"


def test_immediate_or_cancel_keeps_what_it_got_and_fill_or_kill_is_whole_or_nothing() -> None:
    desk = Desk()
    desk.book.modes = Modes(partial_fills=1)
    limit: dict[str, Any] = {"type": "limit", "limit_price": "251"}
    part = desk.order(time_in_force="ioc", **limit)
    whole = desk.order(symbol="MSFT", time_in_force="fok", type="limit", limit_price="401")
    none = desk.order(time_in_force="fok", type="limit", limit_price="249")
    desk.seconds(1)
    found = desk.read(part)
    assert found["status"] == "canceled"
    assert 0 < Decimal(found["filled_qty"]) < 10
    assert (desk.read(whole)["status"], desk.read(whole)["filled_qty"]) == ("filled", "10")
    assert (desk.read(none)["status"], desk.read(none)["filled_qty"]) == ("canceled", "0")


# stops


@pytest.mark.parametrize(
    ("begin", "stop", "price", "status"),
    [
        (250.0, "260", 266.4, "filled"),
        (250.0, "260", 266.6, "new"),
        (250.0, "260", 280.0, "new"),
        (40.0, "45", 46.7, "filled"),
        (40.0, "45", 46.9, "new"),
    ],
)
def test_a_buy_stop_follows_the_price_by_two_and_a_half_percent_or_four_below_fifty_dollars(
    begin: float, stop: str, price: float, status: str
) -> None:
    desk = Desk()
    desk.move("AAPL", begin)
    order = desk.order(type="stop", stop_price=stop)
    desk.seconds(1)
    desk.move("AAPL", price)
    assert desk.read(order)["status"] == status


def test_a_sell_stop_follows_the_price_as_far_as_it_falls() -> None:
    desk = Desk()
    desk.filled()
    order = desk.order(side="sell", type="stop", stop_price="240")
    desk.seconds(1)
    desk.move("AAPL", 150.0)
    assert desk.read(order)["status"] == "filled"
    assert Decimal(desk.read(order)["filled_avg_price"]) < 150


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back() -> None:
    desk = Desk()
    desk.filled()
    order = desk.order(side="sell", type="trailing_stop", trail_percent="2")
    desk.seconds(1)
    seen = []
    for price in (250.0, 300.0, 296.0):
        desk.move("AAPL", price)
        found = desk.read(order)
        seen.append((found["hwm"], found["stop_price"], found["status"]))
    assert seen == [("250", "245", "new"), ("300", "294", "new"), ("300", "294", "new")]
    desk.move("AAPL", 293.0)
    assert desk.read(order)["status"] == "filled"


def test_a_trail_in_dollars() -> None:
    desk = Desk()
    order = desk.order(type="trailing_stop", trail_price="5")
    desk.seconds(1)
    desk.move("AAPL", 240.0)
    found = desk.read(order)
    assert (found["hwm"], found["stop_price"], found["trail_price"]) == ("240", "245", "5")
    desk.move("AAPL", 245.5)
    assert desk.read(order)["status"] == "filled"


# the third version of clock and calendar


@pytest.mark.parametrize(
    ("time", "phase", "until"),
    [
        ("2026-03-05T08:59:59Z", "closed", "2026-03-05T04:00:00-05:00"),
        ("2026-03-05T09:00:00Z", "pre", "2026-03-05T09:30:00-05:00"),
        ("2026-03-05T14:30:00Z", "core", "2026-03-05T16:00:00-05:00"),
        ("2026-03-05T21:00:00Z", "post", "2026-03-05T20:00:00-05:00"),
        ("2026-03-06T01:00:00Z", "closed", "2026-03-06T04:00:00-05:00"),
        ("2026-03-07T16:00:00Z", "closed", "2026-03-09T04:00:00-04:00"),
    ],
)
def test_the_clock_of_a_market_tells_the_phase_of_its_day(
    time: str, phase: str, until: str
) -> None:
    asked = {"markets": "NYSE,XNAS", "time": time}
    status, _, body = Desk().exchange.handle("GET", "/v3/clock", asked, KEYS, b"")
    found = json.loads(body)
    assert status == 200
    assert [one["market"]["acronym"] for one in found["clocks"]] == ["NYSE", "NASDAQ"]
    (told,) = {(one["phase"], one["phase_until"]) for one in found["clocks"]}
    assert told == (phase, until)
    assert found["clocks"][0]["is_market_day"] is ("-07T" not in time)


def test_the_calendar_of_a_market_has_the_edges_of_each_day() -> None:
    desk = Desk()

    def days(market: str, **asked: str) -> Any:
        answer = desk.exchange.handle("GET", f"/v3/calendar/{market}", asked, KEYS, b"")
        return answer[0], json.loads(answer[2])

    status, found = days("XNYS", start="2026-11-26", end="2026-11-27", timezone="UTC")
    assert (status, found["market"]["acronym"]) == (200, "NYSE")
    assert found["calendar"] == [
        {
            "date": "2026-11-27",
            "pre_start": "2026-11-27T09:00:00+00:00",
            "pre_end": "2026-11-27T14:30:00+00:00",
            "core_start": "2026-11-27T14:30:00+00:00",
            "core_end": "2026-11-27T18:00:00+00:00",
            "post_start": "2026-11-27T18:00:00+00:00",
            "post_end": "2026-11-27T22:00:00+00:00",
        }
    ]
    assert [one["date"][-2:] for one in days("NYSE")[1]["calendar"]] == [
        "04",
        "05",
        "06",
        "09",
        "10",
        "11",
    ]
    assert days("LSE") == (400, {"code": 40010001, "message": "invalid market: LSE"})
