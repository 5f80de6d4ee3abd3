"""What an account can still do: quantity not yet promised to an exit, and buying power.

Alpaca: an open closing order reserves its quantity, of a target and its stop only one counts; an open
buy or short reserves its value; stock is bought on a margin of one half, coins with cash alone.
"""

from decimal import Decimal

from .ledger import Ledger
from .orders import ZERO, Order

MULTIPLIER = 2
SHORT_MARKUP = Decimal("1.03")
MAINTENANCE = Decimal("0.25")
SHORT_MAINTENANCE = Decimal("0.30")


def holds(ledger: Ledger, order: Order) -> bool:
    """True when an order reserves a part of its symbol's position."""
    if not order.is_exit or not order.is_live or order.status == "pending_replace":
        return False
    if not order.leg:
        return True
    root = ledger.orders[order.root]
    if order.order_class == "oco":
        return not root.is_live
    if order.leg == "stop" and any(
        one.leg == "target" and one.is_live for one in ledger.group(order)
    ):
        return False
    return root.status == "filled"


def blockers(ledger: Ledger, symbol: str) -> list[Order]:
    """The orders that reserve a part of a position."""
    return [one for one in ledger.live_orders() if one.symbol == symbol and holds(ledger, one)]


def promised(ledger: Ledger, symbol: str) -> Decimal:
    """Unsigned quantity reserved by open exits."""
    return sum((one.left(ZERO, ZERO) for one in blockers(ledger, symbol)), ZERO)


def available(ledger: Ledger, symbol: str) -> Decimal:
    """Unsigned quantity that a further exit may use."""
    return abs(ledger.held(symbol)) - promised(ledger, symbol)


def opening_value(ledger: Ledger, order: Order) -> Decimal:
    """Dollars that the unfilled rest of an opening order reserves."""
    if order.notional is not None:
        return order.notional - order.filled_value
    price = opening_price(ledger, order)
    return order.left(price, ZERO) * price


def opening_price(ledger: Ledger, order: Order) -> Decimal:
    """The price at which an opening order is checked: its own, else the far side's."""
    quote = ledger.quote(order.symbol)
    ask = ZERO if quote is None else quote.ask
    if order.side == "sell":
        return max(order.limit_price or ZERO, ask * SHORT_MARKUP)
    return order.limit_price or order.stop_price or ask


def reserved(ledger: Ledger, *, crypto: bool) -> Decimal:
    """Dollars that open opening orders reserve, of coins or of stocks."""
    values = (
        opening_value(ledger, one)
        for one in ledger.live_orders()
        if not one.is_exit
        and one.status != "pending_replace"
        and ledger.is_crypto(one.symbol) == crypto
    )
    return sum(values, ZERO)


def invested(ledger: Ledger, *, crypto: bool) -> Decimal:
    """Unsigned market value of the positions in coins or in stocks."""
    values = (
        abs(one.qty) * ledger.mark(one.symbol)
        for one in ledger.positions.values()
        if ledger.is_crypto(one.symbol) == crypto
    )
    return sum(values, ZERO)


def short_value(ledger: Ledger) -> Decimal:
    """Market value of all shorts; zero or negative."""
    values = (one.qty * ledger.mark(one.symbol) for one in ledger.positions.values() if one.qty < 0)
    return sum(values, ZERO)


def initial_margin(ledger: Ledger) -> Decimal:
    """Equity bound by positions and open orders: half of the stocks, all of the coins."""
    stocks = invested(ledger, crypto=False) + reserved(ledger, crypto=False)
    coins = invested(ledger, crypto=True) + reserved(ledger, crypto=True)
    return stocks / MULTIPLIER + coins


def maintenance_margin(ledger: Ledger) -> Decimal:
    """Equity below which positions would be called in."""
    shorts = -short_value(ledger)
    longs = invested(ledger, crypto=False) - shorts
    return longs * MAINTENANCE + shorts * SHORT_MAINTENANCE + invested(ledger, crypto=True)


def free_equity(ledger: Ledger) -> Decimal:
    """Equity not bound by positions and orders; negative when they have become too dear."""
    return ledger.equity() - initial_margin(ledger)


def buying_power(ledger: Ledger) -> Decimal:
    """Dollars of stock that can be bought or sold short."""
    return max(free_equity(ledger), ZERO) * MULTIPLIER


def cash_power(ledger: Ledger) -> Decimal:
    """Dollars of coins that can be bought: cash that is neither borrowed nor promised."""
    promised_cash = reserved(ledger, crypto=True) + reserved(ledger, crypto=False)
    cash = ledger.account.cash + short_value(ledger) - promised_cash
    return max(min(cash, free_equity(ledger)), ZERO)
