"""A provider's plan as two token buckets in market time: calls a minute and calls a day."""

from ..units import DAY, MINUTE, UtcNanos


class Limiter:
    """Plans the calls of one source."""

    def __init__(self, per_minute: float, per_day: float) -> None:
        self._rates = ((per_minute, MINUTE), (per_day, DAY))
        self._left = [per_minute, per_day]
        self._at: UtcNanos = 0

    def take(self, now: UtcNanos, calls: int) -> bool:
        """Use so many calls, if the plan has them."""
        if self._at:
            for i, (most, span) in enumerate(self._rates):
                grown = max(0, now - self._at) / span * most
                self._left[i] = min(most, self._left[i] + grown)
        self._at = max(now, self._at)
        if min(self._left) < calls:
            return False
        self._left = [left - calls for left in self._left]
        return True
