"""An order of every kind that alpaca-py can ask for, as it would be sent in a session."""

from typing import Any

from alpaca.trading import requests as ask
from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce

BUY, SELL, DAY, GTC = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY, TimeInForce.GTC
LONG: dict[str, Any] = {"symbol": "AAPL", "qty": 2, "side": BUY}

KINDS: dict[str, Any] = {
    "market": ask.MarketOrderRequest(**LONG, time_in_force=DAY),
    "market by notional": ask.MarketOrderRequest(
        symbol="AAPL", notional=500, side=BUY, time_in_force=DAY
    ),
    "market of a fraction": ask.MarketOrderRequest(
        symbol="AAPL", qty=0.5, side=BUY, time_in_force=DAY
    ),
    "market of a coin": ask.MarketOrderRequest(
        symbol="BTC/USD", qty=0.01, side=BUY, time_in_force=GTC
    ),
    "limit": ask.LimitOrderRequest(**LONG, time_in_force=GTC, limit_price=100),
    "limit, immediate or cancel": ask.LimitOrderRequest(
        **LONG, time_in_force=TimeInForce.IOC, limit_price=100
    ),
    "limit, fill or kill": ask.LimitOrderRequest(
        **LONG, time_in_force=TimeInForce.FOK, limit_price=100
    ),
    "limit of a fraction": ask.LimitOrderRequest(
        symbol="AAPL", qty=0.5, side=BUY, time_in_force=DAY, limit_price=100
    ),
    "market on the close": ask.MarketOrderRequest(**LONG, time_in_force=TimeInForce.CLS),
    "limit on the close": ask.LimitOrderRequest(
        **LONG, time_in_force=TimeInForce.CLS, limit_price=100
    ),
    "market, immediate or cancel, of a coin": ask.MarketOrderRequest(
        symbol="ETH/USD", qty=0.5, side=BUY, time_in_force=TimeInForce.IOC
    ),
    "limit in extended hours": ask.LimitOrderRequest(
        **LONG, time_in_force=DAY, limit_price=100, extended_hours=True
    ),
    "limit of a coin": ask.LimitOrderRequest(
        symbol="ETHUSD", qty=0.5, side=BUY, time_in_force=GTC, limit_price=1000
    ),
    "stop": ask.StopOrderRequest(**LONG, time_in_force=GTC, stop_price=400),
    "stop limit": ask.StopLimitOrderRequest(
        **LONG, time_in_force=GTC, stop_price=400, limit_price=401
    ),
    "stop limit of a coin": ask.StopLimitOrderRequest(
        symbol="BTC/USD",
        qty=0.01,
        side=BUY,
        time_in_force=GTC,
        stop_price=200_000,
        limit_price=200_100,
    ),
    "trailing stop by price": ask.TrailingStopOrderRequest(
        **LONG, time_in_force=GTC, trail_price=5
    ),
    "trailing stop by percent": ask.TrailingStopOrderRequest(
        **LONG, time_in_force=DAY, trail_percent=1.5
    ),
    "bracket": ask.MarketOrderRequest(
        **LONG,
        time_in_force=GTC,
        order_class=OrderClass.BRACKET,
        take_profit=ask.TakeProfitRequest(limit_price=400),
        stop_loss=ask.StopLossRequest(stop_price=200, limit_price=199),
    ),
    "one triggers other": ask.LimitOrderRequest(
        **LONG,
        time_in_force=GTC,
        limit_price=200,
        order_class=OrderClass.OTO,
        stop_loss=ask.StopLossRequest(stop_price=150),
    ),
    "short": ask.MarketOrderRequest(symbol="MSFT", qty=2, side=SELL, time_in_force=DAY),
}
