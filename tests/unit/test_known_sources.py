"""Which keys each source needs."""

import pytest

from argo_actors.config import FAMILY_OF
from argo_actors.errors import ConfigError
from argo_actors.host.secrets import BROKER_NAMES, Secrets
from argo_actors.source.known import key_names, known

APCA = {"APCA_API_KEY_ID": "a", "APCA_API_SECRET_KEY": "b"}


def test_every_source_of_this_version_has_its_module() -> None:
    assert all(known(name).make for name in FAMILY_OF)
    assert set(key_names(())) == {
        *BROKER_NAMES,
        "MASSIVE_API_KEY",
        "ALPHA_VANTAGE_API_KEY",
        "XAI_API_KEY",
        "PERPLEXITY_API_KEY",
    }


@pytest.mark.parametrize("name", ["nobody", "provider"])
def test_a_module_that_is_missing_or_no_source_is_told(name: str) -> None:
    with pytest.raises(ConfigError) as found:
        known(name)
    assert f"argo_actors/source/{name}.py" in found.value.fix


@pytest.mark.parametrize("half", APCA)
def test_half_a_key_is_no_key(half: str) -> None:
    whole = known("alpaca")
    assert not whole.missing(Secrets(APCA))
    assert "APCA_API_KEY_ID" in whole.missing(Secrets({half: APCA[half]}))
    assert not whole.missing(Secrets({"APCA_DATA_KEY_ID": "a", "APCA_DATA_SECRET_KEY": "b"}))


def test_only_yahoo_needs_no_key() -> None:
    none = Secrets({})
    assert [name for name in FAMILY_OF if not known(name).missing(none)] == ["yfinance"]
    assert not known("sonar").missing(Secrets({"PERPLEXITY_API_KEY": "k"}))
    assert not known("xai_grok").missing(Secrets({"XAI_API_KEY": "k"}))
