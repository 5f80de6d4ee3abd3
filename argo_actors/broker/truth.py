"""The broker's whole truth, read until two readings are equal."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from loguru import logger

from ..errors import BrokerError
from ..messages.order import AccountReport, LegReport, OrderReport, PositionReport, Reconciled
from ..messages.truth import Elsewhere, Transfer
from ..units import DAY, MINUTE, SECOND, Symbol, UtcNanos
from .gate import Gate
from .wire import account_report, flat, order_report

LOOK_BACK = 4 * DAY
LOOK_BACK_PERIODIC = 10 * MINUTE
"""What finished before is looked up by its id, if it is missed at all."""
MOST_READINGS = 7
TRUTH_CALLS = 5
"""Of one reading: orders that live, orders by time, positions, account and transfers."""
LIVE = frozenset({"pending", "working", "held", "partially_filled", "pending_cancel", "unknown"})


class Truth(NamedTuple):
    """Account, positions and orders of one reading."""

    account: AccountReport
    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    read_at: UtcNanos
    transfers: tuple[Transfer, ...] = ()
    readings: int = 1

    def agrees(self, before: "Truth | None") -> bool:
        """Orders and positions are those of the reading before (the account moves with every price)."""
        if before is None or self.orders != before.orders:
            return False
        return _still(self.positions) == _still(before.positions)


def _still(positions: tuple[PositionReport, ...]) -> tuple[PositionReport, ...]:
    return tuple(msgspec.structs.replace(one, market_price=None) for one in positions)


class Question(NamedTuple):
    """What is to be read: which symbols (all, when empty), known to us by which names, how far back."""

    symbols: tuple[Symbol, ...]
    known: tuple[Symbol, ...]
    look_back: int
    moved_since: str
    """Transfers from here on, RFC 3339."""


def read(gate: Gate, question: Question, now: Callable[[], UtcNanos]) -> Truth:
    """One complete reading: every order that lives, those finished lately, and all positions."""
    begun, known = now(), question.known
    after = stamp(_since(gate, question, begun))
    orders = gate.orders("all", question.symbols, after)
    positions = gate.positions()
    account, transfers = read_account(gate, question.moved_since)
    return Truth(
        account,
        positions,
        tuple(
            sorted(
                (order_report(one, known, "list") for one in orders),
                key=lambda one: (one.submitted_at, one.order_id),
            )
        ),
        begun,
        transfers,
    )


def read_account(gate: Gate, since: str) -> tuple[AccountReport, tuple[Transfer, ...]]:
    """The account first, then what was transferred: what is in its equity is then known."""
    report = account_report(gate.account())
    try:
        return report, gate.transfers(since)
    except BrokerError as error:
        logger.warning("transfers could not be read: {}", error)
        return report, ()


def _since(gate: Gate, question: Question, now: UtcNanos) -> UtcNanos:
    """Where a whole list begins: some time back, or before the oldest order or leg that still lives."""
    rows = gate.orders("open", question.symbols, nested=False)
    oldest = [order_report(one, question.known, "list").submitted_at for one in rows]
    return min([now - question.look_back, *(one - 2 * SECOND for one in oldest)])


def reconciled(
    truth: Truth, symbols: Iterable[Symbol], prefix: str, reason: str
) -> list[Reconciled]:
    """The truth by symbol; orders without our prefix are foreign."""
    return [_of(truth, symbol, prefix, reason) for symbol in symbols]


def _of(truth: Truth, symbol: Symbol, prefix: str, reason: str) -> Reconciled:
    mine = [one for one in truth.orders if one.symbol == symbol]
    position = next((one for one in truth.positions if one.symbol == symbol), flat(symbol))
    own = tuple(one for one in mine if one.client_order_id.startswith(prefix))
    others = [one for one in mine if not one.client_order_id.startswith(prefix)]
    parts = [part for one in others for part in (one, *_legs(one))]
    legs = {leg.order_id for one in own for leg in one.legs}
    return Reconciled(
        symbol=symbol,
        position=position,
        orders=own,
        foreign=tuple(one for one in parts if one.status in LIVE and one.order_id not in legs),
        reason=reason,
        read_at=truth.read_at,
        others=tuple(one for one in parts if one.status not in LIVE and one.filled_qty > 0)[-50:],
    )


def _legs(parent: OrderReport) -> list[OrderReport]:
    """The legs of a foreign order, each as an order."""
    return [_leg(parent, leg) for leg in parent.legs]


def _leg(parent: OrderReport, leg: LegReport) -> OrderReport:
    return OrderReport(
        client_order_id=leg.client_order_id,
        order_id=leg.order_id,
        symbol=parent.symbol,
        side=leg.side,
        type=leg.type,
        status=leg.status,
        qty=leg.qty,
        filled_qty=leg.filled_qty,
        filled_avg_price=leg.filled_avg_price,
        limit_price=leg.limit_price,
        stop_price=leg.stop_price,
        channel="list",
        event_at=leg.event_at or parent.event_at,
        submitted_at=parent.submitted_at,
    )


def stamp(at: UtcNanos) -> str:
    """RFC 3339, whole seconds."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def elsewhere(truth: Truth, symbols: tuple[Symbol, ...]) -> Elsewhere:
    """Positions and live orders in symbols that are not configured: nobody here looks after them."""
    positions = tuple(one for one in truth.positions if one.symbol not in symbols)
    parts = [
        part
        for one in truth.orders
        if one.symbol not in symbols
        for part in (one, *_legs(one))
        if part.status in LIVE
    ]
    return Elsewhere(positions=positions, orders=tuple(parts))
