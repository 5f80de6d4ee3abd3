"""`argo source scorecard`: what each source's opinions were worth."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from ..config import FAMILY_OF
from ..errors import UsageError
from ..replay.scores import LEAST_VOTES
from ..units import SECOND
from .client import ASKED, Asked
from .output import counted, emit_json, line
from .replay import journal_files

if TYPE_CHECKING:
    from ..replay.scorecard import Scorecard, SourceCard
    from ..replay.scores import Score

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
FIX = "write FAMILY=15m with a family of " + ", ".join(dict.fromkeys(FAMILY_OF.values()))


def scorecard(
    *days: str,
    horizon: tuple[str, ...] = (),
    profit: Annotated[bool, Parameter(name="--profit", negative="--no-profit")] = True,
    asked: Asked = ASKED,
) -> int:
    """What each source's opinions were worth: hits, Brier score, answers, cost, profit it added.

    From the journal alone. Profit is modelled: all deciders are run again without one source after the
    other, which takes some time (--no-profit leaves it out).

    Parameters
    ----------
    days: str
        UTC dates, journal files or journal directories; without any every day of the account.
    horizon: tuple[str, ...]
        How far ahead a family is judged: FAMILY=15m (s, m, h, d), several with commas.
    profit: bool
        Run the deciders again without each source.
    """
    from ..bootstrap import deciders
    from ..replay.scorecard import scorecard as made

    files = sorted({path for day in days or ("",) for path in journal_files(day, asked)})
    build = deciders if profit else None
    card = made(files, build, horizons=_horizons(horizon), told=_progress)
    _progress("")
    if asked.json:
        emit_json(msgspec.to_builtins(card))
    elif not card.sources:
        line("no source has said or been asked anything in these days")
    else:
        _tell(card)
    return 0


def _horizons(given: Sequence[str]) -> dict[str, int]:
    from ..replay.scorecard import HORIZONS

    found = dict(HORIZONS)
    for part in filter(None, ",".join(given).split(",")):
        family, _, text = part.partition("=")
        number, unit = text[:-1], UNITS.get(text[-1:], 0)
        if family not in found or not unit or not number.isdigit() or int(number) == 0:
            raise UsageError(f"--horizon {part} is no time of a family", fix=FIX)
        found[family] = int(number) * unit * SECOND
    return found


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        shown = f"running again: {text}" if text else ""
        print(f"\r\x1b[K{shown}", end="\r", file=sys.stderr, flush=True)


def _tell(card: "Scorecard") -> None:
    _tell_head(card)
    line()
    line("source        votes    hits  95 % interval  Brier  verdict")
    for one in card.sources:
        line(f"{one.source:13} {_scored(one.score)}")
    groups = (("confidence", "by_confidence"), ("regime", "by_regime"))
    for title, name in groups if any(one.score.votes for one in card.sources) else ():
        line()
        line(f"by {title}")
        for one in card.sources:
            for group, score in getattr(one, name).items():
                line(f"{one.source:13} {_scored(score, group)}")
    line()
    _tell_service(card.sources)
    if card.crashed_steps:
        steps = counted(card.crashed_steps, "step")
        line(f"   do not trust it: {steps} of a decider crashed in the reruns")
    if card.pairs:
        line()
        _tell_pairs(card)
    if sum(one.score.votes for one in card.sources) == 0:
        line()
        line("no vote could be judged yet: a vote needs a recorded price a horizon later")


def _tell_head(card: "Scorecard") -> None:
    begin, end = (
        datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%d %H:%M")
        for at in (card.begin, card.end)
    )
    line(f"{begin} to {end} UTC, {card.symbols} symbols")
    line("a vote: the first opinion of a direction; its repeats within the horizon are the")
    line("same vote. A hit: the price went that way from when it was said to the horizon.")
    spans: dict[str, list[str]] = {}
    for one in card.sources:
        spans.setdefault(_span(one.horizon_seconds), []).append(one.source)
    for span, names in spans.items():
        line(f"horizon {span}: {', '.join(names)}")


def _span(seconds: float) -> str:
    for unit in ("d", "h", "m"):
        if seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


def _scored(score: "Score", group: str = "") -> str:
    if score.rate is None or score.low is None or score.high is None:
        return f"{score.votes:5}       -              -      -  {group or score.verdict}"
    interval = f"{100 * score.low:.1f}-{100 * score.high:.1f} %"
    few = " (too few)" if score.votes < LEAST_VOTES else ""
    told = f"{group}{few}" if group else score.verdict
    return f"{score.votes:5}  {100 * score.rate:5.1f} %  {interval:>13}  {score.brier or 0.0:.3f}  {told}"


def _tell_service(cards: Sequence["SourceCard"]) -> None:
    line("source         said  open  unjudged  answered  median    95 %   $/vote    profit")
    for one in cards:
        answered = "-" if one.availability is None else f"{100 * one.availability:.1f} %"
        median, late = (
            "-" if value is None else f"{value:.3f}s"
            for value in (one.seconds_median, one.seconds_p95)
        )
        cost = "-" if one.usd_per_vote is None else f"{one.usd_per_vote:.4f}"
        line(
            f"{one.source:13}{one.opinions:6}  {one.open:4}  {one.unjudged:8}  {answered:>8}"
            f"  {median:>6}  {late:>6}  {cost:>7}  {one.modelled_pnl or '-':>8}"
        )
    line("profit: what all sources earned less what they earn without this one (modelled)")


def _tell_pairs(card: "Scorecard") -> None:
    line("same direction, where two sources had one (of so many decisions, once a minute)")
    for pair in sorted(card.pairs, key=lambda one: -one.agree):
        alike = "  alike: one of them adds little" if pair.agree >= 0.95 and pair.both >= 30 else ""
        line(f"{pair.one:13} {pair.other:13} {100 * pair.agree:5.1f} % of {pair.both}{alike}")
