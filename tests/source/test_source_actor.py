"""A source's edge: when it asks, what it says, and how it fails without anybody noticing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from argo_actors.errors import (
    PermanentProviderError,
    SoftProviderError,
    TransientProviderError,
)
from argo_actors.messages.opinion import (
    NoOpinion,
    Opinion,
    SourceCall,
    SourceStatus,
    VendorPrice,
)
from argo_actors.source.actor import SourceEdge
from argo_actors.source.backoff import BREAKER_FAILURES
from argo_actors.source.provider import Provider, Reading
from argo_actors.units import DAY, MINUTE, SECOND, Symbol, UtcNanos
from tests.source.provider_stub import Reply, providing
from tests.source.source_bench import NOW, Bench, config, edge, hours, rising, until
from tests.source.vendors import VENDORS, alpaca_good

COIN = ["BTC-USD"]


class Scripted(Provider):
    """A provider whose every answer a test decides."""

    spacing_seconds = 0.0

    def __init__(self, *, live: bool = False, batch: int = 100, timeframe: str = "1Min") -> None:
        self.live = live
        self.batch = batch
        self.timeframe = timeframe
        self.questions: list[tuple[Symbol, ...]] = []
        self.priced: list[tuple[Symbol, ...]] = []
        self.closed = 0
        self.calls = 0
        self.answer: Callable[[Sequence[Symbol], UtcNanos], list[Reading]] = self.good
        self.price: float = 125.0

    @property
    def sent(self) -> int:
        return self.calls

    def good(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        return [Reading(one, bars=rising(now, self.timeframe)) for one in symbols]

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        self.questions.append(tuple(symbols))
        return self.answer(symbols, now)

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        self.priced.append(tuple(symbols))
        return [Reading(one, price=self.price, price_at=now - SECOND) for one in symbols]

    def close(self) -> None:
        self.closed += 1

    def fail(self, error: Exception) -> None:
        def answer(symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
            raise error

        self.answer = answer


@contextmanager
def source(
    provider: Any,
    name: str = "alpaca",
    *,
    missing: str = "",
    symbols: Any = None,
    **settings: Any,
) -> Iterator[Bench]:
    """An edge around a provider."""
    made = config(
        symbols=symbols or ["AAPL", "BTC-USD"],
        sources={name: {"timeout_seconds": 5} | settings},
    )

    def make(port: Any, bench: Bench) -> SourceEdge:
        return SourceEdge(
            port,
            name=name,
            config=made,
            make=lambda: provider,
            park=bench.park,
            missing=lambda: missing,
        )

    with edge(f"source/{name}", make) as bench:
        yield bench


def states(bench: Bench) -> list[tuple[str, bool]]:
    return [(one.state, one.answered) for one in bench.said(SourceStatus)]


def test_it_says_at_its_start_that_it_runs_and_has_not_answered() -> None:
    with source(Scripted()) as bench:
        assert states(bench) == [("running", False)]


def test_a_cycle_waits_no_more_for_a_source_that_failed_or_came_too_late() -> None:
    provider = Scripted()
    with source(provider, refresh_seconds=1) as bench:
        behaviour: Any = bench.cell.behaviour
        bench.tick()
        assert behaviour._kept.prompt
        provider.fail(TransientProviderError("503"))
        bench.tick(60)
        assert not behaviour._kept.prompt
        provider.answer = provider.good
        bench.tick(60)
        assert behaviour._kept.prompt
        behaviour._decide_seconds = 0.0
        bench.tick(60)
        assert not behaviour._kept.prompt


def test_a_missing_key_takes_it_out_of_the_families_and_names_the_key() -> None:
    provider = Scripted()
    with source(provider, "massive", missing="MASSIVE_API_KEY") as bench:
        bench.tick()
        (status,) = bench.said(SourceStatus)
        assert (status.state, status.configured, status.answered) == ("disabled", False, False)
        assert status.remedy == "set MASSIVE_API_KEY"
        assert [one.state for one in bench.parked] == ["disabled"]
        assert provider.questions == []


def test_all_opinions_of_one_answer_are_one_record() -> None:
    with source(Scripted()) as bench:
        bench.tick()
        (record,) = [one for one in bench.log.records if any(type(w) is Opinion for w in one)]
        assert [word.symbol for word in record if isinstance(word, Opinion)] == ["AAPL", "BTC-USD"]
        assert states(bench)[-1] == ("running", True)


def test_an_opinion_carries_its_bars_time_its_life_and_its_evidence() -> None:
    with source(Scripted()) as bench:
        bench.tick()
        one = bench.said(Opinion)[0]
        assert (one.direction, one.source) == ("LONG", "alpaca")
        assert one.as_of == NOW // MINUTE * MINUTE
        assert one.valid_until == one.as_of + 90 * SECOND
        assert [part.name for part in one.evidence] == ["trend", "rsi", "macd", "stretch"]


def test_a_bar_is_asked_for_once_three_seconds_after_its_end() -> None:
    provider = Scripted()
    with source(provider, symbols=COIN) as bench:
        bench.tick()
        bench.tick(5)
        bench.tick(5)
        assert len(provider.questions) == 1
        bench.tick(47)
        assert len(provider.questions) == 1
        bench.tick(2)
        assert len(provider.questions) == 2


def test_the_same_opinion_on_the_same_bar_is_not_said_again() -> None:
    provider = Scripted()
    same = rising(NOW)
    provider.answer = lambda symbols, now: [Reading(one, bars=same) for one in symbols]
    with source(provider, symbols=COIN, valid_seconds=1000) as bench:
        for _ in range(3):
            bench.tick(60)
        assert len(provider.questions) >= 3
        assert len(bench.said(Opinion)) == 1


def test_a_bar_that_is_late_is_asked_for_again_and_only_twice() -> None:
    provider = Scripted()
    stale = rising(NOW - MINUTE)
    provider.answer = lambda symbols, now: [Reading(one, bars=stale) for one in symbols]
    with source(provider, symbols=COIN) as bench:
        for _ in range(10):
            bench.tick(5)
        assert len(provider.questions) == 3


def test_why_there_is_no_opinion_is_said_once_and_counted() -> None:
    provider = Scripted()
    provider.answer = lambda symbols, now: [Reading(one, bars=rising(now)[:30]) for one in symbols]
    with source(provider, symbols=COIN, valid_seconds=1000) as bench:
        bench.tick()
        bench.tick(60)
        assert [one.reason for one in bench.said(NoOpinion)] == ["30 bars of 60"]
        behaviour: Any = bench.cell.behaviour
        assert behaviour._judge.refused["30 bars of 60"] >= 2


def test_old_bars_are_stale_and_no_opinion() -> None:
    provider = Scripted()
    provider.answer = lambda symbols, now: [Reading(one, bars=rising(now - DAY)) for one in symbols]
    with source(provider, symbols=COIN) as bench:
        bench.tick()
        assert [one.reason for one in bench.said(NoOpinion)] == ["the newest bar is stale"]
        assert bench.said(Opinion) == []


def test_an_unfinished_bar_does_not_vote() -> None:
    provider = Scripted()
    with source(provider, symbols=COIN) as bench:
        ahead = rising(NOW + MINUTE)
        provider.answer = lambda symbols, now: [Reading(one, bars=ahead) for one in symbols]
        bench.tick()
        assert bench.said(Opinion)[0].as_of <= NOW


def test_stocks_are_left_alone_when_their_market_is_closed() -> None:
    provider = Scripted(live=True)
    with source(provider) as bench:
        bench.hear(hours(NOW, is_open=False))
        for _ in range(4):
            bench.tick(60)
        assert provider.questions[0] == ("AAPL", "BTC-USD")
        assert set(provider.questions[1:]) == {("BTC-USD",)}
        assert set(provider.priced) == {("BTC-USD",)}


def test_a_daily_source_asks_once_per_completed_day() -> None:
    provider = Scripted(timeframe="1Day")
    with source(provider, "alpha_vantage", symbols=COIN, timeframe="1Day") as bench:
        for _ in range(20):
            bench.tick(600)
        assert len(provider.questions) == 1
        one = bench.said(Opinion)[0]
        assert one.valid_until == one.as_of + DAY + 2 * 60 * MINUTE
        bench.tick(DAY // SECOND)
        assert len(provider.questions) == 2


def test_live_prices_are_said_every_tick_and_not_for_longer_than_they_are_true() -> None:
    with source(Scripted(live=True), symbols=COIN) as bench:
        bench.tick()
        bench.tick(5)
        prices = bench.said(VendorPrice)
        assert len(prices) == 2
        assert prices[0].valid_until == prices[0].as_of + 15 * SECOND


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_cannot_be_true_is_not_said(price: float) -> None:
    provider = Scripted(live=True)
    provider.price = price
    with source(provider, symbols=COIN) as bench:
        bench.tick()
        assert len(provider.priced) == 1
        assert bench.said(VendorPrice) == []


def test_a_fresh_price_is_the_opinions_price_else_the_bars_close_is_the_live_one() -> None:
    with source(Scripted(live=True), symbols=COIN) as bench:
        bench.tick()
        bench.tick(50)
        bench.tick(8)
        first, second = bench.said(Opinion)
        assert (first.price, first.live) == (rising(NOW)[-1].c, True)
        assert (second.price, second.live) == (125.0, False)


def test_a_vendor_of_single_symbols_is_asked_for_all_of_them_in_one_cycle() -> None:
    provider = Scripted(batch=1)
    names = ["AAPL", "BTC-USD", "MSFT", "SPY"]
    with source(provider, symbols=names) as bench:
        bench.tick()
        assert provider.questions == [("AAPL",), ("BTC-USD",), ("MSFT",), ("SPY",)]


def test_the_plans_calls_go_to_those_who_waited_longest() -> None:
    provider = Scripted(batch=1)
    names = ["AAPL", "BTC-USD", "MSFT", "SPY"]
    with source(provider, symbols=names, calls_per_minute=2, refresh_seconds=60) as bench:
        bench.tick()
        assert provider.questions == [("AAPL",), ("BTC-USD",)]
        bench.tick(60)
        assert provider.questions[2:] == [("MSFT",), ("SPY",)]


def test_a_bad_key_disables_with_its_remedy_and_stays_configured() -> None:
    provider = Scripted()
    provider.fail(PermanentProviderError("no such key", fix="set a valid KEY"))
    with source(provider) as bench:
        bench.tick()
        bench.tick(600)
        status = bench.said(SourceStatus)[-1]
        assert (status.state, status.configured, status.answered) == ("disabled", True, True)
        assert (status.reason, status.remedy) == ("no such key", "set a valid KEY")
        (parked,) = bench.parked
        assert parked == ("source/alpaca", "disabled", "no such key", "set a valid KEY")
        assert len(provider.questions) == 1
        assert bench.crashed == []


def test_a_disabled_source_works_again_when_it_is_revived_and_the_key_is_good() -> None:
    provider = Scripted()
    provider.fail(PermanentProviderError("no such key", fix="set a valid KEY"))
    with source(provider, symbols=COIN) as bench:
        bench.tick()
        provider.answer = provider.good
        bench.begin()
        bench.tick()
        assert states(bench)[-1] == ("running", True)
        assert len(bench.said(Opinion)) == 1
        assert provider.closed == 1


def test_a_transient_failure_waits_longer_and_longer_and_recovers() -> None:
    provider = Scripted()
    provider.fail(TransientProviderError("HTTP 503"))
    with source(provider, symbols=COIN) as bench:
        bench.tick()
        assert states(bench)[-1] == ("backoff", True)
        assert len(provider.questions) == 1
        for _ in range(60):
            bench.tick(5)
        assert 2 <= len(provider.questions) <= 8
        provider.answer = provider.good
        bench.tick(300)
        assert states(bench)[-1] == ("running", True)
        assert len(bench.said(Opinion)) == 1
        assert bench.parked == []


def test_a_daily_question_that_failed_is_asked_again_after_the_wait_and_not_the_next_day() -> None:
    provider = Scripted(timeframe="1Day")
    provider.fail(TransientProviderError("HTTP 503"))
    with source(provider, "alpha_vantage", symbols=COIN, timeframe="1Day") as bench:
        bench.tick()
        provider.answer = provider.good
        bench.tick(60)
        assert len(bench.said(Opinion)) == 1


def test_the_vendors_own_wait_is_kept_in_market_time() -> None:
    provider = Scripted()
    provider.fail(TransientProviderError("slow down", retry_after=60))
    with source(provider, symbols=COIN) as bench:
        bench.tick()
        for _ in range(11):
            bench.tick(5)
        assert len(provider.questions) == 1
        bench.tick(11)
        assert len(provider.questions) == 2


def test_an_open_breaker_asks_one_small_question() -> None:
    provider = Scripted(live=True)
    provider.fail(TransientProviderError("HTTP 503"))
    with source(provider) as bench:
        for _ in range(BREAKER_FAILURES):
            bench.tick(400)
        assert set(provider.questions) == {("AAPL", "BTC-USD")}
        bench.tick(400)
        assert provider.questions[-1] == ("AAPL",)
        assert provider.priced == []


def test_an_answer_without_use_is_no_opinion_and_no_failure() -> None:
    provider = Scripted()
    provider.fail(SoftProviderError("the plan is free", fix="pay"))
    with source(provider) as bench:
        bench.tick()
        assert [one.reason for one in bench.said(NoOpinion)] == ["the plan is free (pay)"] * 2
        assert states(bench)[-1] == ("running", True)
        assert bench.parked == []


def test_a_failed_symbol_does_not_take_back_what_others_said() -> None:
    provider = Scripted(batch=1)

    def answer(symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        if symbols[0] == "MSFT":
            raise TransientProviderError("HTTP 500")
        return provider.good(symbols, now)

    provider.answer = answer
    with source(provider, symbols=["AAPL", "MSFT", "SPY"]) as bench:
        bench.tick()
        assert [one.symbol for one in bench.said(Opinion)] == ["AAPL"]
        bench.tick(30)
        assert (
            "SPY" not in [one.symbol for one in bench.said(Opinion)] or len(provider.questions) > 2
        )


def test_what_nobody_expected_crashes_the_edge_and_only_it() -> None:
    provider = Scripted()
    provider.fail(ZeroDivisionError("a bug"))
    with source(provider, symbols=COIN) as bench:
        bench.tick()
        provider.answer = provider.good
        assert [type(one) for one in bench.crashed] == [ZeroDivisionError]
        until(lambda: len(bench.said(SourceStatus)) == 2, "it never began again")
        bench.tick(5)
        assert len(bench.said(Opinion)) == 1
        assert provider.closed == 1


def test_a_server_that_hangs_costs_one_deadline_and_the_next_question_is_answered() -> None:
    vendor = VENDORS[0]
    with providing(Reply(fault="hang")) as stub:
        provider = vendor.make(stub.url, 0.3)
        with source(provider, symbols=COIN, timeout_seconds=0.3) as bench:
            bench.tick()
            assert states(bench)[-1] == ("backoff", True)
            stub.script = alpaca_good(bench.clock.now() + 60 * SECOND)
            bench.tick(60)
            assert states(bench)[-1] == ("running", True)
            assert len(bench.said(Opinion)) == 1
            assert bench.crashed == []


def test_the_further_calls_of_a_question_are_charged_to_the_plan() -> None:
    provider = Scripted()

    def paged(symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        provider.calls += 6
        return provider.good(symbols, now)

    provider.answer = paged
    with source(provider, symbols=COIN, calls_per_minute=4) as bench:
        bench.tick()
        bench.tick(30)
        bench.tick(33)
        assert len(provider.questions) == 2
        bench.tick(60)
        assert len(provider.questions) == 2, "the second question's pages are not paid back yet"


def calls(bench: Bench) -> list[tuple[str, int, int, str]]:
    return [(one.about, one.asked, one.answered, one.failure) for one in bench.said(SourceCall)]


def test_every_call_says_how_it_went_in_the_record_of_what_it_brought() -> None:
    provider = Scripted(live=True)
    with source(provider) as bench:
        bench.tick()
        assert calls(bench) == [("opinions", 2, 2, ""), ("prices", 2, 2, "")]
        assert all(0 <= one.seconds < 60 and one.usd == 0 for one in bench.said(SourceCall))
        (record,) = [one for one in bench.log.records if any(type(w) is Opinion for w in one)]
        assert type(record[-1]) is SourceCall


def test_a_call_that_failed_or_brought_nothing_counts_as_asked() -> None:
    provider = Scripted()
    with source(provider) as bench:
        provider.answer = lambda symbols, now: [Reading(one, nothing="no bars") for one in symbols]
        bench.tick()
        bench.tick(60)
        provider.answer = lambda symbols, now: [
            Reading(symbols[0], bars=rising(now - 5 * MINUTE)),
            Reading(symbols[1], bars=rising(now)),
        ]
        bench.tick(60)
        provider.fail(TransientProviderError("later"))
        bench.tick(60)
        assert calls(bench) == [
            ("opinions", 2, 0, ""),
            ("opinions", 2, 0, ""),
            ("opinions", 2, 1, ""),
            ("opinions", 2, 0, "TransientProviderError"),
        ]


def test_an_opinion_that_is_what_it_was_is_an_answer() -> None:
    provider = Scripted(timeframe="1Day")
    with source(provider, "yfinance", timeframe="1Day", symbols=COIN) as bench:
        provider.answer = lambda symbols, now: [Reading(COIN[0], bars=rising(NOW, "1Day"))]
        bench.tick()
        bench.tick(9.5 * 3600)  # past midnight UTC: the next bar is asked for, and not there yet
        assert len(bench.said(Opinion)) == 1
        assert calls(bench) == [("opinions", 1, 1, "")] * 2


class Paid(Scripted):
    """Each question costs 2.6 cents."""

    @property
    def paid_usd(self) -> float:
        return 0.026 * len(self.questions)


def test_what_a_call_cost_is_said_with_it() -> None:
    with source(Paid()) as bench:
        bench.tick()
        bench.tick(60)
        assert [one.usd for one in bench.said(SourceCall)] == [0.026, 0.026]
