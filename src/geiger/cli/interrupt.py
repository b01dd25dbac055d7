"""Ctrl-C, and the polite request to end: what a command says last, and its exit code."""

from __future__ import annotations

import argparse
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from geiger.errors import Terminated

GO_ON = ("train", "backtest", "demo")  # typed again, they take the finished folds and go on from there


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the work inside as Ctrl-C does, with a last word in the log."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated("from outside (SIGTERM)")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def last_word(args: argparse.Namespace) -> str:
    """Return what a command says that was stopped: how to go on, where it keeps what was finished."""
    if args.command not in GO_ON:
        return "stopped"
    return f"stopped; finished folds are kept, go on with: {shlex.join(['geiger', *args.words])}"


def code_of(stop: KeyboardInterrupt) -> int:
    """Return the exit code of a stopped command, as shells count: 128 and the number of the signal."""
    return 128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)
