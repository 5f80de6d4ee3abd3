"""The clock edge: says Tick, Decide, Wake and MarketHours, and nobody else does.

It is a thread of its own that never hears a word. By the wall clock it sleeps until the next event. In
lockstep it owns market time: it moves it by small steps, each only when all mail is heard, no call is
under way and all stream events are in, so that a fast run is as exact as a slow one.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..messages import Message
from ..messages.market import ClockSet, Decide, Tick, Wake
from ..runtime.clock import SetClock, SteadyClock, machine_seconds
from ..runtime.engine import Engine
from ..units import SECOND, UtcNanos
from .hours import Hours

ADDRESS = "clock"
FINE_STEP = SECOND // 4
COARSE_STEP = SECOND
OVERRUN_SECONDS = 2.0
WARM_SECONDS = 30.0
"""For the first answers of all edges, imports included."""
POLL_SECONDS = 0.02
CORRECTED_NANOS = SECOND
"""Market time that is further behind is corrected; entries are denied from here on (`NOT_READY`)."""


class Advanced(NamedTuple):
    """The venue's answer to a step of its time."""

    now: UtcNanos
    events: int
    """Stream events it has sent since its start."""


class Advance(Protocol):
    """Moves the venue's time. Raises OSError while it cannot be reached."""

    def __call__(self, to: UtcNanos) -> Advanced: ...


class Lockstep(NamedTuple):
    """Market time is the venue's: where it begins, how to move it, how fast at the most."""

    start: UtcNanos
    advance: Advance
    speed: float
    in_turn: bool = False
    """The broker's calls are made one after the other: the same seed makes the same trades."""


class Schedule:
    """What is due when, in market time: the same for both paces.

    `n` is the last cycle of the process before: a cycle's number is never used again, because signals
    and the ids of their orders rest on it.
    """

    def __init__(self, engine: Engine, hours: Hours, cycle_seconds: float, n: int = 0) -> None:
        self._engine = engine
        self._hours = hours
        self._cycle = int(cycle_seconds * SECOND)
        self._rung: dict[str, UtcNanos] = {}
        now = engine.clock.now()
        self.next_tick = now
        self.n = n
        self._hours_change = now

    def due(self, now: UtcNanos) -> list[Message]:
        """The words that are due, in a fixed order: hours, wakes, tick."""
        words: list[Message] = []
        if now >= self._hours_change:
            words.append(self._hours.at(now))
            self._hours_change = self._hours.next_change(now)
        for address, due in sorted(self._engine.office.wakes.items()):
            if due <= now and self._rung.get(address) != due:
                self._rung[address] = due
                words.append(Wake(to=address, due=due))
        if now >= self.next_tick:
            self.n += 1
            self.next_tick += max(1, (now - self.next_tick) // self._cycle + 1) * self._cycle
            words.append(Tick(n=self.n))
        return words

    def next(self, now: UtcNanos) -> UtcNanos:
        """When something will be due next."""
        wakes = [
            due
            for address, due in self._engine.office.wakes.copy().items()
            if self._rung.get(address) != due
        ]
        return max(now, min([self.next_tick, self._hours_change, *wakes]))


class Pacer:
    """The thread behind the clock's words."""

    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self.engine = engine
        self.schedule = schedule
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=ADDRESS, daemon=True)

    @property
    def ticks(self) -> bool:
        """Market time goes on."""
        return self._thread.is_alive() and not self._stop.is_set()

    def start(self) -> None:
        """Begin to tick."""
        self._thread.start()

    def stop(self) -> None:
        """No further tick; returns when the running step is done."""
        self._stop.set()
        self._thread.join(5)

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 (whatever it is, time has stopped: the process ends)
            self.engine.fatal(f"the clock failed: {type(error).__name__}: {error}")

    def _run(self) -> None:
        raise NotImplementedError

    def _say(self, words: list[Message]) -> bool:
        """Say what is due. True when a tick was among it."""
        if words:
            self.engine.say(ADDRESS, *words)
        return any(type(word) is Tick for word in words)


