"""What an outsider knows: the committed journal, and the venue's log. Nothing of the daemon's objects.

`View` is the memory of the checks in `invariants`; it folds records as they reach the disk and requests as
they leave, and knows no rule.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import msgspec

from argo_actors.config import Config
from argo_actors.journal.codec import Record
from argo_actors.messages import Message, WordId
from argo_actors.messages.order import (
    AccountReport,
    BrokerLink,
    BrokerReady,
    CancelOrder,
    Fill,
    Holding,
    OrderAbsent,
    OrderRefused,
    OrderReport,
    OrderUnknown,
    PositionClosed,
    Protected,
    Reconciled,
    SubmitOrder,
    Unprotected,
)
from argo_actors.messages.routes import ROUTES, MailClass, recipients
from argo_actors.messages.signal import Approval, Signal
from argo_actors.messages.system import (
    Alert,
    Crashed,
    DeadLetter,
    Operator,
    RiskLevel,
    Started,
)
from argo_actors.messages.truth import ForeignSeen
from argo_actors.units import SECOND, ZERO
from argo_actors.venue.matching import Book

from .venue_log import VenueLog
from .wire import Sent

TERMINAL = frozenset({"filled", "canceled", "expired", "replaced", "rejected"})
MOST_BACKOFF = 30 * SECOND
"""A 429's reset is obeyed when it is no further away."""


class Intent(msgspec.Struct):
    """A command to submit, as the journal holds it."""

    order: SubmitOrder
    seq: int
    at: int
    run: int


class Unknown(msgspec.Struct):
    """An outcome that nobody knows."""

    symbol: str
    at: int
    found: bool = False


class Exposure(msgspec.Struct):
    """A position that its stops do not cover; one that has turned round is another."""

    since: int
    long: bool
    seen_at: int = 0


