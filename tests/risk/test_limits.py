"""The loss day, the drawdown and their levels (decisions §4)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors.messages.market import Wake
from argo_actors.messages.order import ReadAccount
from argo_actors.messages.system import Alert, Operator, RiskLevel, Started
from argo_actors.messages.truth import Transfer
from argo_actors.risk import limits
from argo_actors.risk.checks import prop_headroom
from argo_actors.risk.limits import FIRST_READING, Losses
from argo_actors.risk.state import RiskState
from argo_actors.units import DAY, HOUR, MINUTE, SECOND, ZERO, Decimal
from tests.risk.worlds import DAY as LOSS_DAY
from tests.risk.worlds import EARLY, NOW, PROP, Book, account, config_of, held, hours, seen

CONFIG, PROP_CONFIG = config_of(), config_of(**PROP)


def losses(**changes: Any) -> Losses:
    known: dict[str, Any] = {
        "loss_day": LOSS_DAY,
        "day_start_equity": Decimal(100_000),
        "peak_equity": Decimal(100_000),
        "equity": Decimal(100_000),
        "equity_at": NOW,
    }
    return Losses(**(known | changes))


def read(found: Losses, *readings: tuple[float, object], config: Any = CONFIG) -> Losses:
    """Broker readings, each so many seconds from now."""
    for after, equity in readings:
        at = NOW + round(after * SECOND)
        found = limits.read_equity(config, found, Decimal(str(equity)), at)
    return found


def mark(found: Losses, equity: int) -> Losses:
    return limits.mark_equity(CONFIG, found, Decimal(equity), NOW)


@pytest.mark.parametrize(
    ("equity", "transfers", "lost"),
    [(95_000, 0, "5"), (101_000, 0, "-1"), (105_000, 10_000, "5"), (85_000, -10_000, "5")],
)
def test_the_days_loss_leaves_transfers_out(equity: int, transfers: int, lost: str) -> None:
    found = losses(equity=Decimal(equity), net_transfers=Decimal(transfers))
    assert limits.daily_loss_pct(found) == Decimal(lost)


def test_drawdown_is_measured_from_the_peak() -> None:
    found = losses(peak_equity=Decimal(120_000), equity=Decimal(108_000))
    assert limits.drawdown_pct(CONFIG, found) == 10
    assert limits.drawdown_pct(CONFIG, Losses()) == limits.daily_loss_pct(Losses()) == 0


@pytest.mark.parametrize(
    ("config", "equity", "level"),
    [
        (CONFIG, "100500", "NORMAL"),
        (CONFIG, "96500.01", "NORMAL"),
        (CONFIG, "96500", "WARNING"),
        (CONFIG, "95500.01", "WARNING"),
        (CONFIG, "95500", "CRITICAL"),
        (CONFIG, "95000.01", "CRITICAL"),
        (CONFIG, "95000", "BREACH"),
        (PROP_CONFIG, "98600.01", "NORMAL"),
        (PROP_CONFIG, "98600", "WARNING"),
        (PROP_CONFIG, "98200", "CRITICAL"),
        (PROP_CONFIG, "98000", "BREACH"),
    ],
)
def test_levels_at_70_and_90_percent_of_the_nearer_limit(
    config: Any, equity: str, level: str
) -> None:
    assert limits.level(config, losses(equity=Decimal(equity))) == level


@pytest.mark.parametrize(
    ("readings", "tripped"),
    [
        ([(0, 95_000)], ""),
        ([(0, 95_000), (1.999, 95_000)], ""),
        ([(0, 95_000), (2, 95_000)], "daily"),
        ([(0, 95_000), (1, 94_900), (2, 94_900)], "daily"),
        ([(0, 95_000), (2, 94_525)], "daily"),
        ([(0, 95_000), (2, 94_524)], ""),
        ([(0, 95_000), (2, 96_000), (4, 95_000)], ""),
        ([(0, 95_000), (2, 94_000), (4, 94_000)], "daily"),
        ([(0, 95_000), (30, 94_000), (60, 93_000), (90, 92_000), (120, 91_999)], "daily"),
        ([(0, 90_000), (2, 90_000)], "daily"),
    ],
)
def test_a_breach_needs_two_readings_that_agree(
    readings: list[tuple[float, object]], tripped: str
) -> None:
    """Two seconds apart and within half a percent; one that does not agree begins anew."""
    assert read(losses(), *readings).tripped == tripped


def test_our_own_mark_stops_entries_and_is_not_a_reading() -> None:
    marked = mark(losses(), 94_900)
    assert marked.suspected_at == NOW
    assert limits.current(marked) == 94_900
    assert marked.tripped == ""
    once = read(marked, (3, 94_900))
    assert (once.tripped, once.suspected_at != 0) == ("", True)
    assert read(once, (5, 94_900)).tripped == "daily"
    assert read(marked, (3, 99_000)).suspected_at == 0


def test_a_mark_that_recovers_stays_unsure_until_the_broker_has_spoken() -> None:
    recovered = mark(mark(losses(), 94_000), 99_000)
    assert recovered.suspected_at != 0
    assert read(recovered, (1, 99_000)).suspected_at == 0


@pytest.mark.parametrize(
    ("readings", "peak"),
    [
        ([(0, 110_000)], 100_000),
        ([(0, 110_000), (1.999, 110_000)], 100_000),
        ([(0, 110_000), (2, 105_000)], 105_000),
        ([(0, 105_000), (2, 110_000)], 105_000),
        ([(0, 105_000), (2, 110_000), (4, 110_000)], 110_000),
        ([(0, 999_999), (2, 99_000), (4, 99_000)], 100_000),
        ([(0, 110_000), (5, 105_000), (10, 90_000)], 105_000),
    ],
)
def test_the_peak_is_the_highest_equity_that_two_readings_confirm(
    readings: list[tuple[float, object]], peak: int
) -> None:
    """One wrong figure is no peak: it would be a drawdown at the next one."""
    found = read(losses(), *readings)
    assert found.peak_equity == peak
    assert mark(found, 150_000).peak_equity == peak


def test_a_new_day_rearms_the_standard_daily_limit_only() -> None:
    day = NOW + HOUR
    now = {"equity": Decimal(94_000), "equity_at": day - 30 * SECOND, "suspected_at": NOW}
    daily, drawn = losses(tripped="daily", **now), losses(tripped="drawdown", **now)
    fresh = limits.new_day(CONFIG, daily, day)
    assert (fresh.tripped, fresh.suspected_at) == ("", 0)
    assert (fresh.day_start_equity, fresh.net_transfers, fresh.note) == (94_000, 0, "")
    assert limits.new_day(CONFIG, drawn, day).tripped == "drawdown"
    assert limits.new_day(PROP_CONFIG, daily, day).tripped == "daily"
    assert limits.new_day(CONFIG, daily, LOSS_DAY) is daily


def test_a_missed_boundary_takes_the_first_reading_and_says_so() -> None:
    """The process was down at 17:00: what it last read belongs to another day."""
    day = NOW + DAY
    late = limits.new_day(CONFIG, losses(), day)
    assert late.day_start_equity == 0
    read_late = limits.read_equity(CONFIG, late, Decimal(97_000), day + 3 * HOUR)
    assert (read_late.day_start_equity, read_late.note) == (97_000, FIRST_READING)
    read_first = losses(equity=Decimal(97_000), equity_at=day + 3 * HOUR)
    hours_after = limits.new_day(CONFIG, read_first, day)
    assert (hours_after.day_start_equity, hours_after.note) == (97_000, FIRST_READING)
    in_time = limits.new_day(CONFIG, losses(equity_at=day - MINUTE), day)
    assert (in_time.day_start_equity, in_time.note) == (100_000, "")


@pytest.mark.parametrize("wrong", [200_000, 50_000, 1])
def test_one_wrong_figure_starts_no_loss_day(wrong: int) -> None:
    """Half the account would have been lost by the next reading, or the day's limit be twice as far."""
    day = NOW + HOUR
    near = losses(equity=Decimal(wrong), equity_at=day - 20 * SECOND)
    for found in (
        limits.new_day(CONFIG, near, day),
        limits.read_equity(CONFIG, Losses(loss_day=day), Decimal(wrong), day - 20 * SECOND),
    ):
        assert limits.confirm_due(found) == day - 18 * SECOND
        found = limits.read_equity(CONFIG, found, Decimal(100_000), day)
        assert (found.day_start_equity, found.start_sure) == (100_000, False)
        found = limits.read_equity(CONFIG, found, Decimal(99_900), day + 2 * SECOND)
        assert (found.day_start_equity, found.start_sure) == (100_000, True)
        assert (found.tripped, found.suspected_at, limits.confirm_due(found)) == ("", 0, None)


