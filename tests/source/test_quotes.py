"""The quotes' edge: every question is answered, what may be held is watched, figures are said."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from argo_actors.config import Source
from argo_actors.host.secrets import Pair
from argo_actors.messages.market import Figures, Quotes, QuoteSeen, QuotesWanted
from argo_actors.messages.order import Holding
from argo_actors.source.alpaca import Alpaca, Sides
from argo_actors.source.quotes import QuotesEdge, judged
from argo_actors.units import DAY, SECOND, Decimal
from tests.source.provider_stub import Asked, ProviderStub, Reply, providing
from tests.source.source_bench import NOW, Bench, config, edge, rising
from tests.source.vendors import alpaca_rows, rfc3339

QUOTE = {"t": rfc3339(NOW - SECOND), "bp": 99.5, "ap": 100.5}
QUOTES_PATH = "quotes"


class Market:
    """What Alpaca's data host answers; a test overrides it by class and kind."""

    def __init__(self) -> None:
        self.faults: dict[tuple[str, str], Reply] = {}
        self.now = NOW
        self.quotes: dict[str, Any] = {}

    def __call__(self, asked: Asked) -> Reply:
        kind = "quotes" if "quotes" in asked.path else "bars"
        name = "coins" if "crypto" in asked.path else "stocks"
        if (name, kind) in self.faults:
            return self.faults[name, kind]
        names = asked.query["symbols"].split(",")
        if kind == "quotes":
            return Reply(200, {"quotes": dict.fromkeys(names, QUOTE) | self.quotes})
        rows = alpaca_rows(rising(self.now, "1Day", 300))
        return Reply(200, {"bars": dict.fromkeys(names, rows), "next_page_token": None})


@contextmanager
def quoting(
    market: Callable[[Asked], Reply], **blocks: Any
) -> Iterator[tuple[Bench, ProviderStub]]:
    with providing(market) as stub:

        def make(port: Any, _: Bench) -> QuotesEdge:
            return QuotesEdge(
                port,
                config=config(**blocks),
                make=lambda: Alpaca(Source(base_url=stub.url), Pair("PK", "s3cr3t")),
            )

        with edge("quotes", make, workers=4) as bench:
            yield bench, stub


def holding(symbol: str, phase: Any = "protected") -> Holding:
    return Holding(
        symbol=symbol,
        phase=phase,
        side=None if phase == "flat" else "buy",
        qty=Decimal(1),
        avg_price=None,
        pending_qty=Decimal(0),
        pending_price=None,
        stop=None,
        target=None,
        own=True,
        unprotected_since=None,
    )


def wanted(*symbols: str) -> QuotesWanted:
    return QuotesWanted(request=7, symbols=symbols)


def test_every_symbol_asked_for_is_in_the_answer() -> None:
    market = Market()
    market.quotes = {"MSFT": QUOTE | {"ap": 0}}
    with quoting(market, symbols=["AAPL", "MSFT", "BTC-USD"]) as (bench, stub):
        bench.hear(wanted("AAPL", "BTC-USD", "MSFT"))
        (answer,) = bench.said(Quotes)
        assert answer.request == 7
        assert [(one.symbol, one.bid, one.ask) for one in answer.quotes] == [
            ("AAPL", 99.5, 100.5),
            ("BTC-USD", 99.5, 100.5),
        ]
        assert answer.quotes[0].at == NOW - SECOND
        assert answer.quotes[0].received_at == NOW
        assert [(one.symbol, one.reason) for one in answer.failed] == [("MSFT", "no quote")]
        assert len(stub.asked) == 2


def test_what_is_held_is_marked_with_the_quote_of_an_entry_and_before_it() -> None:
    with quoting(Market(), symbols=["AAPL", "MSFT", "SPY", "BTC-USD"]) as (bench, stub):
        for symbol, phase in (("AAPL", "flat"), ("BTC-USD", "flat"), ("MSFT", "flat")):
            bench.hear(holding(symbol, phase))
        bench.hear(wanted("AAPL"))
        marks = [one.quote.symbol for one in bench.said(QuoteSeen)]
        assert marks == ["SPY"], "neither what is flat nor what was asked for"
        assert [one.symbol for one in bench.said(Quotes)[0].quotes] == ["AAPL"]
        assert [type(one) for one in bench.log.records[-1]] == [QuoteSeen, Quotes]
        assert len(stub.asked) == 1, "one call for both"


def test_a_question_about_nothing_is_answered_too() -> None:
    with quoting(Market()) as (bench, stub):
        bench.hear(wanted())
        assert bench.said(Quotes) == [Quotes(request=7, quotes=())]
        assert stub.asked == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, {}),
        Reply(401, {"message": "unauthorized."}),
        Reply(200, b"<html>"),
        Reply(200, {"quotes": {"AAPL": {"t": "never", "bp": "x"}}}),
        Reply(400, {"message": "invalid symbol"}),
    ],
)
def test_a_failure_of_stocks_is_a_reason_and_leaves_coins_alone(reply: Reply) -> None:
    market = Market()
    market.faults["stocks", "quotes"] = reply
    with quoting(market) as (bench, _):
        bench.hear(wanted("AAPL", "BTC-USD"))
        (answer,) = bench.said(Quotes)
        assert [one.symbol for one in answer.quotes] == ["BTC-USD"]
        (failed,) = answer.failed
        assert failed.symbol == "AAPL"
        assert "ProviderError" in failed.reason
        assert "s3cr3t" not in failed.reason
        assert bench.crashed == []


