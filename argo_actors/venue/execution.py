"""What an execution does to an account's books, and what is told of it."""

import hashlib
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from .ledger import Ledger
from .market import Asset, Market
from .modes import Modes
from .orders import CENT, NINE, ZERO, Account, Event, Fill, Order, Position, new_id

TAKER, MAKER = Decimal("0.0025"), Decimal("0.0015")
"""Crypto fees of tier 1, taken from what is received."""
MOST_PARTS = 3


class Executions(Ledger):
    """A ledger that executions are booked into; luck is a keyed hash."""

    def __init__(self, market: Market, account: Account, seed: int, now: int) -> None:
        super().__init__(market, account, now)
        self.seed = seed
        self.modes = Modes()
        self.activities: list[Fill] = []
        self.events: list[Event] = []
        """Not yet taken by the stream."""
        self.changed: set[str] = set()

    def asset(self, symbol: str) -> Asset:
        """The asset as the modes leave it."""
        asset, modes = self._asset(symbol), self.modes
        if symbol in modes.halted:
            asset = msgspec.structs.replace(asset, tradable=False)
        if symbol in modes.not_shortable:
            asset = msgspec.structs.replace(asset, shortable=False, borrow_status="not_shortable")
        if symbol in modes.hard_to_borrow:
            asset = msgspec.structs.replace(asset, borrow_status="hard_to_borrow")
        return asset

    def _execute(self, order: Order, qty: Decimal, price: Decimal) -> None:
        """Book one execution of an order."""
        order.fills += 1
        order.filled_qty += qty
        order.filled_value += qty * price
        fee_usd, fee_qty = self._fees(order, self._asset(order.symbol))
        self._book(order.symbol, order.side, qty, price, fee_usd, fee_qty)
        self.account.fills += 1
        order.filled_at = self.now
        if order.left == 0 and order.is_open:
            order.status = "filled"
        elif order.status not in ("pending_cancel", "pending_replace") and order.is_open:
            order.status = "partially_filled"
        self._execution(order, price, qty, fee_usd, fee_qty)

    def _execution(
        self, order: Order, price: Decimal, qty: Decimal, fee_usd: Decimal, fee_qty: Decimal
    ) -> None:
        execution = new_id(order.id, f"fill {order.fills}")
        fill = Fill(
            execution,
            order.id,
            order.symbol,
            order.side,
            qty,
            price,
            order.filled_qty,
            order.left,
            self.now,
            fee_usd,
            fee_qty,
        )
        self.activities.append(fill)
        self.changed.add(f"activity:{len(self.activities) - 1}")
        self._touch(order)
        event = "fill" if order.left == 0 else "partial_fill"
        held = self.position(order.symbol).qty
        self.events.append(Event(event, order.id, self.now, price, qty, held, execution))
        self.account.events += 1
        self._executed(fill)

    def _executed(self, fill: Fill) -> None:
        """An execution has been booked and told."""

    def _lot(self, order: Order) -> Decimal:
        """All that is left, or by the keyed hash a part of it (Alpaca's paper engine: one in ten)."""
        share = self.modes.partial_fills
        if order.fills >= MOST_PARTS or not self._luck_of(
            f"{order.client_order_id}|{order.fills}", share
        ):
            return order.left
        step = self._asset(order.symbol).min_trade_increment or Decimal(1)
        part = (order.left / 2 / step).to_integral_value("ROUND_DOWN") * step
        return part if ZERO < part < order.left else order.left

    def _luck(self, mode: str, order: Order) -> bool:
        """Whether a mode strikes an order: always the same for the same seed and order."""
        share = getattr(self.modes, mode)
        return bool(share) and self._luck_of(f"{mode}|{order.client_order_id}", share)

    def _luck_of(self, key: str, share: float) -> bool:
        return self._throw(key, 2**32) < share * 2**32

    def _throw(self, key: str, sides: int) -> int:
        """A number below `sides`, always the same for the same seed and key."""
        digest = hashlib.blake2b(f"{self.seed}|{key}".encode(), digest_size=4).digest()
        return int.from_bytes(digest) % sides

    def _fees(self, order: Order, asset: Asset) -> tuple[Decimal, Decimal]:
        """This execution's share of the order's fee: the fee of all so far less what was taken."""
        if not asset.is_crypto:
            return ZERO, ZERO
        rate = MAKER if order.rested and order.type == "limit" else TAKER
        if order.side == "buy":
            whole = (order.filled_qty * rate).quantize(NINE, ROUND_HALF_UP)
            fee, order.fee_qty = whole - order.fee_qty, whole
            return ZERO, fee
        whole = (order.filled_value * rate).quantize(CENT, ROUND_HALF_UP)
        fee, order.fee_usd = whole - order.fee_usd, whole
        return fee, ZERO

    def _book(
        self,
        symbol: str,
        side: str,
        qty: Decimal,
        price: Decimal,
        fee_usd: Decimal,
        fee_qty: Decimal,
    ) -> None:
        position = self.positions.setdefault(symbol, Position(symbol=symbol))
        self.account.cash += self._moved(position, side, qty, price, fee_usd, fee_qty)
        self.account.fees_value += fee_usd + fee_qty * price
        self.changed |= {"account", f"position:{symbol}"}

    @staticmethod
    def _moved(
        position: Position,
        side: str,
        qty: Decimal,
        price: Decimal,
        fee_usd: Decimal,
        fee_qty: Decimal,
    ) -> Decimal:
        """Average cost; the fee in coin leaves the dollars paid with the coins kept. The cash that comes."""
        sign = 1 if side == "buy" else -1
        flow = -sign * qty * price - fee_usd
        moved = sign * qty - fee_qty
        if position.qty * moved >= 0:
            position.cost -= flow
        else:
            cost = position.cost * min(abs(moved / position.qty), Decimal(1))
            if abs(moved) == abs(position.qty):
                cost = position.cost
            position.realised += flow - cost
            position.cost -= cost
        position.qty += moved
        if position.qty == 0:
            position.cost = ZERO
        return flow

    def transfer(self, dollars: Decimal) -> None:
        """Money comes to the account, or leaves it."""
        self.account.cash += dollars
        self.account.transfers.append((self.now, dollars))
        self.changed.add("account")

    def _say(self, event: str, order: Order) -> None:
        self.events.append(Event(event, order.id, self.now))
        self.account.events += 1
        self.changed.add("account")

    def _touch(self, order: Order) -> None:
        order.updated_at = self.now
        self.changed.add(f"order:{order.id}")

    def take_events(self) -> Iterator[Event]:
        """The events since the last call."""
        found, self.events = self.events, []
        yield from found