@pytest.mark.parametrize("wrong", [200_000, 50_000])
def test_one_wrong_first_figure_is_no_peak(wrong: int) -> None:
    found = read(Losses(loss_day=LOSS_DAY), (0, wrong), (2, 100_000), (4, 100_000))
    assert (found.peak_equity, found.initial_equity) == (100_000, 100_000)
    assert limits.drawdown_pct(CONFIG, found) == 0


def test_a_real_loss_after_the_start_stays_one() -> None:
    """The next reading comes too late to say that the start was wrong, or after another has confirmed it."""
    day = NOW + HOUR
    begun = limits.new_day(CONFIG, losses(equity_at=day - 20 * SECOND), day)
    late = limits.read_equity(CONFIG, begun, Decimal(97_000), day + 8 * HOUR)
    assert (late.day_start_equity, limits.daily_loss_pct(late)) == (100_000, 3)
    sure = limits.read_equity(CONFIG, begun, Decimal(99_800), day - 15 * SECOND)
    fallen = limits.read_equity(CONFIG, sure, Decimal(97_000), day)
    assert (fallen.day_start_equity, limits.daily_loss_pct(fallen)) == (100_000, 3)


@pytest.mark.parametrize("told", ["before", "after"])
def test_a_deposit_in_the_night_is_in_the_start_of_the_day_that_begins_with_a_later_reading(
    told: str,
) -> None:
    """The process was down at 17:00 and a deposit came at 18:00: it is not the day's loss."""
    day = NOW + DAY
    found = limits.new_day(CONFIG, losses(first_at=LOSS_DAY), day)
    for step in (told, "reading", told):
        if step == "reading":
            found = limits.read_equity(CONFIG, found, Decimal(150_000), day + 3 * HOUR)
        elif (step == "before") == (found.day_start_equity == 0):
            found = limits.transferred(found, Decimal(50_000), day + HOUR)
    assert (limits.daily_loss_pct(found), found.suspected_at) == (0, 0)


