"""What risk says: the action table, one cycle's order, reservations, requests (decisions §3, §4)."""

import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from argo_actors.messages.market import Quotes, QuotesWanted
from argo_actors.messages.order import EntrySettled
from argo_actors.messages.signal import Advice, Approval, Denial
from argo_actors.units import DAY, SECOND, ZERO, Decimal
from tests.risk.worlds import DAY as LOSS_DAY
from tests.risk.worlds import (
    NOW,
    Book,
    asset,
    config_of,
    execute,
    figures,
    flat,
    held,
    hours,
    quiet_cycle,
    quote,
    signal,
    told,
    usual,
    world,
)

LONG, SHORT = held("AAPL"), held("AAPL", side="sell")
ENTERING: dict[str, Any] = {
    "phase": "entering",
    "pending_qty": Decimal(1),
    "pending_price": Decimal(100),
}
SYMBOLS = ("AAPL", "MSFT", "SPY", "XOM")


@pytest.mark.parametrize(
    ("action", "holding", "meant", "denied"),
    [
        ("BUY", None, "open_long", None),
        ("BUY", flat("AAPL"), "open_long", None),
        ("BUY", LONG, "open_long", "DUPLICATE"),
        ("BUY", SHORT, "close_short", None),
        ("SELL", None, "open_short", None),
        ("SELL", LONG, "close_long", None),
        ("SELL", SHORT, "open_short", "DUPLICATE"),
        ("BUY", flat("AAPL", side="buy", **ENTERING), "open_long", "DUPLICATE"),
        ("SELL", flat("AAPL", side="buy", **ENTERING), "cancel_entry", None),
        ("BUY", flat("AAPL", side="sell", **ENTERING), "cancel_entry", None),
        ("BUY", held("AAPL", own=False), "open_long", "FOREIGN"),
        ("SELL", held("AAPL", own=False), "open_short", "FOREIGN"),
    ],
)
def test_the_action_table(action: str, holding: Any, meant: str, denied: str | None) -> None:
    words = [] if holding is None else [holding]
    answer = world(*words, action=action).answer()
    assert answer is not None
    assert answer.intent == meant
    assert (answer.code if isinstance(answer, Denial) else None) == denied


@pytest.mark.parametrize("symbol", ["BTC-USD", "AAPL"])
def test_what_cannot_be_sold_short_is_a_denied_short(symbol: str) -> None:
    answer = world(symbol=symbol, action="SELL", config={"allow_shorts": symbol != "AAPL"}).answer()
    assert isinstance(answer, Denial)
    assert (answer.intent, answer.code) == ("open_short", "NOT_SHORTABLE")


@pytest.mark.parametrize(("raw", "closes"), [(74.999999, False), (75.0, True)])
def test_a_position_is_closed_on_raw_confidence(raw: float, closes: bool) -> None:
    """In prop mode too, where entries need 82."""
    weak = {"raw_confidence": raw, "confidence": 60.0, "entry": False}
    for config in ({}, {"prop_firm": {"enabled": True}}):
        answer = world(SHORT, config=config, signal=weak).answer()
        assert isinstance(answer, Approval) is closes
        if isinstance(answer, Approval):
            assert (answer.intent, answer.qty, answer.reserved) == ("close_short", 1, ZERO)
            assert answer.sizing is None


def test_a_close_only_signal_opens_nothing() -> None:
    assert world(signal={"entry": False}).answer() is None


def test_a_position_on_its_way_out_is_not_closed_again() -> None:
    assert world(held("AAPL", phase="exiting", side="sell")).answer() is None


def several(config: dict[str, Any] | None = None) -> Book:
    settings = config_of(symbols=list(SYMBOLS), **(config or {}))
    words: list[Any] = [asset(symbol) for symbol in SYMBOLS]
    return told(settings, *usual(), *words, *[figures(symbol) for symbol in SYMBOLS])


def judge_all(book: Book, confidences: dict[str, float]) -> list[Approval | Denial]:
    for symbol, confidence in confidences.items():
        book.hear(signal(symbol, confidence=confidence))
    (wanted,) = [one for one in book.hear(quiet_cycle(1)) if isinstance(one, QuotesWanted)]
    assert wanted.symbols == tuple(sorted(confidences))
    quotes = tuple(quote(symbol) for symbol in wanted.symbols)
    said = book.hear(Quotes(request=wanted.request, quotes=quotes))
    return [one for one in said if isinstance(one, Approval | Denial)]


def test_a_cycles_signals_are_taken_by_confidence_then_symbol() -> None:
    found = judge_all(several(), {"AAPL": 76.0, "MSFT": 90.0, "SPY": 76.0, "XOM": 80.0})
    assert [one.symbol for one in found] == ["MSFT", "XOM", "AAPL", "SPY"]


