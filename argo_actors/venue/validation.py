"""A submission's body to an order, or the refusal that Alpaca would give."""

from decimal import Decimal
from typing import Any

from .legs import intent_of, legs_of
from .matching import Book, Order, new_id
from .numbers import number, positive
from .order_rules import check_crypto, check_stock, check_ticks, check_type
from .power import check_power, check_wash
from .refusals import PARAMETER, RIGHTS, RULE, Refusal

LONGEST_ID = 128
_SIDES = ("buy", "sell")
_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
_TIMES = ("day", "gtc", "ioc", "fok", "opg", "cls")


def build(
    book: Book, body: dict[str, Any], *, closes: bool = False
) -> tuple[Order, tuple[Order, ...]]:
    """The order and its legs. Raises Refusal.

    `closes`: it is the order by which a position is closed, which may be smaller than others.
    """
    if book.modes.trading_blocked:
        raise Refusal(403, RIGHTS, "account is not authorized to trade")
    symbol = symbol_of(book, str(body.get("symbol") or ""))
    asset = book.asset(symbol)
    if not asset.tradable:
        raise Refusal(422, RULE, f"asset {asset.symbol} is not tradable")
    order = _order(book, body, symbol)
    check_type(order)
    if asset.is_crypto:
        check_crypto(book, order, asset, closes=closes)
    else:
        check_stock(book, order, asset)
    check_ticks(order, asset)
    order.position_intent = intent_of(book, order, str(body.get("position_intent") or ""))
    legs = legs_of(book, order, asset, body)
    check_wash(book, order)
    check_power(book, order, asset)
    return order, legs


def symbol_of(book: Book, text: str) -> str:
    """Our symbol, from `AAPL`, `BTC/USD` or `BTCUSD`. Raises Refusal."""
    if text in book.market.assets:
        return text
    for symbol in book.market.assets:
        if text == symbol.replace("/", ""):
            return symbol
    raise Refusal(422, RULE, f'asset "{text}" not found')


def _order(book: Book, body: dict[str, Any], symbol: str) -> Order:
    client = client_id(book, body) or new_id(book.account.number, f"order {len(book.orders)}")
    extended = body.get("extended_hours")
    if extended not in (None, True, False):
        raise Refusal(422, PARAMETER, "request body format is invalid")
    again = [str(len(book.orders))] if client in book.by_client else []
    order = Order(
        id=new_id(book.account.number, client, *again),
        client_order_id=client,
        symbol=symbol,
        side=_choice(body, "side", _SIDES),
        type=_choice(body, "type", _TYPES),
        time_in_force=_choice(body, "time_in_force", _TIMES),
        order_class=_class(body),
        qty=Decimal(0),
        limit_price=positive(body, "limit_price"),
        stop_price=positive(body, "stop_price"),
        trail_price=positive(body, "trail_price"),
        trail_percent=positive(body, "trail_percent"),
        extended_hours=bool(extended),
    )
    _set_quantity(book, order, body)
    return order


def client_id(book: Book, body: dict[str, Any]) -> str:
    """The client's own id of an order; empty when it gives none. Raises Refusal."""
    client = str(body.get("client_order_id") or "")
    if len(client) > LONGEST_ID:
        raise Refusal(422, PARAMETER, "client_order_id must be no more than 128 characters")
    known = book.by_client.get(client)
    if known is None or book.modes.client_ids == "not_enforced":
        return client
    if book.modes.client_ids == "while_open" and not book.orders[known].is_open:
        return client
    raise Refusal(422, PARAMETER, "client_order_id must be unique")


def _choice(body: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = str(body.get(name) or "")
    if value not in allowed:
        raise Refusal(422, PARAMETER, f"invalid {name}")
    return value


def _class(body: dict[str, Any]) -> str:
    value = str(body.get("order_class") or "")
    if value not in ("", "simple", "bracket", "oco", "oto"):
        raise Refusal(422, PARAMETER, "invalid order_class")
    return "" if value == "simple" else value


def _set_quantity(book: Book, order: Order, body: dict[str, Any]) -> None:
    has_qty, has_notional = body.get("qty") is not None, body.get("notional") is not None
    if has_qty and has_notional:
        raise Refusal(422, PARAMETER, "only one of qty or notional is accepted")
    if not has_qty and not has_notional:
        raise Refusal(422, PARAMETER, "qty or notional is required")
    if has_qty:
        order.qty = number(body["qty"])
        if order.qty <= 0:
            raise Refusal(422, PARAMETER, "qty must be > 0")
        return
    order.notional = number(body["notional"])
    if order.notional < 1:
        raise Refusal(422, PARAMETER, "notional must be >= 1.00")
    quote = book.quote(order.symbol)
    if quote is None:
        raise Refusal(422, RULE, f"asset {order.symbol} is not tradable")
    price = order.limit_price or (quote.ask if order.side == "buy" else quote.bid)
    step = book.market.assets[order.symbol].min_trade_increment or Decimal("0.000000001")
    order.qty = (order.notional / price / step).to_integral_value("ROUND_DOWN") * step
