"""A rerun: recorded words heard again by the real deciders, the broker modelled on recorded prices."""

from decimal import Decimal
from pathlib import Path

from argo_actors.bootstrap import deciders
from argo_actors.journal.reader import records
from argo_actors.messages import WordId
from argo_actors.messages.market import (
    Quote,
    Quotes,
    QuoteSeen,
    QuotesWanted,
    SplitAnnounced,
    Wake,
)
from argo_actors.messages.opinion import Opinion, VendorPrice
from argo_actors.messages.order import (
    AccountReport,
    CancelOrder,
    EntrySettled,
    Fill,
    Holding,
    LookupOrder,
    OrderAbsent,
    OrderRefused,
    OrderReport,
    OrderUnknown,
    PositionClosed,
    PositionOpened,
    PositionReport,
    ReadAccount,
    ReadPosition,
    Reconcile,
    Reconciled,
    SubmitOrder,
    Unprotected,
)
from argo_actors.messages.routes import ROUTES
from argo_actors.messages.signal import Approval, CycleClosed, Signal
from argo_actors.messages.system import Crashed, RiskLevel
from argo_actors.messages.truth import Elsewhere, ForeignSeen, Resolve, Transfer
from argo_actors.replay.marks import Mark, Prices, marks
from argo_actors.replay.modelled import ModelledBroker, RecordedMarket
from argo_actors.replay.rerun import HEARD_AGAIN, MODELLED, rerun
from argo_actors.units import MINUTE, SECOND
from tests.risk.worlds import account, asset

GOLDEN = Path(__file__).parent / "golden" / "format-1.db"
NOW = 1_772_636_400 * SECOND
"""Wednesday 2026-03-04 15:00 UTC: the market is open."""
WORD = WordId(1, 0)
SYMBOLS = ("AAPL", "BTC-USD")


def broker() -> ModelledBroker:
    market = RecordedMarket()
    for symbol in SYMBOLS:
        market.know(asset(symbol))
    market.see(NOW, Mark("AAPL", "quote", 100.0, 0.05))
    market.see(NOW, Mark("BTC-USD", "quote", 50_000.0, 10.0))
    made = ModelledBroker(market, SYMBOLS)
    made.open(account(account_number="PA1"), NOW)  # whose orders fill whole
    return made


def order(symbol: str = "AAPL", **changes: object) -> SubmitOrder:
    coin = symbol.endswith("-USD")
    fields: dict[str, object] = {
        "client_order_id": "argo-0000-0123456789abcdef-entry-1",
        "symbol": symbol,
        "leg": "entry",
        "side": "buy",
        "qty": Decimal("0.1") if coin else Decimal(10),
        "type": "market",
        "time_in_force": "ioc" if coin else "gtc",
        "order_class": "simple" if coin else "bracket",
        "take_profit": None if coin else Decimal(105),
        "stop_loss": None if coin else Decimal(97),
        "position_intent": "buy_to_open",
        "reference_price": Decimal(100),
        "expires_at": NOW + MINUTE,
        "increases": True,
        "because": (WORD,),
    }
    return SubmitOrder(**(fields | changes))  # type: ignore[arg-type]


def after(one: ModelledBroker, seconds: int, symbol: str, price: float) -> list[OrderReport]:
    at = NOW + seconds * SECOND
    one.market.see(at, Mark(symbol, "price", price))
    return one.advance(at)


def test_an_entry_fills_at_the_recorded_ask_and_its_stop_at_the_recorded_bid() -> None:
    one = broker()
    (answer,) = one.answer(NOW, WORD, order())
    assert isinstance(answer, OrderReport)
    assert (answer.channel, answer.filled_qty, len(answer.legs)) == ("replay", 0, 2)
    (filled,) = after(one, 5, "AAPL", 101.0)
    assert (filled.status, filled.filled_avg_price) == ("filled", Decimal("101.05"))
    assert after(one, 10, "AAPL", 99.0) == []
    (stopped,) = after(one, 15, "AAPL", 96.0)
    stop = next(leg for leg in stopped.legs if leg.type == "stop")
    assert (stop.status, stop.filled_avg_price) == ("filled", Decimal("95.95"))
    assert one.pnl == Decimal("95.95") * 10 - Decimal("101.05") * 10


def test_a_target_fills_where_a_recorded_price_reaches_it() -> None:
    one = broker()
    one.answer(NOW, WORD, order())
    after(one, 5, "AAPL", 100.0)
    (taken,) = after(one, 10, "AAPL", 106.0)
    target = next(leg for leg in taken.legs if leg.type == "limit")
    assert (target.status, target.filled_avg_price) == ("filled", Decimal("105.95"))


def test_coins_pay_their_fee_in_kind() -> None:
    one = broker()
    one.answer(NOW, WORD, order("BTC-USD"))
    (filled,) = after(one, 5, "BTC-USD", 50_000.0)
    assert filled.filled_avg_price == Decimal(50_010)
    (held,) = one.answer(NOW, WORD, ReadPosition(symbol="BTC-USD", because=()))
    assert isinstance(held, PositionReport)
    assert held.qty == Decimal("0.09975")


