"""The configuration is strict: what cannot be meant stops the start and says why."""

import json
from pathlib import Path
from typing import Any

import pytest

from argo_actors import config
from argo_actors.errors import ConfigError
from argo_actors.units import Decimal

HERE = Path(__file__).parents[2] / "config"


def decoded(**blocks: Any) -> config.Config:
    return config.decode(json.dumps({"account": "test", **blocks}))


@pytest.mark.parametrize("name", ["paper.json", "prop.json", "demo.json"])
def test_the_files_that_are_delivered_can_be_read(name: str) -> None:
    found = config.read(HERE / name)
    assert config.decode(config.encode(found)) == found


def test_the_account_is_the_only_key_without_a_default() -> None:
    assert decoded().account == "test"
    with pytest.raises(ConfigError, match="account"):
        config.decode("{}")


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ({"tradng": {}}, "unknown key `tradng`: did you mean 'trading'"),
        ({"trading": {"stop_los_pct": 3}}, "`trading.stop_los_pct`: did you mean 'stop_loss_pct'"),
        ({"sources": {"alpacca": {}}}, "did you mean 'alpaca'"),
        ({"trading": {"stop_loss_pct": "3"}}, "trading.stop_loss_pct"),
        ({"trading": {"stop_loss_pct": 0}}, "trading.stop_loss_pct"),
        ({"prop_firm": {"rules": {"reset_time": "5 pm"}}}, "prop_firm.rules.reset_time"),
        ({"prop_firm": {"rules": {"reset_zone": "Europe/Prag"}}}, "'Europe/Prague'"),
        ({"prop_firm": {"rules": {"dated": "March"}}}, "YYYY-MM-DD"),
        ({"trading": {"position_size_pct": 20}}, "is above"),
        ({"symbols": []}, "symbols"),
        ({"symbols": ["aapl"]}, "'aapl'"),
        ({"symbols": ["BTC/USD"]}, "'BTC/USD'"),
        ({"symbols": ["AAPL", "AAPL"]}, "twice"),
        ({"risk": {"day_start": "24:00"}}, "HH:MM"),
        ({"consensus": {"weights": {"technical": 1}}}, "lacks analysis, market_data, sentiment"),
        ({"regime": {"chop": 0}}, "regime.off"),
        ({"regime": {"crisis": 0.7}}, "regime.crisis"),
        ({"clock": {"cycle_seconds": 0}}, "clock.cycle_seconds"),
        ({"environment": "production"}, "environment"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(blocks: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        decoded(**blocks)
    assert told in refused.value.what
    assert refused.value.fix


def test_a_misspelt_key_of_a_source_is_told_with_the_nearest_spelling() -> None:
    with pytest.raises(ConfigError, match="did you mean 'enabled'"):
        decoded(sources={"alpaca": {"enable": True}})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"account": NaN}'])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        config.decode(text)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json"):
        config.read(tmp_path / "none.json")


def test_a_multiplier_of_zero_is_allowed_for_a_regime_that_is_off() -> None:
    assert decoded(regime={"chop": 0, "off": ["CHOP"]}).regime.off == ("CHOP",)


def test_prop_mode_has_its_own_limits() -> None:
    prop = decoded(prop_firm={"enabled": True})
    assert prop.min_confidence == 82.0
    assert config.loss_limits(prop) == (4.5, 2.0)
    assert "crisis" not in config.multipliers(prop)
    assert config.loss_limits(decoded()) == (5.0, 10.0)


def test_an_override_is_checked_like_a_file() -> None:
    changed = config.override(decoded(), ("risk.max_positions=4", "risk.day_start=18:30"))
    assert (changed.risk.max_positions, changed.risk.day_start) == (4, "18:30")
    for setting in ("risk.max_positions=0", "risk.max_position=4", "risk.max_positions", "x.y=1"):
        with pytest.raises(ConfigError):
            config.override(decoded(), (setting,))


def test_an_override_beneath_a_value_is_a_mistake_and_said_so() -> None:
    with pytest.raises(ConfigError):
        config.override(decoded(), ("account.name=x",))


def test_equal_configurations_have_equal_hashes() -> None:
    assert config.config_hash(decoded()) == config.config_hash(decoded(trading={}))
    assert config.config_hash(decoded()) != config.config_hash(decoded(risk={"max_positions": 9}))


def test_the_hash_does_not_depend_on_the_order_of_overrides() -> None:
    one = decoded(overrides={"AAPL": {"stop_loss_pct": 2}, "SPY": {"stop_loss_pct": 1}})
    two = decoded(overrides={"SPY": {"stop_loss_pct": 1}, "AAPL": {"stop_loss_pct": 2}})
    assert config.config_hash(one) == config.config_hash(two)


def test_a_configured_number_is_the_one_its_text_spells() -> None:
    assert config.amount(0.1) == Decimal("0.1")
    assert config.amount(200_000.0) == Decimal(200_000)


def test_one_family_of_sources_is_worth_a_warning() -> None:
    only = decoded(sources={"alpaca": {}})
    assert any("only one family" in line for line in config.warnings(only))


def test_opinions_that_end_before_the_next_question_are_worth_a_warning() -> None:
    short = decoded(sources={"sonar": {"refresh_seconds": 7200}, "alpaca": {}})
    assert any("sources.sonar" in one for one in config.warnings(short))
    assert not any("before the next" in one for one in config.warnings(decoded()))
