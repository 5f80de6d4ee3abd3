"""From a vendor's answer to an order: real sources, deciders, supervisor and journal in virtual time.

A world lasts one decision. One source asks a stub on loopback; the others' opinions, the account, the
assets and the quotes are said. What the order actors want sent is what the world came to.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from argo_actors.bootstrap import configured, deciders, groups
from argo_actors.config import Config
from argo_actors.host.secrets import Secrets
from argo_actors.journal.codec import Opening, Record
from argo_actors.messages import Message
from argo_actors.messages.market import Decide, Figures, Quote, Quotes, QuotesWanted, Tick
from argo_actors.messages.opinion import Opinion, SourceStatus
from argo_actors.messages.order import (
    BrokerLink,
    BrokerReady,
    PositionReport,
    Reconciled,
    SubmitOrder,
)
from argo_actors.messages.system import Configured, Started
from argo_actors.runtime.engine import Engine, Plan
from argo_actors.runtime.virtual import Virtual, VirtualClock, VirtualJournal
from argo_actors.source.known import key_names
from argo_actors.source.opinion import from_score
from argo_actors.source.roster import Roster
from argo_actors.units import SECOND, ZERO
from tests.risk.worlds import account, asset
from tests.source.source_bench import NOW, config, hours

KEY = "K3Y/of+a vendor"
SYMBOLS = ("AAPL", "BTC-USD")
PRICES = {"AAPL": 190.0, "BTC-USD": 64_000.0}
WARM_SECONDS = 2.0
Scores = Mapping[str, float | None]
"""By symbol; None is no opinion."""
Votes = Mapping[str, Scores]
"""Of the sources that are not under test."""
Said = TypeVar("Said", bound=Message)


class Order(NamedTuple):
    """What of an order could be a stranger's doing; its times and ids are left out."""

    symbol: str
    side: str
    qty: Decimal
    kind: str
    prices: tuple[Decimal | None, ...]


class Came(NamedTuple):
    """What became of one decision."""

    orders: tuple[Order, ...]
    records: tuple[Record, ...]
    crashed: int
    died: str


@lru_cache(maxsize=64)
def settings(source: str, others: tuple[str, ...], url: str) -> tuple[Config, Configured]:
    """A configuration of these sources, in which two symbols do not stand in each other's way."""
    blocks: dict[str, Any] = {one: {} for one in others}
    blocks[source] = {
        "base_url": url,
        "plan": "paid",
        "valid_seconds": 2700,
        "daily_budget_usd": 1e9,
        "calls_per_minute": 1000,
    }
    risk = {"warmup_seconds": 1.0, "orders_per_second": 10}
    made = config(symbols=list(SYMBOLS), sources=blocks, risk=risk)
    return made, configured(made, "PA1")


class _Journal(VirtualJournal):
    """Shows every record that it takes."""

    taken: list[Record]

    def append(self, *record: Any, **options: Any) -> int:
        seq = super().append(*record, **options)
        self.taken.append(self._waiting[-1])  # type: ignore[arg-type]
        return seq


class _Driver(Virtual):
    """Makes such a journal."""

    def __init__(self) -> None:
        super().__init__(1)
        self.records: list[Record] = []

    def journal(self, path: Path, begin: Opening, **options: Any) -> VirtualJournal:
        journal = _Journal(self, path, begin, **options)
        journal.taken = self.records
        return journal


