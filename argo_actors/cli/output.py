"""Text for people at 80 columns, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import wrap
from typing import Any

WIDTH = 80
NARROWEST = 12
"""Of the last column of a table."""


def emit_json(value: Any) -> None:
    """One JSON document on one line."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")
    sys.stdout.flush()


def line(text: str = "") -> None:
    """A line of text; what is wider than a terminal goes on below, further in."""
    indent = " " * (len(text) - len(text.lstrip()) + 3)
    parts = wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    sys.stdout.write("\n".join(parts or [""]) + "\n")


def verbatim(text: str) -> None:
    """A line to be copied (a command, a path): never broken."""
    sys.stdout.write(text + "\n")


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], empty: str = "none") -> None:
    """Rows under their column names, printed."""
    for text in tabular(columns, rows) or [empty]:
        verbatim(text)


def tabular(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Rows under their column names as lines; numbers to the right; none for no rows.

    The last column takes what is left of the width, on further lines where it needs them.
    """
    cells = [[_text(row.get(name)) for name in columns] for row in rows]
    if not cells:
        return []
    widths = [max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(columns)]
    before = sum(widths[:-1]) + 2 * (len(widths) - 1)
    widths[-1] = min(widths[-1], max(NARROWEST, WIDTH - before))
    heads = [name.ljust(width) for name, width in zip(columns, widths, strict=True)]
    found = ["  ".join(heads).rstrip()]
    for row in cells:
        first, *more = wrap(row[-1], widths[-1]) or [""]
        aligned = [_aligned(c, w) for c, w in zip([*row[:-1], first], widths, strict=True)]
        found.append("  ".join(aligned).rstrip())
        found += [" " * before + part for part in more]
    return found


def stamp(at: int) -> str:
    """A market time in ns UTC, short, for a column; empty for none."""
    return datetime.fromtimestamp(at // 1_000_000_000, UTC).strftime("%m-%d %H:%M:%S") if at else ""


def money(value: Any) -> str:
    """Dollars for people: to the cent."""
    return "-" if value is None else f"{Decimal(str(value)):,.2f}"


def price(value: Any) -> str:
    """A price for people: to the cent, below a dollar to six places."""
    if value is None:
        return "-"
    exact = Decimal(str(value))
    return f"{exact:,.2f}" if abs(exact) >= 1 else f"{exact:.6f}"


def quantity(value: Any) -> str:
    """Shares or coins for people: at most six places."""
    return "-" if value is None else f"{Decimal(str(value)):.6f}".rstrip("0").rstrip(".")


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
