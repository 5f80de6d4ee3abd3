"""When something is due that no word announces."""

from collections.abc import Iterator

from ..config import Config, is_coin
from ..units import DAY, MINUTE, SECOND, Symbol, UtcNanos
from .state import OrderState, Own, Position, entry_order, is_in_the_air, is_open, orders

PARTIAL_WAIT = SECOND
ANSWER_WAIT = 3 * SECOND
READ_AGAIN = SECOND // 2
"""A position that a fill says must be there is looked for so often."""
READ_SOON = 10 * SECOND
READ_PATIENTLY = 5 * SECOND
"""And so often, where it is not there so long after the fill: the whole truth needs the calls, too."""
CANCEL_WAIT = 2 * SECOND
CANCEL_LIMIT = 30 * SECOND
"""A cancel without an end for so long freezes the symbol."""
CANCEL_STUCK_WAIT = 5 * SECOND
"""It is asked for on and on, others need calls too; but what it keeps from being protected waits for it."""
RECONCILE_WAIT = 5 * SECOND
FROZEN_WAIT = 15 * SECOND
"""Until a frozen symbol has the broker's truth read again."""
MOST_MISMATCHES = 4
RECONCILE_MOST = MINUTE
"""A difference that lasts is asked about with growing patience: others need the calls, too."""
STOP_WAIT = 3 * SECOND
LOOKUP_WAITS = (0, SECOND // 2, SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 10 * SECOND)
DARK_AFTER = 3
"""A close that so many lookups have not settled leaves its position to protection meanwhile."""
MOST_DARK = 3
"""So many stops of unknown outcome beside a close, and no more."""
ABSENT_AFTER = 60 * SECOND
"""Three lookups over so long, one of them of a complete list, prove that an order is absent."""
ABSENT_TIMES = 3
APPEARS_WITHIN = 10 * SECOND
"""A list that lacks an order of which the broker has told proves nothing so soon after it was sent."""
BELIEVED_AFTER = 2 * SECOND
"""Two readings, so far apart, are believed that less of a position is left."""
FLAT_BEFORE = 3 * MINUTE
"""With `flat_at_close` stocks are closed from so long before the session's end."""
RECALL_BEFORE = MINUTE
"""An entry is called back so long before the session's end: after it a cancel may wait for the open."""
EXPIRY_LEAD = 5 * DAY
"""Protection that lapses within this time is placed again."""
FLAG_AFTER = SECOND
EXIT_AFTER = 6 * SECOND
"""A second until it is flagged, five more until the position is closed."""


def lookup_due(one: Own) -> UtcNanos | None:
    """When an order is to be looked up next, None when there is no need."""
    if is_in_the_air(one) and one.part.status != "sent":
        if not one.asked_at:
            return one.sent_at
        due = one.asked_at + LOOKUP_WAITS[min(one.asked, len(LOOKUP_WAITS) - 1)]
        proof = max(one.absent_since + ABSENT_AFTER, one.asked_at + READ_AGAIN)
        return min(due, proof) if one.absent_since else due
    if one.part.status == "sent":
        return max(one.sent_at + 10 * SECOND, one.asked_at + 10 * SECOND)
    patient = one.asked_at + max(SECOND, LOOKUP_WAITS[min(one.asked, len(LOOKUP_WAITS) - 1)])
    if one.cancel_at and is_open(one):
        return max(one.cancel_at + SECOND, patient)
    unknown_legs = (
        one.leg in ("entry", "oco")
        and one.order_class != "simple"
        and not one.legs
        and one.part.status in ("filled", "partially_filled")
        and one.asked < len(LOOKUP_WAITS)
    )
    if unknown_legs:
        return one.asked_at + LOOKUP_WAITS[one.asked]
    if is_open(one) and any(leg.filled_qty > 0 for _, leg in one.legs):
        return patient
    return None


def cancel_due(one: Own, now: UtcNanos) -> UtcNanos:
    """When its cancel is to be asked for next."""
    if not one.cancel_at:
        return 0
    is_stuck = now - one.cancel_first >= CANCEL_LIMIT
    return one.cancel_at + (CANCEL_STUCK_WAIT if is_stuck else CANCEL_WAIT)


def read_due(state: OrderState) -> UtcNanos:
    """When a position that is not where our fills say it is is looked for next."""
    asked_at = state.read.asked_at
    soon = asked_at - state.filled_at < READ_SOON
    return asked_at + (READ_AGAIN if soon else READ_PATIENTLY)


def reconcile_due(state: OrderState) -> UtcNanos:
    """When the broker's truth is to be asked for next."""
    return state.asked_reconcile + _patience(state) if state.asked_reconcile else 0


def _patience(state: OrderState) -> int:
    least = FROZEN_WAIT if state.frozen else RECONCILE_WAIT
    return min(least << state.mismatches, RECONCILE_MOST)


def mismatches(state: OrderState, now: UtcNanos) -> int:
    """How many questions for the truth have come in a row, counting one of now."""
    follows = state.asked_reconcile and now - state.asked_reconcile <= 2 * _patience(state)
    return min(state.mismatches + 1, MOST_MISMATCHES) if follows else 0


def stuck(state: OrderState) -> Own | None:
    """An order whose cancel nobody confirms."""
    for one in orders(state):
        if one.cancel_first and is_open(one) and state.now - one.cancel_first >= CANCEL_LIMIT:
            return one
    return None


def stays_away(one: Own) -> bool:
    """An exit or stop of unknown outcome that is not found: it may have arrived, or may never."""
    return one.leg != "entry" and one.part.status == "lost" and one.asked >= DARK_AFTER


def deadlines(config: Config, symbol: Symbol, state: OrderState) -> Iterator[UtcNanos]:
    """Every time at which something will be due that no word announces."""
    for one in orders(state):
        due = lookup_due(one)
        if due is not None:
            yield due
        if stays_away(one):
            yield one.asked_at + READ_AGAIN
        if one.cancel_at and is_open(one):
            yield cancel_due(one, state.now)
            yield one.cancel_first + CANCEL_LIMIT
        if one.expires_at and is_open(one):
            yield one.expires_at - EXPIRY_LEAD
    if state.frozen or state.doubt or (state.exit is not None and state.asked_reconcile):
        yield reconcile_due(state)
    if state.missing:
        yield max(state.missing_since + BELIEVED_AFTER, reconcile_due(state))
    if state.read.asked is not None and not state.read.fresh:
        yield state.read.asked_at + ANSWER_WAIT
    if state.exit is not None and state.exit.after > state.now:
        yield state.exit.after
    if state.below_stop_since and state.exit is None:
        yield state.below_stop_since + STOP_WAIT
    if state.hours is not None and state.hours.is_open and not is_coin(symbol):
        yield from (state.hours.session_close - lead for lead in (FLAT_BEFORE, RECALL_BEFORE))
    position = state.position
    if position is not None:
        yield from _exposure(config, state, position)


def _exposure(config: Config, state: OrderState, position: Position) -> Iterator[UtcNanos]:
    if position.protect_after > state.now:
        yield position.protect_after
    if not position.exposed_since:
        return
    if state.read.fresh:
        yield read_due(state)
    if entry_order(state) is not None:
        yield position.exposed_since + PARTIAL_WAIT
    if not position.flagged:
        yield position.exposed_since + FLAG_AFTER
    elif config.trading.on_unprotected == "exit" and state.exit is None:
        yield position.exposed_since + EXIT_AFTER