@pytest.mark.parametrize(("reset", "peak"), [(False, 100_000), (True, 90_000)])
def test_only_an_operator_ends_a_tripped_drawdown(reset: bool, peak: int) -> None:
    tripped = losses(tripped="drawdown", equity=Decimal(90_000), suspected_at=NOW)
    assert read(tripped, (0, 100_000)).tripped == "drawdown"
    found = limits.resumed(tripped, reset)
    assert (found.tripped, found.suspected_at, found.peak_equity) == ("", 0, peak)


def test_a_level_is_said_once_when_it_changes() -> None:
    book = Book(CONFIG)
    book.hear(hours(), account(), at=EARLY)
    book.hear(account())
    said = [
        [one.level for one in book.hear(account(equity), at=NOW + n * SECOND) if _is_level(one)]
        for n, equity in enumerate([96_500, 96_400, 95_400, 94_900, 94_900, 94_900, 99_000])
    ]
    assert said == [["WARNING"], [], ["CRITICAL"], ["CRITICAL"], [], ["BREACH"], []]
    assert [
        one.level
        for one in book.hear(Operator(state="normal", who="me", why="test"))
        if isinstance(one, RiskLevel)
    ] == ["NORMAL"]


def test_a_restart_does_not_forget_that_a_limit_has_tripped() -> None:
    book = Book(CONFIG)
    book.hear(hours(), account(), at=EARLY)
    for n in range(2):
        book.hear(account(94_000), at=NOW + 3 * n * SECOND)
    assert book.state.losses.tripped == "daily"
    book.hear(Started(run=2, mode="paper"), at=NOW + MINUTE)
    for n in range(2):
        book.hear(account(99_000), at=NOW + MINUTE + 3 * n * SECOND)
    assert (book.state.losses.tripped, book.state.level) == ("daily", "BREACH")


