"""The venue on loopback: one event loop owns the book; time is the wall clock's, or the caller's."""

import argparse
import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec

from . import trading_json as wire
from .data_rest import forbidden, handle_data
from .generated import Generated
from .market import Market
from .matching import Account, Book
from .models import SKILLS, Skill
from .providers import handle_provider
from .recorded import BarFileError, Recorded
from .rest import CALLS_A_MINUTE, Exchange, Keys
from .store import Store

DEMO_KEYS = Keys("PKARGODEMO0000000000", "argo-demo-secret-for-the-simulated-venue")
"""The keys of the simulated account; they open nothing else."""
ACCOUNT_NUMBER = "PA0ARGODEMO1"
START_CASH = Decimal(100_000)
FINE, COARSE = 250_000_000, 1_000_000_000
DEFAULT_START = "2026-03-04T15:00:00+00:00"
SECOND = 1_000_000_000


class Options(NamedTuple):
    """How a venue is run."""

    market: Market
    start: int
    seed: int
    lockstep: bool
    state: Path | None = None
    port: int = 0
    bad_keys: frozenset[str] = frozenset()
    cash: Decimal = START_CASH
    keys: Keys = DEMO_KEYS
    account_number: str = ACCOUNT_NUMBER
    calls_a_minute: int = CALLS_A_MINUTE
    skill: Skill = "copy"


