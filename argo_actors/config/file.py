"""A configuration as text: read, changed key by key, written, and what is wrong in it said."""

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError
from .account import Config, nearest
from .blocks import Source, SymbolOverride

KEYS = "see `argo config show` for the keys"


def decode(text: bytes | str, where: str = "the configuration") -> Config:
    """A configuration from JSON. Raises ConfigError with the path, the value and the nearest spelling."""
    try:
        return msgspec.json.decode(text, type=Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_explained(str(error))}", fix="correct that key") from None
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"{where} is not JSON: {error}", fix="check its commas and quotes"
        ) from None


def read(path: Path) -> Config:
    """The configuration in a file. Raises ConfigError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}", fix="name a config file"
        ) from None
    return decode(text, str(path))


def override(config: Config, settings: tuple[str, ...]) -> Config:
    """The configuration with `key.path=value` settings applied, checked like a file. Raises ConfigError."""
    tree: Any = msgspec.json.decode(encode(config))
    for setting in settings:
        path, found, text = setting.partition("=")
        if not found:
            raise ConfigError(f"--set {setting}: no '='", fix="write --set key.path=value")
        block: Any = tree
        *above, last = path.split(".")
        for name in above:
            block = block.setdefault(name, {})
            if not isinstance(block, dict):
                raise ConfigError(f"--set {setting}: `{name}` is a value, not a block", fix=KEYS)
        try:
            block[last] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            block[last] = text
    return decode(msgspec.json.encode(tree), f"--set {' '.join(settings)}")


def encode(config: Config) -> bytes:
    """Canonical JSON of a configuration: every key, in its order."""
    return msgspec.json.encode(config, order="deterministic")


def config_hash(config: Config) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(encode(config)).hexdigest()


def _explained(error: str) -> str:
    unknown = re.search(r"unknown field `(\w+)`(?: - at `\$\.?([^`]*)`)?", error)
    if not unknown:
        return error
    name, path = unknown.group(1), unknown.group(2) or ""
    fields = _fields_at(path)
    full = f"{path.replace('[...]', '.NAME')}.{name}" if path else name
    return f"unknown key `{full}`{nearest(name, fields)}"


def _fields_at(path: str) -> tuple[str, ...]:
    at: Any = Config
    for part in filter(None, path.replace("[...]", "").split(".")):
        fields = {field.name: field.type for field in msgspec.structs.fields(at)}
        at = {"sources": Source, "overrides": SymbolOverride}.get(part, fields.get(part))
        if not (isinstance(at, type) and issubclass(at, msgspec.Struct)):
            return ()
    return tuple(field.encode_name for field in msgspec.structs.fields(at))
