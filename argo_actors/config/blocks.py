"""The blocks of a configuration: frozen, every key with its default, range and unit."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..messages.opinion import Family

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
PercentOf = Annotated[float, Meta(gt=0, le=100)]
Count = Annotated[int, Meta(ge=1)]
Restart = Literal["permanent", "transient", "temporary"]


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A block of the configuration."""


class Trading(Block, frozen=True, kw_only=True):
    """Sizes and order types (decisions §5, §6)."""

    position_size_pct: PercentOf = 10.0
    """Percent of the base amount for an entry at confidence 75 and normal volatility."""
    max_position_size_pct: PercentOf = 15.0
    """Most percent of the base amount in one symbol."""
    use_limit_orders: bool = False
    """Enter by limit orders instead of market orders."""
    limit_order_offset_pct: Annotated[float, Meta(ge=0, le=0.01)] = 0.001
    """A FRACTION (0.001 is 0.1 %): added to buys, taken from sells."""
    auto_execute: bool = True
    """False: decisions are only recorded as advice; protection and exits still run."""
    max_retry_attempts: Annotated[int, Meta(ge=0, le=10)] = 3
    """Resubmissions of a request that cannot have reached the broker."""
    retry_delay_seconds: Positive = 1.0
    """First delay between them; the n-th waits n times as long."""
    stop_loss_pct: Annotated[float, Meta(gt=0, lt=50)] = 3.0
    """Stop distance in percent of the reference price."""
    profit_target_pct: Annotated[float, Meta(gt=0, lt=100)] = 5.0
    """Target distance in percent of the reference price."""
    stop_atr: Annotated[float, Meta(ge=0, le=20)] = 0.0
    """Stop distance in multiples of the daily ATR; 0 uses stop_loss_pct."""
    target_atr: Annotated[float, Meta(ge=0, le=40)] = 0.0
    """Target distance in multiples of the daily ATR; 0 uses profit_target_pct."""
    use_margin: bool = False
    """True: sizes are percent of buying power, also where it exceeds equity."""
    position_flip: bool = False
    """After a close by an opposite signal, enter the other side at once, all checks done again."""
    on_unprotected: Literal["exit", "watch"] = "exit"
    """What to do with a position that cannot be protected within five seconds."""


class RiskLimits(Block, frozen=True, kw_only=True):
    """A prop firm's rules (seed)."""

    max_drawdown_pct: PercentOf = 2.0
    daily_loss_limit_pct: PercentOf = 4.5
    max_position_size_pct: PercentOf = 3.0
    min_confidence: PercentOf = 82.0
    max_positions: Count = 3
    max_stop_loss_pct: PercentOf = 1.5


class LossRules(Block, frozen=True, kw_only=True):
    """How a firm measures losses: its rule text as data."""

    daily_base: Literal["equity", "balance", "higher"] = "equity"
    """What the day's loss is counted from: equity or balance (without open profit) at the reset."""
    drawdown: Literal["trailing", "static"] = "trailing"
    """Measured from the highest confirmed equity, or from where the account began."""
    initial_balance: NotNegative = 0.0
    """Where the account began, in dollars; 0 takes the first confirmed equity."""
    reset_time: str = "17:00"
    """When the firm's day begins."""
    reset_zone: str = "America/New_York"
    """In which time zone (IANA name)."""
    dated: str = ""
    """Date of the rule text that these values were taken from, as YYYY-MM-DD."""


class PropFirm(Block, frozen=True, kw_only=True):
    """Prop mode: a funded account's harder rules."""

    enabled: bool = False
    account: str = "prop_firm_test"
    """The firm's account, shown in `argo status`."""
    risk_limits: RiskLimits = RiskLimits()
    rules: LossRules = LossRules()


class Consensus(Block, frozen=True, kw_only=True):
    """Weighted Consensus v6 (decisions §2)."""

    min_confidence: PercentOf = 75.0
    """An entry needs at least this confidence after the regime's multiplier."""
    close_confidence: PercentOf = 75.0
    """A signal against an open position closes it from this raw confidence on."""
    min_participation: Annotated[float, Meta(gt=0, le=1)] = 0.5
    """Share of the configured families' weight that must vote."""
    min_families: Count = 2
    """Families that must vote (1 where only one is configured)."""
    weights: dict[Literal["market_data", "technical", "sentiment", "analysis"], Positive] = (
        msgspec.field(
            default_factory=lambda: {
                "market_data": 0.40,
                "technical": 0.25,
                "sentiment": 0.20,
                "analysis": 0.15,
            }
        )
    )
    """Weight of each family of sources."""
    price_tolerance_stocks_pct: Positive = 0.5
    """Vendors' live prices of a stock may differ by this much."""
    price_tolerance_crypto_pct: Positive = 1.0
    """Vendors' live prices of a coin may differ by this much."""
    signal_seconds: Positive = 30.0
    """A signal expires so long after its tick."""


