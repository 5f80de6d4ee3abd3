"""Every refusal of an order: Alpaca's status, code and words, at the venue's own request handler."""

from typing import Any

import msgspec
import pytest

from argo_actors.venue.modes import Modes
from tests.venue.desk import Desk

BRACKET = {"order_class": "bracket"}
LEGS = {"take_profit": {"limit_price": "260"}, "stop_loss": {"stop_price": "240"}}
COIN = {"symbol": "BTC/USD", "qty": "0.01"}
FRACTION = {"qty": "0.5", "time_in_force": "day"}
SELL = {"side": "sell"}

REFUSED: dict[str, tuple[dict[str, Any], int, int, str]] = {
    # what an order must say
    "unknown symbol": ({"symbol": "NOPE"}, 422, 42210000, 'asset "NOPE" not found'),
    "the dash form of a coin": ({"symbol": "ETH-USD"}, 422, 42210000, 'asset "ETH-USD" not found'),
    "no quantity": ({"qty": None}, 422, 40010001, "qty or notional is required"),
    "zero quantity": ({"qty": "0"}, 422, 40010001, "qty must be > 0"),
    "negative quantity": ({"qty": "-1"}, 422, 40010001, "qty must be > 0"),
    "quantity that is no number": ({"qty": "NaN"}, 422, 40010001, "request body format is invalid"),
    "quantity without end": ({"qty": "1e999"}, 422, 40010001, "request body format is invalid"),
    "quantity and notional": (
        {"notional": "10"},
        422,
        40010001,
        "only one of qty or notional is accepted",
    ),
    "notional below a dollar": (
        {"qty": None, "notional": "0.5", "time_in_force": "day"},
        422,
        40010001,
        "notional must be >= 1.00",
    ),
    "unknown side": ({"side": "hold"}, 422, 40010001, "invalid side"),
    "unknown type": ({"type": "iceberg"}, 422, 40010001, "invalid type"),
    "no time in force": ({"time_in_force": None}, 422, 40010001, "invalid time_in_force"),
    "unknown class": ({"order_class": "mleg"}, 422, 40010001, "invalid order_class"),
    "long client id": (
        {"client_order_id": "x" * 129},
        422,
        40010001,
        "client_order_id must be no more than 128 characters",
    ),
    # prices of a type
    "limit without price": ({"type": "limit"}, 422, 40010001, "limit orders require a limit price"),
    "stop without price": ({"type": "stop"}, 422, 40010001, "stop orders require a stop price"),
    "stop limit without both": (
        {"type": "stop_limit", "stop_price": "260"},
        422,
        40010001,
        "stop limit orders require both stop and limit price",
    ),
    "market with a price": (
        {"limit_price": "250"},
        422,
        40010001,
        "market orders require no stop or limit price",
    ),
    "price of zero": ({"type": "limit", "limit_price": "0"}, 422, 40010001, "limit_price must be"),
    "sub-penny price": (
        {"type": "limit", "limit_price": "250.123"},
        422,
        42210000,
        "invalid limit_price 250.123. sub-penny increment does not fulfill",
    ),
    "sub-penny stop": (
        {"type": "stop", "stop_price": "260.001"},
        422,
        42210000,
        "invalid stop_price 260.001. sub-penny",
    ),
    "sub-penny leg": (
        BRACKET | {"take_profit": {"limit_price": "260.001"}, "stop_loss": {"stop_price": "240"}},
        422,
        42210000,
        "invalid take_profit.limit_price 260.001",
    ),
    "trailing stop without trail": (
        {"type": "trailing_stop"},
        422,
        40010001,
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    "trailing stop with both trails": (
        {"type": "trailing_stop", "trail_price": "1", "trail_percent": "1"},
        422,
        40010001,
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    "trail below 0.1 %": (
        {"type": "trailing_stop", "trail_percent": "0.05"},
        422,
        40010001,
        "trail_percent must be >= 0.1",
    ),
    "trailing bracket": (
        BRACKET | LEGS | {"type": "trailing_stop", "trail_percent": "1"},
        422,
        42210000,
        "trailing stop orders must be simple orders",
    ),
    "trailing stop of a coin": (
        COIN | {"type": "trailing_stop", "trail_percent": "1"},
        422,
        40010001,
        "invalid order type for crypto order",
    ),
    "trailing stop, immediate or cancel": (
        {"type": "trailing_stop", "trail_percent": "1", "time_in_force": "ioc"},
        422,
        40010001,
        "invalid time_in_force",
    ),
    "buy stop below the market": (
        {"type": "stop", "stop_price": "240"},
        422,
        42210000,
        "stop price must be greater than current price",
    ),
    # fractions
    "fraction beyond the day": (
        {"qty": "0.5"},
        422,
        42210000,
        "fractional orders must be DAY orders",
    ),
    "fraction in a bracket": (
        FRACTION | BRACKET | LEGS,
        422,
        42210000,
        "fractional orders must be simple orders",
    ),
    "fraction sold short": (
        FRACTION | SELL,
        422,
        42210000,
        "fractional orders cannot be sold short",
    ),
    "fraction that trails": (
        FRACTION | {"type": "trailing_stop", "trail_percent": "1"},
        422,
        42210000,
        "fractional orders cannot be trailing stop orders",
    ),
    "fraction in extended hours": (
        FRACTION | {"type": "limit", "limit_price": "250", "extended_hours": True},
        422,
        42210000,
        "fractional orders are not eligible for extended hours trading",
    ),
    "fraction with ten decimals": (
        {"qty": "0.1234567891", "time_in_force": "day"},
        422,
        42210000,
        "qty increment must be 0.000000001",
    ),
    "notional beyond the day": (
        {"qty": None, "notional": "500"},
        422,
        42210000,
        "fractional orders must be DAY orders",
    ),
    # extended hours
    "market in extended hours": (
        {"extended_hours": True, "time_in_force": "day"},
        422,
        42210000,
        "extended hours order must be DAY or GTC limit orders",
    ),
    "stop in extended hours": (
        {"type": "stop", "stop_price": "260", "extended_hours": True},
        422,
        42210000,
        "stop orders are not eligible for extended hours trading",
    ),
    "bracket in extended hours": (
        BRACKET | LEGS | {"type": "limit", "limit_price": "250", "extended_hours": True},
        403,
        40310000,
        "bracket orders do not support extended hours trading",
    ),
    "oto in extended hours": (
        {
            "order_class": "oto",
            "stop_loss": {"stop_price": "240"},
            "type": "limit",
            "limit_price": "250",
            "extended_hours": True,
        },
        403,
        40310000,
        "oto orders do not support extended hours trading",
    ),
    # complex orders
    "bracket without target": (
        BRACKET | {"stop_loss": {"stop_price": "240"}},
        422,
        40010001,
        "bracket orders require take_profit.limit_price",
    ),
    "bracket without stop": (
        BRACKET | {"take_profit": {"limit_price": "260"}},
        422,
        40010001,
        "bracket orders require stop_loss.stop_price",
    ),
    "oto with two legs": (
        {"order_class": "oto"} | LEGS,
        422,
        40010001,
        "oto orders require exactly one leg",
    ),
    "oto, immediate or cancel": (
        {"order_class": "oto", "stop_loss": {"stop_price": "240"}, "time_in_force": "ioc"},
        422,
        40010001,
        'oto orders support only "day" or "gtc" time_in_force',
    ),
    "oco as an entry": (
        {"order_class": "oco", "type": "limit"} | LEGS,
        422,
        42210000,
        "oco orders must be exit orders",
    ),
    "stop above a long entry": (
        BRACKET | {"take_profit": {"limit_price": "260"}, "stop_loss": {"stop_price": "255"}},
        422,
        42210000,
        "stop_loss.stop_price must be <= base_price - 0.01",
    ),
    "target below a long entry": (
        BRACKET | {"take_profit": {"limit_price": "245"}, "stop_loss": {"stop_price": "240"}},
        422,
        42210000,
        "take_profit.limit_price must be >= base_price + 0.01",
    ),
    "stop below a short entry": (
        SELL
        | BRACKET
        | {"take_profit": {"limit_price": "240"}, "stop_loss": {"stop_price": "245"}},
        422,
        42210000,
        "stop_loss.stop_price must be >= base_price + 0.01",
    ),
    "target above a short entry": (
        SELL
        | BRACKET
        | {"take_profit": {"limit_price": "255"}, "stop_loss": {"stop_price": "260"}},
        422,
        42210000,
        "take_profit.limit_price must be <= base_price - 0.01",
    ),
    "limit of a stop leg on the near side": (
        BRACKET
        | {
            "take_profit": {"limit_price": "260"},
            "stop_loss": {"stop_price": "240", "limit_price": "241"},
        },
        422,
        42210000,
        "stop_loss.limit_price must be <= stop_loss.stop_price",
    ),
    # coins
    "bracket of a coin": (
        COIN | BRACKET | LEGS,
        422,
        42210000,
        "crypto orders not allowed for advanced order_class: otoco",
    ),
    "oco of a coin": (
        COIN | {"order_class": "oco", "type": "limit"} | LEGS,
        422,
        42210000,
        "crypto orders not allowed for advanced order_class: oco",
    ),
    "stop of a coin": (
        COIN | {"type": "stop", "stop_price": "59000"},
        422,
        40010001,
        "invalid order type for crypto order",
    ),
    "coin for the day": (
        COIN | {"time_in_force": "day"},
        422,
        42210000,
        "invalid crypto time_in_force",
    ),
    "coin for less than $10": (
        COIN | {"qty": "0.0001"},
        403,
        40310000,
        "cost basis must be >= minimal amount of order 10",
    ),
    "coin below its least size": (
        COIN | {"qty": "0.000001"},
        403,
        40310000,
        "qty must be >= 0.000016667",
    ),
    "coin off its increment": (
        COIN | {"qty": "0.0100000001"},
        422,
        42210000,
        "qty increment must be 0.000000001",
    ),
    "coin for more than $200,000": (
        COIN | {"qty": "4"},
        422,
        42210000,
        "notional must be <= 200000",
    ),
    "coin notional with three decimals": (
        {"symbol": "BTC/USD", "qty": None, "notional": "20.001"},
        422,
        42210000,
        "notional must have at most 2 decimal places",
    ),
    "coin sold short": (
        COIN | SELL,
        403,
        40310000,
        "insufficient balance for BTC (requested: 0.01, available: 0)",
    ),
    "coin beyond the cash": (
        COIN | {"qty": "2"},
        403,
        40310000,
        "insufficient balance for USD",
    ),
    # power and intent
    "beyond buying power": ({"qty": "1000"}, 403, 40310000, "insufficient buying power"),
    "short beyond buying power at 103 % of the ask": (
        SELL | {"qty": "790"},
        403,
        40310000,
        "insufficient buying power",
    ),
    "close that would open": (
        SELL | {"position_intent": "sell_to_close"},
        422,
        42210000,
        "position intent mismatch, inferred: sell_to_open, specified: sell_to_close",
    ),
    "unknown intent": ({"position_intent": "hope"}, 422, 40010001, "invalid position_intent"),
}
"""A body's difference from a plain market buy of ten shares, and what is answered to it."""


@pytest.mark.parametrize("case", REFUSED)
def test_an_order_is_refused_in_the_vendors_words(case: str) -> None:
    body, status, code, message = REFUSED[case]
    desk = Desk()
    whole = {"symbol": "AAPL", "qty": "10", "side": "buy", "type": "market"}
    whole |= {"time_in_force": "gtc"} | body
    sent = {name: value for name, value in whole.items() if value is not None}
    found, answer = desk.ask("POST", "/orders", sent)
    assert (found, answer["code"]) == (status, code), answer
    assert answer["message"].startswith(message)
    assert desk.book.orders == {}, "a refused order leaves nothing"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"qty": NaN}',
        b'"x"',
        b'{"symbol": ["AAPL"], "qty": {"a": 1}}',
        (
            b'{"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "gtc",'
            b' "order_class": "bracket", "take_profit": "high", "stop_loss": 3}'
        ),
        (
            b'{"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "gtc",'
            b' "extended_hours": "no"}'
        ),
    ],
)
def test_a_body_that_cannot_be_is_refused(body: bytes) -> None:
    desk = Desk()
    headers = {"apca-api-key-id": "K", "apca-api-secret-key": "S"}
    status, _, found = desk.exchange.handle("POST", "/v2/orders", {}, headers, body)
    assert status == 422, found


