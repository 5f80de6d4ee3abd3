"""The broker's edge against a broker that lags, lies, hangs and comes back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from argo_actors.broker.truth import MOST_READINGS
from argo_actors.broker.wire import WireError, splits
from argo_actors.messages.market import Asset, SplitAnnounced, Tick
from argo_actors.messages.order import (
    AccountReport,
    BrokerLink,
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
    Reconciled,
)
from argo_actors.messages.system import Alert
from argo_actors.messages.truth import ForeignSeen, Transfer, TruthRead
from argo_actors.units import DAY, SECOND, Decimal
from tests.broker.broker_bench import (
    NOW,
    TAG,
    Account,
    bench,
    entry,
    missing,
    raw_account,
    raw_order,
    stop_all,
    until,
)
from tests.broker.stub_broker import Answer

ORDERS = "/v2/orders"
OWN = f"argo-{TAG}-a-entry-1"
QUICK = ', "trading": {"retry_delay_seconds": 0.01}'


@pytest.fixture(autouse=True)
def no_actor_is_left() -> Iterator[None]:
    yield
    stop_all()


def held(qty: str = "3") -> dict[str, Any]:
    return {"symbol": "AAPL", "qty": qty, "qty_available": "0", "avg_entry_price": "100"}


def leg(name: str, kind: str, status: str, **changes: Any) -> dict[str, Any]:
    return raw_order(
        id=name, client_order_id=f"made-{name}", type=kind, side="sell", status=status, **changes
    )


def filled_bracket(submitted: str, filled: str) -> dict[str, Any]:
    legs = [
        leg("tp", "limit", "new", limit_price="105"),
        leg("sl", "stop", "held", stop_price="97"),
    ]
    return raw_order(
        status="filled",
        filled_qty="3",
        filled_avg_price="100",
        order_class="bracket",
        submitted_at=submitted,
        created_at=submitted,
        filled_at=filled,
        updated_at=filled,
        legs=legs,
    )


def test_at_start_the_truth_is_read_twice_and_then_it_is_ready() -> None:
    account = Account()
    account.orders = [
        raw_order(status="new"),
        raw_order(id="x", client_order_id="by hand", status="new"),
    ]
    account.positions = [held()]
    with bench(account) as one:
        (ready,) = one.wait_for(BrokerReady)
        (truth,) = one.said(Reconciled)
        assert [report.client_order_id for report in truth.orders] == [OWN]
        assert [report.client_order_id for report in truth.foreign] == ["by hand"]
        assert truth.position.qty == 3
        assert ready.positions == 1
        kinds = [type(word) for word in one.log.said]
        assert kinds.index(Asset) < kinds.index(Reconciled) < kinds.index(BrokerReady)
        assert AccountReport in kinds
        one.still()
        lists = [request for request in one.stub.requests if request.path == ORDERS]
        assert len(lists) >= 2


def test_a_position_that_nobody_looks_after_is_told_once() -> None:
    account = Account()
    account.positions = [held() | {"symbol": "TSLA"}]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.pass_time(60)
        one.hear(Reconcile(symbols=(), reason="again"))
        one.wait_for(Reconciled, 2)
        assert [alert.severity for alert in one.said(Alert)] == ["warning"]


def test_an_accepted_order_is_reported_once_and_sent_once() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        word = one.hear(entry())
        (report,) = one.wait_for(OrderReport)
        assert (report.client_order_id, report.status, report.channel) == (OWN, "pending", "answer")
        assert word in [tuple(reason) for reason in report.because]
        assert one.stub.count("POST") == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(504, {"message": "timeout"}),
        Answer(503, b"<html></html>"),
        Answer(200, b'{"id": '),
        Answer(200, [1, 2]),
        Answer(200, raw_order(qty="NaN")),
        Answer(200, raw_order(client_order_id="somebody else's")),
        Answer(fault="reset"),
        Answer(200, {"id": "x"}, fault="truncate"),
    ],
)
def test_an_outcome_that_nobody_knows_is_said_so_and_never_sent_again(answer: Answer) -> None:
    account = Account()
    account.faults["POST", ORDERS] = [answer]
    with bench(account, QUICK) as one:
        one.wait_for(BrokerReady)
        one.hear(entry())
        (unknown,) = one.wait_for(OrderUnknown)
        assert (unknown.client_order_id, unknown.request) == (OWN, "submit")
        one.still()
        assert one.stub.count("POST") == 1
        assert not one.errors


def test_a_broker_that_hangs_costs_one_request_and_the_lookup_overtakes_it() -> None:
    account = Account()
    account.faults["POST", ORDERS] = [Answer(fault="hang")]
    quick = ', "journal": {"durable_seconds": 0.1}'
    with bench(account, quick) as one:
        one.wait_for(BrokerReady)
        one.office.record("order/AAPL", (entry(),))
        account.orders.append(raw_order(status="new"))
        one.office.record(
            "order/AAPL", (LookupOrder(client_order_id=OWN, symbol="AAPL", because=()),)
        )
        (found,) = one.wait_for(OrderReport)
        assert found.channel == "lookup"
        assert not one.said(OrderUnknown)
        one.wait_for(OrderUnknown)
        assert one.stub.count("POST") == 1


def test_a_refusal_is_told_with_the_order_that_holds_the_shares() -> None:
    account = Account()
    body = {"code": 40310000, "message": "insufficient qty", "related_orders": ["b9"]}
    account.faults["POST", ORDERS] = [Answer(403, body)]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.hear(entry())
        (refused,) = one.wait_for(OrderRefused)
        assert (refused.status, refused.code, refused.related_order) == (403, 40310000, "b9")


def test_a_rate_limited_order_is_sent_again_only_after_a_lookup() -> None:
    account = Account()
    account.faults["POST", ORDERS] = [Answer(429, {"code": 42910000, "message": "rate"})]
    with bench(account, QUICK) as one:
        one.wait_for(BrokerReady)
        one.hear(entry())
        one.pass_time(3)
        one.wait_for(OrderReport)
        money = [
            request.method
            for request in one.stub.requests
            if request.method == "POST" or "by_client" in request.path
        ]
        assert money == ["POST", "GET", "POST"]


def test_an_entry_that_expires_before_its_turn_is_told_to_be_refused() -> None:
    account = Account()
    reset = (("X-RateLimit-Reset", str(NOW // SECOND + 30)),)
    with bench(account) as one:
        one.wait_for(BrokerReady)
        account.faults["GET", "/v2/account"] = [Answer(429, {"message": "rate"}, reset)]
        one.hear(ReadAccount(because=()))
        until(lambda: not account.faults["GET", "/v2/account"], "no more calls for a while")
        one.hear(entry(expires_at=NOW + 5 * SECOND))
        assert not one.said(OrderRefused)
        one.pass_time(6)
        (refused,) = one.wait_for(OrderRefused)
        assert (refused.client_order_id, refused.status) == (OWN, 0)
        assert "expired" in refused.message
        assert one.stub.count("POST") == 0


@pytest.mark.parametrize("waits", ["for its turn", "for another try"])
def test_an_entry_that_is_called_back_before_it_has_left_never_leaves(waits: str) -> None:
    account = Account()
    reset = (("X-RateLimit-Reset", str(NOW // SECOND + 10)),)
    limited = Answer(429, {"message": "rate"}, reset)
    with bench(account) as one:
        one.wait_for(BrokerReady)
        if waits == "for its turn":
            account.faults["GET", "/v2/account"] = [limited]
            one.hear(ReadAccount(because=()))
            until(lambda: not account.faults["GET", "/v2/account"], "no more calls for a while")
        else:
            account.faults["POST", ORDERS] = [limited]
        one.hear(entry())
        assert not one.said(OrderRefused)
        sent = one.stub.count("POST")
        one.hear(CancelOrder(client_order_id=OWN, order_id="", symbol="AAPL", because=()))
        (refused,) = one.wait_for(OrderRefused)
        assert (refused.client_order_id, refused.status) == (OWN, 0)
        one.pass_time(15)
        one.still()
        assert one.stub.count("POST") == sent
        assert one.stub.count("DELETE") == 0
        assert not one.errors


def test_an_entry_under_way_is_not_called_back_by_our_id() -> None:
    account = Account()
    account.faults["POST", ORDERS] = [Answer(fault="hang")]
    with bench(account, ', "journal": {"durable_seconds": 0.1}') as one:
        one.wait_for(BrokerReady)
        one.office.record("order/AAPL", (entry(),))
        until(lambda: one.stub.count("POST") == 1, "it leaves")
        recall = CancelOrder(client_order_id=OWN, order_id="", symbol="AAPL", because=())
        one.office.record("order/AAPL", (recall,))
        one.wait_for(OrderUnknown)
        assert not one.said(OrderRefused)


def test_a_limited_order_that_the_lookup_finds_is_not_sent_again() -> None:
    account = Account()
    account.faults["POST", ORDERS] = [Answer(429, {"message": "rate"})]
    account.orders = [raw_order(status="new")]
    with bench(account, QUICK) as one:
        one.wait_for(BrokerReady)
        one.hear(entry())
        one.pass_time(3)
        (report,) = one.wait_for(OrderReport)
        assert report.channel == "lookup"
        assert one.stub.count("POST") == 1


def test_an_order_is_absent_only_when_a_list_lacks_it_too() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        one.hear(LookupOrder(client_order_id=OWN, symbol="AAPL", because=()))
        (absent,) = one.wait_for(OrderAbsent)
        assert absent.listed


def test_a_lookup_does_not_wait_for_calls_that_are_kept_for_exits() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        for _ in range(5):
            one.hear(ReadAccount(because=()))
        told = len(one.said(AccountReport))
        assert told < 6, "a question waits"
        one.hear(LookupOrder(client_order_id=OWN, symbol="AAPL", because=()))
        one.wait_for(OrderAbsent)
        assert len(one.said(AccountReport)) == told


def test_an_edge_that_begins_anew_has_no_new_minute_of_calls() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        for _ in range(5):
            one.hear(ReadAccount(because=()))
        assert one.gate.limiter.left(NOW) < 10
        made = len(one.stub.requests)
        one.cell.revive()
        one.still()
        assert len(one.stub.requests) - made < 5
        assert len(one.said(BrokerReady)) == 1, "the whole truth waits for calls"
        one.pass_time(30)
        until(lambda: len(one.said(BrokerReady)) == 2, "it is ready again")


def test_all_who_wait_for_calls_share_one_look_for_them() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        for _ in range(5):
            one.hear(ReadAccount(because=()))
        before = len(one.alarm._due)
        for n in range(20):
            one.hear(Tick(n=n))
        assert len(one.alarm._due) - before < 5


def test_an_order_that_only_the_list_shows_is_found() -> None:
    account = Account()
    account.orders = [raw_order(status="new")]
    account.faults["GET", "/v2/orders:by_client_order_id"] = [missing("order not found")]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.hear(LookupOrder(client_order_id=OWN, symbol="AAPL", because=()))
        (found,) = one.wait_for(OrderReport)
        assert found.status == "working"
        assert not one.said(OrderAbsent)


def test_a_cancel_that_came_too_late_leads_to_a_lookup() -> None:
    account = Account()
    account.orders = [raw_order(id="b7", status="filled", filled_qty="3", filled_avg_price="100")]
    too_late = {"code": 42210000, "message": 'order is already in "filled" state'}
    account.faults["DELETE", f"{ORDERS}/b7"] = [Answer(422, too_late)]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.hear(CancelOrder(client_order_id=OWN, order_id="b7", symbol="AAPL", because=()))
        (found,) = one.wait_for(OrderReport)
        assert (found.status, found.channel) == ("filled", "lookup")


def test_cancels_asked_for_while_nothing_may_be_sent_leave_once() -> None:
    account = Account()
    reset = (("X-RateLimit-Reset", str(NOW // SECOND + 30)),)
    with bench(account) as one:
        one.wait_for(BrokerReady)
        account.faults["GET", "/v2/account"] = [Answer(429, {"message": "rate"}, reset)]
        one.hear(ReadAccount(because=()))
        until(lambda: not account.faults["GET", "/v2/account"], "no more calls for a while")
        cancel = CancelOrder(client_order_id=OWN, order_id="b7", symbol="AAPL", because=())
        for _ in range(5):
            one.hear(cancel)
        one.pass_time(31)
        until(lambda: one.stub.count("DELETE") == 1, "the cancel has left")
        one.still()
        one.hear(cancel)
        until(lambda: one.stub.count("DELETE") == 2, "the next one leaves as well")


def test_a_position_answers_the_word_that_asked() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        word = one.hear(ReadPosition(symbol="AAPL", because=()))
        (flat,) = one.wait_for(PositionReport)
        assert flat.qty == 0
        assert word in [tuple(reason) for reason in flat.because]


def test_who_asks_for_a_position_that_waits_for_its_turn_shares_the_answer() -> None:
    account = Account()
    reset = (("X-RateLimit-Reset", str(NOW // SECOND + 10)),)
    with bench(account) as one:
        one.wait_for(BrokerReady)
        account.faults["GET", "/v2/account"] = [Answer(429, {"message": "rate"}, reset)]
        one.hear(ReadAccount(because=()))
        until(lambda: not account.faults["GET", "/v2/account"], "no more calls for a while")
        account.positions = [held()]
        asked = [one.hear(ReadPosition(symbol="AAPL", because=())) for _ in range(3)]
        one.pass_time(15)
        named = [report for report in one.wait_for(PositionReport) if report.because]
        one.still()
        assert [tuple(map(tuple, report.because)) for report in named] == [tuple(asked)]
        again = one.hear(ReadPosition(symbol="AAPL", because=()))
        until(
            lambda: any(again in map(tuple, each.because) for each in one.said(PositionReport)),
            "a later question has an answer of its own",
        )


def test_a_truth_that_does_not_come_to_rest_lets_others_have_their_turn() -> None:
    account = Account()
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.pass_time(60)
        moving = [Answer(200, [held(str(qty))]) for qty in range(1, 50)]
        account.faults["GET", "/v2/positions"] = moving
        one.hear(Reconcile(symbols=("AAPL",), reason="a doubt"))
        readings = 49 - len(moving)
        assert 1 < readings < MOST_READINGS, "the next one waits for calls"
        word = one.hear(ReadPosition(symbol="AAPL", because=()))
        assert [tuple(map(tuple, each.because)) for each in one.said(PositionReport)] == [(word,)]
        assert len(moving) == 49 - readings
        moving.clear()
        one.pass_time(60)
        one.wait_for(TruthRead, 2)


def test_a_position_is_gone_only_when_it_is_missing_twice() -> None:
    account = Account()
    account.positions = [held()]
    account.faults["GET", "/v2/positions/AAPL"] = [missing("position does not exist")]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.hear(ReadPosition(symbol="AAPL", because=()))
        (found,) = one.wait_for(PositionReport)
        assert found.qty == 3


def test_the_account_is_read_again_when_its_figures_are_old() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        one.still()
        before = len(one.said(AccountReport))
        one.pass_time(31)
        one.hear(Tick(n=1))
        one.wait_for(AccountReport, before + 1)


def test_anothers_order_that_no_event_told_of_is_found_by_the_list() -> None:
    """A stranger's, and one with our own tag that another daemon sent."""
    account = Account()
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.hear(entry())
        with account.lock:
            account.orders += [
                raw_order(id="f1", client_order_id="by hand", status="new"),
                raw_order(id="f2", client_order_id=f"argo-{TAG}-b-entry-1", status="new"),
            ]
        for n in (1, 2):
            one.pass_time(6)
            one.hear(Tick(n=n))
        assert [seen.order.order_id for seen in one.said(ForeignSeen)] == ["f1"]
        assert [said.order_id for said in one.said(OrderReport)].count("f2") == 1
        assert one.said(Reconciled)[-1].foreign[0].order_id == "f1"


