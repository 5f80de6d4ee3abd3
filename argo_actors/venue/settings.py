"""What an account's owner has set: the configuration and the watchlists. Data only."""

import msgspec


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account's own limits, with Alpaca's names and defaults."""

    disable_overnight_trading: bool = False
    dtbp_check: str | None = "entry"
    fractional_trading: bool = True
    max_margin_multiplier: str = "2"
    max_options_trading_level: int | None = 2
    no_shorting: bool = False
    pdt_check: str | None = "entry"
    ptp_no_exception_entry: bool = False
    suspend_trade: bool = False
    trade_confirm_email: str = "none"


class Watchlist(msgspec.Struct, frozen=True, kw_only=True):
    """A named list of symbols in the owner's order; times in ns UTC."""

    id: str
    name: str
    symbols: tuple[str, ...]
    created_at: int
    updated_at: int
