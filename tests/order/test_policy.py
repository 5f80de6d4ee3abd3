"""The orders' policy, rule by rule: sessions, coins, prop mode, refusals, races, the broker's oddities."""

from typing import Any

import pytest

from argo_actors.messages.market import Quote, QuoteSeen
from argo_actors.messages.order import (
    CancelOrder,
    EntrySettled,
    Holding,
    LookupOrder,
    OrderAbsent,
    OrderUnknown,
    PositionClosed,
    ReadAccount,
    ReadPosition,
    Reconcile,
    SubmitOrder,
    Unprotected,
)
from argo_actors.messages.system import Alert, Operator, RiskLevel, Started, Stopping
from argo_actors.messages.truth import ForeignSeen
from argo_actors.order.state import is_covered
from argo_actors.units import DAY, SECOND, Decimal
from tests.order.order_bench import CLOSE, NOW, TAG, Actor, holds, hours, report
from tests.order.phases import absent, crash

TO_CLOSE = (CLOSE - NOW) / SECOND


def stopped(actor: Actor, entry: SubmitOrder) -> None:
    """The bracket's legs are gone."""
    actor.report(entry, "filled", legs=("canceled", "canceled"))


# sessions


@pytest.mark.parametrize("limit", [None, Decimal("100.1")])
def test_an_entry_is_called_back_before_its_session_ends(limit: Decimal | None) -> None:
    actor = Actor()
    entry = actor.enter(limit_price=limit)
    actor.pass_time(TO_CLOSE - 61)
    assert not actor.cancels()
    actor.pass_time(1.5)
    assert actor.cancels()
    actor.report(entry, "canceled", legs=("canceled", "canceled"))
    assert actor.phase == "flat"


def test_a_position_stays_over_night_unless_flat_at_close_is_set() -> None:
    actor = Actor()
    actor.open()
    actor.pass_time(TO_CLOSE - 1)
    actor.hear(hours(is_open=False))
    assert not actor.cancels()


def test_flat_at_close_closes_stocks_before_the_session_ends() -> None:
    actor = Actor(flat_at_close=True)
    entry = actor.open()
    actor.pass_time(TO_CLOSE - 181)
    assert not actor.cancels()
    actor.pass_time(1.5)
    assert actor.cancels()
    stopped(actor, entry)
    actor.position(3)
    closing = actor.last(SubmitOrder)
    assert closing.leg == "exit"
    actor.report(closing, "filled")
    assert actor.last(PositionClosed).reason == "session"


def test_flat_at_close_leaves_coins_alone() -> None:
    actor = Actor("BTC-USD", flat_at_close=True)
    actor.open()
    actor.pass_time(TO_CLOSE)
    actor.hear(hours(is_open=False))
    actor.pass_time(60)
    assert not actor.cancels()


def test_a_signal_close_outside_regular_hours_is_dropped_and_protection_stays() -> None:
    actor = Actor()
    actor.open()
    actor.hear(hours(is_open=False))
    actor.approve("close_long")
    actor.hear(hours())
    actor.pass_time(60)
    assert not actor.cancels()
    assert actor.phase == "protected"


def test_a_signal_close_that_the_bell_overtakes_is_dropped_and_the_position_protected_again() -> (
    None
):
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    actor.hear(hours(is_open=False))
    stopped(actor, entry)
    actor.position(3)
    assert actor.last(SubmitOrder).leg == "oco"
    assert actor.phase == "unprotected"


def test_a_coin_is_closed_at_any_hour() -> None:
    actor = Actor("BTC-USD")
    actor.hear(hours(is_open=False))
    actor.open()
    actor.approve("close_long")
    assert actor.cancels()


def test_unprotected_out_of_hours_is_flagged_tried_again_slowly_and_closed_at_the_open() -> None:
    actor = Actor()
    entry = actor.open()
    actor.hear(hours(is_open=False))
    stopped(actor, entry)
    for _ in range(900):
        if actor.state.read.asked is not None:
            actor.position(3)
        newest = max(actor.state.orders, key=lambda pair: pair[1].sent_at)[1]
        if newest.part.status == "sent":
            actor.refuse(actor.last(SubmitOrder), "closed")
        actor.pass_time(0.1)
    assert actor.said(Unprotected)
    assert 4 <= len(actor.said(SubmitOrder)) <= 7
    assert actor.phase == "unprotected"
    actor.hear(hours())
    assert actor.phase == "exiting"


