"""The trade stream: a hint that comes early. Everything it says is checked by reading."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import msgspec
from loguru import logger

from ..config import Config
from ..errors import BrokerError
from ..host.secrets import Pair
from ..messages.order import LegReport, OrderReport, Reconcile
from ..messages.system import Alert
from ..messages.truth import ForeignSeen
from ..runtime.edge import Port
from ..runtime.mailbox import Word
from ..units import ZERO, Symbol
from .link import Link
from .wire import amount, order_report, price

PING = {"ping_interval": 5, "ping_timeout": 10, "max_queue": 1024}
FILLS = ("fill", "partial_fill")
KNOWN_EVENTS = frozenset(
    {
        *FILLS,
        "new",
        "accepted",
        "pending_new",
        "held",
        "canceled",
        "expired",
        "done_for_day",
        "replaced",
        "rejected",
        "stopped",
        "pending_cancel",
        "pending_replace",
        "calculated",
        "suspended",
        "order_replace_rejected",
        "order_cancel_rejected",
    }
)
"""Every other event may change what has been booked: the symbol is read whole."""
REVIEWS = {"trade_bust": "taken back", "trade_correct": "corrected"}
"""Executions changed after the event: a person has to hear of it."""


class Whole:
    """The line under alpaca-py: a frame that is no JSON object is told of before it is dropped."""

    def __init__(self, line: Any, broken: Callable[[], None]) -> None:
        self._line = line
        self._broken = broken

    async def recv(self) -> Any:
        """The next frame; an empty one in place of what cannot be read."""
        frame = await self._line.recv()
        try:
            if isinstance(msgspec.json.decode(frame), dict):
                return frame
        except (msgspec.DecodeError, UnicodeDecodeError):
            logger.warning("a frame of the trade stream is no JSON")
        self._broken()
        return "{}"

    async def send(self, frame: Any) -> None:
        """Pass it on."""
        await self._line.send(frame)

    async def close(self) -> None:
        """Close the line."""
        await self._line.close()


class StreamEdge:
    """alpaca-py's TradingStream on a thread of its own; its frames become words here."""

    def __init__(
        self, port: Port, *, config: Config, keys: Pair, link: Link, account_tag: str
    ) -> None:
        self._port = port
        self._config = config
        self._keys = keys
        self._link = link
        self._prefix = f"argo-{account_tag}-"
        self._symbols: tuple[Symbol, ...] = tuple(sorted(config.symbols))
        self._stream: Any = None
        self._closing = False
        self._told_refused = False

    def start(self) -> None:
        """Connect, and stay connected: alpaca-py backs off and tries again by itself."""
        threading.Thread(target=self._run, name="trade stream", daemon=True).start()

    def stop(self) -> None:
        """Let go of the connection."""
        self._closing = True
        self._link.stream_up = False
        stream = self._stream
        if stream is not None and getattr(stream, "_loop", None) is not None:
            stream._should_run = False
            threading.Thread(target=_stop, args=(stream,), name="stream stop", daemon=True).start()

    def hear(self, word: Word) -> None:
        """It has no recipients' list: whatever comes is not for it."""

    def _run(self) -> None:
        try:
            self._stream = self._make()
            if not self._closing:
                self._stream.run()
        except (OSError, RuntimeError, ValueError) as error:
            logger.warning("the trade stream ended: {}", error)
        if not self._closing:
            self._port.soon(self._down)

    def _make(self) -> Any:
        from alpaca.trading.stream import TradingStream

        edge = self

        class Watched(TradingStream):
            """Tells when it is authorised, and when it is not any more."""

            async def _connect(self) -> None:
                await super()._connect()  # type: ignore[no-untyped-call]
                line = Whole(self._ws, lambda: edge._port.soon(edge._broken))
                self._ws = line  # type: ignore[assignment]

            async def _start_ws(self) -> None:
                await super()._start_ws()  # type: ignore[no-untyped-call]
                edge._port.soon(edge._up)

            async def _auth(self) -> None:
                try:
                    await super()._auth()  # type: ignore[no-untyped-call]
                except ValueError:
                    edge._port.soon(edge._refused)
                    raise

            async def _run_forever(self) -> None:
                try:
                    await super()._run_forever()  # type: ignore[no-untyped-call]
                finally:
                    edge._lost()

            async def close(self) -> None:
                edge._lost()
                await super().close()

        stream = Watched(
            self._keys.key_id,
            self._keys.secret,
            raw_data=True,
            url_override=self._config.broker.stream_url,
            websocket_params=PING,
        )
        stream.subscribe_trade_updates(self._on_frame)
        return stream

    async def _on_frame(self, frame: Any) -> None:
        """On the stream's own thread: only enqueue."""
        self._port.soon(lambda: self._heard(frame))
        await asyncio.sleep(0)

    def _lost(self) -> None:
        if not self._closing:
            self._port.soon(self._down)

    def _up(self) -> None:
        """Connected: what was missed in between has to be read."""
        self._link.stream_up = True
        self._link.last_answer_at = self._port.now()
        self._port.say(
            self._link.word("trade stream up"),
            Reconcile(symbols=self._symbols, reason="trade stream up"),
        )

    def _down(self) -> None:
        if self._link.stream_up:
            self._link.stream_up = False
            self._port.say(self._link.word("trade stream down"))

    def _refused(self) -> None:
        """alpaca-py would try refused keys for ever without telling anybody."""
        if not self._told_refused:
            self._told_refused = True
            text = "the trade stream refuses the keys: no entries; check APCA_API_KEY_ID"
            self._port.say(self._link.word("keys refused"), Alert(severity="critical", text=text))

    def _broken(self) -> None:
        """Whatever it told of is read instead."""
        self._port.say(Reconcile(symbols=self._symbols, reason="a broken frame"))
        self._link.frames += 1

    def _heard(self, frame: Any) -> None:
        """A trade update: say what it tells of our order, or have the symbol read."""
        try:
            data = frame.get("data", frame)
            if not self._link.stream_up:
                self._up()
            self._update(data)
        except (BrokerError, KeyError, TypeError, AttributeError) as error:
            logger.warning("a trade update could not be read: {}", error)
            self._port.say(Reconcile(symbols=self._symbols, reason="an unreadable trade update"))
        finally:
            self._link.frames += 1

    def _update(self, data: Any) -> None:
        report = order_report(data["order"], self._symbols, "stream")
        if report.symbol not in self._symbols:
            return
        if data.get("event") in REVIEWS:
            self._port.say(_reviewed(report, data))
        if data.get("event") not in KNOWN_EVENTS:
            self._port.say(
                Reconcile(symbols=(report.symbol,), reason=f"event {data.get('event')}"[:60])
            )
        if report.client_order_id.startswith(self._prefix):
            if data.get("event") in FILLS:
                report = _with_execution(report, data)
            self._link.remember(report)
            self._port.say(report)
            return
        parent = self._link.parents.get(report.order_id)
        if parent is None:
            self._port.say(
                ForeignSeen(symbol=report.symbol, order=report),
                Reconcile(symbols=(report.symbol,), reason="an update of another's order"),
            )
            return
        updated = _with_leg(parent, report)
        self._link.remember(updated)
        self._port.say(updated)


