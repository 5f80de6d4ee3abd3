"""Values as they are shown."""

from datetime import UTC, datetime

from ..units import SECOND, ZERO, Decimal, exact


def time(at: int) -> str:
    """RFC 3339 in seconds."""
    return datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(value: Decimal) -> str:
    """Digits without an exponent, in their one spelling."""
    return f"{exact(value):f}"


def cents(value: Decimal) -> Decimal:
    """For people: to the cent."""
    return (value or ZERO).quantize(Decimal("0.01"))
