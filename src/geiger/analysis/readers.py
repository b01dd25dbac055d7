"""Processes that read, each a part of the logs, and end with the process that asked them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from geiger.runs.environment import threads_at_hand

Task = TypeVar("Task")


def read_apart(read: Callable[[Task], bytes], tasks: Sequence[Task]) -> Iterator[bytes]:
    """Yield what `read` gives for each task, in order, by as many processes as there are processors.

    Where one of them dies, this process reads what is left.
    """
    done = 0
    try:
        workers = max(1, min(threads_at_hand(), len(tasks) // 2))
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_serve) as pool:
            try:
                for lines in pool.map(read, tasks):
                    done += 1
                    yield lines
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    except BrokenProcessPool:
        yield from map(read, tasks[done:])


def _serve() -> None:
    """Leave Ctrl-C to the parent, and end with it, even where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent.sentinel], daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