class Venue:
    """The ASGI application."""

    def __init__(self, options: Options) -> None:
        self.options = options
        account = Account(
            number=options.account_number,
            cash=options.cash,
            start_cash=options.cash,
            last_equity=options.cash,
            created_at=options.start,
        )
        self.book = Book(options.market, account, options.seed, options.start)
        self.store = None if options.state is None else Store(options.state / "venue.db")
        if self.store is not None:
            self.store.load(self.book)
        self.exchange = Exchange(self.book, options.keys, options.calls_a_minute)
        self.stopping = asyncio.Event()
        self._listeners: set[asyncio.Queue[bytes]] = set()
        self._zero = (self.book.now, time.monotonic_ns())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    # http

    async def _http(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            part = await receive()
            if part["type"] == "http.disconnect":
                return
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        headers = {
            name.decode("latin1").lower(): value.decode("latin1")
            for name, value in scope["headers"]
        }
        path = scope["raw_path"].decode("latin1").partition("?")[0]
        query = dict(parse_qsl(scope["query_string"].decode("latin1"), keep_blank_values=True))
        status, found, answer = self.answer(scope["method"], path, query, headers, body)
        found = {**found, "Content-Length": str(len(answer))}
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(k.lower().encode(), v.encode()) for k, v in found.items()],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Any of the venue's HTTP answers."""
        if path.startswith("/argo/"):
            return self._control(method, path, body)
        now, market, bad = self.book.now, self.options.market, self.options.bad_keys
        found = handle_provider(
            market,
            now,
            method,
            unquote(path),
            query,
            headers,
            bad,
            body=body,
            skill=self.options.skill,
        )
        if found is not None:
            return found
        if path.startswith(("/v2/stocks/", "/v1beta3/")):
            if "alpaca" in bad:
                return forbidden()
            found = handle_data(market, now, method, unquote(path), query, headers)
            if found is not None:
                return found
        answer = self.exchange.handle(method, path, query, headers, body)
        self._settle()
        return answer

    def _control(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        match method, path:
            case "POST", "/argo/advance" if self.options.lockstep:
                self.advance(int(json.loads(body)["to"]))
                return _json(200, {"now": self.book.now, "events": self.book.account.events})
            case "GET", "/argo/state":
                return _json(200, self.about())
            case "GET", "/argo/books":
                return _json(200, wire.books(self.book))
            case "POST", "/argo/shutdown":
                self.stopping.set()
                return _json(200, {})
        return _json(404 if path != "/argo/advance" else 409, {"message": "not here"})

    def about(self) -> dict[str, Any]:
        """What this venue is."""
        market = self.options.market
        return {
            "label": market.label,
            "seed": self.options.seed,
            "lockstep": self.options.lockstep,
            "now": self.book.now,
            "start": market.start,
            "end": market.end,
            "symbols": list(market.assets),
            "account_number": self.options.account_number,
            "key_id": self.options.keys.key_id,
            "secret": self.options.keys.secret,
        }

    # time

    def advance(self, to: int) -> None:
        """Let market time come to `to`, in steps that jump over nothing."""
        while self.book.now < to:
            step = FINE if self.book.works else COARSE
            self.book.advance(min(to, self.book.now + step))
        self._settle(timed=True)

    def _settle(self, *, timed: bool = False) -> None:
        """First the disk, then the stream."""
        if self.store is not None:
            if self.book.changed:
                self.store.save(self.book)
            elif timed and self.book.now % (10 * SECOND) < COARSE:
                self.store.save_time(self.book)
        else:
            self.book.changed.clear()
        for event in self.book.take_events():
            frame = msgspec.json.encode(wire.trade_update(self.book, event))
            for listener in self._listeners:
                listener.put_nowait(frame)

    async def run_clock(self) -> None:
        """Market time by the wall clock."""
        while not self.stopping.is_set():
            await asyncio.sleep(0.1 if self.book.works else 0.25)
            begun, zero = self._zero
            self.advance(begun + time.monotonic_ns() - zero)

    # the trade stream

    async def _websocket(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] != "/stream":
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept"})
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        sender = asyncio.create_task(_pour(queue, send))
        authorised = False
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                authorised = self._heard(message, queue, authorised)
        finally:
            self._listeners.discard(queue)
            sender.cancel()

    def _heard(self, message: Any, queue: "asyncio.Queue[bytes]", authorised: bool) -> bool:
        try:
            said = json.loads(message.get("text") or message.get("bytes") or b"{}")
        except ValueError:
            return authorised
        action, data = said.get("action"), said.get("data") or {}
        if action in ("authenticate", "auth"):
            keys = Keys(
                data.get("key_id") or said.get("key", ""),
                data.get("secret_key") or said.get("secret", ""),
            )
            authorised = keys == self.options.keys
            status = "authorized" if authorised else "unauthorized"
            queue.put_nowait(_frame("authorization", {"status": status, "action": action}))
        elif action == "listen":
            if not authorised:
                queue.put_nowait(_frame("listening", {"error": "unauthorized"}))
                return authorised
            streams = data.get("streams") or []
            queue.put_nowait(_frame("listening", {"streams": streams}))
            if "trade_updates" in streams:
                self._listeners.add(queue)
        return authorised


def _frame(stream: str, data: Any) -> bytes:
    return msgspec.json.encode({"stream": stream, "data": data})


def _json(status: int, found: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, msgspec.json.encode(found)


async def _pour(queue: "asyncio.Queue[bytes]", send: Any) -> None:
    """Paper accounts get binary frames that hold JSON."""
    while True:
        await send({"type": "websocket.send", "bytes": await queue.get()})


async def serve(options: Options, ready: Callable[[Venue, int], None]) -> None:
    """Serve on 127.0.0.1 until it is told to stop."""
    import uvicorn

    venue = Venue(options)
    # With the protocol named asyncio turns off Nagle, which costs 40 ms an answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", options.port))
    listening.listen(128)
    config = uvicorn.Config(
        venue,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_ping_interval=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, venue.stopping.set)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server._serve([listening]))
    clock = None if options.lockstep else asyncio.create_task(venue.run_clock())
    ready(venue, listening.getsockname()[1])
    await venue.stopping.wait()
    server.should_exit = True
    await serving
    if clock is not None:
        clock.cancel()
    if venue.store is not None:
        venue.store.save_time(venue.book)
        venue.store.close()


def nanoseconds(text: str) -> int:
    """A time of RFC 3339 in ns UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND


def options_of(arguments: Sequence[str]) -> Options:
    """The command line of a venue. Raises ValueError for a market that cannot be."""
    parser = argparse.ArgumentParser(prog="argo venue")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bars", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", default="")
    parser.add_argument("--lockstep", action="store_true")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--bad-key", action="append", default=[])
    parser.add_argument("--rate-limit", type=int, default=CALLS_A_MINUTE)
    parser.add_argument("--skill", choices=SKILLS, default="copy")
    given = parser.parse_args(arguments)
    if given.bars is not None:
        market: Market = Recorded(given.bars)
        start = nanoseconds(given.start) if given.start else market.start
    else:
        start = nanoseconds(given.start or DEFAULT_START)
        market = Generated(given.seed, start)
    return Options(
        market=market,
        start=start,
        seed=given.seed,
        lockstep=given.lockstep,
        state=given.state,
        port=given.port,
        bad_keys=frozenset(given.bad_key),
        calls_a_minute=given.rate_limit,
        skill=given.skill,
    )


def main(arguments: Sequence[str]) -> int:
    """Serve; the first line of output says where."""
    try:
        options = options_of(arguments)
    except (BarFileError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    def ready(venue: Venue, port: int) -> None:
        about = {"port": port, "url": f"http://127.0.0.1:{port}", **venue.about()}
        print(json.dumps(about), flush=True)

    asyncio.run(serve(options, ready))
    return 0
