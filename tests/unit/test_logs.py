"""The log's lines: no key, and nothing that a terminal or a reader of lines would act on."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from argo_actors.host import logs
from argo_actors.host.secrets import Secrets

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\r\n12:00:00 CRITICAL halted",
    "\x00",
    "\x9b31m",
    "\u202eabc",
    "\u2028",
    "\u0085",
    "\ud800",
    "<red>{0.__class__} %s {message}</red>",
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The process's log is everybody's."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logger.remove()
    logger.configure(patcher=None)
    logger.add(sys.stderr)
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_is_one_printable_line(
    text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Secrets({"XAI_API_KEY": "S3CR3T-key"}), tmp_path / "log")
    logger.warning("the vendor said {} about S3CR3T-key", text)
    logging.getLogger("somebody").warning("he said %s", text)
    shown = capfd.readouterr().err
    kept = (tmp_path / "log").read_text()
    for written in (shown, kept):
        lines = written.splitlines()
        assert len(lines) == 2
        assert all(line.isprintable() for line in lines)
        assert "S3CR3T" not in written
    assert all(json.loads(line) for line in kept.splitlines())
