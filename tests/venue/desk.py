"""A trading desk without sockets: the venue's own request handler over bars that a test writes."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import numpy as np

from argo_actors.venue.assets import asset_for
from argo_actors.venue.keys import Keys
from argo_actors.venue.matching import Account, Book
from argo_actors.venue.path import Columns, Path
from argo_actors.venue.rest import Exchange
from argo_actors.venue.sessions import MINUTE, SECOND
from argo_actors.venue.tape import BarMarket

WEDNESDAY = 1_772_636_400 * SECOND
"""2026-03-04 15:00 UTC: half an hour after the open in New York."""
HOUR = 60 * MINUTE
PRICES = {"AAPL": 250.0, "MSFT": 400.0, "BTC/USD": 60_000.0, "ETH/USD": 3_000.0}
KEYS = {"apca-api-key-id": "K", "apca-api-secret-key": "S"}


class WrittenMarket(BarMarket):
    """Bars of one price each, written as the test goes; between them the price stands still."""

    def __init__(self, prices: dict[str, float], start: int) -> None:
        self.written = {name: [(start - HOUR, price)] for name, price in prices.items()}
        super().__init__(
            label="written",
            assets={name: asset_for(name, price) for name, price in prices.items()},
            minutes={name: _columns(rows) for name, rows in self.written.items()},
            days_before={},
            start=start,
            end=start + 365 * 24 * HOUR,
        )

    def write(self, symbol: str, at: int, price: float) -> None:
        rows = self.written[symbol]
        if rows[-1][0] == at:
            rows.pop()
        rows.append((at, price))
        self._paths[symbol] = Path(_columns(rows))


def _columns(rows: list[tuple[int, float]]) -> Columns:
    prices = np.array([price for _, price in rows])
    times = np.array([at for at, _ in rows], dtype=np.int64)
    return Columns(times, prices, prices, prices, prices, np.full(len(rows), 1000.0))


class Desk:
    """One account; a price moves at the minute that begins, and orders meet it in the next second."""

    def __init__(self, start: int = WEDNESDAY, cash: str = "100000", seed: int = 7) -> None:
        self.market = WrittenMarket(PRICES, start)
        money = Decimal(cash)
        account = Account(
            number="PA1", cash=money, start_cash=money, last_equity=money, created_at=start
        )
        self.book = Book(self.market, account, seed, start)
        self.exchange = Exchange(self.book, Keys("K", "S"), 10**9)

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """Status and decoded answer of a request to the trading API."""
        sent = b"" if body is None else json.dumps(body).encode()
        status, _, found = self.exchange.handle(method, f"/v2{path}", query, KEYS, sent)
        assert status < 500, (method, path, body, urlencode(query), found)
        return status, json.loads(found) if found else None

    def order(self, symbol: str = "AAPL", qty: str = "10", side: str = "buy", **more: Any) -> Any:
        """Submit; market, gtc unless told otherwise. The order, or the refusal."""
        body = {"symbol": symbol, "qty": qty, "side": side, "type": "market"}
        body |= {"time_in_force": "gtc"} | more
        return self.ask("POST", "/orders", {k: v for k, v in body.items() if v is not None})[1]

    def seconds(self, seconds: float) -> None:
        self.book.advance(self.book.now + int(seconds * SECOND))

    def move(self, symbol: str, price: float) -> None:
        """The price jumps with the next minute; a second of it passes."""
        minute = (self.book.now // MINUTE + 1) * MINUTE
        self.book.advance(minute - 1)
        self.market.write(symbol, minute, price)
        self.book.advance(minute + SECOND)

    def until(self, at: int) -> None:
        """Time passes to a moment in steps of a quarter of an hour."""
        while self.book.now < at:
            self.book.advance(min(at, self.book.now + 15 * MINUTE))

    def read(self, order: Any) -> Any:
        return self.ask("GET", f"/orders/{order['id']}", nested="true")[1]

    def leg(self, order: Any, kind: str) -> Any:
        """The `target` or the `stop` of an order."""
        wanted = "limit" if kind == "target" else "stop"
        return next(one for one in self.read(order)["legs"] if one["type"].startswith(wanted))

    def filled(self, **order: Any) -> Any:
        """An order that is filled in full."""
        sent = self.order(**order)
        for _ in range(5):
            self.seconds(1)
        found = self.read(sent)
        assert found["status"] == "filled", found
        return found

    def bracket(self, target: str = "260", stop: str = "240", **more: Any) -> Any:
        """A long bracket of ten shares; its entry is filled."""
        return self.filled(
            order_class="bracket",
            take_profit={"limit_price": target},
            stop_loss={"stop_price": stop},
            **more,
        )

    def position(self, symbol: str = "AAPL") -> Decimal:
        return self.book.position(symbol).qty

    def told(self) -> list[tuple[str, str]]:
        """Events since the last call, as (event, order id)."""
        return [(one.event, one.order_id) for one in self.book.take_events()]
