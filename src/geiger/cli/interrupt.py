"""Ctrl-C, and the polite request to end: what a command says last, and its exit code."""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from geiger.errors import Terminated

FOLDS = "finished folds are kept"
GO_ON = {  # typed again, they take what is kept and go on from there
    "train": FOLDS,
    "backtest": FOLDS,
    "demo": FOLDS,
    "validate": FOLDS,
    "ablate": "finished trainings are kept",
    "calibrate": "what was measured is kept",
}
ENDING = 3.0  # seconds that a command has to end in peace


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the work inside as Ctrl-C does, with a last word in the log.

    A second Ctrl-C or SIGTERM close behind the first changes nothing: what ends the workers and the log is
    left to finish.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped = -math.inf

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if time.monotonic() - stopped < ENDING:
            return
        stopped = time.monotonic()
        raise Terminated("from outside (SIGTERM)") if number == signal.SIGTERM else KeyboardInterrupt

    heard = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, or someone else's
        heard.append(signal.SIGINT)
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def last_word(args: argparse.Namespace) -> str:
    """Return what a command says that was stopped: how to go on, where it keeps what was finished."""
    here = args.command == "calibrate" and args.here is not None  # worlds of one run: nothing is kept of them
    if args.command not in GO_ON or here:
        return "stopped"
    return f"stopped; {GO_ON[args.command]}, go on with: {shlex.join(['geiger', *args.words])}"


def code_of(stop: KeyboardInterrupt) -> int:
    """Return the exit code of a stopped command, as shells count: 128 and the number of the signal."""
    return 128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)
