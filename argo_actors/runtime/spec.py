"""What a supervisor knows of its children, in OTP's words."""

from typing import Literal, NamedTuple

Restart = Literal["permanent", "transient", "temporary"]
Strategy = Literal["one_for_one", "rest_for_one", "one_for_all"]


class Policy(NamedTuple):
    """How often a child may fail, and how long to wait before it works again."""

    restart: Restart = "permanent"
    intensity: int = 3
    """More restarts than this within the period, and the child is given up."""
    period_seconds: float = 60.0
    backoff_seconds: float = 0.05
    backoff_max_seconds: float = 60.0
    probe_seconds: float = 3600.0
    """A parked child is tried again so often."""
    shutdown_seconds: float = 5.0
    """OTP's `shutdown`: how long an ordered stop waits for the child before it goes on."""


class ChildSpec(NamedTuple):
    """A child: its address and its policy."""

    address: str
    policy: Policy = Policy()


class GroupSpec(NamedTuple):
    """Children under one strategy."""

    name: str
    strategy: Strategy
    children: tuple[ChildSpec, ...]
    escalates: bool = True
    """A child given up ends the engine; otherwise it is parked and its siblings never notice."""
