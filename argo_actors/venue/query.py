"""A request's parameters as values; what cannot be read is refused, never guessed."""

from datetime import UTC, date, datetime, timedelta

from .refusals import Refusal
from .sessions import utc, utc_midnight
from .wire import Query, is_date

_YEARS = range(1970, 2200)


def refusal(name: str) -> Refusal:
    """The answer to a parameter that cannot be read."""
    return Refusal(422, 40010001, f"invalid {name}")


def integer(query: Query, name: str, default: int, least: int, most: int) -> int:
    """A whole number; one beyond `most` is cut to it. Raises Refusal."""
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) >= least):
        raise refusal(name)
    return min(int(text), most)


def flag(query: Query, name: str) -> bool:
    """`true` in any case, as alpaca-py writes it; anything else is false."""
    return query.get(name, "").lower() == "true"


def choice(query: Query, name: str, allowed: tuple[str, ...]) -> str:
    """One of some words in any case; the first when none is given. Raises Refusal."""
    text = query.get(name, "").lower()
    if not text:
        return allowed[0]
    if text not in allowed:
        raise refusal(name)
    return text


def words(query: Query, name: str) -> list[str]:
    """A list with commas."""
    return [one.strip() for one in query.get(name, "").split(",") if one.strip()]


def moment(query: Query, name: str) -> int | None:
    """A time, ns UTC; a date is its midnight and a time without zone is UTC. Raises Refusal."""
    text = query.get(name, "").strip().replace(" ", "+")
    if not text:
        return None
    try:
        if is_date(text):
            return utc_midnight(_day(text))
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal(name) from None
    if at.year not in _YEARS:
        raise refusal(name)
    return (at - utc(0)) // timedelta(microseconds=1) * 1000


def day(query: Query, name: str) -> date | None:
    """A date, or the date that a time begins with. Raises Refusal."""
    text = query.get(name, "")
    if not text:
        return None
    try:
        return _day(text[:10])
    except ValueError:
        raise refusal(name) from None


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if found.year not in _YEARS:
        raise ValueError(text)
    return found
