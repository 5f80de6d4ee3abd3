"""The `argo` command: each subcommand is loaded only when it is called."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Parameter

from ..errors import ArgoError, UsageError
from .output import told

HELP = """One account's trading day, as supervised actors.

Begin with `argo demo`: a simulated market and broker, no keys, no network.

Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration, 4 not running or
unreachable, 5 a difference was found, 6 denied.
"""

COMMANDS = {
    "demo": "demo:demo",
    "run": "run:run",
    "venue": "venue:venue",
    "status": "reading:status",
    "positions": "reading:positions",
    "orders": "reading:orders",
    "trades": "reading:trades",
    "signals": "signals:signals",
    "protection": "protection:protection",
    "why": "why:why",
    "inspect": "inspect:inspect",
    "replay": "replay:replay",
    "decide": "decide:decide",
    "execute": "execute:execute",
    "reconcile": "reconcile:reconcile",
    "halt": "operate:halt",
    "stop-entries": "operate:stop_entries",
    "flatten": "operate:flatten",
    "resume": "operate:resume",
    "promote": "promote:promote",
}
CONFIG_COMMANDS = {"check": "config:check", "show": "config:show"}
SOURCE_COMMANDS = {
    "list": "source:show_all",
    "show": "source:show",
    "enable": "source:enable",
    "disable": "source:disable",
    "probe": "source:probe",
    "scorecard": "scorecard:scorecard",
}
GROUPS = {
    "config": ("Look at a configuration.", CONFIG_COMMANDS),
    "source": ("See the sources, and take one out of use or back.", SOURCE_COMMANDS),
}


def application(whole: bool) -> App:
    """The command line with all its commands; not whole: each is loaded only when it is called."""
    plain = Parameter(negative=(), show_default=_default)  # a switch is given or left out
    app = App(name="argo", help=HELP, version=_version, default_parameter=plain)
    _add(app, COMMANDS, whole)
    for n, (group, (text, commands)) in enumerate(GROUPS.items(), len(COMMANDS)):
        inner = App(name=group, help=text, sort_key=n)
        _add(inner, commands, whole)
        app.command(inner)
    return app


def _add(app: App, commands: Mapping[str, str], whole: bool) -> None:
    """In help they stand in this order."""
    for n, (name, place) in enumerate(commands.items()):
        app.command(_command(place, whole), name=name, sort_key=n)


def _default(value: Any) -> str | None:
    """An option's default as help shows it: none where it is just left out, or is told in its text."""
    left_out = value is False or value in (None, "", ()) or isinstance(value, Path)
    return None if left_out else str(value)


def _command(place: str, whole: bool) -> Any:
    """A command, or where it is found; only the command itself can tell in a list what it does."""
    module, _, function = place.partition(":")
    if not whole:
        return f"argo_actors.cli.{place}"
    return getattr(importlib.import_module(f"argo_actors.cli.{module}"), function)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("argo-actors")
    except PackageNotFoundError:
        return "0.1.0"


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command. Returns the exit code; errors are told on standard error with a `fix:` line."""
    try:
        whole = not arguments or arguments[0] not in COMMANDS
        code = application(whole)(
            arguments, result_action="return_value", exit_on_error=False, print_error=False
        )
    except CycloptsError as error:
        command = " ".join(("argo", *(error.command_chain or ())))
        return told(UsageError(str(error), fix=f"see `{command} --help`"))
    except ArgoError as error:
        return told(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    return code if isinstance(code, int) else 0
