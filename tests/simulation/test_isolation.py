"""Each source in each trouble, in virtual time: whatever does not depend on it stays bit for bit the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from argo_actors.bootstrap import deciders
from argo_actors.cli.trouble import PATHS
from argo_actors.messages import Message
from argo_actors.messages.market import Decide
from argo_actors.messages.opinion import Opinion, SourceStatus, VendorPrice
from argo_actors.messages.signal import CycleClosed, Signal, Verdict
from argo_actors.messages.system import Parked
from argo_actors.runtime.decider import Decider, Heard
from argo_actors.source.limiter import Limiter
from argo_actors.units import UtcNanos

from .six import Ran, SixProcess, Trouble, play
from .world import _memory

KINDS = ("bad-key", "slow", "down", "garbage")
SECONDS = 105.0
AFTER = 50.0
"""By then each source has had its say; the opinions of all run out before the end."""


class Decision(NamedTuple):
    """What a cycle came to for a symbol, and what one source had to do with it."""

    at: UtcNanos
    verdict: Verdict
    signal: bytes
    conflict: tuple[bool, bool]
    """Of vendors' prices, as the signal tells it: disagreement, and a suspected split."""
    vote: tuple[Any, ...]
    """The source's valid opinion at that time, and whether its family counts with it."""
    price: VendorPrice | None
    """Its valid live price."""


def bare(word: Message) -> bytes:
    """The word without the identities of others: a record more or less of the ill source moves these."""
    if hasattr(word, "because"):
        word = msgspec.structs.replace(word, because=())
    return type(word).__name__.encode() + msgspec.msgpack.encode(word)


def words(run: Ran, source: str, until: UtcNanos) -> list[tuple[UtcNanos, str, bytes]]:
    """What everybody but the source said before a time, in order; its parking is its own affair."""
    return [
        (record.at, record.actor, bare(word))
        for record in run.records
        if record.actor not in (f"source/{source}", "engine") and record.at < until
        for word in record.said
        if not (isinstance(word, Parked) and word.address == f"source/{source}")
    ]


def of_sources(run: Ran, source: str) -> list[tuple[UtcNanos, str, bytes]]:
    """What all other sources said, to the end."""
    end = run.records[-1].at + 1
    return [one for one in words(run, source, end) if one[1].startswith("source/")]


def decisions(run: Ran, source: str) -> dict[tuple[int, str], Decision]:
    """Every cycle of every symbol."""
    opinions: dict[str, Opinion] = {}
    prices: dict[str, VendorPrice] = {}
    configured, now = True, 0
    found: dict[tuple[int, str], Decision] = {}
    for record in run.records:
        signals = {one.symbol: one for one in record.said if isinstance(one, Signal)}
        for word in record.said:
            match word:
                case Decide():
                    now = record.at
                case CycleClosed():
                    for one in word.verdicts:
                        vote = (_valid(opinions.get(one.symbol), now), configured)
                        price = _valid(prices.get(one.symbol), now)
                        told = _told(signals.get(one.symbol))
                        found[word.n, one.symbol] = Decision(now, one, *told, vote, price)
                case Opinion(source=name) if name == source:
                    opinions[word.symbol] = word
                case VendorPrice(source=name) if name == source:
                    prices[word.symbol] = word
                case SourceStatus(source=name) if name == source:
                    configured = word.configured
    return found


def _told(signal: Signal | None) -> tuple[bytes, tuple[bool, bool]]:
    """A signal without what it says of prices, and that."""
    if signal is None:
        return b"", (False, False)
    conflict = (signal.price_conflict, signal.split_suspected)
    return bare(
        msgspec.structs.replace(signal, price_conflict=False, split_suspected=False)
    ), conflict


def _valid(found: Any, now: UtcNanos) -> Any:
    return found if found is not None and now <= found.valid_until else None