def test_a_number_may_be_written_with_an_exponent() -> None:
    desk = Desk()
    status, order = desk.ask(
        "POST",
        "/orders",
        {
            "symbol": "ETHUSD",
            "qty": 1e-2,
            "side": "buy",
            "type": "market",
            "time_in_force": "gtc",
        },
    )
    assert (status, order["qty"], order["symbol"]) == (200, "0.01", "ETH/USD")
    sent = desk.order(symbol="BTC/USD", qty="1e-3")
    assert sent["qty"] == "0.001"


def test_an_id_is_refused_for_ever() -> None:
    desk = Desk()
    first = desk.order(client_order_id="mine", type="limit", limit_price="100")
    desk.ask("DELETE", f"/orders/{first['id']}")
    desk.seconds(1)
    refused = desk.order(client_order_id="mine")
    assert refused == {"code": 40010001, "message": "client_order_id must be unique"}


# what is held, and opposite orders


def test_shares_held_by_an_exit_are_not_there_for_another() -> None:
    desk = Desk()
    bracket = desk.bracket()
    refused = desk.order(side="sell", qty="4")
    target = desk.leg(bracket, "target")
    assert refused == {
        "code": 40310000,
        "message": "insufficient qty available for order (requested: 4, available: 0)",
        "available": "0",
        "existing_qty": "10",
        "held_for_orders": "10",
        "related_orders": [target["id"], desk.leg(bracket, "stop")["id"]],
        "symbol": "AAPL",
    }
    assert desk.ask("DELETE", "/positions/AAPL")[0] == 403


