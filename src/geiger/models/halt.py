"""How a fit in a thread is told to end: Ctrl-C reaches the main thread, and nobody can end another thread.

Whoever trains in threads trains `halting` with an event; a fit calls `halt_if_asked` between any two steps.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Halted(BaseException):
    """The fit was asked to end. No failure of the model, so nothing that handles failures handles it."""


_ASKED: ContextVar[threading.Event | None] = ContextVar("asked", default=None)  # of this thread


@contextmanager
def halting(asked: threading.Event) -> Iterator[None]:
    """Let what is fitted inside, by this thread, end once `asked` is set."""
    token = _ASKED.set(asked)
    try:
        yield
    finally:
        _ASKED.reset(token)


def halted() -> bool:
    """Whether what this thread fits is to end."""
    asked = _ASKED.get()
    return asked is not None and asked.is_set()


def halt_if_asked() -> None:
    """End the fit here where that was asked for.

    Raises
    ------
    Halted
    """
    if halted():
        raise Halted