def test_a_leg_that_fills_without_an_event_is_found_by_the_list() -> None:
    account = Account()
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.hear(entry())
        stamp = "2026-09-21T14:13:20Z"
        with account.lock:
            account.orders = [filled_bracket(stamp, stamp)]
        one.pass_time(6)
        one.hear(Tick(n=1))
        one.wait_for(OrderReport, 2)
        with account.lock:
            account.orders[0]["legs"][0] |= {
                "status": "filled",
                "filled_qty": "3",
                "filled_avg_price": "105",
            }
        one.pass_time(6)
        one.hear(Tick(n=2))
        last = one.wait_for(OrderReport, 3)[-1]
        assert [part.status for part in last.legs] == ["filled", "held"]


def test_after_a_restart_a_leg_that_fills_without_an_event_is_found_too() -> None:
    account = Account()
    account.orders = [filled_bracket("2026-09-21T13:00:00Z", "2026-09-21T13:05:00Z")]
    account.positions = [held()]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.still()
        with account.lock:
            account.orders[0]["legs"][0] |= {
                "status": "filled",
                "filled_qty": "3",
                "filled_avg_price": "105",
            }
        one.pass_time(6)
        one.hear(Tick(n=1))
        one.still()
        one.pass_time(61)
        one.hear(Tick(n=2))
        one.still()
        reports = [*one.said(OrderReport), *(r for t in one.said(Reconciled) for r in t.orders)]
        assert any(part.status == "filled" for report in reports for part in report.legs)