def _is_level(one: Any) -> bool:
    return isinstance(one, RiskLevel)


def test_equity_is_carried_on_by_our_own_quotes() -> None:
    """100 long lose 5 dollars, 50 short win 2: 400 less."""
    book = Book(CONFIG)
    book.hear(hours(), held("MSFT", 100, 400), held("AAPL", 50, 100, side="sell"))
    book.hear(seen("MSFT", 400.0), seen("AAPL", 100.0), account())
    book.hear(seen("MSFT", 395.0), seen("AAPL", 98.0))
    assert limits.current(book.state.losses) == 99_600
    book.hear(account(99_600))
    assert limits.current(book.state.losses) == 99_600


equities = st.decimals(min_value=80_000, max_value=120_000, places=2)
readings = st.lists(st.tuples(st.booleans(), st.integers(0, 5), equities), max_size=30)


@given(readings)
def test_marks_alone_never_trip_and_a_trip_has_its_two_readings(
    heard: list[tuple[bool, int, Decimal]],
) -> None:
    found, at, crossed = losses(), NOW, []
    for is_mark, after, equity in heard:
        at += after * SECOND
        before = found
        if is_mark:
            found = limits.mark_equity(CONFIG, found, equity, at)
        else:
            found = limits.read_equity(CONFIG, found, equity, at)
            if limits.crossing(CONFIG, before, equity):
                crossed.append((at, equity))
        if found.tripped and not before.tripped:
            assert not is_mark
            assert any(
                at - then >= 2 * SECOND and abs(equity - other) * 200 <= max(equity, other)
                for then, other in crossed[:-1]
            )
        assert found.peak_equity >= before.peak_equity


@given(equities)
def test_two_equal_readings_beyond_a_limit_always_trip(equity: Decimal) -> None:
    found = read(losses(), (0, equity), (2, equity))
    assert (found.tripped != "") == (equity <= 95_000)
    assert found.mark is None
    assert found.suspected_equity == (equity if equity <= 95_000 else ZERO)


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, 2000),
        ({"equity": Decimal(99_000)}, 1000),
        ({"peak_equity": Decimal(200_000), "equity": Decimal(199_000)}, 3000),
        ({"day_start_equity": Decimal(104_000)}, 680),
        ({"day_start_equity": Decimal(104_000), "net_transfers": Decimal(-300)}, 980),
        ({"mark": Decimal(98_500)}, 500),
    ],
)
def test_prop_headroom_is_what_the_nearer_limit_leaves(changes: dict[str, Any], left: int) -> None:
    """Drawdown 2 % of the peak, daily 4.5 % of the day's start, transfers taken out."""
    state = RiskState(losses=losses(**changes))
    assert prop_headroom(PROP_CONFIG, state) == left


# transfers


def moved(found: Losses, dollars: int, after: float) -> Losses:
    return limits.transferred(found, Decimal(dollars), NOW + round(after * SECOND))


