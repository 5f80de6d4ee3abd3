"""The other providers' endpoints, each below its own prefix, all over the same market."""

from . import alpha_vantage, massive, perplexity, xai, yahoo
from .data_rest import forbidden, handle_data
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
    bad_keys: frozenset[str] = _NOBODY,
    free_plans: frozenset[str] = _NOBODY,
    body: bytes = b"",
    skills: Skills = HONEST,
) -> Answer | None:
    """Answer a request to a provider as of `now`; None when the path belongs to nobody here.

    `bad_keys` and `free_plans` name providers (`massive`, `alpha_vantage`, `xai_grok`, `sonar`,
    `yfinance`): the former refuse every key, the latter answer as the vendor's free plan does (a
    language model's has no credits). Otherwise plans are paid and without quota. `skills` say what
    each of them knows (`skill.py`).
    """

    def plan(name: str) -> dict[str, bool]:
        return {"known_key": name not in bad_keys, "free": name in free_plans}

    def seen(name: str) -> Market:
        return seen_by(market, skills[name])

    if path.startswith(f"{ALPACA}/"):
        if "alpaca" in bad_keys:
            return forbidden()
        known, data = seen_by(market, skills["alpaca"], ("1Min",)), path.removeprefix(ALPACA)
        return handle_data(known, now, method, data, query, headers)
    if path.startswith(f"{massive.PREFIX}/"):
        found = seen("massive")
        return massive.handle(found, now, method, path, query, headers, **plan("massive"))
    if path.startswith(f"{alpha_vantage.PREFIX}/"):
        found = seen("alpha_vantage")
        return alpha_vantage.handle(found, now, path, query, **plan("alpha_vantage"))
    if path.startswith(f"{xai.PREFIX}/"):
        skill = skills["xai_grok"]
        return xai.handle(market, now, method, path, headers, body, skill=skill, **plan("xai_grok"))
    if path.startswith(f"{perplexity.PREFIX}/"):
        skill = skills["sonar"]
        return perplexity.handle(
            market, now, method, path, headers, body, skill=skill, **plan("sonar")
        )
    if path.startswith(f"{yahoo.PREFIX}/"):
        found = seen("yfinance")
        return yahoo.handle(found, now, path, query, known_crumb="yfinance" not in bad_keys)
    return None
