"""`argo config`: is this configuration sound, and what does it come to?"""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .. import config as configuration
from .output import emit_json, line


def check(file: Path, *, json: bool = False) -> int:
    """Check a configuration: unknown keys, impossible values, what is worth a second look.

    Parameters
    ----------
    file: Path
        The JSON file, such as config/paper.json.
    json: bool
        Answer as JSON.
    """
    found = configuration.read(file)
    warnings = configuration.warnings(found)
    if json:
        emit_json({"ok": True, "hash": configuration.config_hash(found), "warnings": warnings})
        return 0
    line(f"{file}: sound, {found.environment}, {len(found.symbols)} symbols")
    line(f"hash {configuration.config_hash(found)[:16]}")
    for warning in warnings:
        line(f"warning: {warning}")
    return 0


def show(
    file: Path,
    *,
    settings: Annotated[tuple[str, ...], Parameter(name="--set")] = (),
) -> int:
    """Print a configuration with every default filled in.

    Parameters
    ----------
    file: Path
        The JSON file.
    settings: tuple[str, ...]
        Change a key for this look: key.path=value.
    """
    found = configuration.override(configuration.read(file), settings)
    import msgspec

    sys.stdout.write(msgspec.json.format(configuration.encode(found), indent=2).decode() + "\n")
    return 0
