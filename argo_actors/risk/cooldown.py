"""After an exit, rest: per symbol and account, by reason, and after losing streaks."""

import msgspec

from ..config import Config
from ..messages.order import ExitReason
from ..messages.signal import Action
from ..units import MINUTE, SECOND, UtcNanos


class Rest(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """A symbol's recent history, as far as the cooldown needs it."""

    exit_at: UtcNanos = 0
    reason: ExitReason | None = None
    action: Action | None = None
    """The entry's direction, which must have been silent for a cycle since."""
    cleared: bool = True
    entries: int = 0
    """Entries filled on the running loss day."""
    losses: int = 0
    """Losing round trips in a row."""
    loss_day: UtcNanos = 0
    flip_until: UtcNanos = 0
    """`position_flip`: the other side needs no wait until then, once."""


def wait_until(config: Config, rest: Rest) -> UtcNanos:
    """The earliest time of the next entry in the symbol."""
    risk = config.risk
    if rest.reason is None:
        return 0
    minutes = {
        "stop": risk.cooldown_stop_minutes,
        "unprotected": risk.cooldown_stop_minutes,
        "operator": risk.cooldown_stop_minutes,
        "foreign": risk.cooldown_stop_minutes,
        "target": risk.cooldown_target_minutes,
        "signal": risk.cooldown_signal_minutes,
        "session": risk.cooldown_signal_minutes,
        "refused": risk.cooldown_refused_seconds * SECOND / MINUTE,
    }
    return rest.exit_at + int(minutes[rest.reason] * MINUTE)


def obstacle(
    config: Config,
    rest: Rest,
    action: Action,
    account_losses: int,
    now: UtcNanos,
    loss_day: UtcNanos,
) -> tuple[str, str]:
    """What keeps an entry in the symbol waiting and what it waits for; empty texts when nothing does."""
    risk = config.risk
    today = rest.loss_day == loss_day
    if account_losses >= risk.losing_trades_account:
        return f"{account_losses} losing trades in a row", "argo resume"
    if today and rest.losses >= risk.losing_trades_symbol:
        return f"{rest.losses} losing trades in a row here", "the next loss day"
    if today and rest.entries >= risk.entries_per_symbol_and_day:
        return f"{rest.entries} entries today", f"{risk.entries_per_symbol_and_day} a day"
    if flips(rest, action, now):
        return "", ""
    until = wait_until(config, rest)
    if now < until:
        return f"{(until - now) // SECOND} s left after a {rest.reason} exit", "0 s"
    if not rest.cleared:
        return "the same signal has not paused since the exit", "a cycle without it"
    return "", ""


def flips(rest: Rest, action: Action, now: UtcNanos) -> bool:
    """The signal that closed the position may open the other side, while it lives."""
    return rest.reason == "signal" and action != rest.action and now < rest.flip_until


def after_cycle(rest: Rest, action: Action | None) -> Rest:
    """The rest once a cycle's signal is known: silence, or the other direction, clears it."""
    if rest.cleared or action == rest.action:
        return rest
    return msgspec.structs.replace(rest, cleared=True)


def after_entry(rest: Rest, loss_day: UtcNanos) -> Rest:
    """One more entry was filled."""
    same = rest.loss_day == loss_day
    return msgspec.structs.replace(
        rest,
        entries=rest.entries + 1 if same else 1,
        losses=rest.losses if same else 0,
        loss_day=loss_day,
    )


def after_exit(
    rest: Rest,
    at: UtcNanos,
    reason: ExitReason,
    action: Action | None,
    lost: bool,
    loss_day: UtcNanos,
) -> Rest:
    """A round trip, or a refused entry, ended; its loss belongs to the day of the exit."""
    if rest.loss_day != loss_day:
        rest = msgspec.structs.replace(rest, loss_day=loss_day, entries=0, losses=0)
    losses = rest.losses if reason == "refused" else rest.losses + 1 if lost else 0
    return msgspec.structs.replace(
        rest,
        exit_at=at,
        reason=reason,
        action=action,
        cleared=reason == "refused",
        losses=losses,
    )
