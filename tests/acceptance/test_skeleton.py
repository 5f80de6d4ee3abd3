"""What cannot be changed later: the five properties that everything else rests on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from argo_actors.api.view import View
from argo_actors.bootstrap import deciders
from argo_actors.cli.demo import tie_out
from argo_actors.cli.simulated import AdvanceLine
from argo_actors.journal.reader import day_files, opening, records
from argo_actors.messages.order import SubmitOrder
from argo_actors.messages.signal import Signal
from argo_actors.replay.verify import verify
from argo_actors.runtime.decider import Heard
from argo_actors.runtime.folding import Folding
from tests.acceptance.worlds import daemon, make, until, world


def submitted(state: Path) -> list[SubmitOrder]:
    return [
        message
        for path in day_files(state / "journal")
        for record in records(path)
        for message in record.said
        if isinstance(message, SubmitOrder)
    ]


def first_entry(running: Any) -> bool:
    return bool(View(running).books.long_entries + View(running).books.short_entries)


def test_the_journal_of_a_threaded_live_run_verifies(tmp_path: Path) -> None:
    with world(tmp_path) as one, daemon(one, tmp_path, "supervision.dispatcher=thread") as running:
        until(lambda: first_entry(running), "an entry")
        running.pacer.pause(20)  # type: ignore[attr-defined]
    assert verify(day_files(tmp_path / "journal"), deciders).differences == ()


def test_a_restart_under_a_changed_config_keeps_the_order_already_sent(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        with daemon(one, tmp_path) as running:
            until(lambda: first_entry(running), "an entry")
            running.pacer.pause(20)  # type: ignore[attr-defined]
        before = submitted(tmp_path)
        changed = ("consensus.min_confidence=80", "trading.stop_loss_pct=2")
        with daemon(one, tmp_path, *changed) as running:
            view = View(running)
            until(lambda: view.books.ready and view.books.cycle > 30, "the second run")
            running.pacer.pause(20)  # type: ignore[attr-defined]
            assert tie_out(running, one.get("/argo/books"))["differences"] == {}
        assert submitted(tmp_path)[: len(before)] == before
        symbols = [one.symbol for one in submitted(tmp_path) if one.leg == "entry"]
        assert symbols.count(before[0].symbol) == 1, "the entry was sent again"
        assert verify(day_files(tmp_path / "journal"), deciders).differences == ()


def test_a_behaviour_that_crashes_on_a_word_costs_its_neighbours_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as one, closing(AdvanceLine(one.url)) as line:
        running = make(one, tmp_path, line=line)
        cell = running.engine.deciders["risk"]
        plain = cell.decider
        crashes: list[Heard] = []

        def evolve(state: Any, heard: Heard) -> Any:
            if isinstance(heard.message, Signal) and len(crashes) < 2:
                crashes.append(heard)
                raise ZeroDivisionError("planted")
            return plain.evolve(state, heard)

        cell.decider = plain._replace(evolve=evolve)
        running.start()
        view = View(running)
        until(lambda: view.books.cycle > 60 and len(crashes) == 2, "two crashes")
        running.pacer.pause(20)  # type: ignore[attr-defined]
        children = {child["address"]: child for group in view.tree() for child in group["children"]}
        assert children["risk"]["restarts"] == 2
        assert not any(child["restarts"] for name, child in children.items() if name != "risk")
        running.stop()
        path = day_files(tmp_path / "journal")[-1]
        folding = Folding(opening(path), deciders)
        folding.apply_all(records(path))
        assert folding.mail() == (), "words were said that nobody heard"


def test_a_hung_worker_that_wakes_late_is_refused(tmp_path: Path) -> None:
    with world(tmp_path) as one, silent_server() as url:
        settings = (f"sources.massive.base_url={url}", "sources.massive.timeout_seconds=0.3")
        with daemon(one, tmp_path, *settings) as running:
            cell = running.engine.edges["source/massive"]
            until(lambda: cell.abandoned >= 1, "an abandoned call")
            until(lambda: first_entry(running), "an entry without that source")
            assert View(running).status()["sources"]["massive"]["state"] == "backoff"
            until(lambda: cell.refused_late >= 1, "the late answer")
            assert cell.behaviour is not None


@contextmanager
def silent_server() -> Iterator[str]:
    """It takes every connection and never says a word."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []
    closing = threading.Event()

    def accept() -> None:
        while not closing.is_set():
            try:
                kept.append(listening.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        closing.set()
        listening.close()
        for one in kept:
            one.close()
