"""Alpaca's JSON to our words and back: tolerant of fields, strict with money, the one place of symbol forms."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..config import is_coin
from ..errors import BrokerError
from ..messages.base import WordId
from ..messages.market import Asset, AssetClass, SplitAnnounced
from ..messages.order import (
    AccountReport,
    Channel,
    LegReport,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionReport,
    Side,
    SubmitOrder,
)
from ..messages.truth import Transfer
from ..units import CENT, SECOND, ZERO, Decimal, Symbol, UtcNanos, decimal_from, exact

STATUS: dict[str, OrderStatus] = {
    "new": "working",
    "accepted": "working",
    "accepted_for_bidding": "working",
    "pending_new": "pending",
    "pending_review": "pending",
    "held": "held",
    "partially_filled": "partially_filled",
    "filled": "filled",
    "done_for_day": "working",
    "canceled": "canceled",
    "expired": "expired",
    "replaced": "replaced",
    "pending_cancel": "pending_cancel",
    "pending_replace": "working",
    "stopped": "working",
    "rejected": "rejected",
    "suspended": "working",
    "calculated": "working",
}
"""Alpaca's statuses in ours. `done_for_day` and `calculated` are not final; `held` is live."""
TYPES: dict[str, OrderType] = {
    "market": "market",
    "limit": "limit",
    "stop": "stop",
    "stop_limit": "stop_limit",
}


NEW_YORK = ZoneInfo("America/New_York")
MANY_DECIMALS = re.compile(r"^([+-]?\d+\.\d{18})\d+$")
"""An average may come with more decimals than any price has: what is beyond the 18th is cut."""


NINE = Decimal("0.000000001")
NINE_PLACES = frozenset(
    {
        "qty",
        "filled_qty",
        "qty_available",
        "min_order_size",
        "min_trade_increment",
        "price_increment",
        "limit_price",
        "stop_price",
    }
)
"""Alpaca's quantities, increments and prices of orders have nine decimals at the most. A binary float's text
has more: an order in steps of such an increment would be refused, and a stop would not rest where it was put.
"""


class WireError(BrokerError):
    """An answer that cannot be true: a money field is missing, not finite or negative."""


def to_alpaca(symbol: Symbol) -> str:
    """The form in orders and assets: `BTC-USD` is `BTC/USD` there."""
    return symbol.replace("-", "/") if is_coin(symbol) else symbol


def to_position(symbol: Symbol) -> str:
    """The form in positions: `BTCUSD`."""
    return symbol.replace("-", "") if is_coin(symbol) else symbol


def from_alpaca(text: str, symbols: tuple[Symbol, ...]) -> Symbol:
    """Ours, from any of Alpaca's forms; an unknown one stays as it is."""
    for symbol in symbols:
        if text in (symbol, to_alpaca(symbol), to_position(symbol)):
            return symbol
    return text


def order_body(order: SubmitOrder) -> dict[str, Any]:
    """The request that places an order; numbers as text."""
    body: dict[str, Any] = {
        "symbol": to_alpaca(order.symbol),
        "qty": text(order.qty),
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "client_order_id": order.client_order_id,
    }
    if not is_coin(order.symbol):
        body["position_intent"] = order.position_intent
    if order.limit_price is not None:
        body["limit_price"] = text(order.limit_price)
    if order.stop_price is not None:
        body["stop_price"] = text(order.stop_price)
    if order.order_class != "simple":
        body["order_class"] = order.order_class
        body["take_profit"] = {"limit_price": text(_known(order.take_profit))}
        body["stop_loss"] = {"stop_price": text(_known(order.stop_loss))}
    return body


def _known(value: Decimal | None) -> Decimal:
    if value is None:
        raise WireError("a bracket needs both of its prices")
    return value


def text(value: Decimal) -> str:
    """Plain digits, no exponent."""
    return f"{value:f}"


def order_report(
    raw: Any,
    symbols: tuple[Symbol, ...],
    channel: Channel,
    because: tuple[WordId, ...] = (),
) -> OrderReport:
    """An order as Alpaca sees it. Raises WireError when its money fields make no sense."""
    found = _mapping(raw)
    _check_order(found)
    return OrderReport(
        client_order_id=str(found.get("client_order_id") or ""),
        order_id=str(found.get("id") or ""),
        symbol=from_alpaca(str(found.get("symbol") or ""), symbols),
        side=_side(found),
        type=_type(found),
        status=STATUS.get(str(found.get("status")), "unknown"),
        qty=_quantity(found),
        filled_qty=amount(found, "filled_qty", ZERO),
        filled_avg_price=price(found, "filled_avg_price"),
        limit_price=price(found, "limit_price"),
        stop_price=price(found, "stop_price"),
        legs=tuple(_leg(leg) for leg in found.get("legs") or ()),
        channel=channel,
        event_at=_changed_at(found),
        expires_at=time(found.get("expires_at")) or None,
        raw_status=str(found.get("status") or ""),
        because=because,
        submitted_at=time(found.get("submitted_at") or found.get("created_at")),
    )