def test_who_asks_for_the_truth_while_it_is_read_shares_the_next_reading() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        asked = [Reconcile(symbols=("AAPL",), reason=reason) for reason in ("a", "b", "b", "c")]
        one.pass_time(60)
        one.office.record("order/AAPL", tuple(asked))
        one.wait_for(TruthRead, 2)
        one.pass_time(60)
        one.wait_for(TruthRead, 3)
        one.still()
        assert [read.reason for read in one.said(TruthRead)] == ["start", "a", "b; c"]


def test_a_symbols_truth_does_not_put_off_the_whole_truth() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        for n in range(13):
            one.pass_time(5)
            one.hear(Reconcile(symbols=("AAPL",), reason="a doubt"))
            one.hear(Tick(n=n))
        assert "periodic" in {read.reason for read in one.said(TruthRead)}


def test_protection_placed_a_week_ago_is_in_the_truth() -> None:
    account = Account()
    account.orders = [
        raw_order(
            id="s1",
            client_order_id=f"argo-{TAG}-a-stop-1",
            type="stop",
            side="sell",
            stop_price="97",
            status="new",
            submitted_at="2026-09-14T14:00:00Z",
        )
    ]
    account.positions = [held()]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        truth = one.said(Reconciled)[0]
        assert [report.order_id for report in truth.orders] == ["s1"]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v2/account", Answer(200, raw_account(cash="NaN"))),
        ("/v2/account", Answer(200, b"")),
        (ORDERS, Answer(200, [raw_order(qty="-1")])),
    ],
)
def test_a_broken_answer_to_a_question_does_not_kill_the_edge(path: str, answer: Answer) -> None:
    account = Account()
    account.orders = [raw_order(status="new")]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.still()
        with account.lock:
            account.faults["GET", path] = [answer] * 9
        one.pass_time(31)
        one.office.record("clock", (Tick(n=1),))
        one.still()
        assert not one.errors


