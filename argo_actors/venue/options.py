"""How a venue is run, read from a command line; an error says what to do about it."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

import msgspec

from .faults import Plan, PlanError, read_plan
from .generated import Generated
from .keys import Keys
from .limits import CALLS_A_MINUTE
from .market import Market
from .providers import FREE_PLANS
from .recorded import Recorded
from .skill import HONEST, SkillError, Skills, skills

DEMO_KEYS = Keys("PKARGODEMO0000000000", "argo-demo-secret-for-the-simulated-venue")
"""The keys of the simulated account; they open nothing else."""
ACCOUNT_NUMBER = "PA0ARGODEMO1"
START_CASH = Decimal(100_000)
DEFAULT_START = "2026-03-04T15:00:00+00:00"
"""Where a generated market begins in lockstep: a Wednesday morning in New York."""
SECOND = 1_000_000_000
FASTEST = 1000.0


class OptionsError(ValueError):
    """A venue that cannot be; the text ends with a `fix:` line."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}\nfix: {fix}")
        self.what = what
        self.fix = fix


class GivenAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account of `--account`: money in USD as text or a number."""

    cash: Decimal = START_CASH
    number: str = ACCOUNT_NUMBER
    key_id: str = DEMO_KEYS.key_id
    secret: str = DEMO_KEYS.secret
    calls_a_minute: int = CALLS_A_MINUTE
    data_plan: Literal["basic", "plus"] = "plus"
    """Of market data: `basic` streams only IEX, and 30 symbols of it."""


class Options(NamedTuple):
    """How a venue is run."""

    market: Market
    start: int
    seed: int
    lockstep: bool
    state: Path | None = None
    port: int = 0
    cash: Decimal = START_CASH
    keys: Keys = DEMO_KEYS
    account_number: str = ACCOUNT_NUMBER
    calls_a_minute: int = CALLS_A_MINUTE
    skills: Skills = HONEST
    """What each source knows (`skill.py`)."""
    free_plans: frozenset[str] = frozenset()
    """Of `FREE_PLANS`, the vendors that answer as to a free key."""
    speed: float = 1.0
    """Market seconds a machine second; without meaning in lockstep."""
    resume_at: int = 0
    """Market time to catch up to after a pause (ns); 0 goes on where the book stopped."""
    faults: Plan = Plan()
    basic_data: bool = False
    slow_seconds: float = 5.0
    """A stream's client that reads nothing for so long is let go (machine seconds)."""
    auth_seconds: float = 10.0
    """A stream of market data waits so long for the keys (machine seconds)."""
    attached: bool = False
    """It ends with its standard input, and so with whoever started it, however that one ended."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionsError(message, "see `argo venue --help`")


def options_of(arguments: Sequence[str], now: int) -> Options:
    """The command line of a venue; `now` is the wall clock (ns). Raises ValueError with a `fix:` line."""
    given = _parser().parse_args(arguments)
    _check("--port", given.port, 0, 65535, "take a port that is free, or 0 for any")
    _check("--speed", given.speed, 0.01, FASTEST, "1 is real time")
    account, plan = _account(given.account), _plan(given.faults)
    known, free_plans = _skills(given.skill, given.lag), _free(given.free_plan)
    live = not given.lockstep and given.bars is None and not given.start
    market, start = _market(given, live, now)
    return Options(
        market=market,
        start=start,
        seed=given.seed,
        lockstep=given.lockstep,
        attached=given.attached,
        state=given.state,
        port=given.port,
        cash=account.cash,
        keys=Keys(account.key_id, account.secret),
        account_number=account.number,
        calls_a_minute=given.rate_limit or account.calls_a_minute,
        skills=known,
        free_plans=free_plans,
        speed=given.speed,
        resume_at=now if live and given.speed == 1 else 0,
        faults=plan,
        basic_data=account.data_plan == "basic",
        slow_seconds=given.slow_seconds,
        auth_seconds=given.auth_seconds,
    )


def _parser() -> _Parser:
    parser = _Parser(prog="argo venue")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bars", type=Path)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--account", default="{}")
    parser.add_argument("--start", default="")
    parser.add_argument("--lockstep", action="store_true")
    parser.add_argument("--attached", action="store_true")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--rate-limit", type=int)
    parser.add_argument("--slow-seconds", type=float, default=5.0)
    parser.add_argument("--skill", action="append", default=[])
    parser.add_argument("--lag", action="append", default=[])
    parser.add_argument("--free-plan", action="append", default=[])
    parser.add_argument("--auth-seconds", type=float, default=10.0)
    return parser


def _market(given: argparse.Namespace, live: bool, now: int) -> tuple[Market, int]:
    """The market asked for, and when it begins (ns UTC); `live`: by the wall clock."""
    start = nanoseconds(given.start) if given.start else 0
    if given.bars is not None:
        recorded = Recorded(given.bars)
        return recorded, start or recorded.start
    start = start or (_begun(given.state, now) if live else nanoseconds(DEFAULT_START))
    generated = Generated(given.seed, start)
    if live and now >= generated.end:
        raise OptionsError(
            f"the generated market of {given.state} is over", "give another --state directory"
        )
    return generated, start


def nanoseconds(text: str) -> int:
    """A time of RFC 3339 in ns UTC. Raises OptionsError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OptionsError(f"--start {text!r} is not a time", f"write {DEFAULT_START}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND


def _check(name: str, value: float, low: float, high: float, fix: str) -> None:
    if not low <= value <= high:
        raise OptionsError(f"{name} {value} is not from {low} to {high}", fix)


def _account(text: str) -> GivenAccount:
    fix = 'write for example {"cash": "25000", "data_plan": "basic"}'
    try:
        account = msgspec.json.decode(text, type=GivenAccount)
    except (msgspec.DecodeError, InvalidOperation) as error:
        raise OptionsError(f"--account cannot be used: {error}", fix) from None
    if not (account.cash.is_finite() and account.cash >= 0):
        raise OptionsError(f"--account: cash of {account.cash} cannot be", fix)
    if not (account.number and account.key_id and account.secret and account.calls_a_minute > 0):
        raise OptionsError("--account: number, keys and calls_a_minute cannot be empty", fix)
    return account


def _plan(path: Path | None) -> Plan:
    if path is None:
        return Plan()
    try:
        return read_plan(path.read_bytes())
    except OSError as error:
        raise OptionsError(f"--faults {path}: {error.strerror}", "give a file of JSON") from None
    except PlanError as error:
        raise OptionsError(f"--faults {path}: {error}", error.fix) from None


def _skills(words: Sequence[str], lags: Sequence[str]) -> Skills:
    try:
        return skills(",".join(words), ",".join(lags))
    except SkillError as error:
        raise OptionsError(str(error), error.fix) from None


def _free(names: Sequence[str]) -> frozenset[str]:
    for name in names:
        if name not in FREE_PLANS:
            fix = f"one of {', '.join(FREE_PLANS)}"
            raise OptionsError(f"--free-plan {name}: no free plan of it is simulated", fix)
    return frozenset(names)


def _begun(state: Path | None, now: int) -> int:
    """When the market of a kept book began: the same market has to come back with it."""
    if state is None:
        return now
    kept = state / "begun"
    if kept.exists():
        text = kept.read_text()
        if not text.isdigit():
            raise OptionsError(f"{kept} holds no time", "give another --state directory")
        return int(text)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept.write_text(str(now))
    return now
