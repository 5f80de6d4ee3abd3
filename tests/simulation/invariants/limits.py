"""How much and how often is entered (I4, I14, I15), and when no more (I21)."""

from decimal import Decimal

from argo_actors.config import amount
from argo_actors.units import DAY, MINUTE, SECOND, ZERO

from ..view import View
from ..wire import Sent
from .questions import SEEN_SECONDS, entry_of, given_up, known_by, without_attempt
from .registry import Found, invariant

DETECT_SLACK_PCT = Decimal("1.10")


@invariant("I4 caps in the worst case", "left")
def i4_foreign(view: View, sent: Sent) -> Found:
    """Nothing is entered beside what the journal says somebody else holds or has ordered."""
    order = entry_of(view, sent)
    since = None if order is None else view.foreign_told.get(order.symbol)
    if since is not None and known_by(view, sent, since):
        yield f"{sent.client_order_id} left {view.seconds(since):.1f} s after foreign items were told"


@invariant("I4 caps in the worst case", "left")
def i4_symbol(view: View, sent: Sent) -> Found:
    """Position, pending and unknown of a symbol stay within its share."""
    order = entry_of(view, sent)
    if order is None:
        return
    config = view.config
    most = amount(
        config.prop_firm.risk_limits.max_position_size_pct
        if config.prop_firm.enabled
        else config.trading.max_position_size_pct
    )
    value = ZERO if order.symbol in view.foreign else _at_work(view, order.symbol, sent)
    if value * 100 > most * view.book.equity() * DETECT_SLACK_PCT:
        yield f"{order.symbol}: {value:.0f} at work, {most} % of {view.book.equity():.0f} allowed"


@invariant("I4 caps in the worst case", "left")
def i4_gross(view: View, sent: Sent) -> Found:
    """And all of them within the gross exposure."""
    if entry_of(view, sent) is None:
        return
    most = amount(view.config.risk.max_gross_exposure_pct)
    gross = sum((_at_work(view, one, sent) for one in view.config.symbols), ZERO)
    if gross * 100 > most * view.book.equity() * DETECT_SLACK_PCT:
        yield f"{gross:.0f} at work, {most} % of {view.book.equity():.0f} allowed"


@invariant("I4 caps in the worst case", "left")
def i4_slots(view: View, sent: Sent) -> Found:
    """No more positions than slots."""
    order = entry_of(view, sent)
    if order is None:
        return
    config = view.config
    most = (
        config.prop_firm.risk_limits.max_positions
        if config.prop_firm.enabled
        else config.risk.max_positions
    )
    taken = {one for one in config.symbols if _at_work(view, one, sent) > 20 or one == order.symbol}
    taken -= view.foreign
    if len(taken) > most:
        yield f"{sorted(taken)} are taken, {most} allowed"


def _at_work(view: View, symbol: str, sent: Sent) -> Decimal:
    """Dollars of a symbol if everything that may still fill does."""
    mark = view.mark(symbol)
    total = abs(view.position(symbol)) * mark
    named = set()
    for one in view.live(symbol):
        intent = view.intents.get(one.client_order_id)
        if intent is not None and intent.order.increases:
            total += one.left * mark
            named.add(one.client_order_id)
    for cid, unknown in view.unknown.items():
        order = view.intents[cid].order
        pending = not unknown.found and cid not in view.book.by_client
        if unknown.symbol == symbol and order.increases and pending and not given_up(view, cid):
            total += order.qty * mark
            named.add(cid)
    for other in view.entries_left:
        order = view.intents[other.client_order_id].order
        if (
            order.symbol == symbol
            and order.client_order_id not in named
            and _in_the_air(view, other)
        ):
            total += order.qty * mark
            named.add(order.client_order_id)
    return total


def _in_the_air(view: View, sent: Sent) -> bool:
    """It has left, and nobody knows of an answer yet."""
    cid = sent.client_order_id
    decided = cid in view.book.by_client or cid in view.reported or cid in view.refused
    return not decided and not given_up(view, cid)


@invariant("I14 rate", "left")
def i14_entries(view: View, sent: Sent) -> Found:
    """Entries a second (of one process), a minute and a day (of all).

    Of an entry of an earlier process is known when it was decided, not when it left after that.
    """
    if entry_of(view, sent) is None:
        return
    risk = view.config.risk
    last = {without_attempt(one): one for one in view.entries_left}.values()
    decided = [view.intents[one.client_order_id].at for one in last]
    times = [
        (one.left_at if one.run == sent.run else at, one.run)
        for one, at in zip(last, decided, strict=True)
    ]
    second = sum(1 for at, run in times if sent.left_at - at < SECOND and run == sent.run)
    minute = sum(1 for at, _ in times if sent.left_at - at < MINUTE)
    day = sum(1 for at, _ in times if sent.left_at - at < DAY)
    if second > risk.orders_per_second or minute > risk.orders_per_minute:
        yield f"{second} entries in a second, {minute} in a minute"
    if day > risk.orders_per_day:
        yield f"{day} entries in a day"


@invariant("I14 rate", "left")
def i14_calls(view: View, sent: Sent) -> Found:
    """A process stays within the broker's budget of 200 calls a minute."""
    count = 0
    for one in reversed(view.sent):
        if sent.left_at - one.left_at >= MINUTE or one.run != sent.run:
            break
        count += 1
    if count > 200:
        yield f"{count} calls in a minute"


@invariant("I15 repetition", "left")
def i15_day(view: View, sent: Sent) -> Found:
    """Entries that filled, of a symbol and day."""
    order = entry_of(view, sent)
    if order is None:
        return
    filled = {
        one.client_order_id
        for one in view.entries_left
        if view.intents[one.client_order_id].order.symbol == order.symbol
        and one.client_order_id != sent.client_order_id
        and view.filled(one.client_order_id)
    }
    most = view.config.risk.entries_per_symbol_and_day
    if len(filled) >= most:
        yield f"{order.symbol}: entry {len(filled) + 1} of the day, {most} allowed"


@invariant("I15 repetition", "left")
def i15_losing(view: View, sent: Sent) -> Found:
    """Losing round trips in a row, from when the journal tells of the last one: it may be learned late."""
    most = view.config.risk.losing_trades_account
    order = entry_of(view, sent)
    if order is None or view.losing < most or not view.closed:
        return
    approved = view.approval_of(view.intents[sent.client_order_id])
    if approved is not None and approved[1] > view.closed_at + SECOND:
        yield f"{sent.client_order_id} left after {view.losing} losing trades in a row"


@invariant("I21 loss stop", "left")
def i21_loss(view: View, sent: Sent) -> Found:
    """Beyond the daily loss or the drawdown nothing is entered."""
    order = entry_of(view, sent)
    if order is None or not view.crossed_since:
        return
    # Marks come with each entry's quote; where quotes or fills were held up, with a cycle's at the latest.
    calm = view.seconds(view.disturbed_at) > SEEN_SECONDS
    late = 1.5 if calm else view.config.clock.cycle_seconds + 2.0 + 1.0
    if view.seconds(view.crossed_since) > late:
        yield f"{sent.client_order_id} left {view.seconds(view.crossed_since):.1f} s after a limit"


@invariant("I21 loss stop", "left")
def i21_tripped(view: View, sent: Sent) -> Found:
    """A limit that has tripped stays so, whatever becomes of equity, until a person says otherwise."""
    if (
        entry_of(view, sent) is not None
        and view.tripped_at
        and known_by(view, sent, view.tripped_at)
    ):
        yield f"{sent.client_order_id} left {view.seconds(view.tripped_at):.1f} s after a limit tripped"
