"""One token bucket for all calls, in market time; a share is kept for exits and cancels."""

from ..units import MINUTE, SECOND, UtcNanos

BURST = 6
"""A burst is this part of a minute's calls: 150 + 25 of Alpaca's 200 leave room for the questions under
way that need more calls than they took."""


class Limiter:
    """Calls a minute; urgent ones may use the reserve."""

    def __init__(self, per_minute: float, reserved: float) -> None:
        self._per_minute = per_minute
        self._most = per_minute / BURST
        self._reserved = min(reserved / BURST, self._most - 1)
        self._tokens = self._most
        self._at: UtcNanos = 0
        self._closed_until: UtcNanos = 0
        self._taken = 0
        self._made = 0

    def take(self, now: UtcNanos, *, urgent: bool, calls: int = 1) -> bool:
        """Use so many calls, if there are as many."""
        self._refill(now)
        least = float(calls) if urgent else self._reserved + calls
        if now < self._closed_until or self._tokens < min(least, self._most):
            return False
        self._tokens -= calls
        self._taken += calls
        return True

    def made(self, calls: int, now: UtcNanos) -> None:
        """So many calls have really been made: one turn may have needed more than it took."""
        self._refill(now)
        extra = calls - self._made - self._taken
        if extra > 0:
            self._tokens -= extra
            self._made, self._taken = calls, 0

    def close(self, now: UtcNanos, seconds: float) -> None:
        """The broker said 429: nothing until then."""
        self._closed_until = max(self._closed_until, now + int(min(seconds, 60.0) * SECOND))

    def left(self, now: UtcNanos) -> float:
        """Calls that are left now."""
        self._refill(now)
        return self._tokens

    def _refill(self, now: UtcNanos) -> None:
        if self._at:
            grown = (now - self._at) / MINUTE * self._per_minute
            self._tokens = min(self._most, self._tokens + max(0.0, grown))
        self._at = max(now, self._at)
