"""The simulated world as a process of its own, and the line by which market time is moved in it."""

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cyclopts import Parameter

from ..clock.pacer import Advanced
from ..errors import DaemonError
from ..units import UtcNanos

START_SECONDS = 60.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class World:
    """Which market a command simulates."""

    seed: int = 7
    """Of the generated market, of partial fills and of faults; the same seed makes the same trades."""
    bars: Path | None = None
    """A directory of recorded one-minute bars (SYMBOL.csv) instead of the generated market."""
    skill: tuple[str, ...] = ()
    """What sources know, NAME=SKILL,…: honest, perfect, inverted, coin, copy:NAME."""
    lag: tuple[str, ...] = ()
    """How many seconds late they know it, NAME=SECONDS,…."""
    free_plan: tuple[str, ...] = ()
    """A source whose vendor answers as to a free key: massive, alpha_vantage."""


def words(options: Mapping[str, Any]) -> list[str]:
    """Options as the venue's own command line has them, without those that were left out."""
    found: list[str] = []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, tuple) else (value,):
            if one is True:
                found.append(option)
            elif one is not False and one not in (None, ""):
                found += [option, str(one)]
    return found


class SimulatedWorld:
    """A venue process; ended with its parent's `close`, and with its parent however that ends."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        command = [sys.executable, "-m", "argo_actors.venue", "--attached", *arguments]
        self._log = log.open("ab")
        self._process = subprocess.Popen(  # noqa: S603 (our own module, our own arguments)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        try:
            self.about = self._first_line()
        except BaseException:
            self.close()
            raise
        self.url = str(self.about["url"])

    def _first_line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        timer = threading.Timer(START_SECONDS, self._process.kill)
        timer.start()
        try:
            text = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not text:
            self._process.wait(5)
            raise self._why()
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _why(self) -> DaemonError:
        """Why it did not start: its own words, with its own remedy and exit code."""
        log = Path(self._log.name)
        lines = log.read_text(errors="replace").strip().splitlines()
        told = {
            mark: line.removeprefix(mark)
            for line in lines[-2:]
            for mark in ("error: ", "fix: ")
            if line.startswith(mark)
        }
        what = told.get("error: ") or (lines[-1] if lines else f"exit {self._process.returncode}")
        if not told:
            return DaemonError(f"the simulated venue did not start: {what}", fix=f"see {log}")
        found = DaemonError(what, fix=told.get("fix: ", f"see {log}"))
        found.exit_code = max(self._process.returncode, 1)
        return found

    def get(self, path: str) -> Any:
        """One of the venue's own control answers."""
        return request(self.url, "GET", path, None)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._log.close()


class AdvanceLine:
    """Moves the venue's time over one kept-alive connection. Raises OSError while it is away."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port or 80, timeout=10
        )
        self._in_use = threading.Lock()
        self._closed = False

    def __call__(self, to: UtcNanos) -> Advanced:
        with self._in_use:
            if self._closed:
                raise OSError("the line to the venue is closed")
            try:
                self._connection.request("POST", "/argo/advance", json.dumps({"to": to}))
                answer = json.loads(self._connection.getresponse().read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._connection.close()  # the next request opens it again
                raise OSError(f"the venue is away: {error}") from error
        return Advanced(int(answer["now"]), int(answer["events"]))

    def close(self) -> None:
        """Let go of the connection, for good."""
        with self._in_use:
            self._closed = True
            self._connection.close()


def request(url: str, method: str, path: str, body: dict[str, Any] | None) -> Any:
    """One JSON request to the venue."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
