"""Watchlists: named, ordered lists of assets, reached by id or by name."""

from collections.abc import Sequence
from typing import Any

import msgspec

from . import trading_json as wire
from .matching import Book, new_id
from .refusals import Refusal
from .settings import Watchlist
from .validation import symbol_of
from .wire import Query

LONGEST_NAME = 64


def all_lists(book: Book) -> list[dict[str, Any]]:
    """Every list without its assets, oldest first."""
    return [_head(book, one) for one in book.account.watchlists.values()]


def create(book: Book, body: dict[str, Any]) -> dict[str, Any]:
    """A new list. Raises Refusal."""
    name = _name(book, body.get("name"), "")
    one = Watchlist(
        id=new_id(book.account.number, "watchlist", name, str(book.now)),
        name=name,
        symbols=_symbols(book, body.get("symbols") or []),
        created_at=book.now,
        updated_at=book.now,
    )
    return _keep(book, one)


def by_id(book: Book, watchlist_id: str) -> Watchlist:
    """The list of an id. Raises Refusal."""
    found = book.account.watchlists.get(watchlist_id)
    if found is None:
        raise Refusal(404, 40410000, "watchlist not found")
    return found


def by_name(book: Book, query: Query) -> Watchlist:
    """The list of the name in the query. Raises Refusal."""
    for one in book.account.watchlists.values():
        if one.name == query.get("name"):
            return one
    raise Refusal(404, 40410000, "watchlist not found")


def update(book: Book, one: Watchlist, body: dict[str, Any]) -> dict[str, Any]:
    """A new name, new contents or both. Raises Refusal."""
    name = one.name if body.get("name") is None else _name(book, body["name"], one.id)
    symbols = one.symbols
    if body.get("symbols") is not None:
        symbols = _symbols(book, body["symbols"])
    return _keep(book, _changed(book, one, name=name, symbols=symbols))


def add(book: Book, one: Watchlist, body: dict[str, Any]) -> dict[str, Any]:
    """An asset at the end; one that is there already stays where it is. Raises Refusal."""
    symbols = _symbols(book, [*one.symbols, body.get("symbol")])
    return _keep(book, _changed(book, one, symbols=symbols))


def remove(book: Book, one: Watchlist, text: str) -> dict[str, Any]:
    """The list without an asset. Raises Refusal."""
    symbol = symbol_of(book, text)
    if symbol not in one.symbols:
        raise Refusal(404, 40410000, f"asset not found for {text}")
    symbols = tuple(each for each in one.symbols if each != symbol)
    return _keep(book, _changed(book, one, symbols=symbols))


def delete(book: Book, one: Watchlist) -> None:
    """It is gone."""
    del book.account.watchlists[one.id]
    book.changed.add("account")


def shown(book: Book, one: Watchlist) -> dict[str, Any]:
    """A list with its assets, as Alpaca answers it."""
    assets = [wire.asset(book.market.assets[symbol]) for symbol in one.symbols]
    return _head(book, one) | {"assets": assets}


def _head(book: Book, one: Watchlist) -> dict[str, Any]:
    return {
        "id": one.id,
        "account_id": new_id(book.account.number),
        "name": one.name,
        "created_at": wire.stamp(one.created_at),
        "updated_at": wire.stamp(one.updated_at),
    }


def _keep(book: Book, one: Watchlist) -> dict[str, Any]:
    book.account.watchlists[one.id] = one
    book.changed.add("account")
    return shown(book, one)


def _changed(book: Book, one: Watchlist, **changes: Any) -> Watchlist:
    return msgspec.structs.replace(one, updated_at=book.now, **changes)


def _name(book: Book, name: object, own_id: str) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
        raise Refusal(422, 40010001, "watchlist name must have 1 to 64 characters")
    for one in book.account.watchlists.values():
        if one.name == name and one.id != own_id:
            raise Refusal(422, 40010001, "watchlist name must be unique")
    return name


def _symbols(book: Book, given: object) -> tuple[str, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise Refusal(422, 40010001, "invalid symbols")
    return tuple(dict.fromkeys(symbol_of(book, str(one or "")) for one in given))
