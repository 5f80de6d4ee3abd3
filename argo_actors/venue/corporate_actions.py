"""What is told of corporate actions: announcements, and the market data API's own form of them."""

from datetime import date, timedelta
from typing import Any

from .actions import Action, Dividend, Split
from .faults import PlanError
from .matching import Book, new_id
from .numbers import text
from .orders import Announced
from .query import choice, day, integer, refusal, words
from .refusals import Refusal
from .sessions import new_york_date
from .wire import Query

KINDS = ("dividend", "merger", "spinoff", "split")
DATES = ("ex_date", "declaration_date", "record_date", "payable_date")
LONGEST = timedelta(days=90)
MOST = 1000
CUSIP = "000000000"
"""Nobody in this market has one."""


def check_action(book: Book, action: Action) -> None:
    """A stock of this market, and a trading day to come. Raises PlanError."""
    asset, sessions = book.market.assets.get(action.symbol), book.market.sessions
    if any(one.action.key == action.key for one in book.account.actions):
        return
    if asset is None or asset.is_crypto:
        stocks = [name for name, one in book.market.assets.items() if not one.is_crypto]
        raise PlanError(
            f"action {action.key}: no stock of this market", f"one of {', '.join(stocks)}"
        )
    if not sessions.calendar(action.ex_date, action.ex_date) or action.at <= book.now:
        opens = new_york_date(sessions.next_open(book.now))
        raise PlanError(
            f"action {action.key}: not a trading day to come", f"for example {opens}, or later"
        )


def announcements(book: Book, query: Query) -> list[dict[str, Any]]:
    """What was announced in a range of at most 90 days. Raises Refusal."""
    kinds = [one.lower() for one in words(query, "ca_types")]
    if not kinds or not set(KINDS).issuperset(kinds):
        raise refusal("ca_types")
    named = choice(query, "date_type", DATES)
    since, until = day(query, "since"), day(query, "until")
    if since is None or until is None:
        raise Refusal(422, 40010001, "since and until are required")
    if not timedelta(0) <= until - since <= LONGEST:
        raise Refusal(422, 40010001, "the date range is limited to 90 days")
    return [
        row
        for one in _told(book)
        if (row := _row(book, one))["ca_type"] in kinds
        and since <= date.fromisoformat(row[named]) <= until
        and query.get("symbol", "") in ("", row["initiating_symbol"])
        and query.get("cusip", "") in ("", CUSIP)
    ]


def announcement(book: Book, announcement_id: str) -> dict[str, Any]:
    """One announcement. Raises Refusal."""
    for one in _told(book):
        if _id(book, one) == announcement_id:
            return _row(book, one)
    raise Refusal(404, 40410000, f"announcement not found for {announcement_id}")


def market_data(book: Book, query: Query) -> dict[str, Any]:
    """The market data API's own form of the same, by kind. Raises Refusal."""
    start, end = day(query, "start"), day(query, "end")
    symbols, ids, types = words(query, "symbols"), words(query, "ids"), words(query, "types")
    limit = integer(query, "limit", MOST, 1, MOST)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in _told(book):
        kind, row = _data_row(book, one)
        fits = (
            (not symbols or one.action.symbol in symbols)
            and (not ids or row["id"] in ids)
            and (not types or kind in types)
            and (start is None or start <= one.action.ex_date)
            and (end is None or one.action.ex_date <= end)
        )
        if fits and sum(map(len, found.values())) < limit:
            found.setdefault(f"{kind}s", []).append(row)
    return {"corporate_actions": found, "next_page_token": None}


def _told(book: Book) -> list[Announced]:
    return [one for one in book.account.actions if one.action.announced]


def _id(book: Book, one: Announced) -> str:
    return new_id(book.market.label, one.action.key)


def _row(book: Book, one: Announced) -> dict[str, Any]:
    action, day = one.action, one.action.ex_date.isoformat()
    new, old, cash, sub_type = "1", "1", "0", "cash"
    if isinstance(action, Split):
        new, old = str(action.new_rate), str(action.old_rate)
        sub_type = "stock_split" if action.ratio > 1 else "reverse_split"
    else:
        cash = text(action.cash)
    return {
        "id": _id(book, one),
        "corporate_action_id": f"{CUSIP}_{action.key.replace(' ', '_')}",
        "ca_type": action.kind,
        "ca_sub_type": sub_type,
        "initiating_symbol": action.symbol,
        "initiating_original_cusip": CUSIP,
        "target_symbol": action.symbol,
        "target_original_cusip": CUSIP,
        "declaration_date": new_york_date(one.at).isoformat(),
        "ex_date": day,
        "record_date": day,
        "payable_date": day,
        "cash": cash,
        "old_rate": old,
        "new_rate": new,
    }


def _data_row(book: Book, one: Announced) -> tuple[str, dict[str, Any]]:
    """The kind and the row; numbers are numbers here."""
    action, day = one.action, one.action.ex_date.isoformat()
    row: dict[str, Any] = {
        "id": _id(book, one),
        "symbol": action.symbol,
        "process_date": day,
        "ex_date": day,
        "record_date": day,
        "payable_date": day,
    }
    if isinstance(action, Dividend):
        paid = {"rate": float(action.cash), "special": False, "foreign": False}
        return "cash_dividend", row | {"cusip": CUSIP} | paid
    row |= {"new_rate": action.new_rate, "old_rate": action.old_rate}
    if action.ratio > 1:
        return "forward_split", row | {"cusip": CUSIP}
    return "reverse_split", row | {"old_cusip": CUSIP, "new_cusip": CUSIP}
