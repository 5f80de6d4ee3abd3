"""Who stops, who starts, when to give up: supervision as arithmetic (after OTP's supervisor)."""

from typing import Literal, NamedTuple

from .spec import GroupSpec, Policy, Strategy


class Tally(NamedTuple):
    """A child's restarts: when (machine seconds, only those within the period count) and how many ever."""

    times: tuple[float, ...] = ()
    total: int = 0


class Restarting(NamedTuple):
    """Start it again after the delay."""

    tally: Tally
    delay_seconds: float


class GivingUp(NamedTuple):
    """It failed too often, or it is not to be restarted."""

    tally: Tally
    reason: Literal["intensity", "temporary"]


def failed(tally: Tally, policy: Policy, now: float, jitter: float) -> Restarting | GivingUp:
    """What to do with a child that has just failed; `jitter` is in [0, 1), `now` machine seconds."""
    if policy.restart == "temporary":
        return GivingUp(tally, "temporary")
    recent = (*(at for at in tally.times if now - at < policy.period_seconds), now)
    counted = Tally(recent, tally.total + 1)
    if len(recent) > policy.intensity:
        return GivingUp(counted, "intensity")
    return Restarting(counted, backoff(len(recent) - 1, policy, jitter))


def backoff(failures: int, policy: Policy, jitter: float) -> float:
    """Seconds before the next start: doubling from the first delay, capped, between half and whole."""
    whole = min(policy.backoff_max_seconds, policy.backoff_seconds * 2.0 ** min(failures, 30))
    return whole * (0.5 + jitter / 2)


def to_restart(strategy: Strategy, children: tuple[str, ...], failed: str) -> tuple[str, ...]:
    """Children to stop, last first, and then to start, first first."""
    match strategy:
        case "one_for_one":
            return (failed,)
        case "rest_for_one":
            return children[children.index(failed) :]
        case "one_for_all":
            return children


def group_of(groups: tuple[GroupSpec, ...], address: str) -> GroupSpec | None:
    """The group that a child belongs to."""
    for group in groups:
        if any(child.address == address for child in group.children):
            return group
    return None
