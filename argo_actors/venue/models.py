"""What the simulated language models share: the question read, the answer's text written."""

import hashlib
from typing import Any, NamedTuple

import msgspec

from .market import Market
from .skill import Skill, score
from .wire import Headers, header


class Ask(NamedTuple):
    """A request to a simulated language model, decoded."""

    market: Market
    now: int
    body: dict[str, Any]
    skill: Skill

    @property
    def id(self) -> str:
        """The same for the same question at the same time."""
        return hashlib.sha256(f"{self.now} {sorted(self.body)}".encode()).hexdigest()[:24]

    def text(self, schema: Any) -> str:
        """The JSON that the schema asks for: a score of each symbol in its list."""
        try:
            rows = schema["properties"]["scores"]["items"]["properties"]["symbol"]["enum"]
        except (KeyError, TypeError):
            return "I rate nothing without a schema."
        known = {self._name(one): one for one in self.market.assets}
        found = [
            {"symbol": one, "score": score(self.market, known[one], self.now, self.skill)}
            for one in rows
            if one in known
        ]
        return msgspec.json.encode({"scores": found}).decode()

    @staticmethod
    def _name(symbol: str) -> str:
        """A pair as people write it: `BTC-USD`."""
        return symbol.replace("/", "-")


def bearer(headers: Headers) -> str:
    """The key of an Authorization header; empty when there is none."""
    kind, _, key = header(headers, "Authorization").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def decoded(body: bytes) -> dict[str, Any] | None:
    """A JSON object, or None."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