def test_protection_about_to_lapse_is_placed_again_in_session() -> None:
    actor = Actor()
    entry = actor.enter()
    lapses = NOW + 90 * DAY
    actor.report(entry, "filled", expires_at=lapses)
    actor.now = lapses - 5 * DAY - SECOND
    actor.hear(hours(is_open=False))
    actor.pass_time(2)
    assert not actor.cancels(), "out of hours nothing is moved"
    actor.hear(hours())
    assert actor.cancels()
    stopped(actor, entry)
    actor.position(3)
    again = actor.last(SubmitOrder)
    assert (again.leg, again.stop_loss, again.take_profit) == ("oco", Decimal(97), Decimal(105))


# prop mode

PROP: dict[str, Any] = {
    "prop_firm": {"enabled": True},
    "regime": {"off": ["CRISIS"], "bull_short": 0.95, "bear_long": 0.95},
}


@pytest.mark.parametrize(
    ("side", "legs", "price", "moved"),
    [
        ("long", (Decimal("98.6"), Decimal(105)), "100.2", Decimal("98.70")),
        ("short", (Decimal("101.4"), Decimal(95)), "99.8", Decimal("101.29")),
    ],
)
def test_in_prop_mode_a_stop_too_far_from_the_fill_is_moved_in(
    side: str, legs: tuple[Decimal, Decimal], price: str, moved: Decimal
) -> None:
    actor = Actor(**PROP)
    entry = actor.enter(side, stop=legs[0], target=legs[1])
    actor.report(entry, "filled", price=price)
    assert actor.cancels(), "the leg rests further than 1.5 % from the average fill"
    stopped(actor, entry)
    actor.position(3 if side == "long" else -3)
    oco = actor.last(SubmitOrder)
    assert (oco.leg, oco.stop_loss, oco.take_profit) == ("oco", moved, legs[1])
    actor.report(oco, "working")
    actor.pass_time(60)
    assert actor.phase == "protected"
    assert len(actor.said(SubmitOrder)) == 2
    assert not actor.said(Unprotected)


def test_in_prop_mode_a_stop_is_never_moved_out() -> None:
    actor = Actor(**PROP)
    entry = actor.enter(stop=Decimal("98.6"), target=Decimal(105))
    actor.report(entry, "filled", price="99.5")
    actor.pass_time(60)
    assert not actor.cancels()


def test_outside_prop_mode_no_stop_is_moved() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "filled", price="101")
    assert not actor.cancels()


# refusals

BASE = "stop_loss.stop_price must be <= base_price - 0.01"


def test_a_leg_price_refusal_is_computed_once_more() -> None:
    actor = Actor()
    actor.approve()
    actor.refuse(actor.last(SubmitOrder), BASE, base_price=Decimal("99.37"))
    second = actor.last(SubmitOrder)
    assert second.client_order_id.endswith("-entry-2")
    assert second.client_order_id[:-2] == actor.said(SubmitOrder)[0].client_order_id[:-2]
    assert (second.stop_loss, second.take_profit) == (Decimal("96.39"), Decimal("104.33"))
    assert second.reference_price == Decimal("99.37")
    assert not actor.said(EntrySettled)
    actor.refuse(second, BASE, base_price=Decimal("99"))
    assert len(actor.said(SubmitOrder)) == 2
    assert actor.last(EntrySettled).outcome == "refused"
    assert actor.phase == "flat"


@pytest.mark.parametrize("base", [None, Decimal("98.9")])
def test_a_leg_price_refusal_without_a_price_or_beyond_the_collar_drops_the_entry(
    base: Decimal | None,
) -> None:
    actor = Actor()
    actor.approve()
    actor.refuse(actor.last(SubmitOrder), BASE, base_price=base)
    assert len(actor.said(SubmitOrder)) == 1
    assert actor.last(EntrySettled).outcome == "refused"


@pytest.mark.parametrize(
    "news",
    [
        Operator(state="stop-entries", who="me", why="test"),
        ForeignSeen(symbol="AAPL", order=Actor().foreign("buy", "limit")),
    ],
    ids=lambda news: type(news).__name__,
)
def test_a_leg_price_refusal_drops_the_entry_where_entries_have_been_stopped_since(
    news: Any,
) -> None:
    actor = Actor()
    actor.approve()
    actor.hear(news)
    actor.refuse(actor.last(SubmitOrder), BASE, base_price=Decimal("99.37"))
    assert len(actor.said(SubmitOrder)) == 1
    assert actor.last(EntrySettled).outcome == "refused"


