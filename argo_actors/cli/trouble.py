"""What the demo's vendors do wrong when they are told to: a plan of the venue's faults."""

from collections.abc import Mapping
from typing import Any

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
Troubles = Mapping[str, tuple[str, ...]]
"""Sources by `bad-key`, `slow`, `down` and `garbage`."""


def check(troubles: Troubles) -> None:
    """Raises UsageError for a source that there is not."""
    for kind, names in troubles.items():
        for name in names:
            if name not in PATHS:
                raise UsageError(
                    f"--{kind} {name}: there is no such source", fix=f"one of {', '.join(PATHS)}"
                )


def plan(troubles: Troubles) -> dict[str, Any]:
    """The venue's fault plan."""
    return {
        "rules": [
            {"on": "request", "name": f"{kind} {name} {n}", "path": PATHS[name]} | rule
            for kind, names in troubles.items()
            for name in names
            for n, rule in enumerate(_rules(kind))
        ]
    }


def settings(troubles: Troubles) -> tuple[str, ...]:
    """What the demo's configuration needs for it."""
    return tuple(
        f"sources.{name}.timeout_seconds={DEADLINE_SECONDS}" for name in troubles.get("slow", ())
    )


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
