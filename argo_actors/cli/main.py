"""The `argo` command: each subcommand is loaded only when it is called."""

import importlib
import sys
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
    plain = Parameter(negative=())  # a switch is given or left out
    app = App(name="argo", help=HELP, version=_version, default_parameter=plain)
    for name, place in COMMANDS.items():
        app.command(_command(place, whole), name=name)
    for group, (text, commands) in GROUPS.items():
        inner = App(name=group, help=text)
        for name, place in commands.items():
            inner.command(_command(place, whole), name=name)
        app.command(inner)
    return app


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
