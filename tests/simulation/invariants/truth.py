"""Nothing is entered on what is not known (I8, I9, I17): the truth is read first, and never guessed."""

from argo_actors.journal.codec import Record
from argo_actors.messages.order import BrokerReady as Ready
from argo_actors.messages.order import EntrySettled, Reconciled
from argo_actors.units import SECOND

from ..view import View
from ..wire import Sent
from .questions import entry_of, given_up, held_lately, known_by
from .registry import Found, invariant


@invariant("I8 restart equality", "left")
def i8_ready_first(view: View, sent: Sent) -> Found:
    """No entry before READY."""
    if entry_of(view, sent) is not None and not view.ready_at:
        yield f"{sent.client_order_id} left before READY"


@invariant("I8 restart equality", "left")
def i8_stream(view: View, sent: Sent) -> Found:
    """Nor while no trade stream is authorised."""
    if (
        entry_of(view, sent) is not None
        and view.stream_down
        and known_by(view, sent, view.stream_down)
    ):
        yield f"{sent.client_order_id} left {view.seconds(view.stream_down):.1f} s without a stream"


@invariant("I8 restart equality", "left")
def i8_crashed(view: View, sent: Sent) -> Found:
    """Nor in a symbol whose actor died on a word, before the broker's truth has replaced what it knew."""
    order = entry_of(view, sent)
    since = None if order is None else view.crashed.get(order.symbol)
    if since is not None and known_by(view, sent, since - SECOND):
        yield f"{sent.client_order_id} left after a crash, with no reading of the truth"


@invariant("I8 restart equality", "record")
def i8_read_twice(view: View, record: Record) -> Found:
    """READY comes after two whole readings, and what it says was so."""
    if not any(isinstance(one, Ready) for one in record.said):
        return
    for path in ("/v2/positions", "/v2/orders"):
        reads = [one for one in view.sent if one.path == path and one.method == "GET"]
        mine = [one for one in reads if one.left_at >= view.started_at and one.status == 200]
        if len(mine) < 2:
            yield f"READY after {len(mine)} readings of {path}"
    for one in record.said:
        if isinstance(one, Reconciled) and not _was_so(view, one, record.at):
            yield f"READY says {one.position.qty} {one.symbol}, the venue had another quantity"


@invariant("I8 restart equality", "left")
def i8_news(view: View, sent: Sent) -> Found:
    """Once another's order has been told of, nothing is entered before the truth is read."""
    order = entry_of(view, sent)
    since = view.foreign_news.get(order.symbol) if order is not None else None
    if since is not None and view.intents[sent.client_order_id].at > since:
        yield f"{sent.client_order_id} was decided after another's order in {sent.body['symbol']}"


def _was_so(view: View, truth: Reconciled, at: int) -> bool:
    return truth.position.qty in held_lately(view, truth.symbol, at)


@invariant("I9 never guess", "record")
def i9_settled(view: View, record: Record) -> Found:
    """An unknown entry is given up on proof only."""
    for said in record.said:
        if not isinstance(said, EntrySettled) or said.outcome != "expired":
            continue
        for cid, unknown in view.unknown.items():
            intent = view.intents.get(cid)
            approved = None if intent is None else view.approval_of(intent)
            if approved is None or approved[0].signal != said.signal or unknown.found:
                continue
            if not given_up(view, cid):
                yield f"{cid} was given up after {len(view.absent_at[cid])} absences"


@invariant("I9 never guess", "left")
def i9_nothing_beside(view: View, sent: Sent) -> Found:
    """While an outcome is unknown its symbol is not entered again."""
    order = entry_of(view, sent)
    if order is None:
        return
    for cid, unknown in view.unknown.items():
        if unknown.symbol != order.symbol or unknown.found or cid == order.client_order_id:
            continue
        if not given_up(view, cid):
            yield f"{sent.client_order_id} left while the outcome of {cid} is unknown"


@invariant("I17 one writer", "left")
def i17_strange(view: View, sent: Sent) -> Found:
    """Where another daemon's order works, nothing is entered."""
    order = entry_of(view, sent)
    strange, since = view.strange.get(order.symbol, ("", 0)) if order is not None else ("", 0)
    if strange and known_by(view, sent, since):
        yield f"{sent.client_order_id} left beside {strange}"
