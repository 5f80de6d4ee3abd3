"""The venue's half of what an outsider knows: positions, orders, sessions and splits, by our symbols."""

from collections import defaultdict
from decimal import Decimal

from argo_actors.broker.wire import from_alpaca
from argo_actors.config import is_coin
from argo_actors.units import ZERO
from argo_actors.venue.matching import Book, Order

DUST_USD = Decimal(10)


class VenueLog:
    """Reads the venue's book; the history of positions is what it is told."""

    def __init__(self, symbols: tuple[str, ...], book: Book, prefix: str) -> None:
        self.symbols = symbols
        self.book = book
        self.prefix = prefix
        """Of the ids of our orders."""
        self.now = 0
        self.position_history: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)

    def filled_at_venue(self, symbol: str, at: int) -> None:
        """A position has changed."""
        self.position_history[symbol].append((at, self.position(symbol)))

    def symbol(self, text: str) -> str:
        """Our form of the venue's symbol."""
        return from_alpaca(text, self.symbols)

    def position(self, symbol: str) -> Decimal:
        """Signed quantity at the venue."""
        return self.book.position(self.venue_symbol(symbol)).qty

    def held_since(self, symbol: str) -> int:
        """Since when the venue has held some of it without a break."""
        since = 0
        for at, qty in self.position_history[symbol]:
            since = (since or at) if qty else 0
        return since

    def venue_symbol(self, symbol: str) -> str:
        """The venue's form of ours."""
        return symbol.replace("-", "/") if is_coin(symbol) else symbol

    def split_shares(self, symbol: str) -> Decimal:
        """Shares that came by splits, signed."""
        found = self.venue_symbol(symbol)
        happened = self.book.account.happened
        return sum((one.qty for one in happened if one.symbol == found), ZERO)

    def split_at(self, symbol: str) -> int:
        """When the shares last changed; 0 when they never did."""
        found = self.venue_symbol(symbol)
        happened = self.book.account.happened
        return max((one.at for one in happened if one.symbol == found and one.qty), default=0)

    def mark(self, symbol: str) -> Decimal:
        """What a position is worth a unit."""
        return self.book.mark(self.venue_symbol(symbol))

    def is_ours(self, order: Order) -> bool:
        """The order, or the one it is a leg of, carries our prefix."""
        return self.root(order).client_order_id.startswith(self.prefix)

    def root(self, order: Order) -> Order:
        """The order that a leg belongs to."""
        return self.book.orders[order.parent] if order.parent else order

    def live(self, symbol: str) -> list[Order]:
        """Our orders of a symbol that may still fill, legs included."""
        found = self.venue_symbol(symbol)
        return [one for one in self.book.live() if one.symbol == found and self.is_ours(one)]

    def filled(self, client_order_id: str) -> Decimal:
        """What the venue filled of an order and its legs."""
        order_id = self.book.by_client.get(client_order_id)
        if order_id is None:
            return ZERO
        one = self.book.orders[order_id]
        return one.filled_qty + sum((self.book.orders[leg].filled_qty for leg in one.legs), ZERO)

    def is_dust(self, symbol: str, qty: Decimal) -> bool:
        """A remainder of a coin that no order can sell."""
        if not is_coin(symbol):
            return False
        asset = self.book.market.assets[self.venue_symbol(symbol)]
        return abs(qty) * self.mark(symbol) < DUST_USD * 2 or abs(qty) < (
            asset.min_order_size or ZERO
        )

    def protected(self, symbol: str) -> Decimal:
        """Quantity that live or held stops cover, on the side that closes."""
        held = self.position(symbol)
        closing = "sell" if held > 0 else "buy"
        return sum(
            (one.left for one in self.live(symbol) if one.side == closing and self._is_stop(one)),
            ZERO,
        )

    def _is_stop(self, order: Order) -> bool:
        if order.type not in ("stop", "stop_limit"):
            return False
        root = self.root(order)
        return not order.leg or root.order_class == "oco" or root.status == "filled"

    def market_open(self, symbol: str) -> bool:
        """It can be traded now."""
        return is_coin(symbol) or self.book.market.sessions.is_open(self.book.now)

    def opened(self, symbol: str) -> int:
        """When its session began."""
        sessions = self.book.market.sessions
        return 0 if is_coin(symbol) else sessions.last_session(self.book.now)[0]

    def lags(self, symbol: str) -> bool:
        """A split has changed its price and not the account."""
        done = {one.key for one in self.book.account.happened}
        found = [one.action for one in self.book.account.actions]
        return any(
            one.symbol == symbol and one.at <= self.now and one.key not in done for one in found
        )
