"""The broker of a rerun: the simulated venue's matching engine on recorded prices. What it says is modelled.

It fills at the recorded bid and ask, else at the recorded live price and the last known half spread (of
a symbol without any quote: the venue's own). Stops and targets are judged on the recorded prices, which lie
seconds apart: bars' extremes are not in a journal. Coins pay Alpaca's fees; one fill in ten is partial, by
the order's id. Every report's channel is `replay`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from ..broker.wire import (
    account_report,
    flat,
    order_body,
    order_report,
    position_report,
    to_alpaca,
    to_position,
)
from ..messages import Message, WordId
from ..messages.market import Asset, Quote, QuoteFailure, Quotes, QuotesWanted
from ..messages.order import (
    AccountReport,
    CancelOrder,
    LookupOrder,
    OrderAbsent,
    OrderRefused,
    OrderReport,
    PositionReport,
    ReadAccount,
    ReadPosition,
    Reconcile,
    Reconciled,
    SubmitOrder,
)
from ..units import SECOND, ZERO, Symbol, Usd, UtcNanos, tick_price
from ..venue import market as venue_market
from ..venue.actions import SPLIT, Actions, Kinds
from ..venue.keys import Keys
from ..venue.matching import Account, Book, Order
from ..venue.rest import Exchange
from ..venue.sessions import Sessions
from ..venue.tape import COIN_SPREAD, STOCK_SPREAD
from .marks import Mark

STALE = 30 * SECOND
"""An older price is no quote."""
KEYS = Keys("rerun", "rerun")
HEADERS = {"apca-api-key-id": KEYS.key_id, "apca-api-secret-key": KEYS.secret}
NO_LIMIT = 10**9
SEED = 1
SIZE = Decimal(1)
"""Of a recorded quote; the engine's fills are not bounded by it."""


class _Seen(msgspec.Struct):
    """What is known of a symbol's price."""

    at: UtcNanos
    kind: str
    price: float
    half: float | None = None
    """Half of the last quote's spread, as a share of its price."""
    quoted_at: UtcNanos = 0
    low: float = 0.0
    high: float = 0.0
    """Since the engine's last step."""


