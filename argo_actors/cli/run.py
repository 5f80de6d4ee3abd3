"""`argo run`: the daemon of one account, in the foreground (a service manager keeps it)."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from loguru import logger

from .. import config as configuration
from ..errors import ConfigError
from ..host import logs
from ..host.secrets import take_from_process
from ..host.state import StateDir, state_dir
from .output import line

if TYPE_CHECKING:
    from ..api.app import Server
    from ..bootstrap import Daemon

DEFAULT_CONFIG = Path(__file__).parents[2] / "config" / "paper.json"


def run(
    config: Path = DEFAULT_CONFIG,
    *,
    state: Path | None = None,
    keys: Path | None = None,
    live: str = "",
    settings: Annotated[tuple[str, ...], Parameter(name="--set")] = (),
) -> int:
    """Trade an account until SIGTERM or Ctrl-C; protection stays at the broker afterwards.

    Keys come from the environment (APCA_API_KEY_ID, APCA_API_SECRET_KEY, MASSIVE_API_KEY,
    ALPHA_VANTAGE_API_KEY, XAI_API_KEY, PERPLEXITY_API_KEY), from systemd credentials or from a
    0600 file.

    Parameters
    ----------
    config: Path
        The account's configuration; default config/paper.json.
    state: Path
        The account's state directory, when it is not the usual one.
    keys: Path
        A 0600 file of NAME=VALUE lines.
    live: str
        The account number, typed out: trade live money. The configuration must say live too.
    settings: tuple[str, ...]
        Change a configuration key for this run: key.path=value.
    """
    from ..bootstrap import Daemon, Settings
    from ..source.known import key_names

    found = configuration.override(configuration.read(config), settings)
    secrets = take_from_process(keys, key_names(found.sources))
    where = state_dir(found.account, state)
    where.create()
    logs.configure(secrets, where.log)
    for warning in configuration.warnings(found):
        logger.warning(warning)
    daemon = Daemon(Settings(found, where, secrets, "live" if live else "paper"))
    if live:
        _check_live(daemon, live)
    _stop_on_signals(daemon.ended)
    server = _served(daemon, where)
    daemon.start()
    line(f"{found.account}: running ({daemon.settings.mode}); state {where.path}")
    line(f"api: {server.url} with the token in {where.token}")
    daemon.ended.wait()
    server.stop()
    daemon.stop("asked to stop")
    return 1 if daemon.failure else 0


def _served(daemon: "Daemon", where: StateDir) -> "Server":
    """Answer before the first tick. Raises DaemonError, with the account let go."""
    from ..api.app import Server

    try:
        server = Server(daemon, where)
        server.start()
    except BaseException:
        daemon.release()
        raise
    return server


def _check_live(daemon: "Daemon", typed: str) -> None:
    number = str(daemon.account["account_number"])
    if typed != number:
        daemon.release()
        raise ConfigError(
            f"--live {typed} is not this account's number",
            fix="type the number of the live account",
        )


def _stop_on_signals(ended: threading.Event) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
