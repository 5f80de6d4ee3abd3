"""After an exit, rest (decisions §3): waits by reason, streaks, entries a day, and the flip."""

from typing import Any

import pytest

from argo_actors.messages.order import EntrySettled
from argo_actors.messages.signal import Approval, CycleClosed, Denial, Signal
from argo_actors.messages.system import Operator
from argo_actors.risk.checks import cooldown
from argo_actors.risk.cooldown import wait_until
from argo_actors.units import DAY, MINUTE, SECOND, Decimal
from tests.risk.worlds import DAY as LOSS_DAY
from tests.risk.worlds import (
    EARLY,
    NOW,
    World,
    account,
    asset,
    closed,
    config_of,
    flat,
    held,
    hours,
    opened,
    quiet_cycle,
    quote,
    signal,
    told,
    usual,
    world,
)

LOSS = {"pnl": Decimal(-1)}


def rested(found: World) -> bool:
    return cooldown(found.case).passed


def why(found: World) -> tuple[str, str]:
    check = cooldown(found.case)
    return check.value, check.limit


@pytest.mark.parametrize(
    ("reason", "wait"),
    [
        ("stop", 30 * MINUTE),
        ("unprotected", 30 * MINUTE),
        ("operator", 30 * MINUTE),
        ("target", 5 * MINUTE),
        ("signal", 15 * MINUTE),
    ],
)
def test_how_long_an_exit_is_waited_after(reason: str, wait: int) -> None:
    over = closed(reason=reason, exit_at=NOW - wait), quiet_cycle()
    soon = closed(reason=reason, exit_at=NOW - wait + 1), quiet_cycle()
    assert rested(world(*over))
    assert not rested(world(*soon))
    assert rested(world(closed("MSFT", reason, exit_at=NOW), quiet_cycle()))


@pytest.mark.parametrize("outcome", ["refused", "expired", "canceled"])
def test_a_refused_entry_waits_a_minute_and_no_pause(outcome: Any) -> None:
    settled = EntrySettled(symbol="AAPL", signal="s", outcome=outcome)
    assert rested(world((NOW - MINUTE, settled)))
    assert not rested(world((NOW - MINUTE + 1, settled)))


@pytest.mark.parametrize("outcome", ["filled", "partly"])
def test_a_filled_entry_is_no_exit(outcome: Any) -> None:
    assert rested(world((NOW, EntrySettled(symbol="AAPL", signal="s", outcome=outcome))))


def cycle_with(action: str, n: int) -> tuple[Signal, CycleClosed]:
    return signal("AAPL", action, cycle=n), quiet_cycle(n)


def test_the_same_signal_must_pause_for_a_cycle() -> None:
    """Until it has, time alone does not help; a close-only signal is one too."""
    exit_long = closed(exit_at=NOW - 60 * MINUTE)
    assert not rested(world(exit_long))
    assert not rested(world(exit_long, *cycle_with("BUY", 5)))
    weak = signal("AAPL", "BUY", cycle=5, entry=False)
    assert not rested(world(exit_long, weak, quiet_cycle(5)))
    assert rested(world(exit_long, *cycle_with("BUY", 5), quiet_cycle(6)))
    assert rested(world(exit_long, *cycle_with("SELL", 5)))
    assert why(world(exit_long))[1] == "a cycle without it"


def test_three_entries_a_symbol_and_day() -> None:
    three = [opened()] * 3
    assert why(world(*three)) == ("3 entries today", "3 a day")
    assert rested(world(*three, hours(loss_day=LOSS_DAY + DAY)))


def lost(times: int, symbol: str = "AAPL") -> list[Any]:
    trip = [opened(symbol), closed(symbol, "target", exit_at=EARLY - 90 * MINUTE, **LOSS)]
    return [word for _ in range(times) for word in [*trip, quiet_cycle()]]


MANY = {"risk": {"entries_per_symbol_and_day": 100}}


def test_three_losses_in_a_row_block_the_symbol_until_the_next_loss_day() -> None:
    assert rested(world(*lost(2), config=MANY))
    assert "3 losing" in why(world(*lost(3), config=MANY))[0]
    assert why(world(*lost(3), config=MANY))[1] == "the next loss day"
    win = [opened(), closed(reason="target", exit_at=EARLY - 90 * MINUTE), quiet_cycle()]
    assert rested(world(*lost(2), *win, *lost(2), config=MANY))
    assert rested(world(*lost(3), hours(loss_day=LOSS_DAY + DAY), config=MANY))
    assert rested(world(*lost(3, "MSFT"), config=MANY))


