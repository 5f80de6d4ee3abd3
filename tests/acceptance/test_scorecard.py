"""The scorecard in a world where it is known how good each source is: it must find that out.

`alpaca` knows the future, `xai_grok` its opposite, `yfinance` throws coins and `alpha_vantage` copies it;
`sonar` is honest. The daemon is the real one and knows nothing of this. It is run without orders, which is
cheap; the reruns of its journal trade.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from argo_actors.api.view import View
from argo_actors.bootstrap import deciders
from argo_actors.cli.main import run as argo
from argo_actors.journal.codec import encode
from argo_actors.journal.reader import day_files, records
from argo_actors.messages import Message
from argo_actors.messages.opinion import Opinion, SourceCall
from argo_actors.messages.signal import Signal
from argo_actors.replay.rerun import rerun
from argo_actors.replay.scorecard import HORIZONS, Scorecard, SourceCard, scorecard
from argo_actors.replay.verify import overridden
from argo_actors.units import MINUTE
from tests.acceptance.worlds import daemon, until, world

CYCLES = 100
"""Minutes: a cycle a minute."""
SKILLS = "alpaca=perfect,yfinance=coin,alpha_vantage=copy:yfinance,xai_grok=inverted"
SETTINGS = (
    "clock.cycle_seconds=60",
    "trading.auto_execute=false",
    "sources.massive.enabled=false",
    "sources.alpaca.valid_seconds=150",
    *(
        f"sources.{name}.{setting}"
        for name in ("yfinance", "alpha_vantage")
        for setting in ("timeframe=5Min", "refresh_seconds=300", "valid_seconds=600")
    ),
    "consensus.min_confidence=55",
    "consensus.close_confidence=50",
    "consensus.signal_seconds=100",
    "risk.warmup_seconds=0",
    "risk.max_positions=13",
    "risk.max_per_group=13",
)
pytestmark = pytest.mark.timeout(300)
"""Some twelve seconds of work, which a busy machine stretches."""
JUDGED = {**HORIZONS, "technical": 15 * MINUTE, "sentiment": 30 * MINUTE}
TRADING = overridden(deciders, ("trading.auto_execute=true",))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("skilled")
    with world(path, "--skill", SKILLS) as one, daemon(one, path, *SETTINGS) as running:
        view = View(running)
        until(lambda: view.books.cycle >= CYCLES or running.failure, f"cycle {CYCLES}", 240)
        assert running.pacer.pause(20)  # type: ignore[attr-defined]
        assert not running.failure
    return path


@pytest.fixture(scope="module")
def card(state: Path) -> Scorecard:
    return scorecard(day_files(state / "journal"), TRADING, horizons=JUDGED)


@pytest.fixture(scope="module")
def rows(card: Scorecard) -> dict[str, SourceCard]:
    return {one.source: one for one in card.sources}


def crashing(config: str, account_tag: str) -> dict[str, Any]:
    """Deciders of which one cannot decide any more."""

    def fall(*_: object) -> tuple[Message, ...]:
        raise RuntimeError("planted")

    found = deciders(config, account_tag)
    return found | {"risk": found["risk"]._replace(decide=fall)}


def said(files: list[Path]) -> list[Message]:
    return [message for path in files for record in records(path) for message in record.said]


def signals(files: list[Path]) -> list[bytes]:
    return [encode(one) for one in said(files) if isinstance(one, Signal)]


def test_it_ranks_perfect_coin_copy_and_inverted_rightly(rows: dict[str, SourceCard]) -> None:
    perfect, coin, copy, inverted = (
        rows[name] for name in ("alpaca", "yfinance", "alpha_vantage", "xai_grok")
    )
    assert all(one.score.votes >= 30 for one in (perfect, coin, copy, inverted))
    verdicts = [one.score.verdict for one in (perfect, coin, copy, inverted)]
    coins = "not to be told from a coin"
    assert verdicts == ["better than a coin", coins, coins, "worse than a coin"]
    rates = [one.score.rate or 0.0 for one in (perfect, coin, copy, inverted)]
    assert rates[0] > 0.95
    assert rates[0] > max(rates[1:3]) >= min(rates[1:3]) > rates[3]
    brier = [one.score.brier or 0.0 for one in (perfect, coin, copy, inverted)]
    assert brier[0] < 0.15 < 0.25 < min(brier[1:3]) <= max(brier[1:3]) < brier[3]
    profits = [float(one.modelled_pnl or "nan") for one in (perfect, coin, copy, inverted)]
    assert profits[0] > 0 > profits[3]
    assert all(profits[3] < one < profits[0] for one in profits[1:3])


def test_of_two_equal_sources_neither_adds_anything_and_they_are_seen_to_be_alike(
    card: Scorecard, rows: dict[str, SourceCard]
) -> None:
    agree = {(one.one, one.other): one for one in card.pairs}
    copied = agree["alpha_vantage", "yfinance"]
    assert copied.both > 300
    assert copied.agree > 0.97
    others = [one.agree for pair, one in agree.items() if pair != ("alpha_vantage", "yfinance")]
    assert max(others) < 0.85
    adds = [abs(float(rows[name].modelled_pnl or "nan")) for name in ("yfinance", "alpha_vantage")]
    assert max(adds) < abs(float(rows["xai_grok"].modelled_pnl or "nan")) / 20


def test_answers_times_and_costs_are_those_of_the_journal(
    state: Path, rows: dict[str, SourceCard]
) -> None:
    words = said(day_files(state / "journal"))
    for name, row in rows.items():
        calls = [one for one in words if isinstance(one, SourceCall) and one.source == name]
        opinions = [one for one in words if isinstance(one, Opinion) and one.source == name]
        assert row.opinions == len(opinions) > 0
        assert row.availability == 1.0
        assert row.asked == sum(one.asked for one in calls if one.about == "opinions")
        assert row.usd == pytest.approx(sum(one.usd for one in calls))
        assert row.seconds_median is not None
        assert row.seconds_p95 is not None
        assert 0 < row.seconds_median <= row.seconds_p95
    assert {name for name, row in rows.items() if row.usd_per_vote} == {"xai_grok", "sonar"}


def test_every_group_of_a_source_adds_up_to_it(rows: dict[str, SourceCard]) -> None:
    for row in rows.values():
        for groups in (row.by_regime, row.by_confidence):
            assert sum(one.votes for one in groups.values()) == row.score.votes
            assert sum(one.hits for one in groups.values()) == row.score.hits
    assert len(rows["alpaca"].by_regime) > 1


def test_the_journal_tells_nothing_of_skills(state: Path) -> None:
    for path in day_files(state / "journal"):
        for record in records(path):
            text = repr(record).lower()
            assert not any(word in text for word in ("skill", "perfect", "inverted"))


def test_a_rerun_without_a_change_says_every_signal_again(state: Path) -> None:
    again = rerun(day_files(state / "journal"), deciders)
    assert [encode(one) for one in again.signals] == signals(day_files(state / "journal"))
    assert again.signals
    assert (again.fills, again.crashes) == ((), 0)


def test_a_rerun_may_begin_with_a_later_day_and_goes_on_over_restarts(tmp_path: Path) -> None:
    with world(tmp_path, "--start", "2026-03-04T23:50:00+00:00") as one:
        for cycles in (3, 14):
            with daemon(one, tmp_path, "clock.cycle_seconds=60") as running:
                view = View(running)
                until(lambda view=view, cycles=cycles: view.books.cycle >= cycles, "the cycles")
                running.pacer.pause(20)  # type: ignore[attr-defined]
    files = day_files(tmp_path / "journal")
    assert len(files) == 2
    for some in (files, files[1:]):
        again = rerun(some, deciders)
        assert [encode(one) for one in again.signals] == signals(some)
        assert again.signals
        voters = {
            member.source
            for signal in rerun(some, deciders, without=frozenset({"sonar"})).signals
            for family in signal.families
            for member in family.members
        }
        assert voters
        assert "sonar" not in voters
    assert scorecard(files[:1], crashing).crashed_steps > 0


def test_a_person_reads_it_at_eighty_columns_and_a_program_as_json(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["source", "scorecard", "--state", str(state), "--no-profit"]
    asked += ["--horizon", "technical=15m,sentiment=30m"]
    assert argo(asked) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(one.startswith("alpaca") and "better than a coin" in one for one in lines)
    assert any("alike" in one for one in lines)
    assert argo([*asked, "2026-03-04", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    names = [one["source"] for one in found["sources"]]
    assert names == ["alpaca", "yfinance", "alpha_vantage", "xai_grok", "sonar"]
    assert all(one["modelled_pnl"] is None for one in found["sources"])
    assert argo([*asked, "2026-03-05"]) == 2
    assert "no journal of 2026-03-05" in capsys.readouterr().err


@pytest.mark.parametrize("horizon", ["technical", "nobody=1h", "technical=1y", "technical=0m"])
def test_a_horizon_that_cannot_be_is_refused(
    state: Path, horizon: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert argo(["source", "scorecard", "--state", str(state), "--horizon", horizon]) == 2
    assert "fix: write FAMILY=15m" in capsys.readouterr().err
