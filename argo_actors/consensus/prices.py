"""Do the vendors' live prices agree? Of three or more the outlier goes; of two none, but nothing is entered."""

from collections.abc import Sequence
from typing import NamedTuple

from ..units import MINUTE, UtcNanos

SAME_TIME = MINUTE
SPLIT_RATIOS = (2, 3, 4, 5, 7, 10, 20)
SPLIT_TOLERANCE = 0.02


class Price(NamedTuple):
    """A vendor's live price of a symbol."""

    source: str
    price: float
    as_of: UtcNanos


class Comparison(NamedTuple):
    """What the comparison came to."""

    conflict: bool
    split: bool
    """The ratio of two prices is that of a usual split."""
    dropped: tuple[str, ...]


def compare(prices: Sequence[Price], tolerance_pct: float) -> Comparison:
    """Compare the live prices whose times differ by at most a minute from the newest."""
    newest = max((one.as_of for one in prices), default=0)
    fresh = sorted(one for one in prices if newest - one.as_of <= SAME_TIME)
    if len(fresh) < 2 or _spread_pct(fresh) <= tolerance_pct:
        return Comparison(False, False, ())
    if any(_like_split(a.price / b.price) for a in fresh for b in fresh if a != b):
        return Comparison(True, True, ())
    if len(fresh) == 2:
        return Comparison(True, False, ())
    middle = sorted(one.price for one in fresh)[len(fresh) // 2]
    outlier = max(fresh, key=lambda one: (abs(one.price - middle), one.source))
    rest = [one for one in fresh if one is not outlier]
    return Comparison(_spread_pct(rest) > tolerance_pct, False, (outlier.source,))


def _spread_pct(prices: Sequence[Price]) -> float:
    values = [one.price for one in prices]
    return 100 * (max(values) - min(values)) / min(values)


def _like_split(ratio: float) -> bool:
    return any(abs(ratio / one - 1) <= SPLIT_TOLERANCE for one in SPLIT_RATIOS)
