"""The wire between a daemon and the venue in virtual time: requests, the trade stream, and what breaks.

alpaca-py's client sends through `VenueAdapter`; the venue's own handler answers. A request takes time on
its way there and back, meets the faults of the venue's plan, and may outlive the process that sent it.
"""

import random
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from argo_actors.runtime.virtual import Virtual
from argo_actors.units import SECOND
from argo_actors.venue import faults
from argo_actors.venue.http_front import Request
from argo_actors.venue.server import Venue

PING_SECONDS = 15.0
"""A stream that is silent below is given up after ping interval and timeout."""


class Sent(msgspec.Struct):
    """A request that has left a gate, and what became of it."""

    n: int
    run: int
    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    left_at: int
    applied_at: int = 0
    status: int = 0
    """What the venue truly answered; 0 while it has not."""
    fault: str = ""
    closed_until: int = 0
    """Until when an answer of 429 told the daemon to send nothing; 0 when none did."""

    @property
    def client_order_id(self) -> str:
        return str(self.body.get("client_order_id") or self.query.get("client_order_id") or "")


class Ears(NamedTuple):
    """Who is told of what happens on the wire."""

    left: Callable[[Sent], None]
    applied: Callable[[Sent], None]
    at_point: Callable[[str, Sent], None]
    """A point at which a process may be killed: before_send, under_way, accepted, answered."""
    fault: Callable[[str, Sent], None]


class Wire:
    """Everything between the processes and the venue; it outlives them."""

    def __init__(
        self, venue: Venue, chance: random.Random, ears: Ears, now: Callable[[], int]
    ) -> None:
        self.venue = venue
        self.now = now
        self.chance = chance
        self.ears = ears
        self.run = 0
        self.sent: list[Sent] = []
        self.refusing = False
        """Nothing can be reached: connections are refused."""
        self.slow = 1.0
        self.orphans: list[tuple[Sent, Request]] = []
        """Under way when their process was killed."""
        self._under_way: dict[int, tuple[Sent, Request]] = {}

    def request(self, driver: Virtual, prepared: requests.PreparedRequest) -> requests.Response:
        """One request of one call, in its call's virtual time."""
        sent, request = self._leaves(prepared)
        self.ears.at_point("before_send", sent)
        if self.refusing:
            self.ears.fault("refused", sent)
            text = "Failed to establish a new connection (NewConnectionError)"
            raise requests.exceptions.ConnectionError(text)
        fault = self._fault_of(request, sent)
        self.sent.append(sent)
        self.ears.left(sent)
        self._under_way[sent.n] = (sent, request)
        driver.pause(self._latency())
        self.ears.at_point("under_way", sent)
        if isinstance(fault, faults.Delay) and not fault.applied:
            driver.pause(fault.seconds)
        self._under_way.pop(sent.n, None)
        answer = self._met(driver, fault, sent, request)
        driver.pause(self._latency())
        self.ears.at_point("answered", sent)
        if answer[0] == 429:
            sent.closed_until = int(answer[1].get("X-RateLimit-Reset", 0)) * SECOND
        return _response(prepared, answer)

    def _leaves(self, prepared: requests.PreparedRequest) -> tuple[Sent, Request]:
        split = urlsplit(str(prepared.url))
        body = prepared.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        request = Request(
            str(prepared.method),
            split.path,
            dict(parse_qsl(split.query, keep_blank_values=True)),
            {name.lower(): str(value) for name, value in prepared.headers.items()},
            raw,
        )
        sent = Sent(
            n=len(self.sent),
            run=self.run,
            method=request.method,
            path=request.path,
            query=request.query,
            body=msgspec.json.decode(raw) if raw else {},
            left_at=self.now(),
        )
        return sent, request

    def _fault_of(self, request: Request, sent: Sent) -> faults.RequestFault | None:
        found = self.venue.faults.request(request.method, request.path, self.venue.book.now)
        if found is not None:
            sent.fault = self.venue.faults.about()["hits"][-1].rule
            self.ears.fault(sent.fault, sent)
        return found

    def _latency(self) -> float:
        return self.slow * self.chance.uniform(0.01, 0.15)

    def _met(
        self, driver: Virtual, fault: faults.RequestFault | None, sent: Sent, request: Request
    ) -> Any:
        """The answer as the fault leaves it; it may never come."""
        match fault:
            case faults.Drop(applied=applied) | faults.Hang(applied=applied):
                if applied:
                    self._applied(sent, request)
                if isinstance(fault, faults.Hang):
                    driver.hang()
                raise requests.exceptions.ConnectionError("Connection aborted")
            case faults.Garble(how="truncated"):
                self._applied(sent, request)
                raise requests.exceptions.ChunkedEncodingError("IncompleteRead")
            case faults.Delay(seconds=seconds, applied=True):
                answer = self._applied(sent, request)
                driver.pause(seconds)
                return answer
            case (
                faults.Answer() | faults.Garble() | faults.Edit() | faults.Stale() | faults.Stuck()
            ):
                return self._faulty(fault, sent, request)
        return self._applied(sent, request)

    def _faulty(self, fault: Any, sent: Sent, request: Request) -> Any:
        front: Any = self.venue._front
        if isinstance(fault, faults.Answer) and not fault.applied:
            return front._faulty(fault, request)
        answer = front._faulty(fault, request)
        self._note(sent, 0 if isinstance(fault, faults.Answer) else answer[0])
        return answer

    def _applied(self, sent: Sent, request: Request) -> Any:
        answer = self.venue.answer(request)
        self._note(sent, answer[0])
        return answer

    def _note(self, sent: Sent, status: int) -> None:
        sent.applied_at, sent.status = self.now(), status
        self.ears.applied(sent)
        self.ears.at_point("accepted", sent)

    def cut_off(self) -> None:
        """The process is gone; what it had sent may still arrive."""
        self.orphans += self._under_way.values()
        self._under_way.clear()

    def deliver_orphans(self, arrive: bool | None = None) -> None:
        """They arrive now, or never."""
        for sent, request in self.orphans:
            if self.chance.random() < 0.5 if arrive is None else arrive:
                self.ears.fault("late_arrival", sent)
                self._applied(sent, request)
        self.orphans.clear()


