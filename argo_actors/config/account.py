"""One account's configuration as a whole: what cannot be, what is worth a second look, what follows from it."""

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

from ..messages.opinion import Family
from ..units import Decimal, decimal_from, exact
from .blocks import (
    Api,
    Block,
    Broker,
    Clock,
    Consensus,
    Journal,
    Live,
    LossRules,
    PropFirm,
    RegimeSettings,
    Risk,
    Source,
    Supervision,
    SymbolOverride,
    Trading,
    default_sources,
)


class Config(Block, frozen=True, kw_only=True):
    """One account's configuration."""

    account: str
    """A name for this account: its state lives under it."""
    environment: Literal["paper", "live"] = "paper"
    """Live needs `argo run --live ACCOUNT_NUMBER` as well."""
    symbols: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)] = (
        "AAPL",
        "MSFT",
        "SPY",
        "BTC-USD",
        "ETH-USD",
    )
    overrides: dict[str, SymbolOverride] = msgspec.field(default_factory=dict)
    """Stop and target by symbol."""
    allow_shorts: bool = True
    always_on: bool = True
    """False: coins are entered only in stock hours."""
    flat_at_close: bool = False
    """Close every stock position before the session ends."""
    clock: Clock = Clock()
    trading: Trading = Trading()
    prop_firm: PropFirm = PropFirm()
    consensus: Consensus = Consensus()
    regime: RegimeSettings = RegimeSettings()
    risk: Risk = Risk()
    live: Live = Live()
    sources: dict[str, Source] = msgspec.field(default_factory=default_sources)
    broker: Broker = Broker()
    journal: Journal = Journal()
    api: Api = Api()
    supervision: Supervision = Supervision()

    @property
    def min_confidence(self) -> float:
        """Confidence that an entry needs in this mode."""
        if self.prop_firm.enabled:
            return self.prop_firm.risk_limits.min_confidence
        return self.consensus.min_confidence

    def __post_init__(self) -> None:
        _check(self)


_STOCK = re.compile(r"[A-Z]{1,5}(\.[A-Z])?")
_COIN = re.compile(r"[A-Z]{2,6}-USD")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
FAMILY_OF: dict[str, Family] = {
    "alpaca": "market_data",
    "massive": "market_data",
    "yfinance": "technical",
    "alpha_vantage": "technical",
    "xai_grok": "sentiment",
    "sonar": "analysis",
}
"""The families of this version's sources, in the order in which members vote."""


def families(config: Config) -> dict[str, Family]:
    """Every source's family, in the order in which members vote: this version's, then others by name."""
    own = {name: one.family for name, one in sorted(config.sources.items()) if one.family}
    return FAMILY_OF | own


def is_coin(symbol: str) -> bool:
    """`BTC-USD` is a coin, `AAPL` is a stock."""
    return bool(_COIN.fullmatch(symbol))


@lru_cache(maxsize=1024)
def amount(value: float) -> Decimal:
    """A configured number as a `Decimal`: the one its text in the file spells."""
    return exact(decimal_from(repr(value)))


def _check(config: Config) -> None:
    for symbol in config.symbols:
        if not (_STOCK.fullmatch(symbol) or is_coin(symbol)):
            raise ValueError(f"`symbols` holds {symbol!r}: allowed are AAPL, BRK.B, BTC-USD")
    if len(set(config.symbols)) != len(config.symbols):
        raise ValueError("`symbols` names a symbol twice")
    for name in config.sources:
        if not _NAME.fullmatch(name) or name not in families(config):
            raise ValueError(
                f"`sources` has no source {name!r}{nearest(name, FAMILY_OF)}"
                " (one of your own says its `family`)"
            )
    unweighted = set(FAMILY_OF.values()) - set(config.consensus.weights)
    if unweighted:
        raise ValueError(f"`consensus.weights` lacks {', '.join(sorted(unweighted))}")
    trading = config.trading
    if trading.position_size_pct > trading.max_position_size_pct:
        raise ValueError("`trading.position_size_pct` is above `trading.max_position_size_pct`")
    rules = config.prop_firm.rules
    times = {
        "risk.day_start": config.risk.day_start,
        "prop_firm.rules.reset_time": rules.reset_time,
    }
    for key, text in times.items():
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
            raise ValueError(f"`{key}` is {text!r}: allowed is HH:MM")
    if not _is_zone(rules.reset_zone):
        zone = f"`prop_firm.rules.reset_zone` is {rules.reset_zone!r}"
        raise ValueError(f"{zone}{nearest(rules.reset_zone, available_timezones())}")
    if rules.dated and not re.fullmatch(r"\d{4}-\d\d-\d\d", rules.dated):
        raise ValueError(f"`prop_firm.rules.dated` is {rules.dated!r}: allowed is YYYY-MM-DD")
    for regime, value in multipliers(config).items():
        off = regime.split("_")[0].upper() in config.regime.off
        if not off and (value <= 0 or config.min_confidence / value > 100):
            raise ValueError(
                f"`regime.{regime}` {value} makes an entry impossible "
                f"({config.min_confidence} / {value} is above 100): name the regime in `regime.off`"
            )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def multipliers(config: Config) -> dict[str, float]:
    """Every regime multiplier by its key; prop mode makes no entries in a crisis."""
    regime = config.regime
    values = {
        "bull_long": regime.bull_long,
        "bull_short": regime.bull_short,
        "bear_long": regime.bear_long,
        "bear_short": regime.bear_short,
        "chop": regime.chop,
    }
    return values if config.prop_firm.enabled else values | {"crisis": regime.crisis}


def warnings(config: Config) -> list[str]:
    """What is allowed and still worth a second look."""
    found = []
    for regime, value in multipliers(config).items():
        if value > 0 and 90 < config.min_confidence / value <= 100:
            found.append(
                f"regime.{regime} {value}: an entry there needs a raw confidence of "
                f"{config.min_confidence / value:.1f}"
            )
    daily, drawdown = loss_limits(config)
    if drawdown < daily:
        found.append(
            f"the drawdown limit {drawdown} % is reached before the daily loss limit {daily} %"
        )
    for name, source in config.sources.items():
        if source.enabled and source.valid_seconds < source.refresh_seconds:
            found.append(f"sources.{name}: an opinion ends before the next question is asked")
    enabled = {families(config)[name] for name, one in config.sources.items() if one.enabled}
    if len(enabled) == 1:
        found.append(f"only one family of sources is enabled ({enabled.pop()})")
    return found


def loss_limits(config: Config) -> tuple[float, float]:
    """Daily loss and drawdown limit of this mode, in percent."""
    if config.prop_firm.enabled:
        limits = config.prop_firm.risk_limits
        return limits.daily_loss_limit_pct, limits.max_drawdown_pct
    return config.risk.daily_loss_limit_pct, config.risk.max_drawdown_pct


STANDARD_RULES = LossRules()


def loss_rules(config: Config) -> LossRules:
    """How losses are measured in this mode: the firm's rules, else from equity and from its peak."""
    return config.prop_firm.rules if config.prop_firm.enabled else STANDARD_RULES


def loss_day_start(config: Config) -> tuple[str, str]:
    """Local time and zone at which the loss day begins in this mode."""
    rules = config.prop_firm.rules
    if config.prop_firm.enabled:
        return rules.reset_time, rules.reset_zone
    return config.risk.day_start, "America/New_York"


def nearest(name: str, among: Iterable[str]) -> str:
    """What a misspelt name may have meant, as the end of a sentence."""
    close = difflib.get_close_matches(name, list(among), 1, 0.5)
    return f": did you mean {close[0]!r}?" if close else f": allowed are {', '.join(among)}"