class RegimeSettings(Block, frozen=True, kw_only=True):
    """Regime from completed bars, and what it does to an entry's confidence."""

    timeframe: Literal["1Day", "1Hour", "15Min", "5Min", "1Min"] = "1Day"
    """Bars for regime and ATR; other than 1Day only for bar sets too short for it."""
    bars: Annotated[int, Meta(ge=60, le=1000)] = 252
    """How many completed bars are read."""
    bull_long: NotNegative = 1.0
    bull_short: NotNegative = 0.9
    bear_long: NotNegative = 0.9
    bear_short: NotNegative = 1.0
    chop: NotNegative = 0.95
    crisis: NotNegative = 0.8
    off: tuple[Literal["BULL", "BEAR", "CHOP", "CRISIS"], ...] = ()
    """Regimes in which no entry is made."""


class Risk(Block, frozen=True, kw_only=True):
    """Limits of the account (decisions §4)."""

    max_positions: Count = 10
    max_drawdown_pct: PercentOf = 10.0
    daily_loss_limit_pct: PercentOf = 5.0
    day_start: str = "17:00"
    """New York time at which the loss day begins."""
    max_gross_exposure_pct: PercentOf = 100.0
    """Gross exposure, pending and foreign included, in percent of equity."""
    max_per_group: Count = 3
    """Positions of the same side in one group of correlated symbols."""
    groups: dict[str, tuple[str, ...]] = msgspec.field(
        default_factory=lambda: {
            "us_index": ("SPY", "QQQ", "IWM", "DIA", "VTI"),
            "mega_tech": ("AAPL", "MSFT", "GOOG", "GOOGL", "AMZN", "META", "NVDA", "TSLA"),
        }
    )
    """Correlated symbols; all coins are one more group."""
    cash_reserve_pct: NotNegative = 5.0
    """Percent of equity kept out of buying power."""
    max_spread_stocks_pct: Positive = 0.5
    max_spread_crypto_pct: Positive = 1.0
    collar_stocks_pct: Positive = 1.0
    """Signal and limit price must be within this of the reference price."""
    collar_crypto_pct: Positive = 2.0
    orders_per_second: Count = 2
    orders_per_minute: Count = 30
    orders_per_day: Count = 200
    warning_pct: PercentOf = 70.0
    """Percent of a loss limit at which to warn."""
    critical_pct: PercentOf = 90.0
    on_breach: Literal["halt", "flatten"] | None = None
    """None: flatten in prop mode, else halt."""
    warmup_seconds: NotNegative = 60.0
    """No entries so long after READY."""
    session_start_minutes: NotNegative = 5.0
    """No stock entries in the first minutes of a session."""
    session_end_minutes: NotNegative = 15.0
    """No stock entries in the last minutes of a session."""
    cooldown_stop_minutes: NotNegative = 30.0
    cooldown_target_minutes: NotNegative = 5.0
    cooldown_signal_minutes: NotNegative = 15.0
    cooldown_refused_seconds: NotNegative = 60.0
    entries_per_symbol_and_day: Count = 3
    losing_trades_symbol: Count = 3
    losing_trades_account: Count = 5
    max_crypto_notional: Positive = 200_000.0
    """Dollars in one crypto order (Alpaca's limit)."""


class RestartPolicy(Block, frozen=True, kw_only=True):
    """When a failing child is given up (after OTP)."""

    restart: Restart = "permanent"
    intensity: Annotated[int, Meta(ge=0, le=1000)] = 3
    """More restarts than this within the period: parked as failed (a source) or escalated."""
    period_seconds: Positive = 60.0
    backoff_seconds: Positive = 1.0
    """First delay; doubles with full jitter."""
    backoff_max_seconds: Positive = 60.0
    probe_seconds: Positive = 3600.0
    """A parked source is tried again so often."""
    shutdown_seconds: NotNegative = 5.0
    """An ordered stop lets the calls that are under way end for so long, then goes on."""


class Source(Block, frozen=True, kw_only=True):
    """One data source."""

    enabled: bool = True
    family: Family | None = None
    """The family it votes in; a source of your own has to say."""
    base_url: str = ""
    """Where the provider answers; empty is the vendor's own address."""
    timeframe: Literal["1Min", "5Min", "15Min", "1Hour", "1Day"] = "1Min"
    """Bars that the vote is made from."""
    refresh_seconds: NotNegative = 0.0
    """Least time between two questions; 0 follows the bars, or the language model's own slots."""
    valid_seconds: Positive = 90.0
    """An opinion lives so long from its `as_of`."""
    feed: Literal["iex", "sip", "delayed_sip"] = "iex"
    """Alpaca's stock feed."""
    plan: Literal["free", "paid"] = "free"
    """The vendor's plan the key is on; a free massive key has no vote."""
    calls_per_minute: Annotated[float, Meta(gt=0)] = 150.0
    """The limiter's budget."""
    calls_per_day: Annotated[float, Meta(gt=0)] = 1_000_000.0
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """Total deadline of one call."""
    model: str = ""
    """The language model asked; empty is the one this version knows to be right."""
    daily_budget_usd: Positive = 2.0
    """A language model's spending in a UTC day; spent, it is left alone until midnight UTC."""
    restart: RestartPolicy = RestartPolicy(shutdown_seconds=0.5)