def test_insufficient_buying_power_skips_the_entry_and_has_the_account_read() -> None:
    actor = Actor()
    actor.approve()
    said = actor.refuse(
        actor.last(SubmitOrder), "insufficient buying power", status=403, code=40310000
    )
    assert [one for one in said if isinstance(one, ReadAccount)]
    assert actor.last(EntrySettled).outcome == "refused"
    actor.pass_time(120)
    assert len(actor.said(SubmitOrder)) == 1


def test_a_stop_that_the_market_has_passed_closes_at_once() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "canceled", filled=2, legs=("canceled", "canceled"))
    actor.position(2)
    actor.refuse(actor.last(SubmitOrder), "stop price must be less than current price")
    assert actor.phase == "exiting"
    actor.position(2)
    assert (actor.last(SubmitOrder).leg, actor.last(SubmitOrder).type) == ("exit", "market")
    assert actor.now == NOW


def unknown(actor: Actor, order: SubmitOrder) -> None:
    actor.hear(
        OrderUnknown(
            client_order_id=order.client_order_id,
            symbol=actor.symbol,
            request="submit",
            reason="timeout",
            because=(),
        )
    )


def test_a_stop_of_unknown_outcome_does_not_delay_the_close_and_its_blocker_is_adopted() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "canceled", filled=2, legs=("canceled", "canceled"))
    actor.position(2)
    stop = actor.last(SubmitOrder)
    unknown(actor, stop)
    actor.pass_time(6.1)
    actor.position(2)
    closing = actor.last(SubmitOrder)
    assert closing.leg == "exit"
    actor.refuse(closing, "insufficient qty", status=403, code=40310000, related_order="b9")
    looked = [one for one in actor.said(LookupOrder) if one.order_id]
    assert [(one.client_order_id, one.order_id) for one in looked] == [(stop.client_order_id, "b9")]
    assert actor.last(Reconcile).reason.endswith("b9")
    actor.report(stop, "working", order_id="b9")
    assert actor.cancels()[-1] == "b9"
    actor.report(stop, "canceled", order_id="b9", legs=("canceled", "canceled"))
    actor.pass_time(1.5)
    actor.position(2)
    assert actor.last(SubmitOrder).leg == "exit"
    assert actor.last(SubmitOrder).client_order_id != closing.client_order_id


@pytest.mark.parametrize("symbol", ["AAPL", "BTC-USD"])
def test_an_exit_that_lookups_do_not_find_leaves_no_position_bare_for_a_minute(symbol: str) -> None:
    actor = Actor(symbol)
    entry = actor.open()
    qty = Decimal(3) if symbol == "AAPL" else Decimal("2.9925")
    resting = actor.last(SubmitOrder)
    actor.approve("close_long")
    stopped(actor, entry) if resting is entry else actor.report(resting, "canceled")
    actor.position(f"{qty}")
    closing = actor.last(SubmitOrder)
    unknown(actor, closing)
    begun = actor.now
    for _ in range(40):
        if actor.state.read.asked is not None:
            actor.position(f"{qty}")
        actor.pass_time(0.1)
    stop = actor.last(SubmitOrder)
    assert stop.leg == ("oco" if symbol == "AAPL" else "stop")
    assert stop.stop_loss == 97 or stop.stop_price == 97
    actor.report(stop, "working")
    assert is_covered(actor.state)
    for _ in range(3):
        actor.hear(absent(closing))
        actor.pass_time(31)
    assert actor.now - begun > 60 * SECOND
    assert actor.cancels()[-1] == f"b-{stop.client_order_id}", "the exit is sent again"
    actor.report(stop, "canceled", legs=("canceled", "canceled"))
    actor.pass_time(0.5)
    actor.position(f"{qty}")
    again = actor.last(SubmitOrder)
    assert again.leg == "exit"
    assert again.client_order_id != closing.client_order_id


@pytest.mark.parametrize("symbol", ["AAPL", "BTC-USD"])
def test_a_stop_that_the_market_has_passed_beside_an_exit_of_unknown_outcome_closes_at_once(
    symbol: str,
) -> None:
    actor, qty = dark_exit(symbol)
    begun = actor.now
    for tries in (2, 3):
        actor.refuse(actor.last(SubmitOrder), "stop price must be less than current price")
        actor.position(f"{qty}")
        exits = [one for one in actor.said(SubmitOrder) if one.leg == "exit"]
        assert len(exits) == len({one.client_order_id for one in exits}) == tries
        assert exits[-1] is actor.last(SubmitOrder)
        assert exits[-1].position_intent == "sell_to_close"
        unknown(actor, exits[-1])
        meanwhile(actor, qty)
    assert actor.now - begun < 20 * SECOND
    assert actor.last(SubmitOrder).leg != "exit", "three closes that nobody knows of are enough"
    actor.refuse(actor.last(SubmitOrder), "stop price must be less than current price")
    meanwhile(actor, qty)
    assert len([one for one in actor.said(SubmitOrder) if one.leg == "exit"]) == 3
    actor.report(exits[-1], "filled", price="96")
    assert actor.fills() == (0 if symbol == "AAPL" else Decimal("0.0075"))


