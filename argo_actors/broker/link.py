"""How the line to the broker is: shared by the edge that calls and the edge that listens."""

from ..messages.order import BrokerLink, OrderReport
from ..units import UtcNanos

MOST_LEGS = 2000


class Link:
    """The trade stream's state, the last good answer, the frames heard."""

    def __init__(self) -> None:
        self.stream_up = False
        self.last_answer_at: UtcNanos = 0
        self.skew_ms = 0
        self.frames = 0
        """Trade updates heard and said; the lockstep clock compares it with the venue's count."""
        self.parents: dict[str, OrderReport] = {}
        """The newest report of the order that a leg belongs to, by the leg's order id."""

    def word(self, reason: str = "") -> BrokerLink:
        """The state as a fact."""
        return BrokerLink(
            stream_up=self.stream_up,
            last_answer_at=self.last_answer_at,
            reason=reason,
            skew_ms=self.skew_ms,
        )

    def remember(self, report: OrderReport) -> None:
        """Updates of a leg carry an id that the broker made: it is known by its parent's report."""
        for leg in report.legs:
            self.parents[leg.order_id] = report
        for old in list(self.parents)[: max(0, len(self.parents) - MOST_LEGS)]:
            del self.parents[old]
