"""A language model's spending of a UTC day: capped before a call, kept over restarts."""

from pathlib import Path

import msgspec

from ..errors import TransientProviderError
from ..units import DAY, SECOND, UtcNanos
from .schedule import next_utc_day


class _Spent(msgspec.Struct):
    day: int = 0
    """Days since 1970, UTC."""
    usd: float = 0.0


class Budget:
    """What one source may spend; `file` remembers it, None forgets it with the process."""

    def __init__(self, daily_usd: float, file: Path | None = None) -> None:
        self.daily_usd = daily_usd
        self.paid_usd = 0.0
        """Since this process began."""
        self._file = file
        self._spent = _Spent() if file is None else _read(file)

    @property
    def today_usd(self) -> float:
        """Spent of the last day on which anything was."""
        return self._spent.usd

    @property
    def note(self) -> str:
        """For people."""
        return f"spent ${self._spent.usd:.2f} of ${self.daily_usd:.2f} today (UTC)"

    def reserve(self, now: UtcNanos, usd: float) -> None:
        """Set aside what a call may cost. Raises TransientProviderError where that is more than is left."""
        if now // DAY != self._spent.day:
            self._spent = _Spent(now // DAY)
        if self._spent.usd + usd > self.daily_usd:
            raise TransientProviderError(
                f"daily budget: {self.note}; left alone until midnight UTC",
                fix="raise the source's daily_budget_usd, or wait",
                retry_after=(next_utc_day(now) - now) / SECOND,
            )
        self._add(usd)

    def settle(self, reserved: float, cost: float) -> None:
        """What the call came to in place of what was reserved for it."""
        self._add(cost - reserved)

    def _add(self, usd: float) -> None:
        self.paid_usd += usd
        self._spent.usd = max(0.0, self._spent.usd + usd)
        if self._file is None:
            return
        try:
            written = self._file.with_suffix(".new")
            written.write_bytes(msgspec.json.encode(self._spent))
            written.replace(self._file)
        except OSError as error:
            raise TransientProviderError(
                f"the day's spending cannot be kept: {error.strerror}", fix="free the disk"
            ) from None


def _read(file: Path) -> _Spent:
    """A file that is missing or torn starts the day anew: its loss costs one day's budget at most."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Spent)
    except (OSError, msgspec.DecodeError):
        return _Spent()
