"""From opinions heard to signals said (decisions §1, §2)."""

import hashlib
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_actors import keyed
from argo_actors.config import FAMILY_OF
from argo_actors.consensus.decider import consensus, judge, rules_of
from argo_actors.messages import WordId
from argo_actors.messages.market import Decide
from argo_actors.messages.opinion import VendorPrice
from argo_actors.messages.signal import Signal
from argo_actors.runtime.decider import Heard, step
from argo_actors.units import MINUTE, SECOND
from tests.consensus.votes import (
    ALL,
    EXAMPLE,
    NOW,
    Votes,
    ballots,
    config_of,
    cycle,
    hear,
    mirrored,
    opinion,
    opinions,
    reading,
    regime,
    status,
)

CONFIG = config_of()
PROP = config_of(prop_firm={"enabled": True})
NAN, INF = float("nan"), float("inf")


def agreed(confidence: float) -> Votes:
    """Everybody says LONG with this confidence."""
    return dict.fromkeys(ALL, ("LONG", confidence))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"confidence": NAN}, "not finite"),
        ({"confidence": INF}, "not finite"),
        ({"price": NAN}, "not finite"),
        ({"confidence": -0.1}, "confidence outside 0 to 100"),
        ({"confidence": 100.1}, "confidence outside 0 to 100"),
        ({"price": 0.0}, "price not positive"),
        ({"price": -1.0}, "price not positive"),
        ({"as_of": NOW + SECOND + 1}, "from the future"),
        ({"valid_until": NOW - 1}, "stale"),
        ({"as_of": NOW + SECOND, "valid_until": NOW}, "stale"),
        ({"symbol": "TSLA"}, "not asked for"),
        ({"source": "rumour"}, "not asked for"),
    ],
)
def test_a_bad_opinion_is_dropped_and_counted(changes: dict[str, Any], reason: str) -> None:
    bad = msgspec.structs.replace(opinion("alpaca"), **changes)
    state = hear(CONFIG, bad, bad)
    assert keyed.get(state.dropped, f"{bad.source}: {reason}") == 2
    assert state.views == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": 0.0},
        {"confidence": 100.0},
        {"price": 0.0001},
        {"as_of": NOW + SECOND},
        {"valid_until": NOW},
    ],
)
def test_an_opinion_at_the_limit_is_kept(changes: dict[str, Any]) -> None:
    state = hear(CONFIG, msgspec.structs.replace(opinion("alpaca"), **changes))
    assert state.dropped == ()
    assert len(state.views) == 1


def test_the_worked_example_makes_a_signal() -> None:
    verdict, signal = cycle(CONFIG, *opinions(EXAMPLE), *regime("BULL"))
    assert (verdict.raw_confidence, verdict.confidence) == (80.95, 80.95)
    assert signal is not None
    assert (signal.action, signal.entry) == ("BUY", True)
    against = EXAMPLE | {"sonar": ("SHORT", 78.0)}
    verdict, signal = cycle(CONFIG, *opinions(against), *regime("BULL"))
    assert (verdict.raw_confidence, signal) == (57.55, None)
    assert "57.55 of 75" in verdict.reason


@pytest.mark.parametrize(
    ("name", "long", "short"),
    [("BULL", 80.0, 72.0), ("BEAR", 72.0, 80.0), ("CHOP", 76.0, 76.0), ("CRISIS", 64.0, 64.0)],
)
def test_the_regime_multiplies_an_entrys_confidence_and_not_the_raw_one(
    name: str, long: float, short: float
) -> None:
    for votes, expected in ((agreed(80.0), long), (mirrored(agreed(80.0)), short)):
        verdict, signal = cycle(CONFIG, *opinions(votes), *regime(name))
        assert (verdict.raw_confidence, verdict.confidence) == (80.0, expected)
        assert signal is not None
        assert signal.entry is (expected >= 75)


