"""A venue with faults on call, and the clients that see them: alpaca-py's own, and bare requests."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)
from alpaca.trading.stream import TradingStream
from websockets.sync.client import ClientConnection, connect

from argo_actors.cli.simulated import SimulatedWorld, request

SECOND = 1_000_000_000
SOCKET = {"ping_interval": None, "close_timeout": 0.1, "open_timeout": 5}


class World:
    """A venue in lockstep with its clients. `patience` is how long (s) they wait for an answer."""

    def __init__(self, one: SimulatedWorld) -> None:
        self.url, self.ws = one.url, one.url.replace("http", "ws")
        self.key, self.secret = one.about["key_id"], one.about["secret"]
        self.headers = {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}
        self.now = int(one.get("/argo/state")["now"])
        self.patience, self.cases = 10.0, 0
        self.open = ExitStack()
        self.client = TradingClient(self.key, self.secret, url_override=one.url)
        self.stocks = StockHistoricalDataClient(self.key, self.secret, url_override=one.url)
        self.coins = CryptoHistoricalDataClient(self.key, self.secret, url_override=one.url)
        for client in (self.client, self.stocks, self.coins):
            client._retry = client._retry_wait = 0
            self._supply_deadline(client._session)
        self.session = requests.Session()
        self._supply_deadline(self.session)

    def _supply_deadline(self, session: requests.Session) -> None:
        """alpaca-py waits without end."""
        session.trust_env = False
        send = session.request
        session.request = lambda *a, **k: send(*a, **{"timeout": self.patience, **k})  # type: ignore[method-assign]

    # the venue

    def give(self, plan: dict[str, Any]) -> None:
        """Let it go wrong, at run time."""
        answer = self.session.post(f"{self.url}/argo/faults", data=json.dumps(plan))
        assert answer.status_code == 200, answer.text

    def faults(self) -> dict[str, Any]:
        """The rules and what they have hit."""
        found: dict[str, Any] = request(self.url, "GET", "/argo/faults", None)
        return found

    def clear(self) -> None:
        """Nothing goes wrong any more, nothing is open, nothing is held, nobody listens."""
        request(self.url, "DELETE", "/argo/faults", None)
        self.patience, self.cases = 10.0, self.cases + 1
        self.open.close()
        self.session.delete(f"{self.url}/v2/positions?cancel_orders=true", headers=self.headers)
        self.until(lambda: not self.client.get_all_positions())

    def pass_time(self, seconds: float) -> None:
        """Market time."""
        self.now += int(seconds * SECOND)
        request(self.url, "POST", "/argo/advance", {"to": self.now})

    def until(self, condition: Callable[[], Any], seconds: int = 300) -> Any:
        """What a condition gives once it is true, with time passing."""
        for _ in range(seconds):
            if found := condition():
                return found
            self.pass_time(1)
        raise AssertionError("it never came true")

    # a client that is nobody's

    def ask(self, path: str, method: str = "GET", body: Any = None) -> requests.Response:
        """A bare request with the account's keys."""
        return self.session.request(method, self.url + path, headers=self.headers, json=body)

    def socket(self, path: str = "/stream", **more: Any) -> ClientConnection:
        """A bare WebSocket."""
        return self.open.enter_context(connect(self.ws + path, close_timeout=0.1, **more))

    # alpaca-py

    def market(self, name: str, symbol: str = "BTC/USD", qty: float = 0.01, **more: Any) -> Any:
        """Send a market order."""
        return self.client.submit_order(
            MarketOrderRequest(
                symbol=symbol,
                qty=qty,
                side=more.pop("side", OrderSide.BUY),
                time_in_force=more.pop("time_in_force", TimeInForce.GTC),
                client_order_id=self.named(name),
                **more,
            )
        )

    def limit(self, name: str, price: float = 10_000, **more: Any) -> Any:
        """Send a limit order; by itself it rests far below the price of a bitcoin."""
        wanted = {"symbol": "BTC/USD", "qty": 0.01, "side": OrderSide.BUY} | more
        return self.client.submit_order(
            LimitOrderRequest(
                limit_price=price,
                time_in_force=TimeInForce.GTC,
                client_order_id=self.named(name),
                **wanted,
            )
        )

    def named(self, name: str) -> str:
        """A client order id that no case before has used."""
        return f"{name}-{self.cases}"

    def order(self, one: Any) -> Any:
        """The order as it is now, with its legs."""
        return self.client.get_order_by_id(one.id, GetOrderByIdRequest(nested=True))

    def status(self, one: Any) -> str:
        """Its status now."""
        return str(self.order(one).status.value)

    def filled(self, one: Any) -> Any:
        """The order, once it is filled."""
        return self.until(lambda: (now := self.order(one)).status.value == "filled" and now)

    def bracket(self, name: str, target: float = 400, stop: float = 150) -> Any:
        """Ten shares with a stop and a target; the entry has filled."""
        return self.filled(
            self.market(
                name,
                "AAPL",
                10,
                order_class=OrderClass.BRACKET,
                take_profit=TakeProfitRequest(limit_price=target),
                stop_loss=StopLossRequest(stop_price=stop),
            )
        )

    def refused(self, call: Callable[[], Any]) -> APIError:
        """The error that alpaca-py makes of an answer."""
        try:
            found = call()
        except APIError as error:
            return error
        raise AssertionError(f"no error but {found}")

    def position(self, symbol: str) -> float:
        """Signed quantity that the list of positions tells."""
        held = {one.symbol: float(one.qty) for one in self.client.get_all_positions()}
        return held.get(symbol, 0.0)

    def updates(self, **more: Any) -> "Listener":
        """alpaca-py's TradingStream, listening."""
        stream = TradingStream(
            self.key,
            self.secret,
            url_override=f"{self.ws}/stream",
            websocket_params=SOCKET | more,
        )
        return self.open.enter_context(Listener(stream, stream.subscribe_trade_updates))

    def quotes(self, symbol: str = "AAPL", **more: Any) -> "Listener":
        """alpaca-py's stream of a symbol's quotes."""
        coin = "/" in symbol
        stream = (CryptoDataStream if coin else StockDataStream)(
            self.key,
            self.secret,
            url_override=f"{self.ws}/{'v1beta3/crypto/us' if coin else 'v2/iex'}",
            websocket_params=SOCKET | more,
        )
        return self.open.enter_context(
            Listener(stream, lambda kept: stream.subscribe_quotes(kept, symbol))
        )

    def close(self) -> None:
        """Let go of everything."""
        self.open.close()
        for one in (self.client, self.stocks, self.coins):
            one._session.close()
        self.session.close()