def test_positions_are_read_every_ten_seconds_and_a_change_is_told_once() -> None:
    account = Account()
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.pass_time(10)
        one.hear(Tick(n=1))
        assert not one.said(PositionReport)
        account.positions = [held()]
        for n in range(2, 5):
            one.pass_time(10)
            one.hear(Tick(n=n))
        assert [report.qty for report in one.said(PositionReport)] == [3]
        account.positions = []
        one.pass_time(10)
        one.hear(Tick(n=9))
        assert [report.qty for report in one.said(PositionReport)] == [3, 0]


def test_after_a_fill_or_an_error_account_and_positions_are_read_again() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        one.still()
        before = len(one.stub.requests)
        one.hear(ReadAccount(because=()))
        paths = {request.path for request in one.stub.requests[before:]}
        assert paths == {"/v2/account", "/v2/account/activities", "/v2/positions"}


def test_a_transfer_is_told_once_and_before_the_equity_that_holds_it() -> None:
    account = Account()
    with bench(account) as one:
        one.wait_for(BrokerReady)
        account.activities = [
            {
                "id": "20260921135509981::5f596936-6f23-4cef-bdf1-3806aae57dbf",
                "activity_type": "CSW",
                "net_amount": "-1500.25",
                "date": "2026-09-21",
            }
        ]
        one.hear(ReadAccount(because=()))
        (moved,) = one.said(Transfer)
        assert (moved.kind, moved.dollars) == ("CSW", Decimal("-1500.25"))
        assert moved.at % DAY == ((13 * 60 + 55) * 60 + 9) * SECOND + 981_000_000
        kinds = [type(word) for word in one.log.said]
        assert kinds.index(Transfer) < len(kinds) - 1 - kinds[::-1].index(AccountReport)
        one.hear(ReadAccount(because=()))
        assert len(one.said(Transfer)) == 1