def _changed_at(found: dict[str, Any]) -> UtcNanos:
    return time(found.get("filled_at") or found.get("updated_at") or found.get("created_at"))


def _check_order(found: dict[str, Any]) -> None:
    if not found.get("id"):
        raise WireError("an order without an id")
    if amount(found, "filled_qty", ZERO) > 0 and price(found, "filled_avg_price") is None:
        raise WireError("a fill without a price")


def _leg(raw: Any) -> LegReport:
    found = _mapping(raw)
    return LegReport(
        order_id=str(found.get("id") or ""),
        client_order_id=str(found.get("client_order_id") or ""),
        type=_type(found),
        side=_side(found),
        status=STATUS.get(str(found.get("status")), "unknown"),
        qty=_quantity(found),
        filled_qty=amount(found, "filled_qty", ZERO),
        filled_avg_price=price(found, "filled_avg_price"),
        limit_price=price(found, "limit_price"),
        stop_price=price(found, "stop_price"),
        event_at=_changed_at(found),
    )


def position_report(raw: Any, symbol: Symbol, because: tuple[WordId, ...] = ()) -> PositionReport:
    """A position; signed, short is negative."""
    found = _mapping(raw)
    qty = signed(found, "qty")
    available = signed(found, "qty_available") if found.get("qty_available") is not None else qty
    return PositionReport(
        symbol=symbol,
        qty=qty,
        qty_available=available,
        avg_entry_price=price(found, "avg_entry_price") or ZERO,
        because=because,
        market_price=price(found, "current_price"),
    )


def flat(symbol: Symbol, because: tuple[WordId, ...] = ()) -> PositionReport:
    """No position."""
    return PositionReport(
        symbol=symbol, qty=ZERO, qty_available=ZERO, avg_entry_price=ZERO, because=because
    )


def account_report(raw: Any, because: tuple[WordId, ...] = ()) -> AccountReport:
    """The account's figures."""
    found = _mapping(raw)
    blocked = any(
        bool(found.get(name))
        for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user")
    )
    return AccountReport(
        account_number=str(found.get("account_number") or ""),
        status=str(found.get("status") or ""),
        cash=signed(found, "cash"),
        equity=signed(found, "equity"),
        last_equity=signed(found, "last_equity"),
        buying_power=signed(found, "buying_power"),
        non_marginable_buying_power=signed(found, "non_marginable_buying_power"),
        shorting_enabled=bool(found.get("shorting_enabled")),
        trading_blocked=blocked,
        because=because,
    )


def transfer(raw: Any) -> Transfer:
    """A deposit or a withdrawal; its id begins with its time."""
    found = _mapping(raw)
    name = str(found.get("id") or "")
    return Transfer(
        id=name,
        kind=str(found.get("activity_type") or ""),
        dollars=signed(found, "net_amount"),
        at=time(found.get("created_at")) or _time_of(name),
    )


def skew_ms(raw: Any, before: UtcNanos, after: UtcNanos) -> int:
    """How far the broker's clock is ahead; nothing of it that the answer's way could explain."""
    told = time(_mapping(raw).get("timestamp"))
    if not told:
        raise WireError("a clock without a time")
    ahead = min(told - before, 0) if told < before else max(told - after, 0)
    return ahead // 1_000_000