class World:
    """One engine, up to one decision; `source` asks at `url`, or is spoken for without one."""

    def __init__(self, source: str, others: Votes, directory: Path, url: str = "") -> None:
        made, said = settings(source, tuple(sorted(others)), url)
        self.config = made
        self.driver = _Driver()
        self.clock = VirtualClock(NOW, self.driver.alarm)
        self.died = ""
        self._source, self._others = source, others
        roster = Roster(made, Secrets(dict.fromkeys(key_names(made.sources), KEY)), directory)
        plan = Plan(
            directory=directory / "journal",
            configured=said,
            build=deciders,
            groups=groups(made),
            edges=tuple(
                one for one in roster.edges(self._park) if url and one.address == f"source/{source}"
            ),
            driver=self.driver,
        )
        self.engine = Engine(plan, self.clock, self._fatal)

    def _park(self, address: str, *words: str, probe: bool = True) -> None:
        self.engine.supervisor.park(address, *words, probe=probe)

    def _fatal(self, what: str) -> None:
        self.died = self.died or what

    def decided(self, said: Scores) -> Came:
        """Begin, ask, decide; `said` are the opinions of a source that does not ask itself."""
        try:
            self._begin()
            self._run(WARM_SECONDS)
            for n in (1, 2):  # some vendors want a second between two calls
                self.engine.say("clock", Tick(n=n))
                self._run(1.1)
            for name, scores in (self._others | {self._source: said}).items():
                for symbol, score in scores.items():
                    self._opine(name, symbol, score)
            self.engine.say("clock", Decide(n=2))
            self._run(0.1)
            for wanted in self._said(QuotesWanted):
                quotes = tuple(self._quote(one) for one in wanted.symbols)
                word = Quotes(request=wanted.request, quotes=quotes, failed=())
                self.engine.say("quotes", word)
            self._run(0.1)
            cells = self.engine.office.cells.values()
            crashed = sum(cell.crashes for cell in cells)
            orders = tuple(map(_order, self._said(SubmitOrder)))
            return Came(orders, tuple(self.driver.records), crashed, self.died)
        finally:
            self.engine.stop()

    def _begin(self) -> None:
        engine, now = self.engine, self.clock.now()
        engine.start(Started(run=engine.run, mode="paper"))
        engine.say("clock", hours(now))
        flat = [
            Reconciled(symbol=one, position=_flat(one), orders=(), reason="start", read_at=now)
            for one in SYMBOLS
        ]
        link = BrokerLink(stream_up=True, last_answer_at=now)
        engine.say("broker", *map(asset, SYMBOLS), *flat, account(), link)
        engine.say("broker", BrokerReady(orders=0, positions=0), account())
        engine.say("quotes", *map(self._figures, SYMBOLS))
        for name in self.config.sources:
            status = SourceStatus(source=name, state="running", configured=True, answered=True)
            engine.say(f"source/{name}", status)

    def _run(self, seconds: float) -> None:
        until = self.driver.alarm.now + round(seconds * SECOND)
        while self.driver.move(until):
            pass

    def _opine(self, source: str, symbol: str, score: float | None) -> None:
        if score is None:
            return
        judged, now = from_score(score), self.clock.now()
        assert not isinstance(judged, str)
        opinion = Opinion(
            source=source,
            symbol=symbol,
            direction=judged.direction,
            confidence=judged.confidence,
            price=None,
            as_of=now,
            valid_until=now + 60 * SECOND,
        )
        self.engine.say(f"source/{source}", opinion)

    def _said(self, kind: type[Said]) -> list[Said]:
        return [word for one in self.driver.records for word in one.said if type(word) is kind]

    def _figures(self, symbol: str) -> Figures:
        return Figures(
            symbol=symbol,
            regime="CHOP",
            atr_pct=2.0,
            bars=252,
            timeframe="1Day",
            as_of=self.clock.now(),
        )

    def _quote(self, symbol: str) -> Quote:
        now, price = self.clock.now(), PRICES[symbol]
        return Quote(symbol=symbol, bid=price * 0.9999, ask=price * 1.0001, at=now, received_at=now)


@contextmanager
def directory() -> Iterator[Path]:
    """A fresh one, in memory where there is such a place."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="argo-hostile-", dir=memory) as path:
        yield Path(path)


def came(source: str, others: Votes, said: Scores, url: str = "") -> Came:
    """What one world comes to."""
    with directory() as path:
        return World(source, others, path, url).decided(said)


def _order(one: SubmitOrder) -> Order:
    return Order(
        one.symbol,
        one.side,
        one.qty,
        f"{one.leg} {one.type} {one.order_class} {one.time_in_force} {one.position_intent}",
        (one.limit_price, one.stop_price, one.take_profit, one.stop_loss),
    )


def _flat(symbol: str) -> PositionReport:
    return PositionReport(symbol=symbol, qty=ZERO, qty_available=ZERO, avg_entry_price=ZERO)
