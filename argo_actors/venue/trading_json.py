"""The book in Alpaca's JSON: numbers as text, RFC 3339 times, its two symbol forms."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from .actions import SPLIT
from .market import Asset
from .matching import NINE, ZERO, Book, Event, Fill, Order, new_id
from .numbers import text as text

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NEW_YORK = ZoneInfo("America/New_York")


def maybe(value: Decimal | None) -> str | None:
    """The same, null for nothing."""
    return None if value is None else text(value)


def stamp(at: int) -> str | None:
    """RFC 3339 UTC with nanoseconds; null when it has not happened."""
    if not at:
        return None
    moment = datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{at % SECOND:09d}Z"


def eastern(at: int) -> str:
    """RFC 3339 in New York, as the clock shows it."""
    return datetime.fromtimestamp(at / SECOND, NEW_YORK).isoformat()


def order(book: Book, one: Order, *, nested: bool) -> dict[str, Any]:
    """An order with all of Alpaca's fields."""
    asset = book.market.assets[one.symbol]
    average = None
    if one.filled_qty:
        average = text((one.filled_value / one.filled_qty).quantize(NINE))
    legs = [order(book, book.orders[leg], nested=False) for leg in one.legs] if nested else None
    return {
        "id": one.id,
        "client_order_id": one.client_order_id,
        "created_at": stamp(one.submitted_at),
        "updated_at": stamp(one.updated_at),
        "submitted_at": stamp(one.submitted_at),
        "filled_at": stamp(one.filled_at) if one.status == "filled" else None,
        "expired_at": stamp(one.expired_at),
        "expires_at": stamp(one.expires_at),
        "canceled_at": stamp(one.canceled_at),
        "failed_at": stamp(one.failed_at),
        "replaced_at": stamp(one.replaced_at),
        "replaced_by": one.replaced_by or None,
        "replaces": one.replaces or None,
        "asset_id": asset.id,
        "symbol": one.symbol,
        "asset_class": asset.asset_class,
        "notional": maybe(one.notional),
        "qty": None if one.notional is not None else text(one.qty),
        "filled_qty": text(one.filled_qty),
        "filled_avg_price": average,
        "order_class": one.order_class,
        "order_type": one.type,
        "type": one.type,
        "side": one.side,
        "position_intent": one.position_intent,
        "time_in_force": one.time_in_force,
        "limit_price": maybe(one.limit_price),
        "stop_price": maybe(one.stop_price),
        "status": one.status,
        "extended_hours": one.extended_hours,
        "legs": legs or None,
        "trail_percent": maybe(one.trail_percent),
        "trail_price": maybe(one.trail_price),
        "hwm": maybe(one.hwm),
        "ratio_qty": None,
        "source": None,
        "subtag": None,
    }


def position(book: Book, symbol: str) -> dict[str, Any]:
    """A position; coins under their legacy symbol."""
    asset, held = book.market.assets[symbol], book.position(symbol)
    mark = book.mark(symbol)
    value, pnl = held.qty * mark, held.qty * mark - held.cost
    last = _last_day(book, symbol) or mark
    today = _cost_today(book, symbol, last)
    sign = 1 if held.qty > 0 else -1
    return {
        "asset_id": asset.id,
        "symbol": symbol.replace("/", ""),
        "exchange": asset.exchange,
        "asset_class": asset.asset_class,
        "asset_marginable": asset.marginable,
        "avg_entry_price": text((held.cost / held.qty).quantize(NINE)),
        "qty": text(held.qty),
        "qty_available": text(sign * book.available(symbol)),
        "side": "long" if held.qty > 0 else "short",
        "market_value": text(value),
        "cost_basis": text(held.cost),
        "unrealized_pl": text(pnl),
        "unrealized_plpc": text((pnl / abs(held.cost)).quantize(NINE)) if held.cost else "0",
        "unrealized_intraday_pl": text(value - today),
        "unrealized_intraday_plpc": text(((value - today) / abs(today)).quantize(NINE))
        if today
        else "0",
        "current_price": text(mark),
        "lastday_price": text(last),
        "change_today": text((mark / last - 1).quantize(NINE)) if last else "0",
    }


def _cost_today(book: Book, symbol: str, last: Decimal) -> Decimal:
    """What the position would have cost, had the day begun with its shares bought at the last price."""
    began = _day_began(book, symbol)
    fills = list(takewhile(lambda one: one.at > began, reversed(book.activities)))
    moves = [
        (qty if one.side == "buy" else -qty, one.qty * one.price)
        for one in reversed(fills)
        if one.symbol == symbol and not one.busted
        for qty in (one.qty - one.fee_qty,)
    ]
    held = book.position(symbol).qty - sum((qty for qty, _ in moves), ZERO)
    cost = held * last
    for qty, dollars in moves:
        if held * qty >= 0:
            cost += dollars if qty > 0 else -dollars
        else:
            cost += cost * qty / held
        held += qty
    return cost.quantize(NINE)


def _day_began(book: Book, symbol: str) -> int:
    """When the day before ended: with a session's close, a coin's midnight."""
    if book.market.assets[symbol].is_crypto:
        return book.now // DAY * DAY
    return book.market.sessions.last_close(book.now)


