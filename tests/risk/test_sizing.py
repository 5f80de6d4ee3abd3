"""How much, and where stop and target go (decisions §5): to the cent, and never beyond a cap."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from argo_actors.messages.signal import Approval, Denial, Sizing
from argo_actors.risk.sizing import NotSizeable, legs, scale, size, volatility_ratio
from argo_actors.units import ZERO, Decimal, floor_to
from tests.risk.worlds import PROP, account, asset, config_of, figures, held, reserved, world

CONFIG, PROP_CONFIG = config_of(), config_of(**PROP)


def number(text: object) -> Decimal:
    return Decimal(str(text))


def sized(
    confidence: float = 75.0,
    *,
    symbol: str = "AAPL",
    base: object = 100_000,
    price: object = 100,
    atr: object | None = 2,
    room: tuple[tuple[str, object], ...] = (),
    config: Any = CONFIG,
    **of_asset: Any,
) -> Sizing:
    return size(
        config,
        symbol,
        confidence=confidence,
        base_amount=number(base),
        price=number(price),
        atr_pct=None if atr is None else number(atr),
        room=tuple((code, number(left)) for code, left in room),
        asset=asset(symbol, **of_asset),
    )


def refused(**changes: Any) -> str:
    with pytest.raises(NotSizeable) as caught:
        sized(**changes)
    return caught.value.code


def test_the_worked_example() -> None:
    found = sized(88.5, price=450, atr="1.667")
    assert (found.scale, found.ratio, found.pct) == (number("1.27"), number("1.1998"), 15)
    assert (found.base_amount, found.qty, found.notional) == (100_000, 33, 14_850)


def test_the_worked_example_through_the_decider() -> None:
    answer = world(
        account(buying_power=number(100_000)),
        figures(atr=1.667),
        signal={"confidence": 88.5},
        quote={"bid": 449.9, "ask": 450.0},
    ).answer()
    assert isinstance(answer, Approval)
    assert (answer.qty, answer.price, answer.reserved) == (33, 450, 14_850)
    assert (answer.stop, answer.target) == (number("436.5"), number("472.5"))


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(0.0, "1"), (75.0, "1"), (80.0, "1.1"), (88.5, "1.27"), (100.0, "1.5")],
)
def test_confidence_scales_from_75_on(confidence: float, expected: str) -> None:
    assert scale(confidence) == number(expected)


def test_a_tiny_confidence_is_a_number_too() -> None:
    assert scale(0.00012345678901234567) == 1


@pytest.mark.parametrize(
    ("atr", "expected"),
    [
        ("20", "0.25"),
        ("8", "0.25"),
        ("4", "0.5"),
        ("2", "1"),
        ("1.667", "1.1998"),
        ("1.25", "1.5"),
        ("0.000000001", "1.5"),
        (None, "0.5"),
    ],
)
def test_volatility_shrinks_and_grows_within_bounds(atr: str | None, expected: str) -> None:
    assert volatility_ratio(None if atr is None else number(atr)) == number(expected)


@pytest.mark.parametrize(
    ("changes", "pct"),
    [
        ({}, "10"),
        ({"confidence": 100.0}, "15"),
        ({"confidence": 88.5, "atr": "2"}, "12.7"),
        ({"atr": "8"}, "2.5"),
        ({"atr": None}, "5"),
        ({"config": PROP_CONFIG, "confidence": 100.0, "atr": "1"}, "3"),
        ({"config": PROP_CONFIG, "confidence": 82.0, "atr": "8"}, "3"),
    ],
)
def test_percent_of_the_base_amount(changes: dict[str, Any], pct: str) -> None:
    found = sized(**changes)
    assert found.pct == number(pct)
    assert found.qty == floor_to(1000 * number(pct) / 100, Decimal(1))


def test_an_expensive_coin_gets_at_least_half_a_percent() -> None:
    small = config_of(trading={"position_size_pct": 0.5})
    coin: dict[str, Any] = {"symbol": "BTC-USD", "config": small, "atr": 8}
    assert sized(**coin, price="10000.01").pct == number("0.5")
    assert sized(**coin, price=10_000).pct == number("0.125")


def test_what_is_left_cuts_the_size_down_to_its_half() -> None:
    assert sized(price=450, room=(("EXPOSURE", 8000), ("BUYING_POWER", 9000))).qty == 17
    assert sized(room=(("EXPOSURE", 5000),)).qty == 50
    assert refused(room=(("EXPOSURE", "4999.99"),)) == "EXPOSURE"
    assert refused(room=(("EXPOSURE", 6000), ("BUYING_POWER", -1))) == "BUYING_POWER"


def test_a_coin_order_is_at_most_200_000_dollars() -> None:
    found = sized(symbol="BTC-USD", base=3_000_000, price=100_000)
    assert (found.qty, found.notional) == (2, 200_000)
    assert sized(base=3_000_000, price=100).notional == 300_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"base": "999.99"}, "MIN_ORDER"),
        ({"symbol": "BTC-USD", "base": "149.99"}, "MIN_ORDER"),
        ({"symbol": "BTC-USD", "price": 99_000_000, "base": 900}, "MIN_ORDER"),
        ({"symbol": "BTC-USD", "min_order_size": number("100.1")}, "MIN_ORDER"),
        ({"atr": 0}, "BAD_DATA"),
        ({"base": 0}, "MIN_ORDER"),
    ],
)
def test_too_little_is_no_order(changes: dict[str, Any], code: str) -> None:
    assert refused(**changes) == code


def test_the_smallest_orders() -> None:
    assert sized(base=1000).qty == 1
    assert sized(symbol="BTC-USD", base=150).notional == 15
    tiny = sized(symbol="BTC-USD", base=160, price=16_000_000, min_order_size=ZERO)
    assert tiny.qty == number("0.000001")


def test_a_coin_is_rounded_down_to_its_increment() -> None:
    found = sized(symbol="ETH-USD", price=3333, min_trade_increment=number("0.01"))
    assert (found.qty, found.notional) == (3, 9999)
    assert sized(symbol="ETH-USD", price=3000, min_trade_increment=number("0.01")).qty == number(
        "3.33"
    )


@pytest.mark.parametrize(
    ("figures_of", "symbol", "base"),
    [
        ({"buying_power": number(60_000)}, "AAPL", 60_000),
        ({"buying_power": number(400_000)}, "AAPL", 100_000),
        ({"non_marginable_buying_power": number(30_000)}, "BTC-USD", 30_000),
        ({"buying_power": number(-1)}, "AAPL", 0),
    ],
)
def test_the_base_amount_uses_no_margin(figures_of: dict[str, Any], symbol: str, base: int) -> None:
    """`use_margin: false`: never more than equity, coins from what is not marginable."""
    answer = world(account(**figures_of), symbol=symbol).answer()
    if base:
        assert isinstance(answer, Approval)
        assert answer.sizing is not None
        assert answer.sizing.base_amount == base
    else:
        assert isinstance(answer, Denial)


def test_a_short_counts_a_hundred_and_three_percent() -> None:
    left = {"reserved": (reserved("MSFT", 85_000),)}
    full = account(buying_power=number(100_000))
    short = world(full, action="SELL", state=left, quote={"bid": 100.0, "ask": 100.1}).answer()
    long = world(full, state=left).answer()
    assert isinstance(short, Approval)
    assert isinstance(long, Approval)
    assert (long.qty, long.reserved) == (100, 10_000)
    assert (short.qty, short.reserved) == (97, 9991)


@pytest.mark.parametrize(
    ("action", "price", "stop", "target"),
    [
        ("BUY", "450", "436.5", "472.5"),
        ("SELL", "450", "463.5", "427.5"),
        ("BUY", "33.33", "32.34", "34.99"),
        ("SELL", "33.33", "34.32", "31.67"),
        ("BUY", "0.5", "0.485", "0.525"),
    ],
)
def test_legs_are_rounded_towards_the_entry(
    action: Any, price: str, stop: str, target: str
) -> None:
    found = legs(CONFIG, "AAPL", action, number(price), None, asset())
    assert found == (number(stop), number(target))


@pytest.mark.parametrize(("action", "limit"), [("BUY", "100.1"), ("SELL", "99.81")])
def test_a_limit_is_off_by_a_fraction_and_rounded_towards_the_market(
    action: str, limit: str
) -> None:
    """0.001 is a tenth of a percent: added to buys, taken from sells."""
    assert world(action=action).case.limit_price is None
    found = world(action=action, config={"trading": {"use_limit_orders": True}})
    assert found.case.limit_price == number(limit)


def leg(config: Any, **changes: Any) -> tuple[Decimal, Decimal]:
    return legs(config, "AAPL", "BUY", number(100), number(2), asset(), **changes)


def test_whose_word_the_legs_are() -> None:
    """Usual percentages, ATR multiples, a symbol's own, a request's own: the nearer wins."""
    atrs = {"trading": {"stop_atr": 2, "target_atr": 3.5}}
    own = {"overrides": {"AAPL": {"stop_loss_pct": 2, "profit_target_pct": 9}}}
    assert leg(CONFIG) == (97, 105)
    assert leg(config_of(**atrs)) == (96, 107)
    assert leg(config_of(**atrs, **own)) == (98, 109)
    asked = {"stop": number("95.001"), "target": number("110.019")}
    assert leg(config_of(**own), **asked) == (number("95.01"), number("110.01"))


def test_a_prop_stop_is_never_wider_than_it_may_be() -> None:
    strict = {"enabled": True, "risk_limits": {"max_stop_loss_pct": 1.0}}
    assert leg(PROP_CONFIG)[0] == number("98.6")
    assert leg(config_of(prop_firm=strict))[0] == 99
    assert leg(PROP_CONFIG, stop=number(95))[0] == number("98.6")
    assert leg(PROP_CONFIG, stop=number(99))[0] == 99
    short = legs(PROP_CONFIG, "AAPL", "SELL", number(100), None, asset(), stop=number(105))
    assert short[0] == number("101.4")


money = st.decimals(min_value=0, max_value=5_000_000, places=2)
prices = st.decimals(min_value="0.01", max_value=200_000, places=2)
confidences = st.floats(0, 100)
atrs = st.none() | st.decimals(min_value="0.0001", max_value=100, places=4)
modes = st.sampled_from([CONFIG, PROP_CONFIG])
symbols = st.sampled_from(["AAPL", "BTC-USD"])
rooms = st.tuples(
    st.tuples(st.just("EXPOSURE"), st.decimals(-1000, 5_000_000, places=2)),
    st.tuples(st.just("BUYING_POWER"), st.decimals(-1000, 5_000_000, places=2)),
)
Room = tuple[tuple[str, object], ...]


@given(confidences, symbols, money, prices, atrs, rooms, modes)
def test_no_size_goes_beyond_any_cap(
    confidence: float,
    symbol: str,
    base: Decimal,
    price: Decimal,
    atr: Decimal | None,
    room: Room,
    config: Any,
) -> None:
    try:
        found = sized(
            confidence, symbol=symbol, base=base, price=price, atr=atr, room=room, config=config
        )
    except NotSizeable:
        return
    share = 3 if config is PROP_CONFIG else 15
    assert found.qty > 0
    assert found.notional == found.qty * price
    assert found.notional <= base * share / 100
    assert all(found.notional <= left for _, left in room)  # type: ignore[operator]
    if symbol == "AAPL":
        assert found.qty == found.qty.to_integral_value()
    else:
        assert 15 <= found.notional <= 200_000
        assert found.qty >= number("0.000001")
        assert found.qty % number("0.000000001") == 0


@given(confidences, confidences, money, prices, atrs, symbols)
def test_more_confidence_is_never_a_smaller_size(
    one: float, other: float, base: Decimal, price: Decimal, atr: Decimal | None, symbol: str
) -> None:
    low, high = sorted((one, other))
    try:
        smaller = sized(low, symbol=symbol, base=base, price=price, atr=atr)
    except NotSizeable:
        return
    assert sized(high, symbol=symbol, base=base, price=price, atr=atr).qty >= smaller.qty


@given(money, prices, st.decimals("0.01", 50, places=2), st.decimals("0.01", 50, places=2))
def test_more_volatility_is_never_a_larger_size(
    base: Decimal, price: Decimal, one: Decimal, other: Decimal
) -> None:
    low, high = sorted((one, other))
    try:
        wild = sized(base=base, price=price, atr=high)
    except NotSizeable:
        return
    assert sized(base=base, price=price, atr=low).qty >= wild.qty


@given(prices, st.sampled_from(["BUY", "SELL"]), modes)
def test_stop_and_target_stand_on_their_sides_within_their_distance(
    price: Decimal, action: Any, config: Any
) -> None:
    assume(price >= 1)
    stop, target = legs(config, "AAPL", action, price, None, asset())
    sign = 1 if action == "BUY" else -1
    widest = price * (number("1.4") if config is PROP_CONFIG else 3) / 100
    assert 0 <= sign * (price - stop) <= widest
    assert 0 <= sign * (target - price) <= price * 5 / 100
    assert stop % number("0.01") == target % number("0.01") == 0


@given(
    st.decimals(1000, 1_000_000, places=2),
    st.decimals(0, 1_000_000, places=2),
    st.floats(82, 100),
    st.floats(0.5, 20),
    st.floats(5, 2000),
    st.sampled_from(["BUY", "SELL"]),
    st.sampled_from(["AAPL", "BTC-USD"]),
    st.sampled_from([{}, PROP]),
    st.decimals(0, 100_000, places=2),
)
def test_an_approval_keeps_every_promise(
    equity: Decimal,
    power: Decimal,
    confidence: float,
    atr: float,
    mid: float,
    action: str,
    symbol: str,
    config: dict[str, Any],
    at_work: Decimal,
) -> None:
    """Whatever the account: risk a trade, share, exposure and buying power stay within their limits."""
    answer = world(
        account(equity, buying_power=power, non_marginable_buying_power=power),
        figures(symbol, atr),
        held("OTHER", 1, at_work),
        equity=equity,
        symbol=symbol,
        action=action,
        config=config,
        signal={"confidence": confidence},
        quote={"bid": round(mid * 0.999, 2), "ask": round(mid * 1.001, 2)},
    ).answer()
    if not isinstance(answer, Approval):
        return
    assert answer.stop is not None
    notional, share = answer.qty * answer.price, 3 if config else 15
    base = min(equity, power)
    assert 0 < notional <= base * share / 100
    assert notional + at_work <= equity
    assert answer.reserved <= power - equity * 5 / 100
    assert answer.reserved == notional * (number("1.03") if action == "SELL" else 1)
    risked = answer.qty * abs(answer.price - answer.stop)
    assert risked <= notional * (number("1.4") if config else 3) / 100
    if symbol == "AAPL":
        assert answer.qty == answer.qty.to_integral_value() >= 1
    else:
        assert action == "BUY"
        assert notional >= 15
