"""Text for people at 80 columns, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

WIDTH = 80


def emit_json(value: Any) -> None:
    """One JSON document on one line."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")
    sys.stdout.flush()


def line(text: str = "") -> None:
    """One line of text, cut at the width of a terminal."""
    sys.stdout.write(text[:WIDTH].rstrip() + "\n")


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], empty: str = "none") -> None:
    """Rows under their column names; numbers to the right; the last column takes what is left."""
    cells = [[_text(row.get(name)) for name in columns] for row in rows]
    if not cells:
        line(empty)
        return
    widths = [max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(columns)]
    line("  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)))
    for row in cells:
        line("  ".join(_aligned(c, w) for c, w in zip(row, widths, strict=True)))


def stamp(at: int) -> str:
    """A market time in ns UTC, short, for a column; empty for none."""
    return datetime.fromtimestamp(at // 1_000_000_000, UTC).strftime("%m-%d %H:%M:%S") if at else ""


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value)


def _aligned(cell: str, width: int) -> str:
    number = cell.replace(",", "").lstrip("+-$").replace(".", "", 1).isdigit()
    return cell.rjust(width) if number else cell.ljust(width)


def order_name(order: str) -> str:
    """Enough of an order's id to find it again, and the leg of one of ours."""
    parts = order.split("-")
    ours = parts[0] == "argo" and len(parts) == 5
    return f"{parts[2][:8]} {parts[3]}" if ours else order[:8]
