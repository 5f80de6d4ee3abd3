"""What the broker is asked without an order's need: figures, open orders, positions, the whole truth.

The account is at most `account_seconds` old, positions `positions_seconds`, and open orders are read every
`open_orders_seconds` while any works: what the stream did not tell is found here.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import msgspec

from ..config import Config
from ..errors import RefusedError, UnknownOutcomeError
from ..messages.market import Asset, SplitAnnounced
from ..messages.order import BrokerReady, OrderReport, PositionReport
from ..messages.system import Alert
from ..messages.truth import Elsewhere, ForeignSeen, Transfer, TruthRead
from ..runtime.edge import Port
from ..units import DAY, SECOND, Symbol, UtcNanos
from .gate import Gate
from .link import Link
from .truth import (
    LIVE,
    LOOK_BACK,
    LOOK_BACK_PERIODIC,
    MOST_READINGS,
    TRUTH_CALLS,
    Question,
    Truth,
    elsewhere,
    read,
    read_account,
    reconciled,
    stamp,
)
from .wire import WireError, asset, flat, order_report, skew_ms, splits

MOST_BACKOFF = 30.0
LINK_SAID_SECONDS = 10
CLOCK_SECONDS = 60
SPLIT_DAYS = 7
MOVED_DAYS_AT_START, MOVED_DAYS = 30, 3
"""How many days back transfers are asked for, at first and then."""
ASSETS_SECONDS = DAY / SECOND
SPLITS_SECONDS = 6 * 3600
"""Often enough for every evening between two sessions."""
LACKING_SECONDS = 60
"""An asset that could not be read is asked for again so often."""


class Ask(Protocol):
    """Lets a question wait for its turn."""

    def __call__(
        self,
        symbol: str,
        work: Callable[[], Any],
        then: Callable[[Any, BaseException | None], None],
        *,
        calls: int = 1,
    ) -> object: ...


class Readings:
    """Asks and tells; what it knows can be read again."""

    def __init__(
        self, port: Port, ask: Ask, *, config: Config, gate: Gate, link: Link, prefix: str
    ) -> None:
        self._port = port
        self._ask = ask
        self._config = config
        self._gate = gate
        self._link = link
        self._prefix = prefix
        self._symbols: tuple[Symbol, ...] = tuple(sorted(config.symbols))
        self.ready = False
        self._assets: dict[Symbol, Asset | Alert] = {}
        self._assets_known = False
        self._busy: set[str] = set()
        self._at: dict[str, UtcNanos] = {}
        """When each kind of reading was last made."""
        self._live: dict[str, OrderReport] = {}
        self._held: dict[Symbol, PositionReport] = {}
        self._sent_at: dict[str, UtcNanos] = {}
        """When our orders were submitted, in market time: where a list must begin."""
        self._strangers: set[str] = set()
        """Others' orders that have been told of, by the broker's id."""
        self._elsewhere: Elsewhere | None = None
        self._transfers: set[str] = set()
        self._told_splits: list[SplitAnnounced] = []
        self._failures = 0
        self._next: list[tuple[tuple[Symbol, ...], str]] = []
        """Questions for the truth that wait for the one under way: symbols (all, when empty), reason."""

    def start(self) -> None:
        """Learn the assets, then the whole truth; READY comes with it."""
        self._once("assets", self._read_assets, self._assets_read)

    def tick(self) -> None:
        """Read again what would be too old by the next tick."""
        if not self.ready:
            return
        broker = self._config.broker
        if self._due("account", broker.account_seconds):
            self.account()
        if self._due("positions", broker.positions_seconds):
            self.positions()
        if self._live and self._due("orders", broker.open_orders_seconds):
            self._list()
        if self._due("whole truth", broker.reconcile_seconds):
            self.truth((), "periodic")
        lacking = any(isinstance(one, Alert) for one in self._assets.values())
        if self._due("assets", LACKING_SECONDS if lacking else ASSETS_SECONDS):
            self._once("assets", self._read_assets, self._assets_read)
        if self._due("splits", SPLITS_SECONDS):
            self._splits()
        if self._due("clock", CLOCK_SECONDS):
            self._clock()
        if self._due("link", LINK_SAID_SECONDS):
            self.say_link()

    def say_link(self, reason: str = "") -> None:
        """How the line to the broker is."""
        self._at["link"] = self._port.now()
        self._port.say(self._link.word(reason))

    def _due(self, what: str, seconds: float) -> bool:
        left = seconds - self._config.clock.cycle_seconds / 2
        return self._port.now() - self._at.get(what, 0) >= left * SECOND

    def _once(
        self,
        what: str,
        work: Callable[[], Any],
        then: Callable[[Any, BaseException | None], None],
        calls: int = 1,
    ) -> bool:
        """Ask, unless the same is being asked. False when it is."""
        if what in self._busy:
            return False
        self._busy.add(what)
        self._at[what] = self._port.now()

        def told(value: Any, error: BaseException | None) -> None:
            self._busy.discard(what)
            then(value, error)

        self._ask("", work, told, calls=calls)
        return True

    # orders that live

    def sent(self, order: str) -> None:
        """An order is about to be submitted."""
        self._sent_at.setdefault(order, self._port.now())

    def note(self, report: OrderReport) -> bool:
        """Remember what is live. True when the report differs from the last one."""
        self._link.remember(report)
        self._gate.reported(report)
        legs = tuple(msgspec.structs.replace(leg, event_at=0) for leg in report.legs)
        bare = msgspec.structs.replace(report, because=(), channel="list", event_at=0, legs=legs)
        known = self._live.get(report.client_order_id)
        alive = report.status in LIVE or any(leg.status in LIVE for leg in report.legs)
        if alive:
            self._live[report.client_order_id] = bare
        else:
            self._live.pop(report.client_order_id, None)
            self._sent_at.pop(report.client_order_id, None)
        return known != bare

    def _list(self) -> None:
        """Every own order that lives, legs included, whether or not the stream told of it."""
        symbols = tuple(sorted({one.symbol for one in self._live.values()}))
        after = stamp(self._oldest_live())

        def work() -> list[OrderReport]:
            found = self._gate.orders("all", symbols, after)
            return [order_report(one, self._symbols, "list") for one in found]

        def then(reports: Any, error: BaseException | None) -> None:
            if error is None:
                changed = [one for one in reports if self._is_news(one)]
                changed += self._foreign(reports)
                if changed:
                    self._port.say(*changed)

        self._once("orders", work, then)

    def _foreign(self, reports: list[OrderReport]) -> list[Any]:
        """Others' orders that the stream has not told of: the symbol is read whole."""
        new = [
            one
            for one in reports
            if one.order_id not in self._strangers
            and one.status in LIVE
            and not one.client_order_id.startswith(self._prefix)
        ]
        self._strangers |= {one.order_id for one in new}
        symbols = tuple(sorted({one.symbol for one in new}))
        if symbols:
            self.truth(symbols, "another's order in the list")
        return [ForeignSeen(symbol=one.symbol, order=one) for one in new]

    def _oldest_live(self) -> UtcNanos:
        known = [self._sent_at.get(one) or self._port.now() - LOOK_BACK for one in self._live]
        return min(known) - SECOND

    def _is_news(self, report: OrderReport) -> bool:
        mine = report.client_order_id.startswith(self._prefix)
        lives = report.client_order_id in self._live or report.status in LIVE
        return mine and lives and self.note(report)

    # figures

    def account(self) -> None:
        """The account's figures."""

        def then(read: Any, error: BaseException | None) -> None:
            if error is None:
                report, transfers = read
                self._port.say(*self._transferred(transfers), report)

        self._once("account", partial(read_account, self._gate, self._moved_since()), then, 2)

    def _moved_since(self) -> str:
        days = MOVED_DAYS if self._transfers else MOVED_DAYS_AT_START
        return stamp(self._port.now() - days * DAY)

    def _transferred(self, transfers: tuple[Transfer, ...]) -> list[Transfer]:
        """What has not been told since this edge was made (risk counts each once)."""
        new = [one for one in transfers if one.id not in self._transfers]
        self._transfers |= {one.id for one in new}
        return new

    def positions(self) -> None:
        """All positions; those that changed are told."""

        def then(reports: Any, error: BaseException | None) -> None:
            if error is None:
                changed = self._changed(reports)
                if changed:
                    self._port.say(*changed)

        self._once("positions", self._gate.positions, then)

    def _changed(self, reports: tuple[PositionReport, ...]) -> list[PositionReport]:
        """Of our symbols, what differs from what was read before; a position that is gone is flat."""
        now = {one.symbol: one for one in reports if one.symbol in self._symbols}
        gone = [flat(symbol) for symbol in sorted(self._held) if symbol not in now]
        changed = [one for symbol, one in sorted(now.items()) if self._moved(one)]
        self._held = now
        return [*changed, *gone]

    def _moved(self, report: PositionReport) -> bool:
        before = self._held.get(report.symbol)
        return before is None or before.qty != report.qty

    def _clock(self) -> None:
        """The broker's clock beside ours: with a wrong clock nothing that has a deadline is safe."""

        def work() -> int:
            before = self._port.now()
            raw = self._gate.clock()
            return skew_ms(raw, before, self._port.now())

        def then(skew: Any, error: BaseException | None) -> None:
            if error is None and skew != self._link.skew_ms:
                self._link.skew_ms = skew
                self.say_link(f"clock {skew} ms")

        self._once("clock", work, then)

    # assets

    def _read_assets(self) -> list[Asset | Alert]:
        """Each by itself: one that the broker does not know, or tells wrongly, holds up no other."""
        return [self._asset(symbol) for symbol in self._symbols]

    def _asset(self, symbol: Symbol) -> Asset | Alert:
        try:
            return asset(self._gate.asset(symbol), symbol)
        except (RefusedError, WireError) as error:
            text = f"{symbol} cannot be traded: {error.what}"[:300]
            return Alert(severity="warning", text=text, symbol=symbol)

    def _assets_read(self, found: Any, error: BaseException | None) -> None:
        if error is not None:
            if not self._assets_known:
                self._again(error, self.start)
            return
        news = [one for one in found if self._assets.get(one.symbol) != one]
        for one in found:
            self._assets[one.symbol] = one
            if isinstance(one, Asset):
                self._gate.know(one)
        if news:
            self._port.say(*news)
        if not self._assets_known:
            self._assets_known = True
            self.truth((), "start")

    def _splits(self) -> None:
        """Splits of the next days, told once each."""
        now = self._port.now()
        since, until = (stamp(now + days * DAY)[:10] for days in (-1, SPLIT_DAYS))

        def work() -> list[SplitAnnounced]:
            return splits(self._gate.splits(since, until), self._symbols)

        def then(found: Any, error: BaseException | None) -> None:
            news = [one for one in found or () if one not in self._told_splits and one.at > now]
            if error is None and news:
                self._told_splits += news
                self._port.say(*news)

        self._once("splits", work, then)

    def _again(self, error: BaseException, then: Callable[[], None]) -> None:
        """The broker does not answer yet: say so, and ask again with growing patience."""
        self._failures += 1
        if self._failures == 1:
            self.say_link(f"{type(error).__name__}: {error}"[:200])
        self._port.after(min(0.5 * 2 ** min(self._failures, 6), MOST_BACKOFF), then)

    # the whole truth

    def truth(self, symbols: tuple[Symbol, ...], reason: str) -> None:
        """Everything of these symbols (all, when empty), read until two readings agree."""
        if not self._assets_known:
            return
        look_back = LOOK_BACK_PERIODIC if reason == "periodic" else LOOK_BACK
        question = Question(symbols, self._symbols, look_back, self._moved_since())
        if not self._read(question, reason):
            self._next.append((symbols, reason))
        elif not symbols:
            self._at["whole truth"] = self._port.now()

    def _read(self, question: Question, reason: str, before: Truth | None = None) -> bool:
        """One reading, and the next in its own turn: what protects a position does not wait for all."""

        def then(truth: Any, error: BaseException | None) -> None:
            if error is None and before is not None:
                truth = truth._replace(readings=before.readings + 1)
            if error is None and not truth.agrees(before):
                if truth.readings < MOST_READINGS:
                    self._read(question, reason, truth)
                    return
                error = UnknownOutcomeError(
                    f"the truth changed in each of {MOST_READINGS} readings"
                )
            if error is None:
                self._told(truth, question, reason)
            else:
                self._again(error, partial(self.truth, question.symbols, reason))
            self._next_truth()

        work = partial(read, self._gate, question, self._port.now)
        return self._once("truth", work, then, TRUTH_CALLS)

    def _next_truth(self) -> None:
        """What was asked meanwhile is read at once, in one reading for all who asked."""
        waiting, self._next = self._next, []
        if waiting:
            named = sorted({one for symbols, _ in waiting for one in symbols})
            whole = any(not symbols for symbols, _ in waiting)
            reasons = dict.fromkeys(reason for _, reason in waiting)
            self.truth(() if whole else tuple(named), "; ".join(reasons)[:200])

    def _told(self, truth: Truth, question: Question, reason: str) -> None:
        self._failures = 0
        for one in truth.orders:
            if not one.client_order_id.startswith(self._prefix):
                self._strangers.add(one.order_id)
            else:
                self._sent_at.setdefault(one.client_order_id, one.submitted_at)
                self.note(one)
        symbols = question.symbols or self._symbols
        words: list[Any] = [*self._transferred(truth.transfers), truth.account]
        words += reconciled(truth, symbols, self._prefix, reason)
        words.append(
            TruthRead(
                reason=reason,
                symbols=len(symbols),
                orders=len(truth.orders),
                positions=len(truth.positions),
                readings=truth.readings,
                read_at=truth.read_at,
            )
        )
        if not question.symbols:
            self._gate.listed(one for one in truth.orders if one.status in LIVE)
            words += self._strange(elsewhere(truth, self._symbols))
        if not self.ready:
            self.ready = True
            words.append(BrokerReady(orders=len(truth.orders), positions=len(truth.positions)))
        self._at["link"] = self._port.now()
        self._port.say(*words, self._link.word())

    def _strange(self, found: Elsewhere) -> list[Any]:
        """What is in symbols that are not configured: told when it changes, loudly when it is new."""
        before, self._elsewhere = self._elsewhere, found
        if found == before:
            return []
        known = set() if before is None else {one.symbol for one in before.positions}
        new = [one.symbol for one in found.positions if one.symbol not in known]
        text = f"positions in symbols that are not configured: {', '.join(new)}"
        return [found, *([Alert(severity="warning", text=text[:300])] if new else [])]
