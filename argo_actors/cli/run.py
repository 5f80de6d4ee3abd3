"""`argo run`: the daemon of one account, in the foreground (a service manager keeps it)."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from loguru import logger

from .. import config as configuration
from ..errors import ConfigError
from ..host import logs
from ..host.secrets import take_from_process
from ..host.state import state_dir
from ..runtime.clock import utc_now
from .output import line

if TYPE_CHECKING:
    from ..api.server import Server
    from ..bootstrap import Daemon, Settings, Taken

DEFAULT_CONFIG = Path(__file__).parents[2] / "config" / "paper.json"


def run(
    config: Path = DEFAULT_CONFIG,
    *,
    state: Path | None = None,
    keys: Path | None = None,
    live: str = "",
    standby: bool = False,
    port: int | None = None,
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
    standby: bool
        Wait beside the daemon that trades this account, and take over when it ends.
    port: int
        Of the API on 127.0.0.1 instead of api.port; a standby takes the next free one.
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
    ended = threading.Event()
    _stop_on_signals(ended)
    wanted = Settings(found, where, secrets, "live" if live else "paper")
    if standby:
        taken = _awaited(wanted, live, port, ended)
        if taken is None:
            return 0
        wanted = wanted._replace(taken=taken)
    daemon = Daemon(wanted)
    if live:
        _check_live(daemon.account, live, daemon.release)
    _stop_on_signals(daemon.ended)
    if ended.is_set():
        daemon.ended.set()
    server = _served(daemon, port, next_free=standby)
    daemon.start()
    line(f"{found.account}: running ({daemon.settings.mode}); state {where.path}")
    line(f"api: {server.url} with the token in {where.token}")
    sys.stdout.flush()
    server.start()
    daemon.ended.wait()
    server.stop()
    daemon.stop("asked to stop")
    return 1 if daemon.failure else 0


def _awaited(
    settings: "Settings", live: str, port: int | None, ended: threading.Event
) -> "Taken | None":
    """Wait as a standby, once all is as a take-over needs it. None when stopped before that."""
    from ..bootstrap import account_of, check_environment
    from ..broker.gate import Gate
    from .standby import Standby

    check_environment(settings)
    account = account_of(Gate(settings.config, settings.secrets.broker, utc_now), settings)
    if live:
        _check_live(account, live)
    one = Standby(settings.config, settings.state, port)
    line(f"{settings.config.account}: STANDBY, process {os.getpid()}; state {settings.state.path}")
    line(f"api: {one.server.url} with the token in {settings.state.token}")
    sys.stdout.flush()
    taken = one.wait(ended)
    if taken is not None:
        logger.warning("the account is free: taking over")
    return taken


def _served(daemon: "Daemon", port: int | None, *, next_free: bool) -> "Server":
    """Have the socket and the port before the first tick. Raises DaemonError, with the account let go."""
    from ..api.app import serving

    try:
        return serving(daemon, port, next_free=next_free)
    except BaseException:
        daemon.release()
        raise


def _check_live(
    account: dict[str, Any], typed: str, release: Callable[[], None] = lambda: None
) -> None:
    if typed != str(account["account_number"]):
        release()
        raise ConfigError(
            f"--live {typed} is not this account's number",
            fix="type the number of the live account",
        )


def _stop_on_signals(ended: threading.Event) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
