"""What the account has at work, as the gate itself has seen it: the last bound before the socket (I4).

It knows nothing of what anybody decided. Positions and equity are those that the broker last showed;
an entry counts whole from the moment it is registered until it has ended and positions were read after.
"""

from decimal import Decimal

import msgspec

from ..config import Config, amount
from ..messages.order import AccountReport, OrderReport, PositionReport, SubmitOrder
from ..units import MINUTE, ZERO, OrderId, Symbol, Usd, UtcNanos

SLACK = Decimal("1.01")
"""Risk and gate judge by figures a moment apart: one percent is not worth a refusal."""


LIVE = frozenset({"pending", "working", "held", "partially_filled", "pending_cancel"})
ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


class Open(msgspec.Struct):
    """An entry that has left."""

    symbol: Symbol
    notional: Usd
    beside: Usd
    """What was held in the symbol when it left."""
    at: UtcNanos = 0
    ended: bool = False


class Exposure:
    """Positions, open entries, equity."""

    def __init__(self, config: Config) -> None:
        limits = config.prop_firm.risk_limits
        share = config.trading.max_position_size_pct
        if config.prop_firm.enabled:
            share = limits.max_position_size_pct
        self._most_symbol = amount(share) / 100 * SLACK
        self._most_gross = amount(config.risk.max_gross_exposure_pct) / 100 * SLACK
        self._equity: Usd | None = None
        self._held: dict[Symbol, Usd] = {}
        self._open: dict[OrderId, Open] = {}

    def account(self, report: AccountReport) -> None:
        """The account's figures were read."""
        self._equity = report.equity

    def positions(self, reports: tuple[PositionReport, ...], ended: tuple[OrderId, ...]) -> None:
        """All positions were read; these entries had ended before that."""
        self._held = {
            one.symbol: abs(one.qty) * (one.market_price or one.avg_entry_price) for one in reports
        }
        for order in ended:
            self._open.pop(order, None)

    def ended(self) -> tuple[OrderId, ...]:
        """Entries that have come to their end: a reading of positions that begins now shows them."""
        return tuple(order for order, one in self._open.items() if one.ended)

    def reported(self, report: OrderReport) -> None:
        """What the broker says of an entry."""
        one = self._open.get(report.client_order_id)
        if one is None and "-entry-" in report.client_order_id and report.status in LIVE:
            notional = report.qty * (report.limit_price or ZERO)
            self._open[report.client_order_id] = Open(report.symbol, notional, ZERO)
        elif one is not None and report.status in ENDED:
            one.ended = True

    def listed(self, living: frozenset[OrderId], now: UtcNanos) -> None:
        """All orders that live were read: an entry of long ago that is not among them has ended."""
        for order, one in self._open.items():
            if order not in living and now - one.at > MINUTE:
                one.ended = True

    def refused(self, order: OrderId) -> None:
        """It was never placed."""
        self._open.pop(order, None)

    def register(self, order: SubmitOrder, now: UtcNanos) -> None:
        """It is about to leave."""
        if order.increases:
            beside = self._held.get(order.symbol, ZERO)
            self._open[order.client_order_id] = Open(order.symbol, _notional(order), beside, now)

    def problem(self, order: SubmitOrder) -> str:
        """Why this entry is too much, empty when it is not."""
        if not order.increases:
            return ""
        if self._equity is None or self._equity <= 0:
            return "no account figures to judge an entry by"
        notional = _notional(order)
        symbol = self._at_work(order.symbol, order.client_order_id) + notional
        if symbol > self._equity * self._most_symbol:
            return f"{symbol:.2f} in {order.symbol}, above {self._equity * self._most_symbol:.2f}"
        symbols = {*self._held, *(one.symbol for one in self._open.values())}
        gross = sum((self._at_work(one, order.client_order_id) for one in symbols), notional)
        if gross > self._equity * self._most_gross:
            return f"{gross:.2f} at work, above {self._equity * self._most_gross:.2f}"
        return ""

    def _at_work(self, symbol: Symbol, but: OrderId) -> Usd:
        """The worst case: what is held, or what was held with all entries that may still fill."""
        open_here = [
            one for order, one in self._open.items() if one.symbol == symbol and order != but
        ]
        held = self._held.get(symbol, ZERO)
        if not open_here:
            return held
        beside = min(one.beside for one in open_here)
        return max(held, beside + sum((one.notional for one in open_here), ZERO))


def _notional(order: SubmitOrder) -> Usd:
    return order.qty * (order.limit_price or order.reference_price)