class RecordedMarket:
    """The newest recorded price of each symbol, as a market of the venue's."""

    label = "recorded"
    start, end = 0, 2**62

    def __init__(self) -> None:
        self._assets: dict[str, venue_market.Asset] = {}
        self.assets: Mapping[str, venue_market.Asset] = self._assets
        self.sessions = Sessions()
        self._seen: dict[str, _Seen] = {}
        self.actions = Actions(self.price)
        """None: prices were recorded in the shares of their time."""

    def know(self, asset: Asset) -> None:
        """An asset, as the broker described it."""
        symbol, coin = to_alpaca(asset.symbol), asset.asset_class == "crypto"
        self._assets[symbol] = venue_market.Asset(
            id=symbol,
            symbol=symbol,
            name=symbol,
            asset_class=asset.asset_class,
            exchange="",
            tradable=asset.tradable,
            marginable=not coin,
            shortable=asset.shortable,
            borrow_status="easy_to_borrow" if asset.easy_to_borrow else "hard_to_borrow",
            fractionable=asset.fractionable,
            min_order_size=asset.min_order_size if coin else None,
            min_trade_increment=asset.min_trade_increment if coin else None,
            price_increment=asset.price_increment if coin else None,
        )

    def see(self, at: UtcNanos, mark: Mark) -> None:
        """A price became known; a bar's close counts only where nothing better is fresh."""
        symbol, before = to_alpaca(mark.symbol), self._seen.get(to_alpaca(mark.symbol))
        if before is None:
            before = self._seen[symbol] = _Seen(at, mark.kind, mark.price)
            before.low = before.high = mark.price
        elif mark.kind == "close" and before.kind != "close" and at - before.at < STALE:
            return
        before.at, before.kind, before.price = at, mark.kind, mark.price
        before.low, before.high = min(before.low, mark.price), max(before.high, mark.price)
        if mark.kind == "quote":
            before.half, before.quoted_at = mark.half / mark.price, at

    def stepped(self) -> None:
        """The engine has looked at what was seen until now."""
        for one in self._seen.values():
            one.low = one.high = one.price

    def fresh(self, symbol: Symbol, now: UtcNanos) -> Quote | None:
        """The newest quote of a symbol as a word, None when there is none that is fresh."""
        name = to_alpaca(symbol)
        seen, quote = self._seen.get(name), self.quote(name, now)
        if seen is None or quote is None or now - seen.at > STALE:
            return None
        bid, ask = float(quote.bid), float(quote.ask)
        return Quote(symbol=symbol, bid=bid, ask=ask, at=seen.at, received_at=now)

    def quoted(self, symbol: Symbol, now: UtcNanos) -> bool:
        """Quotes of the symbol are being recorded."""
        seen = self._seen.get(to_alpaca(symbol))
        return seen is not None and seen.quoted_at > 0 and now - seen.quoted_at <= STALE

    def price(self, symbol: str, at: int) -> float | None:
        """The newest recorded price."""
        seen = self._seen.get(symbol)
        return None if seen is None else seen.price

    def quote(self, symbol: str, at: int) -> venue_market.Quote | None:
        """Bid and ask around the newest recorded price."""
        seen = self._seen.get(symbol)
        if seen is None or symbol not in self.assets:
            return None
        asset = self.assets[symbol]
        half = (COIN_SPREAD if asset.is_crypto else STOCK_SPREAD) / 2
        away = seen.price * (half if seen.half is None else seen.half)
        tick = asset.tick(seen.price)
        # A recorded quote lies on the tick: rounding to the nearest gives it back whole.
        bid, ask = tick_price(seen.price - away, tick), tick_price(seen.price + away, tick)
        return venue_market.Quote(bid=bid, ask=ask, bid_size=SIZE, ask_size=SIZE, at=seen.at)

    def low_high(self, symbol: str, t0: int, t1: int) -> tuple[float, float] | None:
        """Lowest and highest recorded price since the engine's last step."""
        seen = self._seen.get(symbol)
        return None if seen is None else (seen.low, seen.high)

    def last_trade(self, symbol: str, at: int) -> venue_market.Trade | None:
        """A journal holds no prints."""
        return None

    def minutes(self, symbol: str, start: int, end: int) -> Sequence[int]:
        """Nor a past."""
        return ()

    def bars(
        self,
        symbol: str,
        timeframe: str,
        start: int,
        end: int,
        now: int,
        running: bool = False,
        adjusted: Kinds = SPLIT,
    ) -> list[venue_market.Bar]:
        """Nor bars."""
        return []


