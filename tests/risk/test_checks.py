"""Every entry check: a world in which it alone fails, and one at its limit in which it passes."""

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest

import argo_actors.risk
from argo_actors.messages.order import BrokerLink, OrderReport, PositionReport, Reconciled
from argo_actors.messages.signal import Approval, Denial
from argo_actors.messages.system import Operator, Overload, Started, Stopping
from argo_actors.messages.truth import ForeignSeen
from argo_actors.risk.checks import EXIT_CHECKS, run
from argo_actors.risk.state import Rate
from argo_actors.units import MINUTE, SECOND, ZERO, Decimal
from tests.risk.worlds import (
    DAY,
    EARLY,
    NOW,
    PROP,
    World,
    account,
    asset,
    closed,
    figures,
    flat,
    held,
    hours,
    opened,
    quiet_cycle,
    reserved,
    seen,
    status,
    world,
)

ORDER = [
    "NOT_READY",
    "BROKER_UNREACHABLE",
    "HALTED",
    "ACCOUNT_BLOCKED",
    "EXPIRED",
    "MARKET_CLOSED",
    "SESSION_EDGE",
    "SYMBOL_HALTED",
    "FROZEN",
    "FOREIGN",
    "QUOTE",
    "PRICE_DISAGREEMENT",
    "BAD_DATA",
    "REGIME",
    "CONFIDENCE",
    "COOLDOWN",
    "PROP_LIMIT",
    "DAILY_LOSS",
    "DRAWDOWN",
    "EQUITY_UNSURE",
    "MAX_POSITIONS",
    "DUPLICATE",
    "NOT_SHORTABLE",
    "CORRELATION",
    "POSITION_SIZE",
    "EXPOSURE",
    "BUYING_POWER",
    "PRICE_COLLAR",
    "ORDER_RATE",
    "MIN_ORDER",
]
"""The document's order (decisions §4)."""
COIN: dict[str, Any] = {"symbol": "BTC-USD", "quote": {"bid": 99.5, "ask": 100.0}}
SURE: dict[str, Any] = {"confidence": 90.0}
ASK_100: dict[str, Any] = {"bid": 99.75, "ask": 100.25}


def operator(state: Any) -> Operator:
    return Operator(state=state, who="me", why="test")


def foreign_seen() -> ForeignSeen:
    (order,) = foreign_order(1).foreign
    return ForeignSeen(symbol="AAPL", order=order)


def foreign_order(count: int, **changes: Any) -> Reconciled:
    order = OrderReport(
        client_order_id="theirs",
        order_id="o",
        symbol="AAPL",
        side="buy",
        type="limit",
        status="working",
        qty=Decimal(1),
        filled_qty=ZERO,
        filled_avg_price=None,
        channel="list",
        event_at=EARLY,
    )
    none = PositionReport(symbol="AAPL", qty=ZERO, qty_available=ZERO, avg_entry_price=ZERO)
    return Reconciled(
        symbol="AAPL", position=none, orders=(), foreign=(order,) * count, reason="start", **changes
    )


def others(count: int, **changes: Any) -> list[Any]:
    return [held(f"O{chr(65 + n)}", **changes) for n in range(count)]


def tech(*symbols: str, side: str = "buy") -> list[Any]:
    return [held(symbol, side=side) for symbol in symbols]


def rate(*ages: float, today: int = 0, day: int = DAY) -> dict[str, Any]:
    recent = tuple(NOW - round(age * SECOND) for age in ages)
    return {"rate": Rate(recent=recent, day=day, today=today)}


PROP_3 = {"prop_firm": {"enabled": True, "risk_limits": {"max_drawdown_pct": 3.0}}}
PROP_DAY = {
    "prop_firm": {
        "enabled": True,
        "risk_limits": {"max_drawdown_pct": 10.0, "daily_loss_limit_pct": 3.0},
    }
}
DEEP = {"risk": {"daily_loss_limit_pct": 50.0}}
RESERVE = {"risk": {"cash_reserve_pct": 9.5}}
BULL_OFF = {"regime": {"off": ["BULL"]}}

