"""What is to be asked of the broker now: a function of the state, so that nothing is asked twice.

Every command changes the state when it is said (the order is remembered as sent, the question as asked).
So the same state never asks for the same thing again, and a restart needs no special path.
"""

from collections.abc import Iterator

from ..config import Config
from ..messages import Message
from ..messages.order import LookupOrder, ReadAccount, Reconcile
from ..units import Symbol
from .commands import Commands
from .facts import is_flat
from .foreign import held_by_us
from .policy import calls_off, is_outdated, may_close, recall_at
from .reconcile import believed
from .refusal import has_passed
from .split import is_under_way
from .state import (
    CLOSING,
    LIVE,
    Entry,
    Exit,
    OrderState,
    Own,
    Position,
    coverable,
    entry_order,
    is_covered,
    open_orders,
    orders,
    own,
    protected_qty,
    required_qty,
    stop_part,
)
from .timing import (
    ANSWER_WAIT,
    LOOKUP_WAITS,
    MOST_DARK,
    PARTIAL_WAIT,
    lookup_due,
    read_due,
    reconcile_due,
    stays_away,
)


class Maker:
    """Makes one symbol's commands from its state."""

    def __init__(self, config: Config, symbol: Symbol, tag: str, state: OrderState) -> None:
        self.config = config
        self.symbol = symbol
        self.state = state
        self.now = state.now
        self.make = Commands(symbol, tag, state)

    def actions(self) -> list[Message]:
        """The commands of this step, in the order in which they are to be sent."""
        return [*self._lookups(), *self._truth(), *self._money()]

    def _lookups(self) -> Iterator[Message]:
        """Orders of unknown outcome, cancels without an end, entries whose legs are not known."""
        for one in orders(self.state):
            due = lookup_due(one)
            if due is not None and self.now >= due:
                yield LookupOrder(
                    client_order_id=one.id,
                    symbol=self.symbol,
                    because=self.make.because(one.word),
                    order_id=one.part.order_id if one.part.status == "lost" else "",
                )

    def _truth(self) -> Iterator[Message]:
        """A frozen symbol, or one in doubt, asks for the broker's truth."""
        differs = "the position differs" if believed(self.state) else ""
        reason = self.state.frozen or self.state.doubt or differs
        if reason and self.now >= reconcile_due(self.state):
            yield self._reconcile(reason)

    def _reconcile(self, reason: str) -> Reconcile:
        return Reconcile(symbols=(self.symbol,), reason=reason, because=self.make.because())

    def _money(self) -> Iterator[Message]:
        state, position = self.state, self.state.position
        if position is None or is_flat(self.symbol, state, position):
            yield from self._flat()
        elif position.over:
            yield from self._covering(position)
        elif state.exit is not None and may_close(self.symbol, state):
            yield from self._closing(position, state.exit)
        else:
            yield from self._holding(position)

    def _flat(self) -> Iterator[Message]:
        """Flat: the entry is sent once, or called back; whatever else is left is cancelled."""
        entry = self.state.entry
        if entry is not None and not entry.settled and self._unsent(entry):
            yield self.make.entry(entry)
            return
        working = entry_order(self.state)
        for one in open_orders(self.state):
            if one is not working or not self._wanted(one):
                yield from self.make.cancel(one)

    def _unsent(self, entry: Entry) -> bool:
        return own(self.state, self.make.entry_id(entry)) is None

    def _wanted(self, one: Own) -> bool:
        """An approved entry may go on: not called off, not at the end of its session or of the process."""
        entry = self.state.entry
        if entry is None or entry.settled or entry.canceled or one.risen:
            return False
        if self.state.stopping and one.part.type == "limit":
            return False
        recall = recall_at(self.config, self.symbol, self.state)
        late = recall is not None and self.now >= recall
        return not late and not self.state.limited and not calls_off(self.config, self.state)

    def _holding(self, position: Position) -> Iterator[Message]:
        """Open: the rest of a partly filled entry is called back, then what is held is protected."""
        working = entry_order(self.state)
        if working is not None:
            partly = working.filled_at and self.now - position.exposed_since >= PARTIAL_WAIT
            if partly or not self._wanted(working):
                yield from self.make.cancel(working)
            return
        out = [one for one in open_orders(self.state) if not stays_away(one)]
        leaving = [one for one in out if one.leg in CLOSING]
        if is_under_way(self.state):
            yield from self.make.cancel(*out)
        elif leaving:
            yield from self.make.cancel(*leaving)
        elif is_covered(self.state):
            yield from self.make.cancel(*self._superfluous(position))
        elif not self._covers_what_is_held(position):
            yield from self._protect(position)

    def _covers_what_is_held(self, position: Position) -> bool:
        """The broker holds less than our fills came to, and a stop covers that: the truth is being asked."""
        state = self.state
        held = coverable(state, abs(held_by_us(state)))
        read = state.read.asked is None and state.read.asked_at > state.filled_at
        told = state.missing > 0 and state.missing_since > state.filled_at
        return (read or told) and self._holds(position) and 0 < held <= protected_qty(state)

    def _superfluous(self, position: Position) -> list[Own]:
        """Protection that has to move or lapses soon, and what protects a second time."""
        outdated = [
            one for one in open_orders(self.state) if is_outdated(self.symbol, self.state, one)
        ]
        if outdated:
            return outdated
        stops = [
            (one.risen, one.sent_at, one.id, one, part.qty - part.filled_qty)
            for one in orders(self.state)
            if (part := stop_part(one)) is not None and part.status in LIVE
        ]
        spare = sum(qty for *_, qty in stops) - required_qty(self.state)
        newest = max(stops, key=lambda stop: (not stop[0], stop[1], stop[2]), default=None)
        return [one[3] for one in stops if one is not newest and one[4] <= spare]

    def _protect(self, position: Position) -> Iterator[Message]:
        """What still rests covers too little: it is cancelled, the position read, the whole covered."""
        if any(self._may_protect(one) for one in orders(self.state)):
            return
        resting = [one for one in open_orders(self.state) if not stays_away(one)]
        if resting:
            yield from self.make.cancel(*resting)
        elif self.now < position.protect_after:
            return
        elif not self.state.read.fresh or self._may_come(position):
            yield from self.make.read()
        elif self._holds(position):
            command = self.make.protection(position)
            if command is not None:
                yield command

    def _may_come(self, position: Position) -> bool:
        """A fill may be seen before the position that it made."""
        return not self._holds(position) and self.now >= read_due(self.state)

    def _is_gone(self, position: Position) -> bool:
        """The broker has just said that it holds nothing of it: a close has filled, unheard."""
        new = self.now < self.state.read.asked_at + ANSWER_WAIT
        return self.state.read.fresh and not self._holds(position) and new

    def _holds(self, position: Position) -> bool:
        """The broker holds something on the position's side."""
        held = held_by_us(self.state)
        return held != 0 and (held > 0) == (position.side == "buy")

    def _may_protect(self, one: Own) -> bool:
        """Protection that is on its way, or whose outcome or legs are still to be learned."""
        if one.leg in ("stop", "oco"):
            again = stays_away(one) and self._may_try_again()
            return one.part.status in ("sent", "lost", "unknown") and not again
        filled_bracket = (
            one.leg == "entry"
            and one.order_class == "bracket"
            and one.part.status == "filled"
            and one.position_id == (self.state.position.id if self.state.position else "")
        )
        return filled_bracket and not one.legs and one.asked < len(LOOKUP_WAITS)

    def _may_try_again(self) -> bool:
        """Beside a close of unknown outcome, a stop of unknown outcome is not the last one."""
        dark = [one for one in orders(self.state) if one.leg in ("stop", "oco") and stays_away(one)]
        return self.state.exit is not None and len(dark) < MOST_DARK

    def _closing(self, position: Position, leaving: Exit) -> Iterator[Message]:
        """Cancel protection, wait until it is terminal, read the position, close what is there.

        A stop of unknown outcome delays nothing: the exit carries its closing intent, so it fills or
        is refused with the id of the order that holds the quantity. Nor does an exit of unknown outcome
        delay protection, for the same reason.
        """
        out = [one for one in open_orders(self.state) if not _in_the_dark(one)]
        closing = [one for one in out if one.leg in CLOSING]
        if any(stays_away(one) for one in closing):
            if not is_covered(self.state) and not self._is_gone(position):
                yield from self._meanwhile(position, leaving, closing)
        elif closing:
            yield from self.make.cancel(*(one for one in closing if one.risen))
        elif out:
            yield from self.make.cancel(*out)
        elif self.now < leaving.after:
            return
        elif not self.state.read.fresh:
            yield from self.make.read()
        elif self._holds(position):
            yield self.make.exit(position, leaving)
        elif self.now >= reconcile_due(self.state):
            yield self._reconcile("the position is gone")

    def _meanwhile(
        self, position: Position, leaving: Exit, closing: list[Own]
    ) -> Iterator[Message]:
        """Beside a close of unknown outcome: a stop, or another close where the market has passed it.

        Both carry a closing intent, so they act or are refused with the id of the order that does.
        """
        if not all(stays_away(one) for one in closing):
            return  # another close is under way
        since = max(one.sent_at for one in closing)
        if not has_passed(self.state, since) or len(closing) >= MOST_DARK:
            yield from self._protect(position)
        elif self.now < leaving.after:
            return
        elif not self.state.read.fresh:
            yield from self.make.read()
        elif self._holds(position) and (not self.make.coin or self.make.sellable() > 0):
            yield self.make.exit(position, leaving)

    def _covering(self, position: Position) -> Iterator[Message]:
        """Both legs of a pair filled, or a late close: what is held the other way round is closed.

        The rest of a close that still works would only make it more: it is called back first. One of
        unknown outcome delays nothing: it carries its closing intent, and there is nothing left to close.
        """
        if not may_close(self.symbol, self.state):
            return
        still = open_orders(self.state)
        if any(one.leg in CLOSING and one.part.side == position.side for one in still):
            return
        out = [one for one in still if not stays_away(one)]
        if out:
            yield from self.make.cancel(*out)
        elif self.now < position.protect_after:
            return
        elif not self.state.read.fresh:
            yield from self.make.read()
        elif held_by_us(self.state) != 0 and not self._holds(position):
            yield self.make.cover(position)
        elif self.now >= reconcile_due(self.state):
            yield self._reconcile("what was closed too much is not held")


def _in_the_dark(one: Own) -> bool:
    """Protection of unknown outcome."""
    return one.leg in ("stop", "oco") and one.part.status == "lost"


def read_account(state: OrderState) -> ReadAccount:
    """After a fill or an error the account's figures are old."""
    return ReadAccount(because=(state.heard,))
