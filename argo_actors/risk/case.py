"""An entry to be judged: the signal, what is known, and once it has a quote its price, size and legs."""

import math
from decimal import Decimal

import msgspec

from .. import keyed
from ..config import Config, amount, is_coin
from ..messages.market import Asset, Quote
from ..messages.signal import Action, Intent, Signal, Sizing
from ..units import SECOND, ZERO, Price, Symbol, Usd, UtcNanos, tick_price, to_tick
from .sizing import NotSizeable, legs, price_tick, size
from .state import MARK_TICK, RiskState, gross

QUOTE_RECEIVED_SECONDS = 2
QUOTE_SECONDS = 30
SHORT_MARGIN = Decimal("1.03")
OPENING: tuple[Intent, ...] = ("open_long", "open_short")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An entry to be judged, and all that is known."""

    config: Config
    state: RiskState
    now: UtcNanos
    signal: Signal
    intent: Intent
    asset: Asset | None
    quote: Quote | None
    quote_failure: str = ""
    price: Price | None = None
    """The reference: ask for a buy, bid for a sell."""
    limit_price: Price | None = None
    sizing: Sizing | None = None
    not_sizeable: NotSizeable | None = None
    stop: Price | None = None
    target: Price | None = None

    @property
    def symbol(self) -> Symbol:
        return self.signal.symbol

    @property
    def action(self) -> Action:
        return self.signal.action


def priced(case: Case, stop: Price | None, target: Price | None) -> Case:
    """The case with reference price, size and legs, where the quote allows them."""
    one, asset = case.quote, case.asset
    if one is None or asset is None or quote_problem(case.config, one, case.now):
        return case
    side = one.ask if case.action == "BUY" else one.bid
    tick = price_tick(case.symbol, tick_price(side, MARK_TICK), asset)
    price = tick_price(side, tick, up=case.action == "BUY")
    if not price:
        return case  # less than a tick is no price
    atr = _atr(case)
    stop, target = legs(
        case.config, case.symbol, case.action, price, atr, asset, stop=stop, target=target
    )
    case = msgspec.structs.replace(
        case,
        price=price,
        limit_price=_limit_price(case, price, tick),
        stop=stop,
        target=target,
    )
    try:
        sizing = size(
            case.config,
            case.symbol,
            confidence=case.signal.confidence,
            base_amount=base_amount(case),
            price=price,
            atr_pct=atr,
            room=(
                ("EXPOSURE", exposure_room(case)),
                ("BUYING_POWER", buying_power_room(case)),
            ),
            asset=asset,
            most=ramp_cap(case.config, case.state),
        )
    except NotSizeable as problem:
        return msgspec.structs.replace(case, not_sizeable=problem)
    return msgspec.structs.replace(case, sizing=sizing)


def ramp_cap(config: Config, state: RiskState) -> Usd | None:
    """The dollars of an entry until so many have filled with real money; None after them."""
    live = config.live
    first = config.environment == "live" and state.live_entries < live.ramp
    return amount(live.ramp_usd) if first else None


def _atr(case: Case) -> Decimal | None:
    reading = keyed.get(case.state.readings, case.symbol)
    if reading is None or reading.atr_pct is None or not math.isfinite(reading.atr_pct):
        return None
    return amount(reading.atr_pct)


def _limit_price(case: Case, price: Price, tick: Decimal) -> Price | None:
    if not case.config.trading.use_limit_orders:
        return None
    offset = amount(case.config.trading.limit_order_offset_pct)
    long = case.action == "BUY"
    return to_tick(price * (1 + offset if long else 1 - offset), tick, up=not long)


def base_amount(case: Case) -> Usd:
    """The smaller of buying power and equity, unless margin is to be used."""
    account = case.state.account
    if account is None:
        return ZERO
    power = account.non_marginable_buying_power if is_coin(case.symbol) else account.buying_power
    return max(ZERO, power if case.config.trading.use_margin else min(power, account.equity))


def quote_problem(config: Config, one: Quote, now: UtcNanos) -> str:
    """What is wrong with a quote as a reference price, empty when nothing is."""
    if not (math.isfinite(one.bid) and math.isfinite(one.ask) and 0 < one.bid <= one.ask):
        return f"bid {one.bid:g}, ask {one.ask:g}"
    if now - one.received_at > QUOTE_RECEIVED_SECONDS * SECOND:
        return f"received {(now - one.received_at) / SECOND:.1f} s ago"
    if now - one.at > QUOTE_SECONDS * SECOND:
        return f"{(now - one.at) / SECOND:.0f} s old"
    risk = config.risk
    widest = risk.max_spread_crypto_pct if is_coin(one.symbol) else risk.max_spread_stocks_pct
    spread = 100 * (one.ask - one.bid) / ((one.ask + one.bid) / 2)
    return f"spread {spread:.2f} % of {widest:g} %" if spread > widest else ""


def exposure_room(case: Case) -> Usd:
    """Dollars of gross exposure that are left."""
    equity = case.state.account.equity if case.state.account is not None else ZERO
    return equity * amount(case.config.risk.max_gross_exposure_pct) / 100 - gross(case.state)


def buying_power_room(case: Case) -> Usd:
    """Notional that buying power leaves, after reservations and the cash reserve; shorts count 1.03."""
    account = case.state.account
    if account is None:
        return ZERO
    power = account.non_marginable_buying_power if is_coin(case.symbol) else account.buying_power
    reserved = sum((one.notional for _, one in case.state.reserved), ZERO)
    kept = account.equity * amount(case.config.risk.cash_reserve_pct) / 100
    room = power - reserved - kept
    return room if case.action == "BUY" else room / SHORT_MARGIN
