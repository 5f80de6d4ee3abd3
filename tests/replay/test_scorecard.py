"""What the scorecard makes of recorded words: worked examples of which price, which regime, whose family."""

import pytest

from argo_actors import config as configuration
from argo_actors.bootstrap import configured
from argo_actors.messages import Message
from argo_actors.messages.market import Decide, Figures, Quote, QuoteSeen, Regime
from argo_actors.messages.opinion import Direction, Opinion, SourceCall, VendorPrice
from argo_actors.replay.scorecard import HORIZONS, Gathered, SourceCard, card_of
from argo_actors.units import HOUR, MINUTE, SECOND, Decimal

NOW = 1_772_636_400 * SECOND
ADDED = {"alpaca": Decimal("12.345"), "massive": Decimal("-0.004")}


def opinion(
    source: str, direction: Direction, confidence: float = 80.0, symbol: str = "AAPL"
) -> Opinion:
    return Opinion(
        source=source,
        symbol=symbol,
        direction=direction,
        confidence=confidence,
        price=None,
        as_of=NOW,
        valid_until=NOW + 10 * HOUR,
    )


def price(value: float, symbol: str = "AAPL") -> VendorPrice:
    return VendorPrice(source="alpaca", symbol=symbol, price=value, as_of=NOW, valid_until=NOW)


def call(source: str, answered: int, *, failure: str = "", usd: float = 0.0) -> SourceCall:
    return SourceCall(
        source=source,
        about="opinions",
        asked=4,
        answered=answered,
        seconds=0.25,
        usd=usd,
        failure=failure,
    )


def regime(name: Regime) -> Figures:
    return Figures(symbol="AAPL", regime=name, atr_pct=1.0, bars=252, timeframe="1Day", as_of=NOW)


def gathered(*words: tuple[float, Message]) -> Gathered:
    """Words said so many minutes from now."""
    found = Gathered()
    for minutes, message in sorted(words, key=lambda pair: pair[0]):
        found.learn(NOW + round(minutes * MINUTE), message)
    return found


def row(found: Gathered, source: str = "alpaca") -> SourceCard:
    return next(
        one for one in card_of(found, HORIZONS, None, ADDED).sources if one.source == source
    )


def test_a_vote_is_judged_by_the_first_price_after_it_and_the_first_a_horizon_later() -> None:
    words = [(0.0, price(90.0)), (1.0, opinion("alpaca", "LONG")), (1.2, price(100.0))]
    words += [(16.1, price(99.0)), (16.3, price(101.0)), (17.0, price(50.0))]
    one = row(gathered(*words))
    assert (one.score.votes, one.score.hits, one.open, one.unjudged) == (1, 1, 0, 0)
    assert one.score.brier == pytest.approx(0.04)


def test_a_quote_is_trusted_before_a_vendors_price() -> None:
    quote = Quote(symbol="AAPL", bid=89.0, ask=91.0, at=NOW, received_at=NOW)
    words = [(0.0, opinion("alpaca", "SHORT")), (0.0, price(100.0)), (15.0, price(101.0))]
    assert row(gathered(*words)).score.hits == 0
    assert row(gathered(*words, (15.5, QuoteSeen(quote=quote)))).score.hits == 1


def test_a_vote_whose_horizon_is_not_over_is_open() -> None:
    words = [(0.0, opinion("alpaca", "LONG")), (0.0, price(100.0)), (14.0, price(101.0))]
    one = row(gathered(*words))
    assert (one.score.votes, one.open, one.unjudged) == (0, 1, 0)


def test_a_vote_without_a_price_in_time_or_without_a_move_is_not_judged() -> None:
    late = [(0.0, opinion("alpaca", "LONG")), (0.0, price(100.0)), (61.0, price(101.0))]
    still = [(0.0, opinion("alpaca", "LONG")), (0.0, price(100.0)), (15.0, price(100.0))]
    for words in (late, still):
        one = row(gathered(*words))
        assert (one.score.votes, one.open, one.unjudged) == (0, 0, 1)
    # Two horizons late is still in time.
    assert row(gathered(*late[:2], (44.0, price(101.0)))).score.votes == 1


def test_a_vote_belongs_to_the_regime_that_two_readings_had_agreed_on() -> None:
    words: list[tuple[float, Message]] = [(m, price(100.0 + m)) for m in range(120)]
    words += [(1.0, regime("BULL")), (30.0, regime("BULL")), (70.0, regime("BEAR"))]
    words += [(m, opinion("alpaca", "LONG")) for m in (5.0, 40.0, 80.0)]
    found = row(gathered(*words)).by_regime
    assert {name: one.votes for name, one in found.items()} == {"CHOP": 1, "BULL": 2}


def test_availability_and_cost_are_of_all_calls() -> None:
    found = gathered(
        (0.0, call("sonar", 4, usd=0.005)),
        (1.0, call("sonar", 1, usd=0.005)),
        (2.0, call("sonar", 0, failure="Overdue", usd=0.02)),
        (3.0, opinion("sonar", "LONG")),
        (3.0, opinion("sonar", "SHORT", symbol="MSFT")),
    )
    one = row(found, "sonar")
    assert (one.asked, one.answered, one.availability) == (12, 5, pytest.approx(5 / 12))
    assert (one.failures, one.seconds_median) == ({"Overdue": 1}, 0.25)
    assert one.usd_per_vote == pytest.approx(0.015)
    assert row(gathered((0.0, call("alpaca", 4)))).usd_per_vote is None


def test_pairs_are_compared_where_both_have_a_direction() -> None:
    words: list[tuple[float, Message]] = [(float(m), Decide(n=m)) for m in range(1, 11)]
    words += [(0.5, opinion("alpaca", "LONG")), (0.5, opinion("massive", "LONG"))]
    words += [(4.5, opinion("massive", "SHORT")), (8.5, opinion("massive", "NEUTRAL"))]
    (pair,) = card_of(gathered(*words), HORIZONS).pairs
    assert (pair.one, pair.other, pair.both, pair.agree) == ("alpaca", "massive", 8, 0.5)


def test_profits_are_shown_to_the_cent_and_left_out_where_nothing_was_rerun() -> None:
    found = gathered((0.0, opinion("alpaca", "LONG")), (0.0, opinion("massive", "LONG")))
    card = card_of(found, HORIZONS, Decimal("100.006"), ADDED)
    assert card.modelled_pnl == "100.01"
    assert [one.modelled_pnl for one in card.sources] == ["12.35", "0"]
    assert [one.modelled_pnl for one in card_of(found, HORIZONS).sources] == [None, None]


def test_a_source_of_the_users_own_is_judged_by_the_family_it_names() -> None:
    config = configuration.decode(
        '{"account": "t", "sources": {"alpaca": {}, "mine": {"family": "sentiment"}}}'
    )
    words = [(0.0, opinion("mine", "LONG")), (0.0, price(100.0)), (60.0, price(101.0))]
    one = row(gathered((-1.0, configured(config, "PA1")), *words), "mine")
    assert (one.family, one.horizon_seconds, one.score.hits) == ("sentiment", 3600.0, 1)