def test_it_answers_every_command_of_an_order_actor() -> None:
    one = broker()
    entry = order(type="limit", limit_price=Decimal(90), stop_loss=Decimal(80))
    client = entry.client_order_id
    (sent,) = one.answer(NOW, WORD, entry)
    assert isinstance(sent, OrderReport)
    again, lookup = (
        one.answer(NOW, WORD, entry),
        LookupOrder(client_order_id=client, symbol="AAPL", because=()),
    )
    assert isinstance(again[0], OrderRefused)
    assert isinstance(one.answer(NOW, WORD, lookup)[0], OrderReport)
    absent = one.answer(NOW, WORD, LookupOrder(client_order_id="x", symbol="AAPL", because=()))
    assert isinstance(absent[0], OrderAbsent)
    cancel = CancelOrder(client_order_id=client, order_id=sent.order_id, symbol="AAPL", because=())
    (leaving,) = one.answer(NOW, WORD, cancel)
    assert isinstance(leaving, OrderReport)
    assert leaving.status == "pending_cancel"
    assert [report.status for report in after(one, 5, "AAPL", 100.0)] == ["canceled"]
    assert isinstance(one.answer(NOW, WORD, ReadAccount(because=()))[0], AccountReport)
    truth = one.answer(NOW, WORD, Reconcile(symbols=(), reason="test"))
    assert [type(word) for word in truth] == [AccountReport, Reconciled, Reconciled]


def test_quotes_are_the_newest_recorded_ones_and_no_stale_ones() -> None:
    one = broker()
    asked = QuotesWanted(request=3, symbols=("AAPL", "BTC-USD"))
    one.market.see(NOW + MINUTE, Mark("BTC-USD", "price", 51_000.0))
    (found,) = one.answer(NOW + MINUTE, WORD, asked)
    assert isinstance(found, Quotes)
    assert [(quote.symbol, quote.bid, quote.ask) for quote in found.quotes] == [
        ("BTC-USD", 50_989.8, 51_010.2)
    ]
    assert [failure.symbol for failure in found.failed] == ["AAPL"]


def test_a_close_is_a_price_only_where_nothing_better_is_fresh() -> None:
    market = broker().market
    market.see(NOW + SECOND, Mark("AAPL", "close", 90.0))
    assert market.price("AAPL", NOW) == 100.0
    market.see(NOW + MINUTE, Mark("AAPL", "close", 90.0))
    assert market.price("AAPL", NOW) == 90.0


def price(source: str, value: float) -> VendorPrice:
    return VendorPrice(source=source, symbol="AAPL", price=value, as_of=NOW, valid_until=NOW)


def test_prices_are_the_first_known_since_a_time_the_most_trusted_of_a_minute() -> None:
    prices = Prices()
    quote = Quote(symbol="AAPL", bid=99.0, ask=101.0, at=NOW, received_at=NOW)
    prices.learn(NOW, price("massive", 98.0))
    prices.learn(NOW + 30 * SECOND, QuoteSeen(quote=quote))
    prices.learn(NOW + 10 * MINUTE, price("massive", 97.0))
    assert prices.first("AAPL", NOW, MINUTE) == (NOW + 30 * SECOND, 100.0)
    assert prices.first("AAPL", NOW + MINUTE, 5 * MINUTE) is None
    assert prices.first("AAPL", NOW + MINUTE, 9 * MINUTE) == (NOW + 10 * MINUTE, 97.0)
    assert prices.first("MSFT", NOW, MINUTE) is None


def test_a_daily_opinions_price_is_no_mark() -> None:
    fields = {"symbol": "AAPL", "direction": "LONG", "confidence": 80.0, "price": 90.0}
    for lives, expected in ((2 * MINUTE, 1), (1440 * MINUTE, 0)):
        said = Opinion(source="any", as_of=NOW, valid_until=NOW + lives, **fields)  # type: ignore[arg-type]
        assert len(list(marks(said))) == expected


OWN = {
    Approval,
    CycleClosed,
    EntrySettled,
    Fill,
    Holding,
    PositionClosed,
    PositionOpened,
    RiskLevel,
    Signal,
    Unprotected,
}
"""The deciders say these themselves."""
ANEW = {OrderAbsent, OrderRefused, OrderReport, OrderUnknown, PositionReport, Quotes, Wake}
"""Said by the model and the driver when they are due in the rerun."""
LEFT_OUT = {Crashed, Elsewhere, ForeignSeen, Resolve, SplitAnnounced, Transfer}
"""Of an account that did not begin flat, that money moved in and out of, of a split, or of a failure."""


def test_every_word_that_a_decider_hears_has_its_place_in_a_rerun() -> None:
    """A new word must be placed: what is forgotten would be missing in every rerun."""
    deciding = ("consensus", "risk", "order/", "{to}", "{address}")
    heard = {
        kind for kind, route in ROUTES.items() if any(to.startswith(deciding) for to in route.to)
    }
    places = [HEARD_AGAIN, MODELLED, OWN, ANEW, LEFT_OUT]
    assert set().union(*places) == heard, "place the new word in replay/rerun.py, or here"
    assert sum(map(len, places)) == len(heard)


def test_a_rerun_says_the_same_twice_and_a_source_left_out_says_nothing() -> None:
    one, two = (rerun([GOLDEN], deciders) for _ in range(2))
    assert one == two
    assert one.signals
    assert one.crashes == 0
    alone = rerun([GOLDEN], deciders, without=frozenset({"alpaca"}))
    voters = {
        member.source
        for signal in alone.signals
        for family in signal.families
        for member in family.members
    }
    assert voters
    assert "alpaca" not in voters
    words = {
        (record.seq, n)
        for record in records(GOLDEN)
        for n, message in enumerate(record.said)
        if getattr(message, "source", "") == "alpaca"
    }
    assert not {tuple(word) for signal in alone.signals for word in signal.because} & words
    assert {tuple(word) for signal in one.signals for word in signal.because} & words


def test_a_changed_rule_changes_what_is_dared() -> None:
    idle = rerun([GOLDEN], deciders, override=("trading.auto_execute=false",))
    assert idle.signals == rerun([GOLDEN], deciders).signals
    assert idle.fills == ()
    assert idle.pnl == 0
    assert rerun([GOLDEN], deciders).fills
