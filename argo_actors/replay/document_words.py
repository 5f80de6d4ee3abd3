"""A document of `argo decide` in the words that the deciders would have heard."""

from datetime import datetime
from decimal import Decimal

import msgspec

from ..config import Config, amount
from ..errors import UsageError
from ..messages import Message
from ..messages.market import Asset, Figures, MarketHours, Quote
from ..messages.opinion import Opinion, SourceStatus
from ..messages.order import AccountReport, Holding, PositionClosed, PositionOpened, Side
from ..messages.signal import CycleClosed, Execute
from ..risk.limits import Losses
from ..source.bars import Bar
from ..source.figures import figures
from ..units import SECOND, ZERO, UtcNanos, decimal_from
from .document import AccountDoc, AssetDoc, ClockDoc, Document, OpinionDoc


def nanos(moment: datetime) -> UtcNanos:
    """Nanoseconds UTC. Raises UsageError for a time without a zone."""
    if moment.tzinfo is None:
        raise UsageError(f"{moment.isoformat()} has no zone", fix="write RFC 3339, such as …Z")
    return int(moment.timestamp()) * SECOND + moment.microsecond * 1000


def _money(text: str, where: str) -> Decimal:
    try:
        return decimal_from(text)
    except ValueError as error:
        raise UsageError(
            f"`{where}`: {error}", fix='write money as text, such as "1234.50"'
        ) from None


def _optional(text: str | None, where: str) -> Decimal | None:
    return None if text is None else _money(text, where)


def statuses_of(document: Document) -> list[Message]:
    return [
        SourceStatus(
            source=one.name, state="running", configured=one.configured, answered=one.answered
        )
        for one in document.sources
    ]


def opinion_of(one: OpinionDoc) -> Opinion:
    return Opinion(
        source=one.source,
        symbol=one.symbol,
        direction=one.direction,
        confidence=one.confidence,
        price=one.price,
        as_of=nanos(one.as_of),
        valid_until=nanos(one.valid_until),
        live=one.price is not None,
    )


def figures_of(document: Document) -> Figures:
    bars = [Bar(nanos(t), o, h, low, c, v) for t, o, h, low, c, v in document.daily_bars]
    coin = document.asset.asset_class == "crypto"
    found = figures(document.symbol, bars, "1Day", coin)
    if document.regime is not None:
        found = msgspec.structs.replace(found, regime=document.regime)
    if document.atr_pct is not None:
        found = msgspec.structs.replace(found, atr_pct=document.atr_pct)
    return found


def hours_of(clock: ClockDoc) -> MarketHours:
    return MarketHours(
        is_open=clock.is_open,
        session_open=nanos(clock.session_open),
        session_close=nanos(clock.next_close),
        next_open=nanos(clock.next_open),
        next_close=nanos(clock.next_close),
        loss_day=1,
    )


def account_of(account: AccountDoc) -> AccountReport:
    equity = _money(account.equity, "account.equity")
    return AccountReport(
        account_number="document",
        status="ACTIVE",
        cash=equity,
        equity=equity,
        last_equity=_money(account.last_equity, "account.last_equity"),
        buying_power=_money(account.buying_power, "account.buying_power"),
        non_marginable_buying_power=_money(
            account.non_marginable_buying_power, "account.non_marginable_buying_power"
        ),
        shorting_enabled=account.shorting_enabled,
        trading_blocked=account.trading_blocked,
    )


def asset_of(one: AssetDoc) -> Asset:
    return Asset(
        symbol=one.symbol,
        asset_class=one.asset_class,
        tradable=one.tradable,
        shortable=one.shortable,
        easy_to_borrow=one.easy_to_borrow,
        fractionable=True,
        min_order_size=_money(one.min_order_size, "asset.min_order_size"),
        min_trade_increment=_money(one.min_trade_increment, "asset.min_trade_increment"),
        price_increment=_money(one.price_increment, "asset.price_increment"),
    )


def holdings_of(document: Document) -> list[Message]:
    """Positions, and entries that still wait, as order actors would tell of them."""
    found: dict[str, Holding] = {}
    for one in document.positions:
        found[one.symbol] = Holding(
            symbol=one.symbol,
            phase="protected" if one.stop else "unprotected",
            side="buy" if one.side == "long" else "sell",
            qty=_money(one.qty, "positions.qty"),
            avg_price=_money(one.price, "positions.price"),
            pending_qty=ZERO,
            pending_price=None,
            stop=_optional(one.stop, "positions.stop"),
            target=None,
            own=one.own,
            unprotected_since=None,
        )
    for order in document.open_orders:
        if order.role == "entry" and order.symbol not in found:
            found[order.symbol] = Holding(
                symbol=order.symbol,
                phase="entering",
                side=order.side,
                qty=ZERO,
                avg_price=None,
                pending_qty=_money(order.qty, "open_orders.qty"),
                pending_price=_money(order.price, "open_orders.price"),
                stop=_optional(order.stop, "open_orders.stop"),
                target=None,
                own=order.own,
                unprotected_since=None,
            )
    return list(found.values())


def history_of(document: Document) -> list[Message]:
    said: list[Message] = []
    for one in sorted(document.history, key=lambda trip: trip.exit_at):
        side: Side = "buy" if one.side == "long" else "sell"
        pnl = _money(one.pnl, "history.pnl")
        if one.reason != "refused":
            said.append(
                PositionOpened(
                    symbol=one.symbol,
                    position_id="",
                    side=side,
                    qty=ZERO,
                    avg_price=ZERO,
                    because=(),
                )
            )
        said.append(
            PositionClosed(
                symbol=one.symbol,
                position_id="",
                side=side,
                reason=one.reason,
                entry_price=ZERO,
                exit_price=ZERO,
                qty=ZERO,
                fees=ZERO,
                pnl=pnl,
                entry_at=nanos(one.entry_at),
                exit_at=nanos(one.exit_at),
                because=(),
            )
        )
        if one.signal_cleared:
            said.append(CycleClosed(n=0, verdicts=()))
    return said


def request_of(document: Document) -> Execute:
    asked = document.request
    assert asked is not None
    return Execute(
        request="document",
        symbol=document.symbol,
        action=asked.action,
        confidence=asked.confidence,
        entry_price=_money(asked.entry_price, "request.entry_price"),
        stop_price=_optional(asked.stop_price, "request.stop_price"),
        target_price=_optional(asked.target_price, "request.target_price"),
    )


def quotes_of(document: Document) -> tuple[Quote, ...]:
    one = document.quote
    if one is None:
        return ()
    return (
        Quote(
            symbol=document.symbol,
            bid=one.bid,
            ask=one.ask,
            at=nanos(one.at),
            received_at=nanos(one.received_at),
        ),
    )


def losses_of(config: Config, losses: Losses, account: AccountDoc) -> Losses:
    """What the limits are measured against; an account began where the rules say, else at its peak."""
    peak = _money(account.peak_equity, "account.peak_equity")
    return msgspec.structs.replace(
        losses,
        loss_day=1,
        day_start_equity=_money(account.day_start_equity, "account.day_start_equity"),
        peak_equity=peak,
        initial_equity=amount(config.prop_firm.rules.initial_balance) or peak,
        net_transfers=_money(account.net_transfers, "account.net_transfers"),
    )
