"""Protected or flagged (I6), from the fill that is noticed to the exit that follows a flag."""

from argo_actors.journal.codec import Record
from argo_actors.messages.order import Protected, Unprotected
from argo_actors.units import SECOND

from ..view import View
from .questions import SEEN_SECONDS, SLACK, given_up, is_submission
from .registry import Found, invariant


@invariant("I6 protected or flagged", "time")
def i6_seen(view: View) -> Found:
    """A fill is noticed, with the stream or without: while a 429 lets it ask, that is."""
    for symbol, one in view.exposures.items():
        begun = max(one.since, view.alive_at, view.closed_until())
        quiet = view.seconds(max(begun, view.disturbed_at, view.ready_at))
        holding = view.holdings.get(symbol)
        told = symbol in view.flagged or (holding is not None and holding.unprotected_since)
        if view.turned_by_venue or told:
            continue
        if not one.seen_at and view.ready_at and _watched(view, symbol) and quiet > SEEN_SECONDS:
            yield f"{symbol}: {view.position(symbol)} unprotected and unnoticed for {quiet:.1f} s"


@invariant("I6 protected or flagged", "time")
def i6_flagged(view: View) -> Found:
    """A second after it was seen it is protected, or flagged for all to see."""
    for symbol, one in view.exposures.items():
        begun = max(one.seen_at, view.started_at, view.alive_at)
        told = symbol in view.flagged or symbol in view.over_told
        if not one.seen_at or told or not _watched(view, symbol):
            continue
        if view.now - begun > SECOND + 2 * SLACK:
            age = view.seconds(begun)
            yield f"{symbol}: {view.position(symbol)} unprotected for {age:.1f} s, no flag"


@invariant("I6 protected or flagged", "time")
def i6_rest(view: View) -> Found:
    """A second after an entry was seen partly filled its rest is called back: its legs sleep till then."""
    for cid, at in view.partly.items():
        one = view.book.orders[view.book.by_client[cid]]
        begun = max(at, view.started_at, view.alive_at)
        waits = one.status == "partially_filled" and cid not in view.called_back
        if waits and view.alive and view.now - begun > SECOND + 2 * SLACK:
            yield f"{cid} is partly filled for {view.seconds(at):.1f} s and not called back"


@invariant("I6 protected or flagged", "record")
def i6_true(view: View, record: Record) -> Found:
    """What is said to protect does: a held leg only once its entry is completely filled."""
    for said in record.said:
        if not isinstance(said, Protected) or said.order not in view.book.by_client:
            continue
        one = view.book.orders[view.book.by_client[said.order]]
        if one.order_class == "bracket" and one.status != "filled":
            yield f"{said.order} is said to protect {said.symbol}, its entry is {one.status}"


@invariant("I6 protected or flagged", "record")
def i6_false_alarm(view: View, record: Record) -> Found:
    """What the venue's stops cover is not flagged: a flag leads to an exit."""
    for said in record.said:
        since = view.covered_since.get(said.symbol) if isinstance(said, Unprotected) else None
        if since is None or not view.ready_at:
            continue
        begun = max(view.disturbed_at, view.ready_at, view.started_at)
        if view.seconds(since) > 0.75 and view.seconds(begun) > SEEN_SECONDS:
            yield f"{said.symbol} is flagged, covered for {view.seconds(since):.1f} s"


@invariant("I6 protected or flagged", "time")
def i6_exit(view: View) -> Found:
    """Five seconds after the flag somebody closes it, unless faults keep him from it.

    A 429 that names its reset is such a fault: until then nothing is sent, for any symbol.
    """
    if view.config.trading.on_unprotected == "watch":
        return
    for symbol, one in view.exposures.items():
        flagged_at = view.flagged.get(symbol)
        if flagged_at is None or not _watched(view, symbol) or not view.market_open(symbol):
            continue
        if view.lags(symbol):
            continue  # the price has split, the shares have not: selling them would be the loss
        tried = max(view.absent_at[cid][-1] for cid in view.absent_at) if view.absent_at else 0
        since = max(flagged_at, one.since, view.opened(symbol), view.split_at(symbol))
        quiet = view.seconds(
            max(since, view.disturbed_at, view.ready_at, tried, view.closed_until())
        )
        if (
            quiet > 12
            and not _exit_left(view, symbol, one.since)
            and not _exit_unknown(view, symbol)
        ):
            yield f"{symbol}: flagged {view.seconds(flagged_at):.1f} s ago, no exit"


@invariant("I6 protected or flagged", "time")
def i6_meanwhile(view: View) -> Found:
    """While nobody knows what became of an exit, the position is protected again, or that is tried.

    Of one that met a 429 it is known: it leaves again at the reset, and nothing is sent before.
    """
    for symbol, one in view.exposures.items():
        begun = max(one.since, view.disturbed_at, view.ready_at, view.closed_until())
        quiet = view.seconds(begun)
        if view.turned_by_venue or not _watched(view, symbol):
            continue
        tried = _exit_left(view, symbol, view.now - 12 * SECOND)
        tried = tried or len(_unheard(view, symbol, "stop", "oco")) >= 3  # so many, and no more
        tried = tried or _exit_works(view, symbol)
        if quiet > 12 and _exit_unknown(view, symbol) and not tried:
            yield f"{symbol}: {view.position(symbol)} bare for {quiet:.1f} s beside an unknown exit"


def _exit_works(view: View, symbol: str) -> bool:
    """A close that the broker has told of fills bit by bit: no stop may rest beside it."""
    found = [view.intents.get(one.client_order_id) for one in view.live(symbol)]
    exits = [one.order for one in found if one is not None and one.order.leg in ("exit", "flat")]
    return any(one.type == "market" and one.client_order_id in view.reported for one in exits)


def _unheard(view: View, symbol: str, *legs: str) -> list[str]:
    """Such orders that the broker has told nothing of."""
    return [
        cid
        for cid, one in view.intents.items()
        if one.order.symbol == symbol
        and one.order.leg in legs
        and cid not in view.reported
        and cid not in view.refused
    ]


def _exit_unknown(view: View, symbol: str) -> bool:
    """An exit whose outcome nobody knows: it is looked up for a minute before the next one."""
    unheard = _unheard(view, symbol, "exit", "flat", "target")
    return any(not given_up(view, cid) for cid in unheard)


def _exit_left(view: View, symbol: str, since: int) -> bool:
    return any(
        is_submission(one)
        and view.symbol(str(one.body.get("symbol"))) == symbol
        and one.left_at >= since
        and not view.intents[one.client_order_id].order.increases
        for one in view.sent
        if one.client_order_id in view.intents
    )


def _watched(view: View, symbol: str) -> bool:
    """Somebody lives who could look after it, and it is ours alone."""
    return view.alive and symbol not in view.foreign and view.position(symbol) != 0
