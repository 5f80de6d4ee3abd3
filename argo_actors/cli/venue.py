"""`argo venue`: the simulated Alpaca on its own."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def venue(
    *,
    port: int = 0,
    bars: Path | None = None,
    seed: int = 7,
    start: str = "",
    lockstep: bool = False,
    state: Path | None = None,
    bad_key: Annotated[tuple[str, ...], Parameter(name="--bad-key")] = (),
) -> int:
    """Serve a simulated Alpaca on loopback for any Alpaca client; prints its address as JSON.

    Parameters
    ----------
    port: int
        TCP port on 127.0.0.1; 0 takes a free one.
    bars: Path
        A directory of recorded one-minute bars (SYMBOL.csv); without it a market is generated.
    seed: int
        Of the generated market and of partial fills.
    start: str
        Market time at which it begins, RFC 3339.
    lockstep: bool
        Time moves only by POST /argo/advance.
    state: Path
        Where its book is kept; without it nothing survives its end.
    bad_key: tuple[str, ...]
        A source whose key it refuses, as the vendor would.
    """
    from ..venue.server import main

    arguments = ["--port", str(port), "--seed", str(seed)]
    arguments += ["--bars", str(bars)] if bars else []
    arguments += ["--start", start] if start else []
    arguments += ["--lockstep"] if lockstep else []
    arguments += ["--state", str(state)] if state else []
    for name in bad_key:
        arguments += ["--bad-key", name]
    return main(arguments)
