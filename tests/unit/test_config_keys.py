"""Every key of the configuration is read by something: a key that does nothing is a broken promise."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

import argo_actors
from argo_actors.config import Config, RestartPolicy, Source, SymbolOverride

PACKAGE = Path(argo_actors.__file__).parent
NAMES_OF_A_BLOCK = {"settings", "limits", "firm", "policy"}
"""What a block is called where it has been handed on."""


def keys(kind: type = Config, path: tuple[str, ...] = ("config",)) -> Iterator[tuple[str, ...]]:
    """Every key as a path, the blocks of `sources` and `overrides` under their type's name."""
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from keys(field.type, (*path, field.name))
        else:
            yield (*path, field.name)


@cache
def readings() -> dict[str, set[str]]:
    """For every attribute that the package reads: on what."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                of = node.value.func if isinstance(node.value, ast.Call) else node.value
                name = getattr(of, "attr", getattr(of, "id", ""))
                found[node.attr].add(name.lstrip("_"))
    return found


ALL = [
    *keys(),
    *keys(Source, ("config", "source")),
    *keys(SymbolOverride, ("config", "own")),
]


@pytest.mark.parametrize("path", ALL, ids=[".".join(one[1:]) for one in ALL])
def test_a_key_has_a_reader(path: tuple[str, ...]) -> None:
    name = ".".join(path[1:])
    of = readings()[path[-1]]
    assert of & ({path[-2]} | NAMES_OF_A_BLOCK), f"nothing reads `{name}`"


def test_a_block_has_a_reader() -> None:
    blocks = {path[-2] for path in ALL if len(path) > 2} - {"own", "source"}
    assert {one for one in blocks if one not in readings()} == set()


def test_a_key_that_nothing_reads_is_found() -> None:
    class Idle(RestartPolicy, frozen=True, kw_only=True):
        of_no_use: int = 1

    (path,) = [one for one in keys(Idle) if one[-1] == "of_no_use"]
    assert not readings().get(path[-1])