class VenueAdapter(BaseAdapter):
    """alpaca-py's session sends by it."""

    def __init__(self, driver: Virtual, wire: Wire) -> None:
        super().__init__()
        self._driver = driver
        self._wire = wire

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        return self._wire.request(self._driver, request)

    def close(self) -> None:
        """Nothing is open."""


def _response(prepared: requests.PreparedRequest, answer: Any) -> requests.Response:
    status, headers, body = answer
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers)
    response._content = body
    response._content_consumed = True  # type: ignore[attr-defined]
    response.request = prepared
    response.url = str(prepared.url)
    response.encoding = "utf-8"
    return response


class StreamLine:
    """The trade stream of one process: connects, listens, is lost, comes back, as alpaca-py does."""

    def __init__(self, driver: Virtual, wire: Wire, edge: Any) -> None:
        self._driver = driver
        self._wire = wire
        self._edge = edge
        self._serving: Any = None
        self._closed = False
        self._mute = False

    def connect(self) -> None:
        """Try; what fails is tried again."""
        if self._closed:
            return
        venue, wire = self._wire.venue, self._wire
        fault = venue.faults.connect("/stream", venue.book.now)
        if wire.refusing or isinstance(fault, faults.Refuse | faults.Unheard):
            self._again(PING_SECONDS if isinstance(fault, faults.Unheard) else 1.0)
            return
        self._mute = isinstance(fault, faults.Mute)
        if self._mute:
            self._again(PING_SECONDS)
            return
        wrong = fault if isinstance(fault, faults.Wrong) else None
        self._serving = venue._streams.trades.serve(self, wrong)  # type: ignore[arg-type]
        try:
            self._serving.send(None)
        except StopIteration:
            self._serving = None
        if wrong is not None:
            self._edge._port.soon(self._edge._refused)
            self._hang_up()
            self._again(1.0)
            return
        self._driver.alarm.after(wire._latency(), self._up)
        if isinstance(fault, faults.Short):
            self._driver.alarm.after(1.0 + fault.seconds, lambda: self.close(fault.code))

    def _up(self) -> None:
        if self._serving is not None:
            self._edge._port.soon(self._edge._up)

    def _again(self, seconds: float) -> None:
        wait = seconds + self._wire.chance.uniform(0.2, 2.0)
        self._driver.alarm.after(wait, self.connect)

    async def frames(self) -> AsyncIterator[bytes]:
        """What alpaca-py says when it connects."""
        keys = self._wire.venue.options.keys
        yield msgspec.json.encode({"action": "auth", "key": keys.key_id, "secret": keys.secret})
        yield msgspec.json.encode({"action": "listen", "data": {"streams": ["trade_updates"]}})
        await _forever()

    def say(self, frame: bytes) -> None:
        """A frame on its way."""
        if self._mute or self._closed:
            return
        delay = self._wire.slow * self._wire.chance.uniform(0.005, 0.2)
        serving = self._serving
        self._driver.alarm.after(delay, lambda: self._arrives(frame, serving))

    def _arrives(self, frame: bytes, serving: Any) -> None:
        if serving is not self._serving or serving is None:
            return  # it was on a connection that is no more
        try:
            found = msgspec.json.decode(frame)
        except msgspec.DecodeError:
            return  # alpaca-py logs it and goes on
        if found.get("stream") == "trade_updates":
            self._edge._port.soon(lambda: self._edge._heard(found))

    def close(self, code: int) -> None:
        """The venue says goodbye."""
        self._lost(0.05)

    def cut(self) -> None:
        """The connection is gone."""
        self._lost(0.05)

    def mute(self) -> None:
        """Half-open: noticed by the pings that get no answer."""
        self._mute = True
        self._lost(PING_SECONDS)

    def _lost(self, seconds: float) -> None:
        serving = self._serving

        def notice() -> None:
            if self._serving is serving and not self._closed:
                self._mute = False
                self._hang_up()
                self._edge._lost()
                self._again(0.5)

        self._driver.alarm.after(seconds, notice)

    def _hang_up(self) -> None:
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.close()

    def disconnect(self) -> None:
        """The process lets go, or is gone."""
        self._closed = True
        self._hang_up()


class _Forever:
    def __await__(self) -> Any:
        while True:
            yield


def _forever() -> _Forever:
    return _Forever()