def test_an_order_does_not_cross_zero() -> None:
    desk = Desk()
    desk.filled()
    refused = desk.order(side="sell", qty="11")
    assert refused["message"].endswith("(requested: 11, available: 10)")
    assert refused["existing_qty"] == "10"


def test_coins_under_a_resting_stop_are_not_there_for_another_sell() -> None:
    desk = Desk()
    desk.filled(symbol="BTC/USD", qty="0.1")
    stop = desk.order(
        symbol="BTC/USD",
        qty="0.09975",
        side="sell",
        type="stop_limit",
        stop_price="58000",
        limit_price="57000",
    )
    refused = desk.order(symbol="BTC/USD", qty="0.05", side="sell")
    assert refused["message"] == "insufficient balance for BTC (requested: 0.05, available: 0)"
    assert (refused["balance"], refused["symbol"]) == ("0.09975", "BTC")
    assert refused["related_orders"] == [stop["id"]]


LIMIT_240, LIMIT_260 = ({"type": "limit", "limit_price": one} for one in ("240", "260"))
STOP_245, STOP_255 = ({"type": "stop", "stop_price": one} for one in ("245", "255"))
STOP_LIMIT = {"type": "stop_limit", "stop_price": "245", "limit_price": "244"}
TRAIL = {"type": "trailing_stop", "trail_percent": "5"}
MET = "opposite side market/stop order exists"
CROSSED = "opposite side limit order exists"


