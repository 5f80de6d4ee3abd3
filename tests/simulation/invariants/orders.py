"""Each order by itself (I13, I16, I28): its figures, its hours, its life."""

from decimal import Decimal

from argo_actors.config import amount, is_coin
from argo_actors.journal.codec import Record
from argo_actors.messages import WordId
from argo_actors.messages.market import Quotes
from argo_actors.messages.signal import Approval
from argo_actors.units import MINUTE, SECOND, equity_tick
from argo_actors.venue.matching import NINE

from ..view import View
from ..wire import Sent
from .questions import entry_of, is_submission
from .registry import Found, invariant


@invariant("I13 sane order", "left")
def i13_numbers(view: View, sent: Sent) -> Found:
    """Finite, positive, on the tick, in whole steps."""
    if not is_submission(sent):
        return
    symbol = view.symbol(str(sent.body["symbol"]))
    asset = view.book.market.assets[view.venue_symbol(symbol)]
    prices = [sent.body.get("limit_price"), sent.body.get("stop_price")]
    prices += [(sent.body.get("take_profit") or {}).get("limit_price")]
    prices += [(sent.body.get("stop_loss") or {}).get("stop_price")]
    for text in (one for one in prices if one is not None):
        price = Decimal(str(text))
        tick = asset.price_increment or equity_tick(price)
        if not price.is_finite() or price <= 0 or price % tick:
            yield f"{sent.client_order_id}: price {text}"
    qty = Decimal(str(sent.body["qty"]))
    step = asset.min_trade_increment if asset.is_crypto else Decimal(1)
    if sent.body["type"] == "market" and view.split_shares(symbol):
        step = NINE  # the fraction that a split has left is closed
    if not qty.is_finite() or qty <= 0 or qty % (step or 1):
        yield f"{sent.client_order_id}: quantity {qty}"


@invariant("I13 sane order", "left")
def i13_sides(view: View, sent: Sent) -> Found:
    """Stop and target on their sides, a limit within the collar of the approved price."""
    order = entry_of(view, sent)
    if order is None:
        return
    price = order.reference_price
    if order.stop_loss is not None and order.take_profit is not None:
        low, high = sorted((order.stop_loss, order.take_profit))
        rising = (order.side == "buy") == (order.stop_loss < order.take_profit)
        if not rising or not low < price < high:
            yield f"{sent.client_order_id}: {order.side} at {price}, legs {low} and {high}"
    risk = view.config.risk
    collar = amount(risk.collar_crypto_pct if is_coin(order.symbol) else risk.collar_stocks_pct)
    if order.limit_price is not None and abs(order.limit_price / price - 1) * 100 > collar:
        yield f"{sent.client_order_id}: limit {order.limit_price} far from {price}"


@invariant("I13 sane order", "record")
def i13_fresh_quote(view: View, record: Record) -> Found:
    """An approval rests on a quote of now."""
    for said in record.said:
        if not isinstance(said, Approval) or said.stop is None:
            continue
        words = [view.words.get(WordId(*one)) for one in said.because]
        quotes = [
            one
            for word in words
            if isinstance(word, Quotes)
            for one in word.quotes
            if one.symbol == said.symbol
        ]
        if not quotes:
            yield f"an approval of {said.symbol} rests on no quote"
        for one in quotes:
            if record.at - one.received_at > 2 * SECOND or record.at - one.at > 30 * SECOND:
                yield f"an approval of {said.symbol} rests on an old quote"
            if not 0 < one.bid <= one.ask:
                yield f"an approval of {said.symbol} rests on {one.bid}/{one.ask}"


@invariant("I16 session", "left")
def i16_entries(view: View, sent: Sent) -> Found:
    """No stock is entered outside its session or near the edges (a signal's life of slack)."""
    order = entry_of(view, sent)
    if order is None or is_coin(order.symbol):
        return
    sessions, risk = view.book.market.sessions, view.config.risk
    if not sessions.is_open(view.now):
        yield f"{sent.client_order_id} left outside the session"
        return
    opened, closes = sessions.session(view.now)
    slack = int(view.config.consensus.signal_seconds * SECOND)
    if closes - view.now < int(risk.session_end_minutes * MINUTE) - slack:
        yield f"{sent.client_order_id} left {-view.seconds(closes):.0f} s before the close"
    if view.now - opened < int(risk.session_start_minutes * MINUTE):
        yield f"{sent.client_order_id} left {view.seconds(opened):.0f} s after the open"


@invariant("I16 session", "left")
def i16_exits(view: View, sent: Sent) -> Found:
    """A stock's exit is sent in regular hours only."""
    intent = view.intents.get(sent.client_order_id)
    if not is_submission(sent) or intent is None or intent.order.leg not in ("exit", "flat"):
        return
    known = view.book.market.sessions
    if is_coin(intent.order.symbol) or known.is_open(view.now - 5 * SECOND):
        return
    if not known.is_open(view.now + 5 * SECOND):
        yield f"{sent.client_order_id} left outside the session"


@invariant("I28 no stale send", "left")
def i28_alive(view: View, sent: Sent) -> Found:
    """An entry leaves while its signal lives, and from the process that decided it."""
    order = entry_of(view, sent)
    if order is None:
        return
    intent = view.intents[sent.client_order_id]
    if intent.run != view.run:
        yield f"{sent.client_order_id} was decided before the restart"
    if sent.left_at > order.expires_at:
        yield f"{sent.client_order_id} left after it had expired"
    approved = view.approval_of(intent)
    said_at = view.signals.get(approved[0].signal) if approved is not None else None
    if said_at is not None and order.expires_at - said_at > 30 * SECOND:
        yield f"{sent.client_order_id} lives longer than its signal"
