"""One small function a rule, in the order in which the first failure denies (decisions §4)."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from .. import keyed
from ..config import Config, amount, is_coin, loss_limits
from ..messages.signal import Check
from ..units import MINUTE, SECOND, ZERO, Usd, exact, tick_price
from . import limits
from .case import OPENING, Case, buying_power_room, exposure_room, quote_problem
from .cooldown import Rest, obstacle
from .sizing import max_pct
from .state import (
    MARK_TICK,
    RiskState,
    exposure,
    group_of,
    holding,
    old_marks,
    side_of,
    stop_distances,
    taken,
)

ANSWER_SECONDS = 30
MOST_SKEW_MS = 1000
SHORT_LEAST_EQUITY = Decimal(2000)
PROP_SAFETY = Decimal("1.5")


def _check(code: str, passed: bool, value: object, limit: object) -> Check:
    return Check(code=code, passed=passed, value=str(value), limit=str(limit))


def not_ready(case: Case) -> Check:
    state = case.state
    if state.ready_at is None:
        return _check("NOT_READY", False, "not reconciled", "reconciled")
    if state.overloaded:
        return _check("NOT_READY", False, f"{state.overloaded} is behind with its mail", "in time")
    if abs(state.skew_ms) > MOST_SKEW_MS:
        skew = f"the broker's clock differs by {state.skew_ms / 1000:.1f} s"
        return _check("NOT_READY", False, skew, "1 s")
    waiting = [name for name, one in state.sources if one.configured and not one.heard_of]
    if waiting:
        return _check("NOT_READY", False, f"no answer yet from {', '.join(waiting)}", "all heard")
    age = (case.now - state.ready_at) / SECOND
    warmup = case.config.risk.warmup_seconds
    return _check("NOT_READY", age >= warmup, f"ready for {age:.0f} s", f"{warmup:g} s")


def broker_unreachable(case: Case) -> Check:
    state = case.state
    age = (case.now - state.last_answer_at) / SECOND
    if not state.stream_up:
        return _check("BROKER_UNREACHABLE", False, "trade stream down", "authorised")
    return _check(
        "BROKER_UNREACHABLE",
        age <= ANSWER_SECONDS,
        f"answer {age:.0f} s old",
        f"{ANSWER_SECONDS} s",
    )


def halted(case: Case) -> Check:
    found = "stopping" if case.state.stopping else case.state.operator
    return _check("HALTED", found == "normal", found, "normal")


def account_blocked(case: Case) -> Check:
    account = case.state.account
    if account is None:
        return _check("ACCOUNT_BLOCKED", False, "no account figures", "ACTIVE")
    blocked = account.trading_blocked or account.status != "ACTIVE"
    return _check(
        "ACCOUNT_BLOCKED",
        not blocked,
        "trading blocked" if account.trading_blocked else account.status,
        "ACTIVE",
    )


def expired(case: Case) -> Check:
    left = (case.signal.expires_at - case.now) / SECOND
    return _check("EXPIRED", left > 0, f"{left:.1f} s left", "> 0 s")


def market_closed(case: Case) -> Check:
    hours = case.state.hours
    if is_coin(case.symbol) and (case.config.always_on or case.intent not in OPENING):
        return _check("MARKET_CLOSED", True, "always open", "open")
    is_open = hours is not None and hours.is_open
    return _check("MARKET_CLOSED", is_open, "open" if is_open else "closed", "open")


def session_edge(case: Case) -> Check:
    hours, risk = case.state.hours, case.config.risk
    if is_coin(case.symbol) or hours is None or not hours.is_open:
        return _check("SESSION_EDGE", True, "does not apply", "-")
    since = (case.now - hours.session_open) / MINUTE
    left = (hours.session_close - case.now) / MINUTE
    inside = since >= risk.session_start_minutes and left >= risk.session_end_minutes
    return _check(
        "SESSION_EDGE",
        inside,
        f"{since:.0f} min after the open, {left:.0f} before the close",
        f"{risk.session_start_minutes:g} and {risk.session_end_minutes:g} min",
    )


def symbol_halted(case: Case) -> Check:
    tradable = case.asset is not None and case.asset.tradable
    known = "not tradable" if case.asset is not None else "unknown to the broker"
    return _check("SYMBOL_HALTED", tradable, "tradable" if tradable else known, "tradable")


def frozen(case: Case) -> Check:
    one = holding(case.state, case.symbol)
    if case.signal.split_suspected:
        return _check("FROZEN", False, "split suspected", "not frozen")
    strangers = [name for name, held in case.state.holdings if held.holding.stranger]
    if strangers:
        found = f"another daemon's order in {', '.join(strangers)}"
        return _check("FROZEN", False, found, "not frozen")
    stuck = one is not None and one.phase == "frozen"
    return _check("FROZEN", not stuck, one.note or one.phase if one else "flat", "not frozen")


def foreign(case: Case) -> Check:
    one = holding(case.state, case.symbol)
    orders = keyed.get(case.state.foreign, case.symbol) or 0
    held = one is not None and one.side is not None and not one.own
    news = keyed.get(case.state.foreign_seen, case.symbol)
    facts = (
        ("a foreign position", held),
        (f"{orders} orders", orders),
        ("an order just told of", news),
    )
    found = [text for text, true in facts if true]
    return _check("FOREIGN", not found, " and ".join(found) or "none", "none")


def quote(case: Case) -> Check:
    one = case.quote
    if one is None:
        return _check("QUOTE", False, case.quote_failure or "no quote", "a fresh quote")
    problem = quote_problem(case.config, one, case.now)
    return _check("QUOTE", not problem, problem or f"{one.bid:g}/{one.ask:g}", "fresh and tight")


def price_disagreement(case: Case) -> Check:
    conflict = case.signal.price_conflict
    return _check(
        "PRICE_DISAGREEMENT", not conflict, "vendors disagree" if conflict else "agree", "agree"
    )


def bad_data(case: Case) -> Check:
    bad = case.not_sizeable is not None and case.not_sizeable.code == "BAD_DATA"
    value = case.not_sizeable.value if bad and case.not_sizeable else "plausible"
    return _check("BAD_DATA", not bad, value, "plausible")


def regime(case: Case) -> Check:
    off = case.config.regime.off
    if case.config.prop_firm.enabled:
        off = (*off, "CRISIS")
    now = case.signal.regime
    return _check("REGIME", now not in off, now, f"not {', '.join(off)}" if off else "any")


def confidence(case: Case) -> Check:
    needed = case.config.min_confidence
    return _check(
        "CONFIDENCE",
        case.signal.confidence >= needed,
        f"{case.signal.confidence:.2f}",
        f"{needed:g}",
    )


def cooldown(case: Case) -> Check:
    rest = keyed.get(case.state.rests, case.symbol) or Rest()
    day = case.state.losses.loss_day
    streak = case.state.losing_streak
    value, limit = obstacle(case.config, rest, case.action, streak, case.now, day)
    return _check("COOLDOWN", not value, value or "rested", limit or "-")


def prop_limit(case: Case) -> Check:
    if not case.config.prop_firm.enabled:
        return _check("PROP_LIMIT", True, "not in prop mode", "-")
    if case.state.level in ("CRITICAL", "BREACH"):
        return _check("PROP_LIMIT", False, case.state.level, "below CRITICAL")
    worst = worst_case_loss(case)
    room = prop_headroom(case.config, case.state)
    return _check("PROP_LIMIT", worst <= room, f"{worst:.2f} at risk", f"{room:.2f} left")


def worst_case_loss(case: Case) -> Usd:
    """One and a half times all stop distances, in dollars: open, pending and this entry's own."""
    total = stop_distances(case.state)
    if case.sizing is not None and case.stop is not None and case.price is not None:
        total += case.sizing.qty * abs(case.price - case.stop)
    return exact(PROP_SAFETY * total)


