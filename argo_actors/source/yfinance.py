"""Yahoo's charts through the yfinance package: keyless, unofficial, and blocked for hours when asked too often.

yfinance gives what is hard to write and changes often: the browser's likeness, cookie and crumb. The
chart itself is read here, because the package shows an empty table for most failures.
"""

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ..config import Source, is_coin
from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError
from ..runtime.clock import machine_seconds
from ..units import DAY, SECOND, Symbol, UtcNanos
from .bars import Bar, bar
from .http import Answer, bounded, check_status, decode, masked, server_time
from .provider import Known, Provider, Reading, read_bars
from .schedule import midnight, new_york_day

URL = "https://query2.finance.yahoo.com"
CHARTS = {
    "1Min": ("1m", "5d"),
    "5Min": ("5m", "1mo"),
    "15Min": ("15m", "1mo"),
    "1Hour": ("60m", "3mo"),
    "1Day": ("1d", "1y"),
}
"""Yahoo's interval, and a range that holds enough of its bars."""
FIRST_BLOCK_SECONDS = 900.0
MOST_BLOCK_SECONDS = 4 * 3600.0
MOST_CRUMB = 64
"""Characters."""
BUMP = "a newer yfinance, where it persists"


class _Columns(msgspec.Struct):
    open: list[float | None] = []
    high: list[float | None] = []
    low: list[float | None] = []
    close: list[float | None] = []
    volume: list[float | None] = []


class _Indicators(msgspec.Struct):
    quote: list[_Columns]


class _Result(msgspec.Struct):
    indicators: _Indicators
    timestamp: list[int] = []


class _Chart(msgspec.Struct):
    result: list[_Result] | None


class _Answer(msgspec.Struct):
    chart: _Chart


class Yahoo(Provider):
    """Completed daily bars, adjusted for splits and not for dividends, as the other vendors' are."""

    spacing_seconds = 1.0

    def __init__(self, settings: Source) -> None:
        self._settings = settings
        self._blocks = 0
        self._client: Any = None
        self._session: Any = None
        self._server_time: float | None = None

    def readings(self, symbols: Sequence[Symbol], now: UtcNanos) -> list[Reading]:
        return [self._chart(symbol) for symbol in symbols]

    @property
    def sent(self) -> int:
        return 0 if self._session is None else int(self._session.sent)

    @property
    def server_time(self) -> float | None:
        return self._server_time

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session.executor.shutdown(wait=False)

    def _chart(self, symbol: Symbol) -> Reading:
        answer = self._ask(symbol)
        if answer.status == 404:
            return Reading(symbol, nothing="Yahoo does not know the symbol", unknown=True)
        if answer.status in (401, 403):
            raise TransientProviderError(f"HTTP {answer.status}: cookie or crumb refused", fix=BUMP)
        check_status(answer, "", ())
        self._blocks = 0
        results = decode(answer, _Answer).chart.result
        daily = self._settings.timeframe == "1Day"
        return read_bars(
            symbol, (one for row in results or () for one in _bars(row, symbol, daily))
        )

    def _ask(self, symbol: Symbol) -> Answer:
        """The chart's answer of any status but 429."""
        client = self._client = self._client or self._open()
        from curl_cffi.requests.exceptions import RequestException
        from yfinance.exceptions import YFException, YFRateLimitError

        interval, span = CHARTS[self._settings.timeframe]
        path = f"{URL}/v8/finance/chart/{symbol.replace('.', '-')}"
        query = {"interval": interval, "range": span, "includePrePost": "false"}
        self._session.until = machine_seconds() + self._settings.timeout_seconds
        try:
            found = client.get(path, query, self._settings.timeout_seconds)
        except YFRateLimitError:
            wait = min(FIRST_BLOCK_SECONDS * 2**self._blocks, MOST_BLOCK_SECONDS)
            self._blocks += 1
            raise TransientProviderError(
                "HTTP 429: blocked", fix=BUMP, retry_after=wait, quota=True
            ) from None
        except (RequestException, YFException) as error:
            told = str(error).partition(" See http")[0]  # curl adds where its errors are explained
            raise TransientProviderError(masked(f"{type(error).__name__}: {told}", ())) from None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # The package reads Yahoo's pages of consent, and is not ready for all that is in them.
            what = f"yfinance failed in {type(error).__name__}"
            raise TransientProviderError(what, fix=BUMP) from None
        headers = {name.lower(): value for name, value in found.headers.items()}
        self._server_time = server_time(headers)
        return Answer(found.status_code, headers, found.content)

    def _open(self) -> Any:
        """The package's one client of the process, with our session under it."""
        try:
            import yfinance.cache
            from yfinance.data import YfData
        except ImportError:
            raise PermanentProviderError(
                "the package yfinance is not installed", fix="pip install yfinance"
            ) from None
        yfinance.cache.set_cache_location(_files())
        self._session = _session(self._settings.base_url)
        return YfData(session=self._session)


@cache
def _files() -> str:
    """A directory of this process: the package keeps cookies in a database on disk."""
    path = tempfile.mkdtemp(prefix="argo-yfinance-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def _session(base_url: str) -> Any:
    """A browser's likeness with a deadline and a bounded body; `base_url` stands for all of Yahoo."""
    from curl_cffi import CurlHttpVersion, CurlOpt, requests

    class Session(requests.Session[Any]):
        until = 0.0
        sent = 0

        def request(self, method: Any, url: str, **options: Any) -> Any:  # type: ignore[override]
            self.sent += 1
            if base_url:
                url = base_url + urlsplit(url).path
            left = self.until - machine_seconds()
            if left <= 0:
                raise TransientProviderError("no answer in time")
            response = super().request(method, url, **options | {"timeout": left, "stream": True})
            try:
                response.content = bounded(response.iter_content(), self.until)
            finally:
                response.close()
            if url.endswith("getcrumb") and len(response.content) > MOST_CRUMB:
                # The package would keep it and put it into every address from then on.
                raise TransientProviderError("not a crumb")
            return response

    # Without TLS a browser asks for no upgrade to HTTP/2, as curl would; curl itself would look for
    # proxies in the environment.
    plain = CurlHttpVersion.V2TLS
    return Session(impersonate="chrome", http_version=plain, curl_options={CurlOpt.NOPROXY: "*"})


def _bars(row: _Result, symbol: Symbol, daily: bool) -> Iterator[Bar]:
    """Rows with a null are minutes or days without a trade. Raises what `read_bars` expects."""
    if not row.indicators.quote:
        return
    found = row.indicators.quote[0]
    columns = (row.timestamp, found.open, found.high, found.low, found.close, found.volume)
    if len({len(one) for one in columns}) != 1:
        raise SoftProviderError("columns of different lengths")
    for at, o, h, low, c, v in zip(*columns, strict=True):
        if o is not None and h is not None and low is not None and c is not None:
            yield bar(_start(at * SECOND, symbol, daily), o, h, low, c, v or 0.0)


def _start(at: UtcNanos, symbol: Symbol, daily: bool) -> UtcNanos:
    """A stock's day is stamped with its open here, with its midnight everywhere else."""
    if not daily:
        return at
    return at // DAY * DAY if is_coin(symbol) else midnight(new_york_day(at))


SOURCE = Known(lambda settings, _, __: Yahoo(settings))
