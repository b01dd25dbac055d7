"""Processes that are taken to have grown with every task, and so are replaced after it."""

from __future__ import annotations

import os
from itertools import count

from joblib.externals.loky import process_executor

_SIZES = count(0, 10**12)


def grow(*_: object, **__: object) -> int:
    return next(_SIZES)


def prepare() -> None:
    process_executor._USE_PSUTIL, process_executor._get_memory_usage = True, grow
    process_executor._MEMORY_LEAK_CHECK_DELAY = -1.0


def work(number: int) -> tuple[int, int]:
    return number, os.getpid()