FAILS: dict[str, list[World]] = {
    "NOT_READY": [
        world(state={"ready_at": None}),
        world(state={"ready_at": NOW - 60 * SECOND + 1}),
        world(status("massive", answered=False)),
        world(status("massive", answered=False, state="backoff")),
        world(Overload(over=True, address="order/AAPL")),
        world(BrokerLink(stream_up=True, last_answer_at=NOW, skew_ms=1001)),
        world(BrokerLink(stream_up=True, last_answer_at=NOW, skew_ms=-1001)),
        world(
            Started(run=2, mode="paper"),
            BrokerLink(stream_up=True, last_answer_at=NOW),
        ),
    ],
    "BROKER_UNREACHABLE": [
        world(BrokerLink(stream_up=False, last_answer_at=NOW)),
        world(BrokerLink(stream_up=True, last_answer_at=NOW - 30 * SECOND - 1)),
    ],
    "HALTED": [
        world(operator("stop-entries")),
        world(operator("halt")),
        world(operator("flatten")),
        world(Stopping(reason="SIGTERM")),
    ],
    "ACCOUNT_BLOCKED": [
        world(account(trading_blocked=True)),
        world(account(status="ACCOUNT_UPDATED")),
    ],
    "EXPIRED": [world(signal={"expires_at": NOW})],
    "MARKET_CLOSED": [
        world(hours(is_open=False)),
        world(hours(is_open=False), **COIN, config={"always_on": False}),
    ],
    "SESSION_EDGE": [
        world(hours(session_open=NOW - 5 * MINUTE + 1)),
        world(hours(session_close=NOW + 15 * MINUTE - 1)),
    ],
    "SYMBOL_HALTED": [world(asset(tradable=False))],
    "FROZEN": [world(flat("AAPL", phase="frozen")), world(signal={"split_suspected": True})],
    "FOREIGN": [
        world(foreign_order(1)),
        world(foreign_seen()),
        world(foreign_seen(), foreign_order(0)),
    ],
    "QUOTE": [
        world(no_quote=True),
        world(quote={"bid": 0.0}),
        world(quote={"bid": 0.0, "ask": 0.0}),
        world(quote={"ask": float("inf")}),
        world(quote={"bid": 100.01}),
        world(quote={"received_at": NOW - 2 * SECOND - 1}),
        world(quote={"at": NOW - 30 * SECOND - 1}),
        world(quote={"bid": 99.74, "ask": 100.25}),
        world(symbol="BTC-USD", quote={"bid": 99.49, "ask": 100.5}),
    ],
    "PRICE_DISAGREEMENT": [world(signal={"price_conflict": True})],
    "BAD_DATA": [world(figures(atr=0.0)), world(figures(atr=-1.0))],
    "REGIME": [
        world(config=BULL_OFF),
        world(config=PROP, signal=SURE | {"regime": "CRISIS"}),
    ],
    "CONFIDENCE": [
        world(signal={"confidence": 74.999999}),
        world(config=PROP, signal={"confidence": 81.999999}),
    ],
    "COOLDOWN": [
        world(closed(exit_at=NOW - 30 * MINUTE + 1), quiet_cycle()),
        world(*[opened()] * 3),
    ],
    "PROP_LIMIT": [
        world(account(98_200), config=PROP, signal=SURE),
        world(held("MSFT", 1, 5000, stop=Decimal("3041.99")), config=PROP_3, signal=SURE),
        *[
            world(
                account(99_900),
                held("MSFT", 1, 5000, stop=Decimal("3107.26")),
                config=config,
                signal=SURE,
            )
            for config in (PROP_3, PROP_DAY)
        ],
        world(
            config=PROP_3,
            signal=SURE,
            state={
                "reserved": (reserved("MSFT", 5000, price=Decimal(5000), stop=Decimal("3041.99")),)
            },
        ),
        world(
            flat("MSFT", phase="entering", side="buy", pending_qty=Decimal(1)),
            config=PROP_3,
            signal=SURE,
            state={
                "reserved": (reserved("MSFT", 5000, price=Decimal(5000), stop=Decimal("3041.99")),)
            },
        ),
    ],
    "DAILY_LOSS": [
        world(account(95_000)),
        world((EARLY, account(95_000)), (EARLY + 2 * SECOND, account(95_000))),
    ],
    "DRAWDOWN": [
        world(account(90_000), config=DEEP),
        world((EARLY, account(90_000)), (EARLY + 2 * SECOND, account(90_000)), config=DEEP),
    ],
    "EQUITY_UNSURE": [
        world(
            held("MSFT", 100, 400),
            seen("MSFT", 400.0),
            account(),
            seen("MSFT", 340.0),
            seen("MSFT", 399.0),
        ),
        world(held("MSFT", 1, 10), (NOW - 15 * SECOND - 1, seen("MSFT", 10.0))),
        world(held("BTC-USD", 1, 10), (NOW - 15 * SECOND - 1, seen("BTC-USD", 10.0))),
    ],
    "MAX_POSITIONS": [
        world(*others(10)),
        world(*others(3), config=PROP, signal=SURE),
        world(*others(9), state={"reserved": (reserved("ZZ", 10),)}),
    ],
    "DUPLICATE": [
        world(held("AAPL")),
        world(
            flat(
                "AAPL",
                phase="entering",
                side="buy",
                pending_qty=Decimal(1),
                pending_price=Decimal(100),
            )
        ),
        world(state={"reserved": (reserved("AAPL", 100),)}),
    ],
    "NOT_SHORTABLE": [
        world(**COIN, action="SELL"),
        world(action="SELL", config={"allow_shorts": False}),
        world(asset(shortable=False), action="SELL"),
        world(asset(easy_to_borrow=False), action="SELL"),
        world(account(shorting_enabled=False), action="SELL"),
        world(equity="1999.99", action="SELL"),
    ],
    "CORRELATION": [
        world(*tech("MSFT", "GOOG", "AMZN")),
        world(*tech("MSFT", "GOOG"), state={"reserved": (reserved("NVDA", 100),)}),
        world(*tech("MSFT", "GOOG", "AMZN", side="sell"), action="SELL"),
        world(*tech("ETH-USD", "DOGE-USD", "LTC-USD"), **COIN),
    ],
    "POSITION_SIZE": [world(held("AAPL", 50, "100.01"))],
    "EXPOSURE": [
        world(held("OTHER", 1, "95000.01")),
        world(held("OTHER", 1, "95000.01", own=False)),
        world(
            held(
                "OTHER",
                0,
                0,
                avg_price=None,
                pending_qty=Decimal(1),
                pending_price=Decimal("95000.01"),
            )
        ),
        world(state={"reserved": (reserved("OTHER", "95000.01"),)}),
    ],
    "BUYING_POWER": [
        world(account(buying_power=Decimal("9999.99")), config=RESERVE),
        world(account(non_marginable_buying_power=Decimal("9999.99")), **COIN, config=RESERVE),
        world(
            account(buying_power=Decimal(100_000)),
            held("MSFT", 1, 10),
            state={"reserved": (reserved("MSFT", "90000.01"),)},
        ),
    ],
    "PRICE_COLLAR": [
        world(signal={"price": 101.01}),
        world(signal={"price": 98.99}),
        world(**COIN, signal={"price": 102.01}),
        world(signal={"price": 101.01}, config={"trading": {"use_limit_orders": True}}),
    ],
    "ORDER_RATE": [
        world(state=rate(0.1, 0.999)),
        world(state=rate(*[1 + n for n in range(30)])),
        world(state=rate(today=200)),
    ],
    "MIN_ORDER": [
        world(equity="999.99"),
        world(equity="149.99", **COIN),
        world(asset("BTC-USD", min_order_size=Decimal("100.000001")), **COIN),
    ],
}

