"""The streams of market data: stocks and coins, by the protocol of Alpaca's data host."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .connection import Connection, Frame
from .data_json import bar_body, orderbook_body, quote_body, trade_body
from .faults import Close, Cut, EventFault, Wrong
from .keys import Keys
from .line import End, Event, Line
from .market import Market
from .market_codec import Codec
from .sessions import MINUTE
from .wire import latest_days

CONNECTIONS = 1
"""Of one account at one endpoint."""
BASIC_SYMBOLS = 30
"""Trades and quotes that a connection of the basic plan may ask for."""
ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    500: "internal error",
}
_STOCK_CHANNELS = (
    "trades",
    "quotes",
    "bars",
    "updatedBars",
    "dailyBars",
    "statuses",
    "lulds",
    "corrections",
    "cancelErrors",
)
_COIN_CHANNELS = ("trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars")
_CHANNEL = {"t": "trades", "q": "quotes", "o": "orderbooks", "b": "bars", "d": "dailyBars"}
_FEEDS = {f"/v2/{feed}": feed for feed in ("iex", "sip", "delayed_sip")}
_FEEDS["/v1beta3/crypto/us"] = "crypto"
_ABSENT = {
    "/v2/test": "test",
    **{f"/v1beta1/{feed}": feed for feed in ("news", "opra", "indicative", "boats", "overnight")},
}
"""Streams of the vendor's that nobody here is subscribed to."""


class Rules(NamedTuple):
    """What the data plan allows, and how long the host waits for keys (machine seconds)."""

    basic: bool
    auth_seconds: float


class MarketStream:
    """One endpoint: `stocks` (all its feeds) or `crypto`."""

    def __init__(
        self,
        market: Market,
        keys: Keys,
        rules: Rules,
        *,
        crypto: bool,
        fault_of: Callable[[str, str, int], EventFault | None],
    ) -> None:
        self.market = market
        self.keys = keys
        self.rules = rules
        self.crypto = crypto
        self.channels = _COIN_CHANNELS if crypto else _STOCK_CHANNELS
        self.symbols = [name for name, one in market.assets.items() if one.is_crypto == crypto]
        self.connected: list[Session] = []
        self._line = Line(fault_of)
        self._told: dict[tuple[str, str], int] = {}
        self._minute = 0
        self._now = 0

    @property
    def is_full(self) -> bool:
        """No place for another client; one that was let go holds none."""
        return sum(not one.connection.over.is_set() for one in self.connected) >= CONNECTIONS

    async def serve(
        self, connection: Connection, codec: Codec, feed: str, wrong: Wrong | None
    ) -> None:
        """One client, until it leaves."""
        session = Session(self, connection, codec, feed, wrong)
        session.say({"T": "success", "msg": "connected"})
        patience = asyncio.get_running_loop().call_later(self.rules.auth_seconds, session.late)
        try:
            async for frame in connection.frames():
                session.heard(frame)
        finally:
            patience.cancel()
            if session in self.connected:
                self.connected.remove(session)

    def advance(self, now: int) -> None:
        """Tell what is new on the market at a time."""
        if not self.connected:
            self._minute = now // MINUTE
            return
        self._now = now
        told = self._line.passed(self._news(now), now)
        gathered: dict[Session, list[Any]] = {}
        for item in told:
            if isinstance(item, End):
                self._end(item)
                continue
            for session in self.connected:
                if session.wants(item):
                    gathered.setdefault(session, []).append(item if item.whole else None)
        for session, items in gathered.items():
            whole = [one.body for one in items if one is not None]
            if whole:
                session.connection.say(session.codec.encode(whole))
            if len(whole) < len(items):
                session.connection.say(session.codec.half(whole or [{"T": "q"}]))

    def _end(self, item: End) -> None:
        sessions, self.connected = self.connected, []
        for one in sessions:
            match item.how:
                case Close(code=code):
                    one.connection.close(code)
                case Cut():
                    one.connection.cut()
                case _:
                    one.connection.mute()

    def _news(self, now: int) -> Iterator[Event]:
        wanted = {pair for one in self.connected for pair in one.wanted()}
        for symbol in self.symbols:
            for channel, make in (("trades", self._trade), ("quotes", self._quote)):
                if (channel, symbol) in wanted or (channel, "*") in wanted:
                    yield from make(symbol, now)
            if ("orderbooks", symbol) in wanted or ("orderbooks", "*") in wanted:
                yield from self._orderbook(symbol, now)
        minute, self._minute = self._minute, now // MINUTE
        if minute and minute < self._minute:
            for symbol in self.symbols:
                yield from self._bars(symbol, minute * MINUTE, now, wanted)

    def _trade(self, symbol: str, now: int) -> Iterator[Event]:
        found = self.market.last_trade(symbol, now)
        if found is not None and self._is_new("t", symbol, found.at):
            yield self._event("t", symbol, trade_body(found, self.market.assets[symbol]))

    def _quote(self, symbol: str, now: int) -> Iterator[Event]:
        found = self.market.quote(symbol, now)
        if found is not None and self._is_new("q", symbol, found.at):
            yield self._event("q", symbol, quote_body(found, self.market.assets[symbol]))

    def _orderbook(self, symbol: str, now: int) -> Iterator[Event]:
        """One level deep, each time in full."""
        found = self.market.quote(symbol, now)
        if found is not None and self._is_new("o", symbol, found.at):
            book = orderbook_body(found, self.market.assets[symbol])
            yield self._event("o", symbol, book | {"r": True})

    def _bars(
        self, symbol: str, since: int, now: int, wanted: set[tuple[str, str]]
    ) -> Iterator[Event]:
        """Minutes completed since a time, and the day's bar so far."""
        asset = self.market.assets[symbol]
        for bar in self.market.bars(symbol, "1Min", since - MINUTE, now, now):
            if bar.t + MINUTE > since:
                yield self._event("b", symbol, bar_body(bar, asset))
        if ("dailyBars", symbol) in wanted or ("dailyBars", "*") in wanted:
            for day in latest_days(self.market, symbol, now)[-1:]:
                yield self._event("d", symbol, bar_body(day, asset))

    def _event(self, letter: str, symbol: str, body: dict[str, Any]) -> Event:
        return Event(letter, symbol, self._now, {"T": letter, "S": symbol, **body})

    def _is_new(self, letter: str, symbol: str, at: int) -> bool:
        before = self._told.get((letter, symbol), 0)
        self._told[letter, symbol] = max(before, at)
        return at > before


