"""Keys come from the environment, a 0600 file or systemd credentials, and leave no trace anywhere else.

They are removed from the environment when read, so that no child process inherits them; every text that
leaves the process goes through `redact`.
"""

import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError

NAMES = (
    "APCA_API_KEY_ID",
    "APCA_API_SECRET_KEY",
    "APCA_DATA_KEY_ID",
    "APCA_DATA_SECRET_KEY",
    "MASSIVE_API_KEY",
    "ALPHA_VANTAGE_API_KEY",
    "XAI_API_KEY",
    "PERPLEXITY_API_KEY",
)
"""The data pair is optional: without it the broker's keys are used for Alpaca's market data."""


class Pair(NamedTuple):
    """Alpaca's two halves of a key."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return "Pair(***)"


class Secrets:
    """All keys of a process; shows none."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value for name, value in values.items() if value}

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values)) or 'none'})"

    def get(self, name: str) -> str:
        """The value of a key, empty when there is none."""
        return self._values.get(name, "")

    @property
    def broker(self) -> Pair:
        """The trading keys. Raises ConfigError when they are missing."""
        pair = Pair(self.get("APCA_API_KEY_ID"), self.get("APCA_API_SECRET_KEY"))
        if not all(pair):
            raise ConfigError(
                "no Alpaca keys",
                fix="set APCA_API_KEY_ID and APCA_API_SECRET_KEY, or try `argo demo`, which needs none",
            )
        return pair

    @property
    def data(self) -> Pair:
        """The market-data keys: their own pair, else the trading keys."""
        own = Pair(self.get("APCA_DATA_KEY_ID"), self.get("APCA_DATA_SECRET_KEY"))
        return own if all(own) else self.broker

    def redact(self, text: str) -> str:
        """The text without any key in it."""
        for name, value in self._values.items():
            text = text.replace(value, f"<{name}>")
        return _KEY_IN_URL.sub(r"\1***", text)


_KEY_IN_URL = re.compile(r"((?:apikey|apiKey|api_key|token)=)[^&\s'\"]+")


def take(environment: MutableMapping[str, str], file: Path | None = None) -> Secrets:
    """The keys of the environment (removed from it), of systemd's credentials and of a 0600 file.

    Raises ConfigError for a file that others can read, or that is not NAME=VALUE lines.
    """
    values: dict[str, str] = {}
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials:
        for name in NAMES:
            path = Path(credentials) / name
            if path.is_file():
                values[name] = path.read_text().strip()
    if file is not None:
        values |= _from_file(file)
    for name in NAMES:
        if name in environment:
            values[name] = environment.pop(name).strip()
    return Secrets(values)


def _from_file(path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"cannot read the keys in {path}: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(f"{path} can be read by others", fix=f"chmod 600 {path}")
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, found, value = line.partition("=")
        if not found or name.strip() not in NAMES:
            raise ConfigError(
                f"{path} line {number}: not a key of ours",
                fix=f"write NAME=VALUE with {', '.join(NAMES)}",
            )
        values[name.strip()] = value.strip()
    return values


def take_from_process(file: Path | None = None) -> Secrets:
    """The keys of this process."""
    return take(os.environ, file)
