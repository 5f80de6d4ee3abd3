"""Which keys each source needs."""

import pytest

from argo_actors.bootstrap import PROVIDERS
from argo_actors.config import FAMILY_OF
from argo_actors.host.secrets import NAMES, Secrets

APCA = {"APCA_API_KEY_ID": "a", "APCA_API_SECRET_KEY": "b"}


def test_every_source_of_a_family_is_known_and_its_keys_are_keys_of_ours() -> None:
    assert PROVIDERS.keys() == FAMILY_OF.keys()
    for known in PROVIDERS.values():
        for parts in known.keys:
            assert set(parts) <= set(NAMES)


@pytest.mark.parametrize("missing", APCA)
def test_half_a_key_is_no_key(missing: str) -> None:
    whole = PROVIDERS["alpaca"]
    assert whole.has_key(Secrets(APCA))
    assert not whole.has_key(Secrets({k: v for k, v in APCA.items() if k != missing}))
    assert whole.has_key(Secrets({"APCA_DATA_KEY_ID": "a", "APCA_DATA_SECRET_KEY": "b"}))


def test_only_yahoo_needs_no_key() -> None:
    none = Secrets({})
    assert [name for name, known in PROVIDERS.items() if known.has_key(none)] == ["yfinance"]
    assert PROVIDERS["sonar"].has_key(Secrets({"PERPLEXITY_API_KEY": "k"}))
    assert PROVIDERS["xai_grok"].has_key(Secrets({"XAI_API_KEY": "k"}))
