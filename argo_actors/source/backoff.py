"""How long a failing source is left alone: doubling with full jitter, then a breaker (pure, market time)."""

import hashlib

from ..units import SECOND, UtcNanos

RANGE = (5.0, 300.0)
"""The first wait and the longest, where a vendor's own are not known."""
JITTER_SECONDS = 5.0
"""At most so much longer than the vendor's own wish."""
LEAST_SECONDS = 1.0
BREAKER_FAILURES = 5


class Backoff:
    """Failures in a row of one source, and when it may be asked again."""

    def __init__(self, name: str, between: tuple[float, float] = RANGE) -> None:
        self._name = name
        self._first, self._most = between
        self.failures = 0
        self.until: UtcNanos = 0

    @property
    def open(self) -> bool:
        """The breaker is open: one small question at a time, until one is answered."""
        return self.failures >= BREAKER_FAILURES

    def succeeded(self) -> None:
        """An answer closes the breaker."""
        self.failures = 0

    def failed(self, now: UtcNanos, retry_after: float | None) -> None:
        """One more failure; the vendor's own wish is the least wait."""
        whole = min(self._most, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        jitter = self._jitter(now)
        if retry_after is not None:
            seconds = retry_after + jitter * JITTER_SECONDS
        elif self.open:
            seconds = self._most * (0.9 + 0.1 * jitter)
        else:
            seconds = max(LEAST_SECONDS, whole * jitter)
        self.until = now + int(seconds * SECOND)

    def _jitter(self, now: UtcNanos) -> float:
        """In [0, 1); spread over sources and times, and the same again in a repeated simulation."""
        seed = f"{self._name}|{now}|{self.failures}".encode()
        return int.from_bytes(hashlib.blake2b(seed, digest_size=6).digest(), "big") / 2**48
