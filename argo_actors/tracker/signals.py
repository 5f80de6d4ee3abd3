"""Signals with what became of them: decision, order."""

import msgspec

from ..messages import WordId
from ..messages.order import SubmitOrder
from ..messages.signal import Signal
from ..units import OrderId, UtcNanos

replace = msgspec.structs.replace


class SignalView(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """A signal and what became of it."""

    signal: Signal
    at: UtcNanos
    decision: str = ""
    approval: WordId | None = None
    order: OrderId = ""
    """The order that the approval led to."""


Signals = tuple[SignalView, ...]


def gathered(signals: Signals, signal: Signal, at: UtcNanos) -> tuple[Signals, bool]:
    """With this one; a repeated signal is kept once: it is new when its action or confidence changed."""
    before = next((one for one in reversed(signals) if one.signal.symbol == signal.symbol), None)
    if (
        before is not None
        and before.signal.action == signal.action
        and signal.cycle - before.signal.cycle <= 2
        and abs(before.signal.confidence - signal.confidence) < 1
    ):
        carried = replace(before, signal=signal)
        return tuple(carried if one is before else one for one in signals), False
    return (*signals, SignalView(signal=signal, at=at)), True


def decided(signals: Signals, signal: str, decision: str, approval: WordId | None) -> Signals:
    """With risk's answer to the signal of this content; an approval is its last."""
    return tuple(
        replace(one, decision=decision, approval=approval)
        if one.signal.content == signal and not one.decision.startswith("approved")
        else one
        for one in signals
    )


def led_to(signals: Signals, order: SubmitOrder) -> Signals:
    """The signal whose approval an entry names, or whose close an exit carries out."""
    for view in reversed(signals):
        exits = order.leg == "exit" and view.decision.startswith("approved close_")
        closes = exits and view.signal.symbol == order.symbol
        if not view.order and (view.approval in order.because or closes):
            return tuple(
                replace(one, order=order.client_order_id) if one is view else one for one in signals
            )
    return signals
