"""What `argo status` says that entries wait for."""

import msgspec

from argo_actors.api.awaited import awaited
from argo_actors.config import Config
from argo_actors.messages.market import MarketHours
from argo_actors.risk.state import RiskState, SourceView
from argo_actors.units import SECOND
from tests.risk.worlds import account

NOW = 1_000 * SECOND
CONFIG = Config(account="test", symbols=("AAPL", "BTC-USD"))
OPEN = MarketHours(
    is_open=True, session_open=1, session_close=2, next_open=3, next_close=4, loss_day=0
)
CALM = RiskState(
    stream_up=True,
    ready_at=NOW - 61 * SECOND,
    account=account(),
    hours=OPEN,
    sources=(("alpaca", SourceView(configured=True, heard_of=True)),),
)
replace = msgspec.structs.replace


def waits(**changes: object) -> list[str]:
    return awaited(CONFIG, replace(CALM, **changes), NOW)


def test_nothing_but_a_signal_is_missing() -> None:
    assert waits() == []


def test_in_the_first_moment_everything_is_awaited() -> None:
    found = awaited(CONFIG, RiskState(), NOW)
    assert found == [
        "the trade stream",
        "the broker's orders and positions, read twice",
        "the account's figures",
    ]


def test_each_thing_that_keeps_entries_back_is_told() -> None:
    mute = (("sonar", SourceView(configured=True, heard_of=False)),)
    assert waits(sources=mute) == ["a first answer from sonar"]
    assert waits(ready_at=NOW - 20 * SECOND) == ["40 s more of the 60 s after READY"]
    assert "argo resume" in waits(operator="halt")[0]
    assert waits(overloaded="risk") == ["risk, which is behind with its mail"]
    assert "loss limit" in waits(level="BREACH")[0]
    assert "blocked" in waits(account=account(trading_blocked=True))[0]
    assert waits(stopping=True) == ["nothing more: it is stopping"]


def test_the_stock_market_is_awaited_only_where_there_are_stocks() -> None:
    closed = replace(OPEN, is_open=False)
    assert waits(hours=closed) == ["the stock market's opening (stocks only)"]
    coins = Config(account="test", symbols=("BTC-USD",))
    assert awaited(coins, replace(CALM, hours=closed), NOW) == []
