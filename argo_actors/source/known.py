"""The sources that there are: each a module of this folder, found by its name."""

from collections.abc import Iterable
from importlib import import_module

from ..config import FAMILY_OF
from ..errors import ConfigError
from .provider import Known


def known(name: str) -> Known:
    """What the module `argo_actors.source.NAME` declares. Raises ConfigError when there is none."""
    place = f"{__package__}.{name}"
    try:
        found = getattr(import_module(place), "SOURCE", None)
    except ModuleNotFoundError as error:
        if error.name != place:
            raise
        found = None
    if not isinstance(found, Known):
        raise ConfigError(
            f"this version cannot ask the source {name!r}",
            fix=f"enable only {', '.join(FAMILY_OF)}, or write argo_actors/source/{name}.py",
        )
    return found


def key_names(sources: Iterable[str]) -> tuple[str, ...]:
    """The names of all keys of these sources and of every one that comes with this version."""
    every = dict.fromkeys((*FAMILY_OF, *sources))
    names = (part for one in every for parts in known(one).keys for part in parts)
    return tuple(dict.fromkeys(names))
