"""One fold in a process of its own, which loads what a network needs and holds little memory besides.

Keras also imports whatever it could be asked to draw, wrap or write with. No training asks for that, and it
is a third of the memory of a process that trains a network, and more than a second of its start.
"""

from __future__ import annotations

import ctypes
import sys
from functools import partial
from pathlib import Path

from geiger.experiment.spool import leave
from geiger.experiment.train_fold import FoldOutput, Task, train_fold
from geiger.models import Forecaster
from geiger.models.telling import telling
from geiger.settings import Config

# Keras does without each of them where it is not installed.
UNUSED = ("matplotlib", "sklearn", "pandas", "pyarrow", "h5py", "PIL")
# Settings of the C library of Linux, by their numbers in its malloc.h. Short-lived threads compile a program:
# each would keep what it used in a heap of its own. The thresholds are the defaults: set, they do not grow.
HEAPS, MAPPED_BYTES, KEPT_BYTES = (-8, 1), (-3, 128 * 1024), (-1, 128 * 1024)


def prepare() -> None:
    """Let a new process, which only trains, find nothing that it never uses, and give memory back at once."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # how Python marks what is not to be found
    if sys.platform == "linux" and hasattr(allocator := ctypes.CDLL(None), "mallopt"):
        for option, value in (HEAPS, MAPPED_BYTES, KEPT_BYTES):
            allocator.mallopt(option, value)


def train_apart(
    model: str, forecaster: Forecaster, config: Config, task: Task, spool: Path | None = None
) -> FoldOutput:
    """Train one fold on one thread, in a process of its own or, where there is one only, in this one.

    Epochs are left in `spool` as they happen, where there is one; see `experiment.spool`.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), telling(None if spool is None else partial(leave, spool)):
        return train_fold(model, forecaster, config, task)
