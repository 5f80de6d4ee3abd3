"""The README is the manual: its tables of commands, keys and faults are made from code and tests.

ARGO_WRITE_README=1 python -m pytest tests/unit/test_readme.py    writes them anew
"""

import importlib
import inspect
import os
import re
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argo_actors import config as configuration
from argo_actors.cli.main import COMMANDS, GROUPS, run
from argo_actors.cli.venue import Served
from tests.venue import fault_cases

README = Path(__file__).resolve().parents[2] / "README.md"


def command_table() -> str:
    rows = ["| command | what it does |", "| --- | --- |"]
    groups = [(f"{name} ", commands) for name, (_, commands) in GROUPS.items()]
    for prefix, commands in [("", COMMANDS), *groups]:
        for name, place in commands.items():
            module, _, function = place.partition(":")
            found = getattr(importlib.import_module(f"argo_actors.cli.{module}"), function)
            text = inspect.getdoc(found) or ""
            _check_help(name, found, text)
            rows.append(f"| `argo {prefix}{name}` | {text.splitlines()[0]} |")
    return "\n".join(rows)


def _check_help(name: str, command: Any, text: str) -> None:
    """Every option is told: in the command's text, or in a block of options under its field."""
    for parameter in inspect.signature(command).parameters.values():
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation):
            for base in parameter.annotation.__mro__[:-1]:
                told = _notes(base)
                assert set(base.__annotations__) <= set(told), f"{name} has options without help"
        else:
            assert f"\n{parameter.name}: " in text, f"{name} has no help on {parameter.name}"


@pytest.mark.parametrize("group", [(), *((name,) for name in GROUPS)])
def test_the_help_says_what_each_command_does(
    group: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*group, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    commands = GROUPS[group[0]][1] if group else COMMANDS
    for name, place in commands.items():
        module, _, function = place.partition(":")
        found = getattr(importlib.import_module(f"argo_actors.cli.{module}"), function)
        first = (inspect.getdoc(found) or "").splitlines()[0].replace("`", "")
        assert f"{name} {' '.join(first.split())}" in shown


def key_table() -> str:
    rows = ["| key | default | meaning |", "| --- | --- | --- |"]
    rows += _keys(configuration.Config, "")
    return "\n".join(rows)


def _keys(block: type[msgspec.Struct], prefix: str) -> list[str]:
    notes = _notes(block)
    rows = []
    for field in msgspec.structs.fields(block):
        kind = _block_of(field.type)
        path = prefix + field.name
        if field.name == "sources":
            rows += _keys(configuration.Source, "sources.NAME.")
        elif kind is not None and not _is_mapping(field.type):
            rows += _keys(kind, path + ".")
        else:
            default = "(required)" if field.required else _shown(field)
            rows.append(f"| `{path}` | {default} | {notes.get(field.name, '')} |")
    return rows


def _block_of(kind: Any) -> type[msgspec.Struct] | None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return None


def _is_mapping(kind: Any) -> bool:
    return typing.get_origin(kind) is dict


def _shown(field: Any) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    text = msgspec.json.encode(value).decode()
    return f"`{text}`" if len(text) <= 60 else "see `argo config show`"


def _notes(block: type) -> dict[str, str]:
    """The text under each field, from the source."""
    found = {}
    source = inspect.getsource(block)
    for name, text in re.findall(
        r'^    (\w+):[^\n]*(?:\n        [^\n]*|\n    \))*\n    """(.*?)"""',
        source,
        re.DOTALL | re.MULTILINE,
    ):
        found[name] = " ".join(text.split()).replace("|", "/")
    return found


def _with_tables(text: str) -> str:
    tables = {"commands": command_table(), "config": key_table(), "faults": fault_cases.table()}
    for name, table in tables.items():
        block = f"<!-- {name} -->\n{table}\n<!-- /{name} -->"
        text = re.sub(
            rf"<!-- {name} -->\n.*?<!-- /{name} -->", lambda _, b=block: b, text, flags=re.DOTALL
        )
    return text


def test_the_tables_are_those_of_the_code_and_its_tests() -> None:
    text = README.read_text()
    if os.environ.get("ARGO_WRITE_README"):
        README.write_text(_with_tables(text))
    assert README.read_text() == _with_tables(text)


def test_every_config_file_is_sound() -> None:
    for path in sorted((README.parent / "config").glob("*.json")):
        if not path.name.startswith("example"):
            configuration.read(path)


def test_every_test_that_the_venues_rules_name_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)", README.read_text())
    folder = Path(__file__).resolve().parents[1] / "venue"
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (folder / file).read_text()
    ]
    assert missing == []
    assert len(named) >= 90


def test_every_option_of_the_venue_in_its_section_can_be_given() -> None:
    section = README.read_text().partition("| option | what it does |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`--([a-z-]+)", section))
    known = {one.name.replace("_", "-") for one in fields(Served)}
    assert named - known == set()
    assert len(named) >= 10
