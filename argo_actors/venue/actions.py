"""Corporate actions of stocks as data, and what they do to prices.

An action takes effect at midnight New York of its ex-date: what trades from then on are the new shares.
A market's own bars know nothing of it, they are continuous; so a price of the old shares is theirs times
the factors of all actions until then, and adjusted bars come out right by leaving factors in or out.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import prod
from typing import Annotated, NamedTuple

import msgspec

from .sessions import new_york_midnight

Rate = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Kinds = frozenset[str]
SPLIT: Kinds = frozenset({"split"})
"""What vendors adjust for unless they are told otherwise."""


class _Action(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    symbol: str
    ex_date: date
    announced: bool = True
    """False: nobody is told of it before it happens, nor after."""
    late_seconds: Seconds = 0
    """The account follows so long after the prices."""

    @property
    def at(self) -> int:
        """When prices are those of the new shares (ns UTC)."""
        return new_york_midnight(self.ex_date)

    @property
    def key(self) -> str:
        """One of a kind, symbol and day."""
        return f"{self.kind} {self.symbol} {self.ex_date}"

    @property
    def kind(self) -> str:
        """Its tag."""
        return str(self.__struct_config__.tag)


class Split(_Action, frozen=True, kw_only=True, tag="split"):
    """`new_rate` shares for `old_rate`: 10 for 1 is a forward split, 1 for 10 a reverse one."""

    new_rate: Rate
    old_rate: Rate

    def __post_init__(self) -> None:
        if self.new_rate == self.old_rate:
            raise ValueError("a split has two different rates")

    @property
    def ratio(self) -> Decimal:
        """New shares for an old one."""
        return Decimal(self.new_rate) / self.old_rate


class Dividend(_Action, frozen=True, kw_only=True, tag="dividend"):
    """So many dollars for a share, paid with the ex-date."""

    cash: Decimal

    def __post_init__(self) -> None:
        if not (self.cash.is_finite() and self.cash > 0):
            raise ValueError("a dividend is above 0 dollars")


Action = Split | Dividend


class _Effect(NamedTuple):
    at: int
    kind: str
    factor: float


class Actions:
    """What corporate actions do to a market's prices; `price` is the market's own, without any."""

    def __init__(self, price: Callable[[str, int], float | None]) -> None:
        self._price = price
        self._known: dict[str, dict[str, Action]] = {}
        self._effects: dict[str, list[_Effect]] = {}

    def know(self, action: Action) -> None:
        """One more; knowing it twice changes nothing."""
        known = self._known.setdefault(action.symbol, {})
        known[action.key] = action
        effects: list[_Effect] = []
        self._effects[action.symbol] = effects
        for one in sorted(known.values(), key=lambda one: (one.at, one.key)):
            factor = self._factor_of(one, prod(earlier.factor for earlier in effects))
            effects.append(_Effect(one.at, one.kind, factor))

    def _factor_of(self, action: Action, before: float) -> float:
        if isinstance(action, Split):
            return float(1 / action.ratio)
        close = (self._price(action.symbol, action.at - 1) or 0.0) * before
        # Nobody pays out more than there is: a price stays one.
        return max(1 - float(action.cash) / close, 0.01) if close else 1.0

    def factor(self, symbol: str, at: int) -> float:
        """From the market's own price at a time to that of the shares of that time."""
        effects = self._effects.get(symbol)
        return prod(one.factor for one in effects if one.at <= at) if effects else 1.0

    def adjusted(self, symbol: str, at: int, now: int, kinds: Kinds) -> tuple[float, float]:
        """The factors of a price and of a number of shares of `at` that are shown at `now`.

        Actions of some `kinds` are adjusted for: they count as if they had always been in effect.
        """
        found = [
            one
            for one in self._effects.get(symbol, ())
            if one.at <= (now if one.kind in kinds else at)
        ]
        splits = prod(one.factor for one in found if one.kind == "split")
        return prod(one.factor for one in found), 1 / splits

    def since(self, symbol: str, at: int) -> int:
        """When the shares of a time came to be; 0 when they always were."""
        effects = self._effects.get(symbol, ())
        return max((one.at for one in effects if one.at <= at), default=0)