def test_a_transfer_is_neither_profit_nor_loss() -> None:
    """A deposit in the morning, a withdrawal later: the day's loss and the drawdown stay."""
    found = read(losses(first_at=NOW - DAY), (0, 98_000))
    richer = read(moved(found, 50_000, 5), (10, 148_000))
    assert limits.daily_loss_pct(richer) == 2
    assert (richer.peak_equity, limits.drawdown_pct(CONFIG, richer)) == (
        150_000,
        Decimal("1.333333"),
    )
    poorer = read(moved(richer, -60_000, 20), (30, 88_000))
    assert limits.daily_loss_pct(poorer) == 2
    assert (poorer.peak_equity, poorer.initial_equity) == (90_000, -10_000)
    assert not poorer.suspected_at


def test_a_deposit_that_a_reading_took_for_profit_moves_the_peak_before_it() -> None:
    """The broker booked the money before it told of it: 95,000 + 50,000 is no new high."""
    found = read(losses(first_at=NOW - DAY), (0, 96_000), (10, 146_000), (20, 146_000))
    assert found.peak_equity == 146_000
    known = moved(found, 50_000, 5)
    assert known.peak_equity == 150_000
    assert limits.daily_loss_pct(known) == 4


def test_what_came_before_the_first_reading_or_the_day_is_in_them() -> None:
    new = read(Losses(loss_day=LOSS_DAY), (0, 100_000))
    assert moved(new, 100_000, -1) == new
    yesterday = limits.transferred(losses(first_at=NOW - 9 * DAY), Decimal(1000), LOSS_DAY - SECOND)
    assert (yesterday.net_transfers, yesterday.peak_equity) == (0, 101_000)


def test_a_transfer_that_is_told_again_counts_once() -> None:
    book = Book(CONFIG)
    book.hear(hours(), account())
    one = Transfer(id="a::1", kind="CSD", dollars=Decimal(5000), at=NOW + SECOND)
    book.hear(one, one, at=NOW + 2 * SECOND)
    assert book.state.losses.net_transfers == 5000


amounts = st.integers(-20_000, 50_000).map(Decimal)


@given(st.lists(st.tuples(amounts, st.integers(-3000, 3000)), max_size=12))
def test_transfers_never_change_what_was_won_or_lost(steps: list[tuple[Decimal, int]]) -> None:
    """Beside an account without transfers: the same dollars of loss and the same dollars to the peak."""
    plain, other, at, equity, paid = losses(), losses(first_at=LOSS_DAY), NOW, 100_000, ZERO
    for dollars, won in steps:
        at += 10 * SECOND
        equity += won
        if equity + paid + dollars <= 0:
            continue
        paid += dollars
        other = limits.transferred(other, dollars, at)
        plain = limits.read_equity(CONFIG, plain, Decimal(equity), at + SECOND)
        other = limits.read_equity(CONFIG, other, equity + paid, at + SECOND)
        if not other.suspected_at:
            assert other.peak_equity - paid == plain.peak_equity
        lost = other.day_start_equity - other.equity + other.net_transfers
        assert lost == 100_000 - equity


# a firm's rules as data


def firm(**rules: Any) -> Any:
    return config_of(prop_firm={"enabled": True, "rules": rules})


def test_a_static_drawdown_is_measured_from_where_the_account_began() -> None:
    static, given_base = firm(drawdown="static"), firm(drawdown="static", initial_balance=90_000)
    begun = limits.read_equity(static, Losses(loss_day=LOSS_DAY), Decimal(100_000), NOW)
    grown = read(begun, (2, 100_000), (4, 120_000), (6, 120_000), config=static)
    assert limits.drawdown_base(static, grown) == 100_000
    assert limits.drawdown_base(PROP_CONFIG, grown) == 120_000
    assert limits.headroom(static, grown)[1] == 22_000
    other = limits.read_equity(given_base, Losses(loss_day=LOSS_DAY), Decimal(100_000), NOW)
    assert limits.drawdown_base(given_base, other) == 90_000


