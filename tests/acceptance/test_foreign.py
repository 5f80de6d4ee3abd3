"""Somebody else trades the account: shown, counted, left alone, and taken over when a person says so."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from argo_actors.api.requests import Refused, ResolveRequest, resolve
from argo_actors.api.view import View
from argo_actors.cli.demo import tie_out
from argo_actors.cli.simulated import request
from argo_actors.risk.limits import daily_loss_pct
from tests.acceptance.worlds import daemon, until, world


def place(about: dict[str, Any], **order: str) -> str:
    """An order of somebody else's, by the broker's own API."""
    parts = urlsplit(about["url"])
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    keys = {"APCA-API-KEY-ID": about["key_id"], "APCA-API-SECRET-KEY": about["secret"]}
    try:
        line.request("POST", "/v2/orders", json.dumps(order), keys)
        return str(json.loads(line.getresponse().read())["id"])
    finally:
        line.close()


def asked(item: str, verdict: Any, **changes: Any) -> ResolveRequest:
    return ResolveRequest(item=item, verdict=verdict, who="tester", why="test", **changes)


def test_a_strangers_position_is_left_alone_until_it_is_adopted_with_its_stop(
    tmp_path: Path,
) -> None:
    with world(tmp_path) as one, daemon(one, tmp_path, "risk.max_positions=1") as running:
        view = View(running)
        until(lambda: view.books.ready, "READY")
        until(lambda: any(lot.qty for _, lot in view.books.lots), "a position of our own")
        held = {symbol for symbol, lot in view.books.lots if lot.qty}
        symbol = next(name for name in ("META", "JPM", "AMZN") if name not in held)
        place(one.about, symbol=symbol, qty="7", side="buy", type="market", time_in_force="day")
        (item,) = until(lambda: view.foreign(), "the foreign position")
        assert (item["symbol"], item["item"]) == (symbol, "position")
        assert item["text"].startswith("long 7 at ")
        (shown,) = [row for row in view.positions() if row["symbol"] == symbol]
        assert not shown["own"]
        stop = {"side": "sell", "type": "stop", "stop_price": "1", "time_in_force": "gtc"}
        order = place(one.about, symbol=symbol, qty="7", **stop)
        until(lambda: len(view.foreign()) == 2, "the foreign stop")
        with pytest.raises(Refused, match="--with-orders"):
            resolve(running, view, asked(symbol, "adopt"))
        resolve(running, view, asked(symbol, "adopt", with_orders=True))
        assert view.foreign() == []
        (mine,) = [row for row in view.protection()["positions"] if row["symbol"] == symbol]
        assert mine["uncovered"] == "0"
        assert [cover["order_id"] for cover in mine["covers"]] == [order]
        request(one.url, "POST", "/argo/transfer", {"dollars": "-30000"})
        until(lambda: view.risk.losses.net_transfers == -30_000, "the withdrawal")
        until(lambda: view.risk.losses.equity < 80_000, "the equity without it")
        assert abs(daily_loss_pct(view.risk.losses)) < 3
        assert view.books.level == "NORMAL", "money that went is no loss"
        running.pacer.pause(20)  # type: ignore[attr-defined]
        assert tie_out(running, one.get("/argo/books"))["differences"] == {}
