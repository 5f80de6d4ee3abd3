"""When the faults are over (I23): all is known, protected, agreed, and nothing is left over."""

from decimal import Decimal

from argo_actors.units import SECOND, ZERO
from argo_actors.venue.matching import Order

from ..view import View
from .questions import given_up, is_entry, named
from .registry import Found, invariant


@invariant("I23 liveness", "end")
def i23_known(view: View) -> Found:
    """Every outcome is known."""
    for cid, unknown in view.unknown.items():
        if not unknown.found and not given_up(view, cid):
            yield f"the outcome of {cid} is still unknown"
    for symbol, holding in sorted(view.holdings.items()):
        waits = any(_rests(view, one) for one in view.live(symbol))
        if holding.phase == "entering" and waits:
            continue
        if holding.phase in ("recovering", "entering", "partly", "unprotected"):
            yield f"{symbol} is still {holding.phase} {holding.note}"


@invariant("I23 liveness", "end")
def i23_protected(view: View) -> Found:
    """Every position is protected, or there is none."""
    for symbol, one in view.exposures.items():
        if symbol not in view.foreign and view.market_open(symbol):
            age = view.seconds(one.since)
            yield f"{symbol}: {view.position(symbol)} unprotected for {age:.1f} s"


@invariant("I23 liveness", "end")
def i23_ready(view: View) -> Found:
    """READY, and nothing waits in a mailbox."""
    if not view.ready_at:
        yield "not READY"
    late = [key for key, since in view.waiting.items() if view.now - since > 5 * SECOND]
    for address, word in late[:3]:
        yield f"{type(view.words[word]).__name__} waits at {address}"


@invariant("I23 liveness", "end")
def i23_no_leftovers(view: View) -> Found:
    """Nothing works for a position that is gone."""
    for symbol in view.config.symbols:
        if view.position(symbol) == 0:
            for one in view.live(symbol):
                if _rests(view, view.root(one)) or one.client_order_id in view.planted:
                    continue
                yield f"{symbol} is flat and {named(view, one)} is {one.status}"


@invariant("I23 liveness", "end")
def i23_agreed(view: View) -> Found:
    """The daemon says it holds what the venue holds."""
    for symbol, holding in sorted(view.holdings.items()):
        held = view.position(symbol)
        said = holding.qty if holding.side == "buy" else -holding.qty
        if holding.side is None:
            said = ZERO
        close = abs(said - held) <= Decimal("0.00000001")
        if symbol not in view.foreign and not close and not view.is_dust(symbol, held - said):
            yield f"{symbol}: {said} said to be held, the venue holds {held}"


def _rests(view: View, order: Order) -> bool:
    """A limit entry that waits for its price while the market is open."""
    waits = is_entry(view, order) and order.type == "limit"
    return waits and view.market_open(view.symbol(order.symbol))