def test_a_list_of_transfers_without_an_end_is_given_up_and_the_account_is_told() -> None:
    account = Account()
    with bench(account) as one:
        one.wait_for(BrokerReady)
        account.activities = [
            {
                "id": f"20260921135509981::{n:036d}",
                "activity_type": "CSW",
                "net_amount": "-1.25",
                "date": "2026-09-21",
            }
            for n in range(100)
        ]
        told, asked = len(one.said(AccountReport)), len(one.stub.requests)
        one.hear(ReadAccount(because=()))
        assert len(one.said(AccountReport)) == told + 1
        paths = [request.path for request in one.stub.requests[asked:]]
        assert paths.count("/v2/account/activities") == 2
        assert one.said(Transfer) == []


def test_a_refusal_of_a_legs_price_tells_the_price_that_it_was_judged_against() -> None:
    account = Account()
    body = {"code": 42210000, "message": "stop_loss.stop_price must be", "base_price": "99.37"}
    account.faults["POST", ORDERS] = [Answer(422, body)]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.hear(entry())
        (refused,) = one.wait_for(OrderRefused)
        assert str(refused.base_price) == "99.37"


def test_an_order_named_as_blocking_is_looked_up_by_the_brokers_id() -> None:
    account = Account()
    account.orders = [raw_order(id="b9", status="new"), raw_order(id="z", client_order_id="theirs")]
    account.faults["GET", "/v2/orders:by_client_order_id"] = [missing("order not found")] * 2
    with bench(account) as one:
        one.wait_for(BrokerReady)
        lookup = LookupOrder(client_order_id=OWN, symbol="AAPL", because=(), order_id="b9")
        one.hear(lookup)
        (found,) = one.wait_for(OrderReport)
        assert (found.client_order_id, found.order_id) == (OWN, "b9")
        one.hear(
            LookupOrder(
                client_order_id="argo-0000-q-stop-1", symbol="AAPL", because=(), order_id="z"
            )
        )
        (absent,) = one.wait_for(OrderAbsent)
        assert absent.client_order_id == "argo-0000-q-stop-1"


