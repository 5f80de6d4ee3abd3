"""Alpha Vantage: one call a symbol; nearly every failure comes as HTTP 200 with a sentence in it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec

from ..config import Source, is_coin
from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError
from ..units import SECOND, Symbol, UtcNanos
from .bars import Bar, bar
from .http import QUOTA_SECONDS, Http
from .provider import Known, OverHttp, Reading, read_bars
from .schedule import NEW_YORK

URL = "https://www.alphavantage.co"
KEY_NAME = "ALPHA_VANTAGE_API_KEY"
INTERVALS = {"1Min": "1min", "5Min": "5min", "15Min": "15min", "1Hour": "60min"}
QUOTA = ("rate limit", "requests per day", "per second", "call frequency", "burst")
NO_PLAN = ("premium endpoint", "premium feature")
BAD_KEY = ("apikey is invalid or missing",)
BAD_SYMBOL = ("invalid api call",)
DAY_QUOTA_SECONDS = 3600.0
FIRST_BURST_SECONDS = 2.0
SPLITS = (2, 3, 4, 5, 7, 10, 20)
SPLIT_TOLERANCE = 0.02


class _UnknownSymbol(SoftProviderError):
    """The vendor has no such symbol, or no such function for it."""


class AlphaVantage(OverHttp):
    """Completed daily bars by default; shorter ones need a premium key."""

    spacing_seconds = 1.2
    backoff_seconds = (30.0, 600.0)
    tries = 2

    def __init__(self, settings: Source, key: str) -> None:
        self._settings = settings
        self._key = key
        self._bursts = 0
        """Refused for asking too fast, in a row."""
        self._http = Http(
            settings.base_url or URL, key=key, key_name=KEY_NAME, seconds=settings.timeout_seconds
        )

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        return [self._series(symbol) for symbol in symbols]

    def _series(self, symbol: Symbol) -> Reading:
        query = self._question(symbol) | {"apikey": self._key}
        answer: dict[str, Any] = self._http.read(self._http.ask("/query", query), dict[str, Any])
        try:
            self._check_message(answer)
        except _UnknownSymbol as error:
            return Reading(symbol, nothing=error.what, unknown=True)
        found = next((value for name, value in answer.items() if "Time Series" in name), None)
        try:
            rows = msgspec.convert(found, dict[str, dict[str, str]])
        except msgspec.ValidationError:
            raise TransientProviderError("an answer without a time series") from None
        self._bursts = 0
        reading = read_bars(symbol, _bars(rows, is_coin(symbol)))
        if not is_coin(symbol) and has_split(reading.bars):
            return Reading(symbol, nothing="a split in the bars, which are not adjusted for it")
        return reading

    def _question(self, symbol: Symbol) -> dict[str, str]:
        interval = INTERVALS.get(self._settings.timeframe)
        if is_coin(symbol):
            coin = {"symbol": symbol.partition("-")[0], "market": "USD"}
            if interval is None:
                return {"function": "DIGITAL_CURRENCY_DAILY", **coin}
            return {"function": "CRYPTO_INTRADAY", "interval": interval, **coin}
        if interval is None:
            return {"function": "TIME_SERIES_DAILY", "symbol": symbol, "outputsize": "compact"}
        return {"function": "TIME_SERIES_INTRADAY", "symbol": symbol, "interval": interval}

    def _check_message(self, answer: Mapping[str, Any]) -> None:
        """Quota first: its texts name the key and praise the premium plans."""
        found = [answer.get(name) for name in ("Information", "Note", "Error Message")]
        text = " ".join(str(one) for one in found if one)
        if not text:
            return
        lower, shown = text.lower(), self._http.mask(text)
        if _holds(lower, QUOTA):
            raise TransientProviderError(shown, retry_after=self._wait(lower), quota=True)
        if _holds(lower, NO_PLAN):
            fix = 'set sources.alpha_vantage.timeframe to "1Day", or use a premium key'
            raise PermanentProviderError(shown, fix=fix)
        if _holds(lower, BAD_KEY):
            raise PermanentProviderError(shown, fix=f"set a valid {KEY_NAME}")
        if _holds(lower, BAD_SYMBOL):
            raise _UnknownSymbol(f"{shown} (check the symbol)")
        raise TransientProviderError(shown)

    def _wait(self, text: str) -> float:
        """The day's quota is asked for hourly; a burst is over after a moment, else after a minute."""
        if "requests per day" in text:
            return DAY_QUOTA_SECONDS
        self._bursts += 1
        return FIRST_BURST_SECONDS if self._bursts == 1 else QUOTA_SECONDS


def has_split(bars: Sequence[Bar]) -> bool:
    """A bar opens at a usual split's ratio to the close before it."""
    for before, after in pairwise(bars):
        ratio = max(before.c / after.o, after.o / before.c)
        if any(abs(ratio / one - 1) <= SPLIT_TOLERANCE for one in SPLITS):
            return True
    return False


def _holds(text: str, phrases: tuple[str, ...]) -> bool:
    return any(one in text for one in phrases)


def _bars(rows: Mapping[str, Mapping[str, str]], coin: bool) -> Iterator[Bar]:
    """Oldest first; stamps are New York's wall time, of coins UTC. Raises what `read_bars` expects."""
    for stamp in sorted(rows):
        # `1. open`, and in older answers `1a. open (USD)`.
        row = {name.split()[1]: float(text) for name, text in rows[stamp].items()}
        moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC if coin else NEW_YORK)
        at = int(moment.timestamp()) * SECOND
        yield bar(at, row["open"], row["high"], row["low"], row["close"], row["volume"])


SOURCE = Known(
    lambda settings, secrets, _: AlphaVantage(settings, secrets.get(KEY_NAME)), ((KEY_NAME,),)
)
