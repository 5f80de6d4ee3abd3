"""Everything the exchange knows of one account, and what of it has changed since it was last kept."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from ..market import Asset, Market, Quote
from .account import Account, Execution, Position
from .orders import ZERO, Order


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A trade update: what happened to an order, as the order was right after it."""

    id: str
    event: str
    order: Order
    at: int
    execution: Execution | None = None
    position_qty: Decimal = ZERO
    """Signed, after the event."""


class Closing(msgspec.Struct, frozen=True):
    """Equity (dollars) when a session closed."""

    at: int
    equity: Decimal


class Changes:
    """What the store has not seen yet."""

    def __init__(self) -> None:
        self.orders: dict[str, None] = {}
        self.positions: dict[str, None] = {}
        self.account = False
        self.executions = 0
        """How many of the newest executions are unseen."""
        self.closings = 0

    def __bool__(self) -> bool:
        return bool(self.account or self.orders or self.positions or self.closings)


class Ledger:
    """Orders, positions, money and history at one market. It knows no rule of trading."""

    def __init__(self, market: Market, account: Account, seed: int, now: int) -> None:
        self.market = market
        self.account = account
        self.seed = seed
        self.now = now
        """Market time, ns UTC."""
        self.orders: dict[str, Order] = {}
        """By id, in the order in which they were submitted."""
        self.live: dict[str, None] = {}
        """Ids of the orders that may still change, in the order in which they are matched."""
        self.by_client_id: dict[str, str] = {}
        self.positions: dict[str, Position] = {}
        self.executions: list[Execution] = []
        self.closings: list[Closing] = []
        self.changes = Changes()
        self._events: list[Event] = []
        self._marks: dict[str, tuple[int, Decimal]] = {}

    def restore(
        self,
        *,
        now: int,
        account: Account,
        orders: list[Order],
        positions: list[Position],
        executions: list[Execution],
        closings: list[Closing],
    ) -> None:
        """Take up the state that a store has kept."""
        self.now, self.account = now, account
        self.executions, self.closings = executions, closings
        self.positions = {one.symbol: one for one in positions}
        for order in sorted(orders, key=lambda one: one.submitted_at):
            self.orders[order.id] = order
            self.by_client_id[order.client_order_id] = order.id
        live = [one for one in orders if one.is_live]
        self.live = {one.id: None for one in sorted(live, key=lambda one: one.rank)}

    # reading

    def asset(self, symbol: str) -> Asset:
        """The listing of a known symbol."""
        return self.market.assets[symbol]

    def is_crypto(self, symbol: str) -> bool:
        """Coins trade around the clock."""
        return self.asset(symbol).is_crypto

    def quote(self, symbol: str) -> Quote | None:
        """Bid and ask as of now."""
        return self.market.quote(symbol, self.now)

    def held(self, symbol: str) -> Decimal:
        """Signed quantity of a position; zero when flat."""
        position = self.positions.get(symbol)
        return ZERO if position is None else position.qty

    def mark(self, symbol: str) -> Decimal:
        """The price that positions are valued at, on the price grid; zero before the first price."""
        known = self._marks.get(symbol)
        if known is not None and known[0] == self.now:
            return known[1]
        mark = self.price_at(symbol, self.now)
        self._marks[symbol] = (self.now, mark)
        return mark

    def price_at(self, symbol: str, at: int) -> Decimal:
        """The price at some time, on the price grid; zero before the first price."""
        price = self.market.price(symbol, at)
        if price is None:
            return ZERO
        return Decimal(repr(price)).quantize(self.asset(symbol).tick(price).normalize())

    def equity(self) -> Decimal:
        """Cash and the market value of all positions."""
        values = (one.qty * self.mark(one.symbol) for one in self.positions.values())
        return self.account.cash + sum(values, ZERO)

    def live_orders(self) -> Iterator[Order]:
        """Orders that may still change, in the order in which they are matched."""
        orders = self.orders
        return (orders[one] for one in self.live)

    def group(self, order: Order) -> tuple[Order, ...]:
        """An order with the legs it was sent with; an order on its own alone."""
        root = self.orders[order.root] if order.root else order
        return (root, *(self.orders[one] for one in root.legs))

    def take_events(self) -> list[Event]:
        """The trade updates since the last call."""
        events, self._events = self._events, []
        return events

    # writing

    def put(self, order: Order) -> Order:
        """Keep a new state of an order."""
        order = msgspec.structs.replace(order, updated_at=self.now)
        self.orders[order.id] = order
        self.by_client_id[order.client_order_id] = order.id
        if order.is_live:
            self.live[order.id] = None
        else:
            self.live.pop(order.id, None)
        self.changes.orders[order.id] = None
        return order

    def say(self, event: Event) -> None:
        """Add a trade update, counted for ever."""
        self._events.append(event)
        self.set_account(events=self.account.events + 1)

    def set_account(self, **fields: object) -> None:
        """Change some of the account's fields."""
        self.account = msgspec.structs.replace(self.account, **fields)
        self.changes.account = True

    def settle(self, execution: Execution, account: Account, position: Position | None) -> None:
        """Keep an execution with the account and the position after it."""
        self.executions.append(execution)
        self.changes.executions += 1
        self.account = account
        self.changes.account = True
        if position is None:
            self.positions.pop(execution.symbol, None)
        else:
            self.positions[execution.symbol] = position
        self.changes.positions[execution.symbol] = None

    def close_day(self) -> None:
        """Keep the equity at a session's close."""
        closing = Closing(self.now, self.equity())
        self.closings.append(closing)
        self.changes.closings += 1
        self.set_account(closing_equity=closing.equity)