def prop_headroom(config: Config, state: RiskState) -> Usd:
    """Dollars that may still be lost before the nearer limit."""
    return min(limits.headroom(config, state.losses))


def daily_loss(case: Case) -> Check:
    daily, _ = loss_limits(case.config)
    lost = limits.daily_loss_pct(case.state.losses)
    stop = lost >= amount(daily) or case.state.losses.tripped == "daily"
    return _check("DAILY_LOSS", not stop, f"{lost:.2f} %", f"{daily:g} %")


def drawdown(case: Case) -> Check:
    _, most = loss_limits(case.config)
    lost = limits.drawdown_pct(case.config, case.state.losses)
    stop = lost >= amount(most) or case.state.losses.tripped == "drawdown"
    return _check("DRAWDOWN", not stop, f"{lost:.2f} %", f"{most:g} %")


def equity_unsure(case: Case) -> Check:
    losses = case.state.losses
    if losses.suspected_at != 0 and not losses.tripped:
        return _check("EQUITY_UNSURE", False, "unconfirmed", "sure")
    old = ", ".join(old_marks(case.config, case.state, case.now))
    return _check("EQUITY_UNSURE", not old, f"no new price of {old}" if old else "sure", "sure")


def max_positions(case: Case) -> Check:
    config = case.config
    most = (
        config.prop_firm.risk_limits.max_positions
        if config.prop_firm.enabled
        else config.risk.max_positions
    )
    held = [one for one in taken(case.state) if one != case.symbol]
    return _check("MAX_POSITIONS", len(held) < most, len(held), most)


def duplicate(case: Case) -> Check:
    side = side_of(case.state, case.symbol)
    return _check("DUPLICATE", side is None, f"already {side}" if side else "flat", "flat")


def not_shortable(case: Case) -> Check:
    if case.action == "BUY":
        return _check("NOT_SHORTABLE", True, "long", "-")
    reason = _no_short(case)
    return _check("NOT_SHORTABLE", not reason, reason or "shortable", "shortable")


