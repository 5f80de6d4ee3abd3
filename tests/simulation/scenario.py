"""What a seed means: the configuration, the start, the market, the opinions, the faults and the kills."""

import random
from typing import Any, NamedTuple

from argo_actors.config import (
    Broker,
    Clock,
    Config,
    Consensus,
    Journal,
    PropFirm,
    Risk,
    Source,
    Trading,
)
from argo_actors.units import SECOND
from argo_actors.venue import faults
from argo_actors.venue.faults import (
    Answer,
    ConnectRule,
    Delay,
    Drop,
    Edit,
    EventRule,
    Garble,
    Hang,
    Plan,
    RequestRule,
    Stale,
    Stuck,
)
from argo_actors.venue.modes import Modes

SYMBOLS = ("AAPL", "MSFT", "BTC-USD")
NOON = 1_772_640_000 * SECOND
"""Wednesday 2026-03-04, 11:00 in New York: in session."""
CLOSING = 1_772_657_910 * SECOND
"""15:58:30 the same day: the session ends in ninety seconds."""
OPENING = 1_772_634_870 * SECOND
"""09:34:30: the session has opened, and its first five minutes are not over."""
SAFETY_SECONDS, LIVENESS_SECONDS = 75.0, 75.0
"""Absence is proved by three lookups over sixty seconds, ten seconds apart."""
OVER_THE_CLOSE = 135.0
"""A safety phase that goes on after the session's end."""

HTML = "<html><body>503 Service Temporarily Unavailable</body></html>"
RATE = {"code": 42910000, "message": "rate limit exceeded"}
SERVER = {"code": 50010000, "message": "internal server error"}


