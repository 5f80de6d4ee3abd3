"""The other providers' endpoints, each below its own prefix, all over the same market."""

from . import alpha_vantage, massive
from .market import Market
from .wire import Answer, Headers, Query


def handle_provider(
    market: Market,
    now: int,
    method: str,
    path: str,
    query: Query,
    headers: Headers,
    bad_keys: frozenset[str] = frozenset(),
    free_plans: frozenset[str] = frozenset(),
) -> Answer | None:
    """Answer a request to a provider as of `now`; None when the path belongs to nobody here.

    `bad_keys` and `free_plans` name providers (`massive`, `alpha_vantage`): the former refuse
    every key, the latter answer as the vendor's free plan does. Otherwise plans are paid and
    without quota.
    """
    if path.startswith(f"{massive.PREFIX}/"):
        return massive.handle(
            market,
            now,
            method,
            path,
            query,
            headers,
            known_key="massive" not in bad_keys,
            free="massive" in free_plans,
        )
    if path.startswith(f"{alpha_vantage.PREFIX}/"):
        return alpha_vantage.handle(
            market,
            now,
            path,
            query,
            known_key="alpha_vantage" not in bad_keys,
            free="alpha_vantage" in free_plans,
        )
    return None