def test_coins_that_an_exit_of_unknown_outcome_holds_are_not_sold_a_second_time() -> None:
    actor, qty = dark_exit("BTC-USD")
    actor.refuse(actor.last(SubmitOrder), "stop price must be less than current price")
    actor.position(f"{qty}", 0)
    actor.pass_time(2)
    assert len([one for one in actor.said(SubmitOrder) if one.leg == "exit"]) == 1


def dark_exit(symbol: str) -> tuple[Actor, Decimal]:
    """A position whose close is of unknown outcome, at the moment when its stop is placed again."""
    actor = Actor(symbol)
    entry = actor.open()
    qty = Decimal(3) if symbol == "AAPL" else Decimal("2.9925")
    resting = actor.last(SubmitOrder)
    actor.approve("close_long")
    stopped(actor, entry) if resting is entry else actor.report(resting, "canceled")
    actor.position(f"{qty}")
    unknown(actor, actor.last(SubmitOrder))
    meanwhile(actor, qty)
    assert actor.last(SubmitOrder).leg in ("oco", "stop")
    return actor, qty


def meanwhile(actor: Actor, qty: Decimal) -> None:
    """Seconds in which the broker says what it holds."""
    for _ in range(60):
        if actor.state.read.asked is not None:
            actor.position(f"{qty}")
        actor.pass_time(0.1)


def test_a_stop_beside_an_exit_of_unknown_outcome_finds_it_where_it_holds_the_shares() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    stopped(actor, entry)
    actor.position(3)
    closing = actor.last(SubmitOrder)
    unknown(actor, closing)
    actor.pass_time(2.1)
    actor.position(3)
    stop = actor.last(SubmitOrder)
    assert stop.leg == "oco"
    actor.refuse(stop, "insufficient qty", status=403, code=40310000, related_order="b7")
    looked = [(one.client_order_id, one.order_id) for one in actor.said(LookupOrder)]
    assert looked[-1] == (closing.client_order_id, "b7")
    actor.report(closing, "filled", order_id="b7", price="101")
    assert actor.phase == "flat"
    assert actor.last(PositionClosed).reason == "signal"


def test_nothing_is_protected_that_an_exit_of_unknown_outcome_has_closed() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    stopped(actor, entry)
    actor.position(3)
    closing = actor.last(SubmitOrder)
    unknown(actor, closing)
    before = len(actor.said(ReadPosition))
    for _ in range(100):
        if actor.state.read.asked is not None:
            actor.position(0)
        actor.pass_time(0.1)
    assert actor.last(SubmitOrder) is closing
    assert len(actor.said(ReadPosition)) - before <= 4


# races


def test_both_legs_filled_is_told_and_taken_back() -> None:
    actor = Actor()
    entry = actor.open()
    actor.report(entry, "filled", legs=("filled", "filled"), leg_filled=(3, 3))
    assert "taken back" in actor.said(Alert)[-1].text
    assert actor.phase == "exiting"
    actor.position(-3)
    cover = actor.last(SubmitOrder)
    assert (cover.side, cover.qty, cover.position_intent) == ("buy", 3, "buy_to_close")
    assert not cover.increases
    actor.report(cover, "filled", price="101")
    assert actor.fills() == 0
    done = actor.last(PositionClosed)
    assert done.pnl == 3 * 105 + 3 * 97 - 3 * 100 - 3 * 101
    assert actor.phase == "flat"


def test_what_was_closed_too_much_is_told_as_held_the_other_way_round() -> None:
    actor = Actor()
    entry = actor.open()
    actor.report(entry, "filled", legs=("filled", "filled"), leg_filled=(3, 3))
    told = actor.last(Holding)
    assert (told.side, told.qty, told.stop, told.own) == ("sell", 3, None, True)


