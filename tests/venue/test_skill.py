"""Sources of any skill: what they know of the future, and what their bars say of it."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_actors.source.bars import completed
from argo_actors.source.opinion import MARKET_DATA, TECHNICAL, Judged, Periods, from_bars
from argo_actors.source.provider import read_bars
from argo_actors.venue.generated import Generated
from argo_actors.venue.market import Bar, Market
from argo_actors.venue.options import OptionsError, options_of
from argo_actors.venue.sessions import DAY, MINUTE, SECOND
from argo_actors.venue.skill import (
    AHEAD,
    HONEST,
    SOURCES,
    VENDORS,
    Skill,
    SkillError,
    bent,
    score,
    seen_by,
    skills,
)
from tests.venue.test_providers import NOW

MADE = Generated(7, NOW)
TIMES = [NOW + hour * 30 * MINUTE for hour in range(1, 9)]


def judged(market: Market, symbol: str, timeframe: str, now: int) -> Judged | str:
    """The bar rule on the bars that a vendor shows."""
    from argo_actors.source.bars import bar

    span = DAY if timeframe == "1Day" else MINUTE
    found = market.bars(symbol, timeframe, now - 200 * span, now, now, running=True)
    reading = read_bars(symbol, (bar(one.t, one.o, one.h, one.l, one.c, one.v) for one in found))
    assert reading.nothing == ""
    periods: Periods = TECHNICAL if timeframe == "1Day" else MARKET_DATA
    return from_bars(completed(reading.bars, timeframe, now), timeframe, periods)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["perfect", "inverted", "coin"])
def test_a_sources_score_knows_what_was_asked_for(source: str, kind: str) -> None:
    right = total = 0
    one = skills(f"{source}={kind}")[source]
    for name, now in itertools.product(MADE.assets, TIMES):
        found = score(MADE, name, now, one)
        assert -1 <= found <= 1
        assert found == score(MADE, name, now, one)
        before, after = MADE.price(name, now), MADE.price(name, now + AHEAD[source])
        if found and before and after and after != before:
            total += 1
            right += (found > 0) == (after > before)
    share = right / total
    assert {"perfect": share > 0.99, "inverted": share < 0.01}.get(kind, 0.3 < share < 0.7)


@pytest.mark.parametrize("timeframe", ["1Min", "1Day"])
@pytest.mark.parametrize("kind", ["perfect", "inverted", "coin"])
def test_the_bar_rule_reads_the_wanted_direction_off_the_bars(timeframe: str, kind: str) -> None:
    source = "massive" if timeframe == "1Min" else "yfinance"
    one = skills(f"{source}={kind}")[source]
    market, said = seen_by(MADE, one), 0
    for name, now in itertools.product(MADE.assets, TIMES):
        wanted, found = score(MADE, name, now, one), judged(market, name, timeframe, now)
        if isinstance(found, str):
            continue
        if found.direction == "NEUTRAL":
            assert abs(wanted) < 0.3
            continue
        said += 1
        assert (found.direction == "LONG") == (wanted > 0)
    assert said > 40


def test_bent_bars_keep_times_volumes_and_the_newest_price() -> None:
    now = TIMES[0]
    true = MADE.bars("AAPL", "1Min", now - 60 * MINUTE, now, now)
    shown = seen_by(MADE, skills("massive=perfect")["massive"])
    found = shown.bars("AAPL", "1Min", now - 60 * MINUTE, now, now)
    assert [(one.t, one.v) for one in found[-len(true) :]] == [(one.t, one.v) for one in true]
    assert found[-1].c == pytest.approx(true[-1].c)
    assert len(found) >= 130, "a piece of another answer would not fit"
    assert shown.quote("AAPL", now) == MADE.quote("AAPL", now)


def test_a_vendor_whose_longer_bars_are_to_stay_true_bends_only_the_others() -> None:
    shown = seen_by(MADE, skills("alpaca=inverted")["alpaca"], ("1Min",))
    now = TIMES[0]
    for timeframe in ("1Day", "5Min"):
        asked = ("SPY", timeframe, now - 20 * DAY, now, now)
        assert shown.bars(*asked) == MADE.bars(*asked)
    assert shown.bars("SPY", "1Min", now, now, now) != MADE.bars("SPY", "1Min", now, now, now)


@given(st.integers(0, 86_400))
@settings(max_examples=20, deadline=None)
def test_what_is_known_late_is_what_was_known_then(seconds: int) -> None:
    now = TIMES[-1]
    for name, kind in (("sonar", "perfect"), ("xai_grok", "honest"), ("sonar", "coin")):
        late = skills(f"{name}={kind}", f"{name}={seconds}")[name]
        prompt = skills(f"{name}={kind}")[name]
        then = now - seconds * SECOND
        assert score(MADE, "AAPL", now, late) == score(MADE, "AAPL", then, prompt)


def test_late_bars_are_the_bars_of_then() -> None:
    now, lag = TIMES[-1], 10 * MINUTE
    shown = seen_by(MADE, skills("", "massive=600")["massive"])
    asked = ("BTC/USD", "1Min", now - 60 * MINUTE)
    assert shown.bars(*asked, now, now) == MADE.bars(*asked, now - lag, now - lag)


def test_coins_of_two_sources_fall_apart_and_a_copys_coin_falls_alike() -> None:
    made = skills("massive=coin,alpaca=coin,sonar=coin,xai_grok=copy:sonar")

    def thrown(name: str) -> list[float]:
        return [score(MADE, one, now, made[name]) for one in MADE.assets for now in TIMES]

    assert thrown("massive") != thrown("alpaca")
    assert thrown("sonar") == thrown("xai_grok")


def test_a_copy_is_as_good_and_later_than_what_it_copies() -> None:
    made = skills("sonar=copy:xai_grok,xai_grok=perfect", "sonar=5,xai_grok=60")
    assert made["sonar"] == Skill("perfect", "xai_grok", 65 * SECOND)
    assert skills("massive=copy:sonar")["massive"].kind == "trend"
    assert skills("massive=copy:alpaca")["massive"].kind == "own"
    assert skills("") == HONEST


@pytest.mark.parametrize(
    ("words", "lags"),
    [
        ("nobody=perfect", ""),
        ("massive", ""),
        ("massive=psychic", ""),
        ("massive=copy:alpaca,alpaca=copy:massive", ""),
        ("massive=copy:massive", ""),
        ("massive=copy:nobody", ""),
        ("sonar=copy:alpaca", ""),
        ("", "sonar=-1"),
        ("", "sonar=soon"),
        ("", "sonar=nan"),
    ],
)
def test_a_skill_that_cannot_be_is_refused_with_what_can(words: str, lags: str) -> None:
    with pytest.raises(SkillError) as caught:
        skills(words, lags)
    assert caught.value.fix
    with pytest.raises(OptionsError, match="fix: "):
        options_of(["--lockstep", "--skill", words, "--lag", lags], NOW)


def test_honest_vendors_answer_their_market_itself() -> None:
    assert all(seen_by(MADE, HONEST[name]) is MADE for name in VENDORS)


@given(
    st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 0.1)), min_size=1, max_size=150),
    st.floats(-1, 1),
)
def test_bent_bars_can_always_be_true(rows: list[tuple[float, float]], wanted: float) -> None:
    bars = [Bar(i, c, c * (1 + r), c * (1 - r), c, 1.0) for i, (c, r) in enumerate(rows)]
    for one in bent(bars, wanted):
        assert 0 < one.l <= min(one.o, one.c) <= max(one.o, one.c) <= one.h
