"""Who hears what, and how a mailbox treats it: the one table of both.

`Kept` words wait in order (bars, orders, fills, commands). A `latest` word replaces a waiting one of the
same key (quotes, opinions): the superseded one is counted, not heard. `Control` words go first.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from . import market, opinion, order, signal, system, truth
from .base import Message


class MailClass(Enum):
    """How a mailbox treats a word."""

    LATEST = "latest"
    KEPT = "kept"
    CONTROL = "control"


class Route(NamedTuple):
    """Where a type of message goes: addresses, with `order/*`, `source/*` and `{field}` filled in."""

    to: tuple[str, ...]
    mail: MailClass = MailClass.KEPT
    key: Callable[[Message], str] | None = None


def _field(*names: str) -> Callable[[Message], str]:
    return lambda message: "|".join(str(getattr(message, name)) for name in names)


def _latest(*to: str, key: Callable[[Message], str]) -> Route:
    return Route(to, MailClass.LATEST, key)


def _control(*to: str) -> Route:
    return Route(to, MailClass.CONTROL)


ORDER = "order/{symbol}"

ROUTES: dict[type[Message], Route] = {
    market.Tick: Route(("source/*", "quotes", "broker")),
    market.Decide: Route(("consensus",)),
    market.Wake: Route(("{to}",)),
    market.ClockSet: Route(("tracker",)),
    market.MarketHours: Route(("risk", "order/*", "source/*")),
    market.Asset: Route(("risk", ORDER)),
    market.SplitAnnounced: Route((ORDER, "tracker")),
    market.QuotesWanted: Route(("quotes",)),
    market.Quotes: Route(("risk",)),
    market.QuoteSeen: _latest(
        "risk",
        ORDER,
        "tracker",
        key=lambda message: message.quote.symbol,  # type: ignore[attr-defined]
    ),
    market.Figures: _latest("consensus", "risk", key=_field("symbol")),
    opinion.Opinion: _latest("consensus", key=_field("source", "symbol")),
    opinion.VendorPrice: _latest("consensus", key=_field("source", "symbol")),
    opinion.NoOpinion: _latest("consensus", key=_field("source", "symbol")),
    opinion.SourceStatus: Route(("consensus", "risk", "tracker")),
    opinion.SourceCall: Route(()),
    signal.Signal: Route(("risk", "tracker")),
    signal.CycleClosed: Route(("risk", "tracker")),
    signal.Approval: Route((ORDER, "tracker")),
    signal.Denial: Route(("tracker",)),
    signal.Advice: Route(("tracker",)),
    signal.Execute: Route(("risk",)),
    signal.ExecuteSignal: Route(("risk",)),
    order.SubmitOrder: Route(("broker", "tracker")),
    order.CancelOrder: Route(("broker",)),
    order.LookupOrder: Route(("broker",)),
    order.ReadPosition: Route(("broker",)),
    order.ReadAccount: Route(("broker",)),
    order.Reconcile: Route(("broker",)),
    order.OrderReport: Route((ORDER, "tracker")),
    order.OrderRefused: Route((ORDER, "tracker")),
    order.OrderUnknown: Route((ORDER, "tracker")),
    order.OrderAbsent: Route((ORDER,)),
    order.PositionReport: Route((ORDER,)),
    order.AccountReport: Route(("risk", "tracker")),
    order.Reconciled: Route((ORDER, "risk")),
    order.BrokerReady: Route(("risk", "tracker")),
    order.BrokerLink: Route(("risk", "tracker")),
    order.Fill: Route(("risk", "tracker")),
    order.PositionOpened: Route(("risk", "tracker")),
    order.PositionClosed: Route(("risk", "tracker")),
    order.Holding: Route(("risk", "consensus", "tracker", "quotes")),
    order.EntrySettled: Route(("risk", "tracker")),
    order.Unprotected: Route(("risk", "tracker")),
    order.Protected: Route(("tracker",)),
    order.SplitApplied: Route(("tracker",)),
    order.ProtectionGap: Route(("tracker",)),
    truth.TruthRead: Route(("tracker",)),
    truth.ForeignSeen: Route((ORDER, "risk")),
    truth.Elsewhere: Route(("risk", "tracker")),
    truth.Discrepancy: Route(("tracker",)),
    truth.Corrected: Route(("tracker",)),
    truth.Resolve: Route((ORDER,)),
    truth.Resolved: Route(("tracker",)),
    truth.Adopted: Route(("tracker",)),
    truth.Transfer: Route(("risk", "tracker")),
    system.Configured: Route(()),
    system.Epoch: Route(("tracker",)),
    system.Started: Route(("risk", "order/*", "tracker")),
    system.Stopping: _control("risk", "order/*", "tracker"),
    system.Operator: _control("risk", "order/*", "tracker"),
    system.SourceOrder: Route(("tracker",)),
    system.Acknowledged: Route(("tracker",)),
    system.Crashed: _control("{address}", "tracker"),
    system.Parked: Route(("tracker",)),
    system.Restarted: Route(("tracker",)),
    system.Redelivered: Route(()),
    system.Overload: _control("risk", "tracker"),
    system.DeadLetter: Route(("tracker",)),
    system.RiskLevel: Route(("order/*", "tracker")),
    system.Alert: Route(("tracker",)),
}
"""Every message has its row; a test holds it complete."""


def recipients(message: Message, addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses, out of those that exist, that hear this message, each once; sorted within a wildcard."""
    known = tuple(addresses)
    found: list[str] = []
    for pattern in ROUTES[type(message)].to:
        if pattern.endswith("*"):
            found += sorted(one for one in known if one.startswith(pattern[:-1]))
        elif (name := _filled(pattern, message)) in known:
            found.append(name)
    return tuple(dict.fromkeys(found))


def subject(message: Message) -> str:
    """What fills in the braces of the message's route: with the type, it decides the recipients."""
    kind = type(message)
    if kind is market.Wake:
        return str(getattr(message, "to", ""))
    if kind is system.Crashed:
        return str(getattr(message, "address", ""))
    return symbol_of(message) if ORDER in ROUTES[kind].to else ""


def symbol_of(message: Message) -> str:
    """The symbol that a message is about, empty when it is about none."""
    if type(message) is market.QuoteSeen:
        return message.quote.symbol
    return str(getattr(message, "symbol", ""))


def _filled(pattern: str, message: Message) -> str:
    if pattern in ("{to}", "{address}"):
        return subject(message)
    return "order/" + symbol_of(message) if pattern == ORDER else pattern
