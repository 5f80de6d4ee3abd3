"""Opening or closing, and the legs of brackets, OCOs and OTOs."""

from decimal import Decimal
from typing import Any

from .market import Asset
from .matching import Book, Order, new_id
from .numbers import positive, text
from .order_rules import check_not_through, check_ticks
from .refusals import PARAMETER, RULE, Refusal

CENT = Decimal("0.01")
_INTENTS = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close")


def intent_of(book: Book, order: Order, stated: str) -> str:
    """Opening or closing follows from what is held; a stated intent must agree. Raises Refusal."""
    held = book.position(order.symbol).qty
    if order.side == "buy":
        inferred = "buy_to_close" if held < 0 else "buy_to_open"
    else:
        inferred = "sell_to_close" if held > 0 else "sell_to_open"
    if stated and stated not in _INTENTS:
        raise Refusal(422, PARAMETER, "invalid position_intent")
    if stated and stated != inferred:
        raise Refusal(
            422, RULE, f"position intent mismatch, inferred: {inferred}, specified: {stated}"
        )
    if order.order_class == "bracket" and inferred.endswith("close"):
        raise Refusal(422, RULE, "bracket orders must be entry orders")
    if order.order_class == "oco":
        if inferred.endswith("open"):
            raise Refusal(422, RULE, "oco orders must be exit orders")
        if order.type != "limit":
            raise Refusal(422, PARAMETER, "oco orders must be limit orders")
    return inferred


def legs_of(book: Book, order: Order, asset: Asset, body: dict[str, Any]) -> tuple[Order, ...]:
    """The legs of a complex order; of an OCO the order itself is the target. Raises Refusal."""
    if not order.order_class:
        return ()
    target = positive(_part(body, "take_profit"), "limit_price", "take_profit.limit_price")
    stop = positive(_part(body, "stop_loss"), "stop_price", "stop_loss.stop_price")
    stop_limit = positive(_part(body, "stop_loss"), "limit_price", "stop_loss.limit_price")
    if order.order_class == "oto":
        if (target is None) == (stop is None):
            raise Refusal(422, PARAMETER, "oto orders require exactly one leg")
    elif target is None or stop is None:
        missing = "take_profit.limit_price" if target is None else "stop_loss.stop_price"
        raise Refusal(422, PARAMETER, f"{order.order_class} orders require {missing}")
    closing = "sell" if order.side == "buy" else "buy"
    if order.order_class == "oco":
        order.limit_price, closing = target, order.side
        check_ticks(order, asset, "take_profit.")
    _check_prices(book, order, target, stop, sells=closing == "sell")
    made = []
    if target is not None and order.order_class != "oco":
        made.append(_leg(order, "target", closing, "limit", target, None))
        check_ticks(made[-1], asset, "take_profit.")
    if stop is not None:
        kind = "stop" if stop_limit is None else "stop_limit"
        made.append(_leg(order, "stop", closing, kind, stop_limit, stop))
        check_ticks(made[-1], asset, "stop_loss.")
        _check_stop(book, order, made[-1])
    return tuple(made)


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name) or {}
    if not isinstance(found, dict):
        raise Refusal(422, PARAMETER, "request body format is invalid")
    return found


def _leg(
    order: Order,
    leg: str,
    side: str,
    kind: str,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
) -> Order:
    return Order(
        id=new_id(order.id, leg),
        client_order_id=new_id(order.id, order.client_order_id, leg),
        symbol=order.symbol,
        side=side,
        type=kind,
        time_in_force=order.time_in_force,
        order_class=order.order_class,
        qty=order.qty,
        limit_price=limit_price,
        stop_price=stop_price,
        status="held",
        position_intent=f"{side}_to_close",
        parent=order.id,
        leg=leg,
    )


def _check_prices(
    book: Book, order: Order, target: Decimal | None, stop: Decimal | None, *, sells: bool
) -> None:
    """The stop lies behind the base price and the target before it, by a cent at least."""
    base = _base(book, order)
    if base is None:
        return
    least, most = base + CENT, base - CENT
    name = "stop_loss.stop_price"
    if stop is not None and sells and stop > most:
        raise Refusal(422, RULE, f"{name} must be <= base_price - 0.01", base_price=text(base))
    if stop is not None and not sells and stop < least:
        raise Refusal(422, RULE, f"{name} must be >= base_price + 0.01", base_price=text(base))
    if target is None or order.order_class == "oco":
        return
    name = "take_profit.limit_price"
    if sells and target < least:
        raise Refusal(422, RULE, f"{name} must be >= base_price + 0.01", base_price=text(base))
    if not sells and target > most:
        raise Refusal(422, RULE, f"{name} must be <= base_price - 0.01", base_price=text(base))


def _base(book: Book, order: Order) -> Decimal | None:
    """What legs are measured by: a limit entry's price, an OCO's target, else the market."""
    if order.limit_price is not None:
        return order.limit_price
    quote = book.quote(order.symbol)
    if quote is None:
        return None
    return quote.ask if order.side == "buy" else quote.bid


def _check_stop(book: Book, order: Order, stop: Order) -> None:
    limit, price = stop.limit_price, stop.stop_price
    assert price is not None
    if limit is not None and (limit > price if stop.side == "sell" else limit < price):
        word = "<=" if stop.side == "sell" else ">="
        raise Refusal(422, RULE, f"stop_loss.limit_price must be {word} stop_loss.stop_price")
    if order.order_class == "oco":
        check_not_through(book, stop)
