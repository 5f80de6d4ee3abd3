"""What is shown of the books: positions, orders, round trips, gaps, readings of the broker's truth."""

from typing import Any

from .. import keyed
from ..order.reconcile import foreign_text
from ..tracker.ledger import Lot, average, total, unrealised
from ..tracker.state import TrackerState
from ..units import SECOND, Decimal, exact
from .text import cents, plain, time

Document = dict[str, Any]
MARK = Decimal("0.000000001")


def positions(books: TrackerState) -> list[Document]:
    """What is held, what protects it, what it has earned."""
    found = []
    for symbol, holding in books.holdings:
        if holding.side is None:
            continue
        lot = keyed.get(books.lots, symbol) or Lot()
        mark = keyed.get(books.marks, symbol)
        price = None if mark is None else exact(Decimal(repr(mark)).quantize(MARK))
        found.append(
            {
                "symbol": symbol,
                "side": "long" if holding.side == "buy" else "short",
                "qty": holding.qty or holding.pending_qty,
                "phase": holding.phase,
                "avg_price": average(lot) if lot.qty else holding.avg_price,
                "mark": price,
                "unrealised": None if price is None else cents(unrealised(lot, price)),
                "stop": holding.stop,
                "target": holding.target,
                "own": holding.own,
                "note": holding.note,
            }
        )
    return found


def orders(books: TrackerState) -> list[Document]:
    """Our newest orders, newest last."""
    found = []
    for order_id in books.recent_orders:
        view = keyed.get(books.orders, order_id)
        if view is not None:
            found.append(
                {
                    "at": time(view.sent_at),
                    "symbol": view.order.symbol,
                    "leg": view.order.leg,
                    "side": view.order.side,
                    "qty": view.order.qty,
                    "type": view.order.type,
                    "status": view.status or "sent",
                    "filled": view.filled_qty,
                    "price": view.filled_avg,
                    "id": order_id,
                }
            )
    return found


def trades(books: TrackerState) -> list[Document]:
    """Closed round trips, newest last."""
    return [
        {
            "symbol": one.symbol,
            "side": "long" if one.side == "buy" else "short",
            "qty": one.qty,
            "entry": one.entry_price,
            "exit": one.exit_price,
            "reason": one.reason,
            "fees": cents(one.fees),
            "pnl": cents(one.pnl),
            "entry_at": time(one.entry_at),
            "exit_at": time(one.exit_at),
            "position_id": one.position_id,
        }
        for one in books.trades
    ]


def gaps(books: TrackerState) -> list[Document]:
    """The newest intervals without a stop (ns UTC)."""
    return [
        {
            "symbol": gap.symbol,
            "qty": plain(gap.qty),
            "begin": gap.begin,
            "end": gap.end,
            "seconds": (gap.end - gap.begin) / SECOND,
            "cause": gap.cause,
            "ended": gap.ended if gap.reason is None else f"{gap.ended}: {gap.reason}",
        }
        for gap in books.gaps
    ]


def readings(books: TrackerState) -> list[Document]:
    """The newest readings of the broker's whole truth."""
    return [
        {
            "at": one.at,
            "reason": one.read.reason,
            "orders": one.read.orders,
            "positions": one.read.positions,
            "readings": one.read.readings,
        }
        for one in books.reads
    ]


def differences(books: TrackerState) -> list[Document]:
    """What they found that the books had otherwise."""
    return [
        {
            "at": one.at,
            "symbol": one.difference.symbol,
            "what": one.difference.what,
            "before": one.difference.before,
            "after": one.difference.after,
            "reason": one.difference.reason,
        }
        for one in books.differences
    ]


def elsewhere(books: TrackerState) -> list[Document]:
    """What there is in symbols that are not configured."""
    found = books.elsewhere
    if found is None:
        return []
    held = [
        {"symbol": one.symbol, "text": f"{plain(one.qty)} at {plain(one.avg_entry_price)}"}
        for one in found.positions
    ]
    return held + [
        {"symbol": one.symbol, "text": foreign_text(one), "order": one.order_id}
        for one in found.orders
    ]


def ledger(books: TrackerState) -> Document:
    """The books to be tied out: cash flow, fees, profit, quantities."""
    whole = total(books.lots)
    return {
        "cash_flow": whole.cash,
        "fees": whole.fees,
        "realised": whole.realised,
        "lots": {
            symbol: {"qty": lot.qty, "cost": lot.cost, "realised": lot.realised}
            for symbol, lot in books.lots
        },
        "trades": books.trade_count,
        "wins": books.wins,
        "long_entries": books.long_entries,
        "short_entries": books.short_entries,
    }
