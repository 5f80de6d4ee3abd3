"""The other providers' endpoints, each below its own prefix, all over the same market."""

from . import alpha_vantage, massive, perplexity, xai, yahoo
from .data_rest import handle_data
from .market import Market
from .skill import HONEST, Skills, seen_by
from .vendors import ALPACA
from .wire import Answer, Request

FREE_PLANS = ("massive", "alpha_vantage")
"""The vendors whose free plan is simulated as well."""


def handle_provider(
    market: Market,
    now: int,
    request: Request,
    skills: Skills = HONEST,
    free_plans: frozenset[str] = frozenset(),
) -> Answer | None:
    """Answer a request to a provider as of `now`; None when the path belongs to nobody here.

    `skills` say what each of them knows (`skill.py`). `free_plans` names those that answer as
    the vendor's free plan does; otherwise plans are paid and without quota.
    Every key is good: what a vendor says to another is in `vendors.py`.
    """
    path, query = request.path, request.query

    def seen(name: str) -> Market:
        return seen_by(market, skills[name])

    if path.startswith(f"{ALPACA}/"):
        known = seen_by(market, skills["alpaca"], ("1Min",))
        return handle_data(known, now, request._replace(path=path.removeprefix(ALPACA)))
    if path.startswith(f"{massive.PREFIX}/"):
        return massive.handle(seen("massive"), now, request, free="massive" in free_plans)
    if path.startswith(f"{alpha_vantage.PREFIX}/"):
        free = "alpha_vantage" in free_plans
        return alpha_vantage.handle(seen("alpha_vantage"), now, path, query, free=free)
    if path.startswith(f"{xai.PREFIX}/"):
        return xai.handle(market, now, request, skill=skills["xai_grok"])
    if path.startswith(f"{perplexity.PREFIX}/"):
        return perplexity.handle(market, now, request, skill=skills["sonar"])
    if path.startswith(f"{yahoo.PREFIX}/"):
        return yahoo.handle(seen("yfinance"), now, path, query)
    return None
