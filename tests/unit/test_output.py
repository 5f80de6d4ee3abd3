"""Text for people: 80 columns, and nothing lost."""

import pytest

from argo_actors.cli.output import (
    counted,
    line,
    money,
    price,
    quantity,
    span,
    table,
    tabular,
    told,
    verbatim,
)
from argo_actors.errors import UsageError

LONG = "a reason that goes on and on " * 6


def test_a_long_line_goes_on_below_and_keeps_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    line("   " + LONG)
    said = capsys.readouterr().out
    assert said.split() == LONG.split()
    assert max(map(len, said.splitlines())) <= 80
    assert all(part.startswith("      ") for part in said.splitlines()[1:])


def test_an_empty_line_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    line()
    assert capsys.readouterr().out == "\n"


def test_a_command_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    verbatim("argo why 1234 --state " + "/long" * 40)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_table_fits_and_its_last_column_keeps_every_word() -> None:
    rows = [{"n": 1, "symbol": "AAPL", "why": LONG}, {"n": 22, "symbol": "BTC-USD", "why": "-"}]
    found = tabular(("n", "symbol", "why"), rows)
    assert max(map(len, found)) <= 80
    assert " ".join(" ".join(found[1:-1]).split()) == " ".join(f"1 AAPL {LONG}".split())
    assert found[-1] == "22  BTC-USD  -"


def test_columns_stand_closer_where_only_then_they_fit() -> None:
    wide = dict.fromkeys("abcdefgh", "x" * 9)
    assert tabular(tuple(wide), [wide])[1] == " ".join(wide.values())
    assert max(map(len, tabular((*wide, "why"), [wide | {"why": LONG}]))) <= 80 + 12


def test_no_rows_are_said_in_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    table(("n",), [], "flat")
    assert capsys.readouterr().out == "flat\n"


def test_numbers_are_as_short_as_a_person_needs_them() -> None:
    assert money("113722.696025310988") == "113,722.70"
    assert money("-0.004") == "-0.00"
    assert price("85.025563909177") == "85.03"
    assert price("0.00001234") == "0.000012"
    assert quantity("50.035933203") == "50.0359"
    assert quantity("0.035933203") == "0.035933"
    assert (counted(1, "order"), counted(2000, "order")) == ("1 order", "2,000 orders")
    assert [span(one) for one in (None, 3, 600, 86_400)] == ["-", "3 s", "10 min", "24.0 h"]
    assert quantity("40") == "40"
    assert money(None) == price(None) == quantity(None) == "-"


def test_an_error_fits_too_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(UsageError(LONG, fix=LONG)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert max(map(len, said.err.splitlines())) <= 80
    assert said.err.split() == f"error: {LONG} fix: {LONG}".split()


def test_a_path_is_never_broken_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/" + "/".join(["directory"] * 20)
    line(f"journal: {path}")
    told(UsageError(f"{path}, line 2: low is NaN", fix=f"look at {path}"))
    said = capsys.readouterr()
    assert path in said.out
    assert said.err.count(path) == 2
