"""Let the deciders talk to each other again: a recorded journal, a changed rule or a source left out.

The recorded words of the edges (opinions, prices, figures, hours, assets, operators' words, how the line to
the broker was) are heard again by the real deciders under the deterministic driver: by whom, in which order
and at which market time the record says. What the deciders say is new and is heard at once. The broker's
side and the answers to questions for quotes are *modelled* (`modelled.py`); so are the account's readings and
the broker's truths, at the times of the recorded ones.

Without a change the consensus says again what it said, byte for byte: its cycles and signals rest on
recorded words alone. Nothing else is promised to be equal: fills come at recorded prices, at the next
recorded moment, so prices, sizes, positions, denials and profit differ from the record. So profit is
compared with another rerun's, never with the record's. A rerun begins flat, with the equity first recorded:
what was held when the first file began is left out, and so are transfers, foreign positions and what people
said about them. Splits are not modelled: a position held over one is valued wrongly. Broker failures (unknown
outcomes) are not run again, nor are crashes.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .. import keyed
from ..consensus.decider import ConsensusState, View
from ..journal.codec import Record
from ..journal.reader import opening, records
from ..messages import Message, WordId
from ..messages.market import (
    Asset,
    Decide,
    Figures,
    MarketHours,
    QuoteSeen,
    Wake,
)
from ..messages.opinion import NoOpinion, Opinion, SourceStatus, VendorPrice
from ..messages.order import (
    AccountReport,
    BrokerLink,
    BrokerReady,
    Fill,
    PositionClosed,
    Reconciled,
)
from ..messages.signal import Execute, ExecuteSignal, Signal
from ..messages.system import Configured, Operator, Overload, Started, Stopping
from ..order.state import OrderState
from ..risk.state import RiskState
from ..runtime.cell import DeciderCell
from ..runtime.folding import Build, Folding
from ..runtime.mailbox import Mailbox, Word
from ..runtime.office import Office
from ..runtime.stepped import Stepped
from ..units import SECOND, Usd, UtcNanos
from .marks import marks
from .modelled import ModelledBroker, RecordedMarket
from .verify import overridden

HEARD_AGAIN: frozenset[type[Message]] = frozenset(
    {
        Asset,
        BrokerLink,
        BrokerReady,
        Decide,
        Execute,
        ExecuteSignal,
        Figures,
        MarketHours,
        NoOpinion,
        Operator,
        Opinion,
        Overload,
        QuoteSeen,
        SourceStatus,
        Started,
        Stopping,
        VendorPrice,
    }
)
"""Facts of the world outside and people's words; every other word is a decider's own, or modelled."""
MODELLED: frozenset[type[Message]] = frozenset({AccountReport, Reconciled})
"""Heard at the recorded times, with what the model says in place of what was recorded."""
SAYS_NOTHING = "tracker"
"""It only listens: what it would show follows from the words."""
IN_FLIGHT = 100_000
"""No word is heard after so many later ones."""
STEP = SECOND
"""The matching engine looks at the recorded prices so often (market time)."""

Listener = Callable[[UtcNanos, str, Message], None]
"""Told each word that a decider says: market time, actor, word."""


class Rerun(NamedTuple):
    """What a rerun came to; all of it but the signals is modelled."""

    signals: tuple[Signal, ...]
    fills: tuple[Fill, ...]
    closed: tuple[PositionClosed, ...]
    pnl: Usd
    """Dollars after fees, what is still held valued at the closing side of the last recorded price."""
    crashes: int
    """Steps of deciders that crashed."""


def rerun(
    files: Sequence[Path],
    build: Build,
    *,
    override: tuple[str, ...] = (),
    without: frozenset[str] = frozenset(),
    told: Listener = lambda at, actor, message: None,
) -> Rerun:
    """Rerun journal files under a changed configuration (`override`), or as if sources were not there.

    A source in `without` says nothing, and is not configured: its family's weight is gone when nobody
    else is in it. Raises JournalError, and ConfigError for an override that makes no sense.
    """
    world = _World(build, override, without, told)
    try:
        for path in files:
            world.begin(path)
            for record in records(path, check=False):
                world.follow(record)
        return world.result()
    finally:
        world.close()


class _Moment:
    """The clock of a rerun: the time of the record that is followed, even where that goes back a little."""

    def __init__(self) -> None:
        self.at: UtcNanos = 0

    def now(self) -> UtcNanos:
        return self.at


class _Room(Office):
    """An office whose actors step at exactly the time that is set."""

    def time_for(self, actor: str) -> UtcNanos:
        return self.clock.now()


class _Log:
    """Numbers the words, and passes on what deciders say."""

    def __init__(self, told: Listener) -> None:
        # Beyond every recorded seq, so that no word has a recorded one's identity.
        self.next_seq = 2**40
        self._told = told

    def append(
        self,
        at: UtcNanos,
        actor: str,
        heard: WordId | None,
        outcome: str,
        said: tuple[Message, ...],
        state_hash: bytes | None = None,
    ) -> int:
        self.next_seq += 1
        if heard is not None:
            for message in said:
                self._told(at, actor, message)
        return self.next_seq - 1


class _Edge:
    """An address behind which the model answers."""

    def __init__(self, address: str, world: "_World") -> None:
        self.address = address
        self.mailbox = Mailbox()
        self._world = world
        world.office.register(address, self.mailbox, self)

    def process(self, item: Any) -> None:
        """Answer a command, in the same moment."""
        world = self._world
        answers = world.broker.answer(world.office.clock.now(), item.id, item.message)
        if answers:
            world.office.record(self.address, answers)
        world.office.activity.end()


class _World:
    """Deciders, driver and model, moved forward record by record."""

    def __init__(
        self, build: Build, override: tuple[str, ...], without: frozenset[str], told: Listener
    ) -> None:
        self._without = without
        gone = tuple(f"sources.{name}.enabled=false" for name in sorted(without))
        self._build = overridden(build, override + gone)
        self._told = told
        self._clock = _Moment()
        self._now: UtcNanos = 0
        self._rung: dict[str, UtcNanos] = {}
        self._recorded: OrderedDict[WordId, Message] = OrderedDict()
        self._driver = Stepped()
        self._cells: dict[str, Any] = {}
        self._signals: list[Signal] = []
        self._fills: list[Fill] = []
        self._closed: list[PositionClosed] = []
        self._crashes = 0
        self._begun = False
        self.market = RecordedMarket()
        self.broker = ModelledBroker(self.market, ())
        self.office = _Room(_Log(self._hear), self._clock)
        for address in ("broker", "quotes"):
            self._driver.attach(_Edge(address, self))

    def result(self) -> Rerun:
        """What it came to."""
        return Rerun(
            tuple(self._signals),
            tuple(self._fills),
            tuple(self._closed),
            self.broker.pnl,
            self._crashes,
        )

    def close(self) -> None:
        """Let the actors go."""
        for cell in self._cells.values():
            cell.actor_ref.stop(block=False)
        self._driver.run()

    def begin(self, path: Path) -> None:
        """A file begins: the first one's opening holds what the deciders knew."""
        if self._begun:
            return
        self._begun = True
        begun = opening(path)
        self._now = self._clock.at = begun.at
        for mail in begun.mail:
            self._keep(WordId(*mail.word), mail.message)
        if begun.config:
            known = Folding(begun, self._build)
            self._have(known.deciders)
            for address, state in known.states.items():
                if address in self._cells:
                    self._cells[address].restore(self._carried(state))

    def follow(self, record: Record) -> None:
        """Time passes to the record, who heard a recorded word hears it again, what is said is noted."""
        self._let_pass(record.at)
        if record.heard is not None and record.actor in self._cells:
            self._hear_again(record.actor, record.heard, record.at)
        for n, message in enumerate(record.said):
            self._learn(record.at, WordId(record.seq, n), message)

    def _learn(self, at: UtcNanos, word: WordId, message: Message) -> None:
        if isinstance(message, Configured):
            self._have(self._build(message.config, message.account_tag))
        elif isinstance(message, Asset):
            self.market.know(message)
        elif isinstance(message, AccountReport):
            self.broker.open(message, at)
        for mark in marks(message):
            self.market.see(at, mark)
        self._keep(word, message)
        self._show(at, message)

    def _keep(self, word: WordId, message: Message) -> None:
        """A word that will be heard again, unless its source is left out."""
        kind = type(message)
        if kind not in HEARD_AGAIN and kind not in MODELLED:
            return
        if getattr(message, "source", None) not in self._without:
            self._recorded[word] = message
            if len(self._recorded) > IN_FLIGHT:
                self._recorded.popitem(last=False)

    def _show(self, at: UtcNanos, message: Message) -> None:
        """Quotes were recorded of what was held: what only the rerun holds is shown live prices."""
        if not isinstance(message, VendorPrice) or self.broker.book is None:
            return
        if not self.broker.holds(message.symbol):
            return
        quote = self.market.fresh(message.symbol, at)
        if quote is not None and not self.market.quoted(message.symbol, at):
            self._say("quotes", QuoteSeen(quote=quote))

    def _hear_again(self, actor: str, word: WordId, at: UtcNanos) -> None:
        message = self._recorded.get(word)
        if message is None or (type(message) in MODELLED and self.broker.book is None):
            return
        if isinstance(message, AccountReport):
            message = self.broker.account()
        elif isinstance(message, Reconciled):
            message = self.broker.truth(message.symbol, message.reason)
        self._clock.at = at
        self.office.deliver(actor, Word(word, message))
        self._driver.run()

    def _let_pass(self, to: UtcNanos) -> None:
        """Deadlines of the deciders and steps of the engine until then, in their order."""
        while True:
            waking = self._next_wake()
            if waking is None or waking[0] > to:
                break
            due, address = waking
            self._rung[address] = due
            self._move(max(due, self._now))
            self._say("clock", Wake(to=address, due=due))
        if to - self._now >= STEP:
            self._move(to)
        self._clock.at = to

    def _next_wake(self) -> tuple[UtcNanos, str] | None:
        due = [
            (at, address)
            for address, at in self.office.wakes.items()
            if self._rung.get(address) != at
        ]
        return min(due) if due else None

    def _move(self, to: UtcNanos) -> None:
        self._now = self._clock.at = to
        self._say("broker", *self.broker.advance(to))

    def _say(self, actor: str, *words: Message) -> None:
        if words:
            self.office.record(actor, words)
            self._driver.run()

    def _hear(self, at: UtcNanos, actor: str, message: Message) -> None:
        match message:
            case Signal():
                self._signals.append(message)
            case Fill():
                self._fills.append(message)
            case PositionClosed():
                self._closed.append(message)
        self._told(at, actor, message)

    def _have(self, deciders: Any) -> None:
        """New rules for known addresses, new cells for new ones."""
        symbols = []
        for address, decider in deciders.items():
            if address == SAYS_NOTHING:
                continue
            if address.startswith("order/"):
                symbols.append(address.removeprefix("order/"))
            if address in self._cells:
                self._cells[address].decider = decider
                continue
            DeciderCell.start(self.office, address, decider, self._crashed)
            self._cells[address] = self.office.cells[address]
            self._driver.attach(self._cells[address])
        self.broker.symbols = tuple(symbols)

    def _crashed(self, address: str, error: BaseException, heard: WordId | None) -> None:
        """The state before the step stands, as in a live run; the next word is heard."""
        self._crashes += 1
        self.office.release(address)

    def _carried(self, state: msgspec.Struct) -> msgspec.Struct:
        """What is still so for an account that begins flat, without the sources that are left out."""
        replace = msgspec.structs.replace
        match state:
            case ConsensusState():
                views = tuple((symbol, self._unseen(view)) for symbol, view in state.views)
                return replace(state, configured=self._kept(state.configured), views=views)
            case RiskState():
                if state.account is not None:
                    self.broker.open(state.account, self._now)
                for _, asset in state.assets:
                    self.market.know(asset)
                return replace(
                    state,
                    sources=self._kept(state.sources),
                    holdings=(),
                    reserved=(),
                    gathered=(),
                    awaiting=(),
                    foreign=(),
                )
            case OrderState():
                return OrderState(asset=state.asset, hours=state.hours, operator=state.operator)
        return state

    def _unseen(self, view: View) -> View:
        opinions, prices = self._kept(view.opinions), self._kept(view.prices)
        return msgspec.structs.replace(view, opinions=opinions, prices=prices)

    def _kept(self, pairs: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
        for name in self._without:
            pairs = keyed.drop(pairs, name)
        return pairs
