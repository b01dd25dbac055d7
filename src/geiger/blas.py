"""One thread for linear algebra whose result is kept.

On two threads a product or a decomposition has other last bits than on one, so figures would follow the
number of cores. And where other work keeps a core busy, the threads mostly wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class _Limit:
    """The process's own, whoever is inside: BLAS libraries know no limit of one thread's work alone."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    inside: int = 0
    before: dict[str, tuple[Any, int]] = field(default_factory=dict)  # file -> library, threads it had


_LIMIT = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let linear algebra have one thread inside, in every BLAS library that is loaded by then.

    The last to leave gives each its threads back, so that blocks may lie in each other or overlap in threads.
    """
    from threadpoolctl import ThreadpoolController

    with _LIMIT.lock:
        _LIMIT.inside += 1
        for library in ThreadpoolController().select(user_api="blas").lib_controllers:
            if library.filepath not in _LIMIT.before:
                _LIMIT.before[library.filepath] = library, library.num_threads
                _set(library, 1)
    try:
        yield
    finally:
        with _LIMIT.lock:
            _LIMIT.inside -= 1
            if not _LIMIT.inside:
                for library, threads in _LIMIT.before.values():
                    _set(library, threads)
                _LIMIT.before.clear()


def _set(library: Any, threads: int) -> None:
    """Set the threads of a BLAS library, whichever thread of ours did so before."""
    from threadpoolctl import OpenBLASController

    OpenBLASController.clear_controlling_thread(force=True)  # else another thread's call would do nothing
    library.set_num_threads(threads)
    OpenBLASController.clear_controlling_thread(force=True)
