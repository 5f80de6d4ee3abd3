"""What orders do to each other: the members of a bracket or an OCO, and orders that replace others."""

from decimal import Decimal

import msgspec

from .execution import Executions
from .orders import ZERO, Order, new_id


class Groups(Executions):
    """A book's orders in their groups and chains: how each begins, ends and hands over."""

    def restore(self, order: Order) -> None:
        """An order from the store."""
        self.orders[order.id] = order
        self.by_client[order.client_order_id] = order.id
        if order.is_open:
            self._live[order.id] = None

    def _group(self, order: Order) -> list[Order]:
        """A bracket or OCO with all its members."""
        root = self.orders[order.parent] if order.parent else order
        return [root, *(self.orders[one] for one in root.legs)]

    def _root(self, order: Order) -> Order:
        return self.orders[order.parent] if order.parent else order

    def _is_oco(self, order: Order) -> bool:
        return self.orders[order.parent].order_class == "oco"

    # ends

    def cancel_at_once(self, order: Order) -> None:
        """Without waiting: for the orders that closing all positions takes away."""
        self._finish_group(order, "canceled")

    def _finish_group(self, order: Order, status: str) -> None:
        for one in self._group(order):
            if one.is_open:
                self._finish(one, status)

    def _finish(self, order: Order, status: str, *, silent: bool = False) -> None:
        order.status = status
        if status == "canceled":
            order.canceled_at = self.now
        else:
            order.expired_at = self.now
        self._touch(order)
        self._end(order)
        if not silent:
            self._say(status, order)
        if not order.leg and order.order_class != "oco":
            for one in self._group(order)[1:]:
                if one.is_open:
                    self._finish(one, status)

    def _reject_group(self, order: Order) -> None:
        for one in self._group(order):
            if one.is_open:
                self._reject(one)

    def _reject(self, order: Order) -> None:
        order.status, order.failed_at = "rejected", self.now
        self._touch(order)
        self._end(order)
        self._say("rejected", order)

    def _end(self, order: Order) -> None:
        self._live.pop(order.id, None)

    # replacing

    def replace(self, order: Order, changes: dict[str, Decimal | str]) -> Order:
        """A new order that takes the old one's place with the next step, unless that fills first.

        Only a sleeping leg is replaced at once. The changes are valid (`replacing.py`).
        """
        another = new_id(order.id, "replaced", str(len(self.orders)))
        client = str(changes.pop("client_order_id", "") or another)
        new = msgspec.structs.replace(
            order,
            id=new_id(self.account.number, client),
            client_order_id=client,
            replaces=order.id,
            filled_qty=ZERO,
            filled_value=ZERO,
            fee_usd=ZERO,
            fee_qty=ZERO,
            fills=0,
            triggered=False,
            rested=False,
            filled_at=0,
            **changes,
        )
        new.qty = Decimal(new.qty) - order.filled_qty
        new.submitted_at = self.now
        sleeps = order.status == "held"
        new.status = "held" if sleeps else "pending_new"
        order.status = order.status if sleeps else "pending_replace"
        self.restore(new)
        self._touch(order)
        self._touch(new)
        if sleeps:
            self._hand_over(order, new)
        return new

    def _succeeds(self, order: Order) -> bool:
        """Whether an order that replaces another has taken its place; it fails when that has ended."""
        old = self.orders[order.replaces]
        if old.status == "replaced" or order.status == "held":
            return True
        if old.is_open and old.status == "pending_replace":
            return False
        if order.is_open:
            self._reject(order)
            self._say("order_replace_rejected", old)
        return False

    def _replaced(self, order: Order, meanwhile: Decimal) -> None:
        """The old order has not filled: the new one takes its place, without what filled meanwhile."""
        new = next(one for one in self.live() if one.replaces == order.id)
        new.qty -= meanwhile
        if self.now < order.cancel_at:
            return
        if new.qty <= 0 or self._luck("replaces_rejected", order):
            order.status = "partially_filled" if order.filled_qty else "new"
            self._reject(new)
            self._say("order_replace_rejected", order)
            self._touch(order)
            return
        self._hand_over(order, new)

    def _hand_over(self, order: Order, new: Order) -> None:
        """The old order ends, the new one has its place in the group."""
        order.status, order.replaced_at, order.replaced_by = "replaced", self.now, new.id
        for leg in new.legs:
            self.orders[leg].parent = new.id
            self._touch(self.orders[leg])
        if order.parent:
            root = self.orders[order.parent]
            root.legs = tuple(new.id if one == order.id else one for one in root.legs)
            self._touch(root)
        self._touch(order)
        self._end(order)
        self._say("replaced", order)

    def _go_on_as_another(self, order: Order) -> None:
        client = new_id(order.id, "triggered")
        new = msgspec.structs.replace(
            order,
            id=new_id(self.account.number, client),
            client_order_id=client,
            replaces=order.id,
            submitted_at=self.now,
        )
        self.restore(new)
        self._touch(new)
        self._hand_over(order, new)
        self._say("new", new)
