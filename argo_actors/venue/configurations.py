"""The account's configuration: read, changed, and enforced on new orders."""

from typing import Any

import msgspec

from .matching import Book, Order
from .refusals import Refusal
from .settings import Configuration

_ALLOWED: dict[str, tuple[Any, ...]] = {
    "dtbp_check": ("both", "entry", "exit", None),
    "pdt_check": ("both", "entry", "exit", None),
    "max_margin_multiplier": ("1", "2", "4"),
    "max_options_trading_level": (0, 1, 2, 3, None),
    "trade_confirm_email": ("all", "none"),
}


def configuration(book: Book) -> dict[str, Any]:
    """The configuration as Alpaca answers it."""
    return msgspec.structs.asdict(book.account.configuration)


def change(book: Book, body: dict[str, Any]) -> dict[str, Any]:
    """Set what the body names, all of it or nothing. Raises Refusal."""
    known = {name: body[name] for name in configuration(book) if name in body}
    for name, value in known.items():
        if name in _ALLOWED and value not in _ALLOWED[name]:
            raise Refusal(422, 40010001, f"invalid {name}")
    try:
        book.account.configuration = msgspec.convert(
            configuration(book) | known, Configuration, strict=True
        )
    except msgspec.ValidationError as error:
        raise Refusal(422, 40010001, f"request body format is invalid: {error}") from None
    book.changed.add("account")
    return configuration(book)


def check_order(book: Book, order: Order) -> None:
    """What the owner has switched off is not traded. Raises Refusal."""
    own = book.account.configuration
    if own.suspend_trade:
        raise Refusal(403, 40310000, "new orders are rejected by user request")
    if own.no_shorting and order.position_intent == "sell_to_open":
        raise Refusal(403, 40310000, "account is not allowed to short")
    stock = not book.market.assets[order.symbol].is_crypto
    if stock and order.qty % 1 and not own.fractional_trading:
        raise Refusal(403, 40310000, "fractional trading is disabled for this account")
