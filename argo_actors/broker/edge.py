"""The broker's edge: schedules requests, reads the broker's truth, and tells what became of everything."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from ..config import Config
from ..errors import (
    AuthError,
    BrokerError,
    NotSentError,
    RateLimitedError,
    RefusedError,
    UnknownOutcomeError,
)
from ..messages import WordId
from ..messages.market import Asset, Tick
from ..messages.order import (
    AccountReport,
    BrokerReady,
    CancelOrder,
    LookupOrder,
    OrderAbsent,
    OrderRefused,
    OrderReport,
    OrderUnknown,
    PositionReport,
    ReadAccount,
    ReadPosition,
    Reconcile,
    SubmitOrder,
)
from ..messages.system import Alert
from ..messages.truth import Elsewhere, TruthRead
from ..runtime.edge import Port
from ..runtime.mailbox import Word
from ..units import SECOND, Symbol, UtcNanos
from .gate import Gate
from .limiter import Limiter
from .link import Link
from .schedule import MONEY, Job, Priority, Schedule
from .truth import (
    LIVE,
    LOOK_BACK,
    LOOK_BACK_PERIODIC,
    Question,
    Truth,
    elsewhere,
    read_twice,
    reconciled,
    stamp,
)
from .wire import account_report, asset, flat, order_report, position_report

TRUTH_SECONDS = 20.0
LINK_SAID_SECONDS = 10
MOST_BACKOFF = 30.0


class BrokerEdge:
    """One behaviour; disposable, because everything it knows can be read again."""

    def __init__(
        self, port: Port, *, config: Config, gate: Gate, link: Link, account_tag: str
    ) -> None:
        self._port = port
        self._config = config
        self._gate = gate
        self._link = link
        self._symbols: tuple[Symbol, ...] = tuple(sorted(config.symbols))
        self._prefix = f"argo-{account_tag}-"
        self._schedule = Schedule(config.broker.workers)
        self._limiter = Limiter(config.broker.calls_per_minute, config.broker.reserved_calls)
        self._ready = False
        self._assets_known = False
        self._reading_account = False
        self._reading_truth = False
        self._listing = False
        self._account_at: UtcNanos = 0
        self._truth_at: UtcNanos = 0
        self._listed_at: UtcNanos = 0
        self._link_said_at: UtcNanos = 0
        self._live: dict[str, OrderReport] = {}
        self._attempts: dict[str, int] = {}
        self._elsewhere: Elsewhere | None = None
        self._sent_at: dict[str, UtcNanos] = {}
        """When our orders were submitted, in market time: where a list must begin."""
        self._failures = 0

    def start(self) -> None:
        """Learn the assets, then the whole truth; READY comes with it."""
        self._query("", self._read_assets, self._assets_read, Priority.QUERY)

    def stop(self) -> None:
        """Nothing is open; requests under way end with their workers."""

    def hear(self, word: Word) -> None:
        """A command, or the tick that brings the periodic readings."""
        message = word.message
        match message:
            case SubmitOrder():
                self._submit(message, word.id)
            case CancelOrder():
                self._cancel(message, word.id)
            case LookupOrder():
                self._lookup(message.client_order_id, message.symbol, word.id)
            case ReadPosition():
                self._read_position(message.symbol, word.id)
            case ReadAccount():
                self._read_account()
            case Reconcile():
                self._reconcile(message.symbols, message.reason)
            case Tick():
                self._tick()

    def _tick(self) -> None:
        now, broker = self._port.now(), self._config.broker
        if not self._ready:
            return
        if now - self._account_at >= broker.account_seconds * SECOND:
            self._read_account()
        if self._live and now - self._listed_at >= broker.open_orders_seconds * SECOND:
            self._list()
        if now - self._truth_at >= broker.reconcile_seconds * SECOND:
            self._reconcile((), "periodic")
        if now - self._link_said_at >= LINK_SAID_SECONDS * SECOND:
            self._say_link()
        self._pump()

    def _say_link(self, reason: str = "") -> None:
        self._link_said_at = self._port.now()
        self._port.say(self._link.word(reason))

    # requests and their turn

    def _query(
        self,
        symbol: str,
        work: Callable[[], Any],
        then: Callable[[Any, BaseException | None], None],
        priority: Priority = Priority.QUERY,
    ) -> None:
        self._schedule.add(priority, symbol, work, then)
        self._pump()

    def _pump(self) -> None:
        """Send what may be sent now."""
        while (job := self._schedule.next()) is not None:
            urgent = job.priority < Priority.QUERY
            if not self._limiter.take(self._port.now(), urgent=urgent):
                self._schedule.put_back(job)
                self._port.after(0.25, self._pump)
                return
            self._port.call(job.work, self._seconds(job), partial(self._done, job))

    def _seconds(self, job: Job) -> float:
        if job.priority in MONEY:
            return self._config.broker.money_timeout_seconds + (
                self._config.journal.durable_seconds
            )
        whole = job.symbol == "" and not self._ready
        return TRUTH_SECONDS if whole else self._config.broker.query_timeout_seconds

    def _done(self, job: Job, value: Any, error: BaseException | None) -> None:
        self._schedule.done(job)
        if error is None or isinstance(error, RefusedError):
            self._link.last_answer_at = self._port.now()
        if isinstance(error, RateLimitedError):
            self._limiter.close(self._port.now(), self._wait_for(error, 1))
        job.then(value, error)
        self._pump()

    def _wait_for(self, error: RateLimitedError, attempt: int) -> float:
        left = error.reset_at - self._port.now() / SECOND if error.reset_at else 0.0
        return left if 0 < left <= MOST_BACKOFF else min(2.0**attempt, MOST_BACKOFF)

    # money

    def _submit(self, order: SubmitOrder, word: WordId) -> None:
        self._sent_at.setdefault(order.client_order_id, self._port.now())
        work = partial(self._gate.submit, order, word.seq)
        self._query(order.symbol, work, partial(self._submitted, order, word), priority_of(order))

    def _submitted(
        self, order: SubmitOrder, word: WordId, raw: Any, error: BaseException | None
    ) -> None:
        if error is None:
            self._tell(raw, "answer", order.client_order_id, order.symbol, word)
        elif isinstance(error, NotSentError):
            self._not_sent(order, word, error)
        elif isinstance(error, RefusedError):
            self._port.say(_refused(order, word, error))
        elif isinstance(error, AuthError):
            refused = RefusedError(error.what, status=401)
            self._port.say(
                _refused(order, word, refused), Alert(severity="critical", text=error.what)
            )
        else:
            self._unknown(order.client_order_id, order.symbol, word, error)

    def _unknown(self, order: str, symbol: Symbol, word: WordId, error: BaseException) -> None:
        self._port.say(
            OrderUnknown(
                client_order_id=order,
                symbol=symbol,
                request="submit",
                reason=f"{type(error).__name__}: {error}"[:200],
                because=(word,),
            )
        )

    def _not_sent(self, order: SubmitOrder, word: WordId, error: NotSentError) -> None:
        """It cannot have arrived: after a lookup says so too, the same order is sent again."""
        attempt = self._attempts.get(order.client_order_id, 0) + 1
        self._attempts[order.client_order_id] = attempt
        trading = self._config.trading
        if attempt > trading.max_retry_attempts or self._port.now() > order.expires_at:
            self._attempts.pop(order.client_order_id, None)
            refused = RefusedError(f"could not be sent: {error.what}", status=0)
            self._port.say(_refused(order, word, refused))
            return
        wait = (
            self._wait_for(error, attempt)
            if isinstance(error, RateLimitedError)
            else attempt * trading.retry_delay_seconds
        )
        self._port.after(wait, partial(self._look_then_send, order, word))

    def _look_then_send(self, order: SubmitOrder, word: WordId) -> None:
        def then(raw: Any, error: BaseException | None) -> None:
            if error is None:
                self._tell(raw, "lookup", order.client_order_id, order.symbol, word)
            elif isinstance(error, RefusedError) and error.status == 404:
                self._gate.forget(order.client_order_id)
                self._submit(order, word)
            elif isinstance(error, NotSentError):
                self._not_sent(order, word, error)
            else:
                self._unknown(order.client_order_id, order.symbol, word, error)

        work = partial(self._gate.order, order.client_order_id)
        self._query(order.symbol, work, then, Priority.LOOKUP)

    def _cancel(self, command: CancelOrder, word: WordId) -> None:
        def then(raw: Any, error: BaseException | None) -> None:
            if error is not None:
                self._lookup(command.client_order_id, command.symbol, word)

        work = partial(self._gate.cancel, command, word.seq)
        self._query(command.symbol, work, then, Priority.CANCEL)

    # reading

    def _lookup(self, order: str, symbol: Symbol, word: WordId) -> None:
        after = stamp(self._port.now() - 24 * 3600 * SECOND)

        def work() -> tuple[Any, bool]:
            try:
                return self._gate.order(order), False
            except RefusedError as error:
                if error.status != 404:
                    raise
            listed = self._gate.orders("all", (symbol,), after)
            found = [one for one in listed if one.get("client_order_id") == order]
            return (found[0] if found else None), True

        def then(found: Any, error: BaseException | None) -> None:
            if error is not None:
                return
            raw, listed = found
            if raw is None:
                absent = OrderAbsent(
                    client_order_id=order, symbol=symbol, listed=listed, because=(word,)
                )
                self._port.say(absent)
            else:
                self._tell(raw, "lookup", order, symbol, word)

        self._query(symbol, work, then, Priority.LOOKUP)

    def _tell(self, raw: Any, channel: Any, order: str, symbol: Symbol, word: WordId) -> None:
        """Say what the broker says of an order; an answer that makes no sense is an unknown outcome."""
        try:
            report = order_report(raw, self._symbols, channel, (word,))
        except BrokerError as error:
            self._unknown(order, symbol, word, error)
            return
        if report.client_order_id != order:
            self._unknown(
                order, symbol, word, UnknownOutcomeError("the answer names another order")
            )
            return
        self._note(report)
        self._port.say(report)

    def _note(self, report: OrderReport) -> bool:
        """Remember what is live. True when the report differs from the last one."""
        self._link.remember(report)
        bare = msgspec.structs.replace(report, because=(), channel="list", event_at=0)
        known = self._live.get(report.client_order_id)
        alive = report.status in LIVE or any(leg.status in LIVE for leg in report.legs)
        if alive:
            self._live[report.client_order_id] = bare
        else:
            self._live.pop(report.client_order_id, None)
            self._sent_at.pop(report.client_order_id, None)
        return known != bare

    def _read_position(self, symbol: Symbol, word: WordId) -> None:
        def work() -> PositionReport:
            raw = self._gate.position(symbol)
            return flat(symbol, (word,)) if raw is None else position_report(raw, symbol, (word,))

        def then(report: Any, error: BaseException | None) -> None:
            if error is None:
                self._port.say(report)

        self._query(symbol, work, then, Priority.LOOKUP)

    def _read_account(self) -> None:
        if self._reading_account:
            return
        self._reading_account = True

        def work() -> AccountReport:
            return account_report(self._gate.account())

        def then(report: Any, error: BaseException | None) -> None:
            self._reading_account = False
            if error is None:
                self._account_at = self._port.now()
                self._port.say(report)

        self._query("", work, then)

    def _list(self) -> None:
        """Every own order that lives, legs included, whether or not the stream told of it."""
        if self._listing:
            return
        self._listing = True
        self._listed_at = self._port.now()
        symbols = tuple(sorted({one.symbol for one in self._live.values()}))
        after = stamp(self._oldest_live())

        def work() -> list[OrderReport]:
            found = self._gate.orders("all", symbols, after)
            return [order_report(one, self._symbols, "list") for one in found]

        def then(reports: Any, error: BaseException | None) -> None:
            self._listing = False
            if error is None:
                self._listed(reports)

        self._query("", work, then)

    def _oldest_live(self) -> UtcNanos:
        known = [self._sent_at.get(one) or self._port.now() - LOOK_BACK for one in self._live]
        return min(known) - SECOND

    def _listed(self, reports: list[OrderReport]) -> None:
        changed = [
            one
            for one in reports
            if one.client_order_id.startswith(self._prefix) and self._is_news(one)
        ]
        if changed:
            self._port.say(*changed)

    def _is_news(self, report: OrderReport) -> bool:
        return report.client_order_id in self._live and self._note(report)

    # the whole truth

    def _read_assets(self) -> list[Asset]:
        return [asset(self._gate.asset(symbol), symbol) for symbol in self._symbols]

    def _assets_read(self, found: Any, error: BaseException | None) -> None:
        if error is not None:
            self._again(error, self.start)
            return
        for one in found:
            self._gate.know(one)
        self._assets_known = True
        self._port.say(*found)
        self._reconcile((), "start")

    def _again(self, error: BaseException, then: Callable[[], None]) -> None:
        """The broker does not answer yet: say so, and ask again with growing patience."""
        self._failures += 1
        if self._failures == 1:
            self._say_link(f"{type(error).__name__}: {error}"[:200])
        self._port.after(min(0.5 * 2 ** min(self._failures, 6), MOST_BACKOFF), then)

    def _reconcile(self, symbols: tuple[Symbol, ...], reason: str) -> None:
        if not self._assets_known:
            return
        if self._reading_truth:
            if symbols:
                self._port.after(0.2, partial(self._reconcile, symbols, reason))
            return
        self._reading_truth = True
        self._truth_at = self._port.now()
        look_back = LOOK_BACK_PERIODIC if reason == "periodic" else LOOK_BACK
        question = Question(symbols, self._symbols, look_back)
        work = partial(read_twice, self._gate, question, self._port.now)

        def then(truth: Any, error: BaseException | None) -> None:
            self._reading_truth = False
            if error is None:
                self._truth(truth, question, reason)
            else:
                self._again(error, partial(self._reconcile, symbols, reason))

        self._query("", work, then)

    def _truth(self, truth: Truth, question: Question, reason: str) -> None:
        self._failures = 0
        for one in truth.orders:
            if one.client_order_id.startswith(self._prefix):
                self._sent_at.setdefault(one.client_order_id, one.submitted_at)
                self._note(one)
        symbols = question.symbols or self._symbols
        words: list[Any] = [truth.account, *reconciled(truth, symbols, self._prefix, reason)]
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
            words += self._strange(elsewhere(truth, self._symbols))
        if not self._ready:
            self._ready = True
            words.append(BrokerReady(orders=len(truth.orders), positions=len(truth.positions)))
        self._port.say(*words, self._link.word())
        self._link_said_at = self._port.now()

    def _strange(self, found: Elsewhere) -> list[Any]:
        """What is in symbols that are not configured: told when it changes, loudly when it is new."""
        before, self._elsewhere = self._elsewhere, found
        if found == before:
            return []
        known = set() if before is None else {one.symbol for one in before.positions}
        new = [one.symbol for one in found.positions if one.symbol not in known]
        text = f"positions in symbols that are not configured: {', '.join(new)}"
        return [found, *([Alert(severity="warning", text=text[:300])] if new else [])]


def priority_of(order: SubmitOrder) -> Priority:
    """Protection before exits before entries."""
    match order.leg:
        case "stop" | "target" | "oco":
            return Priority.PROTECTION
        case "exit" | "flat":
            return Priority.EXIT
        case "entry":
            return Priority.ENTRY


def _refused(order: SubmitOrder, word: WordId, error: RefusedError) -> OrderRefused:
    return OrderRefused(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        request="submit",
        status=error.status,
        code=error.code,
        message=error.what[:300],
        related_order=_related(error.body),
        because=(word,),
    )


def _related(body: str) -> str:
    """The order that holds the quantity, where the broker names one."""
    try:
        found = msgspec.json.decode(body or "{}")
    except msgspec.DecodeError:
        return ""
    related = found.get("related_orders") if isinstance(found, dict) else None
    return str(related[0]) if isinstance(related, list) and related else ""
