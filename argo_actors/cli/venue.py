"""`argo venue`: the simulated Alpaca on its own."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from .simulated import World, words


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Served(World):
    """How a venue is served."""

    port: int = 0
    """TCP port on 127.0.0.1; 0 takes a free one."""
    start: str = ""
    """Market time at which it begins, RFC 3339; a generated market begins now."""
    speed: float = 1.0
    """Market seconds a second; 1 is real time."""
    lockstep: bool = False
    """Time moves only by POST /argo/advance."""
    account: str = ""
    """The account as JSON: cash, number, key_id, secret, calls_a_minute, data_plan (basic or plus)."""
    faults: Path | None = None
    """A plan of faults (JSON); more can be given while it runs by POST /argo/faults."""
    state: Path | None = None
    """Where its book is kept; without it nothing survives its end."""
    attached: bool = False
    """It ends when its standard input does."""


SERVED = Served()


def venue(*, served: Served = SERVED) -> int:
    """Serve a simulated Alpaca on loopback for any Alpaca client; prints its address as JSON."""
    from ..venue.server import main

    return main(words(vars(served)))
