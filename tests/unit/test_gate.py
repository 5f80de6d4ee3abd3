"""Nothing that can move money leaves except through here, and not unless everything agrees."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.broker.gate import Gate
from argo_actors.config import Config, decode
from argo_actors.errors import ConfigError, JournalError, RefusedError, UnknownOutcomeError
from argo_actors.host.secrets import Pair
from argo_actors.messages.market import Asset
from argo_actors.messages.order import CancelOrder, OrderReport, SubmitOrder
from argo_actors.units import SECOND, Decimal
from tests.broker.broker_bench import raw_account

NOW = 1_790_000_000 * SECOND


class Disk:
    """A journal that is durable when it is told to be."""

    epoch = 0

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.before: Callable[[], None] = lambda: None

    def wait_durable(self, seq: int, seconds: float) -> None:
        self.asked.append(seq)
        self.before()


class Wire:
    """The transport's place: what would have left."""

    def __init__(self, disk: Disk) -> None:
        self.posted: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.durable_first: list[bool] = []
        self.positions: list[dict[str, Any]] = []
        self.equity = "100000"
        self._disk = disk

    def post(self, path: str, body: dict[str, Any]) -> Any:
        self.durable_first.append(bool(self._disk.asked))
        self.posted.append(body)
        return {"id": "b1"}

    def get(self, path: str) -> Any:
        return self.positions if path == "/positions" else raw_account(equity=self.equity)

    def delete(self, path: str) -> Any:
        self.durable_first.append(bool(self._disk.asked))
        self.deleted.append(path)


class Bench:
    """A gate between a disk and a wire that tests can see."""

    def __init__(self, config: Config) -> None:
        self.now = NOW
        self.superseded = ""
        self.disk = Disk()
        self.wire = Wire(self.disk)
        self.gate = Gate(config, Pair("PK1", "secret"), lambda: self.now)
        self.gate.attach(self.disk, lambda: self.superseded)
        self.gate._transport = self.wire  # type: ignore[assignment]
        self.gate.account()

    def refused(self, order: SubmitOrder) -> str:
        with pytest.raises(RefusedError) as caught:
            self.gate.submit(order, 7)
        assert caught.value.status == 0
        assert not self.wire.posted
        return caught.value.what


@pytest.fixture
def bench() -> Bench:
    return Bench(decode('{"account": "t", "symbols": ["AAPL", "BTC-USD"]}'))


def order(**changes: Any) -> SubmitOrder:
    fields: dict[str, Any] = {
        "client_order_id": "argo-0000-aaaaaaaaaaaaaaaa-entry-1",
        "symbol": "AAPL",
        "leg": "entry",
        "side": "buy",
        "qty": Decimal(3),
        "type": "market",
        "time_in_force": "day",
        "position_intent": "buy_to_open",
        "reference_price": Decimal(100),
        "expires_at": NOW + 30 * SECOND,
        "increases": True,
        "because": (),
    }
    return SubmitOrder(**fields | changes)


def closing(**changes: Any) -> SubmitOrder:
    return order(
        **{
            "client_order_id": "argo-0000-aaaaaaaaaaaaaaaa-exit-1",
            "leg": "exit",
            "side": "sell",
            "position_intent": "sell_to_close",
            "increases": False,
        }
        | changes
    )


def test_an_order_leaves_only_after_its_command_is_durable(bench: Bench) -> None:
    bench.gate.submit(order(), 7)
    assert bench.disk.asked == [7]
    assert bench.wire.durable_first == [True]


def test_nothing_leaves_with_a_dead_journal(bench: Bench) -> None:
    def dead() -> None:
        raise JournalError("disk full")

    bench.disk.before = dead
    assert "disk full" in bench.refused(order())
    cancel = CancelOrder(client_order_id="c", order_id="b1", symbol="AAPL", because=())
    with pytest.raises(RefusedError):
        bench.gate.cancel(cancel, 8)
    assert not bench.wire.deleted


