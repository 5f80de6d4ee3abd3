"""What the demo's vendors do wrong when they are told to: a plan of the venue's faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cyclopts import Parameter

from ..errors import UsageError

PATHS = {
    "alpaca": "/alpaca/*",
    "massive": "/massive/*",
    "yfinance": "/yahoo/*",
    "alpha_vantage": "/alpha_vantage/*",
    "xai_grok": "/xai/*",
    "sonar": "/perplexity/*",
}
"""Where each source's vendor answers in the simulated world."""
SLOW_SECONDS = 2.0
DEADLINE_SECONDS = 1.0
"""Of a slow source: its answers come later, and the demo does not stand still for long."""
GARBAGE = (("html", 0.25), ("truncated", 0.34), ("nan", 0.5), ("empty", 1.0))
"""One after the other: what an earlier one leaves is for the next."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Troubles:
    """Which sources have which trouble."""

    bad_key: tuple[str, ...] = ()
    """A source whose key is refused, as the vendor would refuse it."""
    slow: tuple[str, ...] = ()
    """A source whose answers come after its deadline."""
    down: tuple[str, ...] = ()
    """A source whose connections end without an answer."""
    garbage: tuple[str, ...] = ()
    """A source whose answers are pages, halves, NaN or nothing."""

    def by_kind(self) -> dict[str, tuple[str, ...]]:
        """The sources of each kind of trouble. Raises UsageError for one that there is not."""
        found = {kind.replace("_", "-"): names for kind, names in vars(self).items()}
        for kind, names in found.items():
            for name in names:
                if name not in PATHS:
                    raise UsageError(
                        f"--{kind} {name}: there is no such source",
                        fix=f"one of {', '.join(PATHS)}",
                    )
        return found

    def settings(self) -> tuple[str, ...]:
        """What the demo's configuration needs for it."""
        return tuple(f"sources.{name}.timeout_seconds={DEADLINE_SECONDS}" for name in self.slow)


def plan(troubles: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The venue's fault plan for sources by `bad-key`, `slow`, `down` and `garbage`."""
    return {
        "rules": [
            {"on": "request", "name": f"{kind} {name} {n}", "path": PATHS[name]} | rule
            for kind, names in troubles.items()
            for name in names
            for n, rule in enumerate(_rules(kind))
        ]
    }


def _rules(kind: str) -> list[dict[str, Any]]:
    match kind:
        case "bad-key":
            return [{"fault": {"kind": "vendor", "how": "bad_key"}}]
        case "slow":
            return [{"fault": {"kind": "delay", "seconds": SLOW_SECONDS}}]
        case "down":
            return [{"fault": {"kind": "drop"}}]
    return [
        {"fault": {"kind": "garble", "how": how}, "probability": share} for how, share in GARBAGE
    ]