def test_the_order_that_took_the_place_of_a_triggered_stop_is_followed() -> None:
    account = Account()
    stamp = "2026-09-21T14:13:20Z"
    bracket = filled_bracket(stamp, stamp)
    bracket["legs"][1] |= {"status": "replaced", "replaced_by": "sl2"}
    account.orders = [bracket]
    with bench(account) as one:
        with account.lock:
            account.orders.append(
                leg("sl2", "stop", "filled", filled_qty="3", filled_avg_price="96.9")
            )
        one.wait_for(BrokerReady)
        one.hear(LookupOrder(client_order_id=OWN, symbol="AAPL", because=()))
        found = one.wait_for(OrderReport)[-1]
        assert [part.status for part in found.legs] == ["working", "replaced", "filled"]


def announced(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "1",
        "ca_type": "split",
        "ca_sub_type": "stock_split",
        "initiating_symbol": "AAPL",
        "target_symbol": "AAPL",
        "ex_date": "2026-09-25",
        "old_rate": "1",
        "new_rate": "4",
    }
    return row | changes


def test_splits_ahead_are_asked_for_and_told_once() -> None:
    account = Account()
    path = "/v2/corporate_actions/announcements"
    others = [announced(target_symbol="TSLA"), announced(ex_date="2026-09-21")]
    account.faults["GET", path] = [Answer(200, [announced(), *others])] * 3
    with bench(account) as one:
        one.wait_for(BrokerReady)
        for n in range(3):
            one.hear(Tick(n=n))
            one.pass_time(6 * 3600)
        (ahead,) = one.said(SplitAnnounced)
        assert (ahead.symbol, ahead.new, ahead.old) == ("AAPL", 4, 1)
        assert ahead.at == 1_790_343_000 * SECOND, "half past nine in New York"
        asked = [request.query for request in one.stub.requests if request.path == path]
        assert asked[0]["ca_types"] == "split"
        assert (asked[0]["since"], asked[0]["until"]) == ("2026-09-20", "2026-09-28")


