"""What the matching engine never does, whatever its owner, its market and its luck do."""

import os
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from argo_actors.venue.matching import ZERO, Account, Book, Order
from argo_actors.venue.modes import Modes
from argo_actors.venue.refusals import Refusal
from argo_actors.venue.replacing import changes_of
from argo_actors.venue.sessions import MINUTE
from argo_actors.venue.validation import build
from tests.venue.desk import PRICES, WEDNESDAY, WrittenMarket

LATTICE: dict[str, set[str]] = {
    "accepted": {"new", "pending_cancel", "canceled", "expired", "rejected"},
    "pending_new": {"new", "pending_cancel", "canceled", "expired", "rejected"},
    "held": {"new", "canceled", "expired", "replaced", "rejected", "filled"},
    "new": {
        *("partially_filled", "filled", "pending_cancel", "pending_replace"),
        *("canceled", "expired", "replaced", "rejected"),
    },
    "partially_filled": {
        *("filled", "pending_cancel", "pending_replace", "canceled", "expired", "replaced"),
    },
    "pending_cancel": {"canceled", "filled", "expired", "rejected"},
    "pending_replace": {
        *("replaced", "filled", "pending_cancel", "canceled", "expired"),
        *("new", "partially_filled"),
    },
    "filled": set(),
    "canceled": set(),
    "expired": set(),
    "replaced": set(),
    "rejected": set(),
}
"""Where a status may go in one move; ends go nowhere."""
SYMBOLS = ("AAPL", "MSFT", "BTC/USD")
START = Decimal(100_000)


