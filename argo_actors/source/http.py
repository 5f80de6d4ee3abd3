"""HTTP to providers: bounded in time and size, no proxies, no redirects, secrets masked."""

from typing import Any

import msgspec

from ..errors import PermanentProviderError, SoftProviderError, TransientProviderError

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
MOST_BYTES = 4 * 1024 * 1024


class Http:
    """A client for one provider; used by one worker at a time."""

    def __init__(self, base_url: str, secret: str = "", headers: dict[str, str] | None = None):
        import httpx2

        self._secret = secret
        self._client = httpx2.Client(
            base_url=base_url,
            headers=headers or {},
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
        )

    def get(self, path: str, query: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        """Status, decoded JSON (None when it is none) and headers. Raises TransientProviderError."""
        import httpx2

        try:
            with self._client.stream("GET", path, params=query) as response:
                body = self._bounded(response)
                return response.status_code, _json(body), dict(response.headers)
        except httpx2.HTTPError as error:
            raise TransientProviderError(self.mask(f"{type(error).__name__}: {error}")) from None

    def _bounded(self, response: Any) -> bytes:
        found = bytearray()
        for chunk in response.iter_bytes():
            found += chunk
            if len(found) > MOST_BYTES:
                raise TransientProviderError(f"an answer of more than {MOST_BYTES} bytes")
        return bytes(found)

    def mask(self, text: str) -> str:
        """The text without the key, bounded."""
        return (text.replace(self._secret, "***") if self._secret else text)[:300]


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None


def raise_for(status: int, text: str, headers: dict[str, str], key_name: str) -> None:
    """The usual meaning of a status. Raises the ProviderError that it stands for."""
    if status in (401, 403):
        raise PermanentProviderError(text, fix=f"set a valid {key_name}")
    if status == 404:
        raise SoftProviderError(text)
    if status == 429:
        raise TransientProviderError(text, retry_after=_seconds(headers.get("retry-after")))
    if status >= 400:
        raise TransientProviderError(text)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.0, min(float(text), 3600.0))
    except ValueError:
        return None


def mapping(found: Any, what: str) -> dict[str, Any]:
    """A JSON object. Raises TransientProviderError when it is none."""
    if not isinstance(found, dict):
        raise TransientProviderError(f"{what}: not a JSON object")
    return found
