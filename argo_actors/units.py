"""What a number means here: the only maker of `Decimal`, and the words for money, quantity and time.

Orders, fills, limits and accounts are `Decimal`; bars, quotes and indicators are finite `float`. The
two meet in `tick_price` and nowhere else: mixing them raises, in every thread, because
`FloatOperation` is trapped in the one context that all threads copy.
"""

import decimal
import math
import re
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP
from decimal import Decimal as Decimal

Usd = Decimal
"""US dollars."""
Quantity = Decimal
"""Shares or coins; signed where a position is meant (short is negative)."""
Price = Decimal
"""US dollars a share or coin."""
UtcNanos = int
"""Nanoseconds since 1970-01-01 UTC: market time."""
Symbol = str
"""A symbol in the config's form: `AAPL`, `BTC-USD`. Alpaca's forms exist only in broker and venue."""
OrderId = str
"""A client order id: minted once in a decider's word, never recomputed (design §6)."""

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_CONTEXT = decimal.DefaultContext
_CONTEXT.prec = 34
_CONTEXT.rounding = ROUND_HALF_EVEN
for _signal in (
    decimal.InvalidOperation,
    decimal.DivisionByZero,
    decimal.Overflow,
    decimal.FloatOperation,
):
    _CONTEXT.traps[_signal] = True
decimal.setcontext(_CONTEXT.copy())

ZERO = Decimal(0)
CENT = Decimal("0.01")
_NUMBER = re.compile(r"[+-]?(\d{1,18})(\.\d{1,18})?([eE][+-]?\d{1,2})?")
_UNIT = Decimal(1)


def exact(value: Decimal) -> Decimal:
    """The one spelling of a value, so that equal values have equal bytes: `2.50` and `2.5` become `2.5`."""
    value = value.normalize()
    if value == 0:
        return ZERO
    return value.quantize(_UNIT) if value.as_tuple().exponent > 0 else value  # type: ignore[operator]


def decimal_from(text: str) -> Decimal:
    """The number a text spells, in its one spelling; at most 18 digits on either side of the point.

    Raises ValueError on anything else: `NaN`, `inf`, `1,000`, an empty text, other scripts' digits.
    """
    if not text.isascii() or not _NUMBER.fullmatch(text):
        raise ValueError(f"not a plain decimal number: {text[:40]!r}")
    return exact(Decimal(text))


def tick_price(value: float, tick: Decimal, *, up: bool | None = None) -> Price:
    """A quote's float as a price on the tick: the one bridge from floats to `Decimal`.

    `up` says where to round (True to the ceiling, False to the floor, None to the nearest, half
    even). Raises ValueError when the value is not finite and positive.
    """
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"not a price: {value!r}")
    return to_tick(Decimal(repr(float(value))), tick, up=up)


def to_tick(value: Decimal, tick: Decimal, *, up: bool | None = None) -> Decimal:
    """The nearest multiple of the tick; `up` as in `tick_price`."""
    rounding = ROUND_HALF_EVEN if up is None else ROUND_CEILING if up else ROUND_FLOOR
    return exact((value / tick).to_integral_value(rounding) * tick)


def floor_to(value: Decimal, increment: Decimal) -> Decimal:
    """The largest multiple of the increment that is not above the value (towards zero)."""
    return exact((value / increment).to_integral_value(ROUND_DOWN) * increment)


def cents(value: Decimal) -> Usd:
    """Dollars rounded half up to the cent, as a broker books a fee."""
    return exact(value.quantize(CENT, ROUND_HALF_UP))


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """`part` as percent of `whole`, to six places."""
    return exact((part * 100 / whole).quantize(Decimal("0.000001")))


def equity_tick(price: Decimal) -> Decimal:
    """US stocks trade in cents from $1.00, in hundredths of a cent below (Alpaca's price increments)."""
    return CENT if price >= 1 else Decimal("0.0001")