def test_an_exit_of_unknown_outcome_does_not_delay_what_takes_back() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    stopped(actor, entry)
    actor.position(3)
    lost = actor.last(SubmitOrder)
    unknown(actor, lost)
    actor.pass_time(4)
    actor.report(entry, "filled", legs=("filled", "filled"), leg_filled=(3, 3))
    actor.position(-3)
    cover = actor.last(SubmitOrder)
    assert (cover.leg, cover.side, cover.qty) == ("flat", "buy", 3)
    unknown(actor, cover)
    actor.pass_time(20)
    actor.position(-3)
    assert actor.last(SubmitOrder) is cover, "one of unknown outcome is not sent a second time"


def test_a_second_leg_that_fills_after_the_close_is_taken_back_as_well() -> None:
    actor = Actor()
    entry = actor.open()
    actor.report(entry, "filled", legs=("filled", "canceled"), leg_filled=(3, 0))
    assert actor.phase == "flat"
    actor.report(entry, "filled", legs=("filled", "filled"), leg_filled=(3, 3))
    actor.position(-3)
    cover = actor.last(SubmitOrder)
    assert (cover.side, cover.qty) == ("buy", 3)
    actor.report(cover, "filled", price="97")
    assert actor.fills() == 0
    assert actor.phase == "flat"
    assert [one.pnl for one in actor.said(PositionClosed)] == [15, 0]


def test_a_coin_sold_twice_is_told_and_bought_back_down_to_a_remainder() -> None:
    """Its stop fills although it was cancelled, and the close fills as well."""
    actor = Actor("BTC-USD")
    actor.open()
    stop = actor.last(SubmitOrder)
    actor.approve("close_long")
    actor.report(stop, "canceled")
    actor.position("2.9925")
    closing = actor.last(SubmitOrder)
    actor.report(stop, "canceled", filled="2.9925", price="96")
    actor.report(closing, "filled", price="96")
    assert "taken back" in actor.said(Alert)[-1].text
    actor.position("-2.9925")
    cover = actor.last(SubmitOrder)
    assert (cover.side, cover.qty, cover.time_in_force) == ("buy", Decimal("2.9925"), "ioc")
    actor.report(cover, "filled", price="3000")
    assert actor.phase == "exiting", "what the fee took is worth an order"
    actor.position("-0.00748125")
    rest = actor.last(SubmitOrder)
    assert rest is not cover
    actor.report(rest, "filled", price="3000")
    assert actor.phase == "flat"
    assert actor.holding().note == "dust -0.000018703"


def sold(actor: Actor, held: str, filled: str) -> None:
    """A signal closes a coin's position; so much of what is held is sold."""
    stop = actor.last(SubmitOrder)
    actor.approve("close_long")
    actor.report(stop, "canceled")
    actor.position(held)
    actor.report(actor.last(SubmitOrder), "canceled", filled=filled, price="101")


def test_a_coins_remainder_that_is_sold_with_the_next_exit_turns_nothing_round() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    sold(actor, "2.9925", "2.98")
    assert actor.holding().note == "dust 0.0125"
    actor.approve(signal="s2", cycle=2)
    actor.report(actor.last(SubmitOrder), "filled")
    actor.position("3.005")
    actor.report(actor.last(SubmitOrder), "working")
    sold(actor, "3.005", "3.005")
    assert actor.phase == "flat"
    assert not actor.said(Alert)
    assert actor.state.dust == 0


def test_nothing_is_taken_back_that_the_broker_does_not_hold() -> None:
    actor = Actor()
    entry = actor.open()
    actor.report(entry, "filled", legs=("filled", "filled"), leg_filled=(3, 3))
    actor.position(0)
    actor.pass_time(5)
    assert len(actor.said(SubmitOrder)) == 1
    assert "not held" in actor.last(Reconcile).reason


def test_a_cancel_that_nobody_confirms_freezes_the_symbol_and_no_second_order_is_sent() -> None:
    actor = Actor()
    entry = actor.open()
    actor.approve("close_long")
    actor.report(entry, "filled", legs=("pending_cancel", "pending_cancel"))
    actor.pass_time(29)
    assert actor.phase == "exiting"
    actor.pass_time(120)
    assert actor.phase == "frozen"
    assert len([one for one in actor.said(Alert) if "not confirmed" in one.text]) == 1
    actor.reconcile(3, [report(entry, "filled", legs=("pending_cancel", "pending_cancel"))])
    assert actor.phase == "frozen"
    assert len(actor.said(SubmitOrder)) == 1
    actor.approve(signal="s2")
    assert actor.last(EntrySettled).signal == "s2"
    stopped(actor, entry)
    actor.position(3)
    assert actor.last(SubmitOrder).leg == "exit"


