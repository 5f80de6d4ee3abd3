"""What is shown of the signals: each with its votes and what became of it, and how many there were."""

from typing import Any

from .. import keyed
from ..messages.signal import FamilyVote
from ..tracker.state import SignalView, TrackerState
from .text import time

Document = dict[str, Any]


def latest(books: TrackerState, limit: int) -> list[Document]:
    """The newest signals, newest last, each with decision, order id, status and fill."""
    return [_shown(books, one) for one in books.signals[-limit:]]


def stats(books: TrackerState) -> Document:
    """How many signals there were since the journal began, and what risk said of them."""
    counts = dict(books.signal_counts)
    buys, sells = counts.get("BUY", 0), counts.get("SELL", 0)
    denied = {name[7:]: n for name, n in counts.items() if name.startswith("denied ")}
    recent = [one.signal.confidence for one in books.signals]
    return {
        "signals": buys + sells,
        "buy": buys,
        "sell": sells,
        "approved": counts.get("approved", 0),
        "advice": counts.get("advice", 0),
        "denied": denied,
        "round_trips": books.trade_count,
        "won": books.wins,
        "latest": len(recent),
        "mean_confidence_of_latest": round(sum(recent) / len(recent), 2) if recent else None,
    }


def _shown(books: TrackerState, view: SignalView) -> Document:
    signal, order = view.signal, keyed.get(books.orders, view.order)
    return {
        "at": time(view.at),
        "symbol": signal.symbol,
        "action": signal.action,
        "confidence": signal.confidence,
        "raw_confidence": signal.raw_confidence,
        "threshold": signal.threshold,
        "participation": signal.participation,
        "regime": signal.regime,
        "multiplier": signal.multiplier,
        "votes": [_voted(one) for one in signal.families],
        "decision": view.decision,
        "order": view.order or None,
        "status": None if order is None else order.status or "sent",
        "filled": None if order is None else order.filled_qty,
        "fill_price": None if order is None else order.filled_avg,
        "reasoning": signal.reasoning,
        "expires_at": time(signal.expires_at),
        "id": signal.content[:16],
    }


def _voted(family: FamilyVote) -> Document:
    members = {one.source: one.vote for one in family.members}
    return {"family": family.name, "weight": family.weight, "vote": family.vote, "members": members}