def felt(calm: Ran, ill: Ran, source: str) -> list[str]:
    """Where somebody else felt the trouble, empty when nobody did.

    A decision *depends* on the source in a cycle where its standing vote on the symbol (its newest opinion
    while it is valid, and whether it is configured) is another than in the run without the fault; what a
    signal says of vendors' prices also where its valid live price is another. Everything else must be the
    same to the bit, but for the identities of words, which count the ill source's records too:

    - what the other five sources say and when, to the end of the run;
    - the verdict and the signal of every cycle and symbol that does not depend on it, to the end;
    - everything that anybody else says (risk, orders, broker, tracker, clock), and when, until the first
      decision that depends on it comes out differently. From there on the accounts differ, and may.
    """
    found = _apart("a source", of_sources(calm, source), of_sources(ill, source))
    first = calm.records[-1].at + 1
    theirs = decisions(ill, source)
    for key, ours in decisions(calm, source).items():
        other = theirs[key]
        same = ours[:3] == other[:3]
        if not same and ours.vote == other.vote:
            found.append(f"cycle {key}: {ours.verdict.reason} became {other.verdict.reason}")
        priced = ours.conflict == other.conflict
        if same and not priced and (ours.vote, ours.price) == (other.vote, other.price):
            found.append(f"cycle {key}: vendors' prices {ours.conflict} became {other.conflict}")
        if not (same and priced):
            first = min(first, ours.at)
    return found + _apart("somebody", words(calm, source, first), words(ill, source, first))


def _apart(who: str, ours: list[Any], theirs: list[Any]) -> list[str]:
    if ours == theirs:
        return []
    pairs = zip([*ours, None], [*theirs, None], strict=False)
    first, second = next((a, b) for a, b in pairs if a != b)
    return [f"{who} said {first} and then {second}"]


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """In memory, where there is one."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="argo-six-", dir=_memory()) as path:
        yield Path(path)


@pytest.fixture(scope="module")
def calm(directory: Path) -> Ran:
    """The run in which nothing is wrong."""
    return play(directory / "calm", SECONDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", PATHS)
def test_decisions_that_do_not_depend_on_a_source_are_the_same_with_and_without_its_trouble(
    directory: Path, calm: Ran, source: str, kind: str
) -> None:
    """What depends on it and what does not is defined in `felt`."""
    ill = play(directory / f"{source}-{kind}", SECONDS, Trouble(source, kind, AFTER))
    assert felt(calm, ill, source) == []
    # And there was something to be felt: the fault struck, votes were missing, others' decisions stayed.
    assert ill.hits
    pairs = [
        (ours.vote == theirs.vote, ours.signal)
        for ours, theirs in zip(
            decisions(calm, source).values(), decisions(ill, source).values(), strict=True
        )
    ]
    assert sum(not same for same, _ in pairs) >= 3
    assert sum(same and bool(signal) for same, signal in pairs) >= 5


def test_a_run_repeats_itself(directory: Path, calm: Ran) -> None:
    assert play(directory / "again", SECONDS).records[1:] == calm.records[1:]


def one_limiter(process: SixProcess) -> None:
    """A shared plan: what one source asks for is missing to another."""
    shared = Limiter(15, 1e9)
    for kept in process.roster._kept.values():
        kept.limiter = shared


def contagious(process: SixProcess) -> None:
    """A consensus that forgets everybody's opinions when one source is in trouble."""

    def spoiled(config: str, tag: str) -> dict[str, Decider[Any]]:
        known = deciders(config, tag)
        given = known["consensus"]

        def evolve(state: Any, heard: Heard) -> Any:
            if isinstance(heard.message, SourceStatus) and heard.message.state != "running":
                state = msgspec.structs.replace(state, views=())
            return given.evolve(state, heard)

        return known | {"consensus": given._replace(evolve=evolve)}

    process.plan = process.plan._replace(build=spoiled)


def test_a_planted_coupling_is_seen(directory: Path, calm: Ran) -> None:
    """By the sources themselves, and by the decisions of others."""
    place, trouble = directory / "coupled", Trouble("alpaca", "bad-key", AFTER)
    limited = play(place / "calm", SECONDS, None, one_limiter)
    assert felt(limited, play(place / "limited", SECONDS, trouble, one_limiter), "alpaca") != []
    # While nothing is wrong, the other one does nothing.
    assert felt(calm, play(place / "contagious", SECONDS, trouble, contagious), "alpaca") != []