def default_sources() -> dict[str, Source]:
    """The six sources of this version, each as its vendor's usual plan allows."""
    return {
        "alpaca": Source(),
        "massive": Source(valid_seconds=150.0, refresh_seconds=60.0, calls_per_minute=5.0),
        "yfinance": Source(timeframe="1Day", valid_seconds=7200.0, calls_per_minute=30.0),
        "alpha_vantage": Source(
            timeframe="1Day", valid_seconds=7200.0, calls_per_minute=5.0, calls_per_day=25.0
        ),
        "xai_grok": Source(
            refresh_seconds=1800.0,
            valid_seconds=2700.0,
            calls_per_minute=2.0,
            calls_per_day=100.0,
            timeout_seconds=240.0,
        ),
        "sonar": Source(
            refresh_seconds=7200.0,
            valid_seconds=10_800.0,
            calls_per_minute=2.0,
            calls_per_day=50.0,
            timeout_seconds=120.0,
        ),
    }


class Broker(Block, frozen=True, kw_only=True):
    """Alpaca's trading API."""

    base_url: str = "https://paper-api.alpaca.markets"
    stream_url: str = "wss://paper-api.alpaca.markets/stream"
    data_url: str = ""
    """Market data for quotes, marks and regimes; empty: where `sources.alpaca` asks."""
    calls_per_minute: Annotated[float, Meta(gt=0)] = 150.0
    """REST budget out of Alpaca's 200."""
    reserved_calls: Annotated[float, Meta(ge=0)] = 50.0
    """Of it, kept for exits and cancels."""
    workers: Annotated[int, Meta(ge=3, le=16)] = 6
    money_timeout_seconds: Positive = 2.0
    """A submission or cancel without an answer is of unknown outcome after this."""
    query_timeout_seconds: Positive = 5.0
    account_seconds: Positive = 30.0
    """The account's figures are at most so old."""
    positions_seconds: Positive = 10.0
    open_orders_seconds: Positive = 5.0
    """Open orders are read so often while any works."""
    reconcile_seconds: Positive = 60.0
    max_order_notional: Positive = 1_000_000.0
    """The gate refuses a larger order."""


class Journal(Block, frozen=True, kw_only=True):
    """The append-only log."""

    commit_ms: Positive = 50.0
    """Commit at least so often when nobody waits."""
    commit_records: Count = 1000
    durable_seconds: Positive = 2.0
    """Longer without a durable commit ends the process."""


class Clock(Block, frozen=True, kw_only=True):
    """The cycle."""

    cycle_seconds: Annotated[float, Meta(ge=1, le=300)] = 5.0
    """A tick, and a decision on every symbol, so often."""
    decide_seconds: Positive = 2.0
    """A cycle is decided at the latest so long after its tick."""
    shutdown_seconds: Positive = 10.0
    """An ordered stop of the whole takes no longer."""


class Api(Block, frozen=True, kw_only=True):
    """The HTTP API."""

    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    """Of 127.0.0.1, with the token of the state directory; 0 takes any free one."""


class Supervision(Block, frozen=True, kw_only=True):
    """How the engine's own actors are restarted."""

    dispatcher: Literal["core", "thread"] = "core"
    """Deciders share one core thread, or have a thread each."""
    deciders: RestartPolicy = RestartPolicy(intensity=3, period_seconds=60.0, backoff_seconds=0.05)
    edges: RestartPolicy = RestartPolicy(intensity=5, period_seconds=60.0, backoff_seconds=0.5)
    stuck_seconds: Positive = 5.0
    """A core step longer than this ends the process."""
    kept_mark: Count = 1000
    """Beyond so many waiting kept words entries are denied; at 100 times the process ends."""


class Live(Block, frozen=True, kw_only=True):
    """The first steps with real money."""

    ramp: Annotated[int, Meta(ge=0)] = 5
    """So many first entries of a live account are small; 0 switches it off."""
    ramp_usd: Positive = 100.0
    """Most dollars in each of them, or the smallest valid order where that costs more."""


class SymbolOverride(Block, frozen=True, kw_only=True):
    """Stop and target of one symbol."""

    stop_loss_pct: Annotated[float, Meta(gt=0, lt=50)] | None = None
    profit_target_pct: Annotated[float, Meta(gt=0, lt=100)] | None = None
