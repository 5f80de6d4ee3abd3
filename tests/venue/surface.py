"""What alpaca-py offers, by introspection, and which tests say that they drive it."""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import alpaca
import pytest
from alpaca.common.rest import RESTClient
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.live.websocket import DataStream
from alpaca.trading.stream import TradingStream

from tests.venue.test_exchange import World

DRIVEN: set[str] = set()
"""Methods that some test drives, as `Class.method` of the class that defines it."""


class Surface:
    """alpaca-py's REST clients of one account at one venue."""

    def __init__(self, world: World) -> None:
        self.world = world
        about = world.one.about
        self.keys = (about["key_id"], about["secret"])
        self.ws = world.one.url.replace("http", "ws")
        self._open = ExitStack()
        self.stocks: Any = self.client(StockHistoricalDataClient)
        self.coins: Any = self.client(CryptoHistoricalDataClient)
        self.actions: Any = self.client(CorporateActionsClient)

    def client(self, kind: Any) -> Any:
        """A client of one of alpaca-py's classes, closed with the surface."""
        found = kind(*self.keys, url_override=self.world.one.url)
        self._open.callback(found._session.close)
        return found

    def close(self) -> None:
        self._open.close()


def clients() -> dict[str, Any]:
    """Every class of alpaca-py's that speaks to Alpaca."""
    found = {}
    for module in pkgutil.walk_packages(alpaca.__path__, "alpaca."):
        for name, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            speaks = issubclass(one, RESTClient | DataStream | TradingStream)
            if speaks and one not in (RESTClient, DataStream):
                found[name] = one
    return found


def public(kind: Any) -> set[str]:
    """The public methods of a class, as `Class.method` of the class that defines each."""
    return {
        one.__qualname__
        for name, one in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def drives(*methods: Any) -> Callable[[Any], Any]:
    """A test that drives these methods; it fails when it does not call one of them."""
    DRIVEN.update(one.__qualname__ for one in methods)

    def decorate(test: Any) -> Any:
        @functools.wraps(test)
        def watched(*args: Any, **more: Any) -> None:
            with calling(*methods):
                test(*args, **more)

        return watched

    return decorate


@contextmanager
def calling(*methods: Any) -> Iterator[None]:
    """Whoever leaves it has called all of these methods."""
    called: set[Any] = set()
    with pytest.MonkeyPatch.context() as patch:
        for one in methods:
            patch.setattr(_owner(one), one.__name__, _noted(one, called))
        yield
    assert [one.__qualname__ for one in methods if one not in called] == []


def _noted(method: Any, called: set[Any]) -> Any:
    @functools.wraps(method)
    def noted(*args: Any, **more: Any) -> Any:
        called.add(method)
        return method(*args, **more)

    return noted


def _owner(method: Any) -> Any:
    return getattr(inspect.getmodule(method), method.__qualname__.partition(".")[0])