def tombstoned(actor: Actor) -> SubmitOrder:
    """An entry proved absent."""
    actor.approve()
    entry = actor.last(SubmitOrder)
    unknown(actor, entry)
    for _ in range(4):
        absent = OrderAbsent(
            client_order_id=entry.client_order_id, symbol=actor.symbol, listed=True, because=()
        )
        actor.hear(absent)
        actor.pass_time(25)
    assert actor.phase == "flat"
    return entry


def test_a_tombstoned_order_that_appears_is_cancelled_and_told() -> None:
    actor = Actor()
    entry = tombstoned(actor)
    actor.report(entry, "working")
    assert actor.cancels()
    assert "appeared" in actor.said(Alert)[-1].text
    actor.report(entry, "canceled", legs=("canceled", "canceled"))
    actor.pass_time(10)
    assert actor.phase == "flat"


def test_the_fill_of_a_tombstoned_order_is_flattened() -> None:
    actor = Actor()
    entry = tombstoned(actor)
    actor.report(entry, "filled")
    assert actor.phase == "exiting"
    stopped(actor, entry)
    actor.position(3)
    closing = actor.last(SubmitOrder)
    assert (closing.leg, closing.side) == ("exit", "sell")
    actor.report(closing, "filled")
    assert actor.phase == "flat"


def test_an_order_that_bears_our_tag_and_is_unknown_freezes_loudly() -> None:
    actor = Actor()
    other = Actor()
    strange = other.enter(signal="another's")
    assert strange.client_order_id.startswith(f"argo-{TAG}-")
    actor.report(strange, "working")
    assert actor.phase == "frozen"
    assert actor.holding().stranger
    assert actor.said(Reconcile)
    for _ in range(5):
        actor.reconcile(0, [report(strange, "working")])
        actor.pass_time(30)
    assert len(actor.said(Alert)) == 1
    assert len(actor.said(Reconcile)) < 20
    actor.reconcile(0)
    assert actor.phase == "flat"
    assert not actor.holding().stranger


def test_a_second_protection_that_comes_to_light_is_cancelled() -> None:
    actor = Actor()
    entry = actor.enter()
    actor.report(entry, "canceled", filled=2, legs=("canceled", "canceled"))
    actor.position(2)
    first = actor.last(SubmitOrder)
    actor.refuse(first, "no")
    actor.pass_time(0.6)
    actor.position(2)
    second = actor.last(SubmitOrder)
    actor.report(second, "working")
    assert actor.phase == "protected"
    actor.report(first, "working", legs=("held", "held"))
    assert actor.cancels() == [actor.own("oco").part.order_id]


def by_hand(actor: Actor, **changes: Any) -> ForeignSeen:
    order = report(Actor().enter(signal="x"), "working", client_order_id="by hand", **changes)
    return ForeignSeen(symbol=actor.symbol, order=order)


def test_an_entry_approved_before_the_news_of_anothers_order_is_given_back() -> None:
    actor = Actor()
    actor.hear(by_hand(actor))
    actor.approve()
    assert not actor.said(SubmitOrder)
    assert actor.last(EntrySettled).outcome == "refused"
    actor.reconcile(0, read_at=actor.now - 1)
    actor.approve(signal="s2")
    assert not actor.said(SubmitOrder), "the truth was read before the order came"
    actor.reconcile(0, read_at=actor.now)
    actor.approve(signal="s3")
    assert actor.last(SubmitOrder).leg == "entry"


def test_an_entry_waits_for_the_truth_of_a_position_that_nobody_explains() -> None:
    actor = Actor()
    actor.hear(holds("AAPL", 5))
    actor.approve()
    assert not actor.said(SubmitOrder)
    assert actor.last(EntrySettled).note == "the broker holds 5"


def asked(actor: Actor, seconds: float) -> list[int]:
    """After how many seconds the truth was asked for, of the next so many."""
    begun = actor.now
    return [
        (actor.now - begun) // SECOND
        for _ in range(round(seconds))
        if any(isinstance(one, Reconcile) for one in actor.pass_time(1))
    ]


def test_a_difference_that_lasts_asks_for_the_truth_with_growing_patience() -> None:
    actor = Actor()
    actor.hear(holds("AAPL", 5))
    assert len(actor.said(Reconcile)) == 1
    assert asked(actor, 200) == [5, 15, 35, 75, 135, 195]
    actor.reconcile(5, read_at=actor.now + 1)
    actor.pass_time(150)
    actor.hear(holds("AAPL", 9))
    assert asked(actor, 20) == [5, 15], "another difference, later, is asked about at once"