@pytest.mark.parametrize(
    ("confidence", "in_bull", "in_prop"),
    [
        (74.9999, None, None),
        (75.0, True, False),
        (81.9999, True, False),
        (82.0, True, True),
        (100.0, True, True),
    ],
)
def test_thresholds_of_entry_and_close(
    confidence: float, in_bull: bool | None, in_prop: bool | None
) -> None:
    """True: strong enough to enter; False: only to close, on raw confidence 75 in every mode."""
    for config, expected in ((CONFIG, in_bull), (PROP, in_prop)):
        verdict, signal = cycle(config, *opinions(agreed(confidence)), *regime("BULL"))
        assert (None if signal is None else signal.entry) is expected
        assert verdict.signal is (expected is not None)


def test_a_weak_regime_leaves_the_close() -> None:
    _, signal = cycle(CONFIG, *opinions(agreed(76.0)), *regime("CRISIS"))
    assert signal is not None
    assert (signal.entry, signal.raw_confidence, signal.confidence) == (False, 76.0, 60.8)


def test_one_family_alone_is_no_consensus_but_the_only_configured_one_is() -> None:
    votes = {"alpaca": ("LONG", 100.0)}
    verdict, signal = cycle(CONFIG, *opinions(votes), *regime("BULL"))
    assert signal is None
    assert "1 of 4 families" in verdict.reason
    alone = config_of(("alpaca",))
    verdict, signal = cycle(alone, *opinions(votes), *regime("BULL"))
    assert signal is not None
    both = config_of(("alpaca", "massive"))
    assert cycle(both, *opinions(votes), *regime("BULL"))[1] is not None


def test_half_of_the_configured_weight_must_vote() -> None:
    few = {"alpha_vantage": ("LONG", 90.0), "xai_grok": ("LONG", 90.0)}
    verdict, signal = cycle(CONFIG, *opinions(few), *regime("BULL"))
    assert (signal, verdict.participation) == (None, 0.45)
    enough = {"alpaca": ("LONG", 90.0), "sonar": ("LONG", 90.0)}
    verdict, signal = cycle(CONFIG, *opinions(enough), *regime("BULL"))
    assert verdict.participation == 0.55
    assert signal is not None
    exactly = config_of(
        consensus={
            "weights": {"market_data": 0.3, "technical": 0.3, "sentiment": 0.2, "analysis": 0.2}
        }
    )
    verdict, signal = cycle(exactly, *opinions(enough), *regime("BULL"))
    assert verdict.participation == 0.5
    assert signal is not None


def test_language_models_never_trade_alone() -> None:
    models = {"xai_grok": ("LONG", 95.0), "sonar": ("LONG", 95.0)}
    verdict, signal = cycle(
        config_of(("alpaca", "xai_grok", "sonar"), consensus={"min_participation": 0.1}),
        *opinions(models),
        *regime("BULL"),
    )
    assert signal is None
    assert "neither market data nor technical" in verdict.reason


def test_a_tie_is_no_direction() -> None:
    votes = {
        "alpaca": ("LONG", 50.0),
        "alpha_vantage": ("SHORT", 80.0),
    }
    verdict, signal = cycle(CONFIG, *opinions(votes), *regime("BULL"))
    assert (verdict.action, verdict.raw_confidence, signal) == (None, 0.0, None)
    assert "no direction" in verdict.reason


def test_disabled_and_keyless_sources_leave_the_count_a_parked_one_stays() -> None:
    votes = {"alpaca": ("LONG", 90.0), "alpha_vantage": ("LONG", 90.0)}
    verdict, _ = cycle(CONFIG, *opinions(votes))
    assert verdict.participation == 0.65
    parked = status("sonar", configured=True, state="failed")
    verdict, _ = cycle(CONFIG, *opinions(votes), parked)
    assert verdict.participation == 0.65
    verdict, _ = cycle(CONFIG, *opinions(votes), status("sonar", configured=False))
    assert verdict.participation == 0.764706
    off = config_of(sources=ALL)
    tree = msgspec.structs.replace(
        off,
        sources=off.sources
        | {"sonar": msgspec.structs.replace(off.sources["sonar"], enabled=False)},
    )
    assert cycle(tree, *opinions(votes))[0].participation == 0.764706


def test_an_unconfigured_sources_opinion_does_not_vote() -> None:
    gone = status("sonar", configured=False)
    without = {source: one for source, one in EXAMPLE.items() if source != "sonar"}
    with_it = cycle(CONFIG, *opinions(EXAMPLE | {"sonar": ("SHORT", 100.0)}), gone)[0]
    assert with_it == cycle(CONFIG, *opinions(without), gone)[0]


