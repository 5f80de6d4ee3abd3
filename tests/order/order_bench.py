"""One order actor without a world: words go in by hand, and after every step the rules must hold."""

import copy
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from argo_actors.config import Config, decode, is_coin
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import Asset, MarketHours, Quote, QuoteSeen, Wake
from argo_actors.messages.order import (
    CancelOrder,
    Fill,
    Holding,
    LegReport,
    OrderRefused,
    OrderReport,
    PositionReport,
    ReadPosition,
    Reconciled,
    SubmitOrder,
)
from argo_actors.messages.signal import Approval
from argo_actors.order.decider import order
from argo_actors.order.state import Own, phase
from argo_actors.runtime.decider import Heard, fold_said, step
from argo_actors.units import DAY, HOUR, MINUTE, SECOND, ZERO, Decimal, UtcNanos

NOW = 1_790_002_800 * SECOND
"""A Monday, 11:00 in New York."""
OPEN, CLOSE = NOW - 90 * MINUTE, NOW + 5 * HOUR
TAG = "0000"
Said = TypeVar("Said", bound=Message)
Amount = int | str | Decimal


class Actor:
    """The pure decider, its state, and everything it has said."""

    def __init__(self, symbol: str = "AAPL", **config: Any) -> None:
        blocks = {"account": "t", "symbols": [symbol]} | config
        self.config: Config = decode(msgspec.json.encode(blocks))
        self.symbol = symbol
        self.decider = order(self.config, symbol, TAG)
        self.state = self.decider.initial
        self.now: UtcNanos = NOW
        self.seq = 0
        self.words: list[tuple[WordId, Message]] = []
        self.hear(self.asset())
        self.hear(hours())

    def copy(self) -> "Actor":
        """The same actor at the same moment, to go another way."""
        other = copy.copy(self)
        other.words = list(self.words)
        return other

    def asset(self, **changes: Any) -> Asset:
        """The symbol at the broker."""
        coin = is_coin(self.symbol)
        fields: dict[str, Any] = {
            "symbol": self.symbol,
            "asset_class": "crypto" if coin else "us_equity",
            "tradable": True,
            "shortable": True,
            "easy_to_borrow": True,
            "fractionable": True,
            "min_order_size": Decimal("0.0001") if coin else Decimal(1),
            "min_trade_increment": Decimal("0.0001") if coin else Decimal(1),
            "price_increment": Decimal("0.01"),
        }
        return Asset(**fields | changes)

    def hear(self, message: Message, *, after: float = 0.0) -> list[Message]:
        """One step so many seconds later, as the cell makes it; what was said."""
        self.now += round(after * SECOND)
        self.seq += 2
        heard = Heard(WordId(self.seq, 0), self.now, message)
        found = step(self.decider, self.state, heard)
        again = step(self.decider, self.state, heard)
        learned, said = found.state, found.said
        assert (learned, said) == (again.state, again.said), "the same step said something else"
        self.state = fold_said(self.decider, learned, self.seq + 1, self.now, said)
        self.words += [(WordId(self.seq + 1, n), one) for n, one in enumerate(said)]
        return list(said)

    def pass_time(self, seconds: float) -> list[Message]:
        """Let market time move on; every deadline that falls due is heard."""
        until, said = self.now + int(seconds * SECOND), []
        while (due := self.decider.wake(self.state)) is not None and due <= until:
            assert due > self.state.now, "a deadline in the past hides the next one"
            self.now = max(self.now, due)
            said += self.hear(Wake(to=f"order/{self.symbol}", due=due))
        self.now = until
        return said

    def said(self, kind: type[Said]) -> list[Said]:
        """Everything of a type it has said."""
        return [one for _, one in self.words if isinstance(one, kind)]

    def last(self, kind: type[Said]) -> Said:
        """The newest of a type."""
        return self.said(kind)[-1]

    def word_of(self, message: Message) -> WordId:
        """Under which identity it was said."""
        return next(word for word, one in self.words if one is message)

    @property
    def phase(self) -> str:
        return phase(self.state)

    def own(self, leg: str) -> Own:
        """The newest order of a kind."""
        found = [one for _, one in self.state.orders if one.leg == leg]
        return max(found, key=lambda one: one.sent_at)

    # what the world says

    def approve(self, intent: str = "open_long", **changes: Any) -> list[Message]:
        return self.hear(self.approval(intent, **changes))

    def approval(self, intent: str = "open_long", **changes: Any) -> Approval:
        """Three units at 100; stop 97, target 105, or mirrored."""
        long = intent in ("open_long", "close_short")
        opens = intent in ("open_long", "open_short")
        fields: dict[str, Any] = {
            "symbol": self.symbol,
            "intent": intent,
            "signal": "s1",
            "cycle": 1,
            "qty": Decimal(3),
            "price": Decimal(100),
            "limit_price": None,
            "stop": Decimal(97 if long else 103) if opens else None,
            "target": Decimal(105 if long else 95) if opens else None,
            "reserved": Decimal(300),
            "confidence": 80.0,
            "expires_at": self.now + 30 * SECOND,
            "reasoning": "as the test wishes it",
            "sizing": None,
            "checks": (),
            "because": (),
        }
        return Approval(**fields | changes)

    def report(
        self, command: SubmitOrder, status: str, *, after: float = 0.0, **changes: Any
    ) -> list[Message]:
        self.now += round(after * SECOND)
        return self.hear(report(command, status, at=self.now, **changes))

    def refuse(self, command: SubmitOrder, message: str, **changes: Any) -> list[Message]:
        fields: dict[str, Any] = {
            "client_order_id": command.client_order_id,
            "symbol": command.symbol,
            "request": "submit",
            "status": 422,
            "code": 42210000,
            "message": message,
            "because": (),
        }
        return self.hear(OrderRefused(**fields | changes))

    def position(
        self, qty: Amount, available: Amount | None = None, *, after: float = 0.0
    ) -> list[Message]:
        """The broker answers the newest question about the position."""
        self.now += round(after * SECOND)
        asked = self.word_of(self.last(ReadPosition))
        return self.hear(holds(self.symbol, qty, available, because=(asked,)))

    def reconcile(
        self,
        qty: Amount,
        orders: Iterable[OrderReport] = (),
        *,
        after: float = 0.0,
        price: int = 100,
        **changes: Any,
    ) -> list[Message]:
        """The broker's whole truth, so many seconds later."""
        self.now += round(after * SECOND)
        prices = {"avg_entry_price": Decimal(price), "market_price": changes.pop("market", None)}
        fields: dict[str, Any] = {
            "symbol": self.symbol,
            "position": holds(self.symbol, qty, **prices),
            "orders": tuple(orders),
            "reason": "test",
            "read_at": self.now + 1,
        }
        return self.hear(Reconciled(**fields | changes))

    def foreign(self, side: str, kind: str = "stop", **changes: Any) -> OrderReport:
        """Somebody else's order: ten, a stop at 95 or a limit at 110."""
        fields: dict[str, Any] = {
            "client_order_id": f"theirs-{side}-{kind}",
            "order_id": f"id-{side}-{kind}",
            "symbol": self.symbol,
            "side": side,
            "type": kind,
            "status": "working",
            "qty": Decimal(10),
            "filled_qty": ZERO,
            "filled_avg_price": None,
            "stop_price": Decimal(95) if kind == "stop" else None,
            "limit_price": Decimal(110) if kind == "limit" else None,
            "channel": "list",
            "event_at": self.now,
            "submitted_at": self.now,
        }
        return OrderReport(**fields | changes)

    def quote(self, bid: float, ask: float | None = None, *, after: float = 0.0) -> list[Message]:
        self.now += round(after * SECOND)
        one = Quote(symbol=self.symbol, bid=bid, ask=ask or bid, at=self.now, received_at=self.now)
        return self.hear(QuoteSeen(quote=one))

    # short cuts

    def enter(self, side: str = "long", **changes: Any) -> SubmitOrder:
        """An entry that the broker has taken."""
        self.approve(f"open_{side}", **changes)
        entry = self.last(SubmitOrder)
        self.report(entry, "working")
        return entry

    def open(self, side: str = "long", price: str = "100", **changes: Any) -> SubmitOrder:
        """A position that is protected: a stock by its bracket, a coin by its stop."""
        entry = self.enter(side, **changes)
        self.report(entry, "filled", price=price)
        if is_coin(self.symbol):
            self.position("2.9925")
            self.report(self.last(SubmitOrder), "working")
        assert self.phase == "protected", self.phase
        return entry

    def fills(self) -> Decimal:
        """Signed sum of all fills said."""
        return sum((one.qty if one.side == "buy" else -one.qty for one in self.said(Fill)), ZERO)

    def cancels(self) -> list[str]:
        return [one.order_id for one in self.said(CancelOrder)]

    def holding(self) -> Holding:
        return self.last(Holding)


