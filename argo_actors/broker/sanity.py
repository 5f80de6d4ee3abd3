"""What an order must be to leave at all, whatever anybody decided before (SEC 15c3-5's kind of checks)."""

from collections.abc import Callable
from decimal import Decimal

from ..config import Config, amount, is_coin
from ..messages.market import Asset
from ..messages.order import SubmitOrder
from ..units import equity_tick

MOST_ID = 48
COIN_STEP = FRACTION = Decimal("0.000000001")
OPENING = ("buy_to_open", "sell_to_open")


def problem(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    """What is wrong with an order, empty when nothing is."""
    for check in CHECKS:
        found = check(config, order, asset)
        if found:
            return found
    return ""


def _numbers(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    given = [order.qty, order.reference_price, *_prices(order)]
    sane = all(one.is_finite() and one > 0 for one in given)
    return "" if sane else "a quantity or price that is not finite and positive"


def _identity(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    if order.symbol not in config.symbols:
        return f"{order.symbol} is not configured"
    short = 0 < len(order.client_order_id) <= MOST_ID
    return "" if short else f"an id of {len(order.client_order_id)} characters"


def _shape(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    has_limit, has_stop = order.limit_price is not None, order.stop_price is not None
    wanted = {
        "market": (False, False),
        "limit": (True, False),
        "stop": (False, True),
        "stop_limit": (True, True),
    }
    if (has_limit, has_stop) != wanted[order.type]:
        return f"a {order.type} order with the wrong prices"
    if not order.position_intent.startswith(order.side):
        return f"side {order.side} and intent {order.position_intent} disagree"
    if (order.position_intent in OPENING) != order.increases:
        return "an opening order that says it does not increase, or the reverse"
    return ""


def _legs(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    target, stop = order.take_profit, order.stop_loss
    if order.order_class == "simple":
        return "" if target is None and stop is None else "legs without a bracket"
    if target is None or stop is None:
        return f"a {order.order_class} without both of its prices"
    long = (order.side == "buy") == (order.order_class == "bracket")
    ordered = stop < target if long else target < stop
    if order.order_class == "bracket":
        base = order.limit_price or order.reference_price
        ordered = stop < base < target if long else target < base < stop
    return "" if ordered else "stop and target on the wrong sides"


def _steps(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    for one in _prices(order):
        tick = _tick(order, asset, one)
        if one % tick != 0:
            return f"price {one} is off the tick {tick}"
    if not is_coin(order.symbol):
        # A split can leave a fraction: it may be closed, by the one kind of order that Alpaca takes.
        closes = not order.increases and (order.type, order.time_in_force) == ("market", "day")
        step = FRACTION if closes else Decimal(1)
        return "" if order.qty % step == 0 else f"{order.qty} shares are not whole"
    step = COIN_STEP if asset is None else asset.min_trade_increment
    return "" if order.qty % step == 0 else f"quantity {order.qty} is off the increment {step}"


def _size(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    if not order.increases:
        return ""
    notional = order.qty * max([order.reference_price, *_prices(order)])
    most = amount(config.broker.max_order_notional)
    if is_coin(order.symbol):
        most = min(most, amount(config.risk.max_crypto_notional))
    return "" if notional <= most else f"a notional of {notional:.2f}, above {most}"


def _collar(config: Config, order: SubmitOrder, asset: Asset | None) -> str:
    if not order.increases or order.limit_price is None:
        return ""
    risk = config.risk
    most = amount(risk.collar_crypto_pct if is_coin(order.symbol) else risk.collar_stocks_pct)
    away = abs(order.limit_price / order.reference_price - 1) * 100
    return f"limit {away:.2f} % from the reference price" if away > most else ""


def _prices(order: SubmitOrder) -> list[Decimal]:
    prices = (order.limit_price, order.stop_price, order.take_profit, order.stop_loss)
    return [one for one in prices if one is not None]


def _tick(order: SubmitOrder, asset: Asset | None, price: Decimal) -> Decimal:
    if is_coin(order.symbol):
        return COIN_STEP if asset is None else asset.price_increment
    return equity_tick(price)


CHECKS: tuple[Callable[[Config, SubmitOrder, Asset | None], str], ...] = (
    _numbers,
    _identity,
    _shape,
    _legs,
    _steps,
    _size,
    _collar,
)
