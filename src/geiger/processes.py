"""Work in processes of its own; joblib keeps them for the next work and replaces one that idled or grew.

A replacement changes no result. But joblib warns of it in the thread that hands the results on: where
warnings are errors that thread dies, and whoever waits for a result waits for ever.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")
REPLACED = "A worker stopped while some jobs were given"


def in_processes(
    work: Callable[[Given], Made],
    tasks: Iterable[Given],
    workers: int,
    *,
    ahead: int = 1,
    ordered: bool = True,
    prepare: Callable[[], None] | None = None,
) -> Generator[Made]:
    """Begin at once, and return what yields the result of each task; one worker is this process itself.

    Parameters
    ----------
    ahead : int
        Tasks a worker that are taken from `tasks` before their turn.
    ordered : bool
        Whether results come in the order of the tasks, or as they are ready.
    prepare : callable, optional
        Called in each new process before its first task.
    """
    from joblib import Parallel, delayed, parallel_config

    warnings.filterwarnings("ignore", REPLACED, UserWarning)  # for good: the thread outlives any block here
    how: dict[str, Any] = {} if workers == 1 else {"inner_max_num_threads": 1, "initializer": prepare}
    with parallel_config(backend="loky", **how):
        parallel = Parallel(
            n_jobs=workers,
            return_as="generator" if ordered else "generator_unordered",
            pre_dispatch=ahead * workers,
            batch_size=1,
            max_nbytes=None,
        )
        begun: Generator[Made] = parallel(delayed(work)(task) for task in tasks)
        return begun
