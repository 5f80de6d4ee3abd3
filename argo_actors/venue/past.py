"""The book as it was: what a stale answer is made of."""

import copy
from collections import deque

from .matching import Book

SECOND = 1_000_000_000


class Past:
    """Copies of a book after each of its changes, as far back as somebody may ask."""

    def __init__(self) -> None:
        self._kept: deque[Book] = deque()

    def keep(self, book: Book, seconds: float) -> None:
        """Take a copy, and let go of those that nobody can ask for; the market is shared."""
        if not seconds:
            self._kept.clear()
            return
        self._kept.append(copy.deepcopy(book, {id(book.market): book.market}))
        horizon = book.now - int(seconds * SECOND)
        while len(self._kept) > 1 and self._kept[1].now <= horizon:
            self._kept.popleft()

    def at(self, moment: int) -> Book | None:
        """The book of a moment; the oldest one kept when the moment lies before it."""
        found = self._kept[0] if self._kept else None
        for one in self._kept:
            if one.now <= moment:
                found = one
        return found
