"""What is to be asked of the broker now: a function of the state, so that nothing is asked twice.

Every command changes the state when it is said (the order is remembered as sent, the question as asked).
So the same state never asks for the same thing again, and a restart needs no special path.
"""

from collections.abc import Iterator

from ..config import Config, is_coin
from ..messages import Message, WordId
from ..messages.order import (
    CancelOrder,
    Leg,
    LookupOrder,
    OrderClass,
    OrderType,
    PositionIntent,
    ReadAccount,
    ReadPosition,
    Reconcile,
    Side,
    SubmitOrder,
    TimeInForce,
)
from ..units import Price, Quantity, Symbol, UtcNanos, floor_to, to_tick
from . import ids
from .facts import average, is_flat
from .foreign import held_by_us
from .policy import STOP_LIMIT_GAP
from .reconcile import believed
from .state import (
    LIVE,
    OPEN,
    Entry,
    Exit,
    OrderState,
    Own,
    Position,
    entry_order,
    is_covered,
    open_orders,
    orders,
)
from .timing import ANSWER_WAIT, CANCEL_WAIT, LOOKUP_WAITS, PARTIAL_WAIT, lookup_due, reconcile_due

PROTECT_TRIES = 3
FOR_EVER = 2**62


class Maker:
    """Makes one symbol's commands from its state."""

    def __init__(self, config: Config, symbol: Symbol, tag: str, state: OrderState) -> None:
        self.config = config
        self.symbol = symbol
        self.tag = tag
        self.state = state
        self.now = state.now

    def actions(self) -> list[Message]:
        """The commands of this step, in the order in which they are to be sent."""
        return [*self._lookups(), *self._truth(), *self._money()]

    def _because(self, *words: WordId) -> tuple[WordId, ...]:
        return tuple(sorted({WordId(*one) for one in (*words, self.state.heard)}))

    def _lookups(self) -> Iterator[Message]:
        """Orders of unknown outcome, cancels without an end, entries whose legs are not known."""
        for one in orders(self.state):
            due = lookup_due(one)
            if due is not None and self.now >= due:
                yield LookupOrder(
                    client_order_id=one.id, symbol=self.symbol, because=self._because(one.word)
                )

    def _truth(self) -> Iterator[Message]:
        """A frozen symbol asks for the broker's truth."""
        if self.state.frozen and self.now >= reconcile_due(self.state):
            yield Reconcile(
                symbols=(self.symbol,), reason=self.state.frozen, because=self._because()
            )
        elif believed(self.state) and self.now >= reconcile_due(self.state):
            yield Reconcile(
                symbols=(self.symbol,),
                reason="the position differs",
                because=self._because(),
            )

    def _money(self) -> Iterator[Message]:
        state = self.state
        position = state.position
        if position is None or is_flat(self.symbol, state, position):
            yield from self._flat()
        elif state.exit is not None:
            yield from self._closing(position, state.exit)
        else:
            yield from self._holding(position)

    def _flat(self) -> Iterator[Message]:
        """Flat: the entry is sent once, or called back; leftovers of a closed position are cancelled."""
        entry = self.state.entry
        working = entry_order(self.state)
        if entry is not None and not entry.settled and not self._sent(entry):
            yield self._entry(entry)
            return
        for one in open_orders(self.state):
            calls_back = one is working and (
                entry is None or entry.canceled or self._called_off() or self._session_over(one)
            )
            if calls_back or (working is None and self.state.position is not None):
                yield from self._cancel(one)

    def _called_off(self) -> bool:
        return self.state.operator == "flatten"

    def _session_over(self, one: Own) -> bool:
        """An unfilled limit entry is not left working overnight."""
        hours = self.state.hours
        return (
            not is_coin(self.symbol)
            and one.part.type == "limit"
            and hours is not None
            and not hours.is_open
        )

    def _sent(self, entry: Entry) -> bool:
        return any(
            one.leg == "entry" and one.position_id == entry.key for one in orders(self.state)
        )

    def _entry(self, entry: Entry) -> SubmitOrder:
        coin = is_coin(self.symbol)
        limited = entry.limit_price is not None
        return self._submit(
            ids.order_id(self.tag, entry.key, "entry", 1),
            "entry",
            entry.side,
            entry.qty,
            "limit" if limited else "market",
            "ioc" if coin else "gtc",
            "buy_to_open" if entry.side == "buy" else "sell_to_open",
            entry.price,
            entry.expires_at,
            (entry.word,),
            order_class="simple" if coin else "bracket",
            limit_price=entry.limit_price,
            take_profit=None if coin else entry.target,
            stop_loss=None if coin else entry.stop,
            increases=True,
        )

    def _holding(self, position: Position) -> Iterator[Message]:
        """Open: the rest of a partly filled entry is called back, then what is held is protected."""
        working = entry_order(self.state)
        if working is not None:
            partly = working.filled_at and self.now - position.exposed_since >= PARTIAL_WAIT
            if partly or (self.state.entry is not None and self.state.entry.canceled):
                yield from self._cancel(working)
            return
        if not position.exposed_since or is_covered(self.state):
            return
        if any(self._may_protect(one) for one in orders(self.state)):
            return
        stale = [one for one in open_orders(self.state) if one.leg in ("stop", "oco", "entry")]
        if stale:
            for one in stale:
                yield from self._cancel(one)
            return
        if self.now < position.protect_after or position.protect_tries >= PROTECT_TRIES:
            return
        if not self.state.read.fresh:
            yield from self._read()
        elif held_by_us(self.state) != 0:
            yield from self._protect(position)

    def _may_protect(self, one: Own) -> bool:
        """Protection that is on its way, or whose outcome or legs are still to be learned."""
        if one.leg in ("stop", "oco"):
            return one.part.status in ("sent", "lost", "unknown")
        filled_bracket = (
            one.leg == "entry"
            and one.order_class == "bracket"
            and one.part.status == "filled"
            and one.position_id == (self.state.position.id if self.state.position else "")
        )
        return filled_bracket and not one.legs and one.asked < len(LOOKUP_WAITS)

    def _protect(self, position: Position) -> Iterator[Message]:
        """Stocks: an OCO, a simple stop if it was refused. Coins: a stop-limit one percent wide."""
        if position.stop is None:
            return
        key = ids.later_key(position.id, "protect", position.number)
        words = () if self.state.entry is None else (self.state.entry.word,)
        closing: Side = "sell" if position.side == "buy" else "buy"
        intent: PositionIntent = "sell_to_close" if closing == "sell" else "buy_to_close"
        held = abs(held_by_us(self.state))
        if is_coin(self.symbol):
            qty = self._sellable()
            if qty <= 0:
                return
            yield self._submit(
                ids.order_id(self.tag, key, "stop", 1),
                "stop",
                closing,
                qty,
                "stop_limit",
                "gtc",
                intent,
                position.stop,
                FOR_EVER,
                words,
                stop_price=position.stop,
                limit_price=self._tick(position.stop * STOP_LIMIT_GAP),
            )
        elif position.target is not None and position.protect_tries == 0:
            yield self._submit(
                ids.order_id(self.tag, key, "oco", 1),
                "oco",
                closing,
                held,
                "limit",
                "gtc",
                intent,
                position.target,
                FOR_EVER,
                words,
                order_class="oco",
                limit_price=position.target,
                take_profit=position.target,
                stop_loss=position.stop,
            )
        else:
            yield self._submit(
                ids.order_id(self.tag, key, "stop", 1),
                "stop",
                closing,
                held,
                "stop",
                "gtc",
                intent,
                position.stop,
                FOR_EVER,
                words,
                stop_price=position.stop,
            )

    def _closing(self, position: Position, leaving: Exit) -> Iterator[Message]:
        """Cancel protection, wait until it is terminal, read the position, close what is there."""
        if not self._may_close():
            return
        out = open_orders(self.state)
        if any(one.leg in ("exit", "flat", "target") for one in out):
            return
        if out:
            for one in out:
                yield from self._cancel(one)
            return
        if self.now < leaving.after:
            return
        if not self.state.read.fresh:
            yield from self._read()
            return
        held = held_by_us(self.state)
        if held == 0 or (held > 0) != (position.side == "buy"):
            yield from self._gone()
            return
        yield self._exit(position, leaving, abs(held))

    def _may_close(self) -> bool:
        """Stock exits are sent in regular hours only; until then protection stays."""
        hours = self.state.hours
        return is_coin(self.symbol) or (hours is not None and hours.is_open)

    def _gone(self) -> Iterator[Message]:
        """The broker holds nothing: some fill is still unknown, the truth is read whole."""
        if self.now >= reconcile_due(self.state):
            yield Reconcile(
                symbols=(self.symbol,), reason="the position is gone", because=self._because()
            )

    def _exit(self, position: Position, leaving: Exit, held: Quantity) -> SubmitOrder:
        coin = is_coin(self.symbol)
        qty = self._sellable() if coin else held
        leg: Leg = (
            "target"
            if leaving.limit is not None
            else ("flat" if leaving.reason == "operator" else "exit")
        )
        if leaving.reason == "stop":
            leg = "exit"
        closing: Side = "sell" if position.side == "buy" else "buy"
        key = ids.later_key(position.id, leg, position.number)
        return self._submit(
            ids.order_id(self.tag, key, leg, 1),
            leg,
            closing,
            qty,
            "market" if leaving.limit is None else "limit",
            "ioc" if coin else "day",
            "sell_to_close" if closing == "sell" else "buy_to_close",
            leaving.limit or average(position.paid, position.bought),
            FOR_EVER,
            (leaving.word,),
            limit_price=leaving.limit,
        )

    def _sellable(self) -> Quantity:
        """Coins that can be sold: what is available, in whole increments."""
        asset = self.state.asset
        available = min(abs(self.state.read.available), abs(held_by_us(self.state)))
        return available if asset is None else floor_to(available, asset.min_trade_increment)

    def _tick(self, price: Price) -> Price:
        asset = self.state.asset
        return price if asset is None else to_tick(price, asset.price_increment, up=False)

    def _read(self) -> Iterator[Message]:
        if self.state.read.asked is None or self.now - self.state.read.asked_at >= ANSWER_WAIT:
            yield ReadPosition(symbol=self.symbol, because=self._because())

    def _cancel(self, one: Own) -> Iterator[Message]:
        """Ask once; after two seconds without an end ask again. A filled bracket ends by a leg."""
        order_id = one.part.order_id
        if one.part.status not in OPEN:
            live = [leg for _, leg in one.legs if leg.status in LIVE]
            if not live:
                return
            order_id = live[0].order_id
        if not order_id or one.part.status in ("sent", "lost"):
            return
        if one.cancel_at and self.now - one.cancel_at < CANCEL_WAIT:
            return
        yield CancelOrder(
            client_order_id=one.id,
            order_id=order_id,
            symbol=self.symbol,
            because=self._because(one.word),
        )

    def _submit(
        self,
        client_order_id: str,
        leg: Leg,
        side: Side,
        qty: Quantity,
        kind: OrderType,
        time_in_force: TimeInForce,
        intent: PositionIntent,
        reference: Price,
        expires_at: UtcNanos,
        words: tuple[WordId, ...],
        *,
        order_class: OrderClass = "simple",
        limit_price: Price | None = None,
        stop_price: Price | None = None,
        take_profit: Price | None = None,
        stop_loss: Price | None = None,
        increases: bool = False,
    ) -> SubmitOrder:
        return SubmitOrder(
            client_order_id=client_order_id,
            symbol=self.symbol,
            leg=leg,
            side=side,
            qty=qty,
            type=kind,
            time_in_force=time_in_force,
            order_class=order_class,
            limit_price=limit_price,
            stop_price=stop_price,
            take_profit=take_profit,
            stop_loss=stop_loss,
            position_intent=intent,
            reference_price=reference,
            expires_at=expires_at,
            increases=increases,
            because=self._because(*words),
        )


def read_account(state: OrderState) -> ReadAccount:
    """After a fill the account's figures are old."""
    return ReadAccount(because=(state.heard,))
