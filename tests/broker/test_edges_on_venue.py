"""Both edges against the simulated exchange, over real sockets: a coin is bought and told."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argo_actors.broker.edge import BrokerEdge
from argo_actors.broker.gate import Gate
from argo_actors.broker.link import Link
from argo_actors.broker.stream import StreamEdge
from argo_actors.config import decode
from argo_actors.host.secrets import Pair
from argo_actors.messages.market import Asset
from argo_actors.messages.order import BrokerReady, OrderReport, PositionReport, ReadPosition
from argo_actors.runtime.alarm import ThreadAlarm
from argo_actors.runtime.clock import SteadyClock
from argo_actors.runtime.edge import EdgeCell, Port
from argo_actors.runtime.office import Office
from argo_actors.runtime.workers import ThreadWorkers
from argo_actors.units import SECOND, Decimal
from tests.broker.broker_bench import TAG, MemoryLog, entry, stop_all, until


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "argo_actors.venue", "--seed", "7", "--port", "0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [*command, "--state", str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def test_a_coin_is_bought_told_by_answer_and_stream_and_held(venue: dict[str, Any]) -> None:
    keys = Pair(venue["key_id"], venue["secret"])
    url = venue["url"]
    stream = url.replace("http", "ws", 1) + "/stream"
    settings = {
        "account": "t",
        "symbols": ["AAPL", "BTC-USD"],
        "broker": {"base_url": url, "stream_url": stream},
    }
    config = decode(json.dumps(settings))
    log, clock, link, alarm = MemoryLog(), SteadyClock(), Link(), ThreadAlarm()
    office = Office(log, clock)
    gate = Gate(config, keys, clock.now)
    gate.attach(log, str)
    errors: list[BaseException] = []
    shared: dict[str, Any] = {"config": config, "link": link, "account_tag": TAG}

    def cell(address: str, make: Any) -> None:
        workers = ThreadWorkers(6, address)
        crashed = lambda address, error, heard: errors.append(error)  # noqa: E731
        EdgeCell.start(office, address, make, crashed, alarm, workers)
        office.cells[address].revive()

    def broker(port: Port) -> BrokerEdge:
        return BrokerEdge(port, gate=gate, **shared)

    def trades(port: Port) -> StreamEdge:
        return StreamEdge(port, keys=keys, **shared)

    def said(kind: type[Any]) -> list[Any]:
        return [one for one in list(log.said) if isinstance(one, kind)]

    try:
        cell("broker", broker)
        cell("stream", trades)
        until(lambda: bool(said(BrokerReady)) and link.stream_up, f"not ready: {errors}")
        until(lambda: {asset.symbol for asset in said(Asset)} == {"AAPL", "BTC-USD"})
        order = entry(
            symbol="BTC-USD",
            qty=Decimal("0.01"),
            time_in_force="ioc",
            reference_price=Decimal(60000),
            expires_at=clock.now() + 30 * SECOND,
        )
        office.record("order/BTC-USD", (order,))
        until(
            lambda: any(
                one.status == "filled" and one.channel == "stream" for one in said(OrderReport)
            ),
            f"{said(OrderReport)}",
        )
        assert any(one.channel == "answer" for one in said(OrderReport))
        office.record("order/BTC-USD", (ReadPosition(symbol="BTC-USD", because=()),))
        until(lambda: bool(said(PositionReport)))
        assert 0 < said(PositionReport)[-1].qty <= Decimal("0.01")
        assert not errors
    finally:
        alarm.close()
        stop_all()
