"""Who trains the folds: this process, one after the other; threads; processes; or one program on a GPU.

Whoever does, the folds come back in order, with the same bits. Threads and processes leave Ctrl-C to whoever
started them, who ends them.
"""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib import metadata
from itertools import islice
from typing import TypeVar

from geiger.blas import one_blas_thread
from geiger.errors import Diverged, TrainingError
from geiger.experiment.apart import prepare, train_apart
from geiger.experiment.spool import spooled
from geiger.experiment.train_fold import FoldOutput, Task, arrays_of, output_of, seeds_of, train_fold
from geiger.models import Forecaster, average
from geiger.models.halt import halting
from geiger.models.telling import known_as, listener
from geiger.processes import in_processes
from geiger.records import Epoch
from geiger.runs.environment import threads_at_hand
from geiger.settings import Config

AHEAD = 2  # folds a thread that are begun and not yet handed on
LOOK_EVERY = 0.5  # seconds
Given = TypeVar("Given")
Made = TypeVar("Made")
MEMBERS_AT_ONCE = 64  # in one program on a GPU; what is finished survives a kill


def train_all(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Generator[FoldOutput]:
    """Yield the folds in order: one after another, or of threads, or of processes, or of one program."""
    with one_blas_thread():
        yield from _trained(model, forecaster, config, tasks)


def _trained(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    if forecaster.workers == "processes" and tasks:
        if config.parallel == "vmap" or (config.parallel == "auto" and gpu_at_hand()):
            yield from _train_together(model, forecaster, config, tasks)
        else:
            yield from _train_in_processes(model, forecaster, config, tasks)
    elif forecaster.workers == "threads" and workers_for(config, len(tasks)) > 1:
        yield from _train_in_threads(model, forecaster, config, tasks)
    else:
        for task in tasks:
            yield train_fold(model, forecaster, config, task)


def workers_for(config: Config, folds: int) -> int:
    """Return how many folds are trained at a time."""
    return max(1, min(config.workers or threads_at_hand(), folds))


def gpu_at_hand() -> bool:
    """Whether JAX has a GPU; JAX is loaded only where a plug-in for one is installed."""
    if not metadata.entry_points(group="jax_plugins"):
        return False
    from geiger.models.nets.backend import DEVICE

    return DEVICE != "cpu"


def _train_in_threads(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    """Give each fold to a thread."""

    def train(task: Task) -> FoldOutput:
        return train_fold(model, forecaster, config, task)

    return in_threads(train, tasks, workers_for(config, len(tasks)))


def in_threads(work: Callable[[Given], Made], tasks: Sequence[Given], workers: int) -> Iterator[Made]:
    """Yield what each task made, in order; a few may be done before the one waited for, never all."""
    ended = threading.Event()

    def heeding(task: Given) -> Made:
        with halting(ended):
            return work(task)

    pool, left = ThreadPoolExecutor(workers, thread_name_prefix="fold"), iter(tasks)
    try:
        waiting: deque[Future[Made]] = deque(
            pool.submit(heeding, task) for task in islice(left, AHEAD * workers)
        )
        while waiting:
            output = _heard(waiting.popleft())
            waiting.extend(pool.submit(heeding, task) for task in islice(left, 1))
            yield output
    finally:  # finished, failed, closed or interrupted: every fit ends with its next tree
        ended.set()
        pool.shutdown(cancel_futures=True)


def _heard(waited: Future[Made]) -> Made:
    """Wait for a fold, and look up now and then.

    A Ctrl-C that comes between Python's last look at its signals and an endless wait is heard only when
    the wait ends.
    """
    while not wait((waited,), timeout=LOOK_EVERY).done:
        pass
    return waited.result()


def _train_in_processes(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    """Give each fold to a process of one thread; the number of processes changes no bit."""
    with ExitStack() as stack:
        to = listener()
        spool = None if to is None else stack.enter_context(spooled(to))
        place = None if spool is None else spool.folder
        train = partial(train_apart, model, forecaster, config, spool=place)
        with _deaf_to_ctrl_c():
            outputs = in_processes(
                train, tasks, workers_for(config, len(tasks)), ahead=AHEAD, prepare=prepare
            )
        try:
            for output in outputs:
                if spool is not None:  # the last epochs of a fold are told before the fold
                    spool.look()
                yield output
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # whoever stops early knows that folds are left
                outputs.close()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that start inside ignore Ctrl-C, which a terminal sends to all of them.

    This process hears it, ends them and says so once. While they start, for milliseconds, it is deaf too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _train_together(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    """Train the members of many folds in one program, and yield them before the next ones start."""
    many = max(1, MEMBERS_AT_ONCE // config.seeds)
    for i in range(0, len(tasks), many):
        yield from _train_program(model, forecaster, config, tasks[i : i + many])


def _train_program(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    started, each = time.perf_counter(), forecaster.members(config.seeds)
    arrays = [arrays_of(task.rows, config, task.fold) for task in tasks]
    members = [
        (one.train, one.valid, seed)
        for task, one in zip(tasks, arrays, strict=True)
        for seed in seeds_of(config, model, task.fold)[:each]
    ]

    def named(epoch: Epoch) -> Epoch | None:
        number, seed = divmod(epoch.seed, each)
        task = tasks[number]
        return replace(epoch, fold=task.fold.index, seed=seed) if task.told else None

    try:
        with known_as(named):
            fitted = forecaster.fit_many(members)
    except Diverged as error:
        number, seed = divmod(error.member, each)
        raise TrainingError(f"fold {tasks[number].fold.index}, seed {seed}: {error}") from error
    seconds = (time.perf_counter() - started) / len(tasks)
    for number, (task, one) in enumerate(zip(tasks, arrays, strict=True)):
        predictor = average(fitted[number * each : (number + 1) * each])
        yield output_of(task, one, predictor, seconds)
