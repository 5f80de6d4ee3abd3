"""The matching engine: a pure library. Time comes in by `advance`, luck by a keyed hash, nothing else.

Orders never fill in the moment they are sent: they are matched against the path of prices by the next
step of time (`pricing.py`). What goes wrong beyond Alpaca's own rules is in `modes.py`.
"""

from decimal import Decimal

from .market import Market
from .orders import NINE, OPEN, ZERO, Account, Event, Fill, Order, Position, new_id
from .pricing import Step, fill_price, forced_price, is_hit, trail
from .refusals import Refusal
from .review import Reviewed
from .trading_hours import GTC_DELAY, expires_at, may_trade

__all__ = [
    "NINE",
    "OPEN",
    "ZERO",
    "Account",
    "Book",
    "Event",
    "Fill",
    "Order",
    "Position",
    "new_id",
]

SECOND = 1_000_000_000


class Book(Reviewed):
    """Orders, positions and dollars of one account at one market, moved by time and by its owner."""

    def __init__(self, market: Market, account: Account, seed: int, now: int) -> None:
        super().__init__(market, account, seed, now)
        self._late: list[str] = []
        """Cancelled orders that will be filled all the same."""

    # orders

    def add(self, order: Order, legs: tuple[Order, ...] = ()) -> Order:
        """Take an accepted order in; its legs sleep. Out of its hours it is queued."""
        sessions, crypto = self.market.sessions, self._asset(order.symbol).is_crypto
        waits = not crypto and not may_trade(sessions, order, self.now)
        order.status = "accepted" if waits else "pending_new"
        end = expires_at(sessions, order, self.now, crypto=crypto)
        for one in (order, *legs):
            one.submitted_at = one.updated_at = self.now
            one.expires_at = end
            self.restore(one)
            self._touch(one)
        order.legs = tuple(leg.id for leg in legs)
        if waits:
            self._say("accepted", order)
        return order

    def match_now(self, order: Order) -> None:
        """Fill a new order at once, if it can be."""
        self._step(order, self.now, self.now)

    def request_cancel(self, order: Order) -> None:
        """Asynchronous: it ends with the next step, unless it fills. Raises Refusal."""
        if order.status == "pending_cancel":
            raise Refusal(422, 42210000, "order pending cancel")
        if not order.is_open:
            raise Refusal(422, 42210000, f'order is already in "{order.status}" state')
        for one in self._group(order):
            if one.is_open and not (one.leg and one.status == "held"):
                one.status = "pending_cancel"
                one.cancel_at = self.now + int(self.modes.cancel_seconds * SECOND)
                self._touch(one)

    def delay(self, order: Order, seconds: float) -> None:
        """What is under way on an order (its cancel, its replacement) takes so long."""
        for one in self._group(order):
            if one.status in ("pending_cancel", "pending_replace"):
                one.cancel_at = self.now + int(seconds * SECOND)
                self._touch(one)

    # time

    def advance(self, to: int) -> None:
        """Let time pass to `to`, matching every live order against the path of prices."""
        begun, self.now = self.now, to
        if to >= self._next_action:
            self._act()
        if self._reviews:
            self._review()
        self._fill_late()
        self._day_end(begun, to)
        for order in self.live():
            if order.is_open:
                self._step(order, begun, to)

    def _day_end(self, begun: int, to: int) -> None:
        """Equity of the day before is taken when a session closes; closing auctions are then."""
        sessions = self.market.sessions
        if sessions.closes_by(begun) == sessions.closes_by(to):
            return
        self.account.last_equity = self.equity()
        self.changed.add("account")
        if self.modes.splits_overnight:
            self._split_overnight()
        for order in self.live():
            if order.time_in_force == "cls" and order.is_open and to >= order.expires_at:
                self._auction(order, order.expires_at)

    def _step(self, order: Order, begun: int, to: int) -> None:
        if order.replaces and not self._succeeds(order):
            return
        crypto = self._asset(order.symbol).is_crypto
        end = order.expires_at
        if order.status == "pending_cancel" and self._is_cancelled(order, begun, to, crypto=crypto):
            return
        if crypto or order.time_in_force == "gtc":
            if to >= end + GTC_DELAY:
                self._finish_group(order, "canceled")
                return
        elif to >= end:
            self._last_chance(order, begun, to)
            return
        if crypto or may_trade(self.market.sessions, order, to):
            self._work(order, begun, to)
        elif order.status == "pending_replace":
            self._replaced(order, ZERO)

    def _last_chance(self, order: Order, begun: int, to: int) -> None:
        """A day order fills up to its end, one for the opening in it; then it is over."""
        if order.time_in_force == "opg":
            self._auction(order, to)
            return
        if begun < order.expires_at and may_trade(self.market.sessions, order, begun):
            self._work(order, begun, order.expires_at - 1)
        if order.is_open:
            self._finish_group(order, "expired")

    def _auction(self, order: Order, at: int) -> None:
        """All of it at the auction's price, or nothing."""
        self._becomes_new(order)
        found = self._found(order, at, at)
        price = None if found is None else fill_price(order, found, touched=False)
        if price is not None:
            self._fill(order, price)
        if order.is_open:
            self._finish(order, "canceled")

    def _becomes_new(self, order: Order) -> None:
        if order.status in ("pending_new", "accepted"):
            order.status = "new"
            self._touch(order)
            self._say("new", order)

    def _work(self, order: Order, begun: int, to: int) -> None:
        """One step of an order that may trade."""
        if order.status in ("pending_new", "accepted") and self._luck("rejected", order):
            self._reject_group(order)
            return
        self._becomes_new(order)
        if order.leg and not self._is_oco(order) and self.orders[order.parent].status != "filled":
            return
        if order.awake_at >= to and order.awake_at:
            return
        price, filled = self._price(order, begun, to), order.filled_qty
        if price is not None and not self._is_thin(order, to):
            self._fill(order, price)
        if order.status == "pending_replace":
            self._replaced(order, order.filled_qty - filled)
        elif not order.is_open or order.status == "pending_cancel":
            return
        elif order.time_in_force in ("ioc", "fok"):
            self._finish(order, "canceled")
        elif price is None and (order.triggered or order.type == "limit"):
            order.rested = True

    def _is_thin(self, order: Order, at: int) -> bool:
        """The book has not filled up again since the order's last part."""
        return bool(order.fills) and at < order.filled_at + int(self.modes.parts_seconds * SECOND)

    def _is_cancelled(self, order: Order, begun: int, to: int, *, crypto: bool) -> bool:
        """A cancel under way is overtaken by a fill, or carried out when its time has come."""
        awake = not order.leg or self._is_oco(order) or self.orders[order.parent].status == "filled"
        tradable = crypto or may_trade(self.market.sessions, order, to)
        if awake and tradable and self._luck("cancels_lose", order):
            quote = self.quote(order.symbol)
            if quote is not None:
                self._say("order_cancel_rejected", order)
                far = quote.ask if order.side == "buy" else quote.bid
                self._fill(order, forced_price(order, far), whole=True)
                return True
        if awake and tradable:
            price = self._price(order, begun, to)
            if price is not None:
                self._fill(order, price)
        if not order.is_open:
            return True
        if to < order.cancel_at:
            return True
        late = self._luck("late_fills", order) and awake
        self._finish_group(order, "canceled")
        if late:
            self._late.append(order.id)
        return True

    def _fill_late(self) -> None:
        """What was cancelled is filled all the same."""
        late, self._late = self._late, []
        for order in (self.orders[one] for one in late):
            quote = self.quote(order.symbol)
            if quote is not None and order.left:
                far = quote.ask if order.side == "buy" else quote.bid
                self._fill(order, forced_price(order, far), whole=True)

    def _found(self, order: Order, begun: int, to: int) -> Step | None:
        quote = self.quote(order.symbol) if to == self.now else self.market.quote(order.symbol, to)
        if quote is None or order.symbol in self.modes.halted:
            return None
        if order.type == "market":
            return Step(quote, ZERO, ZERO)
        extremes = self.market.low_high(order.symbol, max(begun, order.submitted_at), to)
        if extremes is None:
            return None
        low, high = (Decimal(repr(one)) for one in extremes)
        return Step(quote, low, high)

    def _price(self, order: Order, begun: int, to: int) -> Decimal | None:
        """The price at which the order fills in this step, None when it does not."""
        found = self._found(order, begun, to)
        if found is None:
            return None
        touched = False
        if order.type in ("stop", "stop_limit", "trailing_stop") and not order.triggered:
            asleep = order.type == "trailing_stop" and order.stop_price is None
            touched = not asleep and is_hit(order, found)
            if not touched:
                self._trail(order, found)
                return None
            if not self._trigger(order):
                return None
        return fill_price(order, found, touched=touched)

    def _trail(self, order: Order, found: Step) -> None:
        if order.type == "trailing_stop":
            before = order.hwm
            trail(order, found, self._asset(order.symbol).tick(found.high))
            if order.hwm != before:
                self._touch(order)

    def _trigger(self, order: Order) -> bool:
        """A stop wakes; its target goes. False when it goes on under another id."""
        order.triggered, order.rested = True, False
        if order.status == "held":
            order.status = "new"
        self._touch(order)
        if order.leg != "stop":
            return True
        for one in self._group(order):
            if (
                one.id != order.id
                and one.is_open
                and not self._luck("both_legs", self._root(order))
            ):
                self._finish(one, "canceled")
        fresh = not order.replaces and order.status == "new"
        if fresh and self._luck("stops_replaced", order):
            self._go_on_as_another(order)
            return False
        return True

    # fills

    def _fill(self, order: Order, price: Decimal, *, whole: bool = False) -> None:
        qty = order.left if whole or order.time_in_force == "fok" else self._lot(order)
        self._execute(order, qty, price)
        if order.left == 0:
            self._end(order)
            self._after_fill(order)
        elif order.leg == "target" or order.order_class == "oco":
            self._shrink_stop(order)

    def _after_fill(self, order: Order) -> None:
        """An entry wakes its target; a target or a stop ends its group, or both fill."""
        if order.leg or order.order_class == "oco":
            both = self._luck("both_legs", self._root(order))
            for one in self._group(order):
                if one.id == order.id or not one.is_open:
                    continue
                quote = self.quote(one.symbol)
                if both and quote is not None:
                    far = quote.ask if one.side == "buy" else quote.bid
                    self._becomes_new(one)
                    self._fill(one, forced_price(one, far), whole=True)
                else:
                    self._finish(one, "canceled", silent=one.leg == "stop")
            return
        for one in self._group(order)[1:]:
            one.awake_at = self.now
            if one.status == "held" and (one.leg == "target" or order.order_class == "oto"):
                one.status = "new"
                self._touch(one)
                self._say("new", one)

    def _shrink_stop(self, order: Order) -> None:
        for one in self._group(order):
            if one.leg == "stop" and one.is_open:
                one.qty = order.left + one.filled_qty
                self._touch(one)

    @property
    def works(self) -> bool:
        """Some order may fill: time moves in fine steps."""
        return bool(self._live)