@pytest.mark.parametrize(
    ("base", "start"), [("equity", 101_000), ("balance", 99_000), ("higher", 101_000)]
)
def test_the_days_base_is_equity_balance_or_the_higher(base: str, start: int) -> None:
    found = limits.read_equity(
        firm(daily_base=base), Losses(), Decimal(101_000), NOW, Decimal(99_000)
    )
    assert found.day_start_equity == start


def test_the_balance_leaves_open_profit_out() -> None:
    book = Book(firm(daily_base="balance"))
    book.hear(hours(), held("MSFT", 100, 400), seen("MSFT", 405.0), account(100_500))
    assert book.state.losses.day_start_equity == 100_000


# confirmation, and what is told


def test_a_mark_beyond_the_limit_asks_the_broker_at_once_and_two_seconds_later() -> None:
    book = Book(CONFIG)
    book.hear(hours(), account(), at=EARLY)
    book.hear(account(), at=EARLY + 2 * SECOND)
    book.hear(held("MSFT", 1000, 100), seen("MSFT", 100.0), account())
    said = book.hear(seen("MSFT", 94.0))
    assert [type(one).__name__ for one in said] == ["ReadAccount", "RiskLevel"]
    assert book.decider.wake(book.state) is None
    book.hear(account(94_000), at=NOW + SECOND // 10)
    due = book.decider.wake(book.state)
    assert due == NOW + SECOND // 10 + 2 * SECOND
    assert [type(one) for one in book.hear(Wake(to="risk", due=due), at=due)] == [ReadAccount]
    assert book.decider.wake(book.state) is None
    assert book.hear(account(94_000), at=due + 1)[-1].level == "BREACH"  # type: ignore[attr-defined]


def test_a_limit_that_seems_crossed_is_told_until_the_broker_says_otherwise() -> None:
    book = Book(CONFIG)
    book.hear(hours(), account(), at=EARLY)
    book.hear(account(), at=EARLY + 2 * SECOND)
    book.hear(held("MSFT", 1000, 100), seen("MSFT", 100.0), account())
    told = [
        [(one.level, one.suspected) for one in book.hear(word) if isinstance(one, RiskLevel)]
        for word in (seen("MSFT", 94.0), seen("MSFT", 97.0), account(99_000), account(99_000))
    ]
    assert told == [[("CRITICAL", True)], [], [("NORMAL", False)], []]


def test_readings_that_disagree_with_our_own_mark_flatten_nothing() -> None:
    found = mark(losses(), 99_000)
    for after in (0, 3, 6):
        found = mark(read(found, (after, 90_000)), 99_000)
    assert found.tripped == ""
    assert found.suspected_at, "entries wait: EQUITY_UNSURE"


def test_a_missed_beginning_of_the_day_is_told_once() -> None:
    book = Book(CONFIG)
    book.hear(hours(loss_day=LOSS_DAY - DAY), account(), at=LOSS_DAY - HOUR)
    late = [one for one in book.hear(hours(loss_day=LOSS_DAY), at=NOW) if isinstance(one, Alert)]
    late += [one for one in book.hear(account(97_000), account(), at=NOW) if isinstance(one, Alert)]
    assert len(late) == 1
    assert "97000" in late[0].text


def test_a_level_falls_with_the_broker_not_with_every_quote() -> None:
    book = Book(CONFIG)
    book.hear(hours(), held("MSFT", 1000, 100), seen("MSFT", 100.0), account())
    levels = [book.hear(seen("MSFT", price)) for price in (96.4, 96.6, 96.4, 96.6)]
    assert [[type(one).__name__ for one in said] for said in levels] == [["RiskLevel"], [], [], []]
    said = book.hear(account(99_000))
    assert [one.level for one in said if isinstance(one, RiskLevel)] == ["NORMAL"]
