"""How the venue misbehaves and whom it refuses while a plan says so; the default is a good day at Alpaca."""

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Modes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares are decided by the seed and the order's id: the same orders meet the same luck."""

    client_ids: Literal["for_ever", "while_open", "not_enforced"] = "for_ever"
    appear_seconds: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0
    """A new order is found by nobody for up to so long (market time)."""
    fills_before_answers: bool = False
    """An order that can fill does so before its submission is answered."""
    cancel_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0
    """A cancel takes so long; the order may fill meanwhile."""
    cancels_lose: Share = 0
    """So many cancels are overtaken by a fill (`order_cancel_rejected`)."""
    late_fills: Share = 0
    """So many cancelled orders are filled all the same, after they were said to be cancelled."""
    both_legs: Share = 0
    """So many exits of a bracket or OCO fill on both sides."""
    stops_replaced: Share = 0
    """So many triggered stop legs fill under a new order (`replaced_by`)."""
    rejected: Share = 0
    """So many orders that were taken with 200 end `rejected`."""
    replaces_rejected: Share = 0
    """So many replacements that were taken with 200 end `rejected`; the old order stays."""
    partial_fills: Share = 0.1
    busts: Share = 0
    """So many executions are taken back a minute later (`trade_bust`), if their order is over by then."""
    corrections: Share = 0
    """So many others get a price that is worse by a hundredth (`trade_correct`)."""
    splits_overnight: Share = 0
    """So many of the stocks held at a close split until the next session; announced at the close."""
    parts_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0
    """The next part of a partly filled order comes only after so long (market time)."""
    held_legs_hidden: bool = False
    """No list shows a held leg, nested or not; it is found by its own id."""
    most_orders: Annotated[int, msgspec.Meta(ge=1, le=500)] = 500
    """A page of orders is never longer."""
    float_text: bool = False
    """Decimals are written as binary floats write themselves: `1e-05`, `0.30000000000000004`."""
    easy_to_borrow: bool = True
    """False: assets come without `easy_to_borrow`, as the vendor announced."""
    halted: tuple[str, ...] = ()
    """Symbols that are not tradable: orders are refused, those that rest do not fill."""
    not_shortable: tuple[str, ...] = ()
    hard_to_borrow: tuple[str, ...] = ()
    trading_blocked: bool = False
    liquidation_only: bool = False
