"""Account activities: executions, and the money and coins that moved without one.

All of them follow from the account's executions and its funding, so nothing is kept for them. Fees of
coins are posted at the end of the UTC day they arose in. Together the activities explain every
dollar of cash and every coin.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from . import trading_json as wire
from .matching import ZERO, Book, Fill, new_id
from .orders import Happened
from .query import choice, day, integer, moment, refusal, words
from .sessions import DAY, new_york_date, utc, utc_midnight
from .wire import Query

MOST = 100
FILL, FEE, FUNDING, WITHDRAWAL = "FILL", "CFEE", "JNLC", "CSW"
_NAMES = """
FILL ACATC ACATS CFEE CGD CIL CSD CSW DIV DIVCGL DIVCGS DIVFEE DIVFT DIVNRA DIVROC DIVTW DIVTXEX DIVWH
EXTRD FEE FOPT FXTRD INT INTNRA INTPNL INTTW JNL JNLC JNLS MA MEM MISC NC OCT OPASN OPCA OPCSH OPEXC
OPEXP OPTRD PTC PTR REORG SPIN SPLIT SWP TRANS VOF WH
"""
TYPES = frozenset(_NAMES.split())
"""Those of the vendor's specification and those that only alpaca-py knows."""
_CASH = frozenset({"CSD", "CSW"})
_DIVIDENDS = frozenset(one for one in TYPES if one.startswith("DIV"))


def activities(book: Book, query: Query, kind: str = "") -> list[dict[str, Any]]:
    """A page of the account's activities, newest first unless `direction=asc`. Raises Refusal."""
    wanted = _wanted(query, kind)
    newest_first = choice(query, "direction", ("desc", "asc")) == "desc"
    begin, end = _span(query)
    token = query.get("page_token", "")
    if token and "::" not in token:
        raise refusal("page_token")
    whole_day = bool(query.get("date"))
    size = integer(
        query, "page_size", 10**9 if whole_day else MOST, 1, 10**9 if whole_day else MOST
    )
    found = [
        row
        for at, row in _rows(book)
        if (wanted is None or row["activity_type"] in wanted)
        and begin <= at < end
        and query.get("order_id", "") in ("", row.get("order_id"))
        and (not token or (row["id"] < token if newest_first else row["id"] > token))
    ]
    found.sort(key=lambda row: str(row["id"]), reverse=newest_first)
    return found[:size]


def cash_flows(book: Book) -> Iterator[tuple[int, dict[str, Any]]]:
    """What moved without an execution: the funding, transfers and the fees posted by now."""
    start = book.account.start_cash
    yield book.account.created_at, _other(book, FUNDING, book.account.created_at, "funding", start)
    for n, (at, dollars) in enumerate(book.account.transfers):
        kind = FUNDING if dollars >= 0 else WITHDRAWAL
        yield at, _other(book, kind, at, f"transfer {n}", dollars)
    for each in book.account.happened:
        if each.qty or each.amount:
            yield each.at, _happened(book, each)
    for one in book.activities:
        posted = (one.at // DAY + 1) * DAY
        if (one.fee_usd or one.fee_qty) and posted <= book.now and not one.busted:
            yield posted, _fee(book, one, posted)


def _rows(book: Book) -> Iterator[tuple[int, dict[str, Any]]]:
    for one in (fill for fill in book.activities if not fill.busted):
        yield one.at, wire.activity(one, book.orders[one.order_id].status)
    yield from cash_flows(book)


def _other(book: Book, kind: str, at: int, key: str, dollars: Decimal = ZERO) -> dict[str, Any]:
    return {
        "activity_type": kind,
        "id": wire.activity_id(at, new_id(book.account.number, kind, key)),
        "date": utc(at).date().isoformat(),
        "net_amount": wire.text(dollars),
        "description": "",
        "status": "executed",
        "currency": "USD",
        "created_at": wire.stamp(at),
    }


def _happened(book: Book, one: Happened) -> dict[str, Any]:
    """A split tells the shares that came, a dividend what was paid for how many."""
    row = _other(book, one.kind, one.at, one.key, one.amount) | {
        "symbol": one.symbol,
        "date": new_york_date(one.at).isoformat(),
    }
    if one.kind == "SPLIT":
        sub_type = "FSPLIT" if one.qty * one.held > 0 else "RSPLIT"
        return row | {"activity_sub_type": sub_type, "qty": wire.text(one.qty)}
    return row | {
        "activity_sub_type": "CDIV",
        "qty": wire.text(one.held),
        "per_share_amount": wire.text(one.amount / one.held),
    }


def _fee(book: Book, one: Fill, posted: int) -> dict[str, Any]:
    """A fee in coins names their quantity and price; a fee in dollars is an amount."""
    row = _other(book, FEE, posted, one.id) | {
        "date": utc(one.at).date().isoformat(),
        "symbol": one.symbol.replace("/", ""),
        "net_amount": wire.text(-one.fee_usd),
        "description": "Coin Pair Transaction Fee",
    }
    if one.fee_qty:
        row |= {"qty": wire.text(-one.fee_qty), "price": wire.text(one.price)}
    return row


def _wanted(query: Query, kind: str) -> frozenset[str] | None:
    """The types asked for, groups taken apart; None for all."""
    types, category = words(query, "activity_types"), query.get("category", "")
    if kind:
        types = [kind]
    if types and category:
        raise refusal("category: it cannot be used with activity_types")
    if category:
        named = choice(query, "category", ("trade_activity", "non_trade_activity"))
        return frozenset({FILL}) if named == "trade_activity" else TYPES - {FILL}
    if not types:
        return None
    if not TYPES.issuperset(types):
        raise refusal("activity_type")
    found = set(types)
    if "TRANS" in found:
        found |= _CASH
    if "MISC" in found:
        found |= TYPES - _CASH - _DIVIDENDS - {FILL}
    return frozenset(found)


def _span(query: Query) -> tuple[int, int]:
    """First time included and first excluded, ns UTC. `date` is a day; it excludes the others."""
    only, after, until = day(query, "date"), moment(query, "after"), moment(query, "until")
    if only is not None:
        if after is not None or until is not None:
            raise refusal("date: it cannot be used with after or until")
        return utc_midnight(only), utc_midnight(only + timedelta(1))
    return (0 if after is None else after + 1), (2**63 if until is None else until)
