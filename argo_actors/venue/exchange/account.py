"""Money and positions: exact arithmetic on what each execution moves.

A position's cost is every dollar paid for it. A coin fee is kept in coins, so a bought coin position
holds less than was ordered while its cost stays what was paid: its average entry price is above the
price of the fill, and its profit is net of the fee without further bookkeeping. At all times

    cash + sum of costs == start cash + realised profit
"""

from decimal import ROUND_HALF_UP, Decimal

import msgspec

from .orders import ZERO, Order, Side

CENT = Decimal("0.01")
COIN_STEP = Decimal("0.000000001")
COST_STEP = Decimal("0.000000000001")
TAKER = Decimal("0.0025")
MAKER = Decimal("0.0015")
"""Alpaca's crypto fees of the first tier."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of a symbol; `qty` and `cost` (dollars) are negative for a short."""

    symbol: str
    qty: Decimal
    cost: Decimal
    opened_at: int


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The account beside its positions. Dollars; times ns UTC."""

    number: str
    created_at: int
    start_cash: Decimal
    cash: Decimal
    realised: Decimal = ZERO
    """Profit of everything closed, net of fees."""
    fees_usd: Decimal = ZERO
    """Fees taken in dollars."""
    fees_by_coin: dict[str, Decimal] = {}
    """Fees taken in coins, by the coin's name (`BTC`)."""
    last_equity: Decimal = ZERO
    """Equity at the close of the trading day before."""
    closing_equity: Decimal = ZERO
    """Equity at the latest close; it becomes `last_equity` at midnight in New York."""
    events: int = 0
    """Trade updates said since the account was opened."""
    suspended: bool = False
    """Its user has stopped all trading."""
    no_shorting: bool = False


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One fill of an order. `cum_qty` and `leaves_qty` are the order's after it."""

    id: str
    order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    fee_usd: Decimal
    fee_qty: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    order_status: str
    at: int


class Fees(msgspec.Struct, frozen=True):
    """What one execution costs, in dollars or in coins."""

    usd: Decimal = ZERO
    qty: Decimal = ZERO


NO_FEES = Fees()


def coin_fees(order: Order, qty: Decimal, price: Decimal) -> Fees:
    """The fee on the asset received: coins on a buy, dollars on a sale.

    Each execution's fee is rounded half up, coins to nine decimals, dollars to the cent.
    """
    rate = MAKER if order.rested and order.type != "market" else TAKER
    if order.side == "buy":
        return Fees(qty=(qty * rate).quantize(COIN_STEP, ROUND_HALF_UP))
    return Fees(usd=(qty * price * rate).quantize(CENT, ROUND_HALF_UP))


def settled(
    account: Account, held: Position | None, execution: Execution, coin: str
) -> tuple[Account, Position | None]:
    """Account and position after an execution; no position when nothing is left."""
    buys = execution.side == "buy"
    value = execution.qty * execution.price
    dollars = -value if buys else value - execution.fee_usd
    moved = execution.qty - execution.fee_qty if buys else -execution.qty
    fees = account.fees_by_coin
    if execution.fee_qty:
        fees = {**fees, coin: fees.get(coin, ZERO) + execution.fee_qty}
    account = msgspec.structs.replace(
        account,
        cash=account.cash + dollars,
        fees_usd=account.fees_usd + execution.fee_usd,
        fees_by_coin=fees,
    )
    if held is None:
        return account, Position(
            symbol=execution.symbol, qty=moved, cost=-dollars, opened_at=execution.at
        )
    if (held.qty > 0) == (moved > 0):
        return account, msgspec.structs.replace(
            held, qty=held.qty + moved, cost=held.cost - dollars
        )
    return _reduced(account, held, moved, dollars)


def _reduced(
    account: Account, held: Position, moved: Decimal, dollars: Decimal
) -> tuple[Account, Position | None]:
    """A part of a position, or all of it, turned into dollars."""
    if abs(moved) > abs(held.qty):
        raise AssertionError(f"{held.symbol}: {moved} against a position of {held.qty}")
    rest = held.qty + moved
    cost = held.cost if rest == 0 else (held.cost * -moved / held.qty).quantize(COST_STEP)
    account = msgspec.structs.replace(account, realised=account.realised + dollars - cost)
    if rest == 0:
        return account, None
    return account, msgspec.structs.replace(held, qty=rest, cost=held.cost - cost)


def average_price(held: Position) -> Decimal:
    """Dollars paid for each unit held."""
    return held.cost / held.qty
