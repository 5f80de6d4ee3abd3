"""Intent and identity (I1-I3): nothing leaves that is not on disk, and each order and signal only once."""

from argo_actors.broker.wire import order_body

from ..view import View
from ..wire import Sent
from .questions import entry_of, is_submission, known_by, without_attempt
from .registry import Found, invariant


@invariant("I1 intent before effect", "left")
def i1_submission(view: View, sent: Sent) -> Found:
    """No submission leaves before its command is on disk."""
    if is_submission(sent) and sent.client_order_id not in view.intents:
        yield f"{sent.client_order_id} left before its command was durable"


@invariant("I1 intent before effect", "left")
def i1_cancel(view: View, sent: Sent) -> Found:
    """No cancel either."""
    if sent.method == "DELETE" and sent.path.rpartition("/")[2] not in view.cancels:
        yield f"DELETE {sent.path} left before its command was durable"


@invariant("I2 one to one", "left")
def i2_only_these(view: View, sent: Sent) -> Found:
    """Nothing moves money but a submission with our id and a cancel of one order."""
    single = sent.path.startswith("/v2/orders/")
    if (
        sent.method != "GET"
        and not is_submission(sent)
        and not (sent.method == "DELETE" and single)
    ):
        yield f"{sent.method} {sent.path} has no id of ours"


@invariant("I2 one to one", "left")
def i2_same_body(view: View, sent: Sent) -> Found:
    """The same id never carries another body, and the body is the command's."""
    intent = view.intents.get(sent.client_order_id)
    if not is_submission(sent) or intent is None:
        return
    if view.bodies[sent.client_order_id] != sent.body:
        yield f"{sent.client_order_id} left with another body"
    if order_body(intent.order) != sent.body:
        yield f"{sent.client_order_id} is not what the command says: {sent.body}"


@invariant("I2 one to one", "left")
def i2_again(view: View, sent: Sent) -> Found:
    """The same id leaves again only when a lookup in between has found no such order."""
    if not is_submission(sent):
        return
    mine = [one for one in view.sent if one.client_order_id == sent.client_order_id]
    before = [one for one in mine if is_submission(one) and one.n != sent.n]
    if before:
        last = before[-1].n
        proved = any(one.method == "GET" and one.n > last and one.status == 404 for one in mine)
        if not proved:
            yield f"{sent.client_order_id} left again with no proof that it had not arrived"


@invariant("I2 one to one", "end")
def i2_no_orphans(view: View) -> Found:
    """Every order under our ids has its command."""
    for one in view.book.orders.values():
        known = one.client_order_id in view.intents or one.client_order_id in view.planted
        if not one.leg and one.client_order_id.startswith(view.prefix) and not known:
            yield f"{one.client_order_id} at the venue has no command"


@invariant("I3 one signal, one entry", "left")
def i3_one_open(view: View, sent: Sent) -> Found:
    """Never a second entry beside one that may still fill."""
    order = entry_of(view, sent)
    if order is None:
        return
    for one in view.live(order.symbol):
        intent = view.intents.get(one.client_order_id)
        if intent is not None and intent.order.increases and intent.order != order:
            yield f"{sent.client_order_id} left while {one.client_order_id} works"


@invariant("I3 one signal, one entry", "left")
def i3_one_id(view: View, sent: Sent) -> Found:
    """A signal leads to one id, and to no more than its quantity."""
    order = entry_of(view, sent)
    if order is None:
        return
    approved = view.approval_of(view.intents[sent.client_order_id])
    if approved is None:
        yield f"{sent.client_order_id} rests on no approval"
        return
    if order.qty > approved[0].qty:
        yield f"{sent.client_order_id} is larger than approved: {order.qty} of {approved[0].qty}"
    for other in view.entries_left:
        if other.client_order_id == sent.client_order_id:
            continue
        if other.client_order_id in view.refused and without_attempt(other) == without_attempt(
            sent
        ):
            continue  # its next attempt, after proof that this one came to nothing
        theirs = view.approval_of(view.intents[other.client_order_id])
        if theirs is not None and theirs[0].signal == approved[0].signal:
            yield f"{sent.client_order_id} and {other.client_order_id} for one signal"


@invariant("I3 one signal, one entry", "left")
def i3_flat(view: View, sent: Sent) -> Found:
    """An entry is not sent on a position."""
    order = entry_of(view, sent)
    if order is None:
        return
    since = view.now if order.symbol in view.foreign else 0
    if known_by(view, sent, view.foreign_known.get(order.symbol, since)):
        held = view.position(order.symbol)
        if held and not view.is_dust(order.symbol, held):
            yield f"{sent.client_order_id} left while {held} {order.symbol} is held"
