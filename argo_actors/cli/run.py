"""`argo run`: the daemon of one account, in the foreground (a service manager keeps it)."""

import os
import signal
import sys
import threading
from dataclasses import dataclass
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


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Given:
    """How a daemon is started."""

    state: Path | None = None
    """The account's state directory, when it is not the usual one."""
    keys: Path | None = None
    """A 0600 file of NAME=VALUE lines."""
    live: str = ""
    """The account number, typed out: trade live money. The configuration must say live too."""
    standby: bool = False
    """Wait beside the daemon that trades this account, and take over when it ends."""
    port: int | None = None
    """Of the API on 127.0.0.1 instead of api.port; a standby takes the next free one."""
    settings: Annotated[tuple[str, ...], Parameter(name="--set")] = ()
    """Change a configuration key for this run: key.path=value."""


GIVEN = Given()


def run(config: Path = DEFAULT_CONFIG, *, given: Given = GIVEN) -> int:
    """Trade an account until SIGTERM or Ctrl-C; protection stays at the broker afterwards.

    Keys come from the environment (APCA_API_KEY_ID, APCA_API_SECRET_KEY, MASSIVE_API_KEY,
    ALPHA_VANTAGE_API_KEY, XAI_API_KEY, PERPLEXITY_API_KEY), from systemd credentials or from a
    0600 file.

    Parameters
    ----------
    config: Path
        The account's configuration; default config/paper.json.
    """
    from ..bootstrap import Daemon

    wanted = _settings(config, given)
    ended = threading.Event()
    _stop_on_signals(ended)
    if given.standby:
        taken = _awaited(wanted, given, ended)
        if taken is None:
            return 0
        wanted = wanted._replace(taken=taken)
    daemon = Daemon(wanted)
    server = _served(daemon, given)
    _stop_on_signals(daemon.ended)
    if ended.is_set():
        daemon.ended.set()
    daemon.start()
    line(f"{wanted.config.account}: running ({wanted.mode}); state {wanted.state.path}")
    line(f"api: {server.url} with the token in {wanted.state.token}")
    sys.stdout.flush()
    server.start()
    daemon.ended.wait()
    server.stop()
    daemon.stop("asked to stop")
    return 1 if daemon.failure else 0


def _settings(file: Path, given: Given) -> "Settings":
    """What the daemon is started with; from here on the log is kept."""
    from ..bootstrap import Settings
    from ..source.known import key_names

    config = configuration.override(configuration.read(file), given.settings)
    secrets = take_from_process(given.keys, key_names(config.sources))
    state = state_dir(config.account, given.state)
    state.create()
    logs.configure(secrets, state.log)
    for warning in configuration.warnings(config):
        logger.warning(warning)
    return Settings(config, state, secrets, "live" if given.live else "paper")


def _awaited(settings: "Settings", given: Given, ended: threading.Event) -> "Taken | None":
    """Wait as a standby, once all is as a take-over needs it. None when stopped before that."""
    from ..bootstrap import account_of, check_environment
    from ..broker.gate import Gate
    from .standby import Standby

    check_environment(settings)
    account = account_of(Gate(settings.config, settings.secrets.broker, utc_now), settings)
    _check_live(account, given.live)
    one = Standby(settings.config, settings.state, given.port)
    line(f"{settings.config.account}: STANDBY, process {os.getpid()}; state {settings.state.path}")
    line(f"api: {one.server.url} with the token in {settings.state.token}")
    sys.stdout.flush()
    taken = one.wait(ended)
    if taken is not None:
        logger.warning("the account is free: taking over")
    return taken


def _served(daemon: "Daemon", given: Given) -> "Server":
    """Have the socket and the port before the first tick; what is raised lets the account go first."""
    from ..api.app import serving

    try:
        _check_live(daemon.account, given.live)
        return serving(daemon, given.port, next_free=given.standby)
    except BaseException:
        daemon.release()
        raise


def _check_live(account: dict[str, Any], typed: str) -> None:
    """Live money is traded only where its account's number is typed out. Raises ConfigError."""
    if typed and typed != str(account["account_number"]):
        raise ConfigError(
            f"--live {typed} is not this account's number",
            fix="type the number of the live account",
        )


def _stop_on_signals(ended: threading.Event) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
