"""What the simulated language models think: a score of a symbol, with the skill that a test wants."""

import hashlib
from typing import Any, Literal, NamedTuple

import msgspec

from .market import HOUR, Market
from .sessions import DAY
from .wire import Headers, header

Skill = Literal["copy", "perfect", "inverted", "coin"]
SKILLS: tuple[Skill, ...] = ("copy", "perfect", "inverted", "coin")
AHEAD = HOUR
"""How far a perfect model sees."""
SLOT = 30 * 60 * 1_000_000_000
"""A coin is thrown so often."""
FAST, SLOW = 10, 30
PLAIN = 0.5
"""A perfect model's score is full where the price moves by so many percent."""


def score(market: Market, symbol: str, now: int, skill: Skill) -> float:
    """In [-1, 1]. The default copies what the daily bars say; only a test's model sees the future."""
    if skill == "coin":
        return _coin(symbol, now)
    if skill == "copy":
        return _trend(market, symbol, now)
    seen = _future(market, symbol, now)
    return -seen if skill == "inverted" else seen


def _coin(symbol: str, now: int) -> float:
    digest = hashlib.sha256(f"{symbol} {now // SLOT}".encode()).digest()
    return int.from_bytes(digest[:2], "big") / 32767.5 - 1.0


def _future(market: Market, symbol: str, now: int) -> float:
    price, later = market.price(symbol, now), market.price(symbol, min(now + AHEAD, market.end))
    if price is None or later is None:
        return 0.0
    return _clip(100 * (later / price - 1) / PLAIN)


def _trend(market: Market, symbol: str, now: int) -> float:
    """The mean of the last closes above or below that of more of them, in mean daily ranges."""
    days = market.bars(symbol, "1Day", now - 3 * SLOW * DAY, now, now)[-SLOW:]
    if len(days) < SLOW:
        return 0.0
    fast = sum(day.c for day in days[-FAST:]) / FAST
    slow = sum(day.c for day in days) / SLOW
    spread = sum(day.h - day.l for day in days) / SLOW
    return _clip((fast - slow) / spread) if spread > 0 else 0.0


def _clip(value: float) -> float:
    return round(max(-1.0, min(1.0, value)), 4)


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