@pytest.mark.parametrize("state", ["halt", "stop-entries", "flatten"])
def test_a_halt_that_comes_while_the_journal_commits_still_holds_an_entry_back(
    bench: Bench, state: Any
) -> None:
    bench.disk.before = lambda: (bench.gate.operate(state), None)[1]
    assert state in bench.refused(order())


def test_a_halt_lets_exits_and_cancels_pass(bench: Bench) -> None:
    bench.gate.operate("halt")
    bench.gate.submit(closing(), 7)
    bench.gate.cancel(CancelOrder(client_order_id="c", order_id="b1", symbol="AAPL", because=()), 8)
    assert len(bench.wire.posted) == len(bench.wire.deleted) == 1


def test_a_halt_names_the_entries_that_left_before_it_and_resume_lets_others_go(
    bench: Bench,
) -> None:
    bench.gate.submit(order(), 7)
    assert bench.gate.operate("halt") == (order().client_order_id,)
    bench.gate.operate("normal")
    bench.gate.submit(order(client_order_id="argo-0000-b-entry-1"), 8)
    assert len(bench.wire.posted) == 2


def test_a_halt_is_not_kept_waiting_by_an_order_that_waits_for_the_journal(bench: Bench) -> None:
    committing, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        committing.set()
        go_on.wait(5)

    bench.disk.before = slow
    refused: list[BaseException] = []

    def send() -> None:
        try:
            bench.gate.submit(order(), 7)
        except RefusedError as error:
            refused.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert committing.wait(5)
    assert bench.gate.operate("halt") == ()
    go_on.set()
    thread.join(5)
    assert refused
    assert not bench.wire.posted


def test_an_entry_that_expires_while_the_journal_commits_is_not_sent(bench: Bench) -> None:
    def late() -> None:
        bench.now = NOW + 31 * SECOND

    bench.disk.before = late
    assert "expired" in bench.refused(order())


def test_an_id_leaves_once_and_again_only_after_a_lookup_proved_it_absent(bench: Bench) -> None:
    bench.gate.submit(order(), 7)
    with pytest.raises(UnknownOutcomeError, match="has left before"):
        bench.gate.submit(order(), 8)
    with pytest.raises(RefusedError, match="another body"):
        bench.gate.submit(order(qty=Decimal(4)), 8)
    assert len(bench.wire.posted) == 1
    bench.gate.forget(order().client_order_id)
    bench.gate.submit(order(), 9)
    assert len(bench.wire.posted) == 2


def test_even_a_permitted_resend_has_the_same_body(bench: Bench) -> None:
    bench.gate.submit(order(), 7)
    bench.gate.forget(order().client_order_id)
    with pytest.raises(RefusedError):
        bench.gate.submit(order(qty=Decimal(4)), 8)


@pytest.mark.parametrize(
    "change",
    [
        {"qty": Decimal("NaN")},
        {"qty": Decimal("Infinity")},
        {"qty": Decimal(0)},
        {"qty": Decimal(-1)},
        {"qty": Decimal("0.5")},
        {"type": "limit", "limit_price": Decimal("NaN")},
        {"type": "limit", "limit_price": Decimal("100.001")},
        {"type": "limit", "limit_price": Decimal("101.01")},
        {"qty": Decimal(10_001)},
        {"client_order_id": "a" * 49},
    ],
)
def test_an_order_that_makes_no_sense_stays_here(bench: Bench, change: dict[str, Any]) -> None:
    assert bench.refused(order(**change))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=reason)
        for change, reason in [
            ({"reference_price": Decimal("NaN")}, "a raw decimal error, told as UNKNOWN"),
            ({"reference_price": Decimal(0)}, "a notional of zero passes the limit"),
            ({"type": "limit"}, "a limit order without a limit"),
            ({"order_class": "bracket"}, "WireError: the edge tells it as UNKNOWN"),
            ({"position_intent": "sell_to_close"}, "side and intent disagree"),
            ({"increases": False}, "an opening order that says it does not increase"),
            ({"symbol": "MSFT"}, "a symbol that is not configured"),
            (
                {
                    "order_class": "bracket",
                    "take_profit": Decimal(90),
                    "stop_loss": Decimal(110),
                },
                "stop and target on the wrong sides",
            ),
            (
                {"symbol": "BTC-USD", "time_in_force": "ioc", "qty": Decimal(2500)},
                "a coin order above risk.max_crypto_notional",
            ),
        ]
    ],
)
def test_an_order_that_contradicts_itself_stays_here(bench: Bench, change: dict[str, Any]) -> None:
    assert bench.refused(order(**change))


