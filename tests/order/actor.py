"""One order actor, told what a broker would tell it."""

from typing import Any

from argo_actors.messages import Message, WordId
from argo_actors.messages.market import Quote, QuoteSeen
from argo_actors.messages.order import (
    LegReport,
    OrderReport,
    PositionReport,
    Reconciled,
    SubmitOrder,
)
from argo_actors.messages.signal import Approval
from argo_actors.order.decider import order
from argo_actors.runtime.decider import Heard, fold_said, step
from argo_actors.units import SECOND, ZERO, Decimal
from tests.risk.worlds import NOW, asset, config_of, hours

TAG = "0a1b"


class Actor:
    """The order decider of a symbol with its state; its own words are folded in."""

    def __init__(self, symbol: str = "AAPL", **settings: Any) -> None:
        self.symbol = symbol
        self.decider = order(config_of(**settings), symbol, TAG)
        self.state = self.decider.initial
        self.seq = 10
        self.at = NOW
        self.said: list[Message] = []
        self.hear(hours(), asset(symbol))

    def hear(self, *messages: Message, after: float = 0.0) -> list[Message]:
        """What it says to these words, so many seconds later."""
        self.at += round(after * SECOND)
        said: list[Message] = []
        for message in messages:
            self.seq += 2
            found = step(self.decider, self.state, Heard(WordId(self.seq, 0), self.at, message))
            self.state = fold_said(self.decider, found.state, self.seq + 1, self.at, found.said)
            said += found.said
        self.said += said
        return said

    def wake(self, after: float) -> list[Message]:
        """Time passes."""
        from argo_actors.messages.market import Wake

        return self.hear(Wake(to=f"order/{self.symbol}", due=self.at), after=after)

    def all(self, kind: type[Any]) -> list[Any]:
        """Everything of a kind said so far."""
        return [one for one in self.said if isinstance(one, kind)]

    def sent(self) -> SubmitOrder:
        """The newest order sent."""
        found: SubmitOrder = self.all(SubmitOrder)[-1]
        return found

    def approve(self, intent: Any = "open_long", **changes: Any) -> list[Message]:
        """Risk agrees: ten shares at 100, stop 97, target 105."""
        known: dict[str, Any] = {
            "signal": f"signal {self.seq}",
            "cycle": self.seq,
            "qty": Decimal(10),
            "price": Decimal(100),
            "limit_price": None,
            "stop": Decimal(97),
            "target": Decimal(105),
            "reserved": Decimal(1000),
            "confidence": 80.0,
            "expires_at": self.at + 30 * SECOND,
            "reasoning": "because",
            "sizing": None,
            "checks": (),
            "because": (),
        }
        return self.hear(Approval(symbol=self.symbol, intent=intent, **(known | changes)))

    def report(self, sent: SubmitOrder, status: Any, filled: object = 0, **changes: Any) -> Any:
        """The broker's news of an order."""
        qty = Decimal(str(filled))
        known: dict[str, Any] = {
            "client_order_id": sent.client_order_id,
            "order_id": "o-" + sent.client_order_id,
            "side": sent.side,
            "type": sent.type,
            "qty": sent.qty,
            "filled_qty": qty,
            "filled_avg_price": sent.reference_price if qty else None,
            "limit_price": sent.limit_price,
            "stop_price": sent.stop_price,
            "channel": "stream",
            "event_at": self.at,
            "submitted_at": self.at,
        }
        return OrderReport(symbol=self.symbol, status=status, **(known | changes))

    def foreign(self, side: Any, kind: Any = "stop", **changes: Any) -> OrderReport:
        """Somebody else's order: ten shares, a stop at 95."""
        known: dict[str, Any] = {
            "client_order_id": f"theirs-{side}-{kind}",
            "order_id": f"id-{side}-{kind}",
            "status": "working",
            "qty": Decimal(10),
            "filled_qty": ZERO,
            "filled_avg_price": None,
            "stop_price": Decimal(95) if kind == "stop" else None,
            "limit_price": Decimal(110) if kind == "limit" else None,
            "channel": "list",
            "event_at": self.at,
            "submitted_at": self.at,
        }
        return OrderReport(symbol=self.symbol, side=side, type=kind, **(known | changes))

    def legs(self, sent: SubmitOrder, stop: Any = "working", target: Any = "working") -> Any:
        """A bracket's legs."""
        closing: Any = "sell" if sent.side == "buy" else "buy"

        def leg(kind: Any, status: Any, **prices: Any) -> LegReport:
            return LegReport(
                order_id=f"{kind}-{sent.client_order_id}",
                client_order_id=f"{kind}-leg",
                type=kind,
                side=closing,
                status=status,
                qty=sent.qty,
                filled_qty=ZERO,
                filled_avg_price=None,
                **({"limit_price": None, "stop_price": None} | prices),
            )

        return (
            leg("limit", target, limit_price=sent.take_profit),
            leg("stop", stop, stop_price=sent.stop_loss),
        )

    def bracket(self, **changes: Any) -> SubmitOrder:
        """A position with a live bracket."""
        self.approve(**changes)
        sent = self.sent()
        self.hear(self.report(sent, "filled", sent.qty, legs=self.legs(sent)))
        return sent

    def position(self, qty: object, asked: WordId | None = None, **changes: Any) -> PositionReport:
        """What the broker holds; as the answer to the newest question unless told otherwise."""
        answers = self.state.read.asked if asked is None else asked
        return PositionReport(
            symbol=self.symbol,
            qty=Decimal(str(qty)),
            qty_available=changes.pop("available", Decimal(str(qty))),
            avg_entry_price=changes.pop("price", Decimal(100)),
            because=() if answers is None else (WordId(*answers),),
            **changes,
        )

    def reconciled(self, qty: object = 0, *orders: OrderReport, **changes: Any) -> Reconciled:
        """The broker's whole truth."""
        known: dict[str, Any] = {"reason": "periodic", "foreign": (), "read_at": self.at + 1}
        position = self.position(
            qty,
            price=changes.pop("price", Decimal(100)),
            market_price=changes.pop("market_price", Decimal(102)),
        )
        return Reconciled(symbol=self.symbol, position=position, orders=orders, **(known | changes))

    def quote(self, bid: float) -> QuoteSeen:
        """The market as it is seen."""
        return QuoteSeen(
            quote=Quote(symbol=self.symbol, bid=bid, ask=bid, at=self.at, received_at=self.at)
        )