def hours(is_open: bool = True) -> MarketHours:
    """The session of the test's day, or the night after it."""
    return MarketHours(
        is_open=is_open,
        session_open=OPEN if is_open else OPEN + DAY,
        session_close=CLOSE if is_open else CLOSE + DAY,
        next_open=OPEN + DAY,
        next_close=CLOSE if is_open else CLOSE + DAY,
        loss_day=OPEN - 16 * HOUR,
    )


def holds(
    symbol: str, qty: Amount, available: Amount | None = None, **changes: Any
) -> PositionReport:
    fields: dict[str, Any] = {
        "symbol": symbol,
        "qty": Decimal(qty),
        "qty_available": Decimal(qty if available is None else available),
        "avg_entry_price": Decimal(100),
    }
    return PositionReport(**fields | changes)


LEG_STATUS = {"filled": ("working", "held")}
"""Target and stop of a bracket by its entry's status; asleep before."""


def report(
    command: SubmitOrder,
    status: str,
    *,
    filled: int | str | None = None,
    price: str = "100",
    legs: tuple[str, str] | None = None,
    leg_filled: tuple[int, int] = (0, 0),
    at: UtcNanos = NOW,
    **changes: Any,
) -> OrderReport:
    """An order of ours as the broker shows it; a bracket with its two legs."""
    done = command.qty if filled is None and status == "filled" else Decimal(filled or 0)
    fields: dict[str, Any] = {
        "client_order_id": command.client_order_id,
        "order_id": f"b-{command.client_order_id}",
        "symbol": command.symbol,
        "side": command.side,
        "type": command.type,
        "status": status,
        "qty": command.qty,
        "filled_qty": done,
        "filled_avg_price": Decimal(price) if done else None,
        "legs": _legs(command, status, legs, leg_filled),
        "channel": "stream",
        "event_at": at,
        "submitted_at": at,
    }
    return OrderReport(**fields | changes)


def _legs(
    command: SubmitOrder, status: str, legs: tuple[str, str] | None, filled: tuple[int, int]
) -> tuple[LegReport, ...]:
    if command.order_class == "simple":
        return ()
    target, stop = legs or LEG_STATUS.get(status, ("held", "held"))
    side = "sell" if command.side == "buy" else "buy"
    if command.order_class == "oco":
        side = command.side
    both = [
        _leg(command, "limit", side, target, filled[0], command.take_profit, None),
        _leg(command, "stop", side, stop, filled[1], None, command.stop_loss),
    ]
    return tuple(both[1:] if command.order_class == "oco" else both)


def _leg(
    command: SubmitOrder,
    kind: Any,
    side: Any,
    status: Any,
    filled: int,
    limit: Decimal | None,
    stop: Decimal | None,
) -> LegReport:
    name = f"b-{command.client_order_id}-{kind}"
    return LegReport(
        order_id=name,
        client_order_id=f"made-{name}",
        type=kind,
        side=side,
        status=status,
        qty=command.qty,
        filled_qty=Decimal(filled),
        filled_avg_price=(limit or stop) if filled else None,
        limit_price=limit,
        stop_price=stop,
    )