@pytest.mark.parametrize(
    ("resting", "new", "reason"),
    [
        (STOP_245, LIMIT_240, MET),
        (STOP_245, {}, MET),
        (LIMIT_260, {}, MET),
        (LIMIT_260, STOP_255, MET),
        (LIMIT_260, LIMIT_260, CROSSED),
        (LIMIT_260, LIMIT_240, ""),
        (STOP_LIMIT, LIMIT_240, ""),
        (STOP_LIMIT, LIMIT_260, CROSSED),
        (TRAIL, LIMIT_260, ""),
        (STOP_245, TRAIL, ""),
    ],
)
def test_opposite_orders_are_no_wash_trade(
    resting: dict[str, str], new: dict[str, str], reason: str
) -> None:
    """A resting sell of what is held, and a new buy; and a complex order is exempt."""
    desk = Desk()
    desk.filled()
    first = desk.order(side="sell", **resting)
    desk.seconds(1)
    answer = desk.order(qty="5", **new)
    if reason:
        assert answer == {
            "code": 40310000,
            "message": "potential wash trade detected. use complex orders",
            "existing_order_id": first["id"],
            "reject_reason": reason,
        }
    else:
        assert answer["status"] == "pending_new", answer
    assert desk.order(qty="5", order_class="bracket", **LEGS)["status"] == "pending_new"


