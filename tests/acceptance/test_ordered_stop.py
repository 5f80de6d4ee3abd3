"""An ordered stop lets what is between two states end while market time still goes on."""

from pathlib import Path

from argo_actors.api.view import View
from argo_actors.cli.simulated import request
from argo_actors.messages.system import Operator
from tests.acceptance.worlds import daemon, until, world

SLOW_CANCELS = {"modes": {"cancel_seconds": 5.0}}


def test_a_close_that_is_under_way_ends_before_the_daemon_does(tmp_path: Path) -> None:
    with world(tmp_path, "--rate-limit", "100000") as one:
        with daemon(one, tmp_path, "clock.shutdown_seconds=60") as running:
            view = View(running)
            until(lambda: view.books.long_entries + view.books.short_entries, "an entry")
            until(lambda: one.get("/argo/books")["positions"], "a position")
            request(one.url, "POST", "/argo/faults", SLOW_CANCELS)
            running.operate(Operator(state="flatten", who="a test", why="a close takes a while"))
            until(lambda: not running.engine.settled, "a close under way")
        assert running.engine.settled
        assert one.get("/argo/books")["positions"] == {}
        assert not running.failure
