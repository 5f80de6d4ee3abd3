"""What entries wait for, whatever the signal: the same facts that the risk checks look at."""

from ..config import Config, is_coin
from ..messages.market import MarketHours
from ..risk.state import RiskState
from ..units import SECOND, UtcNanos


def awaited(config: Config, state: RiskState, now: UtcNanos) -> list[str]:
    """In words; empty when nothing but a strong enough signal is missing."""
    found = _of_the_daemon(config, state, now)
    account = state.account
    if account is None:
        found.append("the account's figures")
    elif account.trading_blocked or account.status != "ACTIVE":
        found.append(f"the broker, which has blocked the account ({account.status})")
    if state.level == "BREACH":
        found.append("the next loss day or `argo resume`: a loss limit is reached")
    found += _of_the_market(config, state.hours)
    return found


def _of_the_daemon(config: Config, state: RiskState, now: UtcNanos) -> list[str]:
    if state.stopping:
        return ["nothing more: it is stopping"]
    found = []
    if state.operator != "normal":
        found.append(f"`argo resume` (an operator said {state.operator})")
    if not state.stream_up:
        found.append("the trade stream")
    if state.ready_at is None:
        found.append("the broker's orders and positions, read twice")
    silent = [name for name, one in state.sources if one.configured and not one.heard_of]
    if silent:
        found.append(f"a first answer from {', '.join(silent)}")
    if state.overloaded:
        found.append(f"{state.overloaded}, which is behind with its mail")
    left = config.risk.warmup_seconds - (now - (state.ready_at or now)) / SECOND
    if state.ready_at is not None and left > 0:
        found.append(f"{left:.0f} s more of the {config.risk.warmup_seconds:g} s after READY")
    return found


def _of_the_market(config: Config, hours: MarketHours | None) -> list[str]:
    if hours is None or hours.is_open or all(is_coin(one) for one in config.symbols):
        return []
    return ["the stock market's opening (stocks only)"]
