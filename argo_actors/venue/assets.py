"""What the venue lists: known stocks and coins, and sensible entries for any other symbol."""

import math
import re
from decimal import Decimal
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from .market import Asset

_STOCK = re.compile(r"[A-Z]{1,6}(\.[A-Z]{1,2})?")
_COIN = re.compile(r"([A-Z0-9]{2,8})-([A-Z]{3,5})")
_COIN_STEP = Decimal("0.000000001")


class _Listed(NamedTuple):
    name: str
    exchange: str


_STOCKS = {
    "AAPL": _Listed("Apple Inc. Common Stock", "NASDAQ"),
    "MSFT": _Listed("Microsoft Corporation Common Stock", "NASDAQ"),
    "NVDA": _Listed("NVIDIA Corporation Common Stock", "NASDAQ"),
    "AMZN": _Listed("Amazon.com, Inc. Common Stock", "NASDAQ"),
    "GOOGL": _Listed("Alphabet Inc. Class A Common Stock", "NASDAQ"),
    "META": _Listed("Meta Platforms, Inc. Class A Common Stock", "NASDAQ"),
    "TSLA": _Listed("Tesla, Inc. Common Stock", "NASDAQ"),
    "QQQ": _Listed("Invesco QQQ Trust, Series 1", "NASDAQ"),
    "SPY": _Listed("SPDR S&P 500 ETF Trust", "ARCA"),
    "JPM": _Listed("JPMorgan Chase & Co.", "NYSE"),
    "XOM": _Listed("Exxon Mobil Corporation", "NYSE"),
    "IBM": _Listed("International Business Machines Corporation", "NYSE"),
    "BAC": _Listed("Bank of America Corporation", "NYSE"),
    "AIG": _Listed("American International Group, Inc.", "NYSE"),
}
_COIN_NAMES = {
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
    "LTC": "Litecoin",
}


def symbol_of(file_stem: str) -> str | None:
    """The Alpaca symbol a file is named after (`BTC-USD` is `BTC/USD`); None if it is not one."""
    if _STOCK.fullmatch(file_stem):
        return file_stem
    return file_stem.replace("-", "/") if _COIN.fullmatch(file_stem) else None


def stock(symbol: str) -> Asset:
    """A listed share: whole cents, fractions allowed, easy to borrow."""
    listed = _STOCKS.get(symbol, _Listed(f"{symbol} Common Stock", "NYSE"))
    return Asset(
        id=_identity(symbol),
        symbol=symbol,
        name=listed.name,
        asset_class="us_equity",
        exchange=listed.exchange,
        tradable=True,
        marginable=True,
        shortable=True,
        borrow_status="easy_to_borrow",
        fractionable=True,
    )


def coin(symbol: str, price: float) -> Asset:
    """A coin against dollars; its increments follow from the price level (USD) it trades at."""
    base, quoted = symbol.split("/")
    return Asset(
        id=_identity(symbol),
        symbol=symbol,
        name=f"{_COIN_NAMES.get(base, base)} / {'US Dollar' if quoted == 'USD' else quoted}",
        asset_class="crypto",
        exchange="CRYPTO",
        tradable=True,
        marginable=False,
        shortable=False,
        borrow_status="",
        fractionable=True,
        min_order_size=Decimal(f"{max(1 / price, 1e-9):.9f}"),
        min_trade_increment=_COIN_STEP,
        price_increment=_price_increment(price),
    )


def asset_for(symbol: str, price: float) -> Asset:
    """The listing of any symbol, given a price (USD) it has traded at."""
    return coin(symbol, price) if "/" in symbol else stock(symbol)


def _price_increment(price: float) -> Decimal:
    """A power of ten between 1/100 000 and 1/10 000 of the price; at most a dollar."""
    places = max(0, 4 - math.floor(math.log10(price)))
    return Decimal(1) if places == 0 else Decimal(f"0.{'0' * (places - 1)}1")


def _identity(symbol: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"argo-venue/asset/{symbol}"))
