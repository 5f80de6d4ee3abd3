"""What a number means: one spelling, one bridge from floats, one context for all threads."""

import decimal
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.units import (
    cents,
    decimal_from,
    equity_tick,
    exact,
    floor_to,
    percent,
    tick_price,
    to_tick,
)

plain = st.decimals(
    min_value=-1_000_000, max_value=1_000_000, places=6, allow_nan=False, allow_infinity=False
)
prices = st.floats(min_value=0.01, max_value=1_000_000, allow_nan=False, allow_infinity=False)


@given(plain)
def test_equal_values_have_one_spelling(value: Decimal) -> None:
    spelled = exact(value)
    assert spelled == value
    assert str(spelled) == str(exact(spelled + Decimal("0.000000")))
    assert "E" not in str(exact(value * 1000))


@given(plain)
def test_a_number_survives_its_own_text(value: Decimal) -> None:
    assert decimal_from(f"{value:f}") == value


@pytest.mark.parametrize(
    "text",
    ["", "NaN", "nan", "inf", "-Infinity", "1,000", " 1", "1 ", "1_0", ".5", "5.", "0x1", "1e400"],
)
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal"):
        decimal_from(text)


def test_digits_of_other_scripts_are_refused() -> None:
    with pytest.raises(ValueError, match="not a plain decimal"):
        decimal_from("\u0661\u0662")


def test_more_than_eighteen_digits_are_refused() -> None:
    assert decimal_from("9" * 18) == Decimal("9" * 18)
    with pytest.raises(ValueError, match="not a plain decimal"):
        decimal_from("9" * 19)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_float_that_is_no_price_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a price"):
        tick_price(value, Decimal("0.01"))


@given(prices, st.sampled_from([Decimal("0.01"), Decimal("0.0001"), Decimal("0.05")]))
def test_a_price_is_on_its_tick_and_rounds_where_it_was_told(value: float, tick: Decimal) -> None:
    down = tick_price(value, tick, up=False)
    near = tick_price(value, tick)
    up = tick_price(value, tick, up=True)
    true = Decimal(repr(value))
    assert down <= true <= up
    assert down <= near <= up
    assert up - down in (0, tick)
    assert all(price % tick == 0 for price in (down, near, up))


def test_half_a_tick_goes_to_the_even_one() -> None:
    assert to_tick(Decimal("1.005"), Decimal("0.01")) == Decimal("1.00")
    assert to_tick(Decimal("1.015"), Decimal("0.01")) == Decimal("1.02")


@given(plain, st.sampled_from([Decimal(1), Decimal("0.001"), Decimal("0.5")]))
def test_a_quantity_is_floored_towards_zero(value: Decimal, increment: Decimal) -> None:
    floored = floor_to(value, increment)
    assert abs(floored) <= abs(value)
    assert abs(value - floored) < increment
    assert floored % increment == 0


def test_a_fee_is_booked_half_up() -> None:
    assert cents(Decimal("0.005")) == Decimal("0.01")
    assert cents(Decimal("0.0149")) == Decimal("0.01")


def test_a_part_is_told_in_percent_to_six_places() -> None:
    assert percent(Decimal(1), Decimal(3)) == Decimal("33.333333")
    with pytest.raises(decimal.DivisionByZero):
        percent(Decimal(1), Decimal(0))


def test_stocks_below_a_dollar_trade_in_hundredths_of_a_cent() -> None:
    assert equity_tick(Decimal(1)) == Decimal("0.01")
    assert equity_tick(Decimal("0.9999")) == Decimal("0.0001")


def test_mixing_floats_and_decimals_raises_in_every_thread() -> None:
    found: list[type[BaseException]] = []

    def mix() -> None:
        for act in (lambda: Decimal(1.5), lambda: Decimal(1) < 1.5):  # noqa: RUF032
            try:
                act()
            except decimal.FloatOperation as error:
                found.append(type(error))

    mix()
    thread = threading.Thread(target=mix)
    thread.start()
    thread.join(5)
    assert found == [decimal.FloatOperation] * 4
