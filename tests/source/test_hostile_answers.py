"""Whatever a vendor answers: orders stay within a score's reach, nothing crashes, nothing leaks.

The reach of a source is found by experiment: the same world with every score from -1 to 1 in its place,
and with no opinion.
"""

import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise

import msgspec
import pytest
from loguru import logger

from argo_actors.journal.codec import Record
from argo_actors.messages.opinion import NoOpinion, Opinion, SourceCall, SourceStatus, VendorPrice
from tests.source.hostile import market_answers, model_answers
from tests.source.order_world import KEY, SYMBOLS, Came, Order, Votes, came
from tests.source.provider_stub import ProviderStub, providing
from tests.source.source_bench import NOW
from tests.source.vendors import VENDORS, scores_text, told

ANSWERS = 500
"""Of each language model."""
BARS = 24
"""Of each vendor of bars."""
WORLDS: tuple[Votes, ...] = (
    {"alpaca": {"AAPL": 0.8, "BTC-USD": 0.8}},
    {"alpaca": {"AAPL": -0.8, "BTC-USD": -0.8}},
    {"alpaca": {"AAPL": 0.8, "BTC-USD": 0.9}, "yfinance": {"AAPL": 0.7, "BTC-USD": 0.6}},
    {"alpaca": {"AAPL": 0.1, "BTC-USD": None}},
)
"""A model's vote decides; the same, short; not needed; and never enough, as models trade not alone."""
SCORES = (None, *(n / 20 for n in range(-20, 21)))
SAYS = (Opinion, NoOpinion, SourceStatus, SourceCall, VendorPrice)


@lru_cache(maxsize=64)
def reach(source: str, number: int) -> dict[str, tuple[Order, ...]]:
    """The orders of a symbol in a world, by rising score; without a vote first."""
    others = without(source, WORLDS[number])
    found = [came(source, others, dict.fromkeys(SYMBOLS, score)).orders for score in SCORES]
    return {one: tuple(o for orders in found for o in orders if o.symbol == one) for one in SYMBOLS}


def without(source: str, world: Votes) -> Votes:
    return {name: scores for name, scores in world.items() if name != source}


def is_within(order: Order, among: tuple[Order, ...]) -> bool:
    """Some score makes this order, or one that differs from it only in being smaller and larger."""
    like = [one.qty for one in among if one._replace(qty=order.qty) == order]
    return bool(like) and min(like) <= order.qty <= max(like)


def texts(value: object) -> Iterator[str]:
    """Every text in a word."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (one for pair in value.items() for part in pair for one in texts(part))
    elif isinstance(value, list | tuple):
        yield from (one for part in value for one in texts(part))


def check_records(records: tuple[Record, ...], source: str) -> None:
    """A source says its own kinds of word, in printable signs, without the key."""
    for record in records:
        for word in record.said if record.actor == f"source/{source}" else ():
            assert isinstance(word, SAYS)
            if isinstance(word, Opinion):
                check_opinion(word)
        for text in texts(msgspec.to_builtins(record)):
            assert text.isprintable(), f"{record.actor} said {text!r}"
            assert KEY not in text


def check_opinion(one: Opinion) -> None:
    assert one.symbol in SYMBOLS
    assert 50 <= one.confidence <= 100
    assert one.price is None or 0 < one.price < float("inf")


def asked(source: str, number: int, stub: ProviderStub) -> Came:
    """The source asks the stub in this world; what must hold of whatever it answers."""
    before = len(stub.asked)
    found = came(source, without(source, WORLDS[number]), {}, stub.url)
    assert len(stub.asked) > before, "it did not ask"
    assert (found.crashed, found.died) == (0, "")
    check_records(found.records, source)
    for order in found.orders:
        assert is_within(order, reach(source, number)[order.symbol]), order
    return found


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    written = io.StringIO()
    sink = logger.add(written, level=0, format="{message}")
    yield written
    logger.remove(sink)
    assert all(line.isprintable() for line in written.getvalue().splitlines())
    assert KEY not in written.getvalue()


models = pytest.mark.parametrize("source", ["xai_grok", "sonar"])


@models
def test_a_models_reach_is_a_side_a_range_of_sizes_and_nothing_else(source: str) -> None:
    """What the test below stands on: there are orders to be had, and they grow with the score."""
    for number, sides in enumerate(({"buy"}, {"sell"}, {"buy"}, set())):
        for symbol, orders in reach(source, number).items():
            found = {one.side for one in orders}
            assert found == (sides - {"sell"} if symbol == "BTC-USD" else sides)
            assert len({one._replace(qty=orders[0].qty) for one in orders}) <= 1
            sizes = [one.qty for one in orders if number != 2]
            rising = sizes if found == {"buy"} else sizes[::-1]
            assert all(one <= other for one, other in pairwise(rising))
    assert len({one.qty for one in reach(source, 0)["AAPL"]}) > 5


@models
def test_a_good_answer_makes_the_order_of_its_score(source: str) -> None:
    with providing(told(source, scores_text(SYMBOLS, 0.7))) as stub:
        orders = asked(source, 0, stub).orders
    expected = came(source, WORLDS[0], dict.fromkeys(SYMBOLS, 0.7)).orders
    assert sorted(orders) == sorted(expected)
    assert len(orders) == 2


@models
def test_five_hundred_hostile_answers_make_no_order_that_a_score_could_not_make(
    source: str, log: io.StringIO
) -> None:
    """And those out of which nothing can be read make the orders that silence makes."""
    silence = [sorted(came(source, without(source, world), {}).orders) for world in WORLDS]
    answers = model_answers(source, SYMBOLS, KEY, 5)
    with providing(told(source, "")) as stub:
        for n, one in enumerate(islice(answers, ANSWERS)):
            stub.script = lambda _, reply=one.reply: reply  # type: ignore[misc]
            number = n % len(WORLDS)
            found = asked(source, number, stub)
            if one.mute:
                assert sorted(found.orders) == silence[number], one


@pytest.mark.parametrize("source", ["alpaca", "massive", "yfinance", "alpha_vantage"])
def test_hostile_bars_make_no_order_that_a_score_could_not_make(
    source: str, log: io.StringIO
) -> None:
    good = next(one for one in VENDORS if one.name == source).good(NOW)
    with providing(good) as stub:
        for n, script in enumerate(islice(market_answers(good, 5), BARS)):
            stub.script = script
            asked(source, 2 if n % 2 else 0, stub)