def test_a_coin_is_judged_by_its_own_steps(bench: Bench) -> None:
    bench.gate.know(
        Asset(
            symbol="BTC-USD",
            asset_class="crypto",
            tradable=True,
            shortable=False,
            easy_to_borrow=False,
            fractionable=True,
            min_order_size=Decimal("0.00001"),
            min_trade_increment=Decimal("0.0001"),
            price_increment=Decimal(1),
        )
    )
    coin = order(symbol="BTC-USD", time_in_force="ioc", qty=Decimal("0.0015"))
    assert "increment" in bench.refused(msgspec.structs.replace(coin, qty=Decimal("0.00015")))
    limited = msgspec.structs.replace(coin, type="limit", limit_price=Decimal("100.5"))
    assert "tick" in bench.refused(limited)
    bench.gate.submit(coin, 7)


def test_a_cancel_names_an_order(bench: Bench) -> None:
    with pytest.raises(RefusedError):
        bench.gate.cancel(
            CancelOrder(client_order_id="c", order_id="", symbol="AAPL", because=()), 7
        )


def test_exits_are_exempt_from_the_rate(bench: Bench) -> None:
    for n in range(12):
        bench.gate.submit(closing(client_order_id=f"argo-0000-a-exit-{n}"), n)


def test_entries_have_a_rate_for_the_whole_account(bench: Bench) -> None:
    bench = Bench(decode('{"account": "t", "risk": {"orders_per_minute": 3}}'))
    refused = 0
    for n in range(9):
        bench.now += 2 * SECOND
        symbol = ("AAPL", "MSFT", "SPY")[n % 3]
        name, end = f"argo-0000-{n}-entry-1", bench.now + SECOND
        try:
            bench.gate.submit(order(client_order_id=name, symbol=symbol, expires_at=end), n)
        except RefusedError:
            refused += 1
    assert refused == 6


def test_a_live_key_on_the_paper_address_is_refused() -> None:
    with pytest.raises((ConfigError, RefusedError)):
        Gate(decode('{"account": "t"}'), Pair("AK1", "secret"), lambda: NOW)


# what the gate itself counts


def entry(n: int, symbol: str = "AAPL", qty: int = 100) -> SubmitOrder:
    return order(client_order_id=f"argo-0000-{n:016x}-entry-1", symbol=symbol, qty=Decimal(qty))


def held(symbol: str, qty: str, price: str = "100") -> dict[str, Any]:
    return {"symbol": symbol, "qty": qty, "avg_entry_price": price, "current_price": price}


def shown(one: SubmitOrder, status: Any) -> OrderReport:
    return OrderReport(
        client_order_id=one.client_order_id,
        order_id="b1",
        symbol=one.symbol,
        side=one.side,
        type=one.type,
        status=status,
        qty=one.qty,
        filled_qty=one.qty if status == "filled" else Decimal(0),
        filled_avg_price=Decimal(100) if status == "filled" else None,
        channel="list",
        event_at=NOW,
    )


SIX = decode('{"account": "t", "symbols": ["AAPL", "MSFT", "SPY", "XOM", "JPM", "META", "TSLA"]}')


def test_without_the_accounts_figures_no_entry_leaves_but_exits_do() -> None:
    bench = Bench(SIX)
    bench.gate._exposure = type(bench.gate._exposure)(SIX)
    assert "no account figures" in bench.refused(order())
    bench.gate.submit(closing(), 7)


