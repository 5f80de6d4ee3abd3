"""What risk remembers, and the exposure that follows from it."""

import msgspec

from .. import keyed
from ..config import Config, is_coin
from ..messages import WordId
from ..messages.market import Asset, MarketHours, Regime
from ..messages.order import AccountReport, Holding, OrderReport, PositionReport
from ..messages.signal import Action, Signal
from ..messages.system import OperatorState
from ..units import SECOND, ZERO, Decimal, Price, Quantity, Symbol, Usd, UtcNanos, tick_price
from .cooldown import Rest
from .limits import Level, Losses

MARK_TICK = Decimal("0.000000001")
MARK_CYCLES = 3
"""Marks come with every cycle, and with the quote of every entry."""


class Told(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """A signal and the word it came in."""

    signal: Signal
    word: WordId
    requested: bool = False
    """Asked for by `argo execute`; its own stop and target."""
    stop: Price | None = None
    target: Price | None = None
    command: WordId | None = None
    """The person's word, where a signal that was advised is carried out."""


class Advised(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The newest advice of a symbol, and the names under which it may still be taken."""

    told: Told
    names: tuple[tuple[str, UtcNanos], ...]
    """Content of the signals of this direction that live, and until when."""


class Held(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """An order actor's newest standing and the word it came in."""

    holding: Holding
    word: WordId


class Reserved(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """What an approval holds back until its order settles."""

    signal: str
    action: Action
    notional: Usd
    qty: Quantity
    price: Price
    stop: Price | None


class SourceView(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """A configured source: has it answered or failed yet?"""

    configured: bool
    heard_of: bool


class Reading(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The volatility of a symbol and the word it came in."""

    atr_pct: float | None
    word: WordId
    regime: Regime = "CHOP"
    """What a request is judged in; a signal brings its own."""


class Rate(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """Approved entries: the newest times, and how many on the running loss day."""

    recent: tuple[UtcNanos, ...] = ()
    day: UtcNanos = 0
    today: int = 0


class RiskState(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """Everything the next decision rests on."""

    version: int = 1
    account: AccountReport | None = None
    account_word: WordId | None = None
    holdings: tuple[tuple[Symbol, Held], ...] = ()
    assets: tuple[tuple[Symbol, Asset], ...] = ()
    hours: MarketHours | None = None
    readings: tuple[tuple[Symbol, Reading], ...] = ()
    sources: tuple[tuple[str, SourceView], ...] = ()
    stream_up: bool = False
    last_answer_at: UtcNanos = 0
    ready_at: UtcNanos | None = None
    losses: Losses = Losses()
    losing_streak: int = 0
    rests: tuple[tuple[Symbol, Rest], ...] = ()
    operator: OperatorState = "normal"
    level: Level = "NORMAL"
    suspected: bool = False
    """As last said."""
    """The last one said."""
    reserved: tuple[tuple[Symbol, Reserved], ...] = ()
    foreign: tuple[tuple[Symbol, int], ...] = ()
    """Foreign orders by symbol."""
    gathered: tuple[tuple[Symbol, Told], ...] = ()
    """Signals of the running cycle."""
    awaiting: tuple[tuple[Symbol, Told], ...] = ()
    """Entries that wait for their quotes."""
    request: int = 0
    marks: tuple[tuple[Symbol, float], ...] = ()
    marks_at_reading: tuple[tuple[Symbol, float], ...] = ()
    rate: Rate = Rate()
    denied: tuple[tuple[Symbol, str], ...] = ()
    """The last denial said of a symbol, so that the same one is not said every cycle."""
    stopping: bool = False
    foreign_pending: tuple[tuple[Symbol, Usd], ...] = ()
    """Dollars that others' orders may add to a symbol's exposure."""
    elsewhere: Usd = ZERO
    """Gross exposure in symbols that are not configured."""
    transfers: tuple[str, ...] = ()
    """Ids of the newest transfers heard, each counted once."""
    told_day: UtcNanos = 0
    """The loss day whose missed beginning has been told."""
    advised: tuple[tuple[Symbol, Advised], ...] = ()
    skew_ms: int = 0
    live_entries: int = 0
    """Entries filled in a live environment, ever: the first ones are small."""
    foreign_seen: tuple[tuple[Symbol, UtcNanos], ...] = ()
    """When another's order was told of that no reading of the truth has shown yet."""
    marked: tuple[tuple[Symbol, UtcNanos], ...] = ()
    """When each mark was heard."""
    overloaded: str = ""
    """The mailbox that fills faster than it is served, empty when none does."""


def holding(state: RiskState, symbol: Symbol) -> Holding | None:
    """The newest standing of a symbol."""
    held = keyed.get(state.holdings, symbol)
    return None if held is None else held.holding


def exposure(state: RiskState, symbol: Symbol) -> Usd:
    """Dollars at work in a symbol: position and pending, unknown outcomes and reservation included."""
    reserved = keyed.get(state.reserved, symbol)
    own = max(_held_value(state, symbol), ZERO if reserved is None else reserved.notional)
    return own + (keyed.get(state.foreign_pending, symbol) or ZERO)


def _held_value(state: RiskState, symbol: Symbol) -> Usd:
    one = holding(state, symbol)
    if one is None:
        return ZERO
    mark = keyed.get(state.marks, symbol)
    price = one.avg_price or ZERO if mark is None else tick_price(mark, MARK_TICK)
    held = one.qty + one.foreign_qty
    return held * price + one.pending_qty * (one.pending_price or price)


def added(order: OrderReport, position: PositionReport | None) -> Usd:
    """Dollars that the rest of somebody else's order may add; nothing of one that closes."""
    held = ZERO if position is None else position.qty
    if held and (held > 0) == (order.side == "sell"):
        return ZERO
    price = order.limit_price or order.stop_price
    if price is None and position is not None:
        price = position.market_price or position.avg_entry_price
    return (order.qty - order.filled_qty) * (price or ZERO)


def gross(state: RiskState) -> Usd:
    """Dollars at work in all symbols, foreign ones and those that are not configured included."""
    symbols = {
        symbol
        for pairs in (state.holdings, state.reserved, state.foreign_pending)
        for symbol, _ in pairs
    }
    return sum((exposure(state, symbol) for symbol in sorted(symbols)), state.elsewhere)


def stop_distances(state: RiskState) -> Usd:
    """Dollars between entry and stop of every open and pending position, reservations included."""
    symbols = {symbol for symbol, _ in state.holdings} | {symbol for symbol, _ in state.reserved}
    return sum((_at_risk(state, symbol) for symbol in sorted(symbols)), ZERO)


def _at_risk(state: RiskState, symbol: Symbol) -> Usd:
    held, reserved = ZERO, ZERO
    one = holding(state, symbol)
    price = None if one is None else one.avg_price or one.pending_price
    if one is not None and price is not None and one.stop is not None:
        held = (one.qty + one.pending_qty) * abs(price - one.stop)
    kept = keyed.get(state.reserved, symbol)
    if kept is not None and kept.stop is not None:
        reserved = kept.qty * abs(kept.price - kept.stop)
    return max(held, reserved)


def side_of(state: RiskState, symbol: Symbol) -> Action | None:
    """The direction that a symbol is held, pending or reserved in."""
    one = holding(state, symbol)
    if one is not None and one.side is not None:
        return "BUY" if one.side == "buy" else "SELL"
    reserved = keyed.get(state.reserved, symbol)
    return None if reserved is None else reserved.action


def taken(state: RiskState) -> tuple[Symbol, ...]:
    """Symbols of our own that are held, pending or reserved."""
    symbols = {symbol for symbol, _ in state.reserved}
    symbols |= {
        symbol
        for symbol, held in state.holdings
        if held.holding.side is not None and held.holding.own
    }
    return tuple(sorted(symbols))


def group_of(config: Config, symbol: Symbol) -> str:
    """The group of correlated symbols; an unlisted one stands alone."""
    if is_coin(symbol):
        return "crypto"
    for name, members in config.risk.groups.items():
        if symbol in members:
            return name
    return symbol


def open_profit(state: RiskState) -> Usd:
    """Profit of what is held, by our marks; nothing where there is no mark."""
    profit = ZERO
    for symbol, held in state.holdings:
        one, mark = held.holding, keyed.get(state.marks, symbol)
        if mark is not None and one.avg_price is not None and one.side is not None:
            sign = 1 if one.side == "buy" else -1
            profit += sign * one.qty * (tick_price(mark, MARK_TICK) - one.avg_price)
    return profit


def old_marks(config: Config, state: RiskState, now: UtcNanos) -> list[Symbol]:
    """What is held at a price of three cycles ago or more, although its market is open."""
    oldest = now - int(MARK_CYCLES * config.clock.cycle_seconds * SECOND)
    is_open = state.hours is not None and state.hours.is_open
    return [
        symbol
        for symbol, at in state.marked
        if at < oldest
        and (is_open or is_coin(symbol))
        and (one := holding(state, symbol)) is not None
        and one.qty > 0
    ]


def marked_equity(state: RiskState) -> Usd | None:
    """The broker's equity carried on by our own quotes; None before the first reading."""
    if state.account is None:
        return None
    equity = state.account.equity
    for symbol, held in state.holdings:
        now = keyed.get(state.marks, symbol)
        then = keyed.get(state.marks_at_reading, symbol)
        if now is None or then is None or held.holding.side is None:
            continue
        sign = 1 if held.holding.side == "buy" else -1
        moved = tick_price(now, MARK_TICK) - tick_price(then, MARK_TICK)
        equity += sign * held.holding.qty * moved
    return equity
