"""What a signal means for what is held: the action table."""

from typing import Literal

from ..messages.order import Holding
from ..messages.signal import Action, Intent

Skip = Literal["DUPLICATE", "FOREIGN"]


def intent(action: Action, holding: Holding | None) -> Intent | Skip:
    """The intent of a signal; a pending entry counts as its position.

    A skip names the code under which nothing is done.
    """
    if holding is None or holding.side is None:
        return "open_long" if action == "BUY" else "open_short"
    if not holding.own:
        return "FOREIGN"
    long = holding.side == "buy"
    if long == (action == "BUY"):
        return "DUPLICATE"
    if holding.qty == 0:
        return "cancel_entry"
    return "close_long" if long else "close_short"
