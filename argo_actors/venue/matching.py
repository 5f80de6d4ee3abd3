"""The matching engine: a pure library. Time comes in by `advance`, luck by a keyed hash, nothing else.

Orders never fill in the moment they are sent: they are matched against the path of prices by the next
step of time. A market order takes the far side of the quote, a limit order is never filled through its
limit, a stop is triggered by the path's extremes, so that nothing is jumped over.
"""

import hashlib
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from .market import Asset, Market, Quote
from .refusals import Refusal
from .settings import Configuration, Watchlist

ZERO = Decimal(0)
NINE = Decimal("0.000000001")
CENT = Decimal("0.01")
TAKER, MAKER = Decimal("0.0025"), Decimal("0.0015")
"""Crypto fees of tier 1, taken from what is received."""
SHORT_MARGIN = Decimal("1.03")
PARTIAL_OF = 10
"""One fill in so many is partial (Alpaca's paper engine: 10 %)."""
OPEN = frozenset({"pending_new", "accepted", "new", "partially_filled", "held", "pending_cancel"})
GTC_DAYS = 90
DAY = 86_400_000_000_000


class Order(msgspec.Struct, kw_only=True):
    """An order with Alpaca's fields; times in ns UTC, 0 when it has not happened."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    order_class: str = ""
    qty: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    status: str = "pending_new"
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    fee_usd: Decimal = ZERO
    fee_qty: Decimal = ZERO
    position_intent: str = ""
    extended_hours: bool = False
    parent: str = ""
    leg: str = ""
    """`target` or `stop` of a bracket or OCO."""
    legs: tuple[str, ...] = ()
    triggered: bool = False
    rested: bool = False
    """It was live and not marketable for a step: a later fill is the maker's."""
    fills: int = 0
    submitted_at: int = 0
    awake_at: int = 0
    """A leg lives from the fill of its entry on."""
    updated_at: int = 0
    filled_at: int = 0
    canceled_at: int = 0
    expired_at: int = 0
    failed_at: int = 0
    replaced_at: int = 0
    replaced_by: str = ""
    replaces: str = ""
    expires_at: int = 0

    @property
    def left(self) -> Decimal:
        """What is still to be filled."""
        return self.qty - self.filled_qty

    @property
    def is_open(self) -> bool:
        """It may still fill."""
        return self.status in OPEN


class Position(msgspec.Struct, kw_only=True):
    """A position; `qty` and `cost` are negative for a short. Coins carry all the dollars paid for them."""

    symbol: str
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO


class Account(msgspec.Struct, kw_only=True):
    """Money and its history."""

    number: str
    cash: Decimal
    start_cash: Decimal
    fees_usd: Decimal = ZERO
    fees_value: Decimal = ZERO
    """All fees in dollars, coin fees at the price of their fill."""
    last_equity: Decimal = ZERO
    last_equity_day: int = 0
    created_at: int = 0
    events: int = 0
    fills: int = 0
    configuration: Configuration = Configuration()
    watchlists: dict[str, Watchlist] = {}
    transfers: list[tuple[int, Decimal]] = []
    """Money that came or went after the start: when, and dollars (negative when it went)."""


class Event(msgspec.Struct, frozen=True):
    """A trade update: what happened to which order, and the execution if there was one."""

    event: str
    order_id: str
    at: int
    price: Decimal | None = None
    qty: Decimal | None = None
    position_qty: Decimal | None = None
    execution_id: str = ""


class Fill(msgspec.Struct, frozen=True):
    """An execution, for the account's activities."""

    id: str
    order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    at: int
    fee_usd: Decimal = ZERO
    fee_qty: Decimal = ZERO