def test_an_approval_holds_its_slot_for_the_next_of_the_same_cycle() -> None:
    found = judge_all(several({"risk": {"max_positions": 1}}), {"AAPL": 76.0, "SPY": 90.0})
    assert [(one.symbol, getattr(one, "code", "")) for one in found] == [
        ("SPY", ""),
        ("AAPL", "MAX_POSITIONS"),
    ]
    grouped = several({"risk": {"max_per_group": 1}})
    found = judge_all(grouped, {"AAPL": 90.0, "MSFT": 80.0, "SPY": 76.0})
    assert [getattr(one, "code", "") for one in found] == ["", "CORRELATION", ""]
    quick = several({"risk": {"orders_per_second": 1}})
    found = judge_all(quick, {"AAPL": 90.0, "SPY": 80.0})
    assert [getattr(one, "code", "") for one in found] == ["", "ORDER_RATE"]


def test_a_reservation_ends_when_its_order_settles() -> None:
    book = several()
    judge_all(book, {"AAPL": 80.0})
    assert [(symbol, one.notional) for symbol, one in book.state.reserved] == [("AAPL", 11_000)]
    book.hear(held("AAPL", 50, 100))
    assert book.state.reserved
    book.hear(EntrySettled(symbol="AAPL", signal="AAPL BUY", outcome="filled"))
    assert book.state.reserved == ()


@given(
    st.dictionaries(
        st.sampled_from(SYMBOLS), st.floats(75, 100).map(lambda one: round(one, 6)), min_size=1
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_signals_does_not_matter_and_the_sum_keeps_its_limits(
    confidences: dict[str, float], order: random.Random
) -> None:
    shuffled = list(confidences.items())
    order.shuffle(shuffled)
    narrow = {"risk": {"max_gross_exposure_pct": 30, "orders_per_second": 10}}
    one = judge_all(several(narrow), confidences)
    other = judge_all(several(narrow), dict(shuffled))
    assert [(a.symbol, type(a)) for a in one] == [(b.symbol, type(b)) for b in other]
    spent = sum((a.reserved for a in one if isinstance(a, Approval)), ZERO)
    assert spent <= 30_000


def test_the_same_denial_is_said_once_until_something_changes() -> None:
    book = several({"risk": {"max_positions": 1}})
    book.hear(held("XOM"))

    def codes(n: int, **changes: Any) -> list[str]:
        said = book.hear(signal("AAPL", cycle=n, **changes), quiet_cycle(n))
        return [one.code for one in said if isinstance(one, Denial)]

    assert codes(1) == ["MAX_POSITIONS"]
    assert codes(2) == []
    assert codes(3, regime="CRISIS", price_conflict=True) == ["PRICE_DISAGREEMENT"]
    assert codes(4) == ["MAX_POSITIONS"]
    book.hear(quiet_cycle(5))
    assert codes(6) == ["MAX_POSITIONS"]


def test_without_auto_execute_entries_are_advice_and_exits_still_run() -> None:
    config = {"trading": {"auto_execute": False}}
    book = several(config)
    book.hear(signal(), quiet_cycle(1))
    said = book.hear(Quotes(request=1, quotes=(quote(),)))
    (advice,) = said
    assert isinstance(advice, Advice)
    assert (advice.intent, advice.qty, advice.price) == ("open_long", 100, 100)
    assert book.state.reserved == ()
    assert isinstance(world(SHORT, config=config).answer(), Approval)
    asked = several(config)
    asked.hear(execute())
    (approval,) = asked.hear(Quotes(request=1, quotes=(quote(),)))
    assert isinstance(approval, Approval)


def test_a_late_answer_to_an_old_question_is_not_used() -> None:
    book = several()
    book.hear(signal(), quiet_cycle(1))
    book.hear(signal(cycle=2), quiet_cycle(2))
    assert book.hear(Quotes(request=1, quotes=(quote(),))) == []
    assert isinstance(book.hear(Quotes(request=2, quotes=(quote(),)))[0], Approval)


def requested(book: Book, *quotes: Any, request: Any = None, **changes: Any) -> Any:
    book.hear(request or execute(**changes))
    (answer,) = book.hear(Quotes(request=book.state.request, quotes=quotes or (quote(),)))
    return answer


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"confidence": 74.9}, "CONFIDENCE"),
        ({"confidence": 75.0}, None),
        ({"entry_price": Decimal("101.01")}, "PRICE_COLLAR"),
        ({"entry_price": Decimal(101)}, None),
        ({"confidence": 0.00012345678901234567}, "CONFIDENCE"),
        ({"entry_price": Decimal("0.00012345678901234567")}, "PRICE_COLLAR"),
        ({"entry_price": ZERO}, "PRICE_COLLAR"),
        ({"entry_price": Decimal(-100)}, "PRICE_COLLAR"),
    ],
)
def test_a_request_passes_the_same_checks(changes: dict[str, Any], code: str | None) -> None:
    answer = requested(several(), **changes)
    assert (answer.code if isinstance(answer, Denial) else None) == code


