"""alpaca-py's trading client over HTTP: the only module that imports it, and the gate alone imports this.

Its hidden re-POST is switched off, its missing timeouts are supplied, its floats are avoided: bodies and
answers are plain JSON here, numbers travel as text.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import (
    AuthError,
    BrokerError,
    NotSentError,
    RateLimitedError,
    RefusedError,
    UnknownOutcomeError,
)
from ..runtime.clock import machine_seconds

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
WHOLE_SECONDS = 10.0
"""An answer that comes byte by byte keeps within the reading timeout for ever."""
MOST_BYTES = 4 * 1024 * 1024
PART_BYTES = 64 * 1024
PAGE = 500
MOST_PAGES = 200


class Transport:
    """One client a thread; every call is bounded and its error is one of ours."""

    def __init__(
        self,
        base_url: str,
        key_id: str,
        secret: str,
        adapter: Callable[[], Any] | None = None,
    ) -> None:
        self.base_url = base_url
        self._key_id = key_id
        self._secret = secret
        self._adapter = adapter
        self._mine = threading.local()
        self._lock = threading.Lock()
        self.calls = 0
        """Requests made so far: what a budget is charged for."""
        self._longest = 0
        """The longest page of a list so far: the broker gives at least as many at once."""

    def _client(self) -> Any:
        client = getattr(self._mine, "client", None)
        if client is None:
            client = self._mine.client = self._new_client()
        return client

    def _new_client(self) -> Any:
        from alpaca.trading.client import TradingClient

        client = TradingClient(
            self._key_id,
            self._secret,
            raw_data=True,
            url_override=self.base_url,
        )
        client._retry = 0
        session = client._session
        session.trust_env = False
        session.max_redirects = 0
        adapter = self._adapter() if self._adapter is not None else _bounded_adapter()
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return client

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """A question."""
        return self._call("GET", path, dict(query or {}))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """A request that may move money: its outcome is decided, or unknown."""
        return self._call("POST", path, dict(body))

    def delete(self, path: str) -> Any:
        """A request to cancel."""
        return self._call("DELETE", path, {})

    def pages(self, path: str, query: Mapping[str, Any]) -> list[Any]:
        """A list, read through to its end, oldest first.

        `after` is exclusive, so each page begins a moment before the last one's end: orders of the
        same instant are met again and merged by id. A broker may give fewer than asked for: a page ends
        the list where a longer one has been seen; one that holds nothing new may be full of one instant,
        so what is later than that is asked for.
        Raises UnknownOutcomeError when more orders bear one instant than a page holds, and for a list
        without an end.
        """
        found: dict[str, Any] = {}
        asked = dict(query) | {"limit": PAGE, "direction": "asc"}
        for _ in range(MOST_PAGES):
            page = self.get(path, asked) or []
            new = [one for one in page if one.get("id") not in found]
            found.update((one["id"], one) for one in new)
            if not page or len(page) < self._longest:
                return list(found.values())
            if not new and len(page) == 1:  # an instant that fills a page has two rows or more
                return list(found.values())
            self._longest = len(page)
            if not new and len(page) >= PAGE:
                raise UnknownOutcomeError(f"more than {PAGE} orders of one instant in {path}")
            last = str(page[-1].get("submitted_at"))
            asked["after"] = just_before(last) if new else last
        raise UnknownOutcomeError(f"{path} has no end after {MOST_PAGES} pages")

    def _call(self, method: str, path: str, data: dict[str, Any]) -> Any:
        import requests
        from alpaca.common.exceptions import APIError
        from urllib3.exceptions import HTTPError

        client = self._client()
        with self._lock:
            self.calls += 1
        try:
            if method == "GET":
                return client.get(path, data)
            if method == "DELETE":
                return client.delete(path)
            return client.post(path, data)
        except APIError as error:
            raise _decided(error) from None
        except requests.exceptions.ConnectTimeout as error:
            raise NotSentError(f"no connection: {_short(error)}") from None
        except requests.exceptions.ConnectionError as error:
            raise _connection(error) from None
        except (requests.exceptions.RequestException, HTTPError, ValueError, TypeError) as error:
            raise UnknownOutcomeError(_short(error)) from None


def just_before(stamp: str) -> str:
    """A millisecond earlier, as RFC 3339."""
    moment = datetime.fromisoformat(stamp) - timedelta(milliseconds=1)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _bounded_adapter() -> Any:
    import requests
    from requests.adapters import HTTPAdapter

    class Bounded(HTTPAdapter):
        """Every request has a timeout, every answer a size."""

        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
            options["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
            options["stream"] = True
            until = machine_seconds() + WHOLE_SECONDS
            response = super().send(request, **options)
            body = bytearray()
            while part := response.raw.read1(PART_BYTES, decode_content=True):
                body += part
                if len(body) > MOST_BYTES:
                    response.close()
                    raise requests.exceptions.ContentDecodingError("the answer is too large")
                if machine_seconds() > until:
                    response.close()
                    raise requests.exceptions.ReadTimeout("the answer does not end in time")
            response._content = bytes(body)
            response._content_consumed = True
            response.raw.release_conn()
            return response

    return Bounded(max_retries=0)


def _decided(error: Any) -> BrokerError:
    """An answer of 400 and above: refused, not executed, or unknown."""
    import json

    status = int(error.status_code or 0)
    text = str(error)
    try:
        body = json.loads(text)
        code, message = int(body.get("code") or 0), str(body.get("message") or text)
    except (ValueError, AttributeError, TypeError):
        body, code, message = None, 0, text[:200]
    if status == 429:
        headers = getattr(error.response, "headers", {}) if error.response is not None else {}
        return RateLimitedError("rate limit exceeded", _number(headers.get("X-RateLimit-Reset")))
    if status == 401 or (status == 403 and code in (0, 40110000)):
        return AuthError(
            f"the broker refuses the keys ({status})",
            fix="check APCA_API_KEY_ID and APCA_API_SECRET_KEY: paper keys for the paper address",
        )
    if 400 <= status < 500 and status != 408 and body is not None:
        return RefusedError(message, status=status, code=code, body=text[:2000])
    return UnknownOutcomeError(f"HTTP {status}: {message[:120]}")


def _connection(error: Any) -> BrokerError:
    """Refused, DNS and TLS cannot have reached the broker; a broken connection may have."""
    text = str(error)
    if "NewConnectionError" in text or "NameResolutionError" in text or "certificate" in text:
        return NotSentError(f"no connection: {_short(error)}")
    return UnknownOutcomeError(_short(error))


def _number(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return 0.0


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:160]