def _stop(stream: Any) -> None:
    """alpaca-py's own stop waits up to five seconds for its loop: not on the edge's thread."""
    try:
        stream.stop()
    except (OSError, RuntimeError, TimeoutError) as error:
        logger.debug("the trade stream's end: {}", error)


def _reviewed(report: OrderReport, data: Any) -> Alert:
    what, qty, at = REVIEWS[data["event"]], amount(data, "qty", ZERO), price(data, "price")
    text = f"{report.symbol}: the broker has {what} an execution of {qty:f} at {at or ZERO:f}"
    text = f"{text} (order {report.client_order_id}); our books keep their price"
    return Alert(severity="critical", text=text, symbol=report.symbol)


def _with_execution(report: OrderReport, data: Any) -> OrderReport:
    return msgspec.structs.replace(
        report,
        execution_qty=amount(data, "qty", None),
        execution_price=price(data, "price"),
    )


def _with_leg(parent: OrderReport, leg: OrderReport) -> OrderReport:
    """The parent's report with this leg as it is now."""
    now = LegReport(
        order_id=leg.order_id,
        client_order_id=leg.client_order_id,
        type=leg.type,
        side=leg.side,
        status=leg.status,
        qty=leg.qty,
        filled_qty=leg.filled_qty,
        filled_avg_price=leg.filled_avg_price,
        limit_price=leg.limit_price,
        stop_price=leg.stop_price,
        event_at=leg.event_at,
    )
    legs = tuple(now if one.order_id == leg.order_id else one for one in parent.legs)
    return msgspec.structs.replace(
        parent, legs=legs, channel="stream", event_at=leg.event_at, execution_qty=None
    )
