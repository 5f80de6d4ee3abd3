"""A regime changes after two equal readings, and multiplies an entry's confidence."""

import msgspec

from ..config import Config
from ..messages.market import Regime
from ..messages.signal import Action
from ..units import UtcNanos


class RegimeView(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The regime in force, and the reading that may replace it."""

    regime: Regime = "CHOP"
    reading: Regime | None = None
    as_of: UtcNanos = 0


def read(view: RegimeView, reading: Regime) -> RegimeView:
    """The view after one more reading."""
    if reading == view.regime:
        return msgspec.structs.replace(view, reading=None)
    if reading == view.reading:
        return msgspec.structs.replace(view, regime=reading, reading=None)
    return msgspec.structs.replace(view, reading=reading)


def multiplier(config: Config, regime: Regime, action: Action) -> float:
    """What an entry's raw confidence is multiplied by."""
    settings = config.regime
    long = action == "BUY"
    match regime:
        case "BULL":
            return settings.bull_long if long else settings.bull_short
        case "BEAR":
            return settings.bear_long if long else settings.bear_short
        case "CHOP":
            return settings.chop
        case "CRISIS":
            return settings.crisis
