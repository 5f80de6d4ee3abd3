"""alpaca-py's whole public surface against the venue: what is driven, and what the venue has not.

A test says by `drives` which methods it calls, and fails when it does not. What no test drives is in one
of the tables here, each with a reason.
"""

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data import requests as data
from alpaca.data.enums import MarketType, MostActivesBy
from alpaca.data.historical.news import NewsClient
from alpaca.data.historical.option import OptionHistoricalDataClient
from alpaca.data.historical.screener import ScreenerClient
from alpaca.data.live import NewsDataStream, OptionDataStream
from alpaca.data.timeframe import TimeFrame

from argo_actors.cli.simulated import SimulatedWorld
from tests.venue.surface import DRIVEN, Surface, calling, clients, public
from tests.venue.test_alpaca_py_data import STOCK, into
from tests.venue.test_exchange import World

DRIVERS = ("test_alpaca_py_trading", "test_alpaca_py_data")


@pytest.fixture(scope="module")
def surface(served: SimulatedWorld) -> Iterator[Surface]:
    with closing(World(served)) as world, closing(Surface(world)) as found:
        yield found


class Absent(NamedTuple):
    """Methods whose question the venue refuses, and why it has no answer."""

    methods: tuple[Any, ...]
    ask: Callable[[Surface], None]
    why: str


def refused(call: Callable[[], Any]) -> None:
    """A refusal that alpaca-py can read: a status from 400 to 499, and JSON with a message."""
    with pytest.raises(APIError) as caught:
        call()
    assert 400 <= caught.value.status_code < 500
    assert caught.value.message


def ended(stream: Any) -> None:
    """The stream is told that it has no subscription, on which alpaca-py ends it."""
    thread = threading.Thread(target=stream.run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def options(surface: Surface) -> None:
    client, one = surface.client(OptionHistoricalDataClient), "AAPL260320C00250000"
    bars = data.OptionBarsRequest(symbol_or_symbols=one, timeframe=TimeFrame.Day)
    refused(lambda: client.get_option_bars(bars))
    refused(lambda: client.get_option_trades(data.OptionTradesRequest(symbol_or_symbols=one)))
    quote = data.OptionLatestQuoteRequest(symbol_or_symbols=one)
    refused(lambda: client.get_option_latest_quote(quote))
    trade = data.OptionLatestTradeRequest(symbol_or_symbols=one)
    refused(lambda: client.get_option_latest_trade(trade))
    snapshot = data.OptionSnapshotRequest(symbol_or_symbols=one)
    refused(lambda: client.get_option_snapshot(snapshot))
    chain = data.OptionChainRequest(underlying_symbol=STOCK)
    refused(lambda: client.get_option_chain(chain))
    refused(client.get_option_exchange_codes)


def option_stream(surface: Surface) -> None:
    stream = OptionDataStream(*surface.keys, url_override=f"{surface.ws}/v1beta1/indicative")
    stream.subscribe_trades(into([]), "AAPL260320C00250000")
    stream.subscribe_quotes(into([]), "AAPL260320C00250000", "AAPL260320P00250000")
    stream.unsubscribe_trades("AAPL260320C00250000")
    stream.unsubscribe_quotes("AAPL260320P00250000")
    ended(stream)


def news(surface: Surface) -> None:
    refused(lambda: surface.client(NewsClient).get_news(data.NewsRequest(symbols=STOCK)))
    stream = NewsDataStream(*surface.keys, url_override=f"{surface.ws}/v1beta1/news")
    stream.subscribe_news(into([]), STOCK, "MSFT")
    stream.unsubscribe_news("MSFT")
    ended(stream)


def screener(surface: Surface) -> None:
    client = surface.client(ScreenerClient)
    refused(lambda: client.get_most_actives(data.MostActivesRequest(by=MostActivesBy.VOLUME)))
    refused(
        lambda: client.get_market_movers(data.MarketMoversRequest(market_type=MarketType.STOCKS))
    )


NOT_MODELLED = (
    Absent(
        (
            OptionHistoricalDataClient.get_option_bars,
            OptionHistoricalDataClient.get_option_trades,
            OptionHistoricalDataClient.get_option_latest_quote,
            OptionHistoricalDataClient.get_option_latest_trade,
            OptionHistoricalDataClient.get_option_snapshot,
            OptionHistoricalDataClient.get_option_chain,
            OptionHistoricalDataClient.get_option_exchange_codes,
        ),
        options,
        "the market has no options",
    ),
    Absent(
        (
            OptionDataStream.subscribe_trades,
            OptionDataStream.subscribe_quotes,
            OptionDataStream.unsubscribe_trades,
            OptionDataStream.unsubscribe_quotes,
        ),
        option_stream,
        "the market has no options",
    ),
    Absent(
        (NewsClient.get_news, NewsDataStream.subscribe_news, NewsDataStream.unsubscribe_news),
        news,
        "nothing happens in a market of bars that could be news",
    ),
    Absent(
        (ScreenerClient.get_most_actives, ScreenerClient.get_market_movers),
        screener,
        "rankings of the whole market, of which the venue has a dozen symbols",
    ),
)
NO_QUESTION = {
    "RESTClient.response_wrapper": "it makes a model of an answer, and asks nobody",
}
ANOTHER_API = {
    "BrokerClient": "the Broker API, for brokers' back offices",
}


@pytest.mark.parametrize("absent", NOT_MODELLED, ids=lambda one: one.ask.__name__)
def test_what_is_not_modelled_is_refused_in_words(surface: Surface, absent: Absent) -> None:
    with calling(*absent.methods):
        absent.ask(surface)


def test_every_public_method_is_driven_or_named_with_a_reason() -> None:
    for name in DRIVERS:
        importlib.import_module(f"tests.venue.{name}")
    known = clients()
    assert set(known) > set(ANOTHER_API)
    methods = {one for name in set(known) - set(ANOTHER_API) for one in public(known[name])}
    absent = {one.__qualname__ for row in NOT_MODELLED for one in row.methods}
    assert not DRIVEN & absent
    assert methods == DRIVEN | absent | set(NO_QUESTION)
