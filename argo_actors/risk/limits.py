"""The loss day, the drawdown and their levels: persisted, equity with open profit, never re-armed by chance."""

from decimal import Decimal
from typing import Literal

import msgspec

from ..config import Config, amount, loss_limits
from ..units import MINUTE, SECOND, ZERO, Usd, UtcNanos, percent

Level = Literal["NORMAL", "WARNING", "CRITICAL", "BREACH"]
CONFIRM_NANOS = 2 * SECOND
CONFIRM_PCT = Decimal("0.5")
BOUNDARY_NANOS = MINUTE
"""A reading so near the loss day's beginning is its equity (readings come every 30 s)."""
FIRST_READING = "the day's first reading is its start"


class Losses(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """What the limits are measured against."""

    loss_day: UtcNanos = 0
    day_start_equity: Usd = ZERO
    peak_equity: Usd = ZERO
    net_transfers: Usd = ZERO
    equity: Usd = ZERO
    """The broker's newest."""
    equity_at: UtcNanos = 0
    mark: Usd | None = None
    """Our own mark-to-market since the broker's reading."""
    suspected_at: UtcNanos = 0
    """Our mark or a first reading crossed a limit; not yet confirmed."""
    suspected_equity: Usd = ZERO
    """The broker's first reading beyond the limit; zero while only our own mark says so."""
    tripped: Literal["", "daily", "drawdown"] = ""
    note: str = ""


def current(losses: Losses) -> Usd:
    """Equity by our own mark, else the broker's."""
    return losses.equity if losses.mark is None else losses.mark


def daily_loss_pct(losses: Losses, equity: Usd | None = None) -> Decimal:
    """Percent lost since the loss day began, transfers taken out; negative when won."""
    if losses.day_start_equity <= 0:
        return ZERO
    now = current(losses) if equity is None else equity
    return percent(losses.day_start_equity - now + losses.net_transfers, losses.day_start_equity)


def drawdown_pct(losses: Losses, equity: Usd | None = None) -> Decimal:
    """Percent below the highest confirmed equity."""
    if losses.peak_equity <= 0:
        return ZERO
    now = current(losses) if equity is None else equity
    return percent(losses.peak_equity - now, losses.peak_equity)


def level(config: Config, losses: Losses) -> Level:
    """How near the nearer limit is."""
    if losses.tripped:
        return "BREACH"
    daily, drawdown = (amount(one) for one in loss_limits(config))
    used = max(daily_loss_pct(losses) / daily, drawdown_pct(losses) / drawdown) * 100
    if used >= 100:
        return "BREACH"
    if used >= amount(config.risk.critical_pct):
        return "CRITICAL"
    return "WARNING" if used >= amount(config.risk.warning_pct) else "NORMAL"


def read_equity(config: Config, losses: Losses, equity: Usd, at: UtcNanos) -> Losses:
    """The losses after a broker reading; a breach needs two readings, two seconds apart, that agree."""
    losses = msgspec.structs.replace(losses, equity=equity, equity_at=at, mark=None)
    if losses.day_start_equity == 0:
        losses = msgspec.structs.replace(losses, day_start_equity=equity, note=FIRST_READING)
    crossed = crossing(config, losses, equity)
    if not crossed:
        return msgspec.structs.replace(
            losses,
            peak_equity=max(losses.peak_equity, equity),
            suspected_at=0,
            suspected_equity=ZERO,
        )
    if losses.suspected_at == 0 or not _agree(losses.suspected_equity, equity):
        return msgspec.structs.replace(losses, suspected_at=at, suspected_equity=equity)
    if at - losses.suspected_at >= CONFIRM_NANOS:
        return msgspec.structs.replace(losses, tripped=losses.tripped or crossed)
    return losses


def mark_equity(config: Config, losses: Losses, equity: Usd, at: UtcNanos) -> Losses:
    """The losses under our own marks: entries stop at once, flattening waits for the broker."""
    losses = msgspec.structs.replace(losses, mark=equity)
    if crossing(config, losses, equity) and losses.suspected_at == 0:
        return msgspec.structs.replace(losses, suspected_at=at, suspected_equity=ZERO)
    return losses


def crossing(config: Config, losses: Losses, equity: Usd) -> Literal["", "daily", "drawdown"]:
    """The limit that an equity crosses."""
    daily, drawdown = (amount(one) for one in loss_limits(config))
    if daily_loss_pct(losses, equity) >= daily:
        return "daily"
    return "drawdown" if drawdown_pct(losses, equity) >= drawdown else ""


def new_day(config: Config, losses: Losses, loss_day: UtcNanos) -> Losses:
    """A loss day begins: the standard daily limit re-arms, drawdown and prop limits stay tripped.

    When the boundary was missed, the day starts with the first reading after it.
    """
    if loss_day <= losses.loss_day:
        return losses
    stays = losses.tripped == "drawdown" or (losses.tripped and config.prop_firm.enabled)
    seen = losses.equity_at >= loss_day - BOUNDARY_NANOS
    return msgspec.structs.replace(
        losses,
        loss_day=loss_day,
        day_start_equity=losses.equity if seen else ZERO,
        net_transfers=ZERO,
        tripped=losses.tripped if stays else "",
        suspected_at=0 if not stays else losses.suspected_at,
        note=FIRST_READING if losses.equity_at > loss_day + BOUNDARY_NANOS else "",
    )


def resumed(losses: Losses, reset_peak: bool) -> Losses:
    """An operator cleared what had tripped."""
    return msgspec.structs.replace(
        losses,
        tripped="",
        suspected_at=0,
        suspected_equity=ZERO,
        peak_equity=losses.equity if reset_peak else losses.peak_equity,
    )


def _agree(one: Usd, other: Usd) -> bool:
    return abs(one - other) * 100 <= CONFIRM_PCT * max(abs(one), abs(other))
