"""What a running demo shows: events as lines, or a live table above them."""

import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from ..api.view import View
from ..config import is_coin
from ..host.state import StateDir
from ..journal.codec import Record
from ..journal.follower import Follower
from ..messages import Message
from ..messages.order import Fill, PositionClosed, PositionOpened, Protected, Unprotected
from ..messages.system import Alert, Crashed, DeadLetter, Overload, Parked, Restarted
from ..runtime.clock import machine_seconds
from .output import line

POLL_SECONDS = 0.25


class Lines:
    """Each event that matters as a line, from the durable records only."""

    def __init__(self, daemon: Any, state: StateDir) -> None:
        self.state = state
        self.daemon = daemon
        self._begun = machine_seconds()
        self._follower = Follower(Path(state.journal))
        self._opened: set[str] = set()
        self._first_stock_fill: float | None = None
        self._first_crypto_protected: float | None = None

    def run(self, until: float | None, ended: threading.Event) -> None:
        """Show until the time is up, the daemon ends, or Ctrl-C."""
        try:
            while (until is None or machine_seconds() < until) and not ended.is_set():
                self.poll()
                ended.wait(POLL_SECONDS)
        except KeyboardInterrupt:
            self.tell("stopping")

    def poll(self) -> None:
        """Show what has become durable since the last look."""
        for record in self._follower.poll():
            for message in record.said:
                self._notice(message)
                text = told(record, message, self.state)
                if text:
                    self.tell(text)

    def tell(self, text: str) -> None:
        """Show a line (or two)."""
        for part in text.split("\n"):
            line(part)

    def _notice(self, message: Message) -> None:
        elapsed = round(machine_seconds() - self._begun, 1)
        if isinstance(message, Protected):
            if is_coin(message.symbol):
                self._first_crypto_protected = self._first_crypto_protected or elapsed
            else:
                self._first_stock_fill = self._first_stock_fill or elapsed

    def summary(self) -> dict[str, Any]:
        """Seconds to the first stock entry with its bracket standing and to the first protected coin."""
        return {
            "first_stock_fill_s": self._first_stock_fill,
            "first_crypto_protected_s": self._first_crypto_protected,
        }


def told(record: Record, message: Message, state: StateDir) -> str:
    """The line of an event, empty for what is not one."""
    at = time.strftime("%m-%d %H:%M:%S", time.gmtime(record.at / 1e9))
    match message:
        case PositionOpened():
            side = "LONG" if message.side == "buy" else "SHORT"
            return f"{at} {message.symbol} {side} {message.qty} at {message.avg_price}"
        case Protected():
            seconds = (record.at - message.since) / 1e9
            target = f", target {message.target}" if message.target else ""
            return (
                f"{at} {message.symbol} protected: stop {message.stop}{target} ({seconds:.2f} s)\n"
                f"   why: {why(message.order, state)}"
            )
        case Unprotected():
            return f"{at} {message.symbol} UNPROTECTED: {message.cause}"
        case PositionClosed():
            return (
                f"{at} {message.symbol} closed by {message.reason} at {message.exit_price}: "
                f"{message.pnl:+.2f} after fees"
            )
        case Fill() if message.leg in ("exit", "flat"):
            return f"   why: {why(message.client_order_id, state)}"
        case Parked():
            return f"{at} {message.address} {message.state}: {message.reason}\n   fix: {message.remedy}"
        case Crashed():
            return f"{at} {message.address} crashed ({message.error}); restarting"
        case Restarted() if message.restarts:
            return f"{at} {message.address} is back"
        case Alert():
            return f"{at} ALERT {message.text}"
        case DeadLetter():
            return f"{at} DEAD LETTER {message.kind} to {message.address}: {message.reason}"
        case Overload(over=True):
            return f"{at} {message.address} is behind: {message.waiting} words wait, no entries"
    return ""


def why(order: str, state: StateDir) -> str:
    """The command that explains an order."""
    from .demo import command

    return command("why", order.split("-")[2][:8], "--state", str(state.path))


class Live(Lines):
    """The same lines below a table that shows everything at a glance."""

    def __init__(self, daemon: Any, state: StateDir) -> None:
        super().__init__(daemon, state)
        self._view = View(daemon)
        self._recent: deque[str] = deque(maxlen=8)

    def tell(self, text: str) -> None:
        self._recent.extend(text.split("\n"))

    def run(self, until: float | None, ended: threading.Event) -> None:
        from rich.live import Live as RichLive

        with RichLive(self._screen(), refresh_per_second=4, screen=False) as live:
            try:
                while (until is None or machine_seconds() < until) and not ended.is_set():
                    self.poll()
                    live.update(self._screen())
                    ended.wait(POLL_SECONDS)
            except KeyboardInterrupt:
                self.tell("stopping")

    def _screen(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        status = self._view.status()
        head = (
            f"{status['time']}  cycle {status['cycle']}  equity {status['equity']}  "
            f"trades {status['trades']}  realised {status['realised']:.2f}  risk {status['level']}"
        )
        recent = Text("\n".join(self._recent), style="dim", no_wrap=True, overflow="ellipsis")
        return Group(
            Text(head, style="bold"),
            self._positions(),
            self._awaited(status["next"]),
            self._actors(),
            recent,
        )

    def _positions(self) -> Any:
        from rich.table import Table

        table = Table(
            "symbol", "side", "qty", "avg", "mark", "P&L", "stop", "target", "phase", box=None
        )
        for one in self._view.positions():
            table.add_row(
                *(
                    _short(one[name])
                    for name in (
                        "symbol",
                        "side",
                        "qty",
                        "avg_price",
                        "mark",
                        "unrealised",
                        "stop",
                        "target",
                        "phase",
                    )
                )
            )
        if not table.row_count:
            table.add_row("flat")
        return table

    def _awaited(self, verdicts: list[dict[str, Any]]) -> Any:
        from rich.table import Table

        table = Table("next decision", "now", "awaited", box=None)
        for one in verdicts[:4]:
            table.add_row(
                one["symbol"],
                f"{one['action'] or '-'} {one['confidence']:.1f}",
                one["reason"][:58],
            )
        return table

    def _actors(self) -> Any:
        from rich.text import Text

        parts = []
        for group in self._view.tree():
            children = [f"{one['address'].split('/')[-1]}{_mark(one)}" for one in group["children"]]
            parts.append(f"{group['group']} ({group['strategy']}): {' '.join(children)}")
        return Text("\n".join(parts), style="cyan", no_wrap=True, overflow="ellipsis")


def _mark(child: dict[str, Any]) -> str:
    if child["state"] != "running":
        return f"[{child['state']}]"
    return f"({child['restarts']})" if child["restarts"] else ""


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{float(value):.6g}" if hasattr(value, "quantize") else str(value)