def test_long_and_short_are_not_opened_at_once() -> None:
    desk = Desk()
    desk.order(type="limit", limit_price="240")
    refused = desk.order(side="sell", type="limit", limit_price="260")
    assert refused["message"] == "cannot open a short sell while a long buy order is open"
    desk.order(symbol="MSFT", side="sell", type="limit", limit_price="420")
    refused = desk.order(symbol="MSFT", type="limit", limit_price="390")
    assert refused["message"] == "cannot open a long buy while a short sell order is open"


# who may trade


def _with(desk: Desk, **changed: Any) -> Desk:
    desk.book.modes = Modes(**changed)
    return desk


def test_a_blocked_account_trades_nothing_and_says_so() -> None:
    desk = _with(Desk(), trading_blocked=True)
    assert desk.order()["message"] == "account is not authorized to trade"
    assert desk.ask("GET", "/account")[1]["trading_blocked"] is True


def test_an_account_under_liquidation_only_closes() -> None:
    desk = Desk()
    desk.filled()
    _with(desk, liquidation_only=True)
    assert desk.order()["message"] == "account is restricted to liquidation only"
    assert desk.filled(side="sell")["position_intent"] == "sell_to_close"


def test_a_small_account_sells_nothing_short() -> None:
    desk = Desk(cash="1999")
    assert desk.order(side="sell", qty="1")["message"] == "account is not allowed to short"
    assert desk.ask("GET", "/account")[1]["shorting_enabled"] is False
    assert Desk(cash="2000").order(side="sell", qty="1")["status"] == "pending_new"


@pytest.mark.parametrize(
    ("field", "value", "order", "message"),
    [
        ("tradable", False, {}, "asset AAPL is not tradable"),
        ("shortable", False, {"side": "sell"}, 'asset "AAPL" cannot be sold short'),
        (
            "borrow_status",
            "hard_to_borrow",
            {"side": "sell"},
            'only day orders are allowed for hard-to-borrow asset "AAPL"',
        ),
        ("fractionable", False, FRACTION, 'asset "AAPL" is not fractionable'),
    ],
)
def test_an_asset_says_what_may_be_done_with_it(
    field: str, value: Any, order: dict[str, str], message: str
) -> None:
    desk = Desk()
    asset = msgspec.structs.replace(desk.market.assets["AAPL"], **{field: value})
    desk.market.assets = {**desk.market.assets, "AAPL": asset}
    assert desk.order(**order)["message"] == message
    if field == "borrow_status":
        assert desk.order(side="sell", time_in_force="day")["status"] == "pending_new"


def test_reserved_money_is_not_there_twice() -> None:
    desk = Desk()
    for _ in range(3):
        assert desk.order(qty="250", type="limit", limit_price="240")["status"] == "pending_new"
    refused = desk.order(qty="100", type="limit", limit_price="240")
    assert refused["buying_power"] == "20000"
    assert refused["cost_basis"] == "24000"


def test_coins_are_bought_with_cash_alone() -> None:
    """Stocks may take twice the equity, coins only what is not bound."""
    desk = Desk()
    desk.filled(qty="300")
    account = desk.ask("GET", "/account")[1]
    cash = float(account["non_marginable_buying_power"])
    assert 0 < cash < float(account["buying_power"])
    refused = desk.order(symbol="BTC/USD", qty="1.1")
    assert refused["symbol"] == "USD"
    assert float(refused["available"]) == cash
