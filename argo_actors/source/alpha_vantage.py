"""Alpha Vantage: daily bars, one call a symbol; every failure of its comes as HTTP 200."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..config import Source, is_coin
from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError
from ..units import SECOND, Symbol, UtcNanos
from .bars import bar
from .http import Http, mapping, raise_for
from .opinion import TECHNICAL
from .provider import Reading

URL = "https://www.alphavantage.co"
INTERVALS = {"1Min": "1min", "5Min": "5min", "15Min": "15min", "1Hour": "60min"}
NEW_YORK = ZoneInfo("America/New_York")
QUOTA = ("rate limit", "requests per day", "per second", "call frequency", "burst")
NO_PLAN = ("premium endpoint", "premium feature")
BAD_KEY = ("apikey is invalid or missing",)
BAD_SYMBOL = ("invalid api call",)


class AlphaVantage:
    """Completed daily bars by default; shorter ones need a premium key."""

    periods = TECHNICAL
    live = False
    one_by_one = True

    def __init__(self, settings: Source, key: str) -> None:
        self._settings = settings
        self._key = key
        self._http = Http(settings.base_url or URL, key)

    def bars(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        return [self._series(symbol) for symbol in symbols]

    def _series(self, symbol: Symbol) -> Reading:
        query = {**self._question(symbol), "apikey": self._key}
        status, found, headers = self._http.get("/query", query)
        raise_for(status, f"HTTP {status}", headers, "ALPHA_VANTAGE_API_KEY")
        answer = mapping(found, "time series")
        self._raise_for_message(answer)
        rows = next((value for name, value in answer.items() if "Time Series" in name), None)
        if not isinstance(rows, dict):
            raise TransientProviderError("an answer without a time series")
        return _reading(symbol, rows)

    def _question(self, symbol: Symbol) -> dict[str, str]:
        interval = INTERVALS.get(self._settings.timeframe)
        if is_coin(symbol):
            coin = {"symbol": symbol.partition("-")[0], "market": "USD"}
            if interval is None:
                return {"function": "DIGITAL_CURRENCY_DAILY", **coin}
            return {"function": "CRYPTO_INTRADAY", "interval": interval, **coin} | _full()
        if interval is None:
            return {"function": "TIME_SERIES_DAILY", "symbol": symbol, "outputsize": "compact"}
        return {
            "function": "TIME_SERIES_INTRADAY",
            "symbol": symbol,
            "interval": interval,
        } | _full()

    def _raise_for_message(self, answer: dict[str, Any]) -> None:
        """Quota first: its texts name the key and praise the premium plans."""
        found = [answer.get(name) for name in ("Information", "Note", "Error Message")]
        text = " ".join(str(one) for one in found if one)
        if not text:
            return
        lower, shown = text.lower(), self._http.mask(text)
        if any(one in lower for one in QUOTA):
            day = "per day" in lower
            raise TransientProviderError(shown, retry_after=3600.0 if day else 60.0)
        if any(one in lower for one in NO_PLAN):
            raise PermanentProviderError(shown, fix="timeframe 1Day is free; shorter is premium")
        if any(one in lower for one in BAD_KEY):
            raise PermanentProviderError(shown, fix="set a valid ALPHA_VANTAGE_API_KEY")
        if any(one in lower for one in BAD_SYMBOL):
            raise SoftProviderError(shown)
        raise TransientProviderError(shown)

    def prices(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        """Free keys have no live price."""
        return []


def _full() -> dict[str, str]:
    return {"outputsize": "full"}


def _reading(symbol: Symbol, rows: dict[str, Any]) -> Reading:
    try:
        bars = [_bar(stamp, row, is_coin(symbol)) for stamp, row in sorted(rows.items())]
    except (KeyError, TypeError, ValueError) as error:
        return Reading(symbol, nothing=f"a malformed bar: {error}"[:120])
    except SoftProviderError as error:
        return Reading(symbol, nothing=error.what)
    return Reading(symbol, bars=bars) if bars else Reading(symbol, nothing="no bars")


def _bar(stamp: str, row: dict[str, str], coin: bool) -> Any:
    numbers = {name.partition(" ")[2].partition(" ")[0]: float(text) for name, text in row.items()}
    moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC if coin else NEW_YORK)
    return bar(
        int(moment.timestamp()) * SECOND,
        numbers["open"],
        numbers["high"],
        numbers["low"],
        numbers["close"],
        numbers["volume"],
    )
