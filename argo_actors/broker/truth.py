"""The broker's whole truth, read until two readings are equal."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from ..errors import UnknownOutcomeError
from ..messages.order import AccountReport, OrderReport, PositionReport, Reconciled
from ..units import DAY, SECOND, Symbol, UtcNanos
from .gate import Gate
from .wire import account_report, flat, from_alpaca, order_report, position_report

LOOK_BACK = 4 * DAY
TRIES = 6


class Truth(NamedTuple):
    """Account, positions and orders of one reading."""

    account: AccountReport
    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]

    def same_as(self, other: "Truth") -> bool:
        """Orders and positions are equal (the account's figures move with every price)."""
        return self.positions == other.positions and self.orders == other.orders


def read_twice(
    gate: Gate, symbols: tuple[Symbol, ...], known: tuple[Symbol, ...], now: UtcNanos, whole: bool
) -> Truth:
    """Two equal readings in a row. Raises UnknownOutcomeError when the broker does not come to rest."""
    before = read(gate, symbols, known, now, whole)
    for _ in range(TRIES):
        again = read(gate, symbols, known, now, whole)
        if again.same_as(before):
            return again
        before = again
    raise UnknownOutcomeError(f"the broker's truth was not the same twice in {TRIES} readings")


def read(
    gate: Gate, symbols: tuple[Symbol, ...], known: tuple[Symbol, ...], now: UtcNanos, whole: bool
) -> Truth:
    """One reading; `whole` includes finished orders of the last days, and all that are still open."""
    if whole:
        orders = gate.orders("all", symbols, stamp(_since(gate, symbols, known, now)))
    else:
        orders = gate.orders("open", symbols)
    positions = gate.positions()
    return Truth(
        account_report(gate.account()),
        tuple(
            sorted(
                (position_report(one, from_alpaca(str(one["symbol"]), known)) for one in positions),
                key=lambda one: one.symbol,
            )
        ),
        tuple(
            sorted(
                (order_report(one, known, "list") for one in orders),
                key=lambda one: (one.submitted_at, one.order_id),
            )
        ),
    )


def _since(
    gate: Gate, symbols: tuple[Symbol, ...], known: tuple[Symbol, ...], now: UtcNanos
) -> UtcNanos:
    """Where a whole list begins: some days back, or before the oldest order or leg that still lives."""
    rows = gate.orders("open", symbols, nested=False)
    oldest = [order_report(one, known, "list").submitted_at for one in rows]
    return min([now - LOOK_BACK, *(one - 2 * SECOND for one in oldest)])


def reconciled(
    truth: Truth, symbols: Iterable[Symbol], prefix: str, reason: str
) -> list[Reconciled]:
    """The truth by symbol; orders without our prefix are foreign."""
    return [_of(truth, symbol, prefix, reason) for symbol in symbols]


def _of(truth: Truth, symbol: Symbol, prefix: str, reason: str) -> Reconciled:
    mine = [one for one in truth.orders if one.symbol == symbol]
    position = next((one for one in truth.positions if one.symbol == symbol), flat(symbol))
    own = tuple(one for one in mine if one.client_order_id.startswith(prefix))
    live = ("pending", "working", "held", "partially_filled", "pending_cancel", "unknown")
    foreign = tuple(one for one in mine if one not in own and one.status in live)
    return Reconciled(
        symbol=symbol, position=position, orders=own, foreign=_no_legs(foreign, own), reason=reason
    )


def _no_legs(
    foreign: tuple[OrderReport, ...], own: tuple[OrderReport, ...]
) -> tuple[OrderReport, ...]:
    """Legs of our own brackets are listed under ids that the broker made; they are not foreign."""
    legs = {leg.order_id for one in own for leg in one.legs}
    return tuple(one for one in foreign if one.order_id not in legs)


def stamp(at: UtcNanos) -> str:
    """RFC 3339, whole seconds."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def strangers(truth: Truth, symbols: tuple[Symbol, ...]) -> tuple[str, ...]:
    """Positions in symbols that are not configured: nobody here looks after them."""
    return tuple(one.symbol for one in truth.positions if one.symbol not in symbols)
