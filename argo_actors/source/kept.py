"""What outlives a source's behaviour, which may crash or be parked."""

from collections import Counter
from typing import Any

from ..messages.market import MarketHours
from ..units import UtcNanos
from .limiter import Limiter


class Kept:
    """The hours, what its plan has left, what it came to since the process began, an operator's word."""

    def __init__(self) -> None:
        self.hours: MarketHours | None = None
        self.limiter: Limiter | None = None
        self.off = ""
        """Who took it out of use, and why; empty while it is in use."""
        self.answered = False
        """It has answered, or failed, at least once: nobody waits for its first word any more."""
        self.prompt = True
        """Its last call ended well, and in time for the cycle: cycles wait for it."""
        self.answered_at: UtcNanos = 0
        self.calls = 0
        self.opinions = 0
        self.refused: Counter[str] = Counter()
        """How often there was nothing to say, by reason."""

    def counts(self, now: UtcNanos) -> dict[str, Any]:
        """For people; may be read from any thread."""
        return {
            "answered_at": self.answered_at or None,
            "calls": self.calls,
            "calls_today": 0 if self.limiter is None else self.limiter.today(now),
            "opinions": self.opinions,
            "no_opinion": dict(self.refused),
        }
