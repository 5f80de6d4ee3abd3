"""The README's example of a source is one: it is known, asks, votes in its family, and its key is ours."""

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argo_actors.config import decode, families
from argo_actors.consensus.decider import consensus
from argo_actors.errors import ConfigError
from argo_actors.host.secrets import Secrets, take
from argo_actors.messages import WordId
from argo_actors.messages.market import Decide
from argo_actors.messages.opinion import Opinion
from argo_actors.messages.signal import CycleClosed
from argo_actors.runtime.decider import Heard, step
from argo_actors.source.actor import SourceEdge
from argo_actors.source.known import key_names, known
from tests.source.provider_stub import providing
from tests.source.readme_source import NAME, block, example
from tests.source.source_bench import NOW, Bench, edge
from tests.source.vendors import twelve_good

KEY = {"TWELVE_DATA_API_KEY": "k"}


def config(**changes: Any) -> Any:
    """The example's block in a configuration of one stock and one coin."""
    blocks = msgspec.json.decode(block())
    blocks["sources"][NAME] |= changes
    tree = {"account": "t", "symbols": ["AAPL", "BTC-USD"], **blocks}
    return decode(msgspec.json.encode(tree))


def test_it_is_found_by_its_name_and_its_key_leaves_the_environment() -> None:
    assert known(NAME) is example() or known(NAME).keys == ((*KEY,),)
    environment = dict(KEY)
    assert take(environment, names=key_names([NAME])).get("TWELVE_DATA_API_KEY") == "k"
    assert environment == {}


def test_a_source_of_ones_own_says_its_family() -> None:
    assert families(config())[NAME] == "technical"
    with pytest.raises(ConfigError, match="its `family`"):
        config(family=None)


def test_its_bars_become_an_opinion_that_votes_in_its_family() -> None:
    made, source = config(timeframe="1Min"), known(NAME)
    with providing(twelve_good(NOW)) as stub:
        settings = msgspec.structs.replace(made.sources[NAME], base_url=stub.url)

        def make(port: Any, bench: Bench) -> SourceEdge:
            return SourceEdge(
                port,
                name=NAME,
                config=made,
                make=lambda: source.make(settings, Secrets(KEY), Path()),
                park=bench.park,
            )

        with edge(f"source/{NAME}", make) as bench:
            bench.tick()
            opinions = bench.said(Opinion)
    assert [one.symbol for one in opinions] == ["AAPL", "BTC-USD"]
    decider = consensus(made)
    state = decider.initial
    for n, one in enumerate(opinions, 1):
        state = decider.evolve(state, Heard(WordId(n, 0), NOW, one))
    said = step(decider, state, Heard(WordId(9, 0), NOW, Decide(n=1))).said
    closed = said[-1]
    assert isinstance(closed, CycleClosed)
    assert all("technical LONG" in one.reason for one in closed.verdicts)


def test_it_is_closed_without_a_question() -> None:
    with closing(known(NAME).make(config().sources[NAME], Secrets(KEY), Path())):
        pass
