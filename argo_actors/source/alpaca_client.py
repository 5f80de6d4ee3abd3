"""alpaca-py's market-data clients, tamed: one pair a thread, every call bounded, every error one of ours.

By themselves they wait for ever, try again on their own, and fail in reading their own errors.
"""

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from ..errors import PermanentProviderError, TransientProviderError
from ..host.secrets import Pair
from ..runtime.clock import machine_seconds
from .http import (
    CONNECT_SECONDS,
    Answer,
    Shape,
    bounded,
    check_status,
    complaint,
    masked,
    server_time,
)

CHUNK = 65_536
LEAST_SECONDS = 0.05
KEYS = "APCA_DATA_KEY_ID and APCA_DATA_SECRET_KEY (or the APCA_API pair)"


class DataClient:
    """Questions to Alpaca's data host; stocks and coins have clients of their own."""

    def __init__(self, keys: Pair, base_url: str) -> None:
        # Imported here, not in the first question: that one may have two seconds only.
        import alpaca.data.historical  # noqa: F401

        self._keys = keys
        self._base_url = base_url or None
        self._mine = threading.local()
        self._sessions: list[Any] = []
        self._closed = threading.Event()
        self.sent = 0
        self.server_time: float | None = None
        """Of the newest answer."""

    def get(
        self,
        coin: bool,
        path: str,
        query: Mapping[str, str | int],
        shape: type[Shape],
        seconds: float,
    ) -> Shape:
        """The typed answer within so many machine seconds. Raises ProviderError."""
        import requests
        import urllib3
        from alpaca.common.exceptions import APIError

        if self._closed.is_set():
            raise TransientProviderError("the source was let go of")
        client, adapter = self._client(coin)
        adapter.until, adapter.server_time = machine_seconds() + seconds, None
        self.sent += 1
        try:
            found = client.get(path, dict(query))
        except APIError as error:
            self._refused(_answer(error))
            raise TransientProviderError("an error without a status") from None
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            raise PermanentProviderError(
                self._masked(error), fix="correct sources.alpaca.base_url"
            ) from None
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            ValueError,
            RecursionError,
        ) as error:
            raise TransientProviderError(self._masked(error)) from None
        finally:
            self.server_time = adapter.server_time
            if self._closed.is_set():
                # It was let go of meanwhile: nobody else will close what this call has opened.
                client._session.close()
        try:
            return msgspec.convert(found, shape)
        except msgspec.ValidationError as error:
            raise TransientProviderError(f"a malformed answer: {error}") from None

    def close(self) -> None:
        """Let go of every thread's connections."""
        self._closed.set()
        for session in self._sessions:
            session.close()

    def _refused(self, answer: Answer) -> None:
        """An error's status, as Alpaca means it."""
        if answer.status == 403 and "subscription" in complaint(answer.body):
            raise PermanentProviderError(
                masked(complaint(answer.body), self._keys),
                fix='set sources.alpaca.feed to "iex", or take a data plan with SIP',
            )
        check_status(answer, KEYS, self._keys)

    def _masked(self, error: BaseException) -> str:
        return masked(f"{type(error).__name__}: {error}", self._keys)

    def _client(self, coin: bool) -> tuple[Any, Any]:
        """This thread's client of a class, and the adapter that holds its deadline."""
        name = "coins" if coin else "stocks"
        found: tuple[Any, Any] | None = getattr(self._mine, name, None)
        if found is None:
            found = self._new_client(coin)
            setattr(self._mine, name, found)
        return found

    def _new_client(self, coin: bool) -> tuple[Any, Any]:
        from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient

        kind = CryptoHistoricalDataClient if coin else StockHistoricalDataClient
        client: Any = kind(
            self._keys.key_id, self._keys.secret, raw_data=True, url_override=self._base_url
        )
        client._retry = 0
        session = client._session
        self._sessions.append(session)
        session.trust_env = False
        adapter = _bounded_adapter()
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return client, adapter


def _bounded_adapter() -> Any:
    import requests
    from requests.adapters import HTTPAdapter

    class Bounded(HTTPAdapter):
        """Every answer has a deadline and a size, and a good one is JSON."""

        until = 0.0
        server_time: float | None = None

        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
            left = max(LEAST_SECONDS, self.until - machine_seconds())
            options |= {"timeout": (min(CONNECT_SECONDS, left), left), "stream": True}
            response: Any = super().send(request, **options)
            self.server_time = server_time({k.lower(): v for k, v in response.headers.items()})
            try:
                # `stream` would fill a whole chunk before the deadline is looked at.
                chunks = iter(partial(response.raw.read1, CHUNK, decode_content=True), b"")
                body = bounded(chunks, self.until)
            except BaseException:
                response.close()
                raise
            response._content = body
            response._content_consumed = True
            # Without it requests guesses the encoding of what names none, byte by byte.
            response.encoding = "utf-8"
            media = response.headers.get("Content-Type", "")
            if response.status_code < 300 and media and "json" not in media.lower():
                raise requests.exceptions.ContentDecodingError(f"not JSON but {media}")
            return response

    return Bounded(max_retries=0)


def _answer(error: Any) -> Answer:
    """alpaca-py's error as what came back."""
    response = getattr(getattr(error, "_http_error", None), "response", None)
    headers = {} if response is None else {k.lower(): v for k, v in response.headers.items()}
    return Answer(int(error.status_code or 0), headers, str(error).encode())
