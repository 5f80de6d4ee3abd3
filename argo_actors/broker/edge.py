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
from ..messages.market import Tick
from ..messages.order import (
    CancelOrder,
    LookupOrder,
    OrderAbsent,
    OrderRefused,
    OrderUnknown,
    PositionReport,
    ReadAccount,
    ReadPosition,
    Reconcile,
    SubmitOrder,
)
from ..messages.system import Alert
from ..runtime.edge import Port
from ..runtime.mailbox import Word
from ..units import DAY, SECOND, Price, Symbol
from .gate import Gate
from .link import Link
from .readings import MOST_BACKOFF, Readings
from .schedule import MONEY, Job, Priority, Schedule
from .truth import stamp
from .wire import WireError, flat, order_report, position_report, price

TRUTH_SECONDS = 20.0
LOOK_SECONDS = 0.25
LOOKUP_CALLS = 2
"""By the id, and a list where that finds nothing."""


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
        self._schedule = Schedule(config.broker.workers)
        self._attempts: dict[str, int] = {}
        self._asked: dict[str, tuple[SubmitOrder, WordId]] = {}
        """Submissions whose outcome has not been told yet."""
        self._looking: set[str] = set()
        """Orders whose lookup waits or is under way: the next answer is as good for who asks again."""
        self._cancelling: set[str] = set()
        """By the broker's id: a cancel asked for again meanwhile would only stand before an exit."""
        self._reading: dict[Symbol, tuple[Job, list[WordId]]] = {}
        """The newest question for what is held of a symbol, and whose words it answers."""
        self._looks_again = False
        """A look for calls is due: none of those who wait for any needs one of its own."""
        self._readings = Readings(
            port, self._query, config=config, gate=gate, link=link, prefix=f"argo-{account_tag}-"
        )

    def start(self) -> None:
        """Learn the assets, then the whole truth; READY comes with it."""
        self._readings.start()

    def stop(self) -> None:
        """Nobody will hear of what was asked: what may have left is unknown, the rest never left."""
        for order, word in tuple(self._asked.values()):
            cid = order.client_order_id
            if self._schedule.under_way(cid) or cid in self._attempts:
                error = UnknownOutcomeError("the broker's edge stopped before the answer")
                self._unknown(cid, order.symbol, word, error)
            else:
                never = RefusedError("not sent: the broker's edge stopped", status=0)
                self._refused(order, word, never)

    def hear(self, word: Word) -> None:
        """A command, or the tick that brings the periodic readings."""
        message = word.message
        match message:
            case SubmitOrder():
                self._submit(message, word.id)
            case CancelOrder():
                self._cancel(message, word.id)
            case LookupOrder():
                self._lookup(message.client_order_id, message.symbol, word.id, message.order_id)
            case ReadPosition():
                self._read_position(message.symbol, word.id)
            case ReadAccount():
                self._readings.account()
                self._readings.positions()
            case Reconcile():
                self._readings.truth(message.symbols, message.reason)
            case Tick():
                self._readings.tick()
                self._pump()

    # requests and their turn

    def _query(
        self,
        symbol: str,
        work: Callable[[], Any],
        then: Callable[[Any, BaseException | None], None],
        priority: Priority = Priority.QUERY,
        *,
        urgent: bool = False,
        order: SubmitOrder | None = None,
        calls: int = 1,
    ) -> Job:
        """Let a request wait for its turn; an urgent one may use the reserved calls.

        A lookup is urgent: exits and protection wait for what it finds.
        """
        job = self._schedule.add(
            priority, symbol, work, then, urgent=urgent, order=order, calls=calls
        )
        self._pump()
        return job

    def _pump(self) -> None:
        """Send what may be sent now; what has expired meanwhile is told to be refused, not sent."""
        for late in self._schedule.expired(self._port.now()):
            late.then(None, RefusedError("not sent: it expired before its turn came", status=0))
        while (job := self._schedule.next()) is not None:
            self._gate.limiter.made(self._gate.calls, self._port.now())
            if not self._gate.limiter.take(self._port.now(), urgent=job.urgent, calls=job.calls):
                self._schedule.put_back(job)
                self._pump_later()
                return
            self._port.call(job.work, self._seconds(job), partial(self._done, job))

    def _pump_later(self) -> None:
        """Look for calls again soon: one look for all who wait."""
        if not self._looks_again:
            self._looks_again = True
            self._port.after(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._looks_again = False
        self._pump()

    def _seconds(self, job: Job) -> float:
        if job.priority in MONEY:
            return self._config.broker.money_timeout_seconds
        whole = job.symbol == "" and not self._readings.ready
        return TRUTH_SECONDS if whole else self._config.broker.query_timeout_seconds

    def _done(self, job: Job, value: Any, error: BaseException | None) -> None:
        self._schedule.done(job)
        if error is None or (isinstance(error, RefusedError) and error.status):
            self._link.last_answer_at = self._port.now()
        if isinstance(error, RateLimitedError):
            self._gate.limiter.close(self._port.now(), self._wait_for(error, 1))
        job.then(value, error)
        self._pump()

    def _wait_for(self, error: RateLimitedError, attempt: int) -> float:
        left = error.reset_at - self._port.now() / SECOND if error.reset_at else 0.0
        return left if 0 < left <= MOST_BACKOFF else min(2.0**attempt, MOST_BACKOFF)

    # money

    def _submit(self, order: SubmitOrder, word: WordId) -> None:
        cid = order.client_order_id
        if order.increases and not self._readings.ready:
            early = RefusedError("not sent: the broker's truth has not been read yet", status=0)
            self._refused(order, word, early)
            return
        self._readings.sent(cid)
        self._asked[cid] = (order, word)
        work = partial(self._gate.submit, order, word.seq)
        then = partial(self._submitted, order, word)
        self._query(order.symbol, work, then, priority_of(order), order=order)

    def _submitted(
        self, order: SubmitOrder, word: WordId, raw: Any, error: BaseException | None
    ) -> None:
        if error is None:
            self._tell(raw, "answer", order.client_order_id, order.symbol, word)
        elif isinstance(error, NotSentError):
            self._not_sent(order, word, error)
        elif isinstance(error, RefusedError):
            self._refused(order, word, error)
        elif isinstance(error, AuthError):
            self._refused(order, word, RefusedError(error.what, status=401))
            self._port.say(Alert(severity="critical", text=error.what))
        else:
            self._unknown(order.client_order_id, order.symbol, word, error)

    def _refused(self, order: SubmitOrder, word: WordId, error: RefusedError) -> None:
        if "must be unique" not in error.what:
            self._gate.refused(order.client_order_id)
        self._asked.pop(order.client_order_id, None)
        self._attempts.pop(order.client_order_id, None)
        self._port.say(_refusal(order, word, error))

    def _unknown(self, order: str, symbol: Symbol, word: WordId, error: BaseException) -> None:
        self._asked.pop(order, None)
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
            self._refused(order, word, RefusedError(f"could not be sent: {error.what}", status=0))
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
            elif order.client_order_id not in self._asked:
                return  # it was called back meanwhile
            elif isinstance(error, RefusedError) and error.status == 404:
                self._gate.forget(order.client_order_id)
                self._submit(order, word)
            elif isinstance(error, NotSentError):
                self._not_sent(order, word, error)
            else:
                self._unknown(order.client_order_id, order.symbol, word, error)

        work = partial(self._gate.order, order.client_order_id)
        self._query(order.symbol, work, then, Priority.LOOKUP, urgent=not order.increases)

    def _cancel(self, command: CancelOrder, word: WordId) -> None:
        if not command.order_id:
            self._recall(command.client_order_id)
            return
        if command.order_id in self._cancelling:
            return
        self._cancelling.add(command.order_id)

        def then(raw: Any, error: BaseException | None) -> None:
            self._cancelling.discard(command.order_id)
            if error is not None:
                self._lookup(command.client_order_id, command.symbol, word)

        work = partial(self._gate.cancel, command, word.seq)
        self._query(command.symbol, work, then, Priority.CANCEL)

    def _recall(self, cid: str) -> None:
        """What has not left does not leave any more; what is under way is cancelled by its id later."""
        asked = self._asked.get(cid)
        if asked is not None and not self._schedule.under_way(cid):
            self._schedule.withdraw(cid)
            self._refused(*asked, RefusedError("not sent: called back before its turn", status=0))

    # reading

    def _lookup(self, order: str, symbol: Symbol, word: WordId, order_id: str = "") -> None:
        if order in self._looking:
            return
        self._looking.add(order)
        after = stamp(self._port.now() - DAY)

        def work() -> tuple[Any, bool]:
            named = self._gate.order_by_id(order_id) if order_id else None
            if named is not None and named.get("client_order_id") == order:
                return named, False
            try:
                return self._gate.order(order), False
            except RefusedError as error:
                if error.status != 404:
                    raise
            listed = self._gate.orders("all", (symbol,), after)
            found = [one for one in listed if one.get("client_order_id") == order]
            return (found[0] if found else None), True

        def then(found: Any, error: BaseException | None) -> None:
            self._looking.discard(order)
            if error is not None:
                return
            raw, listed = found
            if raw is None:
                absent = OrderAbsent(
                    client_order_id=order,
                    symbol=symbol,
                    listed=listed,
                    because=(word,),
                    read_at=self._port.now(),
                )
                self._port.say(absent)
            else:
                self._tell(raw, "lookup", order, symbol, word)

        self._query(symbol, work, then, Priority.LOOKUP, urgent=True, calls=LOOKUP_CALLS)

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
        self._asked.pop(order, None)
        self._readings.note(report)
        self._port.say(report)

    def _read_position(self, symbol: Symbol, word: WordId) -> None:
        """What is held; a question that still waits for its turn is one with who asks again."""
        waiting = self._reading.get(symbol)
        if waiting is not None and self._schedule.waits(waiting[0]):
            waiting[1].append(word)
            return
        words = [word]

        def work() -> PositionReport:
            asked = tuple(words)
            raw = self._gate.position(symbol)
            return flat(symbol, asked) if raw is None else position_report(raw, symbol, asked)

        def then(report: Any, error: BaseException | None) -> None:
            if error is None:
                self._port.say(report)

        job = self._query(symbol, work, then, Priority.LOOKUP, urgent=True)
        self._reading[symbol] = (job, words)


def priority_of(order: SubmitOrder) -> Priority:
    """Protection before exits before entries."""
    match order.leg:
        case "stop" | "target" | "oco":
            return Priority.PROTECTION
        case "exit" | "flat":
            return Priority.EXIT
        case "entry":
            return Priority.ENTRY


def _refusal(order: SubmitOrder, word: WordId, error: RefusedError) -> OrderRefused:
    body = _body(error.body)
    return OrderRefused(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        request="submit",
        status=error.status,
        code=error.code,
        message=error.what[:300],
        related_order=_related(body),
        because=(word,),
        base_price=_base(body),
    )


def _body(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _related(body: dict[str, Any]) -> str:
    """The order that holds the quantity, where the broker names one."""
    related = body.get("related_orders")
    return str(related[0])[:64] if isinstance(related, list) and related else ""


def _base(body: dict[str, Any]) -> Price | None:
    """The price that a bracket's legs were judged against, where the broker names it."""
    try:
        return price(body, "base_price")
    except WireError:
        return None
