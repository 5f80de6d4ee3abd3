"""The venue on loopback: one event loop owns the book; time is the wall clock's, or the caller's."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from . import faults, streams
from . import trading_json as wire
from .corporate_actions import check_action
from .damage import as_floats
from .data_host import HOST, DataHost
from .faults import PlanError, read_plan
from .http_front import Front
from .in_force import Faults
from .matching import Account, Book
from .modes import Modes
from .options import Options, options_of
from .past import Past
from .providers import handle_provider
from .refusals import Refusal
from .rest import Exchange
from .skill import seen_by
from .store import Store
from .vendors import key_of
from .wire import Answer, Request, answer

FINE, COARSE = 250_000_000, 1_000_000_000
SECOND = 1_000_000_000
AT_ONCE = 60 * SECOND
"""Market time that passes before somebody else gets a word in."""


class _Review(msgspec.Struct, forbid_unknown_fields=True):
    execution_id: str
    price: Decimal | None = None


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
        if self.store is not None and not self.store.load(self.book):
            self.book.changed.add("account")  # a time without an account could not be loaded
            self.store.save(self.book)
        self.exchange = Exchange(self.book, options.keys, options.calls_a_minute)
        self.faults = Faults(options.seed)
        self.stopping = asyncio.Event()
        # Votes are made from minute bars; longer ones are for regime and volatility, and stay true.
        shown = seen_by(options.market, options.skills["alpaca"], ("1Min",))
        self._data = DataHost(shown, options.keys, basic=options.basic_data)
        self._past = Past()
        self._front = Front(
            self.answer, self._fault_of, self._shifted, self._stuck, lambda: self.book.now
        )
        self._streams = streams.Streams(options, self.faults, lambda: self.book.now)
        self._zero = (max(self.book.now, options.resume_at), time.monotonic_ns())
        self._give(options.faults)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._front(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._streams(scope, receive, send)

    def answer(self, request: Request) -> Answer:
        """Any of the venue's true HTTP answers."""
        method, path, query, headers, body = request
        if path.startswith("/argo/"):
            return self._control(method, path, body)
        found = self._provided(request, self.book.now)
        if found is not None:
            return found
        if path.startswith(HOST):
            return self._data.handle(self.book.now, _unquoted(request))
        reply = self.exchange.handle(method, path, query, headers, body)
        self._settle()
        return reply

    def _provided(self, request: Request, now: int) -> Answer | None:
        """A data vendor's answer as of a time; None where the request is to none of them."""
        options = self.options
        asked = _unquoted(request)
        return handle_provider(options.market, now, asked, options.skills, options.free_plans)

    def _take_transfer(self, body: bytes) -> Answer:
        """Money comes or goes, as by the bank: the account's activities tell of it."""
        dollars = _dollars(body)
        if dollars is None or self.book.account.cash + dollars < 0:
            return answer(422, {"message": 'write {"dollars": "-500"}, at most the cash'})
        self.book.transfer(dollars)
        self._settle()
        return answer(200, wire.books(self.book))

    def _review(self, body: bytes) -> Answer:
        """An execution is taken back, or with a price corrected to it."""
        try:
            asked = msgspec.json.decode(body, type=_Review)
            if asked.price is None:
                self.book.bust(asked.execution_id)
            else:
                self.book.correct(asked.execution_id, asked.price)
        except msgspec.DecodeError as error:
            fix = 'write {"execution_id": "…"}, to correct it "price": "250.10" as well'
            return answer(400, {"message": str(error), "fix": fix})
        except Refusal as refusal:
            return answer(refusal.status, refusal.body)
        self._settle()
        return answer(200, wire.books(self.book))

    def _control(self, method: str, path: str, body: bytes) -> Answer:
        match method, path:
            case "POST", "/argo/advance" if self.options.lockstep:
                self.advance(int(json.loads(body)["to"]))
                return answer(200, {"now": self.book.now, "events": self.book.account.events})
            case "GET", "/argo/state":
                return answer(200, self.about())
            case "GET", "/argo/books":
                return answer(200, wire.books(self.book))
            case "GET", "/argo/faults":
                return answer(200, self._about_faults())
            case "POST", "/argo/faults":
                return self._take_faults(body)
            case "DELETE", "/argo/faults":
                self.faults.clear()
                self.book.modes = Modes()
                return answer(200, self._about_faults())
            case "POST", "/argo/transfer":
                return self._take_transfer(body)
            case "POST", "/argo/executions":
                return self._review(body)
            case "POST", "/argo/shutdown":
                self.stopping.set()
                return answer(200, {})
        if path == "/argo/advance":
            told = "time runs by itself: start with --lockstep to move it"
            return answer(409, {"message": told})
        return answer(404, {"message": "not here"})

    def about(self) -> dict[str, Any]:
        """What this venue is."""
        market = self.options.market
        return {
            "label": market.label,
            "seed": self.options.seed,
            "lockstep": self.options.lockstep,
            "speed": self.options.speed,
            "now": self.book.now,
            "start": market.start,
            "end": market.end,
            "symbols": list(market.assets),
            "account_number": self.options.account_number,
            "key_id": self.options.keys.key_id,
            "secret": self.options.keys.secret,
            "data_key_id": self.options.keys.for_data().key_id,
            "data_secret": self.options.keys.for_data().secret,
        }

    # faults

    def _fault_of(self, request: Request) -> faults.RequestFault | None:
        if request.path.startswith("/argo/"):
            return None
        key = key_of(request.query, request.headers)
        return self.faults.request(request.method, request.path, self.book.now, key)

    def _take_faults(self, body: bytes) -> Answer:
        try:
            self._give(read_plan(body))
        except PlanError as error:
            return answer(400, {"message": str(error), "fix": error.fix})
        return answer(200, self._about_faults())

    def _about_faults(self) -> dict[str, Any]:
        """What may go wrong now, and what has."""
        return {**self.faults.about(), "modes": self.book.modes}

    def _give(self, plan: faults.Plan) -> None:
        for action in plan.actions:
            check_action(self.book, action)
        self.faults.give(plan, self.book.now)
        for action in plan.actions:
            self.book.announce(action)
        self.book.modes = plan.modes or self.book.modes
        self._past.keep(self.book, self.faults.looks_back)

    def _shifted(self, request: Request, seconds: float) -> Answer:
        """A vendor's answer as of another time; else only a GET's, and only as of a moment ago."""
        then = self.book.now + int(seconds * SECOND)
        found = self._provided(request, then)
        if found is not None:
            return found
        book = self._past.at(then) if seconds < 0 else None
        if book is None or request.method != "GET":
            return self.answer(request)
        if request.path.startswith(HOST):
            return self._data.told(then, _unquoted(request))
        past = Exchange(book, self.options.keys, self.options.calls_a_minute)
        return past.handle(*request)

    def _stuck(self, request: Request, seconds: float) -> Answer:
        """The true answer to a cancel or a replacement; what it began goes on for so long."""
        reply = self.answer(request)
        goes_on = request.method in ("DELETE", "PATCH") and reply[0] < 400
        if goes_on and request.path.startswith("/v2/orders"):
            order = self.book.orders.get(request.path.rpartition("/")[2])
            for one in self.book.live() if order is None else [order]:
                self.book.delay(one, seconds)
        return reply

    def _streamed(self, body: Any) -> Any:
        """What a listener hears of an order."""
        return as_floats(body) if self.book.modes.float_text else body

    def _stranger(self, fault: faults.Stranger) -> int:
        """The status of the answer to somebody else's request."""
        keys = self.options.keys
        path, _, query = fault.path.partition("?")
        headers = {"apca-api-key-id": keys.key_id, "apca-api-secret-key": keys.secret}
        body = b"" if fault.body is None else json.dumps(fault.body).encode()
        asked = Request(fault.method, path, dict(parse_qsl(query)), headers, body)
        return self.answer(asked)[0]

    # time

    def advance(self, to: int) -> None:
        """Let market time come to `to`, in steps that jump over nothing."""
        while self.book.now < to:
            step = FINE if self.book.works else COARSE
            self.book.advance(min(to, self.book.now + step))
            self.faults.time(self.book.now, self._stranger)
            self._streams.advance(self.book.now)
        self._settle(timed=True)

    def _settle(self, *, timed: bool = False) -> None:
        """First the disk, then the stream."""
        if self.book.changed:
            self._past.keep(self.book, self.faults.looks_back)
        if self.store is not None:
            if self.book.changed:
                self.store.save(self.book)
            elif timed and self.book.now % (10 * SECOND) < COARSE:
                self.store.save_time(self.book)
        else:
            self.book.changed.clear()
        self._streams.trades.tell(self.book, self.book.take_events(), self._streamed)

    async def run_clock(self) -> None:
        """Market time by the wall clock."""
        begun, zero = self._zero
        while not self.stopping.is_set():
            passed = int((time.monotonic_ns() - zero) * self.options.speed)
            target = begun + passed
            self.advance(min(target, self.book.now + AT_ONCE))
            is_late = self.book.now < target
            await asyncio.sleep(0 if is_late else 0.1 if self.book.works else 0.25)


