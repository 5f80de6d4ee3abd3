"""Fills to lots, fees and realised profit: average cost, exact.

A coin's fee is taken from what was bought, so the coins kept carry all the dollars paid. Selling short
mirrors buying. For every symbol: cash flow + quantity x mark = realised + unrealised, exactly.
"""

from decimal import Decimal

import msgspec

from ..messages.order import Fill
from ..units import ZERO, Quantity, Symbol, Usd, exact


class Lot(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """What is held of a symbol, what it cost, and what has been earned."""

    qty: Quantity = ZERO
    """Signed: short is negative."""
    cost: Usd = ZERO
    """Dollars paid for what is held; negative for a short (dollars received)."""
    realised: Usd = ZERO
    """After the fees of what was closed."""
    fees: Usd = ZERO
    """All fees, coin fees at the price of their fill."""
    cash: Usd = ZERO
    """Dollars in (positive) and out since the start."""
    fills: int = 0


def book(lot: Lot, fill: Fill) -> Lot:
    """The lot after a fill."""
    sign = 1 if fill.side == "buy" else -1
    moved = sign * fill.qty - (fill.fee_qty if sign > 0 else ZERO)
    value = fill.qty * fill.price
    flow = -sign * value - fill.fee_usd
    lot = msgspec.structs.replace(
        lot,
        fees=exact(lot.fees + fill.fee_usd + fill.fee_qty * fill.price),
        cash=exact(lot.cash + flow),
        fills=lot.fills + 1,
    )
    if lot.qty * moved >= 0:
        return msgspec.structs.replace(lot, qty=exact(lot.qty + moved), cost=exact(lot.cost - flow))
    return _closed(lot, moved, flow)


def _closed(lot: Lot, moved: Quantity, flow: Usd) -> Lot:
    """Some or all is closed; a fill through zero opens the other side with what is left."""
    closing = min(abs(moved), abs(lot.qty))
    share = closing / abs(moved)
    whole = closing == abs(lot.qty)
    cost = lot.cost if whole else _places(lot.cost * closing / abs(lot.qty))
    into = flow if share == 1 else _places(flow * share)
    left = exact(lot.qty + moved)
    return msgspec.structs.replace(
        lot,
        qty=left,
        cost=exact(lot.cost - cost - (flow - into)),
        realised=exact(lot.realised + into - cost),
    )


def _places(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.000000000001"))


def average(lot: Lot) -> Decimal:
    """Dollars a unit of what is held."""
    return exact(_places(lot.cost / lot.qty)) if lot.qty else ZERO


def unrealised(lot: Lot, mark: Decimal) -> Usd:
    """What closing at the mark would add, before fees."""
    return exact(lot.qty * mark - lot.cost)


def total(lots: tuple[tuple[Symbol, Lot], ...]) -> Lot:
    """All symbols' money in one lot without quantity."""
    found = [lot for _, lot in lots]
    return Lot(
        cost=exact(sum((one.cost for one in found), ZERO)),
        realised=exact(sum((one.realised for one in found), ZERO)),
        fees=exact(sum((one.fees for one in found), ZERO)),
        cash=exact(sum((one.cash for one in found), ZERO)),
        fills=sum(one.fills for one in found),
    )
