"""A thread for one mailbox: edges always, deciders where the configuration asks for it."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from .mailbox import Mailbox


def run_on_own_thread(
    mailbox: Mailbox, process: Callable[[Any], None], stopped: Callable[[], bool], name: str
) -> threading.Thread:
    """Start a daemon thread that processes the mailbox, item by item, until it is stopped."""
    bell: SimpleQueue[Mailbox] = SimpleQueue()
    mailbox.bell = bell.put

    def loop() -> None:
        while not stopped():
            item = bell.get().take()
            if item is not None:
                process(item)

    for _ in range(len(mailbox)):
        bell.put(mailbox)
    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
