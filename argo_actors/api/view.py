"""What the daemon shows of itself: states read by reference, without any mail."""

from typing import Any

import msgspec

from .. import keyed
from ..bootstrap import Daemon
from ..config import loss_limits
from ..consensus.decider import ConsensusState
from ..order.foreign import POSITION, closing
from ..order.protection import cause, covers
from ..order.reconcile import foreign_text
from ..order.state import OrderState
from ..risk.case import ramp_cap
from ..risk.limits import current, daily_loss_pct, drawdown_base, drawdown_pct, headroom
from ..risk.state import RiskState, stop_distances
from ..runtime.cell import DeciderCell
from ..runtime.edge import EdgeCell
from ..tracker.decider import KEPT, TrackerState
from ..tracker.ledger import Lot, average, total, unrealised
from ..units import SECOND, ZERO, Decimal, exact
from . import signals, sources
from .awaited import awaited
from .text import cents, plain, time

Document = dict[str, Any]
MARK = Decimal("0.000000001")


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
            "foreign": len(self.foreign()) + len(self._elsewhere()),
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
        books = self.books
        found = []
        for symbol, holding in books.holdings:
            if holding.side is None:
                continue
            lot = keyed.get(books.lots, symbol) or Lot()
            mark = keyed.get(books.marks, symbol)
            price = None if mark is None else exact(Decimal(repr(mark)).quantize(MARK))
            found.append(
                {
                    "symbol": symbol,
                    "side": "long" if holding.side == "buy" else "short",
                    "qty": holding.qty or holding.pending_qty,
                    "phase": holding.phase,
                    "avg_price": average(lot) if lot.qty else holding.avg_price,
                    "mark": price,
                    "unrealised": None if price is None else cents(unrealised(lot, price)),
                    "stop": holding.stop,
                    "target": holding.target,
                    "own": holding.own,
                    "note": holding.note,
                }
            )
        return found

    def orders(self) -> list[Document]:
        """Our newest orders, newest last."""
        books = self.books
        found = []
        for order_id in books.recent_orders:
            view = keyed.get(books.orders, order_id)
            if view is not None:
                found.append(
                    {
                        "at": time(view.sent_at),
                        "symbol": view.order.symbol,
                        "leg": view.order.leg,
                        "side": view.order.side,
                        "qty": view.order.qty,
                        "type": view.order.type,
                        "status": view.status or "sent",
                        "filled": view.filled_qty,
                        "price": view.filled_avg,
                        "id": order_id,
                    }
                )
        return found

    def trades(self) -> list[Document]:
        """Closed round trips, newest last."""
        return [
            {
                "symbol": one.symbol,
                "side": "long" if one.side == "buy" else "short",
                "qty": one.qty,
                "entry": one.entry_price,
                "exit": one.exit_price,
                "reason": one.reason,
                "fees": cents(one.fees),
                "pnl": cents(one.pnl),
                "entry_at": time(one.entry_at),
                "exit_at": time(one.exit_at),
                "position_id": one.position_id,
            }
            for one in self.books.trades
        ]

    def signals(self) -> list[Document]:
        """The newest signals and what became of them."""
        return signals.latest(self.books, KEPT)

    def tree(self) -> list[Document]:
        """The supervision tree: groups, children, how each is."""
        engine = self._daemon.engine
        supervisor = engine.supervisor
        return [
            {
                "group": group.name,
                "strategy": group.strategy,
                "children": [self._child(spec.address) for spec in group.children],
            }
            for group in supervisor.groups
        ]

    def _child(self, address: str) -> Document:
        engine = self._daemon.engine
        child = engine.supervisor.children[address]
        cell = engine.inspect(address)
        found: Document = {
            "address": address,
            "state": child.state,
            "restarts": child.tally.total,
            "handled": cell.handled,
            "waiting": len(cell.mailbox),
            "superseded": cell.mailbox.superseded,
            "reason": child.reason,
            "remedy": child.remedy,
            "retry_in_seconds": None,
            "crash": None,
            "parkings": child.parkings,
            "parked_at": time(child.parked_at) if child.parked_at else None,
        }
        if child.retry_at is not None:
            found["retry_in_seconds"] = max(0, round(child.retry_at - engine.alarm.seconds()))
        if child.died is not None:
            found["crash"] = child.died._asdict() | {"at": time(child.died.at)}
        if isinstance(cell, EdgeCell):
            found |= {"abandoned": cell.abandoned, "late": cell.refused_late}
        return found

    def actor(self, address: str) -> Document | None:
        """One actor: its counters and, of a decider, its whole state."""
        cell = self._daemon.engine.inspect(address)
        if cell is None or address not in self._daemon.engine.supervisor.children:
            return None
        found = self._child(address)
        if isinstance(cell, DeciderCell):
            found["state_now"] = msgspec.to_builtins(cell.state, str_keys=True)
            wake = self._daemon.engine.office.wakes.get(address)
            found["wakes_at"] = None if wake is None else time(wake)
        return found

    def protection(self) -> Document:
        """Which order protects each position and since when; recent intervals without (ns UTC)."""
        held = [self._protected(symbol) for symbol in self._daemon.config.symbols]
        return {
            "positions": [one for one in held if one is not None],
            "gaps": [
                {
                    "symbol": gap.symbol,
                    "qty": plain(gap.qty),
                    "begin": gap.begin,
                    "end": gap.end,
                    "seconds": (gap.end - gap.begin) / SECOND,
                    "cause": gap.cause,
                    "ended": gap.ended if gap.reason is None else f"{gap.ended}: {gap.reason}",
                }
                for gap in self.books.gaps
            ],
        }

    def _protected(self, symbol: str) -> Document | None:
        state = self.order_state(symbol)
        position = state.position
        if position is None or position.qty == 0:
            return None
        stops, gap = covers(state), position.gap
        left = max(position.qty - sum((one.qty for one in stops), ZERO), ZERO)
        now = self._daemon.clock.now()
        return {
            "symbol": symbol,
            "side": "long" if position.side == "buy" else "short",
            "qty": plain(position.qty),
            "covers": [one._asdict() | {"qty": plain(one.qty)} for one in stops],
            "since": state.protected_since if gap is None else None,
            "uncovered": plain(left),
            "seconds": None if gap is None else (now - gap.begin) / SECOND,
            "cause": None if gap is None else cause(state, gap),
        }

    def reconcile(self) -> Document:
        """The newest reconciliations with what they found, and every foreign item."""
        books = self.books
        return {
            "ready": self.ready,
            "readings": [
                {
                    "at": one.at,
                    "reason": one.read.reason,
                    "orders": one.read.orders,
                    "positions": one.read.positions,
                    "readings": one.read.readings,
                }
                for one in books.reads
            ],
            "differences": [
                {
                    "at": one.at,
                    "symbol": one.difference.symbol,
                    "what": one.difference.what,
                    "before": one.difference.before,
                    "after": one.difference.after,
                    "reason": one.difference.reason,
                }
                for one in books.differences
            ],
            "foreign": self.foreign(),
            "elsewhere": self._elsewhere(),
        }

    def foreign(self) -> list[Document]:
        """What is not ours in the configured symbols, item by item."""
        return [
            one
            for symbol in self._daemon.config.symbols
            for one in _foreign(symbol, self.order_state(symbol))
        ]

    def _elsewhere(self) -> list[Document]:
        found = self.books.elsewhere
        if found is None:
            return []
        held = [
            {"symbol": one.symbol, "text": f"{plain(one.qty)} at {plain(one.avg_entry_price)}"}
            for one in found.positions
        ]
        return held + [
            {"symbol": one.symbol, "text": foreign_text(one), "order": one.order_id}
            for one in found.orders
        ]

    def ledger(self) -> Document:
        """The books to be tied out: cash flow, fees, profit, quantities."""
        books = self.books
        whole = total(books.lots)
        return {
            "cash_flow": whole.cash,
            "fees": whole.fees,
            "realised": whole.realised,
            "lots": {
                symbol: {"qty": lot.qty, "cost": lot.cost, "realised": lot.realised}
                for symbol, lot in books.lots
            },
            "trades": books.trade_count,
            "wins": books.wins,
            "long_entries": books.long_entries,
            "short_entries": books.short_entries,
        }


def _foreign(symbol: str, state: OrderState) -> list[Document]:
    found: list[Document] = []
    would_close = {one.order_id for one in closing(state)}
    if state.foreign:
        side = "long" if state.foreign > 0 else "short"
        price = "" if state.foreign_price is None else f" at {plain(state.foreign_price)}"
        found.append(
            {
                "symbol": symbol,
                "item": POSITION,
                "text": f"{side} {plain(abs(state.foreign))}{price}",
                "ignored": POSITION in state.ignored,
                "orders": sorted(would_close),
            }
        )
    found += [
        {
            "symbol": symbol,
            "item": one.order_id,
            "text": foreign_text(one),
            "ignored": one.order_id in state.ignored,
            "protects": one.order_id in would_close and one.stop_price is not None,
        }
        for one in state.foreign_list
    ]
    return found
