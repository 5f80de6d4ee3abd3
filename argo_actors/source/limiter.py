"""A provider's plan as token buckets in market time: calls a minute, calls a day, and their spacing."""

from ..units import DAY, MINUTE, SECOND, UtcNanos


class Limiter:
    """Plans the calls of one source."""

    def __init__(self, per_minute: float, per_day: float, spacing_seconds: float = 0.0) -> None:
        self._rates = ((per_minute, MINUTE), (per_day, DAY))
        self._left = [per_minute, per_day]
        self._spacing = int(spacing_seconds * SECOND)
        self._at: UtcNanos = 0
        self._next: UtcNanos = 0
        self._day = 0
        self._today = 0

    def take(self, now: UtcNanos, calls: int) -> bool:
        """Use so many calls, if the plan has them."""
        if self._at:
            for i, (most, span) in enumerate(self._rates):
                grown = max(0, now - self._at) / span * most
                self._left[i] = min(most, self._left[i] + grown)
        self._at = max(now, self._at)
        if now < self._next or min(self._left) < calls:
            return False
        self._use(calls, now)
        self._next = now + self._spacing
        return True

    def charge(self, calls: int) -> None:
        """Count calls that were made beyond those taken: later ones wait for them."""
        self._use(calls, self._at)

    def today(self, now: UtcNanos) -> int:
        """Calls of this UTC day."""
        return self._today if now // DAY == self._day else 0

    def _use(self, calls: int, now: UtcNanos) -> None:
        self._today = self.today(now) + calls
        self._day = now // DAY
        self._left = [left - calls for left in self._left]
