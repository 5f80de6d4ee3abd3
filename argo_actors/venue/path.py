"""One symbol's minute bars, and the price inside them as a pure function of time.

Within its minute a price runs in straight lines from the open through both extremes to the close:
the extreme against the minute's direction comes first. When it turns is drawn from the minute's
own number, so that stops are not all touched at the same second of a minute.
"""

from array import array
from bisect import bisect_left, bisect_right
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .sessions import MINUTE, SECOND

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_MASK = (1 << 64) - 1
_TURN_WINDOW = 18 * SECOND
_FIRST_TURN = 9 * SECOND
_SECOND_TURN = 33 * SECOND


class Columns(NamedTuple):
    """Bars by column, ascending; prices in USD."""

    t: Ints
    o: Floats
    h: Floats
    l: Floats  # noqa: E741 (the wire's own letter)
    c: Floats
    v: Floats

    def rows(self, chosen: Ints | slice) -> "Columns":
        """Some of the rows."""
        return Columns(
            self.t[chosen],
            self.o[chosen],
            self.h[chosen],
            self.l[chosen],
            self.c[chosen],
            self.v[chosen],
        )

    def between(self, first: int, last: int) -> "Columns":
        """Rows from one index to another, the last one excluded."""
        return self.rows(slice(first, last))


class Path:
    """Minute bars of one symbol as a continuous price."""

    def __init__(self, bars: Columns) -> None:
        # Plain arrays: reading one element of them is several times faster than of a numpy array.
        self._t = array("q", bars.t.tobytes())
        self._o, self._h, self._l, self._c = (
            array("d", column.tobytes()) for column in (bars.o, bars.h, bars.l, bars.c)
        )
        self.columns = Columns(
            _view(self._t, np.int64),
            _view(self._o, np.float64),
            _view(self._h, np.float64),
            _view(self._l, np.float64),
            _view(self._c, np.float64),
            bars.v,
        )

    def completed(self, now: int) -> int:
        """How many bars have ended by `now`."""
        return bisect_right(self._t, now - MINUTE)

    def at_or_after(self, at: int) -> int:
        """Index of the first bar that starts at `at` or later."""
        return bisect_left(self._t, at)

    def starts(self, first: int, last: int) -> "array[int]":
        """The beginnings of the bars in a closed interval."""
        return self._t[bisect_left(self._t, first) : bisect_right(self._t, last)]

    def price(self, at: int) -> float | None:
        """The price at a time: on the path within a minute, the last close after it."""
        i = bisect_right(self._t, at) - 1
        return None if i < 0 else self._inside(i, at - self._t[i])

    def changed(self, at: int) -> int | None:
        """When the price last moved as of `at`: now within a minute, else that minute's end."""
        i = bisect_right(self._t, at) - 1
        return None if i < 0 else min(at, self._t[i] + MINUTE)

    def low_high(self, t0: int, t1: int) -> tuple[float, float] | None:
        """The exact extremes of the path over a closed interval; None before the path."""
        if t1 < t0:
            raise ValueError(f"the interval ends ({t1}) before it begins ({t0})")
        last = bisect_right(self._t, t1) - 1
        if last < 0:
            return None
        t0 = max(t0, self._t[0])
        first = bisect_right(self._t, t0) - 1
        begun, ended = t0 - self._t[first], t1 - self._t[last]
        if first == last:
            points = self._points(first, begun, ended)
        else:
            points = self._points(first, begun, MINUTE) + self._points(last, 0, ended)
            if last - first > 1:
                points.append(min(self._l[first + 1 : last]))
                points.append(max(self._h[first + 1 : last]))
        return min(points), max(points)

    def _points(self, i: int, begun: int, ended: int) -> list[float]:
        """The prices of bar `i` that can be its extremes between two offsets."""
        points = [self._inside(i, begun), self._inside(i, ended)]
        first, second = self._extremes(i)
        turn_1, turn_2 = _turns(self._t[i])
        if begun <= turn_1 <= ended:
            points.append(first)
        if begun <= turn_2 <= ended:
            points.append(second)
        return points

    def _extremes(self, i: int) -> tuple[float, float]:
        if self._c[i] >= self._o[i]:
            return self._l[i], self._h[i]
        return self._h[i], self._l[i]

    def _inside(self, i: int, offset: int) -> float:
        """The price `offset` nanoseconds after the start of bar `i`."""
        if offset >= MINUTE:
            return self._c[i]
        first, second = self._extremes(i)
        turn_1, turn_2 = _turns(self._t[i])
        if offset < turn_1:
            price = _between(self._o[i], first, offset / turn_1)
        elif offset < turn_2:
            price = _between(first, second, (offset - turn_1) / (turn_2 - turn_1))
        else:
            price = _between(second, self._c[i], (offset - turn_2) / (MINUTE - turn_2))
        # Rounding may leave the bar by the last bit; nothing may trade outside its bar.
        return min(max(price, self._l[i]), self._h[i])


def mix(number: int) -> int:
    """A well scattered 64-bit number for a number, the same in every process."""
    z = (number + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def _turns(start: int) -> tuple[int, int]:
    z = mix(start // MINUTE)
    return (
        _FIRST_TURN + (z & 0xFFFFFFFF) % _TURN_WINDOW,
        _SECOND_TURN + (z >> 32) % _TURN_WINDOW,
    )


def _between(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


def _view(values: "array[Any]", dtype: Any) -> Any:
    view = np.frombuffer(values, dtype=dtype)
    view.flags.writeable = False
    return view
