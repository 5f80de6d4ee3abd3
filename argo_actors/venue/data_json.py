"""Market data in Alpaca's letters, the same on the streams and over REST."""

from typing import Any

from .market import Asset, Bar, Quote, Trade
from .wire import mean_price, rfc3339, trades_in

_TAPE = {"NYSE": "A", "ARCA": "B"}
_EXCHANGE = "V"


def bar_body(bar: Bar, asset: Asset) -> dict[str, Any]:
    """A bar in Alpaca's letters; shares are whole, coins are not."""
    return {
        "c": bar.c,
        "h": bar.h,
        "l": bar.l,
        "n": trades_in(bar, asset.is_crypto),
        "o": bar.o,
        "t": rfc3339(bar.t),
        "v": bar.v if asset.is_crypto else round(bar.v),
        "vw": mean_price(bar),
    }


def quote_body(quote: Quote, asset: Asset) -> dict[str, Any]:
    """A quote in Alpaca's letters; sizes of stocks are shares."""
    body: dict[str, Any] = {
        "ap": float(quote.ask),
        "as": float(quote.ask_size) if asset.is_crypto else int(quote.ask_size),
        "bp": float(quote.bid),
        "bs": float(quote.bid_size) if asset.is_crypto else int(quote.bid_size),
        "t": rfc3339(quote.at),
    }
    if not asset.is_crypto:
        body |= {"ax": _EXCHANGE, "bx": _EXCHANGE, "c": ["R"], "z": _tape(asset)}
    return body


def trade_body(trade: Trade, asset: Asset) -> dict[str, Any]:
    """A print in Alpaca's letters."""
    body: dict[str, Any] = {
        "i": trade.id,
        "p": float(trade.price),
        "s": float(trade.size) if asset.is_crypto else int(trade.size),
        "t": rfc3339(trade.at),
    }
    if asset.is_crypto:
        return body | {"tks": "B" if trade.buyer else "S"}
    return body | {"c": ["@"], "x": _EXCHANGE, "z": _tape(asset)}


def _tape(asset: Asset) -> str:
    return _TAPE.get(asset.exchange, "C")


def orderbook_body(quote: Quote, asset: Asset) -> dict[str, Any]:
    """A book of one level a side."""
    body = quote_body(quote, asset)
    return {
        "t": body["t"],
        "b": [{"p": body["bp"], "s": body["bs"]}],
        "a": [{"p": body["ap"], "s": body["as"]}],
    }
