"""The table of who hears what is complete, and every message survives the journal."""

import types
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from argo_actors.journal.codec import GENESIS, Record, decode_records, encode
from argo_actors.messages import Command, Fact, Message, WordId
from argo_actors.messages.market import Figures, Quote, QuoteSeen, Wake
from argo_actors.messages.order import ReadAccount
from argo_actors.messages.routes import ORDER, ROUTES, MailClass, recipients, subject
from argo_actors.messages.system import Crashed

ADDRESSES = (
    "consensus",
    "risk",
    "tracker",
    "quotes",
    "broker",
    "supervisor",
    "source/massive",
    "source/alpaca",
    "order/AAPL",
    "order/BTC-USD",
)


def every_message(kind: type[Message] = Message) -> Iterator[type[Message]]:
    for below in kind.__subclasses__():
        if below not in (Fact, Command) and below.__module__.startswith("argo_actors.messages"):
            yield below
        yield from every_message(below)


KINDS = sorted(set(every_message()), key=lambda kind: kind.__name__)


def example(kind: Any) -> Any:
    """Some value of a type, not its default."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[-1]
    if origin in (types.UnionType, Union):
        return example(next(one for one in arguments if one is not type(None)))
    if origin is tuple:
        return (
            (example(arguments[0]),) * 2
            if arguments[-1] is Ellipsis
            else tuple(map(example, arguments))
        )
    if kind is WordId:
        return WordId(7, 3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        return kind(**{name: example(hints[name]) for name in kind.__struct_fields__})
    plain: dict[Any, Any] = {
        str: "AAPL",
        int: 1_700_000_000_000_000_001,
        float: 0.1,
        bool: True,
        bytes: GENESIS,
        Decimal: Decimal("12.3456"),
    }
    return plain[kind]


def test_every_message_has_its_row() -> None:
    assert set(ROUTES) == set(KINDS)


def test_every_message_is_a_fact_or_a_command() -> None:
    assert all(issubclass(kind, Fact | Command) for kind in KINDS)


def test_no_two_messages_share_a_tag() -> None:
    assert len({kind.__struct_config__.tag for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_survives_the_journal(kind: type[Message]) -> None:
    message = example(kind)
    record = Record(9, 1_700_000_000_000_000_000, "risk", WordId(8, 0), "said", (message,))
    body = encode([record])
    (read,) = decode_records(body, "here")
    assert read == record
    assert type(read.said[0]) is kind
    assert encode([read]) == body


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_is_immutable_and_can_be_a_key(kind: type[Message]) -> None:
    message = example(kind)
    hash(message)
    for name in kind.__struct_fields__[:1]:
        with pytest.raises(AttributeError):
            setattr(message, name, None)


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_names_addresses_that_can_exist(kind: type[Message]) -> None:
    for pattern in ROUTES[kind].to:
        if pattern in (ORDER, "{to}", "{address}"):
            continue
        prefix = pattern.removesuffix("*")
        assert any(
            one == pattern or (one.startswith(prefix) and "*" in pattern) for one in ADDRESSES
        )


@pytest.mark.parametrize("kind", KINDS)
def test_only_latest_words_have_a_key(kind: type[Message]) -> None:
    route = ROUTES[kind]
    assert (route.mail is MailClass.LATEST) == (route.key is not None)
    if route.key is not None:
        assert "AAPL" in route.key(example(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_type_and_subject_alone_decide_who_hears_it(kind: type[Message]) -> None:
    message = example(kind)
    found = recipients(message, ADDRESSES)
    assert found == recipients(message, ADDRESSES)
    assert len(set(found)) == len(found)
    if ORDER in ROUTES[kind].to:
        assert subject(message) == "AAPL"
        assert "order/AAPL" in found
        assert "order/BTC-USD" not in found


def test_a_wildcard_reaches_all_of_its_kind_in_order() -> None:
    from argo_actors.messages.market import Tick

    assert recipients(Tick(n=1), ADDRESSES) == (
        "source/alpaca",
        "source/massive",
        "quotes",
        "broker",
    )


def test_a_named_one_alone_is_woken_or_told_of_its_crash() -> None:
    assert recipients(Wake(to="order/BTC-USD", due=1), ADDRESSES) == ("order/BTC-USD",)
    crashed = Crashed(address="risk", error="", where="", heard=None, restarts=1, delay_ms=0)
    assert recipients(crashed, ADDRESSES) == ("risk", "tracker")


def test_nobody_hears_what_is_for_an_address_that_does_not_exist() -> None:
    assert recipients(Wake(to="nobody", due=1), ADDRESSES) == ()


def test_a_quote_is_heard_by_the_orders_of_its_symbol() -> None:
    quote = Quote(symbol="BTC-USD", bid=1.0, ask=2.0, at=1, received_at=1)
    assert recipients(QuoteSeen(quote=quote), ADDRESSES) == ("risk", "order/BTC-USD", "tracker")


def test_a_message_with_an_unknown_field_is_refused() -> None:
    kind = ReadAccount
    body = msgspec.msgpack.decode(encode(example(kind)))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert([*body, 1, 2, 3, 4, 5, 6, 7, 8, 9], kind)


def test_fields_that_an_old_journal_lacks_are_filled_in() -> None:
    whole = example(Figures)
    short = msgspec.msgpack.decode(encode(whole))[:-1]
    assert msgspec.convert(short, Figures) == msgspec.structs.replace(whole, because=())


def test_an_actor_that_is_meant_twice_hears_once() -> None:
    crashed = Crashed(address="tracker", error="e", where="w", heard=None, restarts=1, delay_ms=0)
    assert recipients(crashed, ("risk", "tracker")) == ("tracker",)