def test_position_open_and_unknown_entries_of_a_symbol_stay_under_its_share() -> None:
    bench = Bench(SIX)
    bench.wire.positions = [held("AAPL", "-100")]
    bench.gate.positions()
    bench.gate.submit(entry(1, qty=40), 1)
    with pytest.raises(RefusedError, match="in AAPL, above"):
        bench.gate.submit(entry(2, qty=20), 2)
    bench.gate.reported(shown(entry(1), "canceled"))
    with pytest.raises(RefusedError):
        bench.gate.submit(entry(3, qty=20), 3)
    bench.gate.positions()
    bench.gate.submit(entry(4, qty=20), 4)


def test_an_entry_that_filled_is_not_counted_beside_its_position() -> None:
    bench = Bench(SIX)
    bench.gate.submit(entry(1, qty=70), 1)
    bench.wire.positions = [held("AAPL", "70")]
    bench.gate.positions()
    bench.gate.submit(entry(2, qty=70), 2)


def test_all_that_is_at_work_stays_under_the_gross_limit() -> None:
    bench = Bench(SIX)
    bench.wire.positions = [held(one, "150") for one in ("NVDA", "MSFT", "SPY", "XOM", "JPM")]
    bench.gate.positions()
    bench.gate.submit(entry(1, "META", 150), 1)
    with pytest.raises(RefusedError, match="at work, above"):
        bench.gate.submit(entry(2, "TSLA", 120), 2)
    bench.gate.submit(closing(qty=Decimal(900)), 3)


def test_two_entries_that_wait_for_the_disk_together_do_not_both_leave() -> None:
    bench = Bench(SIX)
    waiting = []

    def meanwhile() -> None:
        bench.disk.before = lambda: None
        bench.gate.submit(entry(2, qty=100), 8)
        waiting.append(True)

    bench.disk.before = meanwhile
    with pytest.raises(RefusedError, match="in AAPL, above"):
        bench.gate.submit(entry(1, qty=100), 7)
    assert waiting
    assert len(bench.wire.posted) == 1


def test_a_refused_entry_counts_no_more_and_a_lost_one_until_a_whole_list_lacks_it() -> None:
    bench = Bench(SIX)
    bench.gate.submit(entry(1, qty=100), 1)
    bench.gate.refused(entry(1).client_order_id)
    bench.gate.submit(entry(2, qty=100), 2)
    bench.gate.listed([])
    bench.gate.positions()
    with pytest.raises(RefusedError):
        bench.gate.submit(entry(3, qty=100), 3)
    bench.now += 61 * SECOND
    bench.gate.listed([shown(entry(2), "working")])
    bench.gate.positions()
    late = msgspec.structs.replace(entry(4, qty=100), expires_at=bench.now + SECOND)
    with pytest.raises(RefusedError):
        bench.gate.submit(late, 4)
    bench.gate.listed([])
    bench.gate.positions()
    bench.gate.submit(late, 5)


def test_a_smaller_account_has_smaller_limits() -> None:
    bench = Bench(SIX)
    bench.wire.equity = "1000"
    bench.gate.account()
    assert "above" in bench.refused(order())


# the epoch is the last act


@given(seq=st.integers(1, 40), epoch=st.integers(1, 40), over=st.booleans(), ends=st.booleans())
def test_only_commands_of_an_epoch_that_stands_leave(
    seq: int, epoch: int, *, over: bool, ends: bool
) -> None:
    """`over`: another daemon has the account already; `ends`: it takes it while the disk is waited for."""
    bench = Bench(SIX)
    bench.disk.epoch = epoch
    bench.superseded = "another daemon" if over else ""

    def meanwhile() -> None:
        bench.superseded = "another daemon" if over or ends else ""

    bench.disk.before = meanwhile
    cancel = CancelOrder(client_order_id="c", order_id="b1", symbol="AAPL", because=())
    for send in (partial(bench.gate.submit, closing()), partial(bench.gate.cancel, cancel)):
        if seq >= epoch and not over and not ends:
            send(seq)
        else:
            with pytest.raises(RefusedError, match=r"older epoch|another daemon"):
                send(seq)
    left = int(seq >= epoch and not over and not ends)
    assert (len(bench.wire.posted), len(bench.wire.deleted)) == (left, left)
