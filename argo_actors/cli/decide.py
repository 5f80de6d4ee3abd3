"""`argo decide`: one decision from a document, with all its arithmetic."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from ..errors import UsageError
from .output import check, line

if TYPE_CHECKING:
    from ..replay.document import Decision


def decide(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)], *, json: bool = False
) -> int:
    """Decide on a JSON document of opinions, market, account and config; no daemon, no socket.

    Exit code 0: an entry or exit is approved, or there is no signal; 6: it is denied.

    Parameters
    ----------
    file: str
        The document, or - for standard input (config/example-decision.json is one).
    json: bool
        Answer as JSON.
    """
    from ..replay.decide import decide as decision_of

    decision = decision_of(_read(file))
    if json:
        sys.stdout.write(msgspec.json.encode(_shown(decision)).decode() + "\n")
    else:
        _tell(decision)
    return 6 if decision.denied else 0


def _tell(decision: "Decision") -> None:
    action = decision.action or "none"
    line(
        f"{action}  raw {decision.raw_confidence:.2f}  x {decision.multiplier:g} "
        f"({decision.regime})  = {decision.confidence:.2f} of {decision.threshold:g}"
    )
    line(f"participation {decision.participation:.2f}; intent: {decision.intent}")
    for family in decision.families:
        members = ", ".join(f"{one['source']} {one['vote']:+.4f}" for one in family["members"])
        vote = "-" if family["vote"] is None else f"{family['vote']:+.4f}"
        line(f"  {family['name']:12} weight {family['weight']:.2f}  vote {vote:>8}  {members}")
    for one in decision.dropped:
        line(f"  dropped: {one.source}: {one.reason}")
    for made in decision.checks:
        line(f"  {check(made.code, made.passed, made.value, made.limit)}")
    if decision.sizing is not None:
        size = decision.sizing
        line(
            f"  {size['base_amount']} x {size['pct']} % (scale {size['scale']}, "
            f"ratio {size['ratio']}) at {size['price']}"
        )
        line(
            f"  = {size['qty']} for {size['notional']}; stop {decision.stop}, target {decision.target}"
        )
    line(f"denied: {decision.denied}" if decision.denied else decision.reasoning)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", fix="name a file, or -") from None


def _shown(decision: "Decision") -> dict[str, object]:
    """Checks by their fields' names."""
    checks = [msgspec.structs.asdict(one) for one in decision.checks]
    return msgspec.structs.asdict(decision) | {"checks": checks}
