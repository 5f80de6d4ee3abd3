"""State from the record alone: what a restart and a verification both do.

It never decides again: the words that were said are the words that were said, whatever the code or the
configuration says today (design §3).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from ..errors import JournalError
from ..journal.codec import Mail, Opening, Record
from ..messages import Message, WordId
from ..messages.routes import ROUTES, MailClass, recipients
from ..messages.system import Configured, DeadLetter, Redelivered
from .decider import Decider, Heard, fold_said
from .office import SAID, state_hash

Deciders = Mapping[str, Decider[Any]]
Build = Callable[[str, str], Deciders]
"""The deciders under a configuration (JSON text) and an account tag, by address."""


class Hearing(NamedTuple):
    """A decider's record, before it is folded: everything its step depended on."""

    decider: Decider[Any]
    state: msgspec.Struct
    heard: Heard


class Folding:
    """The states of all deciders and the mail in flight, carried forward record by record."""

    def __init__(self, begun: Opening, build: Build) -> None:
        self._build = build
        self.config = begun.config
        self.account_tag = begun.account_tag
        self.last_seq = begun.last_seq
        self.last_at = begun.at
        self.run = begun.run
        self.deciders: Deciders = build(begun.config, begun.account_tag) if begun.config else {}
        self.states: dict[str, msgspec.Struct] = {
            address: decider.initial for address, decider in self.deciders.items()
        }
        for address, blob in begun.states:
            if address in self.deciders:
                kind = type(self.deciders[address].initial)
                self.states[address] = msgspec.msgpack.decode(blob, type=kind)
        self._mail: dict[str, dict[WordId, Message]] = {}
        self._attempts: Counter[tuple[str, WordId]] = Counter()
        for mail in begun.mail:
            self._mail.setdefault(mail.address, {})[mail.word] = mail.message
            self._attempts[mail.address, mail.word] = mail.attempts

    def hearing(self, record: Record) -> Hearing | None:
        """What a decider's record rests on; None for an edge's record."""
        decider = self.deciders.get(record.actor)
        if decider is None or record.heard is None:
            return None
        message = self._mail.get(record.actor, {}).get(record.heard)
        if message is None:
            raise JournalError(
                f"record {record.seq}: {record.actor} heard word {tuple(record.heard)}, "
                "which nobody had said to it",
                fix="the journal is incomplete: restore it from a backup",
            )
        return Hearing(decider, self.states[record.actor], Heard(record.heard, record.at, message))

    def apply(self, record: Record) -> str:
        """Fold a record. Returns what is wrong with its state hash, empty when nothing is."""
        hearing = self.hearing(record)
        wrong = ""
        if hearing is not None:
            if record.outcome == SAID:
                state = hearing.decider.evolve(hearing.state, hearing.heard)
                state = fold_said(hearing.decider, state, record.seq, record.at, record.said)
                self.states[record.actor] = state
                if record.state_hash is not None and state_hash(state) != record.state_hash:
                    wrong = "the state differs from the recorded hash"
            self._heard(record.actor, hearing.heard)
        for n, message in enumerate(record.said):
            self._said(WordId(record.seq, n), message)
        self.last_seq = record.seq
        self.last_at = max(self.last_at, record.at)
        return wrong

    def apply_all(self, records: Iterable[Record]) -> None:
        """Fold a run of records."""
        for record in records:
            self.apply(record)

    def mail(self) -> tuple[Mail, ...]:
        """The words said and not heard, per address in order; of `latest` words the newest of a key."""
        found: list[Mail] = []
        for address in sorted(self._mail):
            found += [
                Mail(address, word, message, self._attempts[address, word])
                for word, message in _unsuperseded(self._mail[address])
            ]
        return tuple(found)

    def _said(self, word: WordId, message: Message) -> None:
        match message:
            case Configured():
                self._configure(message)
            case Redelivered():
                self._attempts[message.address, message.word] += 1
            case DeadLetter():
                self._mail.get(message.address, {}).pop(message.word, None)
        for address in recipients(message, self.deciders):
            self._mail.setdefault(address, {})[word] = message

    def _heard(self, actor: str, heard: Heard) -> None:
        mail = self._mail[actor]
        del mail[heard.word]
        route = ROUTES[type(heard.message)]
        if route.mail is MailClass.LATEST and route.key is not None:
            key = route.key(heard.message)
            kind = type(heard.message)
            for word in [
                one
                for one, message in mail.items()
                if one < heard.word and type(message) is kind and route.key(message) == key
            ]:
                del mail[word]

    def _configure(self, configured: Configured) -> None:
        self.run += 1
        self.config = configured.config
        self.account_tag = configured.account_tag
        self.deciders = self._build(configured.config, configured.account_tag)
        for address, decider in self.deciders.items():
            self.states.setdefault(address, decider.initial)


def _unsuperseded(mail: dict[WordId, Message]) -> list[tuple[WordId, Message]]:
    newest: dict[tuple[type, str], WordId] = {}
    for word, message in mail.items():
        route = ROUTES[type(message)]
        if route.mail is MailClass.LATEST and route.key is not None:
            newest[type(message), route.key(message)] = word
    keep = set(newest.values())
    return [
        (word, message)
        for word, message in sorted(mail.items())
        if ROUTES[type(message)].mail is not MailClass.LATEST or word in keep
    ]
