"""alpaca-py's clients of market data and its three streams against the venue."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from alpaca.data import requests as data
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.live.websocket import DataStream
from alpaca.data.timeframe import TimeFrame
from alpaca.trading import requests as ask
from alpaca.trading.stream import TradingStream

from argo_actors.cli.simulated import SimulatedWorld
from tests.venue.order_kinds import KINDS
from tests.venue.surface import Surface, drives
from tests.venue.test_exchange import World

STOCK, COIN = "AAPL", "BTC/USD"


@pytest.fixture(scope="module")
def world(served: SimulatedWorld) -> Iterator[World]:
    with closing(World(served)) as found:
        found.pass_time(2)
        yield found


@pytest.fixture
def surface(world: World) -> Iterator[Surface]:
    with closing(Surface(world)) as found:
        yield found


# market data


def by_the_minute(surface: Surface, kind: Any, symbol: str, **more: Any) -> Any:
    """A question about the last two minutes of a symbol."""
    start = datetime.fromtimestamp(surface.world.now / 10**9, UTC) - timedelta(minutes=2)
    return kind(symbol_or_symbols=symbol, start=start, **more)


def in_order(rows: list[Any]) -> bool:
    return all(one.timestamp < other.timestamp for one, other in pairwise(rows))


@drives(
    StockHistoricalDataClient.get_stock_bars,
    StockHistoricalDataClient.get_stock_quotes,
    StockHistoricalDataClient.get_stock_trades,
    StockHistoricalDataClient.get_stock_latest_bar,
    StockHistoricalDataClient.get_stock_latest_quote,
    StockHistoricalDataClient.get_stock_latest_trade,
    StockHistoricalDataClient.get_stock_snapshot,
)
def test_the_past_and_the_latest_of_a_stock_are_read(surface: Surface) -> None:
    client = surface.stocks
    wanted = by_the_minute(surface, data.StockBarsRequest, STOCK, timeframe=TimeFrame.Minute)
    bars = client.get_stock_bars(wanted).data[STOCK]
    quotes = client.get_stock_quotes(by_the_minute(surface, data.StockQuotesRequest, STOCK))
    trades = client.get_stock_trades(by_the_minute(surface, data.StockTradesRequest, STOCK))
    assert in_order(bars)
    assert in_order(quotes.data[STOCK])
    assert in_order(trades.data[STOCK])
    assert len(quotes.data[STOCK]) == len(trades.data[STOCK]) > 60
    assert all(one.bid_price < one.ask_price for one in quotes.data[STOCK])
    bar = client.get_stock_latest_bar(data.StockLatestBarRequest(symbol_or_symbols=STOCK))
    quote = client.get_stock_latest_quote(data.StockLatestQuoteRequest(symbol_or_symbols=STOCK))
    trade = client.get_stock_latest_trade(data.StockLatestTradeRequest(symbol_or_symbols=STOCK))
    found = client.get_stock_snapshot(data.StockSnapshotRequest(symbol_or_symbols=STOCK))[STOCK]
    assert bars[-1] == bar[STOCK] == found.minute_bar
    assert quote[STOCK] == found.latest_quote
    assert trade[STOCK] == found.latest_trade


@drives(
    CryptoHistoricalDataClient.get_crypto_bars,
    CryptoHistoricalDataClient.get_crypto_quotes,
    CryptoHistoricalDataClient.get_crypto_trades,
    CryptoHistoricalDataClient.get_crypto_latest_bar,
    CryptoHistoricalDataClient.get_crypto_latest_quote,
    CryptoHistoricalDataClient.get_crypto_latest_trade,
    CryptoHistoricalDataClient.get_crypto_latest_orderbook,
    CryptoHistoricalDataClient.get_crypto_snapshot,
)
def test_the_past_and_the_latest_of_a_coin_are_read(surface: Surface) -> None:
    client = surface.coins
    wanted = by_the_minute(surface, data.CryptoBarsRequest, COIN, timeframe=TimeFrame.Minute)
    bars = client.get_crypto_bars(wanted).data[COIN]
    quotes = client.get_crypto_quotes(by_the_minute(surface, data.CryptoQuoteRequest, COIN))
    trades = client.get_crypto_trades(by_the_minute(surface, data.CryptoTradesRequest, COIN))
    assert in_order(bars)
    assert in_order(quotes.data[COIN])
    assert in_order(trades.data[COIN])
    bar = client.get_crypto_latest_bar(data.CryptoLatestBarRequest(symbol_or_symbols=COIN))
    quote = client.get_crypto_latest_quote(data.CryptoLatestQuoteRequest(symbol_or_symbols=COIN))
    trade = client.get_crypto_latest_trade(data.CryptoLatestTradeRequest(symbol_or_symbols=COIN))
    asked = data.CryptoLatestOrderbookRequest(symbol_or_symbols=COIN)
    book = client.get_crypto_latest_orderbook(asked)[COIN]
    found = client.get_crypto_snapshot(data.CryptoSnapshotRequest(symbol_or_symbols=COIN))[COIN]
    assert bars[-1] == bar[COIN] == found.minute_bar
    assert quote[COIN] == found.latest_quote
    assert trade[COIN] == found.latest_trade
    sides = (book.bids[0].price, book.asks[0].price)
    assert sides == (quote[COIN].bid_price, quote[COIN].ask_price)


# streams


def into(kept: list[Any]) -> Any:
    async def keep(one: Any) -> None:
        kept.append(one)

    return keep


@contextmanager
def running(stream: Any, wake: Callable[[], Any]) -> Iterator[None]:
    """A stream in a thread of its own; a frame more, by `wake`, lets it see that it is to stop."""
    thread = threading.Thread(target=stream.run)
    thread.start()
    try:
        patient(lambda: stream._running)
        yield
    finally:
        stream.stop()
        patient(lambda: (wake(), thread.join(0.05)) and not thread.is_alive())


def patient(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_quiet(world: World, kept: list[Any], steady: list[Any]) -> None:
    """Time passes until a step brings something steady, and nothing of what was taken back."""

    def step() -> bool:
        before, heard = len(kept), len(steady)
        world.pass_time(1)
        patient(lambda: len(steady) > heard)
        return len(kept) == before

    world.until(step)


STREAM = (DataStream.run, DataStream.stop, DataStream.stop_ws, DataStream.close)


@drives(
    *STREAM,
    StockDataStream.subscribe_trades,
    StockDataStream.subscribe_quotes,
    StockDataStream.subscribe_bars,
    StockDataStream.subscribe_updated_bars,
    StockDataStream.subscribe_daily_bars,
    StockDataStream.subscribe_trading_statuses,
    StockDataStream.register_trade_corrections,
    StockDataStream.register_trade_cancels,
    StockDataStream.unsubscribe_trades,
    StockDataStream.unsubscribe_quotes,
    StockDataStream.unsubscribe_bars,
    StockDataStream.unsubscribe_updated_bars,
    StockDataStream.unsubscribe_daily_bars,
    StockDataStream.unsubscribe_trading_statuses,
)
def test_the_stream_of_stocks_is_subscribed_to_and_taken_back(
    surface: Surface, caplog: pytest.LogCaptureFixture
) -> None:
    trades, quotes, bars, days, rest = [], [], [], [], []
    stream = StockDataStream(*surface.keys, url_override=f"{surface.ws}/v2/iex")
    stream.subscribe_quotes(into(quotes), STOCK, "MSFT")
    stream.subscribe_bars(into(bars), STOCK)
    stream.subscribe_updated_bars(into(rest), STOCK)
    stream.subscribe_daily_bars(into(days), STOCK)
    stream.subscribe_trading_statuses(into(rest), STOCK)
    stream.register_trade_corrections(into(rest))
    stream.register_trade_cancels(into(rest))
    world = surface.world
    with running(stream, lambda: world.pass_time(1)):
        stream.subscribe_trades(into(trades), STOCK)
        world.until(lambda: world.pass_time(20) or (trades and quotes and bars and days))
        stream.unsubscribe_trades(STOCK)
        stream.unsubscribe_quotes(STOCK)
        stream.unsubscribe_bars(STOCK)
        stream.unsubscribe_updated_bars(STOCK)
        stream.unsubscribe_daily_bars(STOCK)
        stream.unsubscribe_trading_statuses(STOCK)
        until_quiet(world, trades, quotes)
    assert {one.symbol for one in (*trades, *bars, *days)} == {STOCK}
    assert rest == []
    assert not [one for one in caplog.messages if one.startswith("error")]


@drives(
    CryptoDataStream.subscribe_trades,
    CryptoDataStream.subscribe_quotes,
    CryptoDataStream.subscribe_bars,
    CryptoDataStream.subscribe_updated_bars,
    CryptoDataStream.subscribe_daily_bars,
    CryptoDataStream.subscribe_orderbooks,
    CryptoDataStream.unsubscribe_trades,
    CryptoDataStream.unsubscribe_quotes,
    CryptoDataStream.unsubscribe_bars,
    CryptoDataStream.unsubscribe_updated_bars,
    CryptoDataStream.unsubscribe_daily_bars,
    CryptoDataStream.unsubscribe_orderbooks,
)
def test_the_stream_of_coins_is_subscribed_to_and_taken_back(
    surface: Surface, caplog: pytest.LogCaptureFixture
) -> None:
    trades, quotes, bars, days, books, rest = [], [], [], [], [], []
    stream = CryptoDataStream(*surface.keys, url_override=f"{surface.ws}/v1beta3/crypto/us")
    stream.subscribe_quotes(into(quotes), COIN, "ETH/USD")
    stream.subscribe_bars(into(bars), COIN)
    stream.subscribe_updated_bars(into(rest), COIN)
    stream.subscribe_daily_bars(into(days), COIN)
    stream.subscribe_orderbooks(into(books), COIN)
    world = surface.world
    with running(stream, lambda: world.pass_time(1)):
        stream.subscribe_trades(into(trades), COIN)
        world.until(lambda: world.pass_time(20) or (trades and quotes and bars and days and books))
        stream.unsubscribe_trades(COIN)
        stream.unsubscribe_quotes(COIN)
        stream.unsubscribe_bars(COIN)
        stream.unsubscribe_updated_bars(COIN)
        stream.unsubscribe_daily_bars(COIN)
        stream.unsubscribe_orderbooks(COIN)
        until_quiet(world, trades, quotes)
    assert {one.symbol for one in (*trades, *bars, *days, *books)} == {COIN}
    assert rest == []
    assert not [one for one in caplog.messages if one.startswith("error")]


@drives(
    TradingStream.run,
    TradingStream.stop,
    TradingStream.stop_ws,
    TradingStream.close,
    TradingStream.subscribe_trade_updates,
)
def test_the_stream_of_trade_updates_tells_of_fill_replacement_and_end(
    world: World, surface: Surface
) -> None:
    heard: list[Any] = []
    stream = TradingStream(*surface.keys, url_override=f"{surface.ws}/stream")
    stream.subscribe_trade_updates(into(heard))

    def order(kind: str) -> Any:
        sent = world.client.submit_order(KINDS[kind])
        world.pass_time(1)
        return sent

    with running(stream, lambda: order("limit, immediate or cancel")):
        patient(lambda: order("limit, immediate or cancel") and heard)
        filled, resting = order("market of a coin"), order("limit")
        new = world.client.replace_order_by_id(resting.id, ask.ReplaceOrderRequest(limit_price=99))
        world.pass_time(1)
        world.client.cancel_order_by_id(new.id)
        world.pass_time(1)
        patient(lambda: ("canceled", new.id) in [(one.event, one.order.id) for one in heard])
    told = {(one.event, one.order.id) for one in heard}
    wanted = {("fill", filled.id), ("replaced", resting.id), ("new", new.id), ("canceled", new.id)}
    assert wanted <= told
    (fill,) = [one for one in heard if (one.event, one.order.id) == ("fill", filled.id)]
    assert (fill.position_qty > 0, fill.price > 0, fill.qty) == (True, True, 0.01)
