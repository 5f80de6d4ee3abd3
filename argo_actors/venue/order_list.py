"""Reading orders: the filtered, paged list, and one order by either of its ids."""

import hashlib
import re
from typing import Any

from . import trading_json as wire
from .matching import OPEN, Book, Order
from .query import choice, flag, integer, moment, words
from .refusals import MISSING, PARAMETER, Refusal
from .wire import Query

CLOSED = frozenset({"filled", "canceled", "expired", "replaced", "rejected"})
USUAL, MOST = 50, 500
SECOND = 1_000_000_000
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def orders(book: Book, query: Query) -> list[dict[str, Any]]:
    """The orders that every given filter lets through; `nested` filters on parents. Raises Refusal."""
    status = choice(query, "status", ("open", "closed", "all"))
    side = choice(query, "side", ("", "buy", "sell"))
    newest_first = choice(query, "direction", ("desc", "asc")) == "desc"
    limit = min(integer(query, "limit", USUAL, 1, MOST), book.modes.most_orders)
    nested = flag(query, "nested")
    symbols, classes = set(words(query, "symbols")), set(words(query, "asset_class")) - {"all"}
    after, until = moment(query, "after"), moment(query, "until")
    first, last = _cursors(book, query)
    found = [
        one
        for one in sorted(book.orders.values(), key=_place)
        if _listed(one, status, nested)
        and _is_visible(book, one)
        and (not side or one.side == side)
        and (not symbols or symbols & {one.symbol, one.symbol.replace("/", "")})
        and (not classes or book.market.assets[one.symbol].asset_class in classes)
        and (after is None or one.submitted_at > after)
        and (until is None or one.submitted_at < until)
        and (first is None or _place(one) > _place(first))
        and (last is None or _place(one) < _place(last))
    ]
    if newest_first:
        found.reverse()
    rows = [wire.order(book, one, nested=nested) for one in found[:limit]]
    return _without_held(rows) if book.modes.held_legs_hidden else rows


def _without_held(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        row["legs"] = [leg for leg in row["legs"] or () if leg["status"] != "held"] or None
    return [row for row in rows if row["status"] != "held"]


def _is_visible(book: Book, one: Order) -> bool:
    """Orders are found at once, or (by the mode and the seed) up to some seconds later."""
    most = book.modes.appear_seconds
    if not most:
        return True
    key = f"{book.seed}|appears|{one.id}".encode()
    share = int.from_bytes(hashlib.blake2b(key, digest_size=4).digest()) / 2**32
    return book.now >= one.submitted_at + int(most * share * SECOND)


def check_visible(book: Book, one: Order, asked: str) -> None:
    """An order that is not yet found is answered as one that is not there. Raises Refusal."""
    if not _is_visible(book, one):
        raise Refusal(404, MISSING, f"order not found for {asked}")


def by_id(book: Book, order_id: str) -> Order:
    """The order of an id. Raises Refusal."""
    found = book.orders.get(order_id)
    if found is None:
        if not _ID.fullmatch(order_id):
            raise Refusal(422, PARAMETER, "order_id is missing")
        raise Refusal(404, MISSING, f"order not found for {order_id}")
    return found


def by_client_id(book: Book, query: Query) -> Order:
    """The order of the client's id in the query. Raises Refusal."""
    client = query.get("client_order_id", "")
    found = book.by_client.get(client)
    if found is None:
        raise Refusal(404, MISSING, f"order not found for {client}")
    check_visible(book, book.orders[found], client)
    return book.orders[found]


def _place(one: Order) -> tuple[int, str]:
    """Where an order stands in the list."""
    return one.submitted_at, one.id


def _cursors(book: Book, query: Query) -> tuple[Order | None, Order | None]:
    """The orders after and before which the list runs; they exclude each other and the times."""
    given = [name for name in ("after_order_id", "before_order_id") if query.get(name)]
    if len(given) > 1 or (given and (query.get("after") or query.get("until"))):
        raise Refusal(422, PARAMETER, f"{given[0]} does not go with the other limits given")
    found = {name: by_id(book, query[name]) for name in given}
    return found.get("after_order_id"), found.get("before_order_id")


def _listed(one: Order, status: str, nested: bool) -> bool:
    """Legs are rows of their own unless nested; a held leg is not listed as open."""
    if nested and one.leg:
        return False
    if status == "all":
        return True
    if status == "closed":
        return one.status in CLOSED
    return one.status in OPEN and one.status != "held"