class WatchedBook(Book):
    """Sees every move of every order."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seen: dict[str, tuple[str, Decimal]] = {}

    def _touch(self, order: Order) -> None:
        super()._touch(order)
        status, filled = self.seen.get(order.id, (order.status, ZERO))
        assert order.status == status or order.status in LATTICE[status], (status, order)
        assert filled <= order.filled_qty <= order.qty, order
        self.seen[order.id] = (order.status, order.filled_qty)


prices = st.sampled_from([0.9, 0.96, 0.99, 0.998, 1.0, 1.002, 1.01, 1.04, 1.1])
quantities = st.sampled_from([1, 2, 5, 7, 20, 100, 300, 500])
client_ids = st.sampled_from([None, None, "mine", "yours"])


class Trading(RuleBasedStateMachine):
    """An account that tries everything."""

    modes = Modes(partial_fills=0.4)

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.market = WrittenMarket(PRICES, WEDNESDAY)
        account = Account(number="PA1", cash=START, start_cash=START, created_at=WEDNESDAY)
        self.book = WatchedBook(self.market, account, seed, WEDNESDAY)
        self.book.modes = self.modes

    def price(self, symbol: str, share: float) -> Decimal:
        found = self.market.price(symbol, self.book.now) or 1.0
        return Decimal(str(round(found * share, 0 if "/" in symbol else 2)))

    def submit(self, body: dict[str, Any]) -> None:
        try:
            order, legs = build(self.book, body)
        except Refusal:
            return
        self.book.add(order, legs)
        if order.position_intent.endswith("to_open"):
            margin = self.book.equity() - self.book.initial_margin()
            assert margin >= 0, (margin, order)
            assert "/" not in order.symbol or self.book.account.cash >= self.book.reserved(True)

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        qty=quantities,
        buys=st.booleans(),
        kind=st.sampled_from(["market", "limit", "limit", "stop", "stop_limit", "trailing_stop"]),
        share=prices,
        tif=st.sampled_from(["day", "gtc", "gtc", "ioc", "fok", "opg", "cls"]),
        extended=st.sampled_from([None, None, True]),
        client=client_ids,
    )
    def simple(
        self, symbol: str, qty: int, buys: bool, kind: str, share: float, **more: Any
    ) -> None:
        coin = "/" in symbol
        price = self.price(symbol, share)
        body: dict[str, Any] = {
            "symbol": symbol,
            "qty": str(Decimal(qty) / 100 if coin else qty),
            "side": "buy" if buys else "sell",
            "type": kind,
            "time_in_force": more["tif"],
            "extended_hours": more["extended"],
            "client_order_id": more["client"],
        }
        if kind in ("limit", "stop_limit"):
            body["limit_price"] = str(price)
        if kind in ("stop", "stop_limit"):
            body["stop_price"] = str(price)
        if kind == "trailing_stop":
            body["trail_percent"] = "2"
        self.submit(body)

    @rule(
        symbol=st.sampled_from(SYMBOLS[:2]),
        qty=quantities,
        buys=st.booleans(),
        form=st.sampled_from(["bracket", "oco", "oto"]),
        entry=prices,
        tif=st.sampled_from(["day", "gtc"]),
    )
    def complex(self, symbol: str, qty: int, buys: bool, form: str, entry: float, tif: str) -> None:
        up, down = self.price(symbol, entry * 1.02), self.price(symbol, entry * 0.98)
        long = buys != (form == "oco")
        body: dict[str, Any] = {
            "symbol": symbol,
            "qty": str(qty),
            "side": "buy" if buys else "sell",
            "type": "limit",
            "limit_price": str(self.price(symbol, entry)),
            "time_in_force": tif,
            "order_class": form,
            "stop_loss": {"stop_price": str(down if long else up)},
        }
        if form != "oto":
            body["take_profit"] = {"limit_price": str(up if long else down)}
        self.submit(body)

    @rule(data=st.data(), share=prices, qty=quantities)
    def replace(self, data: st.DataObject, share: float, qty: int) -> None:
        if not self.book.live():
            return
        order = data.draw(st.sampled_from(self.book.live()), "replaced")
        body: dict[str, Any] = {}
        if order.limit_price is not None:
            body["limit_price"] = str(self.price(order.symbol, share))
        if order.stop_price is not None:
            body["stop_price"] = str(self.price(order.symbol, share))
        if not order.order_class and qty > 5:
            body["qty"] = str(order.qty + qty if qty > 10 else order.qty - 1)
        try:
            changes = changes_of(self.book, order, body)
        except Refusal:
            return
        self.book.replace(order, changes)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.book.orders:
            every = list(self.book.orders.values())
            try:
                self.book.request_cancel(data.draw(st.sampled_from(every), "cancelled"))
            except Refusal:
                return

    @rule(symbol=st.sampled_from(SYMBOLS))
    def close(self, symbol: str) -> None:
        held = self.book.position(symbol).qty
        if held:
            body = {"symbol": symbol, "qty": str(abs(held)), "type": "market"}
            tif = "gtc" if "/" in symbol else "day"
            side = "sell" if held > 0 else "buy"
            self.submit(body | {"time_in_force": tif, "side": side})

    @rule(symbol=st.sampled_from(SYMBOLS), share=prices)
    def move(self, symbol: str, share: float) -> None:
        minute = (self.book.now // MINUTE + 1) * MINUTE
        found = round((self.market.price(symbol, minute) or 1.0) * share, 2)
        if PRICES[symbol] / 4 < found < PRICES[symbol] * 4:
            self.market.write(symbol, minute, found)
        self.book.advance(minute + 1)

    @rule(seconds=st.sampled_from([1, 1, 30, 3600]))
    def wait(self, seconds: int) -> None:
        self.book.advance(self.book.now + seconds * 1_000_000_000)

    @rule()
    @precondition(lambda self: self.book.now < WEDNESDAY + 100 * 1440 * MINUTE)
    def sleep(self) -> None:
        self.book.advance(self.book.now + 17 * 60 * MINUTE)

    @invariant()
    def money_is_conserved_to_the_cent(self) -> None:
        flow = sum(
            (
                (-1 if one.side == "buy" else 1) * one.qty * one.price - one.fee_usd
                for one in self.book.activities
            ),
            ZERO,
        )
        assert self.book.account.cash == START + flow

    @invariant()
    def shares_and_coins_are_conserved(self) -> None:
        for symbol in SYMBOLS:
            moved = sum(
                (
                    (1 if one.side == "buy" else -1) * one.qty - one.fee_qty
                    for one in self.book.activities
                    if one.symbol == symbol
                ),
                ZERO,
            )
            assert self.book.position(symbol).qty == moved
            assert "/" not in symbol or moved >= 0, "coins are never sold short"

    @invariant()
    def profit_explains_equity(self) -> None:
        realised = sum((one.realised for one in self.book.positions.values()), ZERO)
        running = sum(
            (
                one.qty * self.book.mark(name) - one.cost
                for name, one in self.book.positions.items()
            ),
            ZERO,
        )
        assert abs(self.book.equity() - START - realised - running) < Decimal("1e-12")

    @invariant()
    def what_is_held_is_never_negative(self) -> None:
        for symbol in SYMBOLS:
            assert self.book.held(symbol) >= 0
            assert self.book.available(symbol) >= 0
        assert self.book.reserved(crypto=True) >= 0
        assert self.book.reserved(crypto=False) >= 0

    @invariant()
    def nothing_fills_through_its_limit(self) -> None:
        for one in self.book.activities:
            limit = self.book.orders[one.order_id].limit_price
            if limit is not None:
                assert one.price <= limit if one.side == "buy" else one.price >= limit, one

    @invariant()
    def executions_make_up_each_order(self) -> None:
        filled: dict[str, Decimal] = {}
        for one in self.book.activities:
            filled[one.order_id] = filled.get(one.order_id, ZERO) + one.qty
        for order in self.book.orders.values():
            assert order.filled_qty == filled.get(order.id, ZERO)
            assert (order.status == "filled") <= (order.left == 0)

    @invariant()
    def ids_are_unique(self) -> None:
        clients = {one.client_order_id for one in self.book.orders.values()}
        assert len(clients) == len(self.book.orders)

    @invariant()
    def only_open_orders_are_live(self) -> None:
        live = {one.id for one in self.book.live()}
        assert live == {one.id for one in self.book.orders.values() if one.is_open}


class AdverseTrading(Trading):
    """The same with bad luck: late fills, lost cancels, both legs, replaced stops, rejected orders."""

    modes = Modes(
        partial_fills=0.4,
        cancels_lose=0.3,
        late_fills=0.3,
        both_legs=0.3,
        stops_replaced=0.5,
        rejected=0.2,
        replaces_rejected=0.3,
        cancel_seconds=20,
        fills_before_answers=True,
    )

    @invariant()
    def shares_and_coins_are_conserved(self) -> None:
        """A late fill may sell coins twice: nothing can be said of their sign."""


MANY = bool(os.environ.get("ARGO_TEST_LONG"))


@pytest.mark.parametrize("machine", [Trading, AdverseTrading])
def test_the_engine_keeps_its_properties(machine: type[Trading]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=5000 if MANY else 150,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