class ModelledBroker:
    """One account at the recorded market; it begins flat, with the equity that was recorded first."""

    def __init__(self, market: RecordedMarket, symbols: tuple[Symbol, ...]) -> None:
        self.market = market
        self.symbols = symbols
        self.book: Book | None = None

    def open(self, report: AccountReport, now: UtcNanos) -> None:
        """The account comes into being with its first recorded reading."""
        if self.book is None:
            cash = report.equity
            account = Account(
                number=report.account_number or "rerun",
                cash=cash,
                start_cash=cash,
                last_equity=cash,
                created_at=now,
            )
            self.book = Book(self.market, account, SEED, now)
            self._exchange = Exchange(self.book, KEYS, NO_LIMIT)

    @property
    def pnl(self) -> Usd:
        """Dollars won since the beginning: fees taken off, what is held valued at the closing side."""
        return ZERO if self.book is None else self.book.equity() - self.book.account.start_cash

    def holds(self, symbol: Symbol) -> bool:
        """Something is held of a symbol, or an order for it is open."""
        if self.book is None:
            return False
        name = to_alpaca(symbol)
        return bool(self.book.position(name).qty) or any(
            one.symbol == name for one in self.book.live()
        )

    def advance(self, to: UtcNanos) -> list[OrderReport]:
        """Let the engine look at what was seen; the orders that changed, as a stream would tell."""
        if self.book is None or to <= self.book.now:
            return []
        self.book.advance(to)
        self.market.stepped()
        roots: dict[str, Order] = {}
        for event in self.book.take_events():
            one = self.book.orders[event.order_id]
            root = self.book.orders[one.parent] if one.parent else one
            roots[root.id] = root
        return [self._report(one.client_order_id) for one in roots.values()]

    def answer(self, now: UtcNanos, word: WordId, message: Message) -> tuple[Message, ...]:
        """What the broker, or the quotes' edge, says to a command."""
        if isinstance(message, QuotesWanted):
            return (self._quotes(message, now),)
        if self.book is None:
            return ()
        match message:
            case SubmitOrder():
                return (self._submitted(message, word),)
            case CancelOrder():
                self._ask("DELETE", f"/v2/orders/{message.order_id}")
                return (self._report(message.client_order_id, word),)
            case LookupOrder():
                return (self._found(message.client_order_id, message.symbol, word),)
            case ReadPosition():
                return (self.position(message.symbol, word),)
            case ReadAccount():
                return (self.account(),)
            case Reconcile():
                symbols = message.symbols or self.symbols
                return (self.account(), *(self.truth(one, message.reason) for one in symbols))
        return ()

    def account(self) -> AccountReport:
        """The account's figures."""
        return account_report(self._ask("GET", "/v2/account")[1])

    def position(self, symbol: Symbol, *because: WordId) -> PositionReport:
        """What is held of a symbol."""
        status, raw = self._ask("GET", f"/v2/positions/{to_position(symbol)}")
        return position_report(raw, symbol, because) if status == 200 else flat(symbol, because)

    def truth(self, symbol: Symbol, reason: str) -> Reconciled:
        """Position and open orders of a symbol."""
        assert self.book is not None
        roots = {
            one.parent or one.id for one in self.book.live() if one.symbol == to_alpaca(symbol)
        }
        clients = [self.book.orders[one].client_order_id for one in sorted(roots)]
        return Reconciled(
            symbol=symbol,
            position=self.position(symbol),
            orders=tuple(map(self._report, clients)),
            reason=reason,
        )

    def _quotes(self, wanted: QuotesWanted, now: UtcNanos) -> Quotes:
        found = {one: self.market.fresh(one, now) for one in wanted.symbols}
        missing = [one for one, quote in found.items() if quote is None]
        return Quotes(
            request=wanted.request,
            quotes=tuple(quote for quote in found.values() if quote is not None),
            failed=tuple(QuoteFailure(symbol=one, reason="no recorded quote") for one in missing),
        )

    def _submitted(self, order: SubmitOrder, word: WordId) -> OrderReport | OrderRefused:
        status, raw = self._ask("POST", "/v2/orders", body=order_body(order))
        if status == 200:
            return order_report(raw, self.symbols, "replay", (word,))
        return OrderRefused(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            request="submit",
            status=status,
            code=int(raw.get("code", 0)),
            message=str(raw.get("message", "")),
            because=(word,),
        )

    def _found(self, client: str, symbol: Symbol, word: WordId) -> OrderReport | OrderAbsent:
        assert self.book is not None
        if client in self.book.by_client:
            return self._report(client, word)
        return OrderAbsent(client_order_id=client, symbol=symbol, listed=True, because=(word,))

    def _report(self, client: str, *because: WordId) -> OrderReport:
        query = {"client_order_id": client, "nested": "true"}
        _, raw = self._ask("GET", "/v2/orders:by_client_order_id", query)
        return order_report(raw, self.symbols, "replay", because)

    def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> tuple[int, Any]:
        """A request to the venue's own handler, so that its rules and refusals hold here too."""
        sent = b"" if body is None else msgspec.json.encode(body)
        status, _, raw = self._exchange.handle(method, path, query or {}, HEADERS, sent)
        return status, msgspec.json.decode(raw) if raw else {}