def _time_of(activity: str) -> UtcNanos:
    """`20260304150000123::…` in ns. Raises WireError."""
    digits = activity.partition("::")[0]
    if len(digits) != 17 or not digits.isdecimal():
        raise WireError(f"an activity without a time: {activity[:40]!r}")
    try:
        moment = datetime.strptime(digits[:14] + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError as error:
        raise WireError(f"an activity without a time: {activity[:40]!r}") from error
    return int(moment.timestamp()) * SECOND + int(digits[14:]) * 1_000_000


def asset(raw: Any, symbol: Symbol) -> Asset:
    """An asset; `easy_to_borrow` from either of the vendor's fields."""
    found = _mapping(raw)
    kind: AssetClass = "crypto" if found.get("class") == "crypto" else "us_equity"
    borrow = found.get("borrow_status")
    easy = borrow == "easy_to_borrow" if borrow is not None else bool(found.get("easy_to_borrow"))
    coin = kind == "crypto"
    return Asset(
        symbol=symbol,
        asset_class=kind,
        tradable=bool(found.get("tradable")) and found.get("status") == "active",
        shortable=bool(found.get("shortable")),
        easy_to_borrow=easy,
        fractionable=bool(found.get("fractionable")),
        min_order_size=amount(found, "min_order_size", Decimal("0.000001") if coin else Decimal(1)),
        min_trade_increment=_step(
            found, "min_trade_increment", Decimal("0.000000001") if coin else Decimal(1)
        ),
        price_increment=_step(found, "price_increment", CENT),
    )


def _step(found: dict[str, Any], name: str, default: Decimal) -> Decimal:
    """An increment: sizes and prices are divided by it. Raises WireError when it is zero."""
    value = amount(found, name, default)
    if value == 0:
        raise WireError(f"{name} is zero")
    return value


def splits(rows: list[Any], symbols: tuple[Symbol, ...]) -> list[SplitAnnounced]:
    """Announced splits of our symbols. Raises WireError when one of them makes no sense."""
    found = []
    for raw in rows:
        row = _mapping(raw)
        symbol = str(row.get("target_symbol") or row.get("initiating_symbol") or "")
        if symbol in symbols and str(row.get("ca_type")).lower() == "split" and row.get("ex_date"):
            new, old = amount(row, "new_rate", None), amount(row, "old_rate", None)
            if new == 0 or old == 0:
                raise WireError(f"a split of {symbol} by zero")
            at = _open_of(str(row["ex_date"]))
            found.append(SplitAnnounced(symbol=symbol, at=at, new=new, old=old))
    return found


def _open_of(day: str) -> UtcNanos:
    """Half past nine in New York; every session opens then. Raises WireError."""
    try:
        moment = datetime.fromisoformat(day[:10]).replace(hour=9, minute=30, tzinfo=NEW_YORK)
    except ValueError as error:
        raise WireError(f"no day: {day[:20]!r}") from error
    return int(moment.timestamp()) * SECOND


def _mapping(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise WireError(f"an object was expected, not {type(raw).__name__}")
    return raw


def _side(found: dict[str, Any]) -> Side:
    return "sell" if str(found.get("side")).startswith("sell") else "buy"


def _type(found: dict[str, Any]) -> OrderType:
    return TYPES.get(str(found.get("type") or found.get("order_type")), "market")


def _quantity(found: dict[str, Any]) -> Decimal:
    """A notional order has no quantity; what has filled is all that is known of it."""
    if found.get("qty") is None:
        return amount(found, "filled_qty", ZERO)
    return amount(found, "qty", None)


def signed(found: dict[str, Any], name: str) -> Decimal:
    """A money field that may be negative. Raises WireError when it is missing or no number."""
    try:
        value = decimal_from(MANY_DECIMALS.sub(r"\1", str(found[name])))
    except (KeyError, ValueError) as error:
        raise WireError(f"{name}: {found.get(name)!r} is no amount") from error
    return exact(value.quantize(NINE)) if name in NINE_PLACES else value


def amount(found: dict[str, Any], name: str, default: Decimal | None) -> Decimal:
    """A money field >= 0; the default when it is absent. Raises WireError."""
    if found.get(name) is None and default is not None:
        return default
    value = signed(found, name)
    if value < 0:
        raise WireError(f"{name}: {value} is negative")
    return value


def price(found: dict[str, Any], name: str) -> Decimal | None:
    """A price > 0, None when there is none."""
    if found.get(name) in (None, "", "0"):
        return None
    value = amount(found, name, None)
    return value or None


def time(value: Any) -> UtcNanos:
    """RFC 3339 with up to nine decimals, in ns; 0 when there is none."""
    if not isinstance(value, str) or not value:
        return 0
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise WireError(f"no time: {value[:40]!r}") from error
    fraction = value.partition(".")[2]
    digits = "".join(_leading_digits(fraction))[:9].ljust(9, "0") if fraction else "0" * 9
    return int(moment.timestamp()) * SECOND + int(digits)


def _leading_digits(fraction: str) -> str:
    end = next((i for i, one in enumerate(fraction) if not one.isdigit()), len(fraction))
    return fraction[:end]