def test_a_silent_vendor_is_answered_for_within_two_seconds() -> None:
    market = Market()
    market.faults["stocks", "quotes"] = Reply(fault="hang")
    with quoting(market) as (bench, _):
        begun = time.monotonic()
        bench.hear(wanted("AAPL", "BTC-USD"))
        assert time.monotonic() - begun < 2.0
        (answer,) = bench.said(Quotes)
        assert [one.symbol for one in answer.quotes] == ["BTC-USD"]
        assert [one.symbol for one in answer.failed] == ["AAPL"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "no quote"),
        (Sides(t="2026-03-04T15:00:00Z", bid=0, ask=1), "no quote"),
        (Sides(t="2026-03-04T15:00:00Z", bid=2, ask=1), "crossed"),
        (Sides(t="2026-03-04T15:00:00Z", bid=-1, ask=1), "no price"),
        (Sides(t="2026-03-04T15:00:00Z", bid=float("nan"), ask=1), "no price"),
        (Sides(t="2026-03-04T15:00:00Z", bid=1, ask=float("inf")), "no price"),
        (Sides(t="today", bid=1, ask=2), "not a time"),
    ],
)
def test_a_quote_that_cannot_be_true_is_refused_with_its_reason(
    raw: Sides | None, reason: str
) -> None:
    found = judged("AAPL", raw, NOW)
    assert isinstance(found, str)
    assert reason in found


def test_what_may_be_held_is_watched_until_its_order_actor_says_flat() -> None:
    with quoting(Market()) as (bench, _):
        bench.tick()
        assert {one.quote.symbol for one in bench.said(QuoteSeen)} == {"AAPL", "BTC-USD"}
        bench.hear(holding("AAPL", "flat"))
        bench.tick(5)
        assert [one.quote.symbol for one in bench.said(QuoteSeen)][2:] == ["BTC-USD"]
        bench.hear(holding("BTC-USD", "flat"))
        bench.tick(5)
        assert len(bench.said(QuoteSeen)) == 3
        bench.hear(holding("BTC-USD"))
        bench.tick(5)
        assert len(bench.said(QuoteSeen)) == 4


def test_after_a_crash_a_held_coin_is_still_watched() -> None:
    with quoting(Market()) as (bench, _):
        bench.hear(holding("BTC-USD"), holding("AAPL", "flat"))
        bench.begin()
        bench.tick(5)
        assert "BTC-USD" in {one.quote.symbol for one in bench.said(QuoteSeen)}


def test_a_coin_is_watched_although_stocks_hang() -> None:
    market = Market()
    market.faults["stocks", "quotes"] = Reply(fault="hang")
    with quoting(market) as (bench, _):
        bench.tick()
        bench.tick(5)
        seen = [one.quote.symbol for one in bench.said(QuoteSeen)]
        assert seen == ["BTC-USD", "BTC-USD"]


def test_quotes_of_what_is_held_come_once_a_second_at_most() -> None:
    with quoting(Market()) as (bench, _):
        bench.tick()
        bench.tick(0.5)
        assert len(bench.said(QuoteSeen)) == 2


def test_the_first_figures_are_said_at_two_ticks_and_then_once_a_day() -> None:
    with quoting(Market()) as (bench, stub):
        bench.tick()
        assert {one.symbol for one in bench.said(Figures)} == {"AAPL", "BTC-USD"}
        bench.tick(5)
        assert len(bench.said(Figures)) == 4
        assert len({(one.symbol, one.regime) for one in bench.said(Figures)}) == 2
        bench.tick(5)
        assert len(bench.said(Figures)) == 4
        assert len([path for path in stub.paths() if path.endswith("/bars")]) == 2
        one = bench.said(Figures)[0]
        assert (one.bars, one.timeframe) == (252, "1Day")
        assert one.atr_pct is not None
        assert one.as_of <= NOW


def test_figures_follow_each_new_daily_bar() -> None:
    market = Market()
    with quoting(market, symbols=["BTC-USD"]) as (bench, _):
        bench.tick()
        bench.tick(5)
        market.now = NOW + DAY
        bench.tick(DAY // SECOND)
        first, _, third = bench.said(Figures)
        assert third.as_of == first.as_of + DAY


def test_bars_are_asked_for_split_adjusted() -> None:
    with quoting(Market(), symbols=["AAPL"]) as (bench, stub):
        bench.tick()
        (asked,) = [one for one in stub.asked if one.path.endswith("/bars")]
        assert asked.query["adjustment"] == "split"


def test_stocks_without_bars_keep_nobody_waiting_and_are_asked_for_again() -> None:
    market = Market()
    market.faults["stocks", "bars"] = Reply(503, {})
    with quoting(market) as (bench, _):
        bench.tick()
        assert {one.symbol for one in bench.said(Figures)} == {"BTC-USD"}
        del market.faults["stocks", "bars"]
        bench.tick(31)
        assert {one.symbol for one in bench.said(Figures)} == {"AAPL", "BTC-USD"}


def test_an_empty_answer_never_replaces_good_figures() -> None:
    market = Market()
    with quoting(market, symbols=["BTC-USD"]) as (bench, _):
        bench.tick()
        bench.tick(5)
        market.faults["coins", "bars"] = Reply(200, {"bars": {}, "next_page_token": None})
        bench.tick(DAY // SECOND)
        bench.tick(60)
        assert all(one.bars == 252 for one in bench.said(Figures))
