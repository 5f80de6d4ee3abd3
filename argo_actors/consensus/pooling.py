"""Weighted Consensus v6: opinions to family votes, participation and a signed strength."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from ..config import FAMILY_OF
from ..messages.opinion import Direction
from ..messages.signal import FamilyVote, MemberVote

FAMILIES = ("market_data", "technical", "sentiment", "analysis")
PRICE_FAMILIES = ("market_data", "technical")
"""Language models never trade alone: one of these must have the action's sign."""
_SIX = Decimal("0.000001")
_SIGN = {"LONG": 1.0, "SHORT": -1.0, "NEUTRAL": 0.0}


class Cast(NamedTuple):
    """A source's valid opinion, as far as the vote needs it."""

    source: str
    direction: Direction
    confidence: float


class Pooled(NamedTuple):
    """What the families say together."""

    families: tuple[FamilyVote, ...]
    participation: float
    strength: float
    """S in [-1, 1]; 0 when nobody votes."""
    voting: int
    configured: int


def vote(cast: Cast) -> float:
    """x in [-1, 1]: the confidence with the direction's sign, NEUTRAL 0."""
    return _SIGN[cast.direction] * cast.confidence / 100


def pool(
    casts: Iterable[Cast],
    configured: Iterable[str],
    weights: Mapping[str, float],
    family_of: Mapping[str, str] = FAMILY_OF,
) -> Pooled:
    """Pool valid opinions of configured sources; members vote in the order of `family_of`."""
    present = {family_of[source] for source in configured}
    by_source = {cast.source: cast for cast in casts}
    members: dict[str, list[Cast]] = {name: [] for name in FAMILIES if name in present}
    for source, family in family_of.items():
        if source in by_source and family in members:
            members[family].append(by_source[source])
    families = tuple(_family(name, weights[name], votes) for name, votes in members.items())
    voting = [one for one in families if one.vote is not None]
    weight = sum(one.weight for one in voting)
    whole = sum(one.weight for one in families)
    strength = sum(one.weight * (one.vote or 0.0) for one in voting) / weight if weight else 0.0
    return Pooled(
        families,
        round6(weight / whole) if whole else 0.0,
        round6(strength),
        len(voting),
        len(families),
    )


def _family(name: str, weight: float, members: Sequence[Cast]) -> FamilyVote:
    votes = tuple(MemberVote(source=one.source, vote=round6(vote(one))) for one in members)
    abstains = all(one.direction == "NEUTRAL" for one in members)
    mean = None if abstains else sum(vote(one) for one in members) / len(members)
    return FamilyVote(
        name=name, weight=weight, vote=None if mean is None else round6(mean), members=votes
    )


def round6(value: float) -> float:
    """Half even to six places, of the decimal number that the float spells."""
    return float(Decimal(repr(value)).quantize(_SIX, ROUND_HALF_EVEN))


def backed(families: Iterable[FamilyVote], sign: float) -> bool:
    """Market data or technical has the action's sign."""
    return any(
        one.name in PRICE_FAMILIES and one.vote is not None and one.vote * sign > 0
        for one in families
    )
