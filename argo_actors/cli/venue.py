"""`argo venue`: the simulated Alpaca on its own."""

from pathlib import Path


def venue(
    *,
    port: int = 0,
    bars: Path | None = None,
    speed: float = 1.0,
    seed: int = 7,
    faults: Path | None = None,
    account: str = "{}",
    start: str = "",
    lockstep: bool = False,
    attached: bool = False,
    state: Path | None = None,
    skill: tuple[str, ...] = (),
    lag: tuple[str, ...] = (),
) -> int:
    """Serve a simulated Alpaca on loopback for any Alpaca client; prints its address as JSON.

    Parameters
    ----------
    port: int
        TCP port on 127.0.0.1; 0 takes a free one.
    bars: Path
        A directory of recorded one-minute bars (SYMBOL.csv); without it a market is generated.
    speed: float
        Market seconds a second; 1 is real time.
    seed: int
        Of the generated market, of partial fills and of faults.
    faults: Path
        A plan of faults (JSON); more can be given while it runs by POST /argo/faults.
    account: str
        The account as JSON: cash, number, key_id, secret, calls_a_minute, data_plan (basic or plus).
    start: str
        Market time at which it begins, RFC 3339; a generated market begins now.
    lockstep: bool
        Time moves only by POST /argo/advance.
    attached: bool
        It ends when its standard input does.
    state: Path
        Where its book is kept; without it nothing survives its end.
    skill: tuple[str, ...]
        What sources know, NAME=SKILL,…: honest, perfect, inverted, coin, copy:NAME.
    lag: tuple[str, ...]
        How many seconds late they know it, NAME=SECONDS,….
    """
    from ..venue.server import main

    arguments = ["--port", str(port), "--seed", str(seed), "--speed", str(speed)]
    arguments += ["--account", account]
    arguments += ["--bars", str(bars)] if bars else []
    arguments += ["--faults", str(faults)] if faults else []
    arguments += ["--start", start] if start else []
    arguments += ["--lockstep"] if lockstep else []
    arguments += ["--attached"] if attached else []
    arguments += ["--state", str(state)] if state else []
    arguments += [word for one in skill for word in ("--skill", one)]
    arguments += [word for one in lag for word in ("--lag", one)]
    return main(arguments)
