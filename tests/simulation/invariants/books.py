"""What the journal says is what the venue did (I10-I12): fills, ends of orders, money."""

from decimal import Decimal

from argo_actors.journal.codec import Record
from argo_actors.messages.order import CancelOrder, EntrySettled, Fill, PositionClosed
from argo_actors.units import SECOND, ZERO

from ..view import View
from .questions import SLACK
from .registry import Found, invariant


@invariant("I10 fills exactly once", "record")
def i10_not_more(view: View, record: Record) -> Found:
    """No more is said to have filled than has."""
    for said in record.said:
        if isinstance(said, Fill):
            told, truth = view.fills[said.client_order_id], view.filled(said.client_order_id)
            if said.qty <= 0:
                yield f"{said.client_order_id}: a fill of {said.qty}"
            if told > truth:
                yield f"{said.client_order_id}: {told} said as filled, the venue filled {truth}"


@invariant("I10 fills exactly once", "end")
def i10_not_less(view: View) -> Found:
    """Nor less, in the end."""
    for cid in view.intents:
        if view.fills.get(cid, ZERO) != view.filled(cid):
            yield f"{cid}: {view.fills.get(cid, ZERO)} said as filled of {view.filled(cid)}"


@invariant("I11 status lattice", "record")
def i11_over_is_over(view: View, record: Record) -> Found:
    """An order that its actor knows to be over is not cancelled."""
    for said in record.said:
        if view.legs_replaced:
            return
        if isinstance(said, CancelOrder) and said.client_order_id in view.ended:
            yield f"{said.client_order_id} is over and was cancelled"


@invariant("I11 status lattice", "record")
def i11_settled(view: View, record: Record) -> Found:
    """An entry that is said to have come to its end works no more."""
    for said in record.said:
        if not isinstance(said, EntrySettled) or said.outcome == "expired":
            continue
        for cid, intent in view.intents.items():
            approved = view.approval_of(intent) if intent.order.increases else None
            if approved is None or approved[0].signal != said.signal:
                continue
            order_id = view.book.by_client.get(cid)
            if order_id is not None and view.book.orders[order_id].is_open:
                yield f"{cid} is said to be {said.outcome}, it is {view.book.orders[order_id].status}"


@invariant("I12 conservation", "record")
def i12_closed(view: View, record: Record) -> Found:
    """A position that is said to be closed is not the one that the venue still holds."""
    for said in record.said:
        if not isinstance(said, PositionClosed) or said.symbol in view.foreign:
            continue
        held, since = view.position(said.symbol), view.held_since(said.symbol)
        still = held != 0 and not view.is_dust(said.symbol, held) and not view.turned_by_venue
        if still and since <= said.entry_at + SLACK:
            yield f"{said.symbol} is said to be closed, the venue holds {held} of it"


@invariant("I12 conservation", "record")
def i12_profit(view: View, record: Record) -> Found:
    """What a round trip is said to have earned is what its fills brought in dollars, after fees.

    What was never sold again, a coin's remainder, has not been lost. A fill after the close comes under the
    same position: what is said of it the second time comes on top.
    """
    for said in record.said:
        if not isinstance(said, PositionClosed) or said.symbol in view.foreign:
            continue
        fills = [one for one in view.journal_fills if one.position_id == said.position_id]
        sold = any(one.side != said.side for one in fills)
        flow = sum(((1 if one.side == "sell" else -1) * one.qty * one.price for one in fills), ZERO)
        earned = (flow if sold else ZERO) - sum((one.fee_usd for one in fills), ZERO)
        told = sum((one.pnl for one in view.closed if one.position_id == said.position_id), ZERO)
        if abs(told - earned) > Decimal("0.01"):
            yield f"{said.symbol} is said to have earned {told:.2f}, its fills {earned:.2f}"


@invariant("I12 conservation", "record")
def i12_ended(view: View, record: Record) -> Found:
    """A close is told with the time of its last fill: what rests after it, rests from there on."""
    for said in record.said:
        if not isinstance(said, PositionClosed) or said.symbol in view.foreign:
            continue
        closing = "sell" if said.side == "buy" else "buy"
        found = [
            one.at
            for one in view.book.activities
            if view.symbol(one.symbol) == said.symbol and one.side == closing
        ]
        last = max(found, default=0)
        if said.exit_at < last - SECOND and not view.turned_by_venue:
            early = (last - said.exit_at) / SECOND
            yield f"{said.symbol} is said to have closed {early:.1f} s before its last fill"


@invariant("I12 conservation", "end")
def i12_cash(view: View) -> Found:
    """The fills said come to the venue's cash, to the cent a fill."""
    if view.foreign:
        return
    cash = view.book.account.start_cash
    for fill in view.journal_fills:
        sign = 1 if fill.side == "buy" else -1
        cash -= sign * fill.qty * fill.price + fill.fee_usd
    away = abs(cash - view.book.account.cash)
    if away > Decimal("0.01") * max(1, len(view.journal_fills)):
        yield f"the fills come to {cash:.4f}, the venue has {view.book.account.cash:.4f}"


@invariant("I12 conservation", "end")
def i12_quantity(view: View) -> Found:
    """And to its positions."""
    for symbol in view.config.symbols:
        if symbol in view.foreign:
            continue
        held = sum(
            (
                (one.qty - one.fee_qty if one.side == "buy" else -one.qty)
                for one in view.journal_fills
                if one.symbol == symbol
            ),
            ZERO,
        )
        held += view.split_shares(symbol)
        away = abs(held - view.position(symbol))
        if away > Decimal("0.000000002") * max(1, len(view.journal_fills)):
            yield f"{symbol}: the fills come to {held}, the venue holds {view.position(symbol)}"
