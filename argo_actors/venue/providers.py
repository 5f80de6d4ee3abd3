"""The other providers' endpoints, each below its own prefix, all over the same market."""

from . import alpha_vantage, massive, perplexity, xai, yahoo
from .data_rest import handle_data
from .market import Market
from .skill import HONEST, Skills, seen_by
from .vendors import ALPACA
from .wire import Answer, Headers, Query

_NOBODY: frozenset[str] = frozenset()


def handle_provider(
    market: Market,
    now: int,
    method: str,
    path: str,
    query: Query,
    headers: Headers,
    free_plans: frozenset[str] = _NOBODY,
    body: bytes = b"",
    skills: Skills = HONEST,
) -> Answer | None:
    """Answer a request to a provider as of `now`; None when the path belongs to nobody here.

    `free_plans` names those of `massive` and `alpha_vantage` that answer as the vendor's free plan does;
    otherwise plans are paid and without quota. Every key is good: what a vendor says to another is in
    `vendors.py`. `skills` say what each of them knows (`skill.py`).
    """

    def seen(name: str) -> Market:
        return seen_by(market, skills[name])

    if path.startswith(f"{ALPACA}/"):
        known, data = seen_by(market, skills["alpaca"], ("1Min",)), path.removeprefix(ALPACA)
        return handle_data(known, now, method, data, query, headers)
    if path.startswith(f"{massive.PREFIX}/"):
        found = seen("massive")
        return massive.handle(
            found, now, method, path, query, headers, free="massive" in free_plans
        )
    if path.startswith(f"{alpha_vantage.PREFIX}/"):
        found = seen("alpha_vantage")
        return alpha_vantage.handle(found, now, path, query, free="alpha_vantage" in free_plans)
    if path.startswith(f"{xai.PREFIX}/"):
        skill = skills["xai_grok"]
        return xai.handle(market, now, method, path, headers, body, skill=skill)
    if path.startswith(f"{perplexity.PREFIX}/"):
        skill = skills["sonar"]
        return perplexity.handle(market, now, method, path, headers, body, skill=skill)
    if path.startswith(f"{yahoo.PREFIX}/"):
        found = seen("yfinance")
        return yahoo.handle(found, now, path, query)
    return None