PASSES: dict[str, list[World]] = {
    "NOT_READY": [
        world(state={"ready_at": NOW - 60 * SECOND}),
        world(status("massive", answered=False, state="failed")),
        world(status("massive", answered=False, state="disabled")),
        world(status("massive", answered=False, configured=False)),
        world(Overload(over=True, address="order/AAPL"), Overload(over=False)),
        world(BrokerLink(stream_up=True, last_answer_at=NOW, skew_ms=1000)),
    ],
    "BROKER_UNREACHABLE": [world(BrokerLink(stream_up=True, last_answer_at=NOW - 30 * SECOND))],
    "HALTED": [world(operator("halt"), operator("normal"))],
    "ACCOUNT_BLOCKED": [world(account(trading_blocked=True), account())],
    "EXPIRED": [world(signal={"expires_at": NOW + 1})],
    "MARKET_CLOSED": [
        world(hours(is_open=False), **COIN),
        world(**COIN, config={"always_on": False}),
    ],
    "SESSION_EDGE": [
        world(hours(session_open=NOW - 5 * MINUTE)),
        world(hours(session_close=NOW + 15 * MINUTE)),
        world(hours(session_open=NOW, session_close=NOW + 1), **COIN),
    ],
    "SYMBOL_HALTED": [world(asset(tradable=False), asset())],
    "FROZEN": [world(flat("AAPL", phase="frozen"), flat("AAPL"))],
    "FOREIGN": [
        world(foreign_order(1), foreign_order(0)),
        world(foreign_seen(), foreign_order(0, read_at=NOW)),
    ],
    "QUOTE": [
        world(quote={"received_at": NOW - 2 * SECOND}),
        world(quote={"at": NOW - 30 * SECOND}),
        world(quote=ASK_100),
        world(quote={"bid": 100.0, "ask": 100.0}),
        world(symbol="BTC-USD", quote={"bid": 99.5, "ask": 100.5}),
    ],
    "PRICE_DISAGREEMENT": [world()],
    "BAD_DATA": [world(figures(atr=0.000001)), world(figures(atr=None))],
    "REGIME": [
        world(signal={"regime": "CRISIS"}),
        world(config=BULL_OFF, signal={"regime": "BEAR"}),
        world(config=PROP, signal=SURE | {"regime": "CHOP"}),
    ],
    "CONFIDENCE": [world(), world(config=PROP, signal={"confidence": 82.0})],
    "COOLDOWN": [
        world(closed(exit_at=NOW - 30 * MINUTE), quiet_cycle()),
        world(*[opened()] * 2),
        world(*[opened("MSFT")] * 3),
    ],
    "PROP_LIMIT": [
        world(account("98200.01"), config=PROP, signal=SURE),
        world(account(95_500)),
        world(held("MSFT", 1, 5000, stop=Decimal(3042)), config=PROP_3, signal=SURE),
        world(
            config=PROP_3,
            signal=SURE,
            state={"reserved": (reserved("MSFT", 5000, price=Decimal(5000), stop=Decimal(3042)),)},
        ),
        world(
            flat("MSFT", phase="entering", side="buy", pending_qty=Decimal(1)),
            config=PROP_3,
            signal=SURE,
            state={"reserved": (reserved("MSFT", 5000, price=Decimal(5000), stop=Decimal(3042)),)},
        ),
        *[
            world(
                account(99_900),
                held("MSFT", 1, 5000, stop=Decimal("3107.27")),
                config=config,
                signal=SURE,
            )
            for config in (PROP_3, PROP_DAY)
        ],
    ],
    "DAILY_LOSS": [world(account("95000.01"))],
    "DRAWDOWN": [world(account("90000.01"), config=DEEP)],
    "EQUITY_UNSURE": [
        world(
            held("MSFT", 100, 400),
            seen("MSFT", 400.0),
            account(),
            seen("MSFT", 340.0),
            account(99_900),
            (NOW, seen("MSFT", 399.0)),
        ),
        world(held("MSFT", 1, 10), (NOW - 15 * SECOND, seen("MSFT", 10.0))),
        world(flat("MSFT"), (EARLY, seen("MSFT", 10.0))),
        world(
            held("MSFT", 1, 10),
            (EARLY, seen("MSFT", 10.0)),
            hours(is_open=False),
            asset("BTC-USD", asset_class="crypto"),
            symbol="BTC-USD",
        ),
    ],
    "MAX_POSITIONS": [
        world(*others(9)),
        world(*others(2), config=PROP, signal=SURE),
        world(*others(9), held("THEIRS", own=False), flat("GONE")),
    ],
    "DUPLICATE": [world(flat("AAPL")), world(held("MSFT"))],
    "NOT_SHORTABLE": [
        world(action="SELL"),
        world(equity=2000, action="SELL"),
        world(asset(shortable=False), config={"allow_shorts": False}),
    ],
    "CORRELATION": [
        world(*tech("MSFT", "GOOG")),
        world(*tech("MSFT", "GOOG", "AMZN", side="sell")),
        world(*tech("SPY", "QQQ", "IWM", "UNLISTED")),
        world(*tech("ETH-USD", "DOGE-USD"), **COIN),
    ],
    "POSITION_SIZE": [world(held("AAPL", 50, 100))],
    "EXPOSURE": [world(held("OTHER", 1, 95_000)), world(held("OTHER", 1, 95_000, own=False))],
    "BUYING_POWER": [
        world(account(buying_power=Decimal(10_000)), config=RESERVE),
        world(account(non_marginable_buying_power=Decimal(10_000)), **COIN, config=RESERVE),
        world(
            account(buying_power=Decimal(100_000)),
            held("MSFT", 1, 10),
            state={"reserved": (reserved("MSFT", 90_000),)},
        ),
    ],
    "PRICE_COLLAR": [
        world(signal={"price": 101.0}),
        world(signal={"price": 99.0}),
        world(**COIN, signal={"price": 102.0}),
        world(
            config={"trading": {"use_limit_orders": True, "limit_order_offset_pct": 0.01}},
        ),
    ],
    "ORDER_RATE": [
        world(state=rate(0.1, 1.0)),
        world(state=rate(*[1 + n for n in range(29)], 60)),
        world(state=rate(today=199)),
        world(state=rate(today=200, day=DAY - 1)),
    ],
    "MIN_ORDER": [
        world(equity=1000),
        world(equity=150, **COIN),
        world(asset("BTC-USD", min_order_size=Decimal(100)), **COIN),
    ],
}
ALSO = {
    "QUOTE": {"PRICE_COLLAR"},  # without a reference price nothing is within reach of it
    "POSITION_SIZE": {"DUPLICATE"},  # bites on what is held already
    "DAILY_LOSS": {"EQUITY_UNSURE"},  # one reading is not two
    "DRAWDOWN": {"EQUITY_UNSURE"},
}