def test_the_newest_opinion_of_a_source_counts() -> None:
    old = opinion("alpaca", "SHORT", 90.0, as_of=NOW - 10 * SECOND)
    new = opinion("alpaca", "LONG", 90.0, as_of=NOW - 5 * SECOND)
    for words in ((old, new), (new, old)):
        verdict, _ = cycle(CONFIG, *words, opinion("yfinance", "LONG", 90.0))
        assert verdict.action == "BUY"


def test_of_two_opinions_of_one_moment_the_later_word_counts() -> None:
    """A vendor that corrects a bar is believed."""
    first, second = opinion("alpaca", "SHORT", 90.0), opinion("alpaca", "LONG", 90.0)
    assert cycle(CONFIG, first, second)[0].action == "BUY"


def test_a_signal_carries_everything_it_rests_on() -> None:
    _, signal = cycle(CONFIG, *opinions(EXAMPLE), *regime("BULL"), n=7)
    assert signal is not None
    assert signal.cycle == 7
    assert [(one.name, one.weight) for one in signal.families] == [
        ("market_data", 0.40),
        ("technical", 0.25),
        ("sentiment", 0.20),
        ("analysis", 0.15),
    ]
    assert {m.source: m.vote for one in signal.families for m in one.members} == {
        "alpaca": 0.85,
        "yfinance": 0.8,
        "alpha_vantage": 0.82,
        "xai_grok": 0.75,
        "sonar": 0.78,
    }
    assert (signal.regime, signal.multiplier, signal.threshold) == ("BULL", 1.0, 75.0)
    assert signal.participation == 1.0
    assert signal.strength == 0.8095
    assert len(signal.reasoning) >= 20
    assert "80.95" in signal.reasoning
    assert "market_data LONG 0.85" in signal.reasoning
    assert signal.expires_at == NOW + 30 * SECOND
    assert len(signal.content) == len(hashlib.sha256().hexdigest())
    assert signal.because == tuple(WordId(n, 0) for n in (1, 2, 3, 4, 5, 7))


def test_the_content_hash_tells_two_contents_apart() -> None:
    def content(n: int = 1, **changes: tuple[str, float]) -> str:
        signal = cycle(CONFIG, *opinions(EXAMPLE | changes), *regime("BULL"), n=n)[1]
        assert signal is not None
        return signal.content

    assert content() == content()
    assert len({content(), content(n=2), content(sonar=("LONG", 79.0))}) == 3


def test_a_repeated_signal_is_decided_anew_each_cycle() -> None:
    decider, state = consensus(CONFIG), hear(CONFIG, *opinions(EXAMPLE), *regime("BULL"))
    for n in (1, 2, 3):
        found = step(decider, state, Heard(WordId(100 + n, 0), NOW + n * SECOND, Decide(n=n)))
        state = found.state
        signal = found.said[0]
        assert isinstance(signal, Signal)
        assert (signal.cycle, signal.raw_confidence) == (n, 80.95)


def price(source: str, value: float, **more: Any) -> VendorPrice:
    known: dict[str, Any] = {"as_of": NOW - SECOND, "valid_until": NOW + 14 * SECOND}
    return VendorPrice(source=source, symbol="AAPL", price=value, **(known | more))


@pytest.mark.parametrize(
    ("other", "conflict", "split"),
    [(100.5, False, False), (102.0, True, False), (200.0, True, True), (50.0, True, True)],
)
def test_vendors_prices_travel_with_the_signal(other: float, conflict: bool, split: bool) -> None:
    words = [*opinions(EXAMPLE), *regime("BULL"), price("alpaca", 100.0)]
    _, signal = cycle(CONFIG, *words, price("massive", other))
    assert signal is not None
    assert (signal.price_conflict, signal.split_suspected) == (conflict, split)
    live = opinion("massive", "LONG", 85.0, price=other, live=True)
    _, signal = cycle(CONFIG, *words, live)
    assert signal is not None
    assert (signal.price_conflict, signal.split_suspected) == (conflict, split)


