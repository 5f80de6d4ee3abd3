"""Does the code still say what it said? Walk the records; each decider must say the recorded bytes.

State is always folded from the recorded words, so that differences do not cascade: each record that
differs is one difference (design §3).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import config as configuration
from ..journal.codec import Opening, Record, encode_said
from ..journal.reader import opening, records
from ..messages import Message
from ..messages.system import Configured
from ..runtime.decider import Decider, step
from ..runtime.folding import Folding, Hearing
from ..runtime.office import SAID

Build = Callable[[str, str], Mapping[str, Decider[Any]]]
SHOWN = 200


class Difference(NamedTuple):
    """A record that would be another one now."""

    seq: int
    at: int
    actor: str
    heard: str
    recorded: str
    now: str


class Report(NamedTuple):
    """What a verification came to."""

    records: int
    decisions: int
    differences: tuple[Difference, ...]
    codes: tuple[str, ...] = ()
    """Hashes of the code that recorded, in order of appearance."""


class Verifier:
    """Folds one record after the other, and asks every decider again."""

    def __init__(self, begun: Opening, build: Build, override: tuple[str, ...] = ()) -> None:
        self.folding = Folding(begun, build)
        self.decisions = 0
        self._asked = overridden(build, override)
        self._config = ""
        self._now: Mapping[str, Decider[Any]] | None = None

    def take(self, record: Record) -> list[Difference]:
        """Fold a record. Returns how it would be another one now."""
        folding, found = self.folding, []
        hearing = folding.hearing(record)
        if hearing is not None:
            self.decisions += 1
            decider = self._deciders().get(record.actor, hearing.decider)
            found += _compared(record, hearing._replace(decider=decider))
        wrong = folding.apply(record)
        if wrong:
            found.append(_difference(record, "", record.outcome, wrong))
        return found

    def _deciders(self) -> Mapping[str, Decider[Any]]:
        """Those that are asked under the configuration in force."""
        if self._now is None or self._config != self.folding.config:
            self._config = self.folding.config
            self._now = self._asked(self.folding.config, self.folding.account_tag)
        return self._now


def verify(files: Sequence[Path], build: Build, *, override: tuple[str, ...] = ()) -> Report:
    """Verify journal files, each from its own opening; `override` changes the configuration asked under."""
    seen = decisions = 0
    found: list[Difference] = []
    codes: list[str] = []
    for path in files:
        verifier = Verifier(opening(path), build, override)
        for record in records(path):
            seen += 1
            codes += [one.code_hash for one in record.said if isinstance(one, Configured)]
            found += verifier.take(record)
        decisions += verifier.decisions
    return Report(seen, decisions, tuple(found), tuple(dict.fromkeys(codes)))


def overridden(build: Build, override: tuple[str, ...]) -> Build:
    """The same deciders under changed settings (`key.path=value`), whatever was recorded."""
    if not override:
        return build

    def asked(config: str, account_tag: str) -> Mapping[str, Decider[Any]]:
        changed = configuration.override(configuration.decode(config), override)
        return build(configuration.encode(changed).decode(), account_tag)

    return asked


def _compared(record: Record, hearing: Hearing) -> list[Difference]:
    """A step that crashed must crash in the same way; one that spoke must say the same bytes."""
    heard = type(hearing.heard.message).__name__
    try:
        said = step(hearing.decider, hearing.state, hearing.heard).said
    except Exception as error:  # noqa: BLE001 (whatever it is, it is compared with the record)
        outcome = f"crashed:{type(error).__name__}"
        if outcome == record.outcome:
            return []
        return [_difference(record, heard, _shown(record), outcome)]
    if record.outcome != SAID:
        return [_difference(record, heard, record.outcome, in_words(said))]
    if encode_said(said) == encode_said(record.said):
        return []
    return [_difference(record, heard, in_words(record.said), in_words(said))]


def _shown(record: Record) -> str:
    return record.outcome if record.outcome != SAID else in_words(record.said)


def _difference(record: Record, heard: str, recorded: str, now: str) -> Difference:
    return Difference(record.seq, record.at, record.actor, heard, recorded, now)


def in_words(said: Sequence[Message]) -> str:
    """Words as a line: each message's name and what tells it apart."""
    parts = []
    for message in said:
        detail = " ".join(
            str(value)
            for name in ("symbol", "intent", "action", "code", "leg", "qty")
            if (value := getattr(message, name, None)) not in (None, "")
        )
        parts.append(f"{type(message).__name__} {detail}".strip())
    return (", ".join(parts) or "nothing")[:SHOWN]
