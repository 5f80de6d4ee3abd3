"""The market-data host: who may ask, how often, and what the account's plan shows."""

from .data_rest import COINS, handle_data
from .keys import Keys, shown
from .limits import CallBudget
from .market import Market
from .wire import Answer, Request, answer

HOST = ("/v2/stocks/", "/v1beta1/", "/v1beta3/")
"""Paths that are the data host's, whether this venue has what lies behind them or not."""
BASIC_CALLS, PLUS_CALLS = 200, 10_000
"""Calls a minute by plan; the trading API's budget is another one."""


class DataHost:
    """One account's view of a market."""

    def __init__(self, market: Market, keys: Keys, *, basic: bool) -> None:
        self._market = market
        self._keys = keys
        self._basic = basic
        self._budget = CallBudget(BASIC_CALLS if basic else PLUS_CALLS)

    def handle(self, now: int, request: Request) -> Answer:
        """Answer a request to a path of the host's. Coins are shown to those without keys as well."""
        given = shown(request.headers)
        free = given is None and request.path.startswith(COINS)
        if not (free or self._keys.open_data(given)):
            return answer(401, {"message": "unauthorized."})
        within, limits = self._budget.spend(now)
        if not within:
            status, sent, body = answer(429, {"message": "too many requests."})
        else:
            status, sent, body = self.told(now, request)
        return status, sent | limits, body

    def told(self, now: int, request: Request) -> Answer:
        """What is answered to somebody who may ask."""
        found = handle_data(self._market, now, request, basic=self._basic)
        return found or answer(404, {"message": "endpoint not found."})