def test_a_frozen_symbol_asks_for_the_truth_with_growing_patience() -> None:
    actor = Actor()
    actor.hear(crash())
    assert asked(actor, 170) == [15, 45, 105, 165]


def test_a_position_that_our_fills_do_not_explain_has_the_truth_read() -> None:
    actor = Actor()
    actor.open()
    assert not [one for one in actor.hear(holds("AAPL", 3)) if isinstance(one, Reconcile)]
    said = actor.hear(holds("AAPL", 0))
    assert [one.reason for one in said if isinstance(one, Reconcile)] == ["the broker holds 0"]
    assert len(actor.said(SubmitOrder)) == 1


# coins


def test_a_bid_below_the_stop_for_three_seconds_closes_at_market_without_another_quote() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    actor.quote(96.9)
    actor.pass_time(2.9)
    assert not actor.cancels()
    actor.pass_time(0.2)
    assert actor.cancels()
    stop = actor.said(SubmitOrder)[1]
    actor.report(stop, "canceled")
    actor.position("2.9925")
    closing = actor.last(SubmitOrder)
    assert (closing.type, closing.time_in_force, closing.leg) == ("market", "ioc", "exit")
    actor.report(closing, "filled", price="96")
    assert actor.last(PositionClosed).reason == "stop"


def test_a_bid_that_recovers_in_time_closes_nothing() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    actor.quote(96.9)
    actor.pass_time(2)
    actor.quote(97.1)
    actor.pass_time(10)
    assert not actor.cancels()


def test_a_bid_below_the_limit_of_the_stop_closes_at_once() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    actor.quote(96.02)
    assert actor.cancels()


def test_a_bid_of_an_earlier_position_closes_nothing() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    actor.quote(90)
    actor.report(actor.said(SubmitOrder)[1], "filled", price="96")
    assert actor.phase == "flat"
    actor.open(signal="s2", stop=Decimal(97), target=Decimal(105))
    assert actor.phase == "protected"
    actor.pass_time(30)
    assert actor.phase == "protected"


def test_one_bid_at_the_target_is_not_two() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    actor.quote(105)
    actor.pass_time(60)
    assert not actor.cancels()
    actor.quote(105.1)
    assert actor.cancels()


def swap(actor: Actor) -> SubmitOrder:
    """Stop cancelled, target sent."""
    actor.quote(105)
    actor.pass_time(1)
    actor.quote(105)
    stop = actor.last(SubmitOrder)
    assert stop.leg == "stop"
    actor.report(stop, "canceled")
    actor.position("2.9925")
    return actor.last(SubmitOrder)


def test_a_target_that_finds_no_buyer_lets_the_stop_rest_again_at_most_three_times() -> None:
    actor = Actor("BTC-USD")
    actor.open()
    for _ in range(3):
        target = swap(actor)
        assert (target.leg, target.type, target.time_in_force) == ("target", "limit", "ioc")
        assert target.limit_price == Decimal("104.89")
        actor.report(target, "canceled")
        actor.position("2.9925")
        actor.report(actor.last(SubmitOrder), "working")
        assert actor.phase == "protected"
    actor.quote(105)
    actor.pass_time(2)
    actor.quote(105)
    assert actor.last(SubmitOrder).leg == "stop"
    assert actor.phase == "protected"
    actor.pass_time(600)
    assert swap(actor).leg == "target"


@pytest.mark.parametrize(("state", "swaps"), [("halt", False), ("stop-entries", True)])
def test_a_halt_stops_target_swaps_and_stop_entries_does_not(state: Any, swaps: bool) -> None:
    actor = Actor("BTC-USD")
    actor.open()
    actor.hear(Operator(state=state, who="me", why="test"))
    actor.quote(105)
    actor.pass_time(1)
    actor.quote(105)
    assert bool(actor.cancels()) == swaps


def test_a_remainder_too_small_to_sell_is_dust_and_needs_no_stop() -> None:
    actor = Actor("BTC-USD")
    entry = actor.enter()
    actor.report(entry, "canceled", filled="0.05")
    assert actor.phase == "flat"
    assert actor.state.dust > 0
    actor.pass_time(30)
    assert len(actor.said(SubmitOrder)) == 1
    assert "dust" in actor.holding().note


def test_dust_is_sold_with_the_next_exit() -> None:
    actor = Actor("BTC-USD")
    entry = actor.enter()
    actor.report(entry, "canceled", filled="0.05")
    actor.enter(signal="s2")
    actor.report(actor.last(SubmitOrder), "filled")
    actor.position("3.0423")
    assert actor.last(SubmitOrder).qty == Decimal("3.0423")


