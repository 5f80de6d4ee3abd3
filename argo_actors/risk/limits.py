"""The loss day, the drawdown and their levels: persisted, equity with open profit, never re-armed by chance."""

from decimal import Decimal
from typing import Literal

import msgspec

from ..config import Config, amount, loss_limits, loss_rules
from ..units import MINUTE, SECOND, ZERO, Usd, UtcNanos, exact, percent

Level = Literal["NORMAL", "WARNING", "CRITICAL", "BREACH"]
CONFIRM_NANOS = 2 * SECOND
CONFIRM_PCT = Decimal("0.5")
START_NANOS = 40 * SECOND
"""A later reading says nothing about the one that a day started with."""
BOUNDARY_NANOS = MINUTE
"""A reading so near the loss day's beginning is its equity (readings come every 30 s)."""
FIRST_READING = "the day's first reading is its start"


class Losses(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """What the limits are measured against."""

    loss_day: UtcNanos = 0
    day_start_equity: Usd = ZERO
    """The base of the day's loss: equity, balance or the higher, as the rules say."""
    peak_equity: Usd = ZERO
    net_transfers: Usd = ZERO
    """Of the running loss day."""
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
    initial_equity: Usd = ZERO
    """The base of a static drawdown: the rules' figure, else the first reading; moved by transfers."""
    balance: Usd = ZERO
    """The broker's newest equity without open profit."""
    first_at: UtcNanos = 0
    """Of the first reading: what was transferred before it is in it."""
    raised_at: UtcNanos = 0
    """When the peak was last raised by a reading, and what it was before."""
    peak_before: Usd = ZERO
    asked_at: UtcNanos = 0
    """When a reading was last asked for to confirm a suspicion."""
    high: Usd = ZERO
    """A reading above the peak that no second one has confirmed yet, and when it was."""
    high_at: UtcNanos = 0
    start_at: UtcNanos = 0
    """Of the reading that the loss day started with: what was transferred before it is in it."""
    start_sure: bool = True
    """A second reading has confirmed the start, or none came in time to."""


def current(losses: Losses) -> Usd:
    """Equity by our own mark, else the broker's."""
    return losses.equity if losses.mark is None else losses.mark


def daily_loss_pct(losses: Losses, equity: Usd | None = None) -> Decimal:
    """Percent lost since the loss day began, transfers taken out; negative when won."""
    if losses.day_start_equity <= 0:
        return ZERO
    now = current(losses) if equity is None else equity
    return percent(losses.day_start_equity - now + losses.net_transfers, losses.day_start_equity)


def drawdown_base(config: Config, losses: Losses) -> Usd:
    """What a drawdown is measured from: the highest confirmed equity, or where the account began."""
    rules = loss_rules(config)
    return losses.initial_equity if rules.drawdown == "static" else losses.peak_equity


def drawdown_pct(config: Config, losses: Losses, equity: Usd | None = None) -> Decimal:
    """Percent below the base of the drawdown; negative above a static one."""
    base = drawdown_base(config, losses)
    if base <= 0:
        return ZERO
    now = current(losses) if equity is None else equity
    return percent(base - now, base)


def headroom(config: Config, losses: Losses) -> tuple[Usd, Usd]:
    """Dollars that may still be lost before the daily limit, and before the drawdown limit."""
    daily, drawdown = (amount(one) for one in loss_limits(config))
    equity, base = current(losses), drawdown_base(config, losses)
    by_day = losses.day_start_equity * daily / 100 - (losses.day_start_equity - equity)
    by_peak = base * drawdown / 100 - (base - equity)
    return exact(by_day - losses.net_transfers), exact(by_peak)


def level(config: Config, losses: Losses) -> Level:
    """How near the nearer limit is."""
    if losses.tripped:
        return "BREACH"
    daily, drawdown = (amount(one) for one in loss_limits(config))
    used = max(daily_loss_pct(losses) / daily, drawdown_pct(config, losses) / drawdown) * 100
    if used >= 100:
        return "BREACH"
    if used >= amount(config.risk.critical_pct):
        return "CRITICAL"
    return "WARNING" if used >= amount(config.risk.warning_pct) else "NORMAL"


def read_equity(
    config: Config, losses: Losses, equity: Usd, at: UtcNanos, balance: Usd | None = None
) -> Losses:
    """The losses after a broker reading.

    A breach needs two readings, two seconds apart, that agree with each other and with our own mark.
    """
    mark = losses.mark
    losses = msgspec.structs.replace(
        losses,
        equity=equity,
        equity_at=at,
        mark=None,
        balance=equity if balance is None else balance,
    )
    losses = _begun(config, losses)
    crossed = crossing(config, losses, equity)
    if not crossed:
        return _raised(msgspec.structs.replace(losses, suspected_at=0, suspected_equity=ZERO))
    if mark is not None and not _agree(mark, equity):
        return msgspec.structs.replace(losses, suspected_at=at, suspected_equity=ZERO)
    if losses.suspected_at == 0 or not _agree(losses.suspected_equity, equity):
        return msgspec.structs.replace(losses, suspected_at=at, suspected_equity=equity)
    if at - losses.suspected_at >= CONFIRM_NANOS:
        return msgspec.structs.replace(losses, tripped=losses.tripped or crossed)
    return losses


def _begun(config: Config, losses: Losses) -> Losses:
    """The first reading of all, the first of a day whose beginning was missed, and the one after it.

    A start is measured from all day long: one wrong figure must become neither a loss nor room for one.
    """
    if losses.first_at == 0:
        losses = _founded(config, losses)
    if losses.day_start_equity == 0:
        return _started(config, losses)
    age = losses.equity_at - losses.start_at
    if losses.start_sure or age < CONFIRM_NANOS:
        return losses
    now = exact(_day_base(config, losses) - losses.net_transfers)
    if age > START_NANOS or _agree(now, losses.day_start_equity):
        return msgspec.structs.replace(losses, start_sure=True)
    return _started(
        config, _founded(config, losses) if losses.start_at == losses.first_at else losses
    )


def _founded(config: Config, losses: Losses) -> Losses:
    """What drawdowns are measured from begins with this reading."""
    begun = amount(loss_rules(config).initial_balance)
    again = losses.first_at != 0
    known = ZERO if again else losses.initial_equity
    return msgspec.structs.replace(
        losses,
        first_at=losses.equity_at,
        initial_equity=known or begun or losses.equity,
        peak_equity=losses.equity if again else losses.peak_equity,
        raised_at=losses.equity_at if again else losses.raised_at,
        high=ZERO,
        high_at=0,
    )


def _started(config: Config, losses: Losses) -> Losses:
    """The loss day starts with this reading."""
    return msgspec.structs.replace(
        losses,
        day_start_equity=_day_base(config, losses),
        net_transfers=ZERO,
        start_at=losses.equity_at,
        start_sure=False,
        note=FIRST_READING,
    )


def _day_base(config: Config, losses: Losses) -> Usd:
    rules = loss_rules(config)
    match rules.daily_base:
        case "equity":
            return losses.equity
        case "balance":
            return losses.balance
        case "higher":
            return max(losses.equity, losses.balance)


def _raised(losses: Losses) -> Losses:
    """A new peak needs two readings, two seconds apart: one wrong figure must not become a drawdown."""
    now, at = losses.equity, losses.equity_at
    if now <= losses.peak_equity:
        return msgspec.structs.replace(losses, high=ZERO, high_at=0)
    if losses.peak_equity == 0:
        return msgspec.structs.replace(losses, peak_equity=now, raised_at=at)
    if losses.high == 0:
        return msgspec.structs.replace(losses, high=now, high_at=at)
    if at - losses.high_at < CONFIRM_NANOS:
        return losses
    older = losses.high <= now
    return msgspec.structs.replace(
        losses,
        peak_equity=losses.high if older else now,
        peak_before=losses.peak_equity,
        raised_at=losses.high_at if older else at,
        high=now,
        high_at=at,
    )


def transferred(losses: Losses, dollars: Usd, at: UtcNanos) -> Losses:
    """The losses after money came (or went, negative): neither profit nor loss.

    A peak that a reading raised after the transfer already contains it, so it is the peak before that
    which moves. What came before the first reading is in it, what came before the loss day in its start.
    """
    if losses.first_at == 0 or at <= losses.first_at:
        return losses
    contained = losses.raised_at > at
    moved = (losses.peak_before if contained else losses.peak_equity) + dollars
    today = at >= max(losses.loss_day, losses.start_at)
    return msgspec.structs.replace(
        losses,
        peak_equity=exact(max(moved, losses.peak_equity) if contained else moved),
        peak_before=exact(losses.peak_before + dollars),
        initial_equity=exact(losses.initial_equity + dollars),
        net_transfers=exact(losses.net_transfers + (dollars if today else ZERO)),
        high=exact(losses.high + dollars) if losses.high and losses.high_at <= at else losses.high,
    )


def confirm_due(losses: Losses) -> UtcNanos | None:
    """When a reading is to be asked for: our mark or one reading crossed a limit, or a day has started."""
    start = losses.start_at + CONFIRM_NANOS
    if not losses.start_sure and losses.asked_at < start:
        return start
    if losses.suspected_at == 0 or losses.tripped:
        return None
    first = losses.suspected_equity == 0
    due = losses.suspected_at if first else losses.suspected_at + CONFIRM_NANOS
    return due if losses.asked_at < due else None


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
    return "drawdown" if drawdown_pct(config, losses, equity) >= drawdown else ""


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
        day_start_equity=_day_base(config, losses) if seen else ZERO,
        start_at=losses.equity_at,
        start_sure=not seen,
        net_transfers=ZERO,
        tripped=losses.tripped if stays else "",
        suspected_at=0 if not stays else losses.suspected_at,
        note=FIRST_READING if losses.equity_at > loss_day + BOUNDARY_NANOS else "",
    )


def resumed(losses: Losses, reset_peak: bool) -> Losses:
    """An operator cleared what had tripped."""
    losses = msgspec.structs.replace(losses, tripped="", suspected_at=0, suspected_equity=ZERO)
    if not reset_peak:
        return losses
    return msgspec.structs.replace(losses, peak_equity=losses.equity, initial_equity=losses.equity)


def _agree(one: Usd, other: Usd) -> bool:
    return abs(one - other) * 100 <= CONFIRM_PCT * max(abs(one), abs(other))
