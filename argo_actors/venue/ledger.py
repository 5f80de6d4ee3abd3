"""What an account has and what its open orders bind: the figures of one book at one market."""

from collections.abc import Iterator
from decimal import Decimal

from .market import Asset, Market, Quote
from .orders import ZERO, Account, Order, Position
from .trading_hours import in_extended_hours

SHORT_MARGIN = Decimal("1.03")


class Ledger:
    """Every order, position and dollar of one account, to be read."""

    def __init__(self, market: Market, account: Account, now: int) -> None:
        self.market = market
        self.account = account
        self.now = now
        self.orders: dict[str, Order] = {}
        self.by_client: dict[str, str] = {}
        self.positions: dict[str, Position] = {}
        self._live: dict[str, None] = {}
        self._quotes: dict[str, Quote | None] = {}
        self._quoted_at = -1

    def quote(self, symbol: str) -> Quote | None:
        """The market's quote of now, asked for once."""
        if self._quoted_at != self.now:
            self._quotes.clear()
            self._quoted_at = self.now
        if symbol not in self._quotes:
            self._quotes[symbol] = self.market.quote(symbol, self.now)
        return self._quotes[symbol]

    def live(self) -> list[Order]:
        """Orders that may still fill, oldest first."""
        return [self.orders[one] for one in self._live]

    def position(self, symbol: str) -> Position:
        """The position of a symbol, empty when there is none."""
        return self.positions.get(symbol) or Position(symbol=symbol)

    def mark(self, symbol: str) -> Decimal:
        """The price that positions are valued at: the side one would close on."""
        quote = self.quote(symbol)
        if quote is None:
            return ZERO
        return quote.ask if self.position(symbol).qty < 0 else quote.bid

    def market_value(self, symbol: str) -> Decimal:
        """Signed dollars of a position."""
        qty = self.position(symbol).qty
        return qty * self.mark(symbol) if qty else ZERO

    def equity(self) -> Decimal:
        """Cash and all positions at their marks."""
        return self.account.cash + sum((self.market_value(one) for one in self.positions), ZERO)

    def held(self, symbol: str) -> Decimal:
        """Quantity that open closing orders hold; a stop leg holds nothing beside its target."""
        sign = 1 if self.position(symbol).qty >= 0 else -1
        closing = "sell" if sign > 0 else "buy"
        return sum(
            (
                qty
                for one, qty in self._bound()
                if one.symbol == symbol
                and one.side == closing
                and self._is_closing(one)
                and not (one.leg == "stop" and one.status == "held")
            ),
            ZERO,
        )

    def _bound(self) -> Iterator[tuple[Order, Decimal]]:
        """Open orders with what they bind: of one being replaced and its heir the larger."""
        for order_id in self._live:
            one = self.orders[order_id]
            if one.status == "pending_replace":
                continue
            old = self.orders.get(one.replaces)
            if old is not None and old.status == "pending_replace":
                yield one, max(one.left, old.left)
            else:
                yield one, one.left

    def _is_closing(self, order: Order) -> bool:
        if order.leg or order.order_class == "oco":
            parent = self.orders.get(order.parent)
            return parent is None or parent.status == "filled" or order.order_class == "oco"
        return order.position_intent.endswith("to_close")

    def available(self, symbol: str) -> Decimal:
        """Unsigned quantity that a further exit may use."""
        return max(abs(self.position(symbol).qty) - self.held(symbol), ZERO)

    def blockers(self, symbol: str) -> list[str]:
        """The orders that hold the quantity."""
        return [one.id for one in self.live() if one.symbol == symbol and self._is_closing(one)]

    def reserved(self, crypto: bool) -> Decimal:
        """Dollars that open opening orders reserve."""
        total = ZERO
        for one, qty in self._bound():
            if one.leg or self._is_closing(one) or self._asset(one.symbol).is_crypto != crypto:
                continue
            if one.side == "sell" and crypto:
                continue
            total += qty * self._reserving_price(one)
        return total

    def _reserving_price(self, order: Order) -> Decimal:
        price = self.opening_price(order)
        old = self.orders.get(order.replaces)
        if old is not None and old.status == "pending_replace":
            return max(price, self.opening_price(old))
        return price

    def opening_price(self, order: Order) -> Decimal:
        """The price at which an opening order reserves buying power."""
        quote = self.quote(order.symbol)
        if order.side == "sell":
            ask = quote.ask if quote is not None else ZERO
            return max(order.limit_price or ZERO, ask * SHORT_MARGIN)
        if order.limit_price or quote is None:
            return order.limit_price or order.stop_price or ZERO
        return max(order.stop_price or ZERO, self._buying_price(order.symbol, quote))

    def _buying_price(self, symbol: str, quote: Quote) -> Decimal:
        """The ask in a session, the midpoint in extended hours, the last print outside of both."""
        sessions = self.market.sessions
        if self._asset(symbol).is_crypto or sessions.is_open(self.now):
            return quote.ask
        if in_extended_hours(sessions, self.now):
            return (quote.bid + quote.ask) / 2
        trade = self.market.last_trade(symbol, self.now)
        return quote.ask if trade is None else trade.price

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
