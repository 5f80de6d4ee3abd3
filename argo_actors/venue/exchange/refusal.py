"""What the exchange refuses, in Alpaca's words."""

from typing import Any

PARAMETER = 40010001
"""A parameter is missing or malformed (HTTP 422)."""
RULE = 42210000
"""The order is well formed but cannot be (HTTP 422)."""
RIGHTS = 40310000
"""The account may not or cannot afford it (HTTP 403)."""
NOT_FOUND = 40410000
RATE = 42910000


class Refusal(Exception):
    """An answer of 400 and above: HTTP status and the JSON body."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message, **more}


def malformed(message: str) -> Refusal:
    """A parameter that cannot be read or is not allowed."""
    return Refusal(422, PARAMETER, message)


def against_rules(message: str, **more: Any) -> Refusal:
    """An order that no account could place."""
    return Refusal(422, RULE, message, **more)


def not_allowed(message: str, **more: Any) -> Refusal:
    """An order that this account cannot place now."""
    return Refusal(403, RIGHTS, message, **more)


def not_found(message: str) -> Refusal:
    """Nothing under that name."""
    return Refusal(404, NOT_FOUND, message)