def _last_day(book: Book, symbol: str) -> Decimal | None:
    """The price at the end of the day before."""
    at = _day_began(book, symbol)
    price, actions = book.market.price(symbol, at), book.market.actions
    if price is None:
        return None
    in_shares_of_now = actions.adjusted(symbol, at, book.now, SPLIT)[0] / actions.factor(symbol, at)
    return Decimal(repr(round(price * in_shares_of_now, 6)))


def account(book: Book) -> dict[str, Any]:
    """The account's figures."""
    own = book.account
    values = [book.market_value(symbol) for symbol in book.positions]
    long = sum((one for one in values if one > 0), ZERO)
    short = sum((one for one in values if one < 0), ZERO)
    equity, margin, power = book.equity(), book.initial_margin(), book.buying_power()
    return {
        "id": new_id(own.number),
        "account_number": own.number,
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "cash": text(own.cash),
        "equity": text(equity),
        "last_equity": text(own.last_equity),
        "portfolio_value": text(equity),
        "buying_power": text(power),
        "regt_buying_power": text(power),
        "effective_buying_power": text(power),
        "non_marginable_buying_power": text(book.cash_power()),
        "options_buying_power": text(power / 2),
        "multiplier": str(book.multiplier),
        "initial_margin": text(margin),
        "maintenance_margin": text(margin * Decimal("0.6")),
        "last_maintenance_margin": "0",
        "long_market_value": text(long),
        "short_market_value": text(short),
        "position_market_value": text(long - short),
        "sma": "0",
        "accrued_fees": "0",
        "pending_transfer_in": "0",
        "pending_reg_taf_fees": "0",
        "intraday_adjustments": "0",
        "balance_asof": (datetime.fromtimestamp(book.now / SECOND, NEW_YORK) - timedelta(1))
        .date()
        .isoformat(),
        "created_at": stamp(own.created_at),
        "crypto_tier": 1,
        "options_approved_level": 2,
        "options_trading_level": 2,
        "shorting_enabled": equity >= 2000 and not own.configuration.no_shorting,
        "trading_blocked": book.modes.trading_blocked,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": own.configuration.suspend_trade,
        "admin_configurations": {},
        "user_configurations": None,
    }


def asset(one: Asset) -> dict[str, Any]:
    """An asset, `easy_to_borrow` included: alpaca-py cannot do without it."""
    found: dict[str, Any] = {
        "id": one.id,
        "class": one.asset_class,
        "exchange": one.exchange,
        "symbol": one.symbol,
        "name": one.name,
        "status": one.status,
        "tradable": one.tradable,
        "marginable": one.marginable,
        "shortable": one.shortable,
        "easy_to_borrow": one.borrow_status == "easy_to_borrow",
        "fractionable": one.fractionable,
        "margin_requirement_long": "50",
        "margin_requirement_short": "50",
        "attributes": [],
    }
    if one.borrow_status:
        found["borrow_status"] = one.borrow_status
    for name in ("min_order_size", "min_trade_increment", "price_increment"):
        value = getattr(one, name)
        if value is not None:
            found[name] = text(value)
    return found


def activity_id(at: int, key: str) -> str:
    """The id of an activity; ids sort by time."""
    moment = datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y%m%d%H%M%S")
    return f"{moment}{at % SECOND // 1_000_000:03d}::{key}"


def activity(one: Fill, status: str) -> dict[str, Any]:
    """An execution as an account activity."""
    return {
        "activity_type": "FILL",
        "id": activity_id(one.at, one.id),
        "order_id": one.order_id,
        "symbol": one.symbol,
        "side": one.side,
        "qty": text(one.qty),
        "price": text(one.price),
        "cum_qty": text(one.cum_qty),
        "leaves_qty": text(one.leaves_qty),
        "order_status": status,
        "type": "fill" if one.leaves_qty == 0 else "partial_fill",
        "transaction_time": stamp(one.at),
    }


def trade_update(book: Book, event: Event) -> dict[str, Any]:
    """A frame of the trade stream."""
    one = book.orders[event.order_id]
    data: dict[str, Any] = {
        "event": event.event,
        "timestamp": stamp(event.at),
        "order": order(book, one, nested=not one.leg),
    }
    if event.execution_id:
        data["execution_id"] = event.execution_id
    if event.previous_execution_id:
        data["previous_execution_id"] = event.previous_execution_id
    if event.price is not None:
        data |= {
            "price": text(event.price),
            "qty": text(event.qty or ZERO),
            "position_qty": text(event.position_qty or ZERO),
        }
    return {"stream": "trade_updates", "data": data}


def books(book: Book) -> dict[str, Any]:
    """The exact books, for a tie-out to the cent."""
    open_positions = {name: one for name, one in book.positions.items() if one.qty}
    return {
        "cash": text(book.account.cash),
        "start_cash": text(book.account.start_cash),
        "transferred": text(sum((dollars for _, dollars in book.account.transfers), ZERO)),
        "dividends": text(sum((one.amount for one in book.account.happened), ZERO)),
        "equity": text(book.equity()),
        "fees": text(book.account.fees_value),
        "realised": text(sum((one.realised for one in book.positions.values()), ZERO)),
        "unrealised": text(
            sum(
                (one.qty * book.mark(name) - one.cost for name, one in open_positions.items()), ZERO
            )
        ),
        "positions": {
            name: {"qty": text(one.qty), "cost": text(one.cost), "mark": text(book.mark(name))}
            for name, one in open_positions.items()
        },
        "orders": len(book.orders),
        "fills": book.account.fills,
    }
