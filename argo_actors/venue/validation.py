"""A submission's body to an order, or the refusal that Alpaca would give."""

from decimal import Decimal, InvalidOperation
from typing import Any

from .market import Asset
from .matching import ZERO, Book, Order, new_id
from .refusals import Refusal

PARAMETER, RULE, RIGHTS = 40010001, 42210000, 40310000
LEAST_CRYPTO = Decimal(10)
MOST_CRYPTO = Decimal(200_000)
SHORT_EQUITY = Decimal(2000)


def build(book: Book, body: dict[str, Any]) -> tuple[Order, tuple[Order, ...]]:
    """The order and its legs. Raises Refusal."""
    symbol = symbol_of(book, str(body.get("symbol") or ""))
    asset = book.market.assets[symbol]
    if not asset.tradable:
        raise Refusal(422, RULE, f"asset {asset.symbol} is not tradable")
    client = _client_id(book, body)
    order = Order(
        id=new_id(book.account.number, client),
        client_order_id=client,
        symbol=symbol,
        side=_choice(body, "side", ("buy", "sell")),
        type=_choice(body, "type", ("market", "limit", "stop", "stop_limit", "trailing_stop")),
        time_in_force=_choice(body, "time_in_force", ("day", "gtc", "ioc", "fok", "opg", "cls")),
        order_class=_class(body),
        qty=_quantity(body, book, symbol),
        limit_price=_number(body, "limit_price"),
        stop_price=_number(body, "stop_price"),
        extended_hours=bool(body.get("extended_hours")),
    )
    _check_type(order)
    if asset.is_crypto:
        _check_crypto(book, order, asset)
    else:
        _check_stock(order, asset)
    _check_ticks(order, asset)
    order.position_intent = _intent(book, order, body)
    legs = _legs(book, order, body)
    _check_wash(book, order)
    _check_power(book, order, asset)
    return order, legs


def symbol_of(book: Book, text: str) -> str:
    """Our symbol, from `AAPL`, `BTC/USD` or `BTCUSD`. Raises Refusal."""
    for symbol in book.market.assets:
        if text in (symbol, symbol.replace("/", "")):
            return symbol
    raise Refusal(422, RULE, f'asset "{text}" not found')


def _client_id(book: Book, body: dict[str, Any]) -> str:
    client = str(body.get("client_order_id") or "")
    if len(client) > 128:
        raise Refusal(422, PARAMETER, "client_order_id must be no more than 128 characters")
    if client in book.by_client:
        raise Refusal(422, PARAMETER, "client_order_id must be unique")
    return client or new_id(book.account.number, f"order {len(book.orders)}")


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


