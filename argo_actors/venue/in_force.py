"""The rules of faults in force: the pure decision when one of them hits, and what has been hit so far."""

import hashlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import msgspec

from .faults import (
    ConnectFault,
    ConnectRule,
    EventFault,
    EventRule,
    Plan,
    RequestFault,
    RequestRule,
    Rule,
    Stale,
    Stranger,
    TimeRule,
    name_of,
)

SECOND = 1_000_000_000
REMEMBERED = 1000
"""Hits that are kept to be read."""
T = TypeVar("T", RequestRule, EventRule, ConnectRule, TimeRule)


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that happened: which rule, at which of its matches, to what, when (market time, ns)."""

    rule: str
    n: int
    what: str
    at: int


def struck(seed: int, name: str, n: int, probability: float) -> bool:
    """Whether a rule hits its n-th match: always the same for the same seed."""
    digest = hashlib.blake2b(f"{name}|{n}".encode(), digest_size=8, key=str(seed).encode()[:64])
    return int.from_bytes(digest.digest()) < probability * 2**64


class _Given:
    """A rule in force, and what it has seen."""

    def __init__(self, name: str, rule: Rule, seed: int, since: int) -> None:
        self.name, self.rule, self.seed, self.since = name, rule, seed, since
        self.matched = 0
        self.hits = 0
        self.seconds = 0

    def meets(self, now: int) -> bool:
        """Count a match, and say whether the fault happens."""
        rule, passed = self.rule, (now - self.since) / SECOND
        if passed < rule.from_seconds:
            return False
        if rule.for_seconds is not None and passed >= rule.from_seconds + rule.for_seconds:
            return False
        self.matched += 1
        if self.matched <= rule.skip or (rule.count is not None and self.hits >= rule.count):
            return False
        hit = struck(self.seed, self.name, self.matched, rule.probability)
        self.hits += hit
        return hit


class Faults:
    """The rules in force."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._given: dict[str, _Given] = {}
        self._hits: list[Hit] = []
        self._total = 0

    def give(self, plan: Plan, now: int) -> None:
        """Put rules behind those in force; one of a known name takes its place and counts anew."""
        seed = self._seed if plan.seed is None else plan.seed
        for place, rule in enumerate(plan.rules, len(self._given)):
            name = name_of(rule, place)
            self._given[name] = _Given(name, rule, seed, now)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._given.clear()
        self._hits.clear()
        self._total = 0

    def request(self, method: str, path: str, now: int, key: str = "") -> RequestFault | None:
        """The fault of a request, if it has one."""
        for one, rule in self._of(RequestRule):
            fits = (
                fnmatchcase(method, rule.method)
                and fnmatchcase(path, rule.path)
                and fnmatchcase(key, rule.key)
            )
            if fits and one.meets(now):
                self._note(one, f"{method} {path}", now)
                return rule.fault
        return None

    def event(self, stream: str, event: str, symbol: str, now: int) -> EventFault | None:
        """The fault of an event of a stream, if it has one."""
        for one, rule in self._of(EventRule):
            fits = (
                rule.stream in ("*", stream)
                and fnmatchcase(event, rule.event)
                and fnmatchcase(symbol, rule.symbol)
            )
            if fits and one.meets(now):
                self._note(one, f"{stream} {event} {symbol}", now)
                return rule.fault
        return None

    def connect(self, path: str, now: int) -> ConnectFault | None:
        """The fault of a stream that connects, if it has one."""
        for one, rule in self._of(ConnectRule):
            if fnmatchcase(path, rule.path) and one.meets(now):
                self._note(one, f"connect {path}", now)
                return rule.fault
        return None

    def time(self, now: int, ask: Callable[[Stranger], int]) -> None:
        """Let strangers ask what is due; `ask` answers with the status that they get."""
        for one, rule in self._of(TimeRule):
            seconds, before = (now - one.since) // SECOND, one.seconds
            one.seconds = seconds
            if seconds > before and one.meets(now):
                fault = rule.fault
                self._note(one, f"{fault.method} {fault.path} {ask(fault)}", now)

    @property
    def looks_back(self) -> float:
        """How many seconds of the past some rule may ask for."""
        return max(
            (
                rule.fault.seconds
                for _, rule in self._of(RequestRule)
                if isinstance(rule.fault, Stale)
            ),
            default=0.0,
        )

    def about(self) -> dict[str, Any]:
        """The rules with what they have seen, and the latest hits."""
        rules = [
            {"name": one.name, "matched": one.matched, "hits": one.hits, "rule": one.rule}
            for one in self._given.values()
        ]
        return {"rules": rules, "total": self._total, "hits": self._hits}

    def _of(self, kind: type[T]) -> Iterator[tuple[_Given, T]]:
        for one in self._given.values():
            if isinstance(one.rule, kind):
                yield one, one.rule

    def _note(self, one: _Given, what: str, now: int) -> None:
        self._total += 1
        self._hits.append(Hit(rule=one.name, n=one.matched, what=what, at=now))
        del self._hits[:-REMEMBERED]
