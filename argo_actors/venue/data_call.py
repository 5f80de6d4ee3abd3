"""A question to the market-data host: its parameters, and what the account's plan lets it see."""

import re
from typing import NamedTuple

from .market import Market
from .sessions import MINUTE
from .wire import Query

RECENT = 15 * MINUTE
"""The basic plan sees what all exchanges did only so long after it happened."""
HISTORICAL = ("sip", "iex", "otc", "boats")
LATEST = (*HISTORICAL, "delayed_sip", "overnight")

_COIN_FORM = "^[A-Z]+x?/[A-Z]+$"
_COIN = re.compile(_COIN_FORM)
_STOCK = re.compile(r"^[A-Z][A-Z0-9]*(\.[A-Z]+)?$")


class BadRequest(Exception):
    """What Alpaca says with a 400."""


class NotSubscribed(Exception):
    """What Alpaca says with a 403: the plan does not reach so far."""


class Call(NamedTuple):
    """A question, and the time at which it is asked (ns)."""

    market: Market
    now: int
    query: Query
    crypto: bool
    basic: bool = False
    """The free plan: IEX at once, everything else a quarter of an hour later."""

    def symbols(self) -> list[str]:
        """The symbols asked for, in order; those without an asset are left out. Raises BadRequest."""
        text = self.query.get("symbols", "")
        if not text:
            raise BadRequest("symbols is required")
        wanted = sorted(set(text.split(",")))
        for symbol in wanted:
            if self.crypto and not _COIN.match(symbol):
                raise BadRequest(f"invalid symbol: {symbol} does not match {_COIN_FORM}")
            if not self.crypto and not _STOCK.match(symbol):
                raise BadRequest(f"invalid symbol: {symbol}")
        assets = self.market.assets
        return [one for one in wanted if one in assets and assets[one].is_crypto == self.crypto]

    def seen(self) -> int:
        """Until when the past may be asked for without naming an end (ns). Raises BadRequest."""
        is_late = self._feed(HISTORICAL, "sip") == "sip" and self.basic
        return self.now - RECENT if is_late else self.now

    def check_end(self, end: int) -> None:
        """An end that is named has to be one that the plan reaches. Raises NotSubscribed."""
        if end > self.seen():
            raise NotSubscribed

    def as_latest(self) -> "Call":
        """The same question as of the time that its feed shows. Raises BadRequest, NotSubscribed."""
        feed = self._feed(LATEST, "iex" if self.basic else "sip")
        if feed == "sip" and self.basic:
            raise NotSubscribed
        return self._replace(now=self.now - RECENT) if feed == "delayed_sip" else self

    def _feed(self, known: tuple[str, ...], usual: str) -> str:
        """The feed of a question about stocks; coins have none."""
        if self.crypto:
            return ""
        feed = self.query.get("feed", "") or usual
        if feed not in known:
            raise BadRequest(f"invalid feed: {feed}")
        return feed