@pytest.mark.parametrize("wrong", [{"new_rate": "0"}, {"old_rate": "x"}, {"ex_date": "soon"}])
def test_a_split_that_makes_no_sense_is_not_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        splits([announced(**wrong)], ("AAPL",))


def test_a_symbol_that_the_broker_does_not_know_holds_up_no_other() -> None:
    account = Account()
    account.faults["GET", "/v2/assets/AAPL"] = [missing("asset not found")]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        (alert,) = one.said(Alert)
        assert "AAPL cannot be traded" in alert.text
        one.pass_time(61)
        one.hear(Tick(n=1))
        assert len(one.said(Asset)) == 1
        assert len(one.said(Alert)) == 1


def test_it_is_not_ready_before_the_assets_are_known() -> None:
    account = Account()
    account.faults["GET", "/v2/assets/AAPL"] = [Answer(503, b"<html></html>")]
    with bench(account) as one:
        one.office.record("stream", (Reconcile(symbols=("AAPL",), reason="trade stream up"),))
        one.wait_for(BrokerReady)
        kinds = [type(word) for word in one.log.said]
        assert Asset in kinds
        assert kinds.index(Asset) < kinds.index(BrokerReady)


def test_a_broker_that_is_down_at_the_start_is_waited_for() -> None:
    account = Account()
    account.faults["GET", "/v2/assets/AAPL"] = [Answer(503, b"<html></html>")]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        assert not one.errors


def test_patience_does_not_overflow_in_a_long_outage() -> None:
    with bench() as one:
        one.wait_for(BrokerReady)
        edge: Any = one.cell.behaviour
        edge._readings._failures = 1100
        edge._readings._again(ConnectionError("down"), lambda: None)


def test_no_entry_leaves_before_the_truth_has_been_read() -> None:
    account = Account()
    account.faults["GET", "/v2/assets/AAPL"] = [Answer(503, b"<html></html>")] * 2
    with bench(account) as one:
        one.office.record("order/AAPL", (entry(),))
        (refused,) = one.wait_for(OrderRefused)
        assert (refused.client_order_id, refused.status) == (OWN, 0)
        assert not one.said(BrokerReady)
        one.wait_for(BrokerReady)
        assert one.stub.count("POST") == 0


def test_an_edge_that_stops_says_what_became_of_its_submissions() -> None:
    account = Account()
    account.faults["POST", ORDERS] = [Answer(fault="hang")]
    with bench(account) as one:
        one.wait_for(BrokerReady)
        one.office.record("order/AAPL", (entry(), entry(client_order_id="argo-0000-b-entry-1")))
        until(lambda: one.stub.count("POST") == 1, "the first one has left")
        one.cell.revive()
        (unknown,) = one.wait_for(OrderUnknown)
        (refused,) = one.wait_for(OrderRefused)
    assert (unknown.client_order_id, refused.client_order_id) == (OWN, "argo-0000-b-entry-1")
    assert refused.status == 0


def test_a_wrong_clock_is_told() -> None:
    account = Account()
    with bench(account) as one:
        one.wait_for(BrokerReady)
        ahead = datetime.fromtimestamp(one.clock.now() / SECOND + 100, UTC).isoformat()
        account.clock = ahead
        one.pass_time(61)
        one.hear(Tick(n=2))
        assert one.said(BrokerLink)[-1].skew_ms in range(38_000, 40_000)
