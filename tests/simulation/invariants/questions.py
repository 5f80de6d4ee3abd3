"""What several checks ask of the view."""

from decimal import Decimal

from argo_actors.messages.order import SubmitOrder
from argo_actors.units import MINUTE, SECOND, ZERO
from argo_actors.venue.matching import Order

from ..view import View
from ..wire import Sent

SLACK = SECOND // 2
"""Grid of the venue's time and latencies of the simulated wire."""
SEEN_SECONDS = 12.0
"""Open orders are polled every five seconds, each answer owed within five."""


def is_submission(sent: Sent) -> bool:
    """Whether it asks for a new order."""
    return sent.method == "POST" and sent.path == "/v2/orders"


def entry_of(view: View, sent: Sent) -> SubmitOrder | None:
    """The command of an entry that leaves; None of everything else."""
    intent = view.intents.get(sent.client_order_id)
    if not is_submission(sent) or intent is None or not intent.order.increases:
        return None
    return intent.order


def without_attempt(sent: Sent) -> str:
    """The id of an order without its attempt."""
    return sent.client_order_id.rpartition("-")[0]


def known_by(view: View, sent: Sent, since: int) -> bool:
    """Whether the daemon decided on an entry a second after the journal had said so."""
    if sent.client_order_id not in view.intents:
        return True
    return view.intents[sent.client_order_id].at > since + SECOND


def given_up(view: View, cid: str) -> bool:
    """Whether an order is proved absent: three lookups over a minute, and a list that lacked it."""
    times = view.absent_at.get(cid, [])
    listed = any(one.listed for one in view.absent.get(cid, []))
    return len(times) >= 3 and listed and times[-1] - times[0] >= MINUTE - SECOND


def is_entry(view: View, order: Order) -> bool:
    """Whether an order at the venue is an entry of ours."""
    intent = view.intents.get(order.client_order_id)
    return intent is not None and intent.order.increases


def named(view: View, order: Order) -> str:
    """An order, and the leg of a bracket, as a violation names it."""
    return f"{order.leg or 'order'} of {view.root(order).client_order_id}"


def held_lately(view: View, symbol: str, at: int) -> set[Decimal]:
    """What the venue held of a symbol at any time of the last twenty seconds."""
    history = view.position_history[symbol]
    before = [qty for when, qty in history if when < at - 20 * SECOND]
    recent = [qty for when, qty in history if when >= at - 20 * SECOND]
    return {*(before[-1:] or [ZERO]), *recent}
