"""Text for people at 80 columns, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import wrap
from typing import Any

from ..errors import ArgoError

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
    sys.stdout.write("\n".join(_wrapped(text, indent) or [""]) + "\n")


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of a terminal's width; no word is broken, for a path in two parts is no path."""
    return wrap(
        text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


def told(error: ArgoError) -> int:
    """What went wrong, and what to do, on standard error. Returns the exit code."""
    for mark, text in (("error", error.what), ("fix", error.fix)):
        if text:
            sys.stderr.write("\n".join(_wrapped(f"{mark}: {text}", "   ")) + "\n")
    return error.exit_code


def verbatim(text: str) -> None:
    """A line to be copied (a command, a path): never broken."""
    sys.stdout.write(text + "\n")


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], empty: str = "none") -> None:
    """Rows under their column names, printed."""
    for text in tabular(columns, rows) or [empty]:
        verbatim(text)


def tabular(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Rows under their column names as lines; numbers to the right; none for no rows.

    Columns stand closer where they would be too wide together. The last one takes what is left of the
    width, on further lines where it needs them.
    """
    cells = [[_text(row.get(name)) for name in columns] for row in rows]
    if not cells:
        return []
    widths = [max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(columns)]
    gap = " " * _gap(widths)
    before = sum(widths[:-1]) + len(gap) * (len(widths) - 1)
    widths[-1] = min(widths[-1], max(NARROWEST, WIDTH - before))
    heads = [name.ljust(width) for name, width in zip(columns, widths, strict=True)]
    found = [gap.join(heads).rstrip()]
    for row in cells:
        first, *more = wrap(row[-1], widths[-1]) or [""]
        aligned = [_aligned(c, w) for c, w in zip([*row[:-1], first], widths, strict=True)]
        found.append(gap.join(aligned).rstrip())
        found += [" " * before + part for part in more]
    return found


def _gap(widths: Sequence[int]) -> int:
    """Between columns: two, or one where only then everything fits in, or not even the last column does."""
    gaps, least = len(widths) - 1, sum(widths[:-1]) + min(widths[-1], NARROWEST)
    whole = sum(widths)
    fits_closer = whole + gaps <= WIDTH < whole + 2 * gaps
    return 1 if fits_closer or least + 2 * gaps > WIDTH else 2


def counted(n: int, one: str, more: str = "") -> str:
    """A number of things: `1 order`, `2 orders`."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def span(seconds: float | None) -> str:
    """How long; a dash for none."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def check(code: str, passed: bool, value: str, limit: str) -> str:
    """A risk check."""
    return f"{'ok' if passed else 'NO'} {code:18} {value} (limit {limit})"


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
    return f"{exact:.2f}" if abs(exact) >= 1 else f"{exact:.6f}"


def quantity(value: Any) -> str:
    """Shares or coins for people: at most four places, below one six."""
    if value is None:
        return "-"
    exact = Decimal(str(value))
    text = f"{exact:.4f}" if abs(exact) >= 1 else f"{exact:.6f}"
    return text.rstrip("0").rstrip(".")


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
