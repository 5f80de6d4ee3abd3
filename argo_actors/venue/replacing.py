"""PATCH of an order: which changes it may have. Raises Refusal for all others."""

from decimal import Decimal
from typing import Any

import msgspec

from .matching import Book, Order
from .numbers import number, positive, text
from .order_rules import FINEST, check_ticks
from .power import check_power, check_wash
from .refusals import PARAMETER, RULE, Refusal
from .validation import client_id

_TOO_EARLY = "unable to replace order, order isn't sent to exchange yet"

Changes = dict[str, Decimal | str]


def changes_of(book: Book, order: Order, body: dict[str, Any]) -> Changes:
    """What a PATCH changes, checked as a new order would be. Raises Refusal."""
    _check_state(order)
    found: Changes = {}
    client = client_id(book, body)
    if client:
        found["client_order_id"] = client
    qty = _quantity(order, body)
    if qty is not None:
        found["qty"] = qty
    if body.get("time_in_force"):
        if body["time_in_force"] not in ("day", "gtc"):
            raise Refusal(422, PARAMETER, "invalid time_in_force")
        found["time_in_force"] = str(body["time_in_force"])
    found |= _prices(order, body)
    _check_whole(book, order, found)
    return found


def _check_state(order: Order) -> None:
    if order.status in ("pending_new", "accepted"):
        raise Refusal(422, PARAMETER, _TOO_EARLY)
    if order.status not in ("new", "partially_filled", "held"):
        raise Refusal(422, RULE, "unable to replace order, order is not open")
    if order.order_class == "oto":
        raise Refusal(422, RULE, "oto orders cannot be replaced")
    if order.notional is not None:
        raise Refusal(422, RULE, "notional orders cannot be replaced")


def _quantity(order: Order, body: dict[str, Any]) -> Decimal | None:
    """The whole chain's quantity, what has been filled included."""
    if body.get("qty") is None:
        return None
    qty = number(body["qty"])
    if qty == order.qty:
        return None
    if order.order_class:
        raise Refusal(422, RULE, "qty of complex orders cannot be changed")
    if order.time_in_force == "day" and (qty % 1 or order.qty % 1):
        raise Refusal(422, RULE, "qty of fractional orders cannot be changed")
    if qty <= order.filled_qty:
        raise Refusal(422, PARAMETER, "qty must be > filled_qty")
    return qty


def _prices(order: Order, body: dict[str, Any]) -> Changes:
    found: Changes = {}
    for name in ("limit_price", "stop_price"):
        price = positive(body, name)
        if price is None:
            continue
        if getattr(order, name) is None or order.type == "trailing_stop":
            raise Refusal(422, PARAMETER, f"{order.type} orders have no {name}")
        found[name] = price
    trail = positive(body, "trail")
    if trail is not None:
        if order.type != "trailing_stop":
            raise Refusal(422, PARAMETER, "only trailing stop orders have a trail")
        found["trail_price" if order.trail_price is not None else "trail_percent"] = trail
    return found


def _check_whole(book: Book, order: Order, found: Changes) -> None:
    """The order as it will be: on the grid, no wash trade, within the account's means."""
    asset = book.market.assets[order.symbol]
    if order.replaces and book.orders[order.replaces].status == "pending_replace":
        raise Refusal(422, PARAMETER, _TOO_EARLY)
    new = msgspec.structs.replace(order, **found)
    check_ticks(new, asset)
    if new.qty % (asset.min_trade_increment or FINEST):
        raise Refusal(
            422, RULE, f"qty increment must be {text(asset.min_trade_increment or FINEST)}"
        )
    if not asset.is_crypto and new.qty % 1 and not order.qty % 1:
        raise Refusal(422, RULE, "fractional orders must be DAY orders")
    if order.leg or order.order_class:
        return
    check_wash(book, new)
    closes = order.position_intent.endswith("to_close")
    given_back = order.left * (1 if closes else book.opening_price(order))
    new.qty -= order.filled_qty
    check_power(book, new, asset, given_back)
