"""An account's sources: how each is made, and what an operator may do with one."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..config import Config
from ..errors import UsageError
from ..host.secrets import Secrets
from ..messages.system import SourceOrder
from ..runtime.engine import EdgeSpec
from ..units import UtcNanos
from .actor import Park, SourceEdge
from .kept import Kept
from .known import known


class Roster:
    """The enabled sources of a configuration, and what is kept of each while behaviours come and go."""

    def __init__(self, config: Config, secrets: Secrets, directory: Path) -> None:
        self._config = config
        self._secrets = secrets
        self._directory = directory
        self._known = {name: known(name) for name, one in config.sources.items() if one.enabled}
        self._kept = {name: Kept() for name in self._known}

    def restore(self, switched_off: Iterable[tuple[str, str]]) -> None:
        """What an operator said before this process began."""
        for name, by in switched_off:
            self._switch(name, by)

    def edges(self, park: Park) -> list[EdgeSpec]:
        """An edge for each."""
        return [EdgeSpec(f"source/{name}", self._behaviour(name, park)) for name in self._known]

    def awaited(self) -> list[str]:
        """The edges that a cycle waits for: whoever failed or was late last time costs it nothing more."""
        return [f"source/{name}" for name, kept in self._kept.items() if kept.prompt]

    def counts(self, name: str, now: UtcNanos) -> dict[str, Any]:
        """What a source came to since the process began."""
        return self._kept.get(name, Kept()).counts(now)

    def order(
        self,
        name: str,
        action: Literal["enable", "disable", "probe"],
        who: str,
        why: str,
        key_file: Path | None = None,
    ) -> SourceOrder:
        """The word of an operator's wish; a key is read anew. Raises UsageError and ConfigError."""
        if name not in self._known:
            raise UsageError(
                f"the source {name} is not in use here",
                fix=f"one of {', '.join(self._known)}; others by sources.NAME.enabled and a restart",
            )
        if action == "probe" and self._kept[name].off:
            raise UsageError(f"{name} is disabled", fix=f"argo source enable {name}")
        parts = [part for one in self._known[name].keys for part in one]
        new_key = action != "disable" and self._secrets.renew(parts, key_file)
        return SourceOrder(source=name, action=action, who=who, why=why, new_key=new_key)

    def obey(self, order: SourceOrder) -> None:
        """The next behaviour of the source begins as the operator wants it."""
        if order.action == "disable":
            self._switch(order.source, f"{order.who}: {order.why}")
        elif order.action == "enable":
            self._switch(order.source, "")

    def _switch(self, name: str, by: str) -> None:
        if name in self._kept:
            self._kept[name].off = f"disabled by {by}" if by else ""

    def _behaviour(self, name: str, park: Park) -> "partial[SourceEdge]":
        source, found, secrets = self._config.sources[name], self._known[name], self._secrets
        file = self._directory / f"spent-{name}.json"
        return partial(
            SourceEdge,
            name=name,
            config=self._config,
            make=lambda: found.make(source, secrets, file),
            park=park,
            missing=lambda: found.missing(secrets),
            kept=self._kept[name],
        )
