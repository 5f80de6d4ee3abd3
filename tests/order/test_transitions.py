"""Every world by every word: nothing raises, the phase moves by the table, and the rules hold."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from argo_actors.messages import Message
from argo_actors.messages.order import (
    CancelOrder,
    Fill,
    OrderReport,
    Phase,
    SubmitOrder,
    Unprotected,
)
from argo_actors.messages.routes import ROUTES
from argo_actors.messages.signal import Approval
from argo_actors.messages.system import Alert
from argo_actors.order.lifecycle import NEXT, is_odd
from argo_actors.order.state import (
    OPEN,
    OrderState,
    Own,
    is_covered,
    is_open,
    orders,
    phase,
)
from argo_actors.order.timing import stays_away
from argo_actors.units import ZERO
from tests.order.order_bench import Actor
from tests.order.phases import LATER, WORLDS, events

CODEC = msgspec.msgpack
MADE = {name: world() for name, world in WORLDS.items()}


def closing_qty(one: Own) -> Decimal:
    """What an order may still take off the position: of siblings the larger, as only one fills."""
    parts = [leg for _, leg in one.legs] if one.legs else [one.part]
    if one.leg == "oco":
        parts = [one.part, *(leg for _, leg in one.legs)]
    return max((part.qty - part.filled_qty for part in parts if part.status in OPEN), default=ZERO)


def in_the_dark(one: Own, sent: SubmitOrder) -> bool:
    """Of unknown outcome: a stop delays no close, and a close that lookups do not find no stop."""
    if one.part.status != "lost":
        return False
    return stays_away(one) if sent.leg in ("stop", "oco") else one.leg in ("stop", "oco")


class Watch:
    """An actor under the rules: they are looked at after every word."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.entries = Counter(
            one.client_order_id for one in actor.said(SubmitOrder) if one.leg == "entry"
        )

    def hear(self, message: Message) -> list[Message]:
        """One word, and the rules after it."""
        before = self.actor.state
        said = self.actor.hear(message)
        after = self.actor.state
        self._phase(before, after, said)
        self._entries(before, said)
        self._books(after)
        for one in said:
            if isinstance(one, SubmitOrder) and one.leg != "entry":
                self._closes(before, one)
        return said

    def _phase(self, before: OrderState, after: OrderState, said: list[Message]) -> None:
        if is_odd(phase(before), phase(after)):
            flagged = [one for one in said if isinstance(one, Alert) and "no rule" in one.text]
            assert flagged, f"{phase(before)} to {phase(after)}"
            raise AssertionError(f"odd: {phase(before)} to {phase(after)}")
        position = after.position
        if position is not None and position.qty > 0 and not is_covered(after):
            assert position.exposed_since, "an exposure that no clock runs on"

    def _entries(self, before: OrderState, said: list[Message]) -> None:
        sent = [one for one in said if isinstance(one, SubmitOrder) and one.leg == "entry"]
        self.entries.update(one.client_order_id for one in sent)
        assert all(count == 1 for count in self.entries.values()), "an id left twice"
        if sent:
            assert len(sent) == 1
            assert not before.frozen
            assert before.position is None
            others = [one for one in orders(self.actor.state) if is_open(one)]
            assert [one.id for one in others] == [sent[0].client_order_id]
        alive = [one for one in orders(self.actor.state) if one.leg == "entry"]
        alive = [one for one in alive if one.part.status in OPEN and not one.risen]
        assert len(alive) <= 1, "two entries"

    def _books(self, after: OrderState) -> None:
        position = after.position
        if position is not None:
            assert position.qty >= 0
            assert position.over >= 0
            assert not (position.over and position.qty)
        for one in orders(after):
            for part in (one.part, *(leg for _, leg in one.legs)):
                assert part.told_qty <= part.filled_qty
        decoded = CODEC.decode(CODEC.encode(after), type=OrderState)
        assert decoded == after, "a state that a snapshot would change"

    def _closes(self, before: OrderState, command: SubmitOrder) -> None:
        read = self.actor.state.read
        state = self.actor.state
        others = [
            one
            for one in orders(state)
            if is_open(one) and one.id != command.client_order_id and not in_the_dark(one, command)
        ]
        assert not others, f"{command.leg} beside {others[0].leg} {others[0].part.status}"
        assert not command.increases
        assert command.position_intent.endswith("_to_close")
        assert command.qty <= abs(read.qty), "more than the broker holds"
        assert (read.qty > 0) == (command.side == "sell"), "on a position that is not there"


def test_every_word_that_reaches_an_order_actor_is_among_the_events() -> None:
    reaching = {
        kind
        for kind, route in ROUTES.items()
        if any(to.startswith("order/") or to in ("{to}", "{address}") for to in route.to)
    }
    heard = {type(one) for world in WORLDS.values() for one in events(world())}
    assert heard == reaching


def test_the_worlds_are_of_every_phase() -> None:
    assert {world().phase for world in WORLDS.values()} == set(get_args(Phase))
    assert set(NEXT) == set(get_args(Phase))


@pytest.mark.parametrize("name", WORLDS)
def test_no_pair_of_world_and_word_breaks_a_rule(name: str) -> None:
    world = WORLDS[name]()
    for number, word in enumerate(events(world)):
        for later in LATER if number % 5 == 0 else LATER[:1]:
            watch = Watch(world.copy())
            watch.actor.now += later
            try:
                watch.hear(word)
                if isinstance(word, OrderReport):
                    repeated(watch, word)
            except Exception as error:
                error.add_note(f"{name} after {later}: {word}")
                raise


def repeated(watch: Watch, word: OrderReport) -> None:
    """The same news once more: nothing is filled, sent or cancelled again."""
    before = watch.actor.state.orders
    said = watch.hear(word)
    assert not [one for one in said if isinstance(one, Fill | SubmitOrder | CancelOrder)]
    assert settled(watch.actor.state.orders) == settled(before)


def settled(found: Any) -> Any:
    """Orders without when they were last asked about."""
    replace = msgspec.structs.replace
    return [replace(one, asked_at=0, asked=0, cancel_at=0, done_at=0) for _, one in found]


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_no_sequence_of_words_breaks_a_rule(first: int) -> None:
    for seed in range(first, first + 25):
        chance = random.Random(seed)
        watch = Watch(MADE[chance.choice(list(MADE))].copy())
        trail: list[Message] = []
        try:
            for _ in range(25):
                watch.actor.pass_time(chance.choice([0, 0, 0.3, 1, 5, 40]))
                trail.append(chance.choice(list(events(watch.actor))))
                watch.hear(trail[-1])
        except Exception as error:
            error.add_note(f"seed {seed}: " + "\n".join(str(one)[:300] for one in trail))
            raise


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_not_protected_is_flagged_and_closed_whatever_the_broker_keeps_to_itself(
    name: str,
) -> None:
    actor = WORLDS[name]()
    actor.pass_time(20)
    position = actor.state.position
    if position is None or position.qty == 0 or is_covered(actor.state):
        return
    assert actor.said(Unprotected), "no flag"
    assert phase(actor.state) in ("exiting", "partly", "recovering", "frozen", "unprotected")
    if phase(actor.state) == "unprotected":
        assert actor.state.exit is not None


def test_an_approval_is_always_answered() -> None:
    for name, world in WORLDS.items():
        actor = world()
        approval = actor.approval("open_long", signal="s9")
        said = actor.hear(approval)
        entered = [one for one in said if isinstance(one, SubmitOrder) and one.leg == "entry"]
        given_back = [one for one in said if getattr(one, "signal", "") == "s9"]
        assert isinstance(approval, Approval)
        assert bool(entered) != bool(given_back), name
