"""Alpaca's budget of calls a minute, and the headers that tell how much of it is left."""

CALLS_A_MINUTE = 200
MINUTE = 60_000_000_000


class CallBudget:
    """So many calls in each minute of market time, for one account."""

    def __init__(self, calls_a_minute: int) -> None:
        self._most = calls_a_minute
        self._calls = 0
        self._minute = -1

    def spend(self, now: int) -> tuple[bool, dict[str, str]]:
        """Whether one more call is within the budget, and the answer's headers."""
        minute = now // MINUTE
        if minute != self._minute:
            self._minute, self._calls = minute, 0
        self._calls += 1
        return self._calls <= self._most, {
            "X-RateLimit-Limit": str(self._most),
            "X-RateLimit-Remaining": str(max(self._most - self._calls, 0)),
            "X-RateLimit-Reset": str((minute + 1) * 60),
        }
