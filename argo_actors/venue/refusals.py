"""What the venue refuses, in Alpaca's words: status, code, message and the extra fields."""

from typing import Any

PARAMETER, RULE, RIGHTS, MISSING = 40010001, 42210000, 40310000, 40410000
"""Alpaca's codes: a field that cannot be, a rule of trading, a right or power, something unknown."""


class Refusal(Exception):
    """An answer of 400 and above."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, **more}