class SteadyPacer(Pacer):
    """By the wall clock."""

    def __init__(
        self,
        engine: Engine,
        schedule: Schedule,
        *,
        clock: SteadyClock,
        broker_ahead: Callable[[], int],
        decide_seconds: float,
        answered: Callable[[], bool],
    ) -> None:
        super().__init__(engine, schedule)
        self._clock = clock
        self._broker_ahead = broker_ahead
        self._decide_seconds = decide_seconds
        self._answered = answered

    def _run(self) -> None:
        clock = self._clock
        while not self._stop.is_set():
            self._correct()
            if self._say(self.schedule.due(clock.now())):
                self._decide()
            wait = (self.schedule.next(clock.now()) - clock.now()) / SECOND
            self._stop.wait(min(max(wait, 0.0), POLL_SECONDS))

    def _correct(self) -> None:
        """Market time follows the wall clock forward, but only where the broker's clock agrees with it.

        A wall clock that is wrong for a moment would else be wrong for ever: market time never goes back.
        """
        by = self._clock.behind()
        if by > CORRECTED_NANOS and abs(self._broker_ahead() - by) <= CORRECTED_NANOS:
            self._clock.correct(by)
            self.engine.say(ADDRESS, ClockSet(by=by))

    def _decide(self) -> None:
        """Decide once every source has answered or declined this tick, or the time is up."""
        until = machine_seconds() + self._decide_seconds
        while not self._answered() and machine_seconds() < until and not self._stop.is_set():
            self._say(self.schedule.due(self.engine.clock.now()))
            self._stop.wait(0.005)
        self.engine.say(ADDRESS, Decide(n=self.schedule.n))


class LockstepPacer(Pacer):
    """The daemon's market time is the venue's, and moves only here."""

    def __init__(
        self,
        engine: Engine,
        schedule: Schedule,
        lockstep: Lockstep,
        *,
        clock: SetClock,
        heard_events: Callable[[], int],
        restless: Callable[[], bool],
    ) -> None:
        super().__init__(engine, schedule)
        self._clock = clock
        self._advance = lockstep.advance
        self._speed = lockstep.speed
        self._heard_events = heard_events
        self._restless = restless
        self._events = 0
        self._unheard = 0
        """Stream events that this process will never hear: sent before it, or given up waiting for."""
        self.overruns = 0
        self._moving = False
        self._paused = threading.Event()
        self._quiet = threading.Event()

    @property
    def ticks(self) -> bool:
        """Market time goes on."""
        return super().ticks and not self._paused.is_set()

    def pause(self, seconds: float) -> bool:
        """Stop market time and wait until all mail is heard. False when that took too long."""
        self._paused.set()
        return self._quiet.wait(seconds)

    def still_but_for(self, calls: int) -> bool:
        """So many calls are all that is under way: market time stands, and what was streamed has come in."""
        still = self.engine.office.activity.still_but_for(calls)
        return still and not self._moving and self._all_in

    @property
    def _all_in(self) -> bool:
        return self._heard_events() + self._unheard >= self._events

    def _run(self) -> None:
        self._move(self._clock.now())
        self._unheard = self._events - self._heard_events()
        self.engine.office.activity.wait_still(WARM_SECONDS)
        begun_market, begun_machine = self._clock.now(), machine_seconds()
        while not self._stop.is_set():
            self._settle()
            if self._say(self.schedule.due(self._clock.now())):
                self._settle()
                self.engine.say(ADDRESS, Decide(n=self.schedule.n))
                self._settle()
            if self._paused.is_set():
                self._quiet.set()
                self._stop.wait()
                return
            now = self._clock.now()
            step = FINE_STEP if self._restless() else COARSE_STEP
            to = max(min(now + step, self.schedule.next(now)), now + 1)
            behind = (to - begun_market) / SECOND / self._speed - (
                machine_seconds() - begun_machine
            )
            if behind > 0:
                self._stop.wait(behind)
            self._move(to)

    def _move(self, to: UtcNanos) -> None:
        """Our time first: an event of this step may be heard before the venue's answer."""
        self._moving = True
        self._clock.move_to(to)
        while not self._stop.is_set():
            try:
                answer = self._advance(to)
            except OSError:
                self._stop.wait(0.2)
                continue
            self._events = answer.events
            self._moving = False
            return

    def _settle(self) -> None:
        """Wait until everything said has been heard and everything streamed has come in."""
        until = machine_seconds() + OVERRUN_SECONDS
        while not self._stop.is_set():
            left = until - machine_seconds()
            if left <= 0:
                self.overruns += 1
                self._unheard = self._events - self._heard_events()
                return
            if not self.engine.office.activity.wait_still(left):
                continue
            if self._all_in and self.engine.office.activity.still:
                return
            self._stop.wait(0.0005)
