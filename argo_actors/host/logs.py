"""The log: lines for people on standard error, JSON lines in the state directory; no key in either."""

import logging
import sys
from pathlib import Path
from typing import Any

from loguru import logger

from .secrets import Secrets


def configure(secrets: Secrets, file: Path | None, *, quiet: bool = False) -> None:
    """Route everything, the standard library's logging included, through one redacting patcher."""
    logger.remove()
    logger.configure(patcher=lambda record: _clean(record, secrets))
    if not quiet:
        logger.add(
            sys.stderr,
            level="INFO",
            format="{time:HH:mm:ss} {level: <8} {message}",
            diagnose=False,
            backtrace=False,
        )
    if file is not None:
        logger.add(
            file,
            level="DEBUG",
            serialize=True,
            rotation="50 MB",
            retention=10,
            diagnose=False,
            backtrace=False,
            enqueue=False,
        )
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.INFO, force=True)
    for noisy in ("websockets", "urllib3", "httpcore", "httpx2", "httpcore2", "asyncio", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("alpaca").setLevel(logging.ERROR)


def _clean(record: Any, secrets: Secrets) -> None:
    """No key gets into a line, and no sign that ends a line or steers a terminal."""
    record["message"] = printable(secrets.redact(record["message"]))


def printable(text: str) -> str:
    """Signs that a terminal or another reader would act on are written as escapes."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


class _ToLoguru(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logger.opt(depth=6).log(
            record.levelname if record.levelname in _LEVELS else "INFO", "{}", record.getMessage()
        )


_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
