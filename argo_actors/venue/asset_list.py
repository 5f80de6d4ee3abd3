"""The assets that the venue lists, filtered as Alpaca does."""

from typing import Any

from . import trading_json as wire
from .market import Asset
from .matching import Book
from .query import choice, words
from .refusals import Refusal
from .wire import Query


def assets(book: Book, query: Query) -> list[dict[str, Any]]:
    """By status, class, exchange and any of some attributes; sorted by class, exchange, symbol.

    Without a class every class is listed. Raises Refusal.
    """
    status = choice(query, "status", ("", "active", "inactive"))
    attributes = set(words(query, "attributes"))
    found = []
    for one in sorted(book.market.assets.values(), key=_order):
        row = _row(book, one)
        if (
            (not status or row["status"] == status)
            and query.get("asset_class", "") in ("", one.asset_class)
            and query.get("exchange", "") in ("", one.exchange)
            and (not attributes or attributes & set(row["attributes"]))
        ):
            found.append(row)
    return found


def asset(book: Book, text: str) -> dict[str, Any]:
    """One asset by its symbol, legacy symbol or id. Raises Refusal."""
    for one in book.market.assets.values():
        if text in (one.symbol, one.symbol.replace("/", ""), one.id):
            return _row(book, one)
    raise Refusal(404, 40410000, f"asset not found for {text}")


def _row(book: Book, one: Asset) -> dict[str, Any]:
    """An asset as the modes leave it; `easy_to_borrow` is announced to go, and goes by the mode."""
    row = wire.asset(book.asset(one.symbol))
    if not book.modes.easy_to_borrow:
        del row["easy_to_borrow"]
    return row


def _order(one: Asset) -> tuple[str, str, str]:
    return one.asset_class, one.exchange, one.symbol