class Book:
    """Every order, position and dollar of one account at one market."""

    def __init__(self, market: Market, account: Account, seed: int, now: int) -> None:
        self.market = market
        self.account = account
        self.seed = seed
        self.now = now
        self.orders: dict[str, Order] = {}
        self.by_client: dict[str, str] = {}
        self.positions: dict[str, Position] = {}
        self.activities: list[Fill] = []
        self.events: list[Event] = []
        """Not yet taken by the stream."""
        self.changed: set[str] = set()
        self._live: dict[str, None] = {}

    # reading

    def live(self) -> list[Order]:
        """Orders that may still fill, oldest first."""
        return [self.orders[one] for one in self._live]

    def restore(self, order: Order) -> None:
        """An order from the store."""
        self.orders[order.id] = order
        self.by_client[order.client_order_id] = order.id
        if order.is_open:
            self._live[order.id] = None

    def position(self, symbol: str) -> Position:
        """The position of a symbol, empty when there is none."""
        return self.positions.get(symbol) or Position(symbol=symbol)

    def mark(self, symbol: str) -> Decimal:
        """The price that positions are valued at: the side one would close on."""
        quote = self.market.quote(symbol, self.now)
        if quote is None:
            return ZERO
        return quote.ask if self.position(symbol).qty < 0 else quote.bid

    def market_value(self, symbol: str) -> Decimal:
        """Signed dollars of a position."""
        return self.position(symbol).qty * self.mark(symbol)

    def equity(self) -> Decimal:
        """Cash and all positions at their marks."""
        return self.account.cash + sum((self.market_value(one) for one in self.positions), ZERO)

    def held(self, symbol: str) -> Decimal:
        """Quantity that open closing orders hold; a stop leg holds nothing beside its target."""
        sign = 1 if self.position(symbol).qty >= 0 else -1
        closing = "sell" if sign > 0 else "buy"
        return sum(
            (
                one.left
                for one in self.live()
                if one.symbol == symbol
                and one.side == closing
                and self._is_closing(one)
                and not (one.leg == "stop" and one.status == "held")
            ),
            ZERO,
        )

    def _is_closing(self, order: Order) -> bool:
        if order.leg or order.order_class == "oco":
            parent = self.orders.get(order.parent)
            return parent is None or parent.status == "filled" or order.order_class == "oco"
        return order.position_intent.endswith("to_close")

    def available(self, symbol: str) -> Decimal:
        """Unsigned quantity that a further exit may use."""
        return abs(self.position(symbol).qty) - self.held(symbol)

    def blockers(self, symbol: str) -> list[str]:
        """The orders that hold the quantity."""
        return [one.id for one in self.live() if one.symbol == symbol and self._is_closing(one)]

    def reserved(self, crypto: bool) -> Decimal:
        """Dollars that open opening orders reserve."""
        total = ZERO
        for one in self.live():
            if one.leg or self._is_closing(one) or self._asset(one.symbol).is_crypto != crypto:
                continue
            if one.side == "sell" and crypto:
                continue
            total += one.left * self.opening_price(one)
        return total

    def opening_price(self, order: Order) -> Decimal:
        """The price at which an opening order reserves buying power."""
        quote = self.market.quote(order.symbol, self.now)
        ask = quote.ask if quote is not None else ZERO
        if order.side == "sell":
            return max(order.limit_price or ZERO, ask * SHORT_MARGIN)
        return order.limit_price or order.stop_price or ask

    def initial_margin(self) -> Decimal:
        """Half of the stocks' value, all of the coins', reservations included."""
        stocks, coins = self.reserved(crypto=False), self.reserved(crypto=True)
        for symbol in self.positions:
            value = abs(self.market_value(symbol))
            if self._asset(symbol).is_crypto:
                coins += value
            else:
                stocks += value
        return stocks / 2 + coins

    @property
    def multiplier(self) -> int:
        """What the account may borrow by: 2, or 1 when its owner wants no more."""
        return min(2, int(self.account.configuration.max_margin_multiplier))

    def buying_power(self) -> Decimal:
        """Twice the equity that is not bound (multiplier 2), or the cash (multiplier 1)."""
        if self.multiplier == 1:
            bound = self.reserved(crypto=False) + self.reserved(crypto=True)
            return max(self.account.cash - bound, ZERO)
        return max(self.equity() - self.initial_margin(), ZERO) * 2

    def cash_power(self) -> Decimal:
        """What coins can be bought with."""
        return max(min(self.equity() - self.initial_margin(), self.account.cash), ZERO)

    def _asset(self, symbol: str) -> Asset:
        return self.market.assets[symbol]

    # orders

    def add(self, order: Order, legs: tuple[Order, ...] = ()) -> Order:
        """Take an accepted order in; its legs sleep."""
        is_open = self._asset(order.symbol).is_crypto or self.market.sessions.is_open(self.now)
        order.status = "pending_new" if is_open else "accepted"
        for one in (order, *legs):
            one.submitted_at = one.updated_at = self.now
            one.expires_at = self.now + GTC_DAYS * DAY
            self.restore(one)
            self._touch(one)
        order.legs = tuple(leg.id for leg in legs)
        return order

    def request_cancel(self, order: Order) -> None:
        """Asynchronous: it ends with the next step, unless it fills. Raises Refusal."""
        if order.status == "pending_cancel":
            raise Refusal(422, 42210000, "order pending cancel")
        if not order.is_open:
            raise Refusal(422, 42210000, f'order is already in "{order.status}" state')
        for one in self._group(order):
            if one.is_open and not (one.leg and one.status == "held"):
                one.status = "pending_cancel"
                self._touch(one)

    def _group(self, order: Order) -> list[Order]:
        """A bracket or OCO with all its members."""
        root = self.orders[order.parent] if order.parent else order
        return [root, *(self.orders[one] for one in root.legs)]

    def replace(self, order: Order, changes: dict[str, Decimal | str]) -> Order:
        """A new order in the old one's place. Raises Refusal."""
        if order.status not in ("new", "partially_filled", "held"):
            raise Refusal(422, 40010001, "unable to replace order, order is not open")
        if Decimal(changes.get("qty", order.qty)) <= order.filled_qty:
            raise Refusal(422, 40010001, "qty must be > filled_qty")
        client = str(changes.pop("client_order_id", "") or new_id(order.id, "replaced"))
        new = msgspec.structs.replace(
            order,
            id=new_id(self.account.number, client),
            client_order_id=client,
            replaces=order.id,
            filled_qty=ZERO,
            filled_value=ZERO,
            **changes,
        )
        new.qty = Decimal(new.qty) - order.filled_qty
        order.status, order.replaced_at, order.replaced_by = "replaced", self.now, new.id
        for root in self.orders.values():
            if order.id in root.legs:
                root.legs = tuple(new.id if one == order.id else one for one in root.legs)
                self._touch(root)
        new.submitted_at = self.now
        self.restore(new)
        self._touch(new)
        self._end(order)
        self._say("replaced", order)
        return new

    # time

    def advance(self, to: int) -> None:
        """Let time pass to `to`, matching every live order against the path of prices."""
        begun, self.now = self.now, to
        self._day_end(begun, to)
        for order in self.live():
            if order.is_open:
                self._step(order, begun, to)

    def _day_end(self, begun: int, to: int) -> None:
        """Equity of the day before is taken when a session closes; day orders end with it."""
        was_open, is_open = self.market.sessions.is_open(begun), self.market.sessions.is_open(to)
        if not was_open or is_open:
            return
        self.account.last_equity = self.equity()
        self.changed.add("account")
        for order in self.live():
            stock = not self._asset(order.symbol).is_crypto
            if stock and order.time_in_force == "day" and order.is_open:
                self._finish(order, "expired")

    def _step(self, order: Order, begun: int, to: int) -> None:
        if order.status == "pending_cancel":
            self._finish_group(order, "canceled")
            return
        if to >= order.expires_at:
            self._finish_group(order, "expired")
            return
        crypto = self._asset(order.symbol).is_crypto
        if not crypto and not self.market.sessions.is_open(to):
            return
        if order.status in ("pending_new", "accepted"):
            order.status = "new"
            self._touch(order)
            self._say("new", order)
        if order.leg and self.orders[order.parent].status != "filled" and not self._is_oco(order):
            return
        if order.awake_at >= to:
            return
        price = self._price(order, begun, to)
        if price is not None:
            self._fill(order, price)
        if order.time_in_force in ("ioc", "fok") and order.is_open and price is None:
            self._finish(order, "canceled")
        elif order.is_open and price is None:
            order.rested = True

    def _is_oco(self, order: Order) -> bool:
        return self.orders[order.parent].order_class == "oco"

    def _price(self, order: Order, begun: int, to: int) -> Decimal | None:
        """The price at which the order fills in this step, None when it does not."""
        quote = self.market.quote(order.symbol, to)
        if quote is None:
            return None
        buys = order.side == "buy"
        far = quote.ask if buys else quote.bid
        if order.type == "market":
            return far
        extremes = self.market.low_high(order.symbol, max(begun, order.submitted_at), to)
        if extremes is None:
            return None
        low, high = (Decimal(repr(one)) for one in extremes)
        if order.type in ("stop", "stop_limit") and not order.triggered:
            assert order.stop_price is not None
            hit = high >= order.stop_price if buys else low <= order.stop_price
            if not hit:
                return None
            self._trigger(order)
        if order.type == "stop":
            assert order.stop_price is not None
            return max(far, order.stop_price) if buys else min(far, order.stop_price)
        assert order.limit_price is not None
        return self._limit(order, quote, low, high)

    def _limit(self, order: Order, quote: Quote, low: Decimal, high: Decimal) -> Decimal | None:
        limit = order.limit_price
        assert limit is not None
        if order.side == "buy":
            if quote.ask <= limit:
                return quote.ask
            return limit if order.rested and low < limit else None
        if quote.bid >= limit:
            return quote.bid
        return limit if order.rested and high > limit and order.type == "limit" else None

    def _trigger(self, order: Order) -> None:
        """A stop wakes; its target goes."""
        order.triggered = True
        if order.status == "held":
            order.status = "new"
        if order.leg == "stop":
            for one in self._group(order):
                if one.id != order.id and one.is_open:
                    self._finish(one, "canceled")
        self._touch(order)

    def _fill(self, order: Order, price: Decimal) -> None:
        qty = self._lot(order)
        asset = self._asset(order.symbol)
        order.fills += 1
        order.filled_qty += qty
        order.filled_value += qty * price
        fee_usd, fee_qty = self._fees(order, asset)
        self._book(order.symbol, order.side, qty, price, fee_usd, fee_qty)
        self.account.fills += 1
        order.filled_at = self.now
        order.status = "filled" if order.left == 0 else "partially_filled"
        execution = new_id(order.id, f"fill {order.fills}")
        self.activities.append(
            Fill(
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
        )
        self.changed.add(f"activity:{len(self.activities) - 1}")
        self._touch(order)
        event = "fill" if order.status == "filled" else "partial_fill"
        held = self.position(order.symbol).qty
        self.events.append(Event(event, order.id, self.now, price, qty, held, execution))
        self.account.events += 1
        if order.status == "filled":
            self._end(order)
            self._after_fill(order)
        elif order.leg == "target" or order.order_class == "oco":
            self._shrink_stop(order)

    def _lot(self, order: Order) -> Decimal:
        """All that is left, or by the keyed hash a part of it."""
        key = f"{self.seed}|{order.client_order_id}|{order.fills}".encode()
        unlucky = int.from_bytes(hashlib.blake2b(key, digest_size=4).digest(), "big") % PARTIAL_OF
        if unlucky or order.fills > 2:
            return order.left
        step = self._asset(order.symbol).min_trade_increment or Decimal(1)
        part = (order.left / 2 / step).to_integral_value("ROUND_DOWN") * step
        return part if ZERO < part < order.left else order.left

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

    def transfer(self, dollars: Decimal) -> None:
        """Money comes to the account, or leaves it."""
        self.account.cash += dollars
        self.account.transfers.append((self.now, dollars))
        self.changed.add("account")

    def _book(
        self,
        symbol: str,
        side: str,
        qty: Decimal,
        price: Decimal,
        fee_usd: Decimal,
        fee_qty: Decimal,
    ) -> None:
        """Average cost; the fee in coin leaves the dollars paid with the coins kept."""
        position = self.positions.setdefault(symbol, Position(symbol=symbol))
        sign = 1 if side == "buy" else -1
        flow = -sign * qty * price - fee_usd
        moved = sign * qty - fee_qty
        self.account.cash += flow
        self.account.fees_usd += fee_usd
        self.account.fees_value += fee_usd + fee_qty * price
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
        self.changed |= {"account", f"position:{symbol}"}

    def _after_fill(self, order: Order) -> None:
        """An entry wakes its target; a target or a stop ends its group."""
        if order.leg or order.order_class == "oco":
            for one in self._group(order):
                if one.id != order.id and one.is_open:
                    self._finish(one, "canceled", silent=one.leg == "stop")
            return
        for one in self._group(order)[1:]:
            if one.leg == "target" and one.status == "held":
                one.status = "new"
                one.awake_at = self.now
                self._touch(one)
                self._say("new", one)

    def _shrink_stop(self, order: Order) -> None:
        for one in self._group(order):
            if one.leg == "stop" and one.is_open:
                one.qty = order.left + one.filled_qty
                self._touch(one)

    def _finish_group(self, order: Order, status: str) -> None:
        for one in self._group(order):
            if one.is_open:
                self._finish(one, status)

    def _finish(self, order: Order, status: str, *, silent: bool = False) -> None:
        order.status = status
        if status == "canceled":
            order.canceled_at = self.now
        else:
            order.expired_at = self.now
        self._touch(order)
        self._end(order)
        if not silent:
            self._say(status, order)
        if not order.leg and order.order_class == "bracket":
            for one in self._group(order)[1:]:
                if one.is_open:
                    self._finish(one, status)

    def _end(self, order: Order) -> None:
        self._live.pop(order.id, None)

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

    @property
    def works(self) -> bool:
        """Some order may fill: time moves in fine steps."""
        return bool(self._live)


def new_id(*parts: str) -> str:
    """A UUID that the same parts always give."""
    return str(uuid5(NAMESPACE_URL, "argo-venue|" + "|".join(parts)))