def test_a_request_is_judged_in_the_symbols_regime() -> None:
    book = several({"prop_firm": {"enabled": True}})
    book.hear(figures("AAPL", 2.0, "CRISIS"))
    assert requested(book, confidence=99.0).code == "REGIME"


def test_a_requests_own_legs_stand_on_the_tick_and_within_the_prop_limit() -> None:
    legs = {"stop_price": Decimal("95.001"), "target_price": Decimal("107.009")}
    answer = requested(several(), **legs)
    assert (answer.stop, answer.target) == (Decimal("95.01"), Decimal(107))
    prop = several({"prop_firm": {"enabled": True}})
    assert requested(prop, confidence=90.0, **legs).stop == Decimal("98.6")


def test_a_request_against_a_position_closes_it() -> None:
    book = several()
    book.hear(SHORT)
    (answer,) = book.hear(execute())
    assert isinstance(answer, Approval)
    assert answer.intent == "close_short"
    book.hear(LONG)
    (answer,) = book.hear(execute())
    assert isinstance(answer, Denial)
    assert (answer.code, answer.intent) == ("DUPLICATE", "open_long")


def test_a_denied_request_does_not_stand_before_later_signals() -> None:
    book = several()
    assert requested(book, confidence=60.0).code == "CONFIDENCE"
    (answer,) = judge_all(book, {"AAPL": 80.0})
    assert isinstance(answer, Approval)
    assert answer.cycle == 1


def test_an_open_request_is_asked_again_with_the_cycles_question() -> None:
    """Its own answer comes too late: another question has been asked since."""
    book = several()
    book.hear(execute("AAPL"), signal("SPY"))
    (wanted,) = book.hear(quiet_cycle(1))
    assert isinstance(wanted, QuotesWanted)
    assert wanted.symbols == ("AAPL", "SPY")
    quotes = (quote("AAPL"), quote("SPY"))
    said = book.hear(Quotes(request=wanted.request, quotes=quotes))
    assert sorted(one.symbol for one in said if isinstance(one, Approval)) == ["AAPL", "SPY"]


def test_two_requests_at_once_both_have_their_answer() -> None:
    book = several()
    book.hear(execute("AAPL"), execute("SPY"))
    quotes = (quote("AAPL"), quote("SPY"))
    said = book.hear(Quotes(request=book.state.request, quotes=quotes))
    assert sorted(one.symbol for one in said if isinstance(one, Approval)) == ["AAPL", "SPY"]


def test_an_approval_names_what_it_rests_on() -> None:
    answer = world().answer()
    assert isinstance(answer, Approval)
    assert len(answer.because) == len(set(answer.because)) == 4  # signal, quote, account, figures
    assert answer.expires_at == NOW + 30 * SECOND


@given(
    st.floats(1e-12, 1e9), st.sampled_from(["AAPL", "BTC-USD"]), st.sampled_from(["BUY", "SELL"])
)
@example(0.00030050000000000004, "BTC-USD", "BUY")  # more places than a price has
@example(0.00004, "AAPL", "SELL")  # less than a tick
def test_a_quote_of_any_size_is_judged(mid: float, symbol: str, action: str) -> None:
    quotes = {"bid": mid, "ask": mid}
    answer = world(symbol=symbol, action=action, quote=quotes).answer()
    assert isinstance(answer, Approval | Denial)
    request = execute(symbol, action=action, entry_price=Decimal(1))
    book = told(config_of(), *usual(symbol))
    assert requested(book, quote(symbol, **quotes), request=request)


def test_approved_entries_are_counted_by_second_minute_and_loss_day() -> None:
    book = several()
    (approval,) = judge_all(book, {"AAPL": 80.0})
    assert (book.state.rate.recent, book.state.rate.today) == ((NOW,), 1)
    later = NOW + 59 * SECOND
    book.hear(approval, at=later)
    assert (book.state.rate.recent, book.state.rate.today) == ((NOW, later), 2)
    book.hear(approval, at=NOW + 60 * SECOND)
    assert (book.state.rate.recent, book.state.rate.today) == ((later, NOW + 60 * SECOND), 3)
    book.hear(hours(loss_day=LOSS_DAY + DAY), approval, at=NOW + 300 * SECOND)
    assert (book.state.rate.recent, book.state.rate.today) == ((NOW + 300 * SECOND,), 1)


def test_exits_do_not_count_as_orders_and_reserve_nothing() -> None:
    book = several()
    book.hear(SHORT, signal(), quiet_cycle(1))
    assert book.state.rate.recent == ()
    assert book.state.reserved == ()
