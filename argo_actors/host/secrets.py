"""Keys come from the environment, a 0600 file or systemd credentials, and leave no trace anywhere else.

They are removed from the environment when read, so that no child process inherits them; every text that
leaves the process goes through `redact`.
"""

import os
import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError

BROKER_NAMES = (
    "APCA_API_KEY_ID",
    "APCA_API_SECRET_KEY",
    "APCA_DATA_KEY_ID",
    "APCA_DATA_SECRET_KEY",
)
"""The data pair is optional: without it the broker's keys are used for Alpaca's market data."""


class Places(NamedTuple):
    """Where keys can be read again while the process runs; its environment cannot change."""

    names: tuple[str, ...] = BROKER_NAMES
    """Of all keys of ours."""
    file: Path | None = None
    """0600, NAME=VALUE lines."""
    credentials: Path | None = None
    """systemd's directory: a file for each name."""

    def read(self) -> dict[str, str]:
        """What stands there now; the file goes before the credentials. Raises ConfigError."""
        values: dict[str, str] = {}
        for name in self.names if self.credentials else ():
            path = Path(self.credentials or "") / name
            if path.is_file():
                values[name] = path.read_text().strip()
        return values | (_from_file(self.file, self.names) if self.file is not None else {})


class Pair(NamedTuple):
    """Alpaca's two halves of a key."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return "Pair(***)"


class Secrets:
    """All keys of a process; shows none."""

    def __init__(self, values: Mapping[str, str], places: Places | None = None) -> None:
        self._values = {name: value for name, value in values.items() if value}
        self._places = places or Places()
        self._replaced: list[tuple[str, str]] = []

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values)) or 'none'})"

    def get(self, name: str) -> str:
        """The value of a key, empty when there is none."""
        return self._values.get(name, "")

    def renew(self, names: Iterable[str], file: Path | None = None) -> bool:
        """Read these keys again from where they came, or from this file. True when one is another.

        Raises ConfigError for a file that cannot be used.
        """
        known = self._places.names
        places = self._places if file is None else Places((*known, *names), file)
        found = places.read()
        new = {one: found[one] for one in names if found.get(one, self.get(one)) != self.get(one)}
        self._replaced += [(one, self._values[one]) for one in new if one in self._values]
        self._values = {one: value for one, value in (self._values | new).items() if value}
        return bool(new)

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
        for name, value in (*self._values.items(), *self._replaced):
            text = text.replace(value, f"<{name}>")
        return _KEY_IN_URL.sub(r"\1***", text)


_KEY_IN_URL = re.compile(r"((?:apikey|apiKey|api_key|token)=)[^&\s'\"]+")


def take(
    environment: MutableMapping[str, str], file: Path | None = None, names: Iterable[str] = ()
) -> Secrets:
    """The broker's keys and these: of the environment (removed from it), a 0600 file, systemd.

    Raises ConfigError for a file that others can read, or that is not NAME=VALUE lines.
    """
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    every = tuple(dict.fromkeys((*BROKER_NAMES, *names)))
    places = Places(every, file, Path(credentials) if credentials else None)
    values = places.read()
    values |= {name: environment.pop(name).strip() for name in every if name in environment}
    return Secrets(values, places)


def _from_file(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except OSError as error:
        raise ConfigError(
            f"cannot read the keys in {path}: {error.strerror}",
            fix="name a file of NAME=VALUE lines that only you can read (chmod 600)",
        ) from None
    if mode & 0o077:
        raise ConfigError(f"{path} can be read by others", fix=f"chmod 600 {path}")
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, found, value = line.partition("=")
        if not found or name.strip() not in names:
            raise ConfigError(
                f"{path} line {number}: not a key of ours",
                fix=f"write NAME=VALUE with {', '.join(names)}",
            )
        values[name.strip()] = value.strip()
    return values


def take_from_process(file: Path | None, names: Iterable[str]) -> Secrets:
    """The keys of this process."""
    return take(os.environ, file, names)
