"""`argo replay`: does the code still say what it said, record by record?"""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ..errors import UsageError
from ..journal.reader import day_files
from .client import ASKED, Asked
from .output import counted, line

SHOWN = 20


def replay(
    day: str = "",
    *,
    settings: Annotated[tuple[str, ...], Parameter(name="--set")] = (),
    asked: Asked = ASKED,
) -> int:
    """Verify a journal: every decider is asked again and must say the recorded bytes.

    Exit code 0: no difference; 5: differences, all listed.

    Parameters
    ----------
    day: str
        A UTC date, a journal file or a journal directory; without it every day of the account.
    settings: tuple[str, ...]
        Ask under a changed configuration instead: key.path=value.
    """
    from ..bootstrap import code_hash, deciders
    from ..replay.verify import verify

    files = journal_files(day, asked)
    report = verify(files, deciders, override=settings)
    found = {
        "files": [str(path) for path in files],
        "records": report.records,
        "decisions": report.decisions,
        "differences": [one._asdict() for one in report.differences],
    }
    asked.show(found, _tell)
    if report.differences and not asked.json and set(report.codes) != {code_hash()}:
        line("another version of the code recorded (some of) this: its own finds no difference")
    return 5 if report.differences else 0


def _tell(found: dict[str, Any]) -> None:
    files, differences = found["files"], found["differences"]
    line(
        f"{counted(found['records'], 'record')}, {counted(found['decisions'], 'decision')} "
        f"in {counted(len(files), 'file')}"
    )
    for one in differences:
        line(f"{one['seq']} {one['actor']} heard {one['heard']}")
        line(f"   recorded: {one['recorded']}")
        line(f"   now:      {one['now']}")
    line(counted(len(differences), "difference") if differences else "no difference")


def journal_files(day: str, asked: Asked) -> list[Path]:
    """The files of a day, of a file's or a directory's path, or of all days. Raises UsageError."""
    given = Path(day)
    if day and given.is_file():
        return [given]
    if day and given.is_dir():
        directory, found = given, day_files(given)
    else:
        directory = asked.journal
        found = [path for path in day_files(directory) if path.name.startswith(day)]
    if not found:
        raise UsageError(
            f"no journal of {day} in {directory}",
            fix="name a date, a file, or the account's --state directory",
        )
    return found