# operators


def test_a_breach_flattens_in_prop_mode_and_calls_entries_back() -> None:
    breach = RiskLevel(level="BREACH", daily_loss_pct="5", drawdown_pct="2", note="daily")
    actor = Actor(**PROP)
    actor.enter(stop=Decimal("98.6"))
    actor.hear(breach)
    assert actor.cancels()
    standard = Actor()
    standard.open()
    standard.hear(breach)
    assert not standard.said(CancelOrder)


def test_an_entry_is_called_back_while_a_limit_seems_crossed_and_nothing_is_closed() -> None:
    seems = RiskLevel(level="CRITICAL", daily_loss_pct="5", drawdown_pct="2", suspected=True)
    actor = Actor(**PROP)
    actor.enter(stop=Decimal("98.6"))
    actor.hear(seems)
    assert actor.cancels()
    held = Actor(**PROP)
    held.open(stop=Decimal("98.6"))
    held.hear(seems)
    assert not held.said(CancelOrder)
    assert held.state.exit is None


def test_a_breach_ends_with_its_level_and_leaves_the_operators_word_in_force() -> None:
    actor = Actor(risk={"on_breach": "flatten"})
    actor.hear(Operator(state="halt", who="me", why="test"))
    for level, breached in (("BREACH", True), ("NORMAL", False), ("BREACH", True)):
        note = "daily" if level == "BREACH" else ""
        actor.hear(RiskLevel(level=level, daily_loss_pct="5", drawdown_pct="2", note=note))
        assert (actor.state.breached, actor.state.operator) == (breached, "halt")
    actor.hear(Operator(state="normal", who="me", why="test"))
    assert not actor.state.breached


def test_an_ordered_stop_calls_a_resting_limit_entry_back_and_waits_for_its_end() -> None:
    actor = Actor()
    entry = actor.enter(limit_price=Decimal("99.9"))
    assert not actor.state.unsettled
    actor.hear(Stopping(reason="SIGTERM"))
    assert actor.cancels() == [f"b-{entry.client_order_id}"]
    assert actor.state.unsettled
    actor.report(entry, "canceled", legs=("canceled", "canceled"))
    assert not actor.state.unsettled
    assert actor.last(EntrySettled).outcome == "canceled"


def test_a_market_entry_is_left_to_fill_at_a_stop_and_the_next_process_leaves_a_limit_alone() -> (
    None
):
    market, limit = Actor(), Actor()
    market.enter()
    market.hear(Stopping(reason="SIGTERM"))
    assert not market.cancels()
    limit.hear(Stopping(reason="SIGTERM"))
    limit.hear(Started(run=2, mode="paper"))
    limit.enter(limit_price=Decimal("99.9"))
    limit.pass_time(10)
    assert not limit.cancels()


def test_an_old_bid_closes_no_coin() -> None:
    for bid in (90.0, 110.0):
        actor = Actor("BTC-USD")
        actor.open()
        for age in (31, 31, 32):
            old = Quote(symbol="BTC-USD", bid=bid, ask=bid, at=actor.now, received_at=actor.now)
            actor.pass_time(age)
            actor.hear(QuoteSeen(quote=old))
            actor.pass_time(2)
        assert actor.phase == "protected"
        actor.quote(bid)
        actor.quote(bid, after=1)
        assert actor.phase == "exiting"


@pytest.mark.parametrize(
    "word",
    [
        RiskLevel(level="BREACH", daily_loss_pct="5", drawdown_pct="0", note="daily"),
        Operator(state="flatten", who="me", why="now"),
        Stopping(reason="SIGTERM"),
    ],
    ids=["breach", "flatten", "stop"],
)
def test_an_entry_that_nobody_has_answered_is_called_back_by_our_id_and_then_by_the_brokers(
    word: Any,
) -> None:
    actor = Actor()
    actor.approve(limit_price=Decimal("99.9"))
    entry = actor.last(SubmitOrder)
    actor.hear(word)
    (recall,) = actor.said(CancelOrder)
    assert (recall.client_order_id, recall.order_id) == (entry.client_order_id, "")
    actor.pass_time(5)
    assert len(actor.said(CancelOrder)) == 1
    other = actor.copy()
    actor.report(entry, "working")
    assert actor.cancels() == ["", f"b-{entry.client_order_id}"], "it had left: no wait between"
    other.refuse(entry, "not sent: called back before its turn", status=0)
    assert other.phase == "flat"
    assert other.last(EntrySettled).outcome == "refused"