def _no_short(case: Case) -> str:
    account, asset = case.state.account, case.asset
    if is_coin(case.symbol):
        return "coins cannot be sold short"
    if not case.config.allow_shorts:
        return "allow_shorts is false"
    if asset is None or not asset.shortable or not asset.easy_to_borrow:
        return "not shortable or hard to borrow"
    if account is None or not account.shorting_enabled:
        return "shorting is not enabled for the account"
    return "" if account.equity >= SHORT_LEAST_EQUITY else f"equity {account.equity} below 2000"


def correlation(case: Case) -> Check:
    group = group_of(case.config, case.symbol)
    most = case.config.risk.max_per_group
    same = [
        one
        for one in taken(case.state)
        if one != case.symbol
        and group_of(case.config, one) == group
        and side_of(case.state, one) == case.action
    ]
    alone = group == case.symbol
    return _check("CORRELATION", alone or len(same) < most, f"{len(same)} in {group}", most)


def position_size(case: Case) -> Check:
    if case.sizing is None:
        return _check("POSITION_SIZE", True, "no size", "-")  # what left none denies under its code
    most = exact(case.sizing.base_amount * max_pct(case.config) / 100)
    whole = exposure(case.state, case.symbol) + case.sizing.notional
    return _check("POSITION_SIZE", whole <= most, f"{whole:.2f}", f"{most:.2f}")


def exposure_limit(case: Case) -> Check:
    return _sized(case, "EXPOSURE", exposure_room(case))


def buying_power(case: Case) -> Check:
    return _sized(case, "BUYING_POWER", buying_power_room(case))


def _sized(case: Case, code: str, room: Usd) -> Check:
    if case.not_sizeable is not None and case.not_sizeable.code == code:
        return _check(code, False, case.not_sizeable.value, case.not_sizeable.limit)
    needed = case.sizing.notional if case.sizing is not None else ZERO
    return _check(code, needed <= room, f"{needed:.2f}", f"{max(room, ZERO):.2f}")


def price_collar(case: Case) -> Check:
    risk = case.config.risk
    most = amount(risk.collar_crypto_pct if is_coin(case.symbol) else risk.collar_stocks_pct)
    if case.price is None:
        return _check("PRICE_COLLAR", False, "no reference price", f"{most} %")
    others = [one for one in (_signal_price(case), case.limit_price) if one is not None]
    away = max((abs(one / case.price - 1) * 100 for one in others), default=ZERO)
    return _check("PRICE_COLLAR", away <= most, f"{away:.3f} %", f"{most} %")


def _signal_price(case: Case) -> Decimal | None:
    if case.signal.price is not None:
        return tick_price(case.signal.price, MARK_TICK) if case.signal.price > 0 else ZERO
    if case.quote is None:
        return None
    return tick_price((case.quote.bid + case.quote.ask) / 2, MARK_TICK)


def order_rate(case: Case) -> Check:
    rate, risk = case.state.rate, case.config.risk
    second = sum(1 for at in rate.recent if case.now - at < SECOND)
    minute = sum(1 for at in rate.recent if case.now - at < MINUTE)
    today = rate.today if rate.day == case.state.losses.loss_day else 0
    free = (
        second < risk.orders_per_second
        and minute < risk.orders_per_minute
        and today < risk.orders_per_day
    )
    return _check(
        "ORDER_RATE",
        free,
        f"{second}/s, {minute}/min, {today} today",
        f"{risk.orders_per_second}/s, {risk.orders_per_minute}/min, {risk.orders_per_day} a day",
    )


def min_order(case: Case) -> Check:
    problem = case.not_sizeable
    if problem is not None and problem.code == "MIN_ORDER":
        return _check("MIN_ORDER", False, problem.value, problem.limit)
    return _check("MIN_ORDER", True, case.sizing.qty if case.sizing is not None else "-", "-")


ENTRY_CHECKS: tuple[Callable[[Case], Check], ...] = (
    not_ready,
    broker_unreachable,
    halted,
    account_blocked,
    expired,
    market_closed,
    session_edge,
    symbol_halted,
    frozen,
    foreign,
    quote,
    price_disagreement,
    bad_data,
    regime,
    confidence,
    cooldown,
    prop_limit,
    daily_loss,
    drawdown,
    equity_unsure,
    max_positions,
    duplicate,
    not_shortable,
    correlation,
    position_size,
    exposure_limit,
    buying_power,
    price_collar,
    order_rate,
    min_order,
)
EXIT_CHECKS: tuple[Callable[[Case], Check], ...] = (account_blocked, market_closed)
"""Exits are never denied by a risk limit."""
NEED_QUOTE = (
    quote,
    bad_data,
    position_size,
    exposure_limit,
    buying_power,
    price_collar,
    min_order,
)
"""These can only be judged once the reference price is known."""
EARLY_CHECKS = tuple(one for one in ENTRY_CHECKS if one not in NEED_QUOTE)


def run(checks: Iterable[Callable[[Case], Check]], case: Case) -> tuple[Check, ...]:
    """Every check's result; those after the first failure are shown too."""
    return tuple(check(case) for check in checks)


def first_failure(checks: Iterable[Check]) -> Check | None:
    """The check that denies."""
    return next((one for one in checks if not one.passed), None)