class View(VenueLog):
    """Facts of the journal and of the venue, by what the checks ask for."""

    def __init__(
        self, config: Config, book: Book, tag: str, modes: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(config.symbols, book, f"argo-{tag}-")
        self.config = config
        self.turned_by_venue = bool(modes & {"both_legs", "late_fills"})
        """The venue fills more than it was asked for: a position may turn without our doing."""
        self.legs_replaced = "stops_replaced" in modes
        """A leg goes on under another id, which no report of its order tells at once."""
        self.addresses = ("consensus", "risk", "tracker", *(f"order/{s}" for s in config.symbols))
        self.run = 0
        self.started_at = 0
        self.ready_at = 0
        """Of this run; 0 before."""
        self.alive = False
        self.words: dict[WordId, Message] = {}
        self.waiting: dict[tuple[str, WordId], int] = {}
        """Words said and not heard, and since when."""
        self.intents: dict[str, Intent] = {}
        self.cancels: dict[str, int] = {}
        """By the broker's order id: when the command became durable."""
        self.called_back: set[str] = set()
        """Our ids that a cancel names."""
        self.partly: dict[str, int] = {}
        """Entries that a report calls partly filled, and since when."""
        self.approvals: dict[WordId, tuple[Approval, int]] = {}
        self.signals: dict[str, int] = {}
        self.operator = "normal"
        self.tripped_at = 0
        """Since when the journal says that a loss limit has tripped; 0 when none has, or a person resumed."""
        self.fills: dict[str, Decimal] = defaultdict(Decimal)
        """Quantity said as filled, by our order id."""
        self.journal_fills: list[Fill] = []
        self.holdings: dict[str, Holding] = {}
        self.unknown: dict[str, Unknown] = {}
        self.ended: set[str] = set()
        """Orders whose actor has heard that they and their legs are over."""
        self.refused: set[str] = set()
        self.absent: dict[str, list[OrderAbsent]] = defaultdict(list)
        self.absent_at: dict[str, list[int]] = defaultdict(list)
        self.reported: dict[str, int] = {}
        """Orders that the broker has told of, and since when."""
        self.stops_shown: set[str] = set()
        """Our ids of which a report shows a stop that lives."""
        self.stops_over: set[str] = set()
        """Our ids of which a report shows that every stop is over."""
        self.reported_qty: dict[str, Decimal] = defaultdict(Decimal)
        """What the newest report of an entry shows as filled."""
        self.exposures: dict[str, Exposure] = {}
        self.flagged: dict[str, int] = {}
        """Symbols that the journal says are unprotected, and since when it says so."""
        self.over_told: set[str] = set()
        """Symbols of which a critical alert says that more was closed than was held."""
        self.closed: list[PositionClosed] = []
        self.closed_at = 0
        """When the journal told of the newest."""
        self.losing = 0
        self.account: AccountReport | None = None
        self.first_equity = ZERO
        self.strange: dict[str, tuple[str, int]] = {}
        """By symbol: an order with our prefix that we do not know, as the journal names it, and since when."""
        self.foreign_seen: set[str] = set()
        """Symbols of which the journal has said once that there is more than ours: it takes two readings."""
        self.foreign_known: dict[str, int] = {}
        """By symbol: since when the journal says that somebody else holds some of it."""
        self.foreign_news: dict[str, int] = {}
        """By symbol: since when the journal tells of another's order that the truth has not shown yet."""
        self.foreign_told: dict[str, int] = {}
        """By symbol: since when the actor itself or the truth it was told names something foreign."""
        self.foreign_orders: dict[str, int] = {}
        """By symbol: others' orders that live, by the newest truth."""
        self.stream_down = 0
        """Since when the journal says that no trade stream is authorised; 0 while one is."""
        self.crashed: dict[str, int] = {}
        """By symbol: when its order actor died on a word, until the broker's truth comes."""
        self.covered_since: dict[str, int] = {}
        """By symbol held: since when the venue's stops cover all of it."""
        self.alive_at = 0
        self.planted: set[str] = set()
        """Orders with our prefix that another daemon made."""
        self.foreign: set[str] = set()
        """Symbols that somebody else has traded."""
        self.sent: list[Sent] = []
        self.bodies: dict[str, dict[str, Any]] = {}
        self.entries_left: list[Sent] = []
        self.crossed_since: int = 0
        self.disturbed_at = 0

    # requests

    def left(self, sent: Sent) -> None:
        """A request has left."""
        self.sent.append(sent)
        if sent.method == "POST" and sent.path == "/v2/orders":
            self.bodies.setdefault(sent.client_order_id, sent.body)
            intent = self.intents.get(sent.client_order_id)
            if intent is not None and intent.order.increases:
                self.entries_left.append(sent)

    def closed_until(self) -> int:
        """Until when a 429 says that nothing is to be sent, and is to be believed; 0 when none does."""
        told = (one for one in self.sent if one.closed_until - one.left_at <= MOST_BACKOFF)
        return max((one.closed_until for one in told), default=0)

    def approval_of(self, intent: Intent) -> tuple[Approval, int] | None:
        """The approval that an entry rests on, and when it was said."""
        for word in intent.order.because:
            found = self.approvals.get(WordId(*word))
            if found is not None:
                return found
        return None

    # the journal

    def committed(self, record: Record) -> None:
        """A record is on disk."""
        if record.heard is not None and record.actor in self.addresses:
            self._heard(record)
        for n, message in enumerate(record.said):
            word = WordId(record.seq, n)
            self._said(word, message, record)

    def _heard(self, record: Record) -> None:
        word = WordId(*record.heard)  # type: ignore[misc]
        message = self.words.get(word)
        self.waiting.pop((record.actor, word), None)
        if message is None or record.outcome.startswith("crashed"):
            return  # what an actor died of it has not learned
        route = ROUTES[type(message)]
        if route.mail is MailClass.LATEST and route.key is not None:
            self._superseded(record.actor, word, message, route.key)
        if record.actor.startswith("order/") and isinstance(message, OrderReport):
            self._report_heard(message)
        if record.actor.startswith("order/") and isinstance(message, Reconciled):
            for report in message.orders:
                self._report_heard(report)

    def _superseded(self, actor: str, word: WordId, message: Message, key: Any) -> None:
        for address, other in [one for one in self.waiting if one[0] == actor and one[1] < word]:
            waits = self.words[other]
            if type(waits) is type(message) and key(waits) == key(message):
                del self.waiting[address, other]

    def _report_heard(self, report: OrderReport) -> None:
        over = report.status in TERMINAL and all(leg.status in TERMINAL for leg in report.legs)
        intent = self.intents.get(report.client_order_id)
        complex_order = intent is not None and intent.order.order_class != "simple"
        if over and (not complex_order or len(report.legs) == 2 - (intent.order.leg == "oco")):
            self.ended.add(report.client_order_id)

    def _said(self, word: WordId, message: Message, record: Record) -> None:
        self.words[word] = message
        for address in recipients(message, self.addresses):
            self.waiting[address, word] = record.at
        match message:
            case SubmitOrder():
                one = Intent(message, record.seq, record.at, self.run)
                self.intents[message.client_order_id] = one
            case CancelOrder():
                self.cancels[message.order_id] = record.at
                self.called_back.add(message.client_order_id)
            case Approval():
                self.approvals[word] = (message, record.at)
            case Signal():
                self.signals[message.content] = record.at
            case ForeignSeen():
                self.foreign_news[message.symbol] = record.at
            case Operator():
                self.operator = message.state
                if message.state == "normal":
                    self.losing = self.tripped_at = 0
            case RiskLevel(level="BREACH") if message.note:
                self.tripped_at = self.tripped_at or record.at
            case Started():
                self._started(record)
            case BrokerReady():
                self.ready_at = record.at
            case BrokerLink():
                self.stream_down = 0 if message.stream_up else self.stream_down or record.at
            case Crashed() if message.address.startswith("order/"):
                self.crashed.setdefault(message.address.removeprefix("order/"), record.at)
            case Alert(severity="critical") if "closed beyond the position" in message.text:
                self.over_told.add(message.symbol)
            case DeadLetter():
                self.waiting.pop((message.address, WordId(*message.word)), None)
            case _:
                self._of_orders(message, record)

    def _started(self, record: Record) -> None:
        self.run += 1
        self.started_at, self.ready_at = record.at, 0
        for one in self.exposures.values():
            one.seen_at = 0

    def _of_orders(self, message: Message, record: Record) -> None:
        match message:
            case Fill():
                self.fills[message.client_order_id] += message.qty
                self.journal_fills.append(message)
                self._filled(message, record.at)
            case Holding():
                self.holdings[message.symbol] = message
                self._foreign_is(message.symbol, record.at)
            case OrderReport():
                self._reported(message, record.at)
            case Reconciled():
                self._reconciled(message, record.at)
            case OrderUnknown() if message.request == "submit":
                known = message.client_order_id in self.reported
                self.unknown.setdefault(
                    message.client_order_id,
                    Unknown(message.symbol, record.at, found=known),
                )
            case OrderRefused():
                self.refused.add(message.client_order_id)
            case OrderAbsent():
                self.absent[message.client_order_id].append(message)
                self.absent_at[message.client_order_id].append(record.at)
            case Unprotected():
                self.flagged[message.symbol] = record.at
            case Protected():
                self.flagged.pop(message.symbol, None)
                self._believed(message, record.at)
            case PositionClosed():
                self.flagged.pop(message.symbol, None)
                self.over_told.discard(message.symbol)
                self.closed.append(message)
                self.closed_at = record.at
                self.losing = self.losing + 1 if message.pnl < 0 else 0
            case AccountReport():
                self.account = message
                self.first_equity = self.first_equity or message.equity

    def own(self, symbol: str) -> Decimal:
        """What the fills of the journal come to, signed."""
        fills = (one for one in self.journal_fills if one.symbol == symbol)
        signed = (one.qty - one.fee_qty if one.side == "buy" else -one.qty for one in fills)
        return sum(signed, ZERO)

    def _seen(self, symbol: str, at: int, read_at: int = 0) -> None:
        """What was read before a position was exposed shows nothing of it, however late it is told."""
        one = self.exposures.get(symbol)
        if one is not None and not one.seen_at and (read_at or at) >= one.since:
            one.seen_at = at

    def _filled(self, fill: Fill, at: int) -> None:
        """The journal tells of a fill that adds to what is exposed, or has turned the position to its side."""
        one, own, bought = (
            self.exposures.get(fill.symbol),
            self.own(fill.symbol),
            fill.side == "buy",
        )
        if one is not None and own and (own > 0) == bought == one.long:
            self._seen(fill.symbol, at)

    def _believed(self, said: Protected, at: int) -> None:
        """The broker's newest word is that this stop lives: that it does not is to be noticed from here on."""
        one = self.exposures.get(said.symbol)
        if one is not None and said.order in self.stops_shown - self.stops_over:
            one.since, one.seen_at = at, 0

    def _reported(self, report: OrderReport, at: int, read_at: int = 0) -> None:
        self.reported.setdefault(report.client_order_id, at)
        intent = self.intents.get(report.client_order_id)
        if intent is not None and intent.order.increases and report.status == "partially_filled":
            self.partly.setdefault(report.client_order_id, at)
        if report.client_order_id in self.unknown:
            self.unknown[report.client_order_id].found = True
        parts = (report, *report.legs)
        stops = {one.status for one in parts if one.type in ("stop", "stop_limit")}
        if stops:
            (self.stops_over if stops <= TERMINAL else self.stops_shown).add(report.client_order_id)
        if self._shows_exposure(report):
            self._seen(report.symbol, at, read_at)

    def _shows_exposure(self, report: OrderReport) -> bool:
        """The report tells that something is held which its own stop does not cover."""
        intent = self.intents.get(report.client_order_id)
        stops = [leg for leg in report.legs if leg.type in ("stop", "stop_limit")]
        if intent is None:
            return False
        if intent.order.leg == "entry" and report.status == "filled" and stops:
            closed = any(leg.filled_qty > 0 for leg in report.legs)
            return not closed and all(leg.status in TERMINAL for leg in stops)
        if intent.order.leg == "entry":
            grown = report.filled_qty > self.reported_qty[report.client_order_id]
            self.reported_qty[report.client_order_id] = report.filled_qty
            return grown
        over = report.status in TERMINAL and report.status != "filled"
        return intent.order.leg in ("stop", "oco") and over and not self._is_of_before(report)

    def _is_of_before(self, report: OrderReport) -> bool:
        """It ended before the position was exposed: the stop of an earlier one, listed once more."""
        one = self.exposures.get(report.symbol)
        return one is not None and 0 < report.event_at < one.since - SECOND

    def _foreign_is(self, symbol: str, at: int) -> None:
        """Whether anything foreign is said of a symbol, and since when."""
        one = self.holdings.get(symbol)
        held = one is not None and bool(one.foreign_qty or (one.side and not one.own))
        if held or self.foreign_orders.get(symbol):
            self.foreign_told.setdefault(symbol, at)
        else:
            self.foreign_told.pop(symbol, None)

    def _reconciled(self, truth: Reconciled, at: int) -> None:
        if truth.read_at >= self.foreign_news.get(truth.symbol, 0):
            self.foreign_news.pop(truth.symbol, None)
        self.crashed.pop(truth.symbol, None)
        self.foreign_orders[truth.symbol] = len(truth.foreign)
        self._foreign_is(truth.symbol, at)
        for report in truth.orders:
            self._reported(report, at, truth.read_at)
        own = self.own(truth.symbol) + self.split_shares(truth.symbol)
        unsure = any(
            one.order.symbol == truth.symbol
            and cid not in self.reported
            and cid not in self.refused
            for cid, one in self.intents.items()
        )
        if not unsure and truth.position.qty and abs(truth.position.qty - own) >= 1:
            if truth.symbol in self.foreign_seen:
                self.foreign_known.setdefault(truth.symbol, at)
            self.foreign_seen.add(truth.symbol)
        strange = [
            one.client_order_id
            for one in truth.orders
            if one.client_order_id.startswith(self.prefix)
            and one.client_order_id not in self.intents
            and one.status not in TERMINAL
        ]
        if not strange:
            self.strange.pop(truth.symbol, None)
        elif truth.symbol not in self.strange:
            self.strange[truth.symbol] = (strange[0], at)

    # time

    def time(self, now: int) -> None:
        """Follow what is exposed."""
        self.now = now
        for symbol in self.config.symbols:
            held = self.position(symbol)
            covered = held == 0 or self.is_dust(symbol, held) or self.protected(symbol) >= abs(held)
            if held and covered:
                self.covered_since.setdefault(symbol, now)
            else:
                self.covered_since.pop(symbol, None)
            if covered:
                self.exposures.pop(symbol, None)
            elif symbol not in self.exposures or self.exposures[symbol].long != (held > 0):
                self.exposures[symbol] = Exposure(since=now, long=held > 0)

    def seconds(self, since: int) -> float:
        """How long ago."""
        return (self.now - since) / SECOND
