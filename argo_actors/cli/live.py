"""What a running demo shows: events as lines, or a live table above them."""

import threading
import time
from collections import deque
from pathlib import Path
from textwrap import wrap
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
from .output import WIDTH, counted, line, money, price, quantity, tabular, verbatim
from .reading import ORDER, POSITION, SIGNAL, decision, for_people, seen

POLL_SECONDS = 0.25
NEWEST = 3
MOST_POSITIONS = 10
RECENT = 8


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
                self._refresh()
                ended.wait(POLL_SECONDS)
        except KeyboardInterrupt:
            self.tell("stopping")

    def _refresh(self) -> None:
        """What is shown beside the lines."""

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
            (verbatim if part.startswith("   ") else line)(part)

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
            size = f"{quantity(message.qty)} at {price(message.avg_price)}"
            return f"{at} {message.symbol} {side} {size}"
        case Protected():
            seconds = (record.at - message.since) / 1e9
            target = f", target {price(message.target)}" if message.target else ""
            return (
                f"{at} {message.symbol} protected: stop {price(message.stop)}{target} ({seconds:.2f} s)\n"
                f"   why: {why(message.order, state)}"
            )
        case Unprotected():
            return f"{at} {message.symbol} UNPROTECTED: {message.cause}"
        case PositionClosed():
            return (
                f"{at} {message.symbol} closed by {message.reason} at {price(message.exit_price)}: "
                f"{message.pnl:+.2f} after fees"
            )
        case Fill() if message.leg in ("exit", "flat"):
            return (
                f"{at} {message.symbol} {message.leg} {quantity(message.qty)} at {price(message.price)}\n"
                f"   why: {why(message.client_order_id, state)}"
            )
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
    """Everything at a glance, and the same lines below."""

    def __init__(self, daemon: Any, state: StateDir) -> None:
        super().__init__(daemon, state)
        self._view = View(daemon)
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._live: Any = None

    def tell(self, text: str) -> None:
        self._recent.extend(text.split("\n"))

    def run(self, until: float | None, ended: threading.Event) -> None:
        from rich.live import Live as RichLive

        with RichLive(self._screen(), refresh_per_second=4, screen=False) as self._live:
            super().run(until, ended)

    def _refresh(self) -> None:
        self._live.update(self._screen())

    def _screen(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        status = self._view.status()
        head = (
            f"{status['time']}  cycle {status['cycle']}  equity {money(status['equity'])}  "
            f"risk {status['level']}"
        )
        books = (
            f"{counted(status['positions'], 'position')}, "
            f"{counted(status['trades'], 'round trip')}, "
            f"realised {money(status['realised'])}, fees {money(status['fees'])}"
        )
        parts = [Text(head, style="bold"), Text(books), Text(decision(status["decision"]))]
        for lines, style in (
            (self._awaited(status["next"]), ""),
            (_tabled(POSITION, self._view.positions(), MOST_POSITIONS) or ["flat"], ""),
            (_tabled(SIGNAL, self._view.signals(), NEWEST), ""),
            (_tabled(ORDER, self._view.orders(), NEWEST), ""),
            (self._sources(status["sources"]), "cyan"),
            (self._actors(), "cyan"),
        ):
            if lines:
                parts.append(Text("\n".join(lines), style=style, overflow="fold"))
        parts.append(Text("\n".join(self._recent), style="dim", overflow="fold"))
        return Group(*parts)

    def _awaited(self, verdicts: list[dict[str, Any]]) -> list[str]:
        flat = [one for one in verdicts if not one["held"]]
        rows = [{"symbol": one["symbol"], "nearest to a signal": one["reason"]} for one in flat]
        return tabular(("symbol", "nearest to a signal"), rows[:NEWEST])

    def _sources(self, sources: dict[str, Any]) -> list[str]:
        told = [
            f"{name} {seen(one['opinions'])}"
            + ("" if one["state"] == "running" else f" [{one['state']}]")
            for name, one in sources.items()
        ]
        return wrap("opinions: " + "; ".join(told), WIDTH, subsequent_indent="   ")

    def _actors(self) -> list[str]:
        found = []
        for group in self._view.tree():
            children = [f"{one['address'].split('/')[-1]}{_mark(one)}" for one in group["children"]]
            text = f"{group['group']} ({group['strategy']}): {' '.join(children)}"
            found += wrap(text, WIDTH, subsequent_indent="   ", break_on_hyphens=False)
        return found


def _tabled(columns: tuple[str, ...], rows: list[dict[str, Any]], most: int) -> list[str]:
    """The newest rows, as `argo positions`, `argo signals` and `argo orders` show them."""
    return tabular(columns, [row | for_people(row) for row in rows[-most:]])


def _mark(child: dict[str, Any]) -> str:
    if child["state"] != "running":
        return f"[{child['state']}]"
    return f"({child['restarts']})" if child["restarts"] else ""
