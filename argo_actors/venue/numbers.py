"""Numbers as text, and out of a request's body; what cannot be one is refused."""

from decimal import Decimal, InvalidOperation
from typing import Any

from .refusals import PARAMETER, Refusal

LARGEST, FINEST = 15, 30
"""Powers of ten beyond which a number is no price and no quantity."""


def text(value: Decimal) -> str:
    """Plain digits without trailing zeros."""
    shown = f"{value:f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) or "0"


def number(value: Any) -> Decimal:
    """The decimal that a JSON number or text spells. Raises Refusal."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Refusal(422, PARAMETER, "request body format is invalid") from None
    exponent = found.as_tuple().exponent
    if not isinstance(exponent, int) or found.adjusted() > LARGEST or exponent < -FINEST:
        raise Refusal(422, PARAMETER, "request body format is invalid")
    return found


def positive(body: dict[str, Any], name: str, shown: str = "") -> Decimal | None:
    """A number above zero, None when it is absent. Raises Refusal."""
    if body.get(name) in (None, ""):
        return None
    value = number(body[name])
    if value <= 0:
        raise Refusal(422, PARAMETER, f"{shown or name} must be > 0")
    return value