def number(value: Any) -> Decimal:
    """The decimal that a JSON number or text spells. Raises Refusal."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Refusal(422, PARAMETER, "request body format is invalid") from None
    if not found.is_finite():
        raise Refusal(422, PARAMETER, "request body format is invalid")
    return found


def _number(body: dict[str, Any], name: str) -> Decimal | None:
    if body.get(name) in (None, ""):
        return None
    value = number(body[name])
    if value <= 0:
        raise Refusal(422, PARAMETER, f"{name} must be > 0")
    return value


def _quantity(body: dict[str, Any], book: Book, symbol: str) -> Decimal:
    has_qty, has_notional = body.get("qty") is not None, body.get("notional") is not None
    if has_qty and has_notional:
        raise Refusal(422, PARAMETER, "only one of qty or notional is accepted")
    if not has_qty and not has_notional:
        raise Refusal(422, PARAMETER, "qty or notional is required")
    if has_qty:
        value = number(body["qty"])
        if value <= 0:
            raise Refusal(422, PARAMETER, "qty must be > 0")
        return value
    quote = book.market.quote(symbol, book.now)
    notional = number(body["notional"])
    if notional < 1:
        raise Refusal(422, PARAMETER, "notional must be >= 1.00")
    if quote is None:
        raise Refusal(422, RULE, f"asset {symbol} is not tradable")
    return (notional / quote.ask).quantize(Decimal("0.000000001"), "ROUND_DOWN")


def _check_type(order: Order) -> None:
    has_limit, has_stop = order.limit_price is not None, order.stop_price is not None
    match order.type:
        case "market":
            if has_limit or has_stop:
                raise Refusal(422, PARAMETER, "market orders require no stop or limit price")
        case "limit":
            if not has_limit and order.order_class != "oco":
                raise Refusal(422, PARAMETER, "limit orders require a limit price")
        case "stop":
            if not has_stop:
                raise Refusal(422, PARAMETER, "stop orders require a stop price")
        case "stop_limit":
            if not (has_limit and has_stop):
                raise Refusal(422, PARAMETER, "stop limit orders require both stop and limit price")
        case _:
            raise Refusal(422, PARAMETER, f"invalid order type {order.type}")


def _check_crypto(book: Book, order: Order, asset: Asset) -> None:
    if order.order_class:
        shown = {"bracket": "otoco"}.get(order.order_class, order.order_class)
        raise Refusal(422, RULE, f"crypto orders not allowed for advanced order_class: {shown}")
    if order.type not in ("market", "limit", "stop_limit"):
        raise Refusal(422, PARAMETER, "invalid order type for crypto order")
    if order.time_in_force not in ("gtc", "ioc"):
        raise Refusal(422, RULE, "invalid crypto time_in_force")
    if asset.min_trade_increment and order.qty % asset.min_trade_increment:
        raise Refusal(422, RULE, f"qty increment must be {asset.min_trade_increment}")
    if asset.min_order_size and order.qty < asset.min_order_size and order.side == "buy":
        raise Refusal(403, RIGHTS, f"qty must be >= {asset.min_order_size}")
    quote = book.market.quote(order.symbol, book.now)
    price = order.limit_price or (quote.ask if quote is not None else ZERO)
    if order.qty * price < LEAST_CRYPTO:
        raise Refusal(403, RIGHTS, "cost basis must be >= minimal amount of order 10")
    if order.qty * price > MOST_CRYPTO:
        raise Refusal(422, RULE, "notional must be <= 200000")


def _check_stock(order: Order, asset: Asset) -> None:
    if order.qty % 1:
        if not asset.fractionable:
            raise Refusal(403, RIGHTS, f'asset "{asset.symbol}" is not fractionable')
        if order.time_in_force != "day":
            raise Refusal(422, RULE, "fractional orders must be DAY orders")
        if order.order_class:
            raise Refusal(422, RULE, "fractional orders must be simple orders")
    if order.extended_hours and (
        order.type != "limit" or order.time_in_force not in ("day", "gtc") or order.order_class
    ):
        raise Refusal(422, RULE, "extended hours order must be DAY or GTC limit orders")
    if order.order_class and order.time_in_force not in ("day", "gtc"):
        raise Refusal(
            422, PARAMETER, f'{order.order_class} orders support only "day" or "gtc" time_in_force'
        )


def _check_ticks(order: Order, asset: Asset) -> None:
    for name in ("limit_price", "stop_price"):
        value = getattr(order, name)
        if value is not None and value % asset.tick(float(value)):
            raise Refusal(
                422,
                RULE,
                f"invalid {name} {value}. sub-penny increment does not fulfill minimum pricing criteria",
            )


def _intent(book: Book, order: Order, body: dict[str, Any]) -> str:
    """Opening or closing follows from what is held; a stated intent must agree. Raises Refusal."""
    held = book.position(order.symbol).qty
    if order.side == "buy":
        inferred = "buy_to_close" if held < 0 else "buy_to_open"
    else:
        inferred = "sell_to_close" if held > 0 else "sell_to_open"
    stated = str(body.get("position_intent") or inferred)
    if stated != inferred:
        raise Refusal(
            422, RULE, f"position intent mismatch, inferred: {inferred}, specified: {stated}"
        )
    if order.order_class == "bracket" and inferred.endswith("close"):
        raise Refusal(422, RULE, "bracket orders must be entry orders")
    if order.order_class == "oco" and inferred.endswith("open"):
        raise Refusal(422, RULE, "oco orders must be exit orders")
    return inferred


def _legs(book: Book, order: Order, body: dict[str, Any]) -> tuple[Order, ...]:
    if not order.order_class:
        return ()
    target = _number(body.get("take_profit") or {}, "limit_price")
    stop = _number(body.get("stop_loss") or {}, "stop_price")
    stop_limit = _number(body.get("stop_loss") or {}, "limit_price")
    if order.order_class in ("bracket", "oco"):
        if target is None:
            raise Refusal(
                422, PARAMETER, f"{order.order_class} orders require take_profit.limit_price"
            )
        if stop is None:
            raise Refusal(
                422, PARAMETER, f"{order.order_class} orders require stop_loss.stop_price"
            )
        _check_legs(book, order, target, stop)
    elif (target is None) == (stop is None):
        raise Refusal(422, PARAMETER, "oto orders require exactly one leg")
    closing = "sell" if order.side == "buy" else "buy"
    if order.order_class == "oco":
        order.limit_price, closing = target, order.side
        target = None
    made = []
    if target is not None:
        made.append(_leg(order, "target", closing, "limit", target, None))
    if stop is not None:
        kind = "stop" if stop_limit is None else "stop_limit"
        made.append(_leg(order, "stop", closing, kind, stop_limit, stop))
    return tuple(made)


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
        client_order_id=new_id(order.client_order_id, leg),
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


def _check_legs(book: Book, order: Order, target: Decimal, stop: Decimal) -> None:
    quote = book.market.quote(order.symbol, book.now)
    base = order.limit_price
    if order.order_class == "oco":
        base = target
    elif base is None and quote is not None:
        base = quote.ask if order.side == "buy" else quote.bid
    if base is None:
        return
    long = (order.side == "buy") == (order.order_class == "bracket")
    cent = Decimal("0.01")
    if long and stop > base - cent:
        raise Refusal(
            422, RULE, "stop_loss.stop_price must be <= base_price - 0.01", base_price=str(base)
        )
    if not long and stop < base + cent:
        raise Refusal(
            422, RULE, "stop_loss.stop_price must be >= base_price + 0.01", base_price=str(base)
        )
    if order.order_class == "bracket" and long and target < base + cent:
        raise Refusal(
            422, RULE, "take_profit.limit_price must be >= base_price + 0.01", base_price=str(base)
        )
    if order.order_class == "bracket" and not long and target > base - cent:
        raise Refusal(
            422, RULE, "take_profit.limit_price must be <= base_price - 0.01", base_price=str(base)
        )


def _check_wash(book: Book, order: Order) -> None:
    """Opposite simple orders may not meet; complex orders are exempt."""
    if order.order_class:
        return
    for one in book.live():
        if one.symbol != order.symbol or one.side == order.side or one.order_class:
            continue
        kinds = {one.type, order.type}
        meets = bool(kinds & {"market", "stop"}) or _crosses(one, order)
        if meets:
            kind = "market/stop" if kinds & {"market", "stop"} else "limit"
            raise Refusal(
                403,
                RIGHTS,
                "potential wash trade detected. use complex orders",
                existing_order_id=one.id,
                reject_reason=f"opposite side {kind} order exists",
            )


def _crosses(one: Order, other: Order) -> bool:
    buy, sell = (one, other) if one.side == "buy" else (other, one)
    return (buy.limit_price or ZERO) >= (sell.limit_price or ZERO)


def _check_power(book: Book, order: Order, asset: Asset) -> None:
    if order.position_intent.endswith("to_close"):
        _check_held(book, order, asset)
        return
    if order.side == "sell":
        _check_short(book, order, asset)
    for one in book.live():
        opposite = one.symbol == order.symbol and one.side != order.side and not one.leg
        if opposite and one.position_intent.endswith("to_open"):
            raise Refusal(403, RIGHTS, _collision(order.side))
    price = book.opening_price(order)
    needed = order.qty * price
    if asset.is_crypto:
        power = book.cash_power()
        if needed > power:
            raise Refusal(
                403,
                RIGHTS,
                f"insufficient balance for USD (requested: {needed}, available: {power})",
                available=str(power),
                symbol="USD",
            )
    elif needed > book.buying_power():
        raise Refusal(
            403,
            RIGHTS,
            "insufficient buying power",
            buying_power=str(book.buying_power()),
            cost_basis=str(needed),
        )


def _collision(side: str) -> str:
    if side == "sell":
        return "cannot open a short sell while a long buy order is open"
    return "cannot open a long buy while a short sell order is open"


def _check_held(book: Book, order: Order, asset: Asset) -> None:
    available = book.available(order.symbol)
    if order.qty <= available:
        return
    existing = abs(book.position(order.symbol).qty)
    if asset.is_crypto:
        coin = order.symbol.partition("/")[0]
        raise Refusal(
            403,
            RIGHTS,
            f"insufficient balance for {coin} (requested: {order.qty}, available: {available})",
            available=str(available),
            balance=str(existing),
            symbol=coin,
            related_orders=book.blockers(order.symbol),
        )
    raise Refusal(
        403,
        RIGHTS,
        f"insufficient qty available for order (requested: {order.qty}, available: {available})",
        available=str(available),
        existing_qty=str(existing),
        held_for_orders=str(book.held(order.symbol)),
        related_orders=book.blockers(order.symbol),
        symbol=order.symbol,
    )


def _check_short(book: Book, order: Order, asset: Asset) -> None:
    if asset.is_crypto:
        coin = order.symbol.partition("/")[0]
        raise Refusal(
            403,
            RIGHTS,
            f"insufficient balance for {coin} (requested: {order.qty}, available: 0)",
            available="0",
            balance="0",
            symbol=coin,
        )
    if order.qty % 1:
        raise Refusal(422, RULE, "fractional orders cannot be sold short")
    if not asset.shortable:
        raise Refusal(422, RULE, f'asset "{asset.symbol}" cannot be sold short')
    if asset.borrow_status != "easy_to_borrow" and order.time_in_force != "day":
        raise Refusal(
            422, RULE, f'only day orders are allowed for hard-to-borrow asset "{asset.symbol}"'
        )
    if book.equity() < SHORT_EQUITY:
        raise Refusal(403, RIGHTS, "account is not allowed to short")
