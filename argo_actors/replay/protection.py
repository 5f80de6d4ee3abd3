"""The protection ledger of the past: every interval without a stop, from the journal alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..journal.reader import day_files, records
from ..messages import Message
from ..messages.order import PositionClosed, Protected, ProtectionGap, Unprotected
from ..units import SECOND, Symbol, UtcNanos


class Interval(NamedTuple):
    """One interval; `end` is None while it lasts (or where the journal ends in it)."""

    symbol: Symbol
    position_id: str
    qty: str
    begin: UtcNanos
    end: UtcNanos | None
    cause: str
    ended: str
    order: str
    flagged: bool

    @property
    def seconds(self) -> float | None:
        """Its length, None while it lasts."""
        return None if self.end is None else (self.end - self.begin) / SECOND


def history(directory: Path) -> list[Interval]:
    """The intervals of an account's journal, oldest first."""
    words = (
        message
        for path in day_files(directory)
        for record in records(path, check=False)
        for message in record.said
    )
    return intervals(words)


def intervals(words: Iterable[Message]) -> list[Interval]:
    """The intervals that these words tell of; the flagged ones that have not ended come last."""
    found: list[Interval] = []
    open_: dict[Symbol, Interval] = {}
    for message in words:
        match message:
            case ProtectionGap():
                found.append(interval(message))
                open_.pop(message.symbol, None)
            case Unprotected():
                open_[message.symbol] = Interval(
                    message.symbol,
                    message.position_id,
                    "",
                    message.since,
                    None,
                    message.cause,
                    "open",
                    "",
                    True,
                )
            case Protected() | PositionClosed():
                open_.pop(message.symbol, None)
    return sorted(found, key=lambda one: one.begin) + sorted(open_.values())


def interval(gap: ProtectionGap) -> Interval:
    """An interval that is over."""
    return Interval(
        gap.symbol,
        gap.position_id,
        f"{gap.qty:f}",
        gap.begin,
        gap.end,
        gap.cause,
        gap.ended if gap.reason is None else f"{gap.ended}: {gap.reason}",
        gap.order,
        gap.flagged,
    )
