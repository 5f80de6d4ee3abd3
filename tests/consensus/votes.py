"""Words as consensus hears them, and cycles of it."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from argo_actors import config as configuration
from argo_actors.config import FAMILY_OF, Config
from argo_actors.consensus.decider import ConsensusState, consensus
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import Decide, Figures
from argo_actors.messages.opinion import Opinion, SourceStatus
from argo_actors.messages.signal import CycleClosed, Signal, Verdict
from argo_actors.runtime.decider import Heard, step
from argo_actors.units import HOUR, SECOND

NOW = 1_772_636_400 * SECOND
ALL = tuple(FAMILY_OF)
EXAMPLE = {
    "alpaca": ("LONG", 85.0),
    "yfinance": ("LONG", 80.0),
    "alpha_vantage": ("LONG", 82.0),
    "xai_grok": ("LONG", 75.0),
    "sonar": ("LONG", 78.0),
}
"""The worked example of decisions §2; massive is silent."""
Votes = dict[str, tuple[str, float]]


def config_of(sources: tuple[str, ...] = ALL, **changes: Any) -> Config:
    tree = {"account": "test", "symbols": ["AAPL"], "sources": {one: {} for one in sources}}
    return configuration.decode(msgspec.json.encode(tree | changes))


def opinion(source: str, direction: str = "LONG", confidence: float = 80.0, **more: Any) -> Opinion:
    known: dict[str, Any] = {
        "symbol": "AAPL",
        "price": None,
        "as_of": NOW - SECOND,
        "valid_until": NOW + HOUR,
    }
    return Opinion(
        source=source,
        direction=direction,  # type: ignore[arg-type]
        confidence=confidence,
        **(known | more),
    )


def opinions(votes: Votes) -> list[Message]:
    return [opinion(source, *vote) for source, vote in votes.items()]


def status(source: str, *, configured: bool, state: str = "running") -> SourceStatus:
    return SourceStatus(
        source=source,
        state=state,  # type: ignore[arg-type]
        configured=configured,
        answered=True,
    )


def reading(regime: str) -> Figures:
    return Figures(
        symbol="AAPL",
        regime=regime,  # type: ignore[arg-type]
        atr_pct=2.0,
        bars=252,
        timeframe="1Day",
        as_of=NOW,
    )


def regime(name: str) -> list[Message]:
    """Two equal readings: the regime is in force."""
    return [reading(name), reading(name)]


def hear(config: Config, *messages: Message, at: int = NOW) -> ConsensusState:
    decider = consensus(config)
    state = decider.initial
    for n, message in enumerate(messages, 1):
        state = decider.evolve(state, Heard(WordId(n, 0), at, message))
    return state


def cycle(
    config: Config, *messages: Message, at: int = NOW, n: int = 1
) -> tuple[Verdict, Signal | None]:
    """What a cycle comes to for AAPL after these words."""
    state = hear(config, *messages, at=min(at, NOW))
    said = step(consensus(config), state, Heard(WordId(1000, 0), at, Decide(n=n))).said
    closed = said[-1]
    assert isinstance(closed, CycleClosed)
    verdict = next(one for one in closed.verdicts if one.symbol == "AAPL")
    signal = next((one for one in said if isinstance(one, Signal)), None)
    return verdict, signal


casts = st.tuples(
    st.sampled_from(["LONG", "SHORT", "NEUTRAL"]),
    st.floats(0, 100, allow_nan=False),
)
ballots = st.dictionaries(st.sampled_from(ALL), casts, max_size=len(ALL))
"""Every source may say anything, or nothing."""


def mirrored(votes: Votes) -> Votes:
    other = {"LONG": "SHORT", "SHORT": "LONG", "NEUTRAL": "NEUTRAL"}
    return {source: (other[direction], one) for source, (direction, one) in votes.items()}