async def serve(options: Options, ready: Callable[[Venue, int], None]) -> None:
    """Serve on 127.0.0.1 until it is told to stop."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Reachable(H11Protocol):
        """Tells the application its transport, for the faults that end a connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.app_state = {**self.app_state, "transport": transport}
            super().connection_made(transport)

    venue = Venue(options)
    listening = _listening(options.port)
    config = uvicorn.Config(
        venue,
        http=Reachable,
        log_config=None,
        access_log=False,
        date_header=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_ping_interval=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, venue.stopping.set)
    if options.attached:
        loop.add_reader(0, _end_with_input, venue.stopping)
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


def _unquoted(request: Request) -> Request:
    return request._replace(path=unquote(request.path))


def _end_with_input(stopping: asyncio.Event) -> None:
    """Whoever started it is gone, when there is no more to read."""
    if not os.read(0, 4096):
        stopping.set()


def _listening(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1. Raises OSError when the port is taken."""
    # With the protocol named asyncio turns off Nagle, which costs 40 ms an answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def main(arguments: Sequence[str]) -> int:
    """Serve; the first line of output says where."""
    try:
        options = options_of(arguments, time.time_ns())
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    def ready(venue: Venue, port: int) -> None:
        about = {"port": port, "url": f"http://127.0.0.1:{port}", **venue.about()}
        print(json.dumps(about), flush=True)

    try:
        asyncio.run(serve(options, ready))
    except PlanError as error:
        print(f"error: {error}\nfix: {error.fix}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: port {options.port} cannot be used: {error}", file=sys.stderr)
        print("fix: give another --port, or 0 for any that is free", file=sys.stderr)
        return 1
    return 0


def _dollars(body: bytes) -> Decimal | None:
    """The amount of a transfer, None when it is no amount."""
    try:
        dollars = Decimal(str(json.loads(body)["dollars"]))
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None
    return dollars if dollars.is_finite() else None