class Listener:
    """One connection of an alpaca-py stream: what it heard, and the error that ended it.

    alpaca-py connects, authenticates, reads and parses; only its endless trying again is left out.
    """

    def __init__(self, stream: Any, subscribe: Callable[[Any], None]) -> None:
        self.heard: list[Any] = []
        self._more = threading.Condition()
        self._stream = stream
        subscribe(self._keep)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    async def _keep(self, one: Any) -> None:
        with self._more:
            self.heard.append(one)
            self._more.notify()

    def __enter__(self) -> "Listener":
        self._thread.start()
        try:
            self._do(self._begin())
        except BaseException:
            self.__exit__()
            raise
        self._reading = asyncio.run_coroutine_threadsafe(self._stream._consume(), self._loop)
        return self

    async def _begin(self) -> None:
        await self._stream._start_ws()
        if hasattr(self._stream, "_send_subscribe_msg"):
            await self._stream._send_subscribe_msg()
        await asyncio.wait_for(self._stream._ws.recv(), 5)  # what it listens to

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_reading"):
            self._reading.cancel()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        if self._stream._ws is not None:
            self._stream._ws.transport.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait([task], timeout=1)

    def failure(self) -> BaseException | None:
        """What ended it."""
        return self._reading.exception(5)

    def wait(self, count: int = 1) -> list[Any]:
        """Everything it has heard, once that is so much."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.heard) >= count, 10), self.heard
        return self.heard

    def events(self, count: int = 1) -> list[str]:
        """Names of so many trade updates."""
        return [str(getattr(one.event, "value", one.event)) for one in self.wait(count)]
