"""Advice and requests through the running daemon: answered once, by every check, as a person asks."""

from pathlib import Path
from typing import Any

import pytest

from argo_actors.api.requests import (
    ExecuteRequest,
    ExecuteSignalRequest,
    Refused,
    execute,
    execute_signal,
)
from argo_actors.api.view import View
from tests.acceptance.worlds import daemon, until, world


def test_advice_is_taken_by_name_and_a_request_is_carried_out_once(tmp_path: Path) -> None:
    with (
        world(tmp_path) as one,
        daemon(one, tmp_path, "trading.auto_execute=false") as running,
    ):
        view = View(running)

        def advised() -> list[dict[str, Any]]:
            return [one for one in view.signals() if one["decision"].startswith("ADVICE")]

        until(advised, "an advice")
        assert view.books.orders == (), "advice sends nothing"
        until(lambda: view.risk.advised, "an advice that can be taken")
        name = view.risk.advised[0][0]
        taken = execute_signal(running, view, ExecuteSignalRequest(signal=name, who="me"))
        assert taken["decision"].startswith("approved open_")
        until(lambda: any(lot.qty for symbol, lot in view.books.lots if symbol == name), "its fill")
        with pytest.raises(Refused, match="no advice"):
            execute_signal(running, view, ExecuteSignalRequest(signal="0000", who="me"))

        symbol = next(one for one in ("AAPL", "JPM") if one != name)
        seen = dict(running.engine.deciders["consensus"].state.views)[symbol].prices
        quote = seen[0][1].price

        def asked(**changes: Any) -> dict[str, Any]:
            wish = {"action": "BUY", "confidence": 90.0, "entry_price": f"{quote:.2f}"} | changes
            return execute(running, view, ExecuteRequest(symbol=symbol, request="mine", **wish))

        first = asked()
        assert asked() == first, "the same request again gets the same answer"
        until(lambda: dict(view.books.lots).get(symbol), "its fill")
        entries = [row for row in view.orders() if row["symbol"] == symbol]
        assert [row["leg"] for row in entries] == ["entry"]
        with pytest.raises(Refused, match="not configured"):
            execute(
                running,
                view,
                ExecuteRequest(symbol="ZZZ", action="BUY", confidence=90.0, entry_price="1"),
            )
