"""What a library imports for uses that our own commands never make of it, kept from it.

LightGBM and XGBoost import scikit-learn, where it is installed, for classes in its style: a second of every
command that only grows trees. In a process that runs one of our commands nobody can ask for these classes. In
a process of the user's own somebody may, so nothing is hidden there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class _Process:
    """Whose process this is, and the lock that keeps one thread's hiding from another's."""

    ours: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)


_PROCESS = _Process()


def run_as_command() -> None:
    """Take note that this process was started as one of our commands, and does nothing else."""
    _PROCESS.ours = True


@contextmanager
def hidden(names: Sequence[str]) -> Iterator[None]:
    """Let an import inside not find these modules, in a process of ours; those loaded before are found."""
    with _PROCESS.lock:
        away = [name for name in names if _PROCESS.ours and name not in sys.modules]
        for name in away:
            sys.modules[name] = None  # type: ignore[assignment] # how Python marks what is not to be found
        try:
            yield
        finally:
            for name in away:
                del sys.modules[name]
