"""The matching engine: a pure library. Time comes in by `advance`, luck by a keyed hash, nothing else.

No order fills in the moment it is sent: fills happen when time passes. Each step looks at the path
of prices between its ends, so that no stop and no resting limit is jumped over.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import msgspec

from ..market import Market
from ..sessions import DAY, new_york_date, new_york_midnight
from .account import COIN_STEP, NO_FEES, Account, Execution, coin_fees, settled
from .ledger import Event, Ledger
from .orders import MATCHABLE, NEXT, ZERO, Order, Status, identity
from .power import free_equity
from .pricing import Prices, fill_price, is_triggered, lot
from .refusal import against_rules, malformed

FINE_STEP = 250_000_000
"""The longest step while an order works, ns."""
GTC_DAYS = 90
STAMPS: Mapping[Status, str] = {
    "filled": "filled_at",
    "canceled": "canceled_at",
    "expired": "expired_at",
    "rejected": "failed_at",
    "replaced": "replaced_at",
}
"""Where each final status leaves its time."""
ONE = Decimal(1)


class Book(Ledger):
    """A ledger that takes orders and lets time pass."""

    def __init__(self, market: Market, account: Account, seed: int, now: int) -> None:
        super().__init__(market, account, seed, now)
        self._edge = now
        """Until here the market stays open or closed: the next open, close or midnight."""
        self._is_open = False
        self._opened_at = 0
        self._last_stamp = 0
        self._last_rank = 0

    # orders

    def submit(self, order: Order, legs: tuple[Order, ...] = ()) -> Order:
        """Take in an order that has passed the rules; its legs (target before stop) sleep."""
        self._look_ahead()
        is_live = self.is_crypto(order.symbol) or self._is_open
        order = msgspec.structs.replace(
            order,
            status="pending_new" if is_live else "accepted",
            legs=tuple(leg.id for leg in legs),
        )
        # A stop is matched before its target and both before their entry: the worse one first.
        ranks = [self._next_rank() for _ in range(len(legs) + 1)]
        for one, rank in zip((order, *legs), reversed(ranks), strict=True):
            stamped = msgspec.structs.replace(
                one,
                rank=rank,
                submitted_at=self._next_stamp(),
                expires_at=self._expiry(order),
            )
            self.put(stamped)
        for one in reversed((order, *legs)):
            self.live[one.id] = self.live.pop(one.id)
        order = self.orders[order.id]
        self._say(order.status, order)
        return order

    def request_cancel(self, order: Order) -> None:
        """Begin to cancel an order and its group; the next step ends it. Raises Refusal."""
        if order.status == "pending_cancel":
            raise against_rules("order pending cancel")
        if not order.is_live or order.status == "pending_replace":
            raise against_rules(f'order is already in "{order.status}" state')
        for one in self.group(order):
            if "pending_cancel" in NEXT[one.status]:
                changed = self._become(one, "pending_cancel")
                if one.id == order.id:
                    self._say("pending_cancel", changed)

    def cancel_now(self, order: Order) -> None:
        """End an order and its group without waiting for a step."""
        self._end_group(order, "canceled")

    def replace(self, order: Order, new: Order) -> Order:
        """Put a new order in the place of a live one, whose end comes with the next step."""
        status: Status = "held" if order.status == "held" else "pending_new"
        new = msgspec.structs.replace(
            new,
            status=status,
            replaces=order.id,
            rank=self._next_rank(),
            submitted_at=self._next_stamp(),
            expires_at=self._expiry(new),
        )
        self._become(order, "pending_replace", replaced_by=new.id)
        self._say("pending_replace", self.orders[order.id])
        self.put(new)
        for leg in new.legs:
            self.put(msgspec.structs.replace(self.orders[leg], root=new.id))
        if new.root:
            root = self.orders[new.root]
            legs = tuple(new.id if one == order.id else one for one in root.legs)
            self.put(msgspec.structs.replace(root, legs=legs))
        return self.orders[new.id]

    def require_replaceable(self, order: Order) -> None:
        """Raises Refusal when an order cannot be replaced now."""
        if order.status in ("accepted", "pending_new"):
            raise malformed("unable to replace order, order isn't sent to exchange yet")
        if "pending_replace" not in NEXT[order.status]:
            raise against_rules("unable to replace order, order is not open")

    # time

    @property
    def works(self) -> bool:
        """Some order may change before the market next opens or closes."""
        self._look_ahead()
        if self._is_open:
            return bool(self.live)
        return any(
            self.is_crypto(one.symbol) or one.status in ("pending_cancel", "pending_replace")
            for one in self.live_orders()
        )

    def advance(self, to: int) -> None:
        """Let time pass; every live order meets the path of prices on the way."""
        while self.now < to:
            self._look_ahead()
            end = min(to, self._edge)
            if self.works:
                end = min(end, (self.now // FINE_STEP + 1) * FINE_STEP)
            self._step(end)

    def _step(self, end: int) -> None:
        begun, self.now = self.now, end
        seen: dict[str, Prices | None] = {}
        for order_id in tuple(self.live):
            if order_id in self.live:
                self._visit(self.orders[order_id], begun, seen)
        if self._is_open and end == self._edge:
            self.close_day()
        if self.account.closing_equity and end == self._midnight:
            self.set_account(last_equity=self.account.closing_equity)

    def _look_ahead(self) -> None:
        """Find the next time at which the market opens or closes or the day ends."""
        if self.now < self._edge:
            return
        sessions = self.market.sessions
        self._is_open = sessions.is_open(self.now)
        if self._is_open:
            self._opened_at = sessions.session(self.now)[0]
        tomorrow = new_york_date(self.now) + timedelta(days=1)
        self._midnight = new_york_midnight(tomorrow)
        edges = (sessions.next_open(self.now), sessions.next_close(self.now), self._midnight)
        self._edge = min(edges)

    def _visit(self, order: Order, begun: int, seen: dict[str, Prices | None]) -> None:
        """One order in one step."""
        if order.status == "pending_cancel":
            self._finish(order, "canceled")
        elif order.status == "pending_replace":
            self._finish(order, "replaced")
        else:
            if self._is_open or self.is_crypto(order.symbol):
                self._match(order, begun, seen)
            order = self.orders[order.id]
            if order.is_live and self.now >= order.expires_at:
                self._end_group(order, "expired")

    def _match(self, order: Order, begun: int, seen: dict[str, Prices | None]) -> None:
        if order.status in ("accepted", "pending_new"):
            order = self._activate(order)
        if not (order.status in MATCHABLE or self._is_watched_stop(order)):
            return
        if order.symbol not in seen:
            seen[order.symbol] = self._prices(order.symbol, begun)
        prices = seen[order.symbol]
        if prices is None:
            return
        just_triggered = False
        if order.stop_price is not None and not order.triggered:
            if not is_triggered(order, prices):
                return
            order, just_triggered = self._trigger(order), True
        # Overnight the price moves without trading: who rested before the open takes the quote.
        rested = order.rested and begun != self._opened_at
        price = fill_price(order, prices, rested=rested, just_triggered=just_triggered)
        if price is None:
            self._unfilled(order)
        else:
            self._fill(order, price)

    def _prices(self, symbol: str, begun: int) -> Prices | None:
        quote = self.market.quote(symbol, self.now)
        extremes = self.market.low_high(symbol, begun, self.now)
        if quote is None or extremes is None:
            return None
        low, high = extremes
        tick = self.asset(symbol).tick(low)
        return Prices(Decimal(repr(low)), Decimal(repr(high)), quote, tick)

    def _is_watched_stop(self, order: Order) -> bool:
        """A held stop wakes by its price once there is something to protect."""
        if order.status != "held" or order.leg != "stop":
            return False
        root = self.orders[order.root]
        if order.order_class == "oco":
            return root.status in ("new", "partially_filled")
        return root.status == "filled"

    def _activate(self, order: Order) -> Order:
        """The order goes live, unless it was queued and the account cannot carry it any more."""
        if order.status == "accepted" and not order.is_exit and free_equity(self) < 0:
            self._finish(order, "rejected")
            for one in self.group(order):
                if one.is_live:
                    self._finish(one, "canceled")
            return self.orders[order.id]
        order = self._become(order, "new")
        self._say("new", order)
        return order

    def _trigger(self, order: Order) -> Order:
        """The stop price is reached: a stop leg takes over from its target."""
        if order.status == "held":
            for one in self.group(order):
                if one.id != order.id and one.is_live:
                    self._finish(one, "canceled")
            order = self._become(order, "new", triggered=True)
            self._say("new", order)
            return order
        return self.put(msgspec.structs.replace(order, triggered=True))

    def _unfilled(self, order: Order) -> None:
        if order.time_in_force in ("ioc", "fok"):
            self._finish(order, "canceled")
        elif not order.rested:
            self.put(msgspec.structs.replace(order, rested=True))

    def _fill(self, order: Order, price: Decimal) -> None:
        increment = self._increment(order)
        left = order.left(price, increment)
        if left <= ZERO:
            self._finish(order, "canceled")
            return
        qty = lot(self.seed, order, left, increment)
        fees = coin_fees(order, qty, price) if self.is_crypto(order.symbol) else NO_FEES
        status: Status = "filled" if qty == left else "partially_filled"
        execution = Execution(
            id=identity(order.id, "fill", str(order.fills)),
            order_id=order.id,
            symbol=order.symbol,
            side=order.side,
            qty=qty,
            price=price,
            fee_usd=fees.usd,
            fee_qty=fees.qty,
            cum_qty=order.filled_qty + qty,
            leaves_qty=left - qty,
            order_status=status,
            at=self.now,
        )
        coin = order.symbol.partition("/")[0]
        held = self.positions.get(order.symbol)
        self.settle(execution, *settled(self.account, held, execution, coin))
        order = self._become(
            order,
            status,
            filled_qty=execution.cum_qty,
            filled_value=order.filled_value + qty * price,
            fee_usd=order.fee_usd + fees.usd,
            fee_qty=order.fee_qty + fees.qty,
            fee_value=order.fee_value + fees.usd + fees.qty * price,
            fills=order.fills + 1,
            filled_at=self.now,
        )
        self._say("fill" if status == "filled" else "partial_fill", order, execution)
        self._after_fill(order)

    def _after_fill(self, order: Order) -> None:
        if order.status != "filled" and order.time_in_force == "ioc":
            self._finish(order, "canceled")
        elif order.leg == "target" or order.order_class == "oco":
            self._relieve_stop(order)
        elif order.status == "filled" and order.legs:
            self._wake_legs(order)

    def _relieve_stop(self, target: Order) -> None:
        """The stop protects what is left; when nothing is, it goes without a trade update.

        Alpaca sends none for the stop that its filled target cancels.
        """
        for one in self.group(target):
            if one.leg != "stop" or one.id == target.id or not one.is_live:
                continue
            if target.status == "filled":
                self._become(one, "canceled", canceled_at=self.now)
            else:
                self.put(msgspec.structs.replace(one, qty=target.left(ZERO, ZERO)))

    def _wake_legs(self, entry: Order) -> None:
        """The entry is complete: its target works, its stop is watched (alone it works, too)."""
        for leg in entry.legs:
            order = self.orders[leg]
            if order.status == "held" and (order.leg == "target" or len(entry.legs) == 1):
                self._say("new", self._become(order, "new"))

    # the lattice

    def _become(self, order: Order, status: Status, **fields: object) -> Order:
        """The only way from one status to another."""
        if status not in NEXT[order.status]:
            raise AssertionError(f"{order.id}: {order.status} cannot become {status}")
        return self.put(msgspec.structs.replace(order, status=status, **fields))

    def _finish(self, order: Order, status: Status) -> None:
        """An end that is told to the world."""
        self._say(status, self._become(order, status, **{STAMPS[status]: self.now}))

    def _end_group(self, order: Order, status: Status) -> None:
        for one in self.group(order):
            if status in NEXT[one.status]:
                self._finish(one, status)

    def _say(self, event: str, order: Order, execution: Execution | None = None) -> None:
        self.say(
            Event(
                id=identity(order.id, "event", str(self.account.events))
                if execution is None
                else execution.id,
                event=event,
                order=order,
                at=self.now,
                execution=execution,
                position_qty=self.held(order.symbol),
            )
        )

    # numbers

    def _increment(self, order: Order) -> Decimal:
        """The quantity grid of an order's fills."""
        asset = self.asset(order.symbol)
        if asset.is_crypto:
            return asset.min_trade_increment or COIN_STEP
        return ONE if order.qty is not None and order.qty % 1 == 0 else COIN_STEP

    def _expiry(self, order: Order) -> int:
        """When an order dies by itself: a day order with its session."""
        if order.time_in_force == "gtc" or self.is_crypto(order.symbol):
            return self.now + GTC_DAYS * DAY
        return self.market.sessions.session(self.now)[1]

    def _next_stamp(self) -> int:
        if not self._last_stamp and self.orders:
            self._last_stamp = self.orders[next(reversed(self.orders))].submitted_at
        self._last_stamp = max(self.now, self._last_stamp + 1)
        return self._last_stamp

    def _next_rank(self) -> int:
        if not self._last_rank and self.orders:
            self._last_rank = max(one.rank for one in self.orders.values())
        self._last_rank += 1
        return self._last_rank
