"""HTTP to providers: bounded in time and size, no proxies, no redirects, secrets masked.

Whatever goes wrong on the wire becomes one of three errors: later may be better (transient), somebody
must act (permanent, with the remedy), or there is nothing to use in the answer (soft).
"""

import logging
import ssl
import threading
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError
from ..runtime.clock import machine_seconds

CONNECT_SECONDS = 3.0
MOST_BYTES = 4 * 1024 * 1024
QUOTA_SECONDS = 60.0
"""After a 429 that names no time: a vendor of bars counts its calls by the minute."""
MOST_RETRY_AFTER = 3600.0
MOST_TEXT = 200

Shape = TypeVar("Shape")


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes


class Http:
    """A client of one provider."""

    def __init__(
        self,
        base_url: str,
        *,
        key: str = "",
        key_name: str = "",
        headers: dict[str, str] | None = None,
        seconds: float = 10.0,
    ) -> None:
        import httpx2

        # The client logs every address at INFO, and one vendor's address holds the key.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        self._key = key
        self._key_name = key_name
        self._seconds = seconds
        self.sent = 0
        self.server_time: float | None = None
        """Of the newest answer."""
        self._lock = threading.Lock()
        self._under_way = 0
        self._closed = threading.Event()
        self._client = httpx2.Client(
            base_url=base_url,
            headers=headers,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            verify=_certificates(),
            trust_env=False,
            follow_redirects=False,
        )

    def ask(self, path: str, query: Mapping[str, str | int]) -> Answer:
        """The answer of any status. Raises TransientProviderError where there is none."""
        return self._send("GET", path, params=dict(query))

    def post(self, path: str, body: Any) -> Answer:
        """The answer of any status to a JSON body. Raises TransientProviderError where there is none."""
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **content: Any) -> Answer:
        with self._lock:
            if self._closed.is_set():
                raise TransientProviderError("the source was let go of")
            self._under_way += 1
        try:
            return self._sent(method, path, **content)
        finally:
            with self._lock:
                self._under_way -= 1
                last = self._closed.is_set() and not self._under_way
            if last:
                self._client.close()

    def _sent(self, method: str, path: str, **content: Any) -> Answer:
        import httpx2

        self.sent += 1
        until = machine_seconds() + self._seconds
        try:
            with self._client.stream(method, path, **content) as response:
                body = bounded(response.iter_bytes(), until)
                headers = {name.lower(): value for name, value in response.headers.items()}
                self.server_time = server_time(headers)
                return Answer(response.status_code, headers, body)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise PermanentProviderError(
                self.mask(f"not an address: {error}"), fix="correct the source's base_url"
            ) from None
        except httpx2.HTTPError as error:
            raise TransientProviderError(self.mask(f"{type(error).__name__}: {error}")) from None

    def read(self, answer: Answer, shape: type[Shape]) -> Shape:
        """The typed body of a good answer. Raises the ProviderError that another one stands for."""
        self.check(answer)
        return decode(answer, shape, (self._key,))

    def check(self, answer: Answer) -> None:
        """Nothing for a good answer. Raises the ProviderError that another one stands for."""
        check_status(answer, self._key_name, (self._key,))

    def close(self) -> None:
        """Let go of the connections: at once, or when the last call under way has ended.

        Closed by another thread meanwhile, a connection that is just being made would stay open.
        """
        with self._lock:
            self._closed.set()
            idle = not self._under_way
        if idle:
            self._client.close()

    def mask(self, text: str) -> str:
        """The text without the key."""
        return masked(text, (self._key,))


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust: read once, as it takes longer than all else about a client."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


def bounded(chunks: Iterable[bytes], until: float) -> bytes:
    """The decoded body, within its size and its time (machine seconds)."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > MOST_BYTES:
            raise TransientProviderError(f"an answer of more than {MOST_BYTES} bytes")
        if machine_seconds() > until:
            raise TransientProviderError("an answer that does not end in time")
    return bytes(found)


def check_status(answer: Answer, key_name: str, secrets: Iterable[str]) -> None:
    """Nothing for a 2xx. Raises the ProviderError that any other status usually stands for."""
    status = answer.status
    if 200 <= status < 300:
        return
    what = masked(f"HTTP {status}: {complaint(answer.body)}".rstrip(": "), secrets)
    if status in (401, 403):
        raise PermanentProviderError(what, fix=f"set a valid {key_name}")
    if status == 429:
        wish = retry_after(answer.headers)
        wait = QUOTA_SECONDS if wish is None else wish
        raise TransientProviderError(what, retry_after=wait, quota=True)
    if status < 400:
        raise TransientProviderError(f"{what}: a redirect", fix="correct the source's base_url")
    if status >= 500 or status in (408, 425):
        raise TransientProviderError(what)
    raise SoftProviderError(what, fix="check the symbol and the source's settings")


def decode(answer: Answer, shape: type[Shape], secrets: Iterable[str] = ()) -> Shape:
    """The body as what it must be. Raises TransientProviderError: a broken answer may be whole later."""
    media = answer.headers.get("content-type", "")
    if media and "json" not in media.lower():
        raise TransientProviderError(masked(f"not JSON but {media}", secrets))
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransientProviderError(masked(f"a malformed answer: {error}", secrets)) from None


def complaint(body: bytes) -> str:
    """What a vendor says about an error, in the forms in which they say it; empty for HTML."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    said: Any = found.get("error") or found.get("message") or ""
    if isinstance(said, dict):
        said = said.get("message", "")
    return said if isinstance(said, str) else ""


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, in one line of printable signs, bounded; also as a URL spells them."""
    for secret in secrets:
        for spelled in {secret, quote(secret, safe="")} - {""}:
            text = text.replace(spelled, "***")
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:MOST_TEXT]


def server_time(headers: Mapping[str, str]) -> float | None:
    """Epoch seconds by the clock of who answered, also through a cache (RFC 9110: Date, Age)."""
    sent = _date(headers.get("date", ""))
    return None if sent is None else sent + (_number(headers.get("age", "")) or 0.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait after a 429, None where none are named; times are read by the server's own clock."""
    wish = headers.get("retry-after", "")
    sent = _date(headers.get("date", ""))
    seconds = _number(wish)
    if seconds is None and wish:
        seconds = _between(sent, _date(wish))
    if seconds is None:
        seconds = _between(sent, _number(headers.get("x-ratelimit-reset", "")))
    return None if seconds is None else max(1.0, min(seconds, MOST_RETRY_AFTER))


def _between(sent: float | None, until: float | None) -> float | None:
    return None if sent is None or until is None else until - sent


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
