"""A sorted map as a tuple of pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_actors import keyed

entries = st.lists(st.tuples(st.text("abc", max_size=3), st.integers()), max_size=30)


def filled(pairs: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    found: tuple[tuple[str, int], ...] = ()
    for key, value in pairs:
        found = keyed.put(found, key, value)
    return found


@given(entries)
def test_it_holds_what_a_dict_would_hold_sorted(pairs: list[tuple[str, int]]) -> None:
    assert filled(pairs) == tuple(sorted(dict(pairs).items()))


@given(st.dictionaries(st.text("abc", max_size=3), st.integers()), st.randoms())
def test_the_order_of_filling_leaves_no_trace(wanted: dict[str, int], shuffler: object) -> None:
    pairs = list(wanted.items())
    shuffler.shuffle(pairs)  # type: ignore[attr-defined]
    assert filled(pairs) == filled(list(wanted.items()))


@given(entries, st.text("abc", max_size=3))
def test_a_key_is_got_and_dropped(pairs: list[tuple[str, int]], key: str) -> None:
    held = filled(pairs)
    assert keyed.get(held, key) == dict(pairs).get(key)
    dropped = keyed.drop(held, key)
    assert keyed.get(dropped, key) is None
    assert len(dropped) == len(held) - (key in dict(pairs))


def test_a_map_is_never_changed_in_place() -> None:
    before = (("a", 1),)
    assert keyed.put(before, "a", 2) == (("a", 2),)
    assert before == (("a", 1),)


def test_keys_may_be_whole_numbers() -> None:
    assert keyed.put(keyed.put((), 10, "x"), 9, "y") == ((9, "y"), (10, "x"))


def test_the_hundred_and_first_key_is_refused_and_an_old_one_is_not() -> None:
    held: tuple[tuple[int, int], ...] = ()
    for n in range(keyed.LIMIT):
        held = keyed.put(held, n, n)
    assert keyed.get(keyed.put(held, 5, 50), 5) == 50
    with pytest.raises(OverflowError, match="at most 100"):
        keyed.put(held, keyed.LIMIT, 0)
