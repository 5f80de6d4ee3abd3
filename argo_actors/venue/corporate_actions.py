"""Corporate actions: the questions are checked as Alpaca checks them; this market has had none yet."""

from datetime import timedelta
from typing import Any

from .query import Query, choice, day, refusal, words
from .refusals import Refusal

KINDS = ("dividend", "merger", "spinoff", "split")
DATES = ("ex_date", "declaration_date", "record_date", "payable_date")
LONGEST = timedelta(days=90)


def announcements(query: Query) -> list[dict[str, Any]]:
    """What was announced in a range of at most 90 days. Raises Refusal."""
    kinds = [one.lower() for one in words(query, "ca_types")]
    if not kinds or not set(KINDS).issuperset(kinds):
        raise refusal("ca_types")
    choice(query, "date_type", DATES)
    since, until = day(query, "since"), day(query, "until")
    if since is None or until is None:
        raise Refusal(422, 40010001, "since and until are required")
    if not timedelta(0) <= until - since <= LONGEST:
        raise Refusal(422, 40010001, "the date range is limited to 90 days")
    return []


def announcement(announcement_id: str) -> dict[str, Any]:
    """One announcement. Raises Refusal."""
    raise Refusal(404, 40410000, f"announcement not found for {announcement_id}")


def market_data(query: Query) -> dict[str, Any]:
    """The market data API's own form of the same. Raises Refusal."""
    for name in ("start", "end"):
        day(query, name)
    return {"corporate_actions": {}, "next_page_token": None}
