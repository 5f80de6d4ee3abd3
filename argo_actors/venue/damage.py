"""What a fault does to an answer or an event: pure, from what is true to what is told."""

import copy
import gzip
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from . import faults
from .wire import Answer

OVERSIZED = 8 * 1024 * 1024
"""Bytes of blanks; more than a careful client reads."""
PAGE = b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>"


def given(fault: faults.Answer) -> Answer:
    """The answer that a rule spells out."""
    if isinstance(fault.body, str):
        kind, body = "text/html", fault.body.encode()
    else:
        kind, body = "application/json", msgspec.json.encode(fault.body)
    return fault.status, {"Content-Type": kind, **fault.headers}, body


def garbled(how: str, answer: Answer) -> Answer:
    """The answer, made useless. A truncated one is cut where it is sent, not here."""
    status, headers, body = answer
    match how:
        case "html":
            return 200, {**headers, "Content-Type": "text/html"}, PAGE
        case "empty":
            return status, headers, b""
        case "plain":
            return status, {**headers, "Content-Type": "text/plain"}, body
        case "oversized":
            return status, headers, body + b" " * OVERSIZED
        case "bomb":
            packed = gzip.compress(body + b" " * OVERSIZED, mtime=0)
            return status, {**headers, "Content-Encoding": "gzip"}, packed
        case "nan":
            return status, headers, _with_nan(msgspec.json.decode(body or b"null"))
        case "duplicate":
            return status, headers, _twice(msgspec.json.decode(body or b"null"))
    return answer


def edited(fault: faults.Edit, body: Any) -> Any:
    """A decoded body with values set and fields left out; places that it lacks stay lacking."""
    body = copy.deepcopy(body)
    for pointer in fault.drop:
        for holder, key in _places(body, pointer):
            if isinstance(holder, list):
                holder[key] = None
            else:
                holder.pop(key, None)
    for pointer, value in fault.set.items():
        for holder, key in _places(body, pointer):
            holder[key] = value
    return body


def skewed(seconds: float, body: Any) -> Any:
    """A clock's answer whose `timestamp` is wrong."""
    if not isinstance(body, dict) or not isinstance(body.get("timestamp"), str):
        return body
    moment = datetime.fromisoformat(body["timestamp"]) + timedelta(seconds=seconds)
    return {**body, "timestamp": moment.isoformat()}


def as_floats(body: Any) -> Any:
    """A body whose decimals are written as binary floats write themselves; ids stay as they are."""
    if isinstance(body, dict):
        return {
            key: one if key.endswith("id") or key == "account_number" else as_floats(one)
            for key, one in body.items()
        }
    if isinstance(body, list):
        return [as_floats(one) for one in body]
    if isinstance(body, str) and _is_number(body):
        return _float_text(float(body))
    return body


def _float_text(value: float) -> str:
    """As a sum of binary floats comes out: the last bit is wrong."""
    return repr(math.nextafter(value, math.inf)) if value % 1 else repr(value)


def on_json(answer: Answer, change: Any) -> Answer:
    """An answer whose JSON body went through `change`; any other stays as it is."""
    status, headers, body = answer
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return answer
    return status, headers, msgspec.json.encode(change(found))


def _places(body: Any, pointer: str) -> Iterator[tuple[Any, Any]]:
    """The holders and keys that a pointer means; the last key may be new in an object."""
    first, _, rest = pointer[1:].partition("/")
    first = first.replace("~1", "/").replace("~0", "~")
    if isinstance(body, dict):
        keys: list[Any] = list(body) if first == "*" else [first]
    elif isinstance(body, list):
        every = list(range(len(body)))
        keys = every if first == "*" else [one for one in every if str(one) == first]
    else:
        return
    for key in keys:
        if not rest:
            yield body, key
        elif isinstance(body, list) or key in body:
            yield from _places(body[key], f"/{rest}")


def _with_nan(body: Any) -> bytes:
    """JSON as Python would write it: every number, and every text that is one, is NaN."""
    if isinstance(body, dict):
        parts = [msgspec.json.encode(key) + b":" + _with_nan(one) for key, one in body.items()]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(body, list):
        return b"[" + b",".join(_with_nan(one) for one in body) + b"]"
    if isinstance(body, str) and _is_number(body):
        return b'"NaN"'
    if isinstance(body, int | float) and not isinstance(body, bool):
        return b"NaN"
    return msgspec.json.encode(body)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _twice(body: Any) -> bytes:
    """Every row of a list and every key of an object, two times."""
    if isinstance(body, list):
        return b"[" + b",".join(_twice(one) for one in body for _ in range(2)) + b"]"
    if isinstance(body, dict):
        parts = [
            msgspec.json.encode(key) + b":" + msgspec.json.encode(one) for key, one in body.items()
        ]
        return b"{" + b",".join(parts * 2) + b"}"
    return msgspec.json.encode(body)