def test_a_price_past_its_time_or_of_a_closed_bar_is_not_compared() -> None:
    words = [*opinions(EXAMPLE), *regime("BULL"), price("alpaca", 100.0)]
    stale = price("massive", 110.0, valid_until=NOW - 1)
    closed = opinion("massive", "LONG", 85.0, price=110.0, live=False)
    for other in (stale, closed):
        _, signal = cycle(CONFIG, *words, other)
        assert signal is not None
        assert not signal.price_conflict


@given(ballots, st.sampled_from(["BULL", "BEAR", "CHOP", "CRISIS"]))
def test_confidences_stay_in_range_and_a_signal_has_its_reasons(votes: Votes, name: str) -> None:
    verdict, signal = cycle(CONFIG, *opinions(votes), *regime(name))
    assert 0 <= verdict.confidence <= verdict.raw_confidence <= 100
    assert len(verdict.reason) >= 20
    voting = {
        FAMILY_OF[source] for source, (direction, _) in votes.items() if direction != "NEUTRAL"
    }
    if signal is not None:
        assert signal.entry is (verdict.confidence >= 75)
        assert signal.raw_confidence >= 75
        assert len(voting) >= 2
        assert voting & {"market_data", "technical"}
        assert signal.participation >= 0.5


@given(ballots)
def test_one_family_never_opens_and_never_closes(votes: Votes) -> None:
    for family in set(FAMILY_OF.values()):
        own = {source: one for source, one in votes.items() if FAMILY_OF[source] == family}
        assert cycle(CONFIG, *opinions(own), *regime("BULL"))[1] is None


@given(ballots)
def test_inverted_opinions_make_the_inverted_verdict(votes: Votes) -> None:
    one = cycle(CONFIG, *opinions(votes), *regime("CHOP"))[0]
    other = cycle(CONFIG, *opinions(mirrored(votes)), *regime("CHOP"))[0]
    turned = {"BUY": "SELL", "SELL": "BUY", None: None}
    assert turned[one.action] == other.action
    assert (one.raw_confidence, one.confidence) == (other.raw_confidence, other.confidence)
    assert one.signal == other.signal
    mirror_bull = cycle(CONFIG, *opinions(votes), *regime("BULL"))[0]
    mirror_bear = cycle(CONFIG, *opinions(mirrored(votes)), *regime("BEAR"))[0]
    assert mirror_bull.confidence == mirror_bear.confidence or one.action is None


@given(ballots, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(votes: Votes, order: random.Random) -> None:
    words = [*opinions(votes), reading("BULL")]
    shuffled = list(words)
    order.shuffle(shuffled)
    assert cycle(CONFIG, *shuffled)[0] == cycle(CONFIG, *words)[0]


@given(ballots, ballots)
def test_an_opinion_past_its_lifetime_changes_nothing(votes: Votes, late: Votes) -> None:
    """Heard in time and stale at the cycle, or stale on arrival: as if it had never been said."""
    others = {source: one for source, one in late.items() if source not in votes}
    short = [opinion(source, *one, valid_until=NOW + MINUTE - 1) for source, one in others.items()]
    at = NOW + MINUTE
    plain = cycle(CONFIG, *opinions(votes), *regime("BULL"), at=at)
    assert cycle(CONFIG, *opinions(votes), *short, *regime("BULL"), at=at)[0] == plain[0]
    dead = [opinion(source, *one, valid_until=NOW - 1) for source, one in late.items()]
    assert cycle(CONFIG, *opinions(votes), *dead, *regime("BULL"), at=at)[0] == plain[0]


@settings(max_examples=50)
@given(
    st.lists(
        st.builds(
            opinion,
            st.sampled_from([*ALL, "rumour"]),
            st.sampled_from(["LONG", "SHORT", "NEUTRAL"]),
            st.floats(),
            price=st.none() | st.floats(),
            as_of=st.integers(0, 2 * NOW),
            valid_until=st.integers(0, 2 * NOW),
            live=st.booleans(),
        ),
        max_size=12,
    )
)
def test_whatever_is_heard_a_cycle_has_its_verdict(words: list[Any]) -> None:
    judged = judge(rules_of(CONFIG), hear(CONFIG, *words), "AAPL", NOW)
    assert 0 <= judged.confidence <= 100
