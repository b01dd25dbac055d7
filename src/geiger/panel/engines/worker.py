"""A process that does the jobs that come in on its standard input, one after the other.

It ends as soon as nobody is there any more who would send another: at once, in the middle of a job as well.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from queue import SimpleQueue
from typing import BinaryIO

from geiger.hiding import run_as_command
from geiger.panel.engines.wire import receive, send
from geiger.panel.engines.work import perform


def main() -> None:
    """Do jobs until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    run_as_command()
    jobs, results = _own_streams()
    inbox: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, inbox), daemon=True).start()
    while True:
        send(results, perform(inbox.get()))


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the streams of jobs and of results; what a library prints goes elsewhere from now on."""
    jobs, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdin, sys.stdout = open(os.devnull), sys.stderr  # noqa: SIM115 - as long as the process
    return jobs, results


def _listen(jobs: BinaryIO, inbox: SimpleQueue[bytes]) -> None:
    while (content := receive(jobs)) is not None:
        inbox.put(content)
    os._exit(0)


if __name__ == "__main__":
    main()
