"""How much, and where stop and target go (decisions §5, in its order of operations)."""

from decimal import Decimal

from ..config import Config, SymbolOverride, amount, is_coin
from ..messages.market import Asset
from ..messages.signal import Action, Sizing
from ..units import ZERO, Price, Symbol, Usd, equity_tick, exact, floor_to, to_tick

NORMAL_ATR_PCT = Decimal(2)
RATIO_LEAST, RATIO_MOST, RATIO_UNKNOWN = Decimal("0.25"), Decimal("1.5"), Decimal("0.5")
EXPENSIVE_COIN = Decimal(10_000)
EXPENSIVE_COIN_PCT = Decimal("0.5")
SMALLEST_COINS = Decimal("0.000001")
SMALLEST_COIN_ORDER = Decimal(15)
PROP_STOP_PCT = Decimal("1.4")
_FOUR = Decimal("0.0001")


class NotSizeable(Exception):
    """There is no size: the code under which the entry is denied, value and limit."""

    def __init__(self, code: str, value: str, limit: str) -> None:
        super().__init__(code)
        self.code, self.value, self.limit = code, value, limit


def scale(confidence: float) -> Decimal:
    """1 at confidence 75 and below, 1.5 at 100."""
    above = (amount(max(confidence, 75.0)) - 75) / 25
    return exact((1 + above / 2).quantize(_FOUR))


def volatility_ratio(atr_pct: Decimal | None) -> Decimal:
    """2 % over the daily ATR in percent, between 0.25 and 1.5; half when it is missing."""
    if atr_pct is None:
        return RATIO_UNKNOWN
    if atr_pct <= 0:
        raise NotSizeable("BAD_DATA", f"ATR {atr_pct} %", "above 0")
    ratio = min(RATIO_MOST, max(RATIO_LEAST, NORMAL_ATR_PCT / atr_pct))
    return exact(ratio.quantize(_FOUR))


def size_pct(config: Config, confidence: float, ratio: Decimal) -> tuple[Decimal, Decimal]:
    """Percent of the base amount, and the scale that confidence gave it."""
    if config.prop_firm.enabled:
        return amount(config.prop_firm.risk_limits.max_position_size_pct), Decimal(1)
    grown = scale(confidence)
    pct = amount(config.trading.position_size_pct) * grown * ratio
    return exact(pct.quantize(_FOUR)), grown


def max_pct(config: Config) -> Decimal:
    """Most percent of the base amount in one symbol."""
    if config.prop_firm.enabled:
        return amount(config.prop_firm.risk_limits.max_position_size_pct)
    return amount(config.trading.max_position_size_pct)


def size(
    config: Config,
    symbol: Symbol,
    *,
    confidence: float,
    base_amount: Usd,
    price: Price,
    atr_pct: Decimal | None,
    room: tuple[tuple[str, Usd], ...],
    asset: Asset,
    most: Usd | None = None,
) -> Sizing:
    """The size of an entry. `room` is what each limit leaves, by its code; `most` caps a first entry.

    Raises NotSizeable with the code that leaves too little.
    """
    ratio = volatility_ratio(atr_pct)
    pct, grown = size_pct(config, confidence, ratio)
    coin = is_coin(symbol)
    if coin and price > EXPENSIVE_COIN:
        pct = max(pct, EXPENSIVE_COIN_PCT)
    pct = min(pct, max_pct(config))
    intended = base_amount * pct / 100
    notional = _cut(intended, room)
    if coin:
        notional = min(notional, amount(config.risk.max_crypto_notional))
    if most is not None:
        notional = min(notional, max(most, smallest(symbol, price, asset)))
    qty = _rounded(notional, price, coin, asset)
    return Sizing(
        base_amount=exact(base_amount),
        pct=exact(pct),
        scale=grown,
        ratio=ratio,
        notional=exact(qty * price),
        price=price,
        qty=qty,
    )


def smallest(symbol: Symbol, price: Price, asset: Asset) -> Usd:
    """What the smallest valid order of a symbol costs."""
    if not is_coin(symbol):
        return price
    least = max(SMALLEST_COINS, asset.min_order_size) + asset.min_trade_increment
    return max(SMALLEST_COIN_ORDER + asset.min_trade_increment * price, least * price)


def _cut(intended: Usd, room: tuple[tuple[str, Usd], ...]) -> Usd:
    for code, left in room:
        if left < intended / 2:
            raise NotSizeable(code, f"{exact(max(left, ZERO)):f} left", f"{exact(intended):f}")
    return min([intended, *(left for _, left in room)])


def _rounded(notional: Usd, price: Price, coin: bool, asset: Asset) -> Decimal:
    if not coin:
        shares = floor_to(notional / price, Decimal(1))
        if shares < 1:
            raise NotSizeable("MIN_ORDER", f"{notional:.2f} / {price} is less than 1 share", "1")
        return shares
    coins = floor_to(notional / price, asset.min_trade_increment)
    least = max(SMALLEST_COINS, asset.min_order_size)
    if coins < least or coins * price < SMALLEST_COIN_ORDER:
        raise NotSizeable(
            "MIN_ORDER", f"{coins} coins worth {coins * price:.2f}", f"{least} and $15"
        )
    return coins


def price_tick(symbol: Symbol, price: Price, asset: Asset) -> Decimal:
    """The step of a symbol's prices."""
    return asset.price_increment if is_coin(symbol) else equity_tick(price)


def legs(
    config: Config,
    symbol: Symbol,
    action: Action,
    price: Price,
    atr_pct: Decimal | None,
    asset: Asset,
    *,
    stop: Price | None = None,
    target: Price | None = None,
) -> tuple[Price, Price]:
    """Stop and target prices, rounded to the tick towards the entry; a request may bring its own.

    In prop mode no stop is wider than 1.4 %, nor than the firm's limit.
    """
    stop_pct, target_pct = leg_pcts(config, symbol, atr_pct)
    long = action == "BUY"
    sign = 1 if long else -1
    tick = price_tick(symbol, price, asset)
    if stop is None:
        stop = price * (1 - sign * stop_pct / 100)
    if target is None:
        target = price * (1 + sign * target_pct / 100)
    if config.prop_firm.enabled:
        most = min(PROP_STOP_PCT, amount(config.prop_firm.risk_limits.max_stop_loss_pct))
        widest = price * (1 - sign * most / 100)
        stop = max(stop, widest) if long else min(stop, widest)
    return to_tick(stop, tick, up=long), to_tick(target, tick, up=not long)


def leg_pcts(config: Config, symbol: Symbol, atr_pct: Decimal | None) -> tuple[Decimal, Decimal]:
    """Distances of stop and target in percent of the reference price."""
    trading = config.trading
    own = config.overrides.get(symbol, SymbolOverride())
    stop = _distance(own.stop_loss_pct, trading.stop_atr, trading.stop_loss_pct, atr_pct)
    target = _distance(
        own.profit_target_pct, trading.target_atr, trading.profit_target_pct, atr_pct
    )
    return stop, target


def _distance(own: float | None, atrs: float, usual: float, atr_pct: Decimal | None) -> Decimal:
    if own is not None:
        return amount(own)
    if atrs > 0 and atr_pct is not None and atr_pct > 0:
        return exact((amount(atrs) * atr_pct).quantize(_FOUR))
    return amount(usual)
