"""Executions that are looked at again: taken back (`trade_bust`), or given another price (`trade_correct`).

What was booked is booked anew as if it had always been so: cash, position, the order's filled quantity and
average, activities and history. The order's status stays what it was.
"""

from decimal import Decimal

import msgspec

from .market import Market
from .orders import ZERO, Account, Event, Fill, Happened, Position, new_id
from .refusals import PARAMETER, RULE, Refusal
from .sessions import MINUTE
from .shareholder import Shareholder

NOT_FOUND = 40410000
REVIEWED_AFTER = MINUTE
"""By seed an execution is looked at again so much later."""
WORSE = Decimal("0.01")
"""And gets a price that is worse by this share."""


class Reviewed(Shareholder):
    """A book whose executions can be changed after the event."""

    def __init__(self, market: Market, account: Account, seed: int, now: int) -> None:
        super().__init__(market, account, seed, now)
        self._reviews: list[tuple[int, str]] = []
        """Executions to be looked at, and when."""

    def bust(self, execution_id: str) -> None:
        """An execution has never been. Raises Refusal."""
        place = self._place(execution_id)
        fill = self.activities[place]
        order = self.orders[fill.order_id]
        self._change(place, msgspec.structs.replace(fill, busted=True))
        order.filled_qty -= fill.qty
        order.filled_value -= fill.qty * fill.price
        order.fee_usd -= fill.fee_usd
        order.fee_qty -= fill.fee_qty
        self.account.fees_value -= fill.fee_usd + fill.fee_qty * fill.price
        self._tell("trade_bust", fill, fill.price)

    def correct(self, execution_id: str, price: Decimal) -> None:
        """An execution was at another price. Raises Refusal."""
        if not (price.is_finite() and price > 0):
            raise Refusal(422, PARAMETER, "price must be > 0")
        place = self._place(execution_id)
        fill = self.activities[place]
        another = new_id(fill.id, "corrected", str(price))
        self._change(place, msgspec.structs.replace(fill, id=another, price=price))
        self.orders[fill.order_id].filled_value += fill.qty * (price - fill.price)
        self.account.fees_value += fill.fee_qty * (price - fill.price)
        self._tell("trade_correct", fill, price, another)

    def _place(self, execution_id: str) -> int:
        """Where an execution is, by its id or that of its activity. Raises Refusal."""
        wanted = execution_id.rpartition("::")[2]
        found = [n for n, one in enumerate(self.activities) if one.id == wanted and not one.busted]
        if not found:
            raise Refusal(404, NOT_FOUND, f"execution not found for {execution_id}")
        fill = self.activities[found[0]]
        if self.orders[fill.order_id].is_open:
            raise Refusal(422, RULE, "its order is still open")
        split = any(one.symbol == fill.symbol and one.at > fill.at for one in self.account.happened)
        if split:
            raise Refusal(422, RULE, "a corporate action has changed its shares since")
        return found[0]

    def _change(self, place: int, new: Fill) -> None:
        """An execution is another one: all of its symbol is booked anew."""
        self.account.cash -= self._booked(new.symbol)
        self.activities[place] = new
        self.account.cash += self._booked(new.symbol)
        self.changed.add(f"activity:{place}")

    def _booked(self, symbol: str) -> Decimal:
        """Book all executions of a symbol into an empty position; the cash that they moved."""
        position = self.positions[symbol] = Position(symbol=symbol)
        moves: list[Fill | Happened] = [one for one in self.activities if not one.busted]
        moves += self.account.happened
        cash = ZERO
        for move in sorted((one for one in moves if one.symbol == symbol), key=lambda one: one.at):
            if isinstance(move, Fill):
                cash += self._moved(
                    position, move.side, move.qty, move.price, move.fee_usd, move.fee_qty
                )
            else:
                position.qty += move.qty
        return cash

    def _tell(self, event: str, fill: Fill, price: Decimal, another: str = "") -> None:
        order = self.orders[fill.order_id]
        self._touch(order)
        self.changed |= {"account", f"position:{fill.symbol}"}
        held = self.position(fill.symbol).qty
        ids = (another or fill.id, fill.id if another else "")
        self.events.append(Event(event, order.id, self.now, price, fill.qty, held, *ids))
        self.account.events += 1

    # by seed

    def _executed(self, fill: Fill) -> None:
        """Some executions will be looked at again."""
        if self.modes.busts or self.modes.corrections:
            self._reviews.append((self.now + REVIEWED_AFTER, fill.id))

    def _review(self) -> None:
        """Look at those whose time has come; what cannot be changed any more stays."""
        while self._reviews and self._reviews[0][0] <= self.now:
            _, execution = self._reviews.pop(0)
            fill = next((one for one in self.activities if one.id == execution), None)
            if fill is None:
                continue
            try:
                if self._luck_of(f"busts|{execution}", self.modes.busts):
                    self.bust(execution)
                elif self._luck_of(f"corrections|{execution}", self.modes.corrections):
                    self.correct(execution, self._worse(fill))
            except Refusal:
                continue

    def _worse(self, fill: Fill) -> Decimal:
        tick = self._asset(fill.symbol).tick(fill.price)
        price = fill.price * (1 + (WORSE if fill.side == "buy" else -WORSE))
        return max((price / tick).to_integral_value() * tick, tick)