def listed(worlds: dict[str, list[World]]) -> Any:
    return pytest.mark.parametrize(
        ("code", "found"),
        [
            pytest.param(code, one, id=f"{code}-{n}")
            for code, found in worlds.items()
            for n, one in enumerate(found)
        ],
    )


def codes_in_the_source() -> set[str]:
    """Every code that the package can deny with, read from its calls."""
    found = set()
    for path in Path(argo_actors.risk.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                said = [*node.args[:2], *(k.value for k in node.keywords if k.arg == "code")]
                if node.func.id in ("_check", "_sized", "NotSizeable", "Check"):
                    found |= {one.value for one in said if isinstance(one, ast.Constant)}
    return {one for one in found if isinstance(one, str) and one.isupper()}


def test_every_code_has_its_worlds_and_the_documents_order() -> None:
    assert [one.code for one in world().checks()] == ORDER
    assert codes_in_the_source() == set(ORDER)
    assert set(FAILS) == set(PASSES) == set(ORDER)


def test_in_a_world_where_all_is_well_the_entry_is_approved() -> None:
    answer = world().answer()
    assert isinstance(answer, Approval)
    assert (answer.qty, answer.price) == (100, 100)
    assert [one.code for one in answer.checks] == ORDER


@listed(FAILS)
def test_exactly_this_check_fails(code: str, found: World) -> None:
    failed = found.failed()
    assert code in failed
    assert set(failed) - {code} <= ALSO.get(code, set())
    check = next(one for one in found.checks() if one.code == code)
    assert check.value
    assert check.limit


@listed(FAILS)
def test_the_first_failure_denies(code: str, found: World) -> None:
    answer = found.answer()
    assert isinstance(answer, Denial)
    assert answer.code == found.failed()[0]
    assert answer.code == ("DUPLICATE" if code == "POSITION_SIZE" else code)


@listed(PASSES)
def test_at_its_limit_the_check_passes(code: str, found: World) -> None:
    assert code not in found.failed()
    others_failed = set(found.failed()) - ALSO.get(code, set())
    assert not others_failed
    assert isinstance(found.answer(), Denial if code == "POSITION_SIZE" else Approval)


def test_what_nobody_knows_yet_denies() -> None:
    """A state that has heard nothing: no check raises, the first ones fail."""
    empty = world(state=dict.fromkeys(("account", "hours", "ready_at")) | {"assets": ()})
    assert empty.failed()[0] == "NOT_READY"
    assert {"ACCOUNT_BLOCKED", "MARKET_CLOSED", "SYMBOL_HALTED"} <= set(empty.failed())
    assert isinstance(empty.answer(), Denial)


def test_a_foreign_position_is_not_flat() -> None:
    theirs = world(held("AAPL", side="sell", own=False))
    assert theirs.failed()[0] == "FOREIGN"
    answer = theirs.answer()
    assert isinstance(answer, Denial)
    assert answer.code == "FOREIGN"


def test_exits_pass_only_two_checks() -> None:
    hopeless = world(
        operator("halt"),
        held("AAPL", side="sell"),
        account(90_000),
        BrokerLink(stream_up=False, last_answer_at=0),
        signal={"expires_at": NOW, "price_conflict": True, "regime": "CRISIS"},
        state={"ready_at": None} | rate(*[0.5] * 40, today=500),
    )
    answer = hopeless.answer()
    assert isinstance(answer, Approval)
    assert [one.code for one in answer.checks] == ["ACCOUNT_BLOCKED", "MARKET_CLOSED"]


@pytest.mark.parametrize(
    ("symbol", "word", "code"),
    [
        ("AAPL", account(trading_blocked=True), "ACCOUNT_BLOCKED"),
        ("AAPL", hours(is_open=False), "MARKET_CLOSED"),
        ("BTC-USD", account(trading_blocked=True), "ACCOUNT_BLOCKED"),
    ],
)
def test_an_exit_is_denied_where_nothing_can_be_sent(symbol: str, word: Any, code: str) -> None:
    answer = world(word, held(symbol, side="sell"), symbol=symbol).answer()
    assert isinstance(answer, Denial)
    assert (answer.code, answer.intent) == (code, "close_short")


def test_a_coin_is_closed_outside_stock_hours_even_where_it_is_not_entered() -> None:
    """`always_on: false` is about entries only."""
    found = world(
        hours(is_open=False), held("BTC-USD"), **COIN, action="SELL", config={"always_on": False}
    )
    answer = found.answer()
    assert isinstance(answer, Approval)
    assert answer.intent == "close_long"
    assert all(one.passed for one in run(EXIT_CHECKS, found.case))


def test_a_request_is_judged_in_the_regime_that_the_figures_say() -> None:
    assert not world().failed()
    crisis = world(figures(regime="CRISIS"))
    assert msgspec.structs.asdict(dict(crisis.state.readings)["AAPL"])["regime"] == "CRISIS"
