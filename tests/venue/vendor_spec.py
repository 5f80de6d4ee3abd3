"""The vendor's OpenAPI files, where they are at hand: reference data that is no part of the project."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PLACES = [one / "shared" / "openapi" for one in _ROOT.parents]
FOLDER = next((one for one in _PLACES if one.is_dir()), None)
needs_specification = pytest.mark.skipif(
    FOLDER is None,
    reason="the vendor's OpenAPI files are not beside the project (../shared/openapi)",
)


@cache
def specification(name: str) -> dict[str, Any]:
    """A file as it is."""
    assert FOLDER is not None
    found: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return found


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type `null`."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: as_json_schema(value) for name, value in node.items() if name != "example"}
    if found.pop("nullable", None) is True:
        found = {"anyOf": [{"type": "null"}, found]}
    return found


def operation(spec: dict[str, Any], method: str, path: str) -> tuple[str, Any] | None:
    """The template of a path that the specification knows, and its operation."""
    literal_first = sorted(spec["paths"], key=lambda one: one.count("{"))
    for template in literal_first:
        pattern = re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in spec["paths"][template]:
            return template, spec["paths"][template][method.lower()]
    return None


def answer_schema(spec: dict[str, Any], found: Any, status: int) -> Any:
    """The JSON schema of an operation's answer; None when the file gives none."""
    answers = found["responses"]
    answer = answers.get(str(status)) or answers.get("default")
    while answer is not None and "$ref" in answer:
        node: Any = spec
        for part in answer["$ref"].split("/")[1:]:
            node = node[part]
        answer = node
    content = (answer or {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        return None
    return {**as_json_schema(schema), "components": as_json_schema(spec["components"])}
