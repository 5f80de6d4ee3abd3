"""Entries that a person asks for, advice that a person takes, and the first live entries (decisions §6)."""

from typing import Any

import pytest

from argo_actors.messages.market import Quotes, QuotesWanted
from argo_actors.messages.signal import Advice, Approval, Denial, ExecuteSignal
from argo_actors.risk.case import ramp_cap
from argo_actors.units import SECOND, Decimal
from tests.risk.worlds import (
    NOW,
    Book,
    asset,
    config_of,
    execute,
    figures,
    flat,
    held,
    opened,
    quiet_cycle,
    quote,
    signal,
    told,
    usual,
)

ADVISING = {"trading": {"auto_execute": False}}


def cycle(book: Book, n: int = 1, at: int = NOW, **changes: Any) -> list[Any]:
    """A signal's cycle, with its quote."""
    changes = {"expires_at": at + 30 * SECOND, "content": f"signal {n}", **changes}
    said = book.hear(signal(cycle=n, **changes), quiet_cycle(n), at=at)
    return answered(book, said, at)


def answered(book: Book, said: list[Any], at: int = NOW, symbol: str = "AAPL") -> list[Any]:
    if any(isinstance(one, QuotesWanted) for one in said):
        offer = quote(symbol, at=at - SECOND, received_at=at)
        said = [*said, *book.hear(Quotes(request=book.state.request, quotes=(offer,)), at=at)]
    return [one for one in said if isinstance(one, Approval | Denial | Advice)]


def test_without_auto_execute_a_decision_is_advice_and_reserves_nothing() -> None:
    book = told(config_of(**ADVISING), *usual())
    (advice,) = cycle(book)
    assert isinstance(advice, Advice)
    assert (advice.intent, advice.qty, advice.price) == ("open_long", 100, 100)
    assert book.state.reserved == book.state.awaiting == ()


def test_positions_are_still_closed_by_signals() -> None:
    book = told(config_of(**ADVISING), *usual(), held("AAPL", side="sell"))
    (answer,) = cycle(book)
    assert isinstance(answer, Approval)
    assert answer.intent == "close_short"


def test_an_advice_is_taken_while_its_signal_lives_and_named_in_because() -> None:
    book = told(config_of(**ADVISING), *usual())
    cycle(book)
    command = ExecuteSignal(signal="signal 1", symbol="AAPL", who="me")
    (answer,) = answered(book, book.hear(command, at=NOW + SECOND), NOW + SECOND)
    assert isinstance(answer, Approval)
    assert answer.signal == "signal 1"
    assert len(answer.because) >= 4
    assert book.state.advised == ()
    assert book.hear(command, at=NOW + 2 * SECOND) == [], "it is taken once"


def test_an_older_name_takes_the_newest_advice_of_its_direction() -> None:
    book = told(config_of(**ADVISING), *usual())
    cycle(book)
    cycle(book, 2, NOW + 5 * SECOND)
    command = ExecuteSignal(signal="signal 1", symbol="AAPL", who="me")
    at = NOW + 6 * SECOND
    (answer,) = answered(book, book.hear(command, at=at), at)
    assert answer.signal == "signal 2"


@pytest.mark.parametrize(("after", "name"), [(31, "signal 1"), (1, "signal 9")])
def test_a_dead_or_unknown_signal_does_nothing(after: int, name: str) -> None:
    book = told(config_of(**ADVISING), *usual())
    cycle(book)
    command = ExecuteSignal(signal=name, symbol="AAPL", who="me")
    assert book.hear(command, at=NOW + after * SECOND) == []


def test_a_taken_advice_passes_every_check_again() -> None:
    book = told(config_of(**ADVISING), *usual())
    cycle(book)
    book.hear(held("AAPL"))
    command = ExecuteSignal(signal="signal 1", symbol="AAPL", who="me")
    (answer,) = answered(book, book.hear(command))
    assert isinstance(answer, Denial)
    assert answer.code == "DUPLICATE"


@pytest.mark.parametrize(
    ("standing", "request_", "code"),
    [
        (held("AAPL"), {}, "DUPLICATE"),
        (held("AAPL", own=False), {}, "FOREIGN"),
        (held("AAPL", side="sell"), {"confidence": 60.0}, "CONFIDENCE"),
        (held("AAPL", side="sell", phase="exiting"), {}, "DUPLICATE"),
        (flat("AAPL"), {"confidence": 60.0}, "CONFIDENCE"),
        (flat("AAPL"), {"entry_price": Decimal(103)}, "PRICE_COLLAR"),
    ],
)
def test_every_request_has_an_answer(standing: Any, request_: dict[str, Any], code: str) -> None:
    book = told(config_of(), *usual(), standing)
    (answer,) = answered(book, book.hear(execute(**request_)))
    assert isinstance(answer, Denial)
    assert answer.code == code
    assert book.state.awaiting == ()


def test_a_request_against_a_position_closes_it() -> None:
    book = told(config_of(), *usual(), held("AAPL", side="sell"))
    (answer,) = answered(book, book.hear(execute()))
    assert (answer.intent, book.state.awaiting) == ("close_short", ())


# the first entries with real money


def live(**settings: Any) -> Any:
    return config_of(
        environment="live",
        broker={"base_url": "https://api.alpaca.markets"},
        symbols=["AAPL", "BTC-USD"],
        **settings,
    )


@pytest.mark.parametrize(
    ("symbol", "price", "qty"),
    [("AAPL", 100.0, 1), ("AAPL", 30.0, 3), ("AAPL", 450.0, 1), ("BTC-USD", 50_000.0, "0.002")],
)
def test_a_first_live_entry_is_small_or_the_smallest_there_is(
    symbol: str, price: float, qty: object
) -> None:
    book = told(live(), *usual(symbol), asset(symbol), figures(symbol))
    said = book.hear(signal(symbol), quiet_cycle(1))
    assert any(isinstance(one, QuotesWanted) for one in said)
    offer = quote(symbol, price, price)
    said = book.hear(Quotes(request=book.state.request, quotes=(offer,)))
    (answer,) = [one for one in said if isinstance(one, Approval | Denial)]
    assert isinstance(answer, Approval)
    assert answer.qty == Decimal(str(qty))


def test_after_five_filled_entries_a_live_account_trades_in_full() -> None:
    book = told(live(), *usual())
    for n in range(5):
        assert ramp_cap(live(), book.state) == 100, n
        book.hear(opened("AAPL"))
    assert ramp_cap(live(), book.state) is None
    assert ramp_cap(config_of(), told(config_of(), *usual()).state) is None, "paper has no ramp"
    assert ramp_cap(live(live={"ramp": 0}), told(live(), *usual()).state) is None


def test_only_a_filled_entry_counts() -> None:
    """Five approvals of one cycle are small, however many of them fill."""
    config = live(live={"ramp": 1})
    book = told(config, *usual())
    cycle(book)
    assert ramp_cap(config, book.state) == 100
