"""Which orders there are: types, times in force, sizes and price grids of stocks and coins."""

from decimal import Decimal

from .market import Asset
from .matching import ZERO, Book, Order
from .numbers import text
from .refusals import PARAMETER, RIGHTS, RULE, Refusal
from .trading_hours import auction_refusal

LEAST_CRYPTO = Decimal(10)
MOST_CRYPTO = Decimal(200_000)
LEAST_TRAIL = Decimal("0.1")
FINEST = Decimal("0.000000001")


def check_type(order: Order) -> None:
    """A type has its prices and no others. Raises Refusal."""
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
            _check_trailing(order)


def _check_trailing(order: Order) -> None:
    if (order.trail_price is None) == (order.trail_percent is None):
        raise Refusal(
            422,
            PARAMETER,
            "trailing stop orders must specify one of trail_price or trail_percent",
        )
    if order.trail_percent is not None and order.trail_percent < LEAST_TRAIL:
        raise Refusal(422, PARAMETER, "trail_percent must be >= 0.1")
    if order.limit_price is not None or order.stop_price is not None:
        raise Refusal(422, PARAMETER, "trailing stop orders require no stop or limit price")
    if order.order_class:
        raise Refusal(422, RULE, "trailing stop orders must be simple orders")


def check_crypto(book: Book, order: Order, asset: Asset, *, closes: bool) -> None:
    """Coins: simple orders of three types, gtc or ioc, from $10 to $200,000. Raises Refusal."""
    if order.order_class:
        shown = {"bracket": "otoco"}.get(order.order_class, order.order_class)
        raise Refusal(422, RULE, f"crypto orders not allowed for advanced order_class: {shown}")
    if order.type not in ("market", "limit", "stop_limit"):
        raise Refusal(422, PARAMETER, "invalid order type for crypto order")
    if order.time_in_force not in ("gtc", "ioc"):
        raise Refusal(422, RULE, "invalid crypto time_in_force")
    if order.notional is not None and order.notional % Decimal("0.01"):
        raise Refusal(422, RULE, "notional must have at most 2 decimal places")
    if asset.min_trade_increment and order.qty % asset.min_trade_increment:
        raise Refusal(422, RULE, f"qty increment must be {text(asset.min_trade_increment)}")
    quote = book.quote(order.symbol)
    price = order.limit_price or (quote.ask if quote is not None else ZERO)
    if order.qty * price > MOST_CRYPTO:
        raise Refusal(422, RULE, "notional must be <= 200000")
    if closes:
        return  # what is left of a position may be closed however small it is
    if asset.min_order_size and order.qty < asset.min_order_size:
        raise Refusal(403, RIGHTS, f"qty must be >= {text(asset.min_order_size)}")
    if order.qty * price < LEAST_CRYPTO:
        raise Refusal(403, RIGHTS, "cost basis must be >= minimal amount of order 10")


def check_stock(book: Book, order: Order, asset: Asset) -> None:
    """Stocks: fractions, extended hours, auctions and times in force. Raises Refusal."""
    if order.qty % 1 or order.notional is not None:
        _check_fraction(order, asset)
    if order.extended_hours:
        _check_extended(order)
    if order.order_class and order.time_in_force not in ("day", "gtc"):
        raise Refusal(
            422, PARAMETER, f'{order.order_class} orders support only "day" or "gtc" time_in_force'
        )
    if order.type.endswith(("stop", "stop_limit")) and order.time_in_force not in ("day", "gtc"):
        raise Refusal(422, PARAMETER, "invalid time_in_force")
    if order.time_in_force in ("opg", "cls"):
        refused = auction_refusal(book.market.sessions, order.time_in_force, book.now)
        if refused:
            raise Refusal(403, RIGHTS, refused)
    if order.type in ("stop", "stop_limit"):
        check_not_through(book, order)


def _check_fraction(order: Order, asset: Asset) -> None:
    if not asset.fractionable:
        raise Refusal(403, RIGHTS, f'asset "{asset.symbol}" is not fractionable')
    if order.time_in_force != "day":
        raise Refusal(422, RULE, "fractional orders must be DAY orders")
    if order.order_class:
        raise Refusal(422, RULE, "fractional orders must be simple orders")
    if order.type == "trailing_stop":
        raise Refusal(422, RULE, "fractional orders cannot be trailing stop orders")
    if order.extended_hours:
        raise Refusal(422, RULE, "fractional orders are not eligible for extended hours trading")
    if order.qty % FINEST:
        raise Refusal(422, RULE, f"qty increment must be {text(FINEST)}")


def _check_extended(order: Order) -> None:
    if order.order_class:
        raise Refusal(
            403, RIGHTS, f"{order.order_class} orders do not support extended hours trading"
        )
    if "stop" in order.type:
        raise Refusal(422, RULE, "stop orders are not eligible for extended hours trading")
    if order.type != "limit" or order.time_in_force not in ("day", "gtc"):
        raise Refusal(422, RULE, "extended hours order must be DAY or GTC limit orders")


def check_not_through(book: Book, order: Order) -> None:
    """A stop that the market has passed already is no stop. Raises Refusal."""
    price = book.market.price(order.symbol, book.now)
    if price is None or order.stop_price is None:
        return
    current = Decimal(repr(price))
    sells = order.side == "sell"
    if (order.stop_price >= current) if sells else (order.stop_price <= current):
        raise Refusal(
            422,
            RULE,
            f"stop price must be {'less' if sells else 'greater'} than current price",
            market_price=text(current),
            stop_price=text(order.stop_price),
        )


def check_ticks(order: Order, asset: Asset, prefix: str = "") -> None:
    """Prices are on the grid: cents, below a dollar four decimals. Raises Refusal."""
    for name in ("limit_price", "stop_price"):
        value = getattr(order, name)
        if value is not None and value % asset.tick(value):
            raise Refusal(
                422,
                RULE,
                f"invalid {prefix}{name} {text(value)}. "
                "sub-penny increment does not fulfill minimum pricing criteria",
            )
