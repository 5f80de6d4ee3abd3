"""What the daemon shows of itself: states read by reference, without any mail."""

from typing import Any

from .. import keyed
from ..bootstrap import Daemon
from ..config import loss_limits
from ..consensus.decider import ConsensusState
from ..order.state import TERMINAL, OrderState
from ..risk.case import ramp_cap
from ..risk.limits import current, daily_loss_pct, drawdown_base, drawdown_pct, headroom
from ..risk.state import RiskState, stop_distances
from ..tracker.ledger import total
from ..tracker.state import KEPT, TrackerState
from ..units import SECOND, OrderId, Symbol
from . import held, signals, sources, statement, tree
from .awaited import awaited
from .text import cents, time

Document = dict[str, Any]


class View:
    """One daemon, read only."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    @property
    def books(self) -> TrackerState:
        state = self._daemon.engine.deciders["tracker"].state
        assert isinstance(state, TrackerState)
        return state

    @property
    def _begun(self) -> bool:
        """Until this run has begun, the books say how the last one was."""
        return self.books.runs > self._daemon.runs_before

    @property
    def ready(self) -> bool:
        """The broker's truth has been read twice in this run."""
        return self._begun and self.books.ready

    @property
    def risk(self) -> RiskState:
        state = self._daemon.engine.deciders["risk"].state
        assert isinstance(state, RiskState)
        return state

    def order_state(self, symbol: str) -> OrderState:
        """The order actor's state of a symbol."""
        state = self._daemon.engine.deciders[f"order/{symbol}"].state
        assert isinstance(state, OrderState)
        return state

    def status(self) -> Document:
        """Is it safe, is it flat, what is it waiting for?"""
        books, risk = self.books, self.risk
        account = books.account
        return {
            "account": self._daemon.config.account,
            "mode": self._daemon.settings.mode,
            "time": time(self._daemon.clock.now()),
            "run": self._daemon.engine.run,
            "ready": self.ready,
            "stream_up": self._begun and books.stream_up,
            "operator": risk.operator,
            "level": books.level,
            "cycle": books.cycle,
            "market_open": risk.hours.is_open if risk.hours is not None else None,
            "equity": account.equity if account else None,
            "cash": account.cash if account else None,
            "buying_power": account.buying_power if account else None,
            "daily_loss_pct": daily_loss_pct(risk.losses),
            "drawdown_pct": drawdown_pct(self._daemon.config, risk.losses),
            "marked_equity": current(risk.losses),
            "losses": self._losses(),
            "prop": self._prop(),
            "ramp": self._ramp(),
            "foreign": len(self.foreign()) + len(statement.elsewhere(self.books)),
            "positions": sum(1 for _, one in books.holdings if one.qty),
            "unprotected": [
                symbol for symbol, one in books.holdings if one.unprotected_since and one.qty
            ],
            "trades": books.trade_count,
            "realised": total(books.lots).realised,
            "fees": total(books.lots).fees,
            "journal": {
                "last_seq": self._daemon.engine.journal.next_seq - 1,
                "durable": self._daemon.engine.journal.durable,
            },
            "sources": self.sources(),
            "decision": self.decision(),
            "families": sources.configured_families(self._daemon),
            "next": self.next_decision(),
            "notices": [{"at": time(one.at), "text": one.text} for one in books.notices[-5:]],
        }

    def _losses(self) -> Document:
        """What the limits are measured against, and the dollars that they leave."""
        config, losses = self._daemon.config, self.risk.losses
        day, peak = headroom(config, losses)
        daily, drawdown = loss_limits(config)
        return {
            "day_began": time(losses.loss_day),
            "day_start": losses.day_start_equity,
            "peak": losses.peak_equity,
            "drawdown_base": drawdown_base(config, losses),
            "net_transfers": losses.net_transfers,
            "daily_limit_pct": daily,
            "drawdown_limit_pct": drawdown,
            "daily_headroom": cents(day),
            "drawdown_headroom": cents(peak),
            "at_stops": cents(stop_distances(self.risk)),
            "tripped": losses.tripped,
            "unsure": bool(losses.suspected_at and not losses.tripped),
            "note": losses.note,
        }

    def _prop(self) -> Document | None:
        """The firm's rules in force, None outside prop mode."""
        firm = self._daemon.config.prop_firm
        if not firm.enabled:
            return None
        rules = firm.rules
        return {
            "account": firm.account,
            "daily_base": rules.daily_base,
            "drawdown": rules.drawdown,
            "reset": f"{rules.reset_time} {rules.reset_zone}",
            "dated": rules.dated,
        }

    def _ramp(self) -> Document | None:
        """How many of the first small entries of a live account have filled; None when all have."""
        config, filled = self._daemon.config, self.risk.live_entries
        if ramp_cap(config, self.risk) is None:
            return None
        return {"filled": filled, "of": config.live.ramp, "most_usd": config.live.ramp_usd}

    def sources(self) -> Document:
        """Each used source's state by name."""
        names = [name for name, one in self._daemon.config.sources.items() if one.enabled]
        return {
            name: sources.state(self._daemon, name) | {"opinions": self._opinions(name)}
            for name in names
        }

    def _opinions(self, source: str) -> dict[str, int]:
        """How many symbols a source sees long, short and neutral, in opinions that are still valid."""
        state, now = self._daemon.engine.deciders["consensus"].state, self._daemon.clock.now()
        assert isinstance(state, ConsensusState)
        kept = [keyed.get(view.opinions, source) for _, view in state.views]
        said: list[str] = [
            one.opinion.direction for one in kept if one and one.opinion.valid_until >= now
        ]
        return {word: said.count(word.upper()) for word in ("long", "short", "neutral")}

    def decision(self) -> Document:
        """When consensus decides next, in market seconds, and what entries wait for besides."""
        schedule, now = self._daemon.pacer.schedule, self._daemon.clock.now()
        return {
            "cycle": schedule.n + 1,
            "seconds": max(schedule.next_tick - now, 0) / SECOND,
            "awaited": awaited(self._daemon.config, self.risk, now),
        }

    def next_decision(self) -> list[Document]:
        """How far off each symbol is, nearest first."""
        held = {symbol for symbol, one in self.books.holdings if one.side is not None}
        return [
            {
                "symbol": one.symbol,
                "action": one.action,
                "confidence": one.confidence,
                "signal": one.signal,
                "held": one.symbol in held,
                "reason": one.reason,
            }
            for one in sorted(self.books.verdicts, key=lambda one: -one.confidence)
        ]

    def positions(self) -> list[Document]:
        """What is held, what protects it, what it has earned."""
        return statement.positions(self.books)

    def orders(self) -> list[Document]:
        """Our newest orders, newest last."""
        return statement.orders(self.books)

    def may_fill(self, order: OrderId) -> bool:
        """For all that the books know of it."""
        known = keyed.get(self.books.orders, order)
        return known is None or known.status not in TERMINAL

    def trades(self) -> list[Document]:
        """Closed round trips, newest last."""
        return statement.trades(self.books)

    def ledger(self) -> Document:
        """The books to be tied out: cash flow, fees, profit, quantities."""
        return statement.ledger(self.books)

    def signals(self) -> list[Document]:
        """The newest signals and what became of them."""
        return signals.latest(self.books, KEPT)

    def tree(self) -> list[Document]:
        """The supervision tree: groups, children, how each is."""
        return tree.tree(self._daemon.engine)

    def actor(self, address: str) -> Document | None:
        """One actor: its counters and, of a decider, its whole state."""
        return tree.actor(self._daemon.engine, address)

    def protection(self) -> Document:
        """Which order protects each position and since when; recent intervals without (ns UTC)."""
        now = self._daemon.clock.now()
        found = [held.protected(one, self.order_state(one), now) for one in self._symbols]
        return {
            "positions": [one for one in found if one is not None],
            "gaps": statement.gaps(self.books),
        }

    def reconcile(self) -> Document:
        """The newest reconciliations with what they found, and every foreign item."""
        return {
            "ready": self.ready,
            "readings": statement.readings(self.books),
            "differences": statement.differences(self.books),
            "foreign": self.foreign(),
            "elsewhere": statement.elsewhere(self.books),
        }

    def foreign(self) -> list[Document]:
        """What is not ours in the configured symbols, item by item."""
        return [item for one in self._symbols for item in held.foreign(one, self.order_state(one))]

    @property
    def _symbols(self) -> tuple[Symbol, ...]:
        return self._daemon.config.symbols
