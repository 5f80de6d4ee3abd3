"""Whether an order may be afforded: quantity at hand, buying power, borrowed shares, no wash trade."""

from decimal import Decimal

from .market import Asset
from .matching import ZERO, Book, Order
from .numbers import text
from .refusals import RIGHTS, RULE, Refusal

SHORT_EQUITY = Decimal(2000)


def check_wash(book: Book, order: Order) -> None:
    """Opposite orders may not meet; complex orders and trailing stops are exempt. Raises Refusal."""
    if order.order_class or order.type == "trailing_stop":
        return
    for one in book.live():
        if one.symbol != order.symbol or one.side == order.side:
            continue
        if one.order_class or one.type == "trailing_stop":
            continue
        strong = bool({one.type, order.type} & {"market", "stop"})
        if strong or _crosses(one, order):
            raise Refusal(
                403,
                RIGHTS,
                "potential wash trade detected. use complex orders",
                existing_order_id=one.id,
                reject_reason=f"opposite side {'market/stop' if strong else 'limit'} order exists",
            )


def _crosses(one: Order, other: Order) -> bool:
    buy, sell = (one, other) if one.side == "buy" else (other, one)
    return (buy.limit_price or ZERO) >= (sell.limit_price or ZERO)


def check_power(book: Book, order: Order, asset: Asset, given_back: Decimal = ZERO) -> None:
    """What an order needs is there; `given_back` is bound by the order it replaces. Raises Refusal."""
    if order.position_intent.endswith("to_close"):
        _check_held(book, order, asset, given_back)
        return
    if book.modes.liquidation_only:
        raise Refusal(403, RIGHTS, "account is restricted to liquidation only")
    if order.side == "sell":
        _check_short(book, order, asset)
    _check_collision(book, order)
    needed = order.qty * book.opening_price(order)
    if asset.is_crypto:
        power = book.cash_power() + given_back
        if needed > power:
            raise Refusal(
                403,
                RIGHTS,
                f"insufficient balance for USD (requested: {text(needed)}, available: {text(power)})",
                available=text(power),
                symbol="USD",
            )
    elif needed > book.buying_power() + given_back:
        raise Refusal(
            403,
            RIGHTS,
            "insufficient buying power",
            buying_power=text(book.buying_power()),
            cost_basis=text(needed),
        )


def _check_collision(book: Book, order: Order) -> None:
    for one in book.live():
        opposite = one.symbol == order.symbol and one.side != order.side and not one.leg
        if opposite and one.position_intent.endswith("to_open"):
            sells = "cannot open a short sell while a long buy order is open"
            buys = "cannot open a long buy while a short sell order is open"
            raise Refusal(403, RIGHTS, sells if order.side == "sell" else buys)


def _check_held(book: Book, order: Order, asset: Asset, given_back: Decimal) -> None:
    at_hand = book.available(order.symbol) + given_back
    if order.qty <= at_hand:
        return
    asked, available = text(order.qty), text(at_hand)
    existing = text(abs(book.position(order.symbol).qty))
    if asset.is_crypto:
        coin = order.symbol.partition("/")[0]
        raise Refusal(
            403,
            RIGHTS,
            f"insufficient balance for {coin} (requested: {asked}, available: {available})",
            available=available,
            balance=existing,
            symbol=coin,
            related_orders=book.blockers(order.symbol),
        )
    raise Refusal(
        403,
        RIGHTS,
        f"insufficient qty available for order (requested: {asked}, available: {available})",
        available=available,
        existing_qty=existing,
        held_for_orders=text(book.held(order.symbol)),
        related_orders=book.blockers(order.symbol),
        symbol=order.symbol,
    )


def _check_short(book: Book, order: Order, asset: Asset) -> None:
    if asset.is_crypto:
        coin = order.symbol.partition("/")[0]
        raise Refusal(
            403,
            RIGHTS,
            f"insufficient balance for {coin} (requested: {text(order.qty)}, available: 0)",
            available="0",
            balance="0",
            symbol=coin,
        )
    if order.qty % 1 or order.notional is not None:
        raise Refusal(422, RULE, "fractional orders cannot be sold short")
    if not asset.shortable:
        raise Refusal(422, RULE, f'asset "{asset.symbol}" cannot be sold short')
    if asset.borrow_status != "easy_to_borrow" and order.time_in_force != "day":
        raise Refusal(
            422, RULE, f'only day orders are allowed for hard-to-borrow asset "{asset.symbol}"'
        )
    if book.equity() < SHORT_EQUITY:
        raise Refusal(403, RIGHTS, "account is not allowed to short")
