"""What corporate actions do to an account: shares, resting orders, money, and the activities of it."""

from decimal import ROUND_DOWN, Decimal

from .actions import Action, Dividend, Split
from .groups import Groups
from .market import Market
from .orders import CENT, NINE, ZERO, Account, Announced, Happened, Order
from .sessions import SECOND, new_york_date

NEVER = 2**63 - 1
OVERNIGHT = ((2, 1), (3, 2), (4, 1), (10, 1), (20, 1), (1, 3), (1, 10))
"""Splits that come by themselves have one of these ratios."""


class Shareholder(Groups):
    """A book whose stocks split and pay dividends."""

    def __init__(self, market: Market, account: Account, seed: int, now: int) -> None:
        super().__init__(market, account, seed, now)
        self._next_action = NEVER

    def announce(self, action: Action) -> None:
        """An action of the future; one that is known already changes nothing."""
        if any(one.action.key == action.key for one in self.account.actions):
            return
        self.account.actions.append(Announced(action, self.now))
        self.changed.add("account")
        self.know_actions()

    def know_actions(self) -> None:
        """The market, and the clock, learn of all that was announced."""
        done = {one.key for one in self.account.happened}
        self._next_action = NEVER
        for action in (one.action for one in self.account.actions):
            self.market.actions.know(action)
            if action.key not in done:
                self._next_action = min(self._next_action, _followed_at(action))

    def _act(self) -> None:
        """Carry out the actions whose time has come."""
        done = {one.key for one in self.account.happened}
        for action in [one.action for one in self.account.actions]:
            if action.key not in done and _followed_at(action) <= self.now:
                if isinstance(action, Split):
                    self._split(action)
                else:
                    self._pay(action)
        self.know_actions()

    def _split(self, action: Split) -> None:
        """More or fewer shares for the same cost; fractions are kept, as Alpaca keeps them."""
        position = self.position(action.symbol)
        before = position.qty
        position.qty = (before * action.ratio).quantize(NINE, ROUND_DOWN)
        self._happen(action, "SPLIT", qty=position.qty - before, held=before)
        for order in self.live():
            if order.symbol == action.symbol and not (order.leg or order.order_class):
                self._adjust(order, action.ratio)

    def _adjust(self, order: Order, ratio: Decimal) -> None:
        """A simple order: adjusted to more shares, cancelled for fewer. Groups are left as they are."""
        left = order.left * ratio
        if order.time_in_force == "gtc":
            left = left.to_integral_value(ROUND_DOWN)
        if ratio < 1:
            self._finish(order, "canceled")
            return
        order.qty = order.filled_qty + left
        tick = self._asset(order.symbol).tick
        for name in ("limit_price", "stop_price", "trail_price", "hwm"):
            price = getattr(order, name)
            if price is not None:
                step = tick(price / ratio)
                setattr(order, name, max((price / ratio / step).to_integral_value() * step, step))
        self._touch(order)
        self._say("restated", order)

    def _pay(self, action: Dividend) -> None:
        """Who holds shares is paid, who is short pays."""
        qty = self.position(action.symbol).qty
        amount = (qty * action.cash).quantize(CENT)
        self.account.cash += amount
        self._happen(action, "DIV", amount=amount, held=qty)

    def _happen(
        self,
        action: Action,
        kind: str,
        *,
        qty: Decimal = ZERO,
        amount: Decimal = ZERO,
        held: Decimal = ZERO,
    ) -> None:
        self.account.happened.append(
            Happened(
                key=action.key,
                kind=kind,
                symbol=action.symbol,
                at=self.now,
                qty=qty,
                amount=amount,
                held=held,
            )
        )
        self.changed |= {"account", f"position:{action.symbol}"}
        self.positions.setdefault(action.symbol, self.position(action.symbol))

    def _split_overnight(self) -> None:
        """At the close: some of what is held will have split by the next session."""
        share = self.modes.splits_overnight
        opens = self.market.sessions.next_open(self.now)
        for symbol in sorted(name for name, one in self.positions.items() if one.qty):
            key = f"split overnight|{symbol}|{opens}"
            if self._asset(symbol).is_crypto or not self._luck_of(key, share):
                continue
            new, old = OVERNIGHT[self._throw(key, len(OVERNIGHT))]
            day = new_york_date(opens)
            self.announce(Split(symbol=symbol, ex_date=day, new_rate=new, old_rate=old))


def _followed_at(action: Action) -> int:
    return action.at + int(action.late_seconds * SECOND)