def test_a_loss_belongs_to_the_day_of_its_exit() -> None:
    """Bought yesterday, sold today at a loss, and twice more: three in a row today."""
    overnight = [opened(), hours(loss_day=LOSS_DAY + DAY), *lost(1)[1:]]
    assert rested(world(*overnight, *lost(1), config=MANY))
    assert not rested(world(*overnight, *lost(2), config=MANY))


def test_five_losses_across_the_account_wait_for_the_operator() -> None:
    five = [*lost(2, "MSFT"), *lost(2, "SPY"), *lost(1, "QQQ")]
    win = closed("MSFT", "target", pnl=Decimal(1), exit_at=EARLY)
    resume = Operator(state="normal", who="me", why="test")
    assert rested(world(*five[:-3]))
    assert why(world(*five)) == ("5 losing trades in a row", "argo resume")
    assert not rested(world(*five, hours(loss_day=LOSS_DAY + DAY)))
    assert not rested(world(*five, win))
    assert rested(world(*five, resume))
    assert rested(world(*five[:-3], win, *five[:-3]))


FLIP = {"trading": {"position_flip": True}}


def flipped(
    config: dict[str, Any],
    *,
    reason: str = "signal",
    filled_after: int = 3,
    next_after: int = 5,
    action: str = "SELL",
) -> Approval | Denial | None:
    """A long is closed by a SELL; the answer to the signal of a later cycle, seconds after."""
    settings = config_of(**config)
    book = told(settings, *usual(), held("AAPL", 10, 100))
    said = book.hear(signal("AAPL", "SELL"), quiet_cycle(1))
    assert [type(one) for one in said] == [Approval]
    exit_at = NOW + filled_after * SECOND
    book.hear(flat("AAPL"), closed(reason=reason, exit_at=exit_at), at=exit_at)
    at = NOW + next_after * SECOND
    late = signal("AAPL", action, cycle=2, expires_at=at + 30 * SECOND)
    found = quote(at=at, received_at=at)
    return World(settings, book.state, late, found).answer(at)


def test_position_flip_waives_the_wait_while_the_closing_signal_lives() -> None:
    assert isinstance(flipped(FLIP), Approval)
    assert isinstance(flipped(FLIP, next_after=29), Approval)
    for found in (
        flipped({}),
        flipped(FLIP, next_after=30),
        flipped(FLIP, action="BUY"),
        flipped(FLIP, reason="stop"),
    ):
        assert isinstance(found, Denial)
        assert found.code == "COOLDOWN"


def test_a_flip_is_one_and_all_other_checks_hold() -> None:
    book = told(config_of(**FLIP), *usual(), held("AAPL", 10, 100))
    book.hear(signal("AAPL", "SELL"), quiet_cycle(1))
    book.hear(flat("AAPL"), closed(reason="signal", exit_at=NOW))
    first = World(config_of(**FLIP), book.state, signal("AAPL", "SELL", cycle=2), quote())
    assert not first.failed()
    book.hear(account(trading_blocked=True))
    assert first._replace(state=book.state).failed() == ["ACCOUNT_BLOCKED"]
    book.hear(account(), asset(shortable=False))
    assert first._replace(state=book.state).failed() == ["NOT_SHORTABLE"]
    approval = first.answer()
    assert isinstance(approval, Approval)
    book.hear(asset(), approval)
    assert dict(book.state.rests)["AAPL"].flip_until == 0


def test_a_refused_flip_does_not_end_the_wait_of_the_close_before() -> None:
    book = told(config_of(**FLIP), *usual(), held("AAPL", 10, 100))
    book.hear(signal("AAPL", "SELL"), quiet_cycle(1))
    book.hear(flat("AAPL"), closed(reason="signal", exit_at=NOW))
    book.hear(EntrySettled(symbol="AAPL", signal="s", outcome="refused"), quiet_cycle(2))
    rest = dict(book.state.rests)["AAPL"]
    assert wait_until(config_of(**FLIP), rest) == NOW + 15 * MINUTE