class Session:
    """What one client may, and what it asked for."""

    def __init__(
        self,
        stream: MarketStream,
        connection: Connection,
        codec: Codec,
        feed: str,
        wrong: Wrong | None,
    ) -> None:
        self.connection = connection
        self.codec = codec
        self._stream = stream
        self._feed = feed
        self._wrong = wrong
        self._authenticated = False
        self._asked: dict[str, list[str]] = {name: [] for name in stream.channels}

    def wants(self, event: Event) -> bool:
        """Whether an event is part of what it asked for."""
        asked = self._asked.get(_CHANNEL[event.name], [])
        return event.symbol in asked or "*" in asked

    def wanted(self) -> Iterator[tuple[str, str]]:
        """Every (channel, symbol) it asked for."""
        for channel, symbols in self._asked.items():
            for symbol in symbols:
                yield channel, symbol

    def say(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self.connection.say(self.codec.encode([message]))

    def refuse(self, code: int, message: str = "") -> None:
        """Send an error. The connection stays."""
        self.say({"T": "error", "code": code, "msg": message or ERRORS[code]})

    def late(self) -> None:
        """It has had its time to authenticate."""
        if not self._authenticated:
            self.refuse(404)
            self.connection.close(1008)

    def heard(self, frame: Frame) -> None:
        """Answer one message of the client."""
        said = self.codec.decode(frame)
        match said.get("action") if said is not None else None:
            case "auth":
                self._authenticate(said or {})
            case "subscribe" | "unsubscribe" as action if self._authenticated:
                self._ask(said or {}, add=action == "subscribe")
            case "subscribe" | "unsubscribe":
                self.refuse(401)
            case _:
                self.refuse(400)

    def _authenticate(self, said: dict[str, Any]) -> None:
        if self._authenticated:
            self.refuse(403)
        elif self._wrong is not None:
            self.refuse(self._wrong.code, self._wrong.message)
        elif not self._stream.keys.open_data(
            Keys(str(said.get("key", "")), str(said.get("secret", "")))
        ):
            self.refuse(402)
        elif self._feed in _ABSENT.values() or (
            self._stream.rules.basic and self._feed in ("sip", "delayed_sip")
        ):
            self.refuse(409)
        elif self._stream.is_full:
            self.refuse(406)
            self.connection.close(1008)
        else:
            self._authenticated = True
            self._stream.connected.append(self)
            self.say({"T": "success", "msg": "authenticated"})

    def _ask(self, said: dict[str, Any], *, add: bool) -> None:
        lists = {name: value for name, value in said.items() if name != "action"}
        if not all(_is_texts(value) for value in lists.values()):
            self.refuse(400)
            return
        if not set(lists) <= set(self._stream.channels):
            self.refuse(410)
            return
        asked = {name: list(known) for name, known in self._asked.items()}
        for name, symbols in lists.items():
            kept = [one for one in asked[name] if one not in symbols]
            asked[name] = kept + list(dict.fromkeys(symbols)) if add else kept
        if self._stream.rules.basic and _counted(asked) > BASIC_SYMBOLS:
            self.refuse(405)
            return
        self._asked = asked
        self.say({"T": "subscription", **asked})


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _counted(asked: dict[str, list[str]]) -> int:
    return len(asked["trades"]) + len(asked["quotes"])


def feed_of(path: str) -> str | None:
    """`iex`, `sip`, `crypto` and the like; None for no stream of market data."""
    return _FEEDS.get(path) or _ABSENT.get(path)
