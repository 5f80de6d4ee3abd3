"""How one symbol's orders look: entry, protection, exit. Ids are minted here, once (decisions §6)."""

from collections.abc import Iterator
from typing import Any

from ..config import is_coin
from ..messages import Message, WordId
from ..messages.order import (
    CancelOrder,
    Leg,
    PositionIntent,
    ReadPosition,
    Side,
    SubmitOrder,
)
from ..units import Price, Quantity, Symbol, floor_to, to_tick
from . import ids
from .facts import average
from .foreign import held_by_us
from .policy import STOP_LIMIT_GAP
from .state import LIVE, OPEN, Entry, Exit, OrderState, Own, Position
from .timing import ANSWER_WAIT, cancel_due

FOR_EVER = 2**62


class Commands:
    """Makes one symbol's commands from its state."""

    def __init__(self, symbol: Symbol, tag: str, state: OrderState) -> None:
        self.symbol = symbol
        self.tag = tag
        self.state = state
        self.coin = is_coin(symbol)

    def because(self, *words: WordId) -> tuple[WordId, ...]:
        """These words and the one heard."""
        return tuple(sorted({WordId(*one) for one in (*words, self.state.heard)}))

    def entry_id(self, entry: Entry) -> str:
        """Under which id this attempt at the entry goes."""
        return ids.order_id(self.tag, entry.key, "entry", entry.attempt)

    def entry(self, entry: Entry) -> SubmitOrder:
        """Stocks: a native bracket that stays until it is cancelled. Coins: at once or not at all."""
        legs: dict[str, Any] = {"order_class": "simple", "time_in_force": "ioc"}
        if not self.coin:
            legs = {
                "order_class": "bracket",
                "time_in_force": "gtc",
                "take_profit": entry.target,
                "stop_loss": entry.stop,
            }
        return SubmitOrder(
            client_order_id=self.entry_id(entry),
            symbol=self.symbol,
            leg="entry",
            side=entry.side,
            qty=entry.qty,
            type="market" if entry.limit_price is None else "limit",
            limit_price=entry.limit_price,
            position_intent="buy_to_open" if entry.side == "buy" else "sell_to_open",
            reference_price=entry.price,
            expires_at=entry.expires_at,
            increases=True,
            because=self.because(entry.word),
            **legs,
        )

    def protection(self, position: Position) -> SubmitOrder | None:
        """Stocks: an OCO, a simple stop once it was refused. Coins: a stop-limit one percent wide."""
        stop, target = position.stop, position.target
        held = abs(held_by_us(self.state))
        if stop is None:
            return None
        if self.coin:
            qty, limit = self.sellable(), self._tick(stop * STOP_LIMIT_GAP)
            if qty <= 0:
                return None
            shape: dict[str, Any] = {"type": "stop_limit", "stop_price": stop, "limit_price": limit}
            return self._closing(position, "stop", qty, stop, time_in_force="gtc", **shape)
        if target is not None and position.protect_tries == 0:
            shape = {"type": "limit", "limit_price": target, "order_class": "oco"}
            shape |= {"take_profit": target, "stop_loss": stop}
            return self._closing(position, "oco", held, target, time_in_force="gtc", **shape)
        shape = {"type": "stop", "stop_price": stop}
        return self._closing(position, "stop", held, stop, time_in_force="gtc", **shape)

    def exit(self, position: Position, leaving: Exit) -> SubmitOrder:
        """What the broker holds is closed; a coin's target by a limit."""
        leg: Leg = "flat" if leaving.reason == "operator" else "exit"
        if leaving.limit is not None:
            leg = "target"
        qty = self.sellable() if self.coin else abs(held_by_us(self.state))
        return self._closing(
            position,
            leg,
            qty,
            leaving.limit or average(position.paid, position.bought),
            leaving.word,
            type="market" if leaving.limit is None else "limit",
            limit_price=leaving.limit,
            time_in_force="ioc" if self.coin else "day",
        )

    def cover(self, position: Position) -> SubmitOrder:
        """What was closed too much is taken back."""
        return self._minted(
            position,
            "flat",
            position.side,
            abs(held_by_us(self.state)),
            average(position.received, position.closed),
            type="market",
            time_in_force="ioc" if self.coin else "day",
        )

    def _closing(
        self,
        position: Position,
        leg: Leg,
        qty: Quantity,
        reference: Price,
        *words: WordId,
        **shape: Any,
    ) -> SubmitOrder:
        side: Side = "sell" if position.side == "buy" else "buy"
        return self._minted(position, leg, side, qty, reference, *words, **shape)

    def _minted(
        self,
        position: Position,
        leg: Leg,
        side: Side,
        qty: Quantity,
        reference: Price,
        *words: WordId,
        **shape: Any,
    ) -> SubmitOrder:
        intent: PositionIntent = "sell_to_close" if side == "sell" else "buy_to_close"
        purpose = "protect" if leg in ("stop", "oco") else leg
        key = ids.later_key(position.id, purpose, position.number)
        if purpose == "protect" and self.state.entry is not None:
            words = (*words, self.state.entry.word)
        return SubmitOrder(
            client_order_id=ids.order_id(self.tag, key, leg, 1),
            symbol=self.symbol,
            leg=leg,
            side=side,
            qty=qty,
            position_intent=intent,
            reference_price=reference,
            expires_at=FOR_EVER,
            increases=False,
            because=self.because(*words),
            **shape,
        )

    def sellable(self) -> Quantity:
        """Coins that can be sold: what is available, in whole increments."""
        asset = self.state.asset
        available = min(abs(self.state.read.available), abs(held_by_us(self.state)))
        return available if asset is None else floor_to(available, asset.min_trade_increment)

    def _tick(self, price: Price) -> Price:
        asset = self.state.asset
        return price if asset is None else to_tick(price, asset.price_increment, up=False)

    def read(self) -> Iterator[Message]:
        """Ask what the broker holds; again when there was no answer."""
        asked = self.state.read.asked
        if asked is None or self.state.now - self.state.read.asked_at >= ANSWER_WAIT:
            yield ReadPosition(symbol=self.symbol, because=self.because())

    def cancel(self, *found: Own) -> Iterator[Message]:
        """Ask once; without an end ask again. A filled bracket ends by a leg.

        An entry that nobody has answered yet may still wait for its turn: it is called back by our id.
        """
        for one in found:
            if one.leg == "entry" and one.part.status == "sent" and not one.recalled:
                yield self._cancel(one, "")
            order_id = one.part.order_id
            if one.part.status not in OPEN:
                live = [leg for _, leg in one.legs if leg.status in LIVE]
                order_id = live[0].order_id if live else ""
            known = order_id and one.part.status not in ("sent", "lost")
            if known and self.state.now >= cancel_due(one, self.state.now):
                yield self._cancel(one, order_id)

    def _cancel(self, one: Own, order_id: str) -> CancelOrder:
        return CancelOrder(
            client_order_id=one.id,
            order_id=order_id,
            symbol=self.symbol,
            because=self.because(one.word),
        )