def _post(fault: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/v2/orders", "fault": fault}


def _delete(fault: Any) -> dict[str, Any]:
    return {"method": "DELETE", "path": "/v2/orders/*", "fault": fault}


def _get(path: str, fault: Any) -> dict[str, Any]:
    return {"method": "GET", "path": path, "fault": fault}


REQUEST_FAULTS: dict[str, dict[str, Any]] = {
    "post_lost": _post(Drop()),
    "post_lost_applied": _post(Drop(applied=True)),
    "post_504": _post(Answer(status=504, body=HTML)),
    "post_504_applied": _post(Answer(status=504, body=HTML, applied=True)),
    "post_500_applied": _post(Answer(status=500, body=SERVER, applied=True)),
    "post_429": _post(Answer(status=429, body=RATE)),
    "post_429_reset": _post(Answer(status=429, body=RATE, headers={"X-RateLimit-Reset": "1"})),
    "post_rejected": _post(
        Answer(status=403, body={"code": 40310000, "message": "insufficient buying power"})
    ),
    "post_stop_through": _post(
        Answer(
            status=422,
            body={"code": 42210000, "message": "stop price must be less than current price"},
        )
    ),
    "post_html": _post(Garble(how="html")),
    "post_empty": _post(Garble(how="empty")),
    "post_truncated": _post(Garble(how="truncated")),
    "post_nan": _post(Garble(how="nan")),
    "post_duplicate_keys": _post(Garble(how="duplicate")),
    "post_hang": _post(Hang()),
    "post_hang_applied": _post(Hang(applied=True)),
    "post_late": _post(Delay(seconds=1.5, applied=True)),
    "post_late_deadline": _post(Delay(seconds=6, applied=True)),
    "post_arrives_late": _post(Delay(seconds=6)),
    "post_other_order": _post(Edit(set={"/client_order_id": "another"})),
    "post_unknown_status": _post(Edit(set={"/status": "reviewing"})),
    "post_no_legs": _post(Edit(drop=("/legs",))),
    "cancel_lost": _delete(Drop()),
    "cancel_lost_applied": _delete(Drop(applied=True)),
    "cancel_504_applied": _delete(Answer(status=504, body=HTML, applied=True)),
    "cancel_hang": _delete(Hang()),
    "cancel_429": _delete(Answer(status=429, body=RATE)),
    "cancel_stuck": _delete(Stuck(seconds=8)),
    "get_hang": _get("/v2/*", Hang()),
    "get_503": _get("/v2/*", Answer(status=503, body=HTML)),
    "get_429": _get("/v2/*", Answer(status=429, body=RATE)),
    "get_401": _get("/v2/*", Answer(status=401, body="<html>401 Authorization Required</html>")),
    "get_html": _get("/v2/*", Garble(how="html")),
    "get_truncated": _get("/v2/*", Garble(how="truncated")),
    "get_nan": _get("/v2/account", Garble(how="nan")),
    "get_slow": _get("/v2/*", Delay(seconds=3)),
    "orders_stale": _get("/v2/orders*", Stale(seconds=3)),
    "positions_stale": _get("/v2/positions*", Stale(seconds=15)),
    "orders_unknown_status": _get("/v2/orders", Edit(set={"/*/status": "reviewing"})),
}
OFTEN: dict[str, dict[str, Any]] = {
    "post_arrives_late": {"probability": 0.8, "count": 12, "skip": 0},
    "post_504": {"probability": 0.4, "count": 12, "skip": 0},
    "cancel_429": {"probability": 0.8, "count": 12, "skip": 0},
    "cancel_stuck": {"probability": 0.8, "count": 12, "skip": 0},
    "positions_stale": {"probability": 1.0, "count": 3},
}
"""Faults of a luck of their own: some would seldom meet what comes late or rarely, one strikes several
times in a row."""
EVENT_FAULTS: dict[str, Any] = {
    "event_lost": faults.Lose(),
    "event_twice": faults.Duplicate(times=2),
    "event_late": faults.Late(seconds=4),
    "event_reordered": faults.Reorder(behind=1, seconds=3),
    "event_broken": faults.Broken(),
    "event_unknown": faults.Edit(set={"/data/event": "trade_bust"}),
    "event_edited": faults.Edit(set={"/data/order/filled_qty": "NaN"}),
    "stream_closed": faults.Close(code=1011),
    "stream_cut": faults.Cut(),
    "stream_mute": faults.Mute(),
}
CONNECT_FAULTS: dict[str, Any] = {
    "connect_refused": faults.Refuse(status=429),
    "connect_unheard": faults.Unheard(),
    "connect_wrong_keys": faults.Wrong(),
    "connect_short": faults.Short(seconds=2),
    "connect_mute": faults.Mute(),
}
MODES: dict[str, dict[str, Any]] = {
    "ids_while_open": {"client_ids": "while_open"},
    "ids_not_enforced": {"client_ids": "not_enforced"},
    "orders_appear_late": {"appear_seconds": 8.0},
    "fills_before_answers": {"fills_before_answers": True},
    "cancels_take_long": {"cancel_seconds": 3.0},
    "cancels_lose": {"cancels_lose": 0.5},
    "late_fills": {"late_fills": 0.3},
    "both_legs": {"both_legs": 0.5},
    "stops_replaced": {"stops_replaced": 0.7},
    "rejected_later": {"rejected": 0.3},
    "partial_fills": {"partial_fills": 0.6, "parts_seconds": 8.0},
    "held_legs_hidden": {"held_legs_hidden": True},
    "short_pages": {"most_orders": 2},
    "float_text": {"float_text": True},
    "no_easy_to_borrow": {"easy_to_borrow": False},
    "trading_blocked": {"trading_blocked": True},
}
"""Ways in which the venue itself is different, for the whole safety phase."""
QUOTE_FAULTS = ("quotes_hang", "quotes_fail", "quotes_missing", "quotes_stale", "quotes_zero")
WORLD_FAULTS = (
    "refused",
    "foreign_order",
    "foreign_trade",
    "other_daemon",
    "symbol_halted",
    "crash_decider",
    "crash_edge",
    "kill",
    "halt",
    "stop-entries",
    "flatten",
    "resume",
)
KILL_POINTS = tuple(f"K{n}" for n in range(16))


class Scenario(NamedTuple):
    """Everything that a seed decides before the run."""

    seed: int
    config: Config
    start: int
    calm: bool
    plan: Plan
    quote_faults: tuple[str, ...]
    world_faults: tuple[str, ...]
    kills: int
    modes: tuple[str, ...] = ()
    safety_seconds: float = SAFETY_SECONDS
    liveness_seconds: float = LIVENESS_SECONDS


def scenario(seed: int, *, quiet: bool = False) -> Scenario:
    """The run of a seed; `quiet` has no faults."""
    chance = random.Random(f"scenario {seed}")
    start = CLOSING if chance.random() < 0.15 else NOON
    config = _config(chance, random.Random(f"paces {seed}"))
    if start == NOON and random.Random(f"opening {seed}").random() < 0.1:
        start = OPENING
    if quiet:
        return Scenario(seed, config, start, False, Plan(seed=seed), (), (), 0)
    modes = _some(chance, MODES, 2) if chance.random() < 0.6 else ()
    return Scenario(
        seed=seed,
        config=config,
        start=start,
        calm=chance.random() < 0.1,
        plan=_plan(chance, seed, modes, start),
        modes=modes,
        quote_faults=_some(chance, QUOTE_FAULTS, 2),
        world_faults=_some(chance, WORLD_FAULTS, 4),
        kills=chance.choice((0, 0, 1, 1, 2, 3)),
        safety_seconds=OVER_THE_CLOSE if start == CLOSING else SAFETY_SECONDS,
    )


def _some(chance: random.Random, among: Any, most: int) -> tuple[str, ...]:
    return tuple(sorted(chance.sample(sorted(among), chance.randint(0, most))))


def _plan(chance: random.Random, seed: int, named: tuple[str, ...], start: int) -> Plan:
    kinds = REQUEST_FAULTS | {"post_429_reset": _full(random.Random(f"reset {seed}"), start)}
    requests: list[faults.Rule] = [
        RequestRule(name=name, **(_luck(chance, name) | OFTEN.get(name, {})), **kinds[name])
        for name in _some(chance, REQUEST_FAULTS, 7)
    ]
    events: list[faults.Rule] = [
        _event_rule(chance, name) for name in _some(chance, EVENT_FAULTS, 3)
    ]
    connects: list[faults.Rule] = [
        ConnectRule(name=name, fault=CONNECT_FAULTS[name], probability=0.5, count=2)
        for name in _some(chance, CONNECT_FAULTS, 1)
    ]
    rules = requests + events + connects
    chance.shuffle(rules)
    thin = random.Random(f"parts {seed}").choice((0.0, 0.0, 4.0))
    given = {key: value for name in named for key, value in MODES[name].items()}
    modes = Modes(**({"parts_seconds": thin} | given))
    return Plan(rules=tuple(rules), seed=seed, modes=modes)


def _full(chance: random.Random, start: int) -> dict[str, Any]:
    """No more calls until some time of the run, or a time that makes no sense."""
    reset = chance.choice((1, start // SECOND + chance.randint(5, 80)))
    headers = {"X-RateLimit-Reset": str(reset)}
    return _post(Answer(status=429, body=RATE, headers=headers))


def _event_rule(chance: random.Random, name: str) -> EventRule:
    event = chance.choice(("*", "*", "fill", "partial_fill", "new", "canceled"))
    return EventRule(name=name, event=event, fault=EVENT_FAULTS[name], **_luck(chance, name))


def _luck(chance: random.Random, name: str) -> dict[str, Any]:
    reading = name.startswith(("get_", "orders_", "positions_"))
    most = 4 if name.endswith("hang") else 12
    return {
        "probability": chance.choice((0.02, 0.1) if reading else (0.15, 0.4, 0.8)),
        "count": chance.randint(1, most),
        "skip": chance.choice((0, 0, 0, 2)) if not reading else chance.choice((0, 8, 30)),
    }


def _config(chance: random.Random, paces: random.Random) -> Config:
    prop = chance.random() < 0.15

    def tight() -> bool:
        return chance.random() < 0.2

    return Config(
        account="simulation",
        symbols=SYMBOLS,
        sources={"alpaca": Source(), "yfinance": Source(timeframe="1Day")},
        clock=Clock(cycle_seconds=chance.choice((3.0, 5.0))),
        journal=Journal(commit_ms=chance.choice((20.0, 50.0))),
        broker=Broker(
            base_url="http://venue.test",
            stream_url="ws://venue.test/stream",
            reconcile_seconds=paces.choice((15.0, 60.0)),
        ),
        consensus=Consensus(signal_seconds=paces.choice((6.0, 30.0))),
        prop_firm=PropFirm(enabled=prop),
        trading=Trading(
            stop_loss_pct=chance.choice((0.4, 0.8)),
            profit_target_pct=chance.choice((0.4, 0.8)),
            use_limit_orders=chance.random() < 0.4,
            position_flip=chance.random() < 0.3,
            on_unprotected="watch" if chance.random() < 0.1 else "exit",
        ),
        risk=Risk(
            warmup_seconds=1.0,
            session_start_minutes=5.0,
            session_end_minutes=1.0,
            cooldown_stop_minutes=0.1,
            cooldown_target_minutes=0.1,
            cooldown_signal_minutes=0.1,
            cooldown_refused_seconds=4.0,
            entries_per_symbol_and_day=2 if tight() else 50,
            losing_trades_symbol=2 if tight() else 50,
            losing_trades_account=paces.choice((1, 2)) if tight() else 50,
            max_positions=2 if tight() else 10,
            max_gross_exposure_pct=12.0 if tight() else 100.0,
            daily_loss_limit_pct=paces.choice((0.02, 0.05)) if tight() else 5.0,
            orders_per_minute=4 if tight() else 30,
            on_breach="flatten" if chance.random() < 0.3 else None,
        ),
    )
